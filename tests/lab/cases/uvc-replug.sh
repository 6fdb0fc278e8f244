#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# variant: bulk
# variant: iso
# loops: uring epoll
# heavy: */epoll/bulk */uring/iso
# timeout: 600
#
# A USB camera is repeatedly unplugged and plugged in during a stream: the state has the reason, the
# video comes back by itself, and the service keeps nothing of the old device.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"

# The resources of the service: descriptors, and maps of buffers.
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
more "the client gets pictures"
before=$(held)

for i in 1 2; do
	camera unplug
	is_gone "unplugged, time $i"
	camera plug
	is_back "plugged in, time $i"
done

# In the middle of a frame, after failed transfers.
camera fail 2
camera unplug
is_gone "unplugged with failed transfers"
camera plug
is_back "plugged in after that"

# The driver is unbound while the camera stays plugged in.
driver=(/sys/bus/usb/drivers/uvcvideo/*:1.0)
interface=${driver[0]##*/}
echo "$interface" >/sys/bus/usb/drivers/uvcvideo/unbind
is_gone "the driver was unbound"
echo "$interface" >/sys/bus/usb/drivers/uvcvideo/bind
is_back "the driver was bound"

# The host takes the device's permission away, and gives it back.
device=$(realpath "/sys/bus/usb/devices/${interface%:*}")
echo 0 >"$device/authorized"
is_gone "the device is not authorized"
echo 1 >"$device/authorized"
is_back "the device is authorized"

# The module is in use while the service streams.
! rmmod uvcvideo 2>/dev/null || fail "the module can be unloaded under a stream"

# Another camera of the same model in the same port: only the serial number differs. It is not shown.
MESSAGE=result.glint.device.message
NODE=result.glint.device.path
camera unplug
is_gone "unplugged for another one"
camera id 1d6b:0102 GLINT0002
camera plug
await_state $REASON wrong-device 10
snapshot "$LAB_OUT/wrong.jpg"
expect "the picture of another camera is not called live" equal \
	"$(header "$LAB_OUT/wrong.jpg" X-UStreamer-Online)" false
expect "the picture says why" equal \
	"$(header "$LAB_OUT/wrong.jpg" X-Glint-Reason)" wrong-device
ask state $MESSAGE
[[ $REPLY = *usb:1d6b:0102:GLINT0001*usb:1d6b:0102:GLINT0002* ]] ||
	fail "the words do not have both cameras: $REPLY"
more "the client is shown that it is another one"
camera unplug
await_state $REASON no-device 10
camera id 1d6b:0102 GLINT0001
camera plug
is_back "the right one was plugged in"

# Its node is still held by another process, so the camera comes back at another one.
number=$DEVICE
exec {HOLDER}<>"$DEVICE"
camera unplug
await_state $REASON no-device 10
camera plug
is_back "the camera has another node"
ask state $NODE
expect "it is another node" test "$REPLY" != "$number"
exec {HOLDER}<&-

for ((i = 0; i < 50; i++)); do
	after=$(held)
	[ "$after" != "$before" ] || break
	pause 0.1
done
expect "no descriptor and no map is kept" equal "$after" "$before"
alive

# While the camera is away the service holds nothing of the driver, and takes the module that comes.
camera unplug
await_state $REASON no-device 10
rmmod uvcvideo || fail "the service holds the module of a device that is away"
modprobe -d "$LAB_MODULES" uvcvideo
camera plug
is_back "the module was loaded again"
stop_glintd
rmmod uvcvideo || fail "something still holds the module"
