#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12 vm-6.1
# variant: vmalloc allocators=0
# variant: contig allocators=1
# loops: uring epoll
# timeout: 300
#
# What everybody does: a webcam, its state, a picture, a stream.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

vivid_plain
start_glintd -d "$DEVICE" -r 1280x720

await_state $ONLINE true 5
expect_state "it is the driver that was asked for" $DRIVER vivid
expect_state "it is the loop that was asked for" $BACKEND "$LOOP"
expect_state "nothing is wrong" $REASON ""
expect_state "the width is right" $WIDTH 1280
expect_state "the height is right" $HEIGHT 720

# The driver's numbers say how many frames there were, so no clock is needed. Some may be
# skipped, for the host may be busy, but most of them come.
stream_frames 30 "$LAB_OUT/stream"
expect "each picture is live" equal "$STREAM_live" 30
expect "no picture is older than the one before" equal "$STREAM_backwards" 0
expect_bars "$LAB_OUT/stream/last.jpg"
if [ "$LAB_KIND" = uml ]; then
	expect "it is the device's rate" at_least 45 $((STREAM_last - STREAM_first))
	await_state $CAPTURED_FPS '>15' 3
fi

# After the stream: under ThreadSanitizer in an emulator the first picture of all may take
# longer than a snapshot waits.
snapshot_by_curl "$LAB_OUT/webcam.jpg"
expect "the picture is live" equal "$(header "$LAB_OUT/webcam.jpg" X-UStreamer-Online)" true
expect_bars "$LAB_OUT/webcam.jpg" --size 1280x720

expect_nothing_unaccounted
stop_glintd
