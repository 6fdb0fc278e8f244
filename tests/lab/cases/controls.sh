#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# Controls of vivid, which has one of each type, and of a USB camera, under a stream client: read, set,
# refused, changed by another program, and set again after a replug.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"

start_camera -b -f 30
CAMERA=$DEVICE CAMERA_IN=/run/camera-in CAMERA_OUT=/run/camera-out \
	/usr/bin/python3 "$LAB/controls.py"
