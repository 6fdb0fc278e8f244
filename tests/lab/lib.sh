# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2120 # the cases use these names
#
# Functions for the cases, inside the guest. From tests/lab/run: LAB (this folder), BUILD,
# GLINTD, LOOP, VARIANT; from the guest: LAB_OUT, LAB_KIND.
set -euo pipefail

DEVICE=/dev/video0
SOCK=/run/glint.sock
SERVICE_LOG=$LAB_OUT/glintd.log
PICTURE=$BUILD/tests/lab/picture
GLINTD_PID=
# Time limits end only what hangs. Each is given as the time that an idle host needs at most; the
# real limit is ten times as long, and longer in QEMU, where code is 15 times slower.
PATIENCE=10
[ "$LAB_KIND" != vm ] || PATIENCE=60

# All paths in the state that the cases use. The word none stands for an empty value.
ONLINE=result.source.online
WIDTH=result.source.resolution.width
HEIGHT=result.source.resolution.height
CAPTURED_FPS=result.source.captured_fps
REASON=result.glint.source.reason
DRIVER=result.glint.device.driver
FOURCC=result.glint.format.fourcc
BACKEND=result.glint.loop.backend
SEEN=result.glint.ledger.seen
CORRUPT=result.glint.ledger.corrupt
DROPPED=result.glint.ledger.driver_dropped
UNACCOUNTED=result.glint.ledger.unaccounted

# Never readable: "pause" waits on it, because starting a sleep program takes long.
exec {NEVER}<> <(:)
pause() { read -rt "$1" -u "$NEVER" || true; }

coproc CLIENT { exec "$LAB/client"; }

# --- Failures -------------------------------------------------------

note() { printf '%s\n' "$*"; }

fail()
{
	note "FAILED: $*"
	if [ -s "$SERVICE_LOG" ]; then
		note "the end of the service's log:"
		tail -n 20 "$SERVICE_LOG"
	fi
	exit 1
}

skip()
{
	note "skipped: $*"
	exit 77
}

# expect WHAT COMMAND...: WHAT is a sentence that is false if COMMAND fails.
expect()
{
	local what=$1
	shift
	"$@" || fail "$what: $*"
}

equal() { [ "$1" = "$2" ] || { note "'$1' is not '$2'"; return 1; }; }
at_least() { [ "$1" -ge "$2" ] || { note "$1 is less than $2"; return 1; }; }

# --- The service ------------------------------------------------------------------

# ask COMMAND...: sets REPLY to the client's answer. See tests/lab/client.
ask()
{
	printf '%s %s\n' "$SOCK" "$*" >&"${CLIENT[1]}"
	IFS= read -r REPLY <&"${CLIENT[0]}" || fail "the lab's client is gone"
}

# state PATH: prints the value. In a $(...) that costs a process, in UML a tenth of a second.
state() { ask state "$1"; note "$REPLY"; }

# expect_state WHAT PATH VALUE
expect_state()
{
	ask state "$2"
	expect "$1" equal "$REPLY" "$3"
}

# await_state PATH TEST SECONDS: TEST is VALUE, none, !VALUE or '>NUMBER'.
await_state()
{
	ask await "$1" "$2" $(($3 * PATIENCE))
	[ "$REPLY" = ok ] || fail "$REPLY, waited for $2"
}

# start_glintd ARG...: sets GLINTD_PID. GLINTD may be a command with arguments.
start_glintd()
{
	local i
	[ ! -e "$SOCK" ] || rm -f "$SOCK"
	# shellcheck disable=SC2086 # a command with arguments
	UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
		$GLINTD --unix "$SOCK" --loop "$LOOP" "$@" >>"$SERVICE_LOG" 2>&1 &
	GLINTD_PID=$!
	for ((i = 0; i < 20 * PATIENCE; i++)); do
		[ ! -S "$SOCK" ] || return 0
		kill -0 "$GLINTD_PID" 2>/dev/null || break
		pause 0.1
	done
	fail "glintd does not listen"
}

# glintd must end by itself with exit code 0; the case's time limit ends one that hangs.
stop_glintd()
{
	local status=0
	kill -TERM "$GLINTD_PID" || fail "glintd has ended by itself"
	wait "$GLINTD_PID" || status=$?
	GLINTD_PID=
	[ $status = 0 ] || fail "glintd ended with exit code $status"
}

