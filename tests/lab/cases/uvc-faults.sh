#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# variant: bulk-yuyv
# variant: bulk-mjpeg
# variant: iso-yuyv
# variant: nodrop
# loops: uring epoll
# timeout: 600
#
# What a USB camera can do wrong, fault by fault. The camera counts what it injects, and the
# ledger has to say the same: not one frame dropped that was not, and none forgotten.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"

BUFFERS=5
UVC_PARAMS=nodrop=0
[ "$VARIANT" != nodrop ] || UVC_PARAMS=nodrop=1
format=YUYV size=320x240 endpoint=-b
case $VARIANT in
*mjpeg)	format=MJPEG size=1280x720 ;;
iso*)	endpoint=-i ;;
esac

dropped=0 corrupt=0 cancelled=0

# settled WHAT: each frame that the driver has numbered is in the ledger, as what it was.
settled()
{
	local numbered
	camera_count numbered
	numbered=$REPLY
	await_state $SEEN "$numbered" 5
	expect_state "$1: the driver's drops are counted" $DROPPED $dropped
	expect_state "$1: damaged frames are counted" $CORRUPT $corrupt
	expect_state "$1: cancelled buffers are counted" $CANCELLED $cancelled
	expect_state "$1: the last frame is the last of the camera" $SEQUENCE $((numbered - 1))
	expect_state "$1: the driver has its buffers back" $WITH_DRIVER $BUFFERS
	expect_nothing_unaccounted
}

# inject FAULT N FATE: N frames with that fault, good ones behind them.
inject()
{
	camera "$1" "$2"
	camera frames $(($2 + 3))
	camera_count "$1"
	expect "$1 was injected" equal "$REPLY" "$2"
	case $3 in
	dropped) dropped=$((dropped + $2)) ;;
	corrupt) corrupt=$((corrupt + $2)) ;;
	esac
	settled "$1"
	note "$1: $2 $3"
}

# broken_transfer COMMAND CANCELLED CORRUPT: one transfer fails. The camera waits until the
# buffers that the driver cancels are back, or it would lose frames for want of them.
broken_transfer()
{
	cancelled=$((cancelled + $2)) corrupt=$((corrupt + $3))
	camera "$1" 1
	camera frames "$3"
	await_state $CANCELLED $cancelled 5
	camera frames 4
	settled "$1"
	note "$1: $2 buffers cancelled, $3 frames corrupt"
}

start_camera $endpoint -h
start_glintd -d "$DEVICE" -r $size -m $format --buffers $BUFFERS --device-timeout 60
await_state $WITH_DRIVER $BUFFERS 10
camera frames 5
await_state $ONLINE true 5
settled "no fault"

# By default uvcvideo drops what it knows to be damaged. With nodrop it hands it out with the
# error flag, but for a frame without data. A JPEG's length says nothing to uvcvideo.
damaged=dropped
[ "$VARIANT" != nodrop ] || damaged=corrupt

# The frame id does not change: for uvcvideo that is more of the frame before, which has ended.
inject badfid 3 unseen
inject error 3 $damaged
inject empty 3 dropped
inject noeof 2 delivered
if [ $format = YUYV ]; then
	inject short 3 $damaged
	inject over 2 $damaged
	inject garbage 2 delivered
else
	inject short 3 corrupt
	inject noeoi 3 corrupt
	inject garbage 2 corrupt
fi
[ $endpoint = -b ] || inject lost 2 $damaged

# uvcvideo gives back all buffers for one failed transfer, then goes on with one transfer
# less. Between two frames no frame is lost, within a frame that frame.
broken_transfer fail $BUFFERS 0
broken_transfer break $((BUFFERS - 1)) 1
broken_transfer fail $BUFFERS 0

expect_state "it is live" $REASON ""
alive
stop_glintd
