#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: uring epoll
# heavy: */epoll/*
# timeout: 600
#
# A USB camera that stops responding: it sends no frames, its endpoint stalls, its control requests
# fail, or they get no answer, so that calls into the driver take five seconds.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"

# comes_back WHAT: the service is live again and frames arrive.
comes_back()
{
	local seen
	await_state $ONLINE true 10
	seen=$(state $SEEN)
	await_state $SEEN ">$((seen + 5))" 5
	expect_state "$1: no frame is called dropped" $DROPPED 0
	expect_nothing_unaccounted
	note "$1: live again"
}

# restarts STREAMS: the service begins another stream than these. Its first frame comes so soon that the
# state is "stalled" for a moment only.
restarts()
{
	local i
	for ((i = 0; i < 20 * PATIENCE; i++)); do
		camera_count streams
		[ "$REPLY" = "$1" ] || return 0
		pause 0.1
	done
	fail "the service does not restart the stream"
}

start_camera -b -f 30
start_glintd -d "$DEVICE" -r 320x240 -m MJPEG --device-timeout 3
comes_back "the start"

# Half a second of silence is nothing; the stream goes on.
camera_count streams
streams=$REPLY
camera frames 0
pause 0.5
expect_state "half a second of silence is no fault" $ONLINE true
camera run
comes_back "half a second of silence"
camera_count streams
expect "the stream has not been restarted" equal "$REPLY" "$streams"

camera frames 0
await_state $REASON stalled 5
camera run
comes_back "a silent camera"

# All five transfers fail at once: none is left to bring frames.
cancelled=$(state $CANCELLED)
camera_count streams
streams=$REPLY
camera fail 5
restarts "$streams"
comes_back "all transfers failed"
expect "each failure has cancelled the buffers" at_least "$(state $CANCELLED)" $((cancelled + 5))

# Each transfer fails until the driver clears the halt, as it does when it stops the stream.
camera_count streams
streams=$REPLY
camera halt
restarts "$streams"
comes_back "a stalled endpoint"
expect "the driver has cancelled buffers" at_least "$(state $CANCELLED)" 1

camera unplug
await_state $REASON no-device 5
camera stall 2
camera plug
comes_back "failed control requests"

# Requests without an answer while the service sets up the stream. The service still answers its
# clients.
camera frames 0
camera mute 1
await_state $REASON stuck 10
snapshot "$LAB_OUT/stuck.jpg"
expect "the picture says why" equal "$(header "$LAB_OUT/stuck.jpg" X-Glint-Reason)" stuck
camera run
comes_back "an unanswered control request"

alive
stop_glintd
