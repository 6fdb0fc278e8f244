#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 allocators=1
# loops: uring epoll
# heavy: */epoll/*
# timeout: 600
#
# The camera, and then the encoder, is unplugged and comes back while the other is in use and two
# clients stream.
# shellcheck source=../lib.sh disable=SC1091
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"
. "$LAB/m2m.sh"

vjpeg_load family=generic
start_glintd -d "$DEVICE" -r 1280x720 --desired-fps 10
await_state $ONLINE true 5
ask clients 2
await_state $M2M_STATE ok 5

# vivid comes back by itself after its last user has closed it, so the encoder has released its
# buffers too.
vivid_press disconnect
await_state $ONLINE false 3
await_state $ONLINE true 5
await_state $ENCODER m2m 15

platform unbind
await_state $REASON no-device 5
platform bind
await_state $ONLINE true 10
await_state $ENCODER m2m 15
expect_state "the new frames are not copied either" $M2M_MEMORY import
expect_state "no frame was copied" $COPIES 0.0
ask judged 1280x720

# The encoder: the CPU encodes for its clients until it is back.
vjpeg_platform() { echo vjpeg.0 >"$VJPEG_DRIVER/$1"; }
vjpeg_platform unbind
await_state $ENCODER cpu 5
note "without it: $(state $M2M_STATE), $(state $M2M_REASON)"
pause 1
judge
vjpeg_platform bind
await_state $M2M_STATE ok 20
await_state $ENCODER m2m 15
judge

# Between two frames the encoder holds no buffer, unless it has leaked one.
await_state $M2M_HELD 0 5
expect_nothing_unaccounted
stop_glintd
vjpeg_unload
