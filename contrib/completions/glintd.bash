# bash completion for glintd
# Made by scripts/make-completions: do not edit.

_glintd()
{
	local current=$2 previous=$3 word command=
	COMPREPLY=()
	case $previous in
	--device|-d) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--input|-i) return ;;
	--resolution|-r) return ;;
	--format|-m) return ;;
	--tv-standard|-a) COMPREPLY=($(compgen -W "PAL NTSC SECAM" -- "$current")); return ;;
	--timings) return ;;
	--edid) return ;;
	--media-device) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--media-entity-name) return ;;
	--desired-fps|-f) return ;;
	--buffers|-b) return ;;
	--memory) COMPREPLY=($(compgen -W "auto driver dma-heap drm-dumb udmabuf" -- "$current")); return ;;
	--deinterlace) COMPREPLY=($(compgen -W "weave bob" -- "$current")); return ;;
	--capture-fps) return ;;
	--warm-up) return ;;
	--idle) COMPREPLY=($(compgen -W "stream stop" -- "$current")); return ;;
	--min-frame-size|-z) return ;;
	--device-timeout) return ;;
	--device-error-delay) return ;;
	--offline-when) COMPREPLY=($(compgen -W "none card black frozen" -- "$current")); return ;;
	--cards) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--card-tolerance) return ;;
	--black-level) return ;;
	--frozen-after) return ;;
	--frozen-noise) return ;;
	--test-fps) return ;;
	--control) return ;;
	--brightness) return ;;
	--contrast) return ;;
	--saturation) return ;;
	--hue) return ;;
	--gamma) return ;;
	--sharpness) return ;;
	--backlight-compensation) return ;;
	--white-balance) return ;;
	--gain) return ;;
	--color-effect) return ;;
	--rotate) return ;;
	--flip-vertical) return ;;
	--flip-horizontal) return ;;
	--encoder|-c) COMPREPLY=($(compgen -W "AUTO CPU HW M2M-IMAGE M2M-VIDEO" -- "$current")); return ;;
	--m2m-device) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--quality|-q) return ;;
	--chroma) COMPREPLY=($(compgen -W "420 source" -- "$current")); return ;;
	--range) COMPREPLY=($(compgen -W "expand keep" -- "$current")); return ;;
	--workers|-w) return ;;
	--unix|-U) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--unix-mode|-M) return ;;
	--host|-s) return ;;
	--port|-p) return ;;
	--user) return ;;
	--passwd) return ;;
	--static) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--allow-origin) return ;;
	--allow-host) return ;;
	--instance-id) return ;;
	--server-timeout) return ;;
	--clients-max) return ;;
	--drop-same-frames|-e) return ;;
	--fake-resolution|-R) return ;;
	--record) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--record-memory) return ;;
	--record-disk) return ;;
	--record-pre) return ;;
	--record-post) return ;;
	--record-on) return ;;
	--record-what) COMPREPLY=($(compgen -W "frames jpeg" -- "$current")); return ;;
	--record-overlap) COMPREPLY=($(compgen -W "extend separate" -- "$current")); return ;;
	--record-gpio) return ;;
	--record-gpio-out) return ;;
	--replay-speed) return ;;
	--replay-faults) return ;;
	--config) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--compat) COMPREPLY=($(compgen -W "none ustreamer" -- "$current")); return ;;
	--loop) COMPREPLY=($(compgen -W "auto uring epoll" -- "$current")); return ;;
	--cpus) return ;;
	--realtime) return ;;
	--exit-on-no-clients) return ;;
	--process-name-prefix) return ;;
	--log-level) return ;;
	--io-method|-I) COMPREPLY=($(compgen -W "MMAP USERPTR" -- "$current")); return ;;
	--jpeg-sink) return ;;
	--jpeg-sink-mode) return ;;
	--jpeg-sink-client-ttl) return ;;
	--jpeg-sink-timeout) return ;;
	--sink) return ;;
	--sink-mode) return ;;
	--sink-client-ttl) return ;;
	--sink-timeout) return ;;
	--raw-sink) return ;;
	--raw-sink-mode) return ;;
	--raw-sink-client-ttl) return ;;
	--raw-sink-timeout) return ;;
	--h264-sink) return ;;
	--h264-sink-mode) return ;;
	--h264-sink-client-ttl) return ;;
	--h264-sink-timeout) return ;;
	--h264-bitrate) return ;;
	--h264-gop) return ;;
	--h264-m2m-device) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--gpio-device) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--gpio-consumer-prefix) return ;;
	--gpio-prog-running) return ;;
	--gpio-stream-online) return ;;
	--gpio-has-http-clients) return ;;
	--glitched-resolutions|-g) return ;;
	--blank|-k) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--last-as-blank|-K) return ;;
	esac
	COMPREPLY=($(compgen -W "--device --input --resolution --format --format-swap-rgb --tv-standard --dv-timings --timings --edid --media-device --media-entity-name --desired-fps --buffers --memory --deinterlace --capture-fps --warm-up --idle --min-frame-size --allow-truncated-frames --persistent --device-timeout --device-error-delay --offline-when --cards --card-tolerance --black-level --frozen-after --frozen-noise --test-fps --image-default --control --brightness --contrast --saturation --hue --gamma --sharpness --backlight-compensation --white-balance --gain --color-effect --rotate --flip-vertical --flip-horizontal --encoder --m2m-device --quality --chroma --range --workers --unix --unix-rm --unix-mode --host --port --systemd --user --passwd --static --allow-origin --allow-host --instance-id --server-timeout --clients-max --strict --drop-same-frames --fake-resolution --tcp-nodelay --record --record-memory --record-disk --record-pre --record-post --record-on --record-what --record-overlap --record-gpio --record-gpio-out --replay-speed --replay-loop --replay-paused --replay-faults --config --compat --loop --cpus --realtime --exit-on-parent-death --exit-on-device-error --exit-on-no-clients --process-name-prefix --notify-parent --log-level --perf --verbose --debug --force-log-colors --no-log-colors --help --version --features --io-method --slowdown --jpeg-sink --jpeg-sink-mode --jpeg-sink-rm --jpeg-sink-client-ttl --jpeg-sink-timeout --sink --sink-mode --sink-rm --sink-client-ttl --sink-timeout --raw-sink --raw-sink-mode --raw-sink-rm --raw-sink-client-ttl --raw-sink-timeout --h264-sink --h264-sink-mode --h264-sink-rm --h264-sink-client-ttl --h264-sink-timeout --h264-bitrate --h264-gop --h264-m2m-device --h264-boost --v4p --gpio-device --gpio-consumer-prefix --gpio-prog-running --gpio-stream-online --gpio-has-http-clients --glitched-resolutions --blank --last-as-blank" -- "$current"))
}
complete -o bashdefault -F _glintd glintd
