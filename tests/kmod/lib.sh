# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2119,SC2120 # the cases use these names
#
# Functions for the cases of tests/lab with vjpeg. Source tests/lab/lib.sh first.
KMOD=$(dirname "$LAB")/kmod
M2M=$BUILD/tests/lab/m2m-client
M2M_LOG=$LAB_OUT/m2m-client
M2M_PID=
# The place where tests/kmod/build puts the module.
VJPEG_KERNEL=$(dirname "$LAB_MODULES")
VJPEG_KO=$(dirname "$VJPEG_KERNEL")/kmod/$(basename "$VJPEG_KERNEL")/vjpeg/vjpeg.ko
VJPEG_LOADER=
VJPEG_DRIVER=/sys/bus/platform/drivers/vjpeg
VJPEG_FAMILIES='generic hantro imx-jpeg mtk-jpeg s5p-jpeg rcar-jpu e5010 coda bcm2835'

[ -e "$VJPEG_KO" ] || skip "vjpeg is not built for this kernel: tests/kmod/build"
[ -z "$(find "$KMOD/vjpeg" -name '*.[ch]' -newer "$VJPEG_KO")" ] ||
	fail "vjpeg is older than its source: tests/kmod/build"
[ -x "$M2M" ] || fail "$M2M is not built"

# vjpeg_try_load PARAMETER=VALUE...: loads vjpeg, and the modules that it needs once.
vjpeg_try_load()
{
	if [ -n "$VJPEG_LOADER" ]; then
		insmod "$VJPEG_KO" "$@"
	else
		"$KMOD/load" "$VJPEG_KO" "$@" && VJPEG_LOADER=insmod
	fi
}

vjpeg_load() { vjpeg_try_load "$@" || fail "vjpeg does not load with $*"; }

# Tries repeatedly: a killed process may still be closing the device.
vjpeg_unload()
{
	local i
	for ((i = 0; i < 10 * PATIENCE; i++)); do
		if rmmod vjpeg 2>/dev/null; then return; fi
		sleep 0.1
	done
	fail "vjpeg cannot be unloaded"
}

# vjpeg_find [DEVICE]: sets VJPEG_NODE, to "" if the node is missing. Unlike vjpeg_node it starts no
# process, which takes long in User-Mode Linux.
vjpeg_find()
{
	local node
	VJPEG_NODE=
	for node in "/sys/bus/platform/devices/${1:-vjpeg.0}"/video4linux/video*; do
		[ ! -e "$node" ] || VJPEG_NODE=/dev/${node##*/}
	done
}

vjpeg_node() { vjpeg_find "$@"; note "$VJPEG_NODE"; }

# vjpeg_ctl NAME VALUE; see docs/VIRTUAL-HARDWARE.md for the names.
vjpeg_ctl()
{
	v4l2-ctl -d "$(vjpeg_node)" -c "$1=$2" || fail "vjpeg has no control $1"
}

# --- The client -------------------------------------------------------------------

# m2m ARG...: runs the client; sets M2M_STATUS, M2M_ERROR (its message) and, from its output,
# M2M_good, M2M_psnr, ...
m2m()
{
	M2M_STATUS=0
	vjpeg_find
	"$M2M" -d "$VJPEG_NODE" "$@" >"$M2M_LOG" 2>"$M2M_LOG.err" || M2M_STATUS=$?
	m2m_read
}

m2m_read()
{
	local line word
	# A word missing in the output must not keep its previous value.
	unset M2M_{frames,good,damaged,wrong_size,worse,errors,size,sampling,bytes,psnr,reference}
	unset M2M_{elapsed_ms,slowest_ioctl_ms,slowest_poll_ms}
	IFS= read -r M2M_ERROR <"$M2M_LOG.err" || true
	while IFS= read -r line; do
		[[ $line == frames=* ]] || continue
		for word in $line; do
			printf -v "M2M_${word%%=*}" %s "${word#*=}"
		done
	done <"$M2M_LOG"
}

# m2m_good ARG...: asserts that all frames are as good as libjpeg-turbo's.
m2m_good()
{
	m2m "$@"
	[ $M2M_STATUS = 0 ] || fail "m2m-client $*: $(cat "$M2M_LOG" "$M2M_LOG.err")"
}

# m2m_refused ERROR ARG...: asserts that the client ends with an ioctl's error, such as
# "VIDIOC_QBUF: Bad address".
m2m_refused()
{
	local message=$1
	shift
	m2m "$@"
	expect "m2m-client $* is refused" equal "$M2M_ERROR" "m2m-client: $message"
}

# m2m_start ARG...: runs the client in the background; returns when it streams.
m2m_start()
{
	local i
	: >"$M2M_LOG"
	vjpeg_find
	"$M2M" -d "$VJPEG_NODE" "$@" >"$M2M_LOG" 2>"$M2M_LOG.err" &
	M2M_PID=$!
	for ((i = 0; i < 20 * PATIENCE; i++)); do
		! grep -q streaming "$M2M_LOG" || return 0
		kill -0 "$M2M_PID" 2>/dev/null || break
		sleep 0.05
	done
	fail "m2m-client $* does not stream: $(<"$M2M_LOG.err")"
}

# The client must end by itself; sets M2M_STATUS and the other results.
m2m_wait()
{
	M2M_STATUS=0
	wait "$M2M_PID" || M2M_STATUS=$?
	M2M_PID=
	m2m_read
}

m2m_kill()
{
	kill -KILL "$M2M_PID"
	wait "$M2M_PID" 2>/dev/null || true
	M2M_PID=
}

# m2m_told: asserts that the client has ended by itself because the device is gone.
m2m_told()
{
	m2m_wait
	case $M2M_ERROR in
	*'No such device' | *'Input/output error')	;;
	*)	fail "a client is not told that its device is gone, but: $M2M_STATUS '$M2M_ERROR'" ;;
	esac
}
