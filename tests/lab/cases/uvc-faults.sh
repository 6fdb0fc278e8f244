#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# variant: bulk-yuyv
# variant: bulk-mjpeg
# variant: iso-yuyv
# variant: nodrop
# loops: uring epoll
# heavy: */epoll/bulk-yuyv */uring/bulk-mjpeg */epoll/iso-yuyv */uring/nodrop
# timeout: 600
#
# Each fault that a USB camera can have. The camera counts the injected faults, and the ledger must
# have the same numbers: no frame is wrongly counted as dropped, and none is missing.
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

# settled WHAT: the ledger has each numbered frame, with its true fate.
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

# inject FAULT N FATE: N frames with that fault, followed by good frames.
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
# cancelled buffers are queued again: without buffers the driver would lose frames.
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

# A JPEG of another size than the format is shown with its own size, until the next one.
other_size()
{
	camera size 1
	camera frames 1
	settled "another size"
	expect_state "the state has the picture's own width" $WIDTH 160
	expect_state "and height" $HEIGHT 120
	camera frames 1
	settled "the size of the format"
	expect_state "the width is right again" $WIDTH 1280
}

start_camera $endpoint -h
start_glintd -d "$DEVICE" -r $size -m $format --buffers $BUFFERS --device-timeout 60
await_state $WITH_DRIVER $BUFFERS 10
camera frames 5
await_state $ONLINE true 5
settled "no fault"

# By default uvcvideo drops frames that it knows to be damaged. With nodrop it delivers them with
# the error flag, except for frames without data. uvcvideo does not check the length of a JPEG.
damaged=dropped
[ "$VARIANT" != nodrop ] || damaged=corrupt

# The frame id does not change: uvcvideo takes the data for more of the previous frame, which has
# ended.
inject badfid 3 unseen
inject error 3 $damaged
inject empty 3 dropped
inject noeof 2 delivered
if [ $format = YUYV ]; then
	inject short 3 $damaged
	inject over 2 $damaged
	inject garbage 2 delivered
	inject zero 2 delivered
else
	inject short 3 corrupt
	inject noeoi 3 corrupt
	inject garbage 2 corrupt
	inject zero 2 corrupt
	# Beginning and end are right: only a decoder could tell that the halves do not belong together.
	inject torn 2 delivered
	inject size 2 delivered
	other_size
fi
[ $endpoint = -b ] || inject lost 2 $damaged

# After a failed transfer uvcvideo returns all buffers and goes on with one transfer less. A failure
# between two frames loses no frame; a failure within a frame loses that frame.
broken_transfer fail $BUFFERS 0
broken_transfer break $((BUFFERS - 1)) 1
broken_transfer fail $BUFFERS 0

expect_state "it is live" $REASON ""
alive
stop_glintd
