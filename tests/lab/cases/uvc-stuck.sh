#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: uring epoll
# timeout: 600
#
# A USB camera that stops answering: its frames do not come, its endpoint stalls, its control
# requests fail, or they are never answered, so that calls into the driver take five seconds.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"

# comes_back WHAT: live again, and frames come.
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

start_camera -b -f 30
start_glintd -d "$DEVICE" -r 320x240 -m MJPEG --device-timeout 3
comes_back "the start"

camera frames 0
await_state $REASON stalled 5
camera run
comes_back "a silent camera"

# Each transfer fails until the driver clears the halt, as it does when it stops the stream.
camera halt
await_state $REASON stalled 5
comes_back "a stalled endpoint"
expect "the driver has cancelled buffers" at_least "$(state $CANCELLED)" 1

camera unplug
await_state $REASON no-device 5
camera stall 2
camera plug
comes_back "failed control requests"

# Unanswered, while the service sets the stream up again. It still answers its clients.
camera frames 0
camera mute 1
await_state $REASON stuck 10
snapshot "$LAB_OUT/stuck.jpg"
expect "the picture says why" equal "$(header "$LAB_OUT/stuck.jpg" X-Glint-Reason)" stuck
camera run
comes_back "an unanswered control request"

alive
stop_glintd
