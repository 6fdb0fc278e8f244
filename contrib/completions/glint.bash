# bash completion for glint
# Made by scripts/make-completions: do not edit.

_glint()
{
	local current=$2 previous=$3 word command=
	COMPREPLY=()
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in
		state|snapshot|mark|compare|stream|set|wait|latency|events|controls|edid|timings|record|clip|devices|media|help) command=$word; break ;;
		esac
	done
	case $command in
	state)
		case $previous in
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--json --socket --timeout --help --usage --version" -- "$current"))
		return ;;
	snapshot)
		case $previous in
		--after) return ;;
		--crop) return ;;
		--format) return ;;
		--guarantee) return ;;
		--output|-o) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--receipt) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--scale) return ;;
		--since) return ;;
		--stream) return ;;
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--timeout|-t) return ;;
		--wait) return ;;
		esac
		COMPREPLY=($(compgen -W "--after --any --crop --format --guarantee --json --output --receipt --scale --since --stream --strict --socket --timeout --wait --help --usage --version" -- "$current"))
		return ;;
	mark)
		case $previous in
		--keep) return ;;
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--json --keep --list --remove --socket --timeout --help --usage --version" -- "$current"))
		return ;;
	compare)
		case $previous in
		--crop) return ;;
		--pixels) return ;;
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--tolerance) return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--crop --json --pixels --socket --tolerance --timeout --help --usage --version" -- "$current"))
		return ;;
	stream)
		case $previous in
		--count|-n) return ;;
		--output|-o) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--any --count --output --socket --timeout --help --usage --version" -- "$current"))
		return ;;
	set)
		case $previous in
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--json --socket --timeout --help --usage --version" -- "$current"))
		return ;;
	wait)
		case $previous in
		--at) return ;;
		--exclude) return ;;
		--frames) return ;;
		--hash) return ;;
		--margin) return ;;
		--metric) return ;;
		--min-size) return ;;
		--reference) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--region) return ;;
		--scale) return ;;
		--similarity) return ;;
		--since) return ;;
		--stable) return ;;
		--stable-timeout) return ;;
		--start-timeout) return ;;
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--threshold) return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--all --at --differs --exclude --frames --hash --json --margin --metric --min-size --reference --region --scale --similarity --since --stable --stable-timeout --start-timeout --socket --threshold --timeout --help --usage --version" -- "$current"))
		return ;;
	latency)
		case $previous in
		--exclude) return ;;
		--metric) return ;;
		--min-size) return ;;
		--count|-n) return ;;
		--region) return ;;
		--run) return ;;
		--scale) return ;;
		--settle) return ;;
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--threshold) return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--exclude --json --metric --min-size --count --region --run --scale --settle --socket --threshold --timeout --help --usage --version" -- "$current"))
		return ;;
	events)
		case $previous in
		--last-id|-l) return ;;
		--count|-n) return ;;
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--timeout|-t) return ;;
		--type|-T) return ;;
		--within|-w) return ;;
		esac
		COMPREPLY=($(compgen -W "--all --json --last-id --count --socket --timeout --type --within --help --usage --version" -- "$current"))
		return ;;
	controls)
		case $previous in
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--json --socket --timeout --help --usage --version" -- "$current"))
		return ;;
	edid)
		case $previous in
		--output|-o) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--json --output --socket --timeout --help --usage --version" -- "$current"))
		return ;;
	timings)
		case $previous in
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--timeout|-t) return ;;
		esac
		COMPREPLY=($(compgen -W "--json --socket --timeout --help --usage --version" -- "$current"))
		return ;;
	record)
		case $previous in
		--at) return ;;
		--give-up) return ;;
		--hash) return ;;
		--margin) return ;;
		--max-wait) return ;;
		--name) return ;;
		--place) return ;;
		--post) return ;;
		--pre) COMPREPLY=($(compgen -W "500ms 2s" -- "$current")); return ;;
		--reference) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--region) return ;;
		--similarity) return ;;
		--stable) return ;;
		--stop) return ;;
		--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--threshold) return ;;
		--timeout|-t) return ;;
		--until) return ;;
		--when) return ;;
		esac
		COMPREPLY=($(compgen -W "--at --differs --give-up --hash --json --list --margin --max-wait --name --no-wait --place --post --pre --reference --region --similarity --stable --stop --socket --threshold --timeout --until --when --help --usage --version" -- "$current"))
		return ;;
	clip)
		case $previous in
		--from) return ;;
		--format|-f) return ;;
		--html) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--output|-o) COMPREPLY=($(compgen -f -- "$current")); return ;;
		--to) return ;;
		esac
		COMPREPLY=($(compgen -W "--from --format --html --json --missing --output --to --help --usage --version" -- "$current"))
		return ;;
	devices)
		case $previous in
		esac
		COMPREPLY=($(compgen -W "--json --help --usage --version" -- "$current"))
		return ;;
	media)
		case $previous in
		--media-entity-name|-e) return ;;
		esac
		COMPREPLY=($(compgen -W "--media-entity-name --json --help --usage --version" -- "$current"))
		return ;;
	help)
		COMPREPLY=($(compgen -W "state snapshot mark compare stream set wait latency events controls edid timings record clip devices media help" -- "$current"))
		return ;;
	esac
	case $previous in
	--socket|-s) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--timeout|-t) return ;;
	esac
	COMPREPLY=($(compgen -W "state snapshot mark compare stream set wait latency events controls edid timings record clip devices media help --socket --timeout --help --usage --version" -- "$current"))
}
complete -o bashdefault -F _glint glint
