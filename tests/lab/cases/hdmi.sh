#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# vivid: n_devs=1 node_types=0x1 num_inputs=1 input_types=3
# loops: uring epoll
# heavy: */epoll/* vm-*
# timeout: 300
#
# An HDMI input: the service follows its timings and names the fault of its signal.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# Items of vivid's menus.
readonly NO_SIGNAL=1 NO_LOCK=2 OUT_OF_RANGE=3 SELECTED=4
readonly P720_60=9 P1080_60=16

# lost MODE REASON: the signal is lost and comes back.
lost()
{
	local file=$LAB_OUT/$2.jpg
	vivid_ctl dv_timings_signal_mode "$1"
	await_state $REASON "$2" 3
	await_state $ONLINE false 1

	snapshot "$file"
	expect "the picture is not called live" equal "$(header "$file" X-UStreamer-Online)" false
	expect "the picture says why" equal "$(header "$file" X-Glint-Reason)" "$2"
	expect_size "$file" 1280x720

	vivid_ctl dv_timings_signal_mode $SELECTED
	await_state $ONLINE true 5
	expect_state "nothing is wrong any more" $REASON ""
	snapshot "$file"
	expect "the picture is live again" equal "$(header "$file" X-UStreamer-Online)" true
}

vivid_plain
vivid_ctl dv_timings_signal_mode $SELECTED
vivid_ctl dv_timings $P1080_60
start_glintd -d "$DEVICE"
pid=$GLINTD_PID

await_state $ONLINE true 5
expect "the timings are the source's" equal "$(state $WIDTH)x$(state $HEIGHT)" 1920x1080
snapshot "$LAB_OUT/1080.jpg"
expect_size "$LAB_OUT/1080.jpg" 1920x1080

# A client that streams through all of the case.
ask clients 1
vivid_ctl dv_timings $P720_60
await_state $WIDTH 1280 5
await_state $ONLINE true 5
snapshot "$LAB_OUT/720.jpg"
expect_size "$LAB_OUT/720.jpg" 1280x720
expect "the picture is live" equal "$(header "$LAB_OUT/720.jpg" X-UStreamer-Online)" true

# vivid takes the 5 V away with the signal.
lost $NO_SIGNAL unpowered
lost $NO_LOCK no-lock
lost $OUT_OF_RANGE out-of-range

ask received
expect "the client went on" at_least "$REPLY" 5
expect "it is the process that was started" equal "$GLINTD_PID" "$pid"
alive
expect_nothing_unaccounted
stop_glintd
