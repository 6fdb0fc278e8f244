#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# variant: bulk
# variant: iso
# loops: uring epoll
# timeout: 600
#
# A USB camera goes and comes back under a stream, again and again: the reason is told, it
# comes back by itself, and nothing of the old one is kept.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"

# What the service holds: descriptors, and maps of buffers.
held() { ls "/proc/$GLINTD_PID/fd" | wc -l; grep -acE 'video|dmabuf' "/proc/$GLINTD_PID/maps"; }

is_gone()
{
	await_state $REASON no-device 5
	snapshot "$LAB_OUT/gone.jpg"
	expect "$1: the picture is not called live" equal \
		"$(header "$LAB_OUT/gone.jpg" X-UStreamer-Online)" false
	expect "$1: the picture says why" equal \
		"$(header "$LAB_OUT/gone.jpg" X-Glint-Reason)" no-device
	expect "$1: its node is gone" test ! -e "$DEVICE"
	more "$1: the client is shown why"
}

is_back()
{
	await_state $ONLINE true 10
	expect_state "$1: nothing is wrong any more" $REASON ""
	more "$1: the client gets pictures again"
	expect_nothing_unaccounted
}

endpoint=-b
[ "$VARIANT" != iso ] || endpoint=-i
start_camera $endpoint -f 30
# A busy host may be slow enough to look like a silent camera.
start_glintd -d "$DEVICE" -r 320x240 -m MJPEG --device-timeout 60
await_state $ONLINE true 10
ask clients 1
more "the client looks on"
before=$(held)

for i in 1 2; do
	camera unplug
	is_gone "unplugged, time $i"
	camera plug
	is_back "plugged in, time $i"
done

# In the middle of a frame, with transfers that have failed already.
camera fail 2
camera unplug
is_gone "unplugged with failed transfers"
camera plug
is_back "plugged in after that"

# The driver lets go while the camera stays.
driver=(/sys/bus/usb/drivers/uvcvideo/*:1.0)
interface=${driver[0]##*/}
echo "$interface" >/sys/bus/usb/drivers/uvcvideo/unbind
is_gone "the driver was unbound"
echo "$interface" >/sys/bus/usb/drivers/uvcvideo/bind
is_back "the driver was bound"

# Another camera's number, as of the same model, in the same place.
camera unplug
is_gone "unplugged for another one"
camera id 1d6b:0102 GLINT0002
camera plug
is_back "another one was plugged in"

for ((i = 0; i < 50; i++)); do
	after=$(held)
	[ "$after" != "$before" ] || break
	pause 0.1
done
expect "no descriptor and no map is kept" equal "$after" "$before"
alive
stop_glintd
