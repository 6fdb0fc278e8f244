#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=2 node_types=0x1,0x1 num_inputs=4,1 input_types=0xe4,0x3
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# glint devices on each device of the lab: a tuner with four inputs, HDMI, a USB camera, boards with a
# media controller, an M2M encoder. It says what a person needs who chooses an adapter, in 80 columns;
# its JSON has the documented members; and each name that it gives is taken by --device.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"
. "$LAB/../kmod/vbridge.sh"
. "$LAB/../kmod/lib.sh"

shown=$LAB_OUT/devices.txt

look() { TERM=dumb "$BUILD/glint" devices >"$shown" 2>"$LAB_OUT/errors.txt"; }

# says NODE WORDS: within the lines of that node.
says()
{
	sed -n "\\|^$1: |,\\|^/dev/|{ \\|^/dev/|!p; \\|^$1: |p }" "$shown" >"$LAB_OUT/node.txt"
	grep -qF -- "$2" "$LAB_OUT/node.txt" || fail "about $1 it does not say '$2': $(cat "$LAB_OUT/node.txt")"
}

start_camera -b -f 30
mkdir -p /dev/v4l/by-id
ln -s "../../${DEVICE##*/}" /dev/v4l/by-id/usb-glint_Lab_camera_GLINT0001-video-index0
modprobe -d "$LAB_MODULES" vimc
vbridge_load
look
expect "no line is wider than a terminal" equal "$(grep -v '^        /' "$shown" | awk 'length > 80' "$shown")" ""

says /dev/video0 "input 3: HDMI"
says /dev/video0 "input 1: TV"
says /dev/video0 "PAL, NTSC, SECAM"
says /dev/video0 "as YU12: glint encodes it"
says /dev/video1 "4096x2160 at 60 fps as YU12: glint encodes it"
says /dev/video1 "signal: 1280x720p"
says /dev/video1 "takes 109 timings"
says /dev/video1 "exports DMABUFs: no copy; imports DMABUFs, user memory"
says /dev/video1 "controls: "
says "$DEVICE" "1280x720 at 30 fps as YUYV: glint encodes it"
says "$DEVICE" "USB at 480 Mbit/s"
says "$DEVICE" "usb:1d6b:0102:GLINT0001"
says "$DEVICE" "/dev/v4l/by-id/usb-glint_Lab_camera_GLINT0001-video-index0"
says "$VBRIDGE_NODE" "1920x1200 at 59.95 fps as UYVY"
says "$VBRIDGE_NODE" "edid: none, so that a source sees no display"
says /dev/video1 "edid: 'vivid', which prefers 3840x2160p60"
expect "a name is listed at the device that it leads to" equal "$(grep -c ' card:vivid$' "$shown")" 1
says "$VBRIDGE_NODE" "now, before glintd sets it up: the link from 'vbridge csi2' to"
says "$VBRIDGE_NODE" "vbridge hdmi -> vbridge csi2 -> vbridge capture"
grep -q "metadata, no video" "$shown" || fail "the camera's second node is not said to be useless"
grep -q "media: /dev/media.: Sensor A -> Debayer A -> Scaler -> RGB/YUV" "$shown" ||
	fail "vimc's path is not shown"

says /dev/video1 "encoder: the processor; there is no M2M JPEG encoder"

# with_encoder PARAMETER...: looks, and sets VJPEG_NODE.
with_encoder()
{
	vjpeg_load "$@"
	vjpeg_find
	look
	vjpeg_unload
}
with_encoder formats=NV12
says /dev/video1 "encoder: $VJPEG_NODE (vjpeg) takes NV12 of 4096x2160; DMABUFs, no"
says "$DEVICE" "encoder: the processor; $VJPEG_NODE (vjpeg) takes none of its"
says "$VJPEG_NODE" "m2m jpeg encoder"
with_encoder formats=NV12 dmabuf=0
says /dev/video1 "encoder: $VJPEG_NODE (vjpeg) takes NV12 of 4096x2160; imports no"

# Nothing was changed, and each name leads to the camera.
"$BUILD/glint" devices --json >"$LAB_OUT/devices.json"
mapfile -t names < <(/usr/bin/python3 - "$LAB_OUT/devices.json" "$LAB/../../docs/devices.schema.json" "$DEVICE" <<'END'
import json, sys
nodes, schema = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
try:
    import jsonschema
    jsonschema.validate(nodes, schema)
except ImportError:
    print("without python3-jsonschema the schema is not checked", file=sys.stderr)
for node in nodes:
    if node["path"] == sys.argv[3]:
        print("\n".join(node["names"]))
END
)
expect "the camera has names of each kind" at_least ${#names[@]} 5
for name in "${names[@]}"; do
	start_glintd -d "$name" -r 320x240 -m MJPEG
	await_state $ONLINE true 10
	expect_state "'$name' is the camera" $DRIVER uvcvideo
	[ "$name" != "${names[0]}" ] || { look; says "$DEVICE" "in use by another program"; }
	stop_glintd
done

# A user who may not open the nodes is told what to do.
chmod 600 /dev/video*
status=0
setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/glint" devices >"$shown" 2>"$LAB_OUT/errors.txt" ||
	status=$?
expect "the exit status says so" equal $status 2
says "$DEVICE" "cannot be opened: Permission denied"
says "$DEVICE" "Lab camera"
grep -q "usermod -aG" "$LAB_OUT/errors.txt" || fail "there is no advice: $(cat "$LAB_OUT/errors.txt")"
