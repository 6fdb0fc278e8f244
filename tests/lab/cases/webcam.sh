#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12 vm-6.1
# variant: vmalloc allocators=0
# variant: contig allocators=1
# loops: uring epoll
# heavy: uml/uring/contig uml/epoll/vmalloc vm-*/*/vmalloc
# timeout: 300
#
# The usual case: a webcam, its state, a snapshot, a stream.
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

stream_frames 30 "$LAB_OUT/stream"
expect "each picture is live" equal "$STREAM_live" 30
expect "no picture is older than the one before" equal "$STREAM_backwards" 0
expect_bars "$LAB_OUT/stream/last.jpg"
if [ "$LAB_KIND" = uml ]; then
	expect "each frame of the device is shown" equal "$STREAM_gaps" 0
	await_state $CAPTURED_FPS '>15' 3
fi

# Taken after the stream: under ThreadSanitizer in an emulator the very first picture may take
# longer than a snapshot waits.
snapshot_by_curl "$LAB_OUT/webcam.jpg"
expect "the picture is live" equal "$(header "$LAB_OUT/webcam.jpg" X-UStreamer-Online)" true
expect_bars "$LAB_OUT/webcam.jpg" --size 1280x720

expect_nothing_unaccounted
stop_glintd
