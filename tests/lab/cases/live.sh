#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# vivid: n_devs=1 node_types=0x1 num_inputs=3 input_types=0x34
# loops: uring epoll
# heavy: */epoll/* vm-*
# timeout: 300
#
# Size, format, rate, buffers, memory, input, TV standard and DV timings change while clients read: a
# stream, a stream in the middle of a send, a snapshot and a wait. A driver that refuses leaves the
# stream of before.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# Items of vivid's menus.
readonly SELECTED=4 P480_60=2

readonly ORDER=result.glint.frame.field_order
readonly TIMINGS=result.glint.timings.name FIELD=result.glint.format.field
readonly BUFFERS=result.glint.buffers.count MEMORY=result.glint.buffers.kind
readonly NOMINAL=result.glint.source.nominal_fps

# vivid's 120 frames of 640x360 a second are more than QEMU's processor can make: the driver drops some,
# and then a recording has rightly not all frames.
rate=null
[ "$LAB_KIND" != vm ] || rate=10

# change STATUS BODY: sets REPLY to the reply's body.
change()
{
	local status
	status=$(curl -sS --max-time $((20 * PATIENCE)) --unix-socket "$SOCK" -X PATCH \
		-H 'Content-Type: application/json' -d "$2" -o "$LAB_OUT/reply" -w '%{http_code}' \
		http://lab/config) || fail "no answer to $2"
	REPLY=$(<"$LAB_OUT/reply")
	expect "$2 is answered with $1: $REPLY" equal "$status" "$1"
}

# got NAME VALUE AS_ASKED
got()
{
	[[ $REPLY == *"\"$1\": {\"asked\": "*", \"got\": \"$2\", \"as_asked\": $3}"* ]] ||
		fail "the reply does not say that $1 is $2: $REPLY"
}

vivid_plain
# Of the clients that do not read meanwhile, the service must keep the connection, also in QEMU.
start_glintd -d "$DEVICE" -r 1280x720 --record "$LAB_OUT" --server-timeout 60
await_state $ONLINE true 5
ask clients 2
ask slow 2
more "at first"

# The size, while clients wait. At one frame a second the snapshot certainly waits.
change 200 '{"capture-fps": 1}'
got capture-fps 1.00 true
expect_state "the device runs at this rate" $NOMINAL 1.0
"$BUILD/glint" --socket "$SOCK" --timeout 600 wait black >/dev/null &
waits=$!
"$BUILD/glint" --socket "$SOCK" --timeout 600 snapshot -o "$LAB_OUT/waited.jpg" --after now --wait 60 &
snapshots=$!
pause 0.2
change 200 '{"resolution": "640x360", "capture-fps": '"$rate"', "quality": 70}'
got resolution 640x360 true
await_state $ONLINE true 5
expect_state "the width is the new one" $WIDTH 640
more "another size"
expect "the snapshot has its picture" wait $snapshots
ask drain 640x360
expect "no picture is torn, and the last one has the new size" equal "$REPLY" "torn=0 last=640x360"
vivid_ctl test_pattern 5
expect "the wait goes on, and ends" wait $waits
vivid_ctl test_pattern 0

# What vivid makes of a size that it does not have; its sizes are those of a webcam.
change 200 '{"resolution": "1000x700"}'
[[ $REPLY =~ \"got\":\ \"([0-9x]+)\" ]] || fail "$REPLY"
expect "the state has the size that the reply has" equal "${BASH_REMATCH[1]}" \
	"$(state $WIDTH)x$(state $HEIGHT)"
[[ $REPLY == *'"as_asked": false'* ]] || fail "1000x700 is no size of vivid: $REPLY"
said=$("$BUILD/glint" --socket "$SOCK" set resolution=640x360 format=NV12)
expect "nothing is said when all is as asked" equal "$said" ""
expect_state "the format is the new one" $FOURCC NV12
change 200 '{"format": "YUYV", "buffers": 3, "memory": "udmabuf"}'
got format YUYV true
got memory udmabuf true
expect_state "the buffers are imported" $MEMORY udmabuf
expect_state "their number is the new one" $BUFFERS 3
more "another format"

# What the device lacks is refused beside the stream.
ask state result.glint.settings_generation
generation=$REPLY
ask listen
change 409 '{"strict": true, "input": "DVI"}'
[[ $REPLY == *"no input DVI; it has 0 (Webcam"* ]] || fail "$REPLY"
change 409 '{"strict": true, "tv-standard": "PAL"}'
change 409 '{"strict": true, "timings": "720p60"}'
change 400 '{"strict": true, "format": "NOSUCH"}'
expect_state "nothing has changed" result.glint.settings_generation "$generation"
ask heard
[[ $REPLY == offline=0* ]] || fail "a refusal has interrupted the stream: $REPLY"

# A driver that refuses late: the stream of before is back, a frame later than after a change.
change 200 '{"resolution": "640x360", "memory": "auto", "buffers": 5}'
await_state $ONLINE true 5
for try in change refusal; do
	more "before the $try"
	ask listen
	if [ $try = change ]; then
		change 200 '{"buffers": 6}'
	else
		vivid_press inject_vidioc_streamon_error
		change 409 '{"strict": true, "resolution": "320x180"}'
		[[ $REPLY == *STREAMON* ]] || fail "the reply does not say what was refused: $REPLY"
	fi
	await_state $ONLINE true 5
	more "after the $try"
	ask outage
	note "$try: no live picture for $REPLY ms"
	printf -v "outage_$try" %s "$REPLY"
done
ask state result.glint.source.nominal_fps
frame=$(awk -v fps="$REPLY" 'BEGIN { printf "%d", 1000 / fps + 1.999 }')
# shellcheck disable=SC2154 # outage_*
[ "$LAB_KIND" != uml ] || expect "the old stream is back within a frame more than a restart takes" \
	test "$outage_refusal" -le $((outage_change + frame))
expect_state "the size is that of before" $WIDTH 640
expect_state "the number of buffers, too" $BUFFERS 6

# A recording ends with its format.
"$BUILD/glint" --socket "$SOCK" --timeout 600 record --pre 5 --post 60s --name one >/dev/null &
records=$!
pause 0.5
change 200 '{"resolution": "320x180"}'
expect "the recording ends" wait $records
await_state $ONLINE true 5
snapshot "$LAB_OUT/small.jpg"
expect_size "$LAB_OUT/small.jpg" 320x180

# Another input in the same request as its standard, and as its timings.
change 200 '{"input": "TV", "tv-standard": "NTSC", "resolution": null}'
await_state $ONLINE true 5
expect_state "NTSC has 480 lines" $HEIGHT 480
expect_state "of two moments" $FIELD interlaced
expect_state "the lower line is the earlier one" $ORDER bottom-first
change 200 '{"tv-standard": "PAL"}'
await_state $ONLINE true 5
expect_state "PAL has 576 lines" $HEIGHT 576
expect_state "the upper line is the earlier one" $ORDER top-first
change 200 '{"input": "HDMI", "tv-standard": null, "timings": "720p50"}'
got timings 1280x720p50 true
await_state $ONLINE true 5
expect_state "the timings are set" $TIMINGS 1280x720p50
more "another input"
change 409 '{"timings": "640x480p61"}'
[[ $REPLY == *640x480p59.94* ]] || fail "the reply does not list the timings: $REPLY"
vivid_ctl dv_timings_signal_mode $SELECTED
vivid_ctl dv_timings $P480_60
expect_state "another signal does not change forced timings" $TIMINGS 1280x720p50
change 200 '{"timings": "follow"}'
got timings 720x480p59.94 true
await_state $ONLINE true 5
more "the timings of the signal"
change 200 '{"input": 0}'
await_state $ONLINE true 5
expect_state "the webcam has no timings" $TIMINGS ""
more "the first input"

alive
expect_nothing_unaccounted
stop_glintd
