#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid:
# loops: uring epoll
# heavy: */epoll/*
# timeout: 900
#
# An HDMI receiver on a board with a media controller: EDID, timings and events on a subdevice. The
# service writes the EDID at start, enables the link, follows the sizes, and names each fault of the
# signal, with a stream and a wait attached.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
. "$LAB/../kmod/vbridge.sh"

MEDIA_PATH=result.glint.media.path

# follows ITEM WxH: the source changes, and the next pictures have the new size.
follows()
{
	vbridge_source "$1"
	await_state $WIDTH "${2%x*}" 3
	await_state $ONLINE true 3
	live_snapshot "$LAB_OUT/$2.jpg"
	expect_size "$LAB_OUT/$2.jpg" "$2"
	more "the stream goes on at $2"
}

# lost ITEM REASON: the source loses its signal, and a wait ends when it is back.
lost()
{
	vbridge_source "$1"
	await_state $REASON "$2" 2
	snapshot "$LAB_OUT/$2.jpg"
	expect "the picture says why" equal "$(header "$LAB_OUT/$2.jpg" X-Glint-Reason)" "$2"
	timings_are 640x480p59.94 none "$2"
	"$BUILD/glint" -s "$SOCK" -t 60 wait live >/dev/null &
	wait_pid=$!
	pause 0.2
	vbridge_source "$SOURCE_480P"
	wait "$wait_pid" || fail "a wait for the signal ends with $?"
	await_state $ONLINE true 3
	more "the stream goes on after $2"
}

# timings_are PRESENT SIGNAL REASON: what GET /timings says; none: null.
timings_are()
{
	local reply
	reply=$(curl -sS --max-time $((5 * PATIENCE)) --unix-socket "$SOCK" http://lab/timings) ||
		fail "no timings"
	/usr/bin/python3 - "$reply" "$@" <<'END' || fail "the timings are: $reply"
import json, sys
result = json.loads(sys.argv[1])["result"]
name = {key: result[key]["name"] if result[key] else "none" for key in ("present", "signal")}
listed = {entry["name"] for entry in result["timings"]}
assert [name["present"], name["signal"], result["signal_reason"] or "none"] == sys.argv[2:5], name
assert {"1280x720p60", "1920x1080p60"} <= listed, listed
END
}

vbridge_load
vbridge_source "$SOURCE_480P"
start_glintd -d "$VBRIDGE_NODE" --edid 720p60
await_state $ONLINE true 5
expect_state "the path is found" "$MEDIA_PATH" '["vbridge hdmi", "vbridge csi2", "vbridge capture"]'
expect "the EDID is on the subdevice" equal \
	"$(v4l2-ctl -d "$VBRIDGE_HDMI" --get-edid=format=raw 2>/dev/null | head -c 8 | od -An -tx1 | tr -d ' ')" \
	00ffffffffffff00
expect "the size is the signal's" equal "$(state $WIDTH)x$(state $HEIGHT)" 640x480
ask clients 1

follows "$SOURCE_720P" 1280x720
follows "$SOURCE_1080P" 1920x1080
timings_are 1920x1080p60 1920x1080p60 none

# Forced: the receiver keeps them whatever the signal is, and takes no others for a client.
"$BUILD/glint" --socket "$SOCK" set timings=720p60 || fail "the timings cannot be forced"
await_state $REASON !none 5
timings_are 1280x720p60 1920x1080p60 none
vbridge_source "$SOURCE_720P"
await_state $ONLINE true 5
timings_are 1280x720p60 1280x720p60 none
more "the forced timings are those of the signal"
! "$BUILD/glint" --socket "$SOCK" set timings=640x480p61 2>"$LAB_OUT/refused" ||
	fail "timings that the receiver lacks are taken"
grep -q "it has no such timings; it has" "$LAB_OUT/refused" || fail "$(<"$LAB_OUT/refused")"
"$BUILD/glint" --socket "$SOCK" set timings=follow
follows "$SOURCE_480P" 640x480

# Another EDID for a running stream, on the subdevice.
"$BUILD/glint" --socket "$SOCK" edid set 1080p60 || fail "the EDID cannot be changed"
"$BUILD/glint" --socket "$SOCK" edid get >"$LAB_OUT/edid.txt"
grep -q 1920x1080 "$LAB_OUT/edid.txt" || fail "the EDID is not the new one: $(<"$LAB_OUT/edid.txt")"
await_state $ONLINE true 5
more "after another EDID"

# Without a source the cable has no 5 V.
lost "$SOURCE_NONE" unpowered
lost "$SOURCE_NO_LOCK" no-lock
lost "$SOURCE_OUT_OF_RANGE" out-of-range

# Another program has disabled the link while the signal was away: the next start enables it.
vbridge_source "$SOURCE_NONE"
await_state $REASON unpowered 2
vbridge_link 0
vbridge_source "$SOURCE_480P"
await_state $ONLINE true 3
more "the stream goes on after the link was disabled"

# The board goes away under the stream, and comes back without EDID and link.
echo vbridge.0 >"$VBRIDGE_DRIVER/unbind"
await_state $REASON no-device 2
echo vbridge.0 >"$VBRIDGE_DRIVER/bind"
vbridge_find
await_state $REASON unpowered 5
vbridge_source "$SOURCE_480P"
await_state $ONLINE true 5
more "the stream goes on after the board was unbound"

ask received
expect "the client was served through all of it" at_least "$REPLY" 10
alive
expect_nothing_unaccounted
rmmod vbridge 2>/dev/null && fail "the module can be unloaded under a stream"
stop_glintd
rmmod vbridge || fail "something still holds the module"