# await_log PATTERN: a thread writes the log, so a line may come after the state that it tells of. Lines
# of one kind are held back for up to a second, so their number says nothing.
await_log()
{
	local i
	for ((i = 0; i < 20 * PATIENCE; i++)); do
		! grep -q "$1" "$SERVICE_LOG" || return 0
		pause 0.1
	done
	fail "the log does not say: $1"
}

alive() { kill -0 "$GLINTD_PID" 2>/dev/null || fail "glintd is gone"; }

# --- Pictures ---------------------------------------------------------------------

# snapshot FILE [QUERY]: the headers go to FILE.headers.
snapshot()
{
	ask snapshot "$@"
	[ "$REPLY" = ok ] || fail "there is no snapshot: $REPLY"
}

# live_snapshot FILE: snapshots until one is live.
live_snapshot()
{
	local i
	for ((i = 0; i < 10 * PATIENCE; i++)); do
		snapshot "$1"
		[ "$(header "$1" X-UStreamer-Online)" != true ] || return 0
		pause 0.1
	done
	fail "no snapshot is live"
}

# The same as snapshot with curl, an independent client, whose start takes longer than the reply.
snapshot_by_curl()
{
	curl -sS --max-time $((5 * PATIENCE)) --unix-socket "$SOCK" -D "$1.headers" -o "$1" \
		"http://lab/snapshot${2:-}" || fail "curl cannot get a snapshot"
}

# header FILE NAME: prints its value.
header()
{
	local name value
	while IFS=': ' read -r name value; do
		if [ "${name,,}" = "${2,,}" ]; then
			note "${value%$'\r'}"
			return
		fi
	done <"$1.headers"
}

# stream_frames N DIR: reads N parts, and keeps the last picture as DIR/last.jpg. What
# tests/lab/client counts goes here:
STREAM_parts=0 STREAM_live=0 STREAM_first=0 STREAM_last=0 STREAM_gaps=0 STREAM_backwards=0
stream_frames()
{
	local word
	mkdir -p "$2"
	ask stream "$1" "$2/last.jpg"
	[[ $REPLY == parts=* ]] || fail "the stream ends: $REPLY"
	for word in $REPLY; do
		printf -v "STREAM_${word%%=*}" %s "${word#*=}"
	done
}

# more WHAT: each client of "ask clients" gets more pictures.
more()
{
	local before i
	ask received
	before=$REPLY
	for ((i = 0; i < 10 * PATIENCE; i++)); do
		ask received
		[[ $REPLY != *[!0-9]* ]] || fail "$1: $REPLY"
		[ "$REPLY" -lt $((before + 3)) ] || return 0
		pause 0.1
	done
	fail "$1: only $((REPLY - before)) more pictures came"
}

# expect_size FILE WxH; expect_bars FILE ARG...
expect_size() { expect "the picture has the size" equal "$("$PICTURE" "$1" size)" "$2"; }

# vivid's pattern 0 has an amplitude of 75 %.
expect_bars()
{
	local file=$1
	shift
	expect "the picture shows the colour bars" "$PICTURE" "$file" bars --level 191 "$@"
}

# --- vivid ------------------------------------------------------------------------

vivid_ctl() { v4l2-ctl -d "$DEVICE" -c "$1=$2" || fail "vivid has no $1"; }

# A button: setting it is the action.
vivid_press() { vivid_ctl "$1" 1; }

# Removes the text from the picture.
vivid_plain() { vivid_ctl osd_text_mode 2; }

# platform WHAT: binds or unbinds the driver, as if the device were plugged or pulled.
platform() { echo vivid.0 >"/sys/bus/platform/drivers/vivid/$1"; }

expect_nothing_unaccounted()
{
	expect_state "every frame is accounted for" $UNACCOUNTED 0
}

# --- The end ----------------------------------------------------------------------

lab_end()
{
	local status=$?
	[ -z "$GLINTD_PID" ] || kill -KILL "$GLINTD_PID" 2>/dev/null || true
	exit $status
}
trap lab_end EXIT
