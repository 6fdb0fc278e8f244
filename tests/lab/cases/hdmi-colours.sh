#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 num_inputs=1 input_types=3
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# An HDMI source changes range and colourspace while it is live, as between firmware and operating
# system: the stream goes on, and state and pictures follow.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# Items of vivid's menus.
readonly SELECTED=4 P720_60=9 FULL_RANGE=1 LIMITED_RANGE=2 SMPTE170M=0 REC709=1

readonly RANGE=result.glint.format.range MATRIX=result.glint.format.matrix

# bars WHAT: the pictures show the right colours, and the streams have not stopped.
bars()
{
	snapshot "$LAB_OUT/bars.jpg" "?after=now"
	expect "$1: the picture is live" equal "$(header "$LAB_OUT/bars.jpg" X-UStreamer-Online)" true
	expect "$1: it is the first stream" equal "$(header "$LAB_OUT/bars.jpg" X-Glint-Stream)" "$first"
	expect_bars "$LAB_OUT/bars.jpg"
	more "$1"
}

vivid_plain
vivid_ctl dv_timings_signal_mode $SELECTED
vivid_ctl dv_timings $P720_60
vivid_ctl colorspace $REC709
vivid_ctl limited_rgb_range_16_235 0 2>/dev/null || true
start_glintd -d "$DEVICE" -m YUYV
await_state $ONLINE true 5
ask clients 2
snapshot "$LAB_OUT/first.jpg"
first=$(header "$LAB_OUT/first.jpg" X-Glint-Stream)
bars "as it began"
ask state $RANGE
note "range $REPLY"

vivid_ctl quantization $FULL_RANGE
await_state $RANGE full 5
bars "full range"
vivid_ctl colorspace $SMPTE170M
await_state $MATRIX bt601 5
bars "BT.601"
vivid_ctl quantization $LIMITED_RANGE
vivid_ctl colorspace $REC709
await_state $RANGE limited 5
await_state $MATRIX bt709 5
bars "limited range, BT.709"

alive
expect_nothing_unaccounted
stop_glintd
