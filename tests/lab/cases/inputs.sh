#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 num_inputs=4 input_types=0xe4
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# A webcam, a TV tuner, S-Video and HDMI in one device: inputs by number and name, and standards.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

readonly FIELD=result.glint.format.field TIMINGS=result.glint.timings.name

current() { v4l2-ctl -d "$DEVICE" --get-input; }

# starts INPUT NUMBER [OPTION...]: the input is found, and streams.
starts()
{
	local input=$1 number=$2
	shift 2
	start_glintd -d "$DEVICE" --input "$input" "$@"
	await_state $ONLINE true 5
	[[ $(current) == *": $number "* ]] || fail "--input $input: the device has $(current)"
}

starts 0 0
snapshot "$LAB_OUT/webcam.jpg"
stop_glintd

starts "s-video" 2 --tv-standard PAL
expect_state "PAL has 576 lines" $WIDTH 720
expect_state "of two moments" $FIELD interlaced
snapshot "$LAB_OUT/s-video.jpg"
expect_size "$LAB_OUT/s-video.jpg" 720x576
stop_glintd

starts TV 1 --tv-standard NTSC-M
expect_state "a TV input has no DV timings" $TIMINGS ""
stop_glintd

starts HDMI 3
ask state $TIMINGS
[[ $REPLY == *x*p* ]] || fail "the HDMI input has the timings '$REPLY'"
ask clients 1
more "HDMI"
# While it streams, other processes cannot change the input.
! v4l2-ctl -d "$DEVICE" --set-input=0 2>/dev/null || fail "the input can be changed under a stream"
alive
expect_nothing_unaccounted
stop_glintd

# An input that does not exist is named, with those that there are.
start_glintd -d "$DEVICE" --input DVI
await_state $REASON error 5
await_log "no input DVI; it has 0 (Webcam"
stop_glintd
