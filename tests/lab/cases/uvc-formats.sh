#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12 vm-6.1
# variant: bulk
# variant: iso
# loops: uring epoll
# heavy: */uring/bulk */epoll/iso
# timeout: 600
#
# A USB camera: raw and compressed frames in several sizes and rates, with both kinds of transfer.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"

endpoint=-b
[ "$VARIANT" != iso ] || endpoint=-i
start_camera $endpoint -f 30

# check FORMAT FOURCC SIZE FPS [default]: with "default", SIZE is what glintd chooses by itself.
check()
{
	local before size=$3 wish=(-r "$3")
	[ "${5:-}" != default ] || wish=()
	camera frames 0
	camera_count numbered
	before=$REPLY
	# A busy host may be slow enough to look like a silent camera.
	start_glintd -d "$DEVICE" -m "$1" "${wish[@]}" --buffers 5 --device-timeout 60
	await_state $WITH_DRIVER 5 10
	camera run
	await_state $ONLINE true 10
	expect_state "it is uvcvideo's" $DRIVER uvcvideo
	expect_state "it is the loop that was asked for" $BACKEND "$LOOP"
	expect_state "the format is the one asked for" $FOURCC "$2"
	expect_state "the width is" $WIDTH "${size%x*}"
	expect_state "the height is" $HEIGHT "${size#*x}"
	expect_state "the rate is" $NOMINAL_FPS "$4.0"
	camera_count mode
	expect "the camera was told so" equal "$REPLY" "$size@$4"

	stream_frames 8 "$LAB_OUT/$1"
	expect "each picture is live" equal "$STREAM_live" 8
	expect "no picture is older than the one before" equal "$STREAM_backwards" 0
	expect_bars "$LAB_OUT/$1/last.jpg" --size "$size"

	camera frames 1
	camera_count numbered
	await_state $SEEN $((REPLY - before)) 5
	expect_state "no frame is damaged" $CORRUPT 0
	expect_nothing_unaccounted
	stop_glintd
	note "$*: right"
}

# A frame lost because the emulator is slow is not a finding.
if [ "$LAB_KIND" = uml ]; then
	check YUYV YUYV 640x480 30
	check MJPEG MJPG 1280x720 30
	check MJPEG MJPG 1280x720 30 default
fi
camera unplug
camera fps 15
camera plug
await_camera
check MJPEG MJPG 640x480 15
check YUYV YUYV 320x240 15
