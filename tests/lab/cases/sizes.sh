#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# vivid: n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0,1
# loops: uring
# heavy: *
# timeout: 300
#
# Without --resolution a webcam has the largest size at 30 frames a second, and a television input
# the size of its standard, whatever its scaler offers. Under ustreamer's name the size is 640x480.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# best FPS: the largest size that vivid offers at that rate, from v4l2-ctl. All of vivid's formats
# have the same sizes and rates.
best()
{
	local size area most=0 found=
	while read -r size; do
		area=$((${size%x*} * ${size#*x}))
		[ $area -gt $most ] || continue
		v4l2-ctl -d "$DEVICE" --list-frameintervals \
			"width=${size%x*},height=${size#*x},pixelformat=YUYV" |
			awk -v fps="$1" -F '[( ]' '/ fps\)/ { if ($(NF - 1) >= fps) ok = 1 }
				END { exit !ok }' || continue
		most=$area found=$size
	done < <(v4l2-ctl -d "$DEVICE" --list-framesizes YUYV |
		sed -n 's/.*Size: Discrete //p')
	note "$found"
}

# expect_chosen WHAT WxH ARG...
expect_chosen()
{
	local what=$1 size=$2
	shift 2
	start_glintd -d "$DEVICE" "$@"
	await_state $ONLINE true 10
	expect_state "$what: the state has the width" $WIDTH "${size%x*}"
	expect_state "$what: the state has the height" $HEIGHT "${size#*x}"
	snapshot "$LAB_OUT/chosen.jpg"
	expect_size "$LAB_OUT/chosen.jpg" "$size"
	expect_nothing_unaccounted
	stop_glintd
}

[ "$GLINTD" = "${GLINTD%% *}" ] || skip "GLINTD has arguments"
fluent=$(best 30) slow=$(best 5)
expect "vivid has a size at 30 frames a second" test -n "$fluent"
expect "it is another than the largest at 5" test "$fluent" != "$slow"
expect "and another than ustreamer's" test "$fluent" != 640x480
expect_chosen "no wish" "$fluent"
expect_chosen "a format" "$fluent" -m NV12
expect_chosen "a low rate" "$slow" --desired-fps 5
expect_chosen "a wish" 320x180 -r 320x180
expect_chosen "ustreamer's default" 640x480 --compat ustreamer

# A television's input has a scaler, which takes 16x16 to 16384x8640 at the full rate.
webcam=$DEVICE
DEVICE=/dev/video1
v4l2-ctl -d "$DEVICE" -s pal -v width=480,height=360,pixelformat=YUYV || fail "vivid refuses"
expect_chosen "PAL" 720x576
v4l2-ctl -d "$DEVICE" -s ntsc || fail "vivid has no NTSC"
expect_chosen "NTSC" 720x480
DEVICE=$webcam

# Under ustreamer's name, and with --compat none.
ln -s "$GLINTD" /run/ustreamer
GLINTD=/run/ustreamer
expect_chosen "ustreamer's name" 640x480
expect_chosen "our own default under it" "$fluent" --compat none
