#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: uring epoll
# heavy: */epoll/*
# clock: host
# timeout: 900
#
# The names that --device takes, on a USB camera: card, usb:, driver:, links below /dev/v4l. Each name
# finds the camera again at another node; usb: also with another product id at another speed.
#
# The host's clock: at the end of a process the kernel may loop in shrink_dcache_parent() until a timer
# tick, and while the virtual clock stands still there is none.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"

NODE=result.glint.device.path
MESSAGE=result.glint.device.message

# What udev would make of the camera's first node.
readonly BY_ID=/dev/v4l/by-id/usb-glint_Lab_camera_GLINT0001-video-index0
readonly BY_PATH=/dev/v4l/by-path/platform-vhci_hcd.0-usb-0:1:1.0-video-index0
links()
{
	local link
	mkdir -p "${BY_ID%/*}" "${BY_PATH%/*}"
	for link in "$BY_ID" "$BY_PATH"; do ln -sfn "../../${DEVICE##*/}" "$link"; done
}

no_links() { rm -f "$BY_ID" "$BY_PATH"; }

# shows WHAT: frames of the camera at DEVICE.
shows()
{
	await_state $ONLINE true 10
	expect_state "$1: it is the camera's node" $NODE "$DEVICE"
	expect_nothing_unaccounted
}

# moves WHAT: the camera comes back at another node, because another process holds the first.
moves()
{
	local before=$DEVICE
	exec {HOLDER}<>"$DEVICE"
	no_links
	camera unplug
	await_state $REASON no-device 10
	camera plug
	await_camera
	expect "$1: it is another node" test "$DEVICE" != "$before"
	exec {HOLDER}<&-
}

start_camera -b -f 30
read -r CARD <"/sys/class/video4linux/${DEVICE##*/}/name"
note "the card is '$CARD'"
links

# A path that is a link belongs to the device; the other names are searched for.
for name in "$CARD" "card:Lab*" usb:1d6b:0102 usb:1D6B:01*:GLINT0001 usb:1d6b,dead:0102,0103 \
	driver:uvcvideo "$BY_ID" "$BY_PATH"; do
	start_glintd -d "$name" -r 320x240 -m MJPEG --device-timeout 60
	if [[ $name != /* ]]; then
		shows "$name"
	else
		await_state $ONLINE true 10
	fi
	moves "$name"
	if [[ $name == /* ]]; then
		# udev makes its links some time after the node.
		pause 0.4
		links
		await_state $ONLINE true 10
	else
		links
		shows "$name"
	fi
	live_snapshot "$LAB_OUT/found.jpg"
	stop_glintd
	note "$name: found, and found again"
done

# A grabber that says another product id in a port of USB 3.
start_glintd -d usb:1d6b:0102,0103 -r 320x240 -m MJPEG --device-timeout 60
await_state $ONLINE true 10
no_links
camera unplug
await_state $REASON no-device 10
camera port 8
camera id 1d6b:0103 GLINT0001
camera plug
await_camera
read -r SPEED <"/sys/class/video4linux/${DEVICE##*/}/device/../speed"
expect "the port is SuperSpeed" equal "$SPEED" 5000
# The name alone does not say which of several cameras is meant: the product id is part of that.
await_state $REASON wrong-device 10
ask state $MESSAGE
[[ $REPLY = *1d6b:0102:GLINT0001*1d6b:0103:GLINT0001* ]] || fail "the words do not have both: $REPLY"
stop_glintd

# With a serial number the name is complete, and both ids are the same grabber.
start_glintd -d usb:1d6b:0102,0103:GLINT0001 -r 320x240 -m MJPEG --device-timeout 60
shows "SuperSpeed"
ask clients 1
camera unplug
await_state $REASON no-device 10
camera port 0
camera id 1d6b:0102 GLINT0001
camera plug
await_camera
shows "high speed again"
more "the client gets pictures at the other speed"

# A camera that does not fit is named, and not opened.
camera unplug
await_state $REASON no-device 10
camera id 1d6b:0102 GLINT0002
camera plug
await_camera
for ((i = 0; i < 100 * PATIENCE; i++)); do
	ask state $MESSAGE
	[[ $REPLY != *GLINT0002* ]] || break
	pause 0.1
done
[[ $REPLY = *GLINT0002* ]] || fail "the words do not have the other camera: $REPLY"
expect_state "another serial number does not fit" $ONLINE false
alive
stop_glintd

# A link that appears after the start, and one that leads nowhere.
camera unplug
camera id 1d6b:0102 GLINT0001
ln -sfn ../../video99 "$BY_ID"
start_glintd -d "$BY_ID" -r 320x240 -m MJPEG --device-timeout 60
await_state $REASON no-device 10
camera plug
await_camera
pause 1.5
expect_state "the link leads nowhere yet" $REASON no-device
links
await_state $ONLINE true 10
alive
stop_glintd
