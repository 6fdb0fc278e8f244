#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 num_inputs=4 input_types=0xe4
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# The EDID of an HDMI input that is not the device's first: at the start, by a running service that
# must stop its stream for it, removed and back, refused, and again after a replug.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

readonly HDMI=3 SELECTED=4 P720_60=9

glint() { "$BUILD/glint" --socket "$SOCK" --timeout $((5 * PATIENCE)) "$@"; }

# shown WORDS: the service and the driver agree, and glint's words contain these.
shown()
{
	local words
	words=$(glint edid get)
	[[ $words == *"$1"* ]] || fail "the EDID does not say '$1': $words"
	glint edid get -o "$LAB_OUT/service.bin"
	v4l2-ctl -d "$DEVICE" --get-edid="pad=$HDMI,file=$LAB_OUT/driver.bin,format=raw" >/dev/null
	expect "the driver has this EDID" cmp "$LAB_OUT/service.bin" "$LAB_OUT/driver.bin"
}

# refused FILE WORDS: nothing changes.
refused()
{
	local said
	if said=$(glint edid set "$1" 2>&1); then
		fail "the EDID is not refused: $said"
	fi
	[[ $said == *"$2"* ]] || fail "the refusal does not say '$2': $said"
	expect_state "the video goes on" $ONLINE true
}

v4l2-ctl -d "$DEVICE" --set-input=$HDMI >/dev/null
vivid_plain
vivid_ctl dv_timings_signal_mode $SELECTED
vivid_ctl dv_timings $P720_60

start_glintd -d "$DEVICE" --input $HDMI --edid 1080p60-audio
await_state $ONLINE true 5
shown "glint 1080p60"
ask clients 2

# While it streams: the stream stops, and goes on.
glint edid set 720p60 >/dev/null
shown "glint 720p60"
await_state $ONLINE true 5
more "another EDID"

# What drivers accept is refused here: a wrong check sum. What they do not accept is explained.
"$BUILD/glint" edid decode 1080p120 -o "$LAB_OUT/sum.bin"
printf 'x' | dd of="$LAB_OUT/sum.bin" bs=1 seek=200 conv=notrunc status=none
refused "$LAB_OUT/sum.bin" "wrong check sum in block 1"
sum=$(od -An -tu1 -j127 -N1 "$LAB_OUT/service.bin")
{
	head -c 126 "$LAB_OUT/service.bin"
	printf '\x03%b' "\\x$(printf %02x $(((sum - 2) & 255)))" # 3 extensions instead of 1
	tail -c 128 "$LAB_OUT/service.bin"
	head -c 256 /dev/zero # whose check sums are right
} >"$LAB_OUT/four.bin"
refused "$LAB_OUT/four.bin" "has 4 blocks"
shown "glint 720p60"

# Without an EDID there is no signal. A snapshot and a wait outlast that.
glint edid set none >/dev/null
await_state $REASON no-signal 5
glint --timeout $((30 * PATIENCE)) wait live >/dev/null &
waits=$!
glint --timeout $((30 * PATIENCE)) snapshot -o "$LAB_OUT/waited.jpg" --after now \
	--wait 60 &
snapshots=$!
pause 0.5
glint edid set 1440p60 >/dev/null
expect "a wait ends with the signal" wait $waits
expect "a snapshot waits for the signal" wait $snapshots
expect_size "$LAB_OUT/waited.jpg" 1280x720
shown "2560x1440"
await_state $ONLINE true 5

# The physical address of the EDID before is kept.
[[ $(glint edid get) == *"physical address 1.0.0.0"* ]] || fail "the physical address is lost"

# The driver forgets the EDID with the device.
platform unbind
await_state $REASON no-device 5
platform bind
v4l2-ctl -d "$DEVICE" --set-input=$HDMI >/dev/null || true # or the service was faster
await_state $ONLINE true 10
shown "2560x1440"
more "the device is back"

# At the start, three times by request, and after the replug.
glint events --all --type edid --count 5 --within $((5 * PATIENCE)) >/dev/null || fail "an EDID is not told"
alive
expect_nothing_unaccounted
stop_glintd
