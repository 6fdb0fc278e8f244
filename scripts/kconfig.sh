#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Configurations without and with Kconfig tools. Plain sh and awk are enough to build any complete
# configuration; the tools serve to choose one.
#
#   kconfig.sh sync  DIR		DIR/.config -> auto.conf (make) and autoconf.h (C)
#   kconfig.sh use   DIR FILE		FILE -> DIR/.config
#   kconfig.sh tool  DIR COMMAND	menuconfig, oldconfig, olddefconfig, randconfig ...
#   kconfig.sh save  DIR FILE		DIR/.config -> FILE, every option listed
set -eu

die()
{
	echo "kconfig: $*" >&2
	exit 1
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

# Debian's module needs Debian's python3, which may not be the first in PATH.
kconfiglib()
{
	[ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import kconfiglib' 2>/dev/null
}

run_tool()
{
	case $1 in
	menuconfig)
		if kconfiglib; then /usr/bin/python3 -m menuconfig Kconfig
		elif have kconfig-mconf; then kconfig-mconf Kconfig
		else die "$1 needs a package: apt-get install python3-kconfiglib"
		fi ;;
	randconfig)
		if kconfiglib; then /usr/bin/python3 scripts/randconfig.py
		elif have kconfig-conf; then kconfig-conf --randconfig Kconfig >/dev/null
		else die "$1 needs a package: apt-get install python3-kconfiglib"
		fi ;;
	*)
		if kconfiglib; then /usr/bin/python3 -m "$1" Kconfig
		elif have kconfig-conf; then kconfig-conf "--$1" Kconfig
		else die "$1 needs a package: apt-get install python3-kconfiglib"
		fi ;;
	esac
}

# Completes the configuration, if a Kconfig tool is installed.
settle()
{
	if kconfiglib || have kconfig-conf; then
		log=$(run_tool olddefconfig 2>&1) || die "$log"
	fi
}

# Leaves an unchanged $2 alone, so that nothing is built again.
update()
{
	if cmp -s "$1" "$2"; then
		rm "$1"
	else
		mv "$1" "$2"
	fi
}

# Checks a .config written by hand for conflicts that Kconfig prevents.
check()
{
	grep -q '^CONFIG_LOOP_[A-Z]*=y' "$KCONFIG_CONFIG" ||
		die "switch on CONFIG_LOOP_URING or CONFIG_LOOP_EPOLL in $KCONFIG_CONFIG"
	[ "$(grep -c '^CONFIG_[AT]SAN=y' "$KCONFIG_CONFIG")" -lt 2 ] ||
		die "CONFIG_ASAN and CONFIG_TSAN exclude one another: see $KCONFIG_CONFIG"
}

sync()
{
	[ -e "$dir/.config" ] || use configs/default_defconfig
	settle
	check
	mkdir -p "$dir/include/config" "$dir/include/generated"

	awk -F= '/^CONFIG_[A-Z0-9_]+=/ && $2 != "n" { print }' "$KCONFIG_CONFIG" \
		>"$dir/include/config/auto.conf"
	awk '
	BEGIN { print "/* Made from .config, do not edit. */" }
	/^CONFIG_[A-Z0-9_]+=/ {
		name = substr($0, 1, index($0, "=") - 1)
		value = substr($0, index($0, "=") + 1)
		if (value != "n")
			print "#define " name " " (value == "y" ? "1" : value)
	}' "$KCONFIG_CONFIG" >"$dir/include/generated/autoconf.h.new"
	update "$dir/include/generated/autoconf.h.new" "$dir/include/generated/autoconf.h"
}

use()
{
	[ -e "$1" ] || die "there is no $1; make help lists the configurations"
	mkdir -p "$dir"
	cp "$1" "$dir/.config"
}

# A complete configuration, in the order of the Kconfig files.
save()
{
	awk -v config="$dir/.config" '
	BEGIN {
		print "# SPDX-License-Identifier: MIT"
		while ((getline line < config) > 0)
			if (line ~ /^CONFIG_/)
				set[substr(line, 1, index(line, "=") - 1)] = line
	}
	function read_file(file,    line, word) {
		while ((getline line < file) > 0) {
			split(line, word)
			if (word[1] == "source")
				read_file(substr(word[2], 2, length(word[2]) - 2))
			else if (word[1] == "config" && (("CONFIG_" word[2]) in set))
				print set["CONFIG_" word[2]]
			else if (word[1] == "config")
				print "# CONFIG_" word[2] " is not set"
		}
		close(file)
	}
	BEGIN { read_file("Kconfig") }' >"$1"
	echo "saved $1"
}

[ $# -ge 2 ] || die "usage: kconfig.sh sync|use|tool|save DIR [ARG]"
command=$1
dir=$2
export KCONFIG_CONFIG="$dir/.config"

case $command in
sync)	sync ;;
use)	use "$3" ;;
tool)	mkdir -p "$dir"; run_tool "$3" ;;
save)	save "$3" ;;
*)	die "unknown command $command" ;;
esac
