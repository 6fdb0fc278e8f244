#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# The JPEGs of a USB camera are recorded as they are. The camera's faults are in the index, and
# uvcvideo's buffers go back to it.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"

readonly CLIPS=/run/clips BUFFERS=5
LOST=result.glint.recorder.lost
CLOSED=result.glint.recorder.closed

# record QUERY: prints the service's answer.
record()
{
	curl -sS --fail --max-time $((10 * PATIENCE)) --unix-socket "$SOCK" -X POST \
		"http://lab/record?$1" || fail "the recording is refused: $1"
}

UVC_PARAMS=nodrop=0
mkdir -m 0700 $CLIPS
start_camera -b -h
start_glintd -d "$DEVICE" -r 1280x720 -m MJPEG --buffers $BUFFERS --device-timeout 60 \
	--record $CLIPS --record-memory 32
await_state result.glint.recorder.state ready 10
await_state $WITH_DRIVER $BUFFERS 10
camera frames 5
await_state $ONLINE true 5

# 4 frames before the trigger; then 3 that uvcvideo drops, 2 that are no whole JPEGs, and good ones
# between them.
camera_count numbered
await_state $SEEN "$REPLY" 5
record "pre=4&post=9999&name=faults&at=last" >/dev/null
camera frames 2
camera empty 3
camera frames 5
camera noeoi 2
camera frames 6
camera_count numbered
await_state $SEEN "$REPLY" 5
curl -sS --fail --unix-socket "$SOCK" -X DELETE "http://lab/record?name=faults" >/dev/null
await_state $CLOSED 1 5

frames=$(/usr/bin/python3 "$LAB/record.py" check $CLIPS faults)
# 5 and 13 frames, of which 3 and 2 are none.
expect "all good frames are in the file" equal "$frames" 13
expect_state "no frame was lost" $LOST 0
expect_state "the driver has its buffers back" $WITH_DRIVER $BUFFERS
total() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" $CLIPS/faults.jsonl | paste -sd + | bc; }
expect "the index counts the dropped frames" equal "$(total dropped)" 3
expect "the index counts the damaged frames" equal "$(total corrupt)" 2

# The cable is pulled while a recording waits for more frames.
record "pre=2&post=9999&name=unplugged&at=last" >/dev/null
camera frames 3
camera unplug
await_state $REASON no-device 5
await_state $CLOSED 2 10
frames=$(/usr/bin/python3 "$LAB/record.py" check $CLIPS unplugged)
expect "all good frames are in the file" equal "$frames" 6
camera plug
await_camera
await_state $WITH_DRIVER $BUFFERS 10
camera frames 3
await_state $ONLINE true 5

alive
expect_nothing_unaccounted
stop_glintd
