#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 num_inputs=2 input_types=0x7
# loops: uring epoll
# heavy: */uring/* */epoll/*
# timeout: 7200
#
# All faults of an HDMI input, of a USB camera and of a board's receiver at random, under clients, for
# FAULT_SECONDS of the guest's clock (default 120; tests/lab/run --env FAULT_SECONDS=3600), in which
# frames and faults come at their own rate however busy the host is. The seed is printed, and
# FAULT_SEED repeats a run.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"
# shellcheck source=../uvc.sh
. "$LAB/uvc.sh"
. "$LAB/../kmod/vbridge.sh"

vbridge_load
start_camera -b -f 30
CAMERA=$DEVICE /usr/bin/python3 "$LAB/random_faults.py"
camera unplug
for module in uvcvideo vbridge; do
	rmmod $module || fail "something still holds $module"
done
