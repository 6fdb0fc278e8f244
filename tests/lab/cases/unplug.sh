#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# loops: uring epoll
# heavy: uml/epoll/*
# timeout: 300
#
# The device is unplugged and comes back while two clients stream.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

start_glintd -d "$DEVICE" -r 640x360
await_state $ONLINE true 5
ask clients 2
more "the clients look on"

# vivid unregisters its node and comes back by itself after the last close. So its return shows that
# glint has released everything: file, mappings and polls.
vivid_press disconnect
await_state $ONLINE false 3
await_state $ONLINE true 5
more "the clients look on after a disconnect"

# Unplugged for longer: the node is missing from /dev until the driver is bound again.
platform unbind
await_state $REASON no-device 5
expect "the node is gone" test ! -e "$DEVICE"
snapshot "$LAB_OUT/gone.jpg"
expect "the picture is not called live" equal "$(header "$LAB_OUT/gone.jpg" X-UStreamer-Online)" false
expect "the picture says why" equal "$(header "$LAB_OUT/gone.jpg" X-Glint-Reason)" no-device
more "the clients are shown why"

platform bind
await_state $ONLINE true 10
expect_state "nothing is wrong any more" $REASON ""
more "the clients look on after the device was away"

alive
expect_nothing_unaccounted
stop_glintd
# In UML vivid is a part of the kernel.
if [ "$LAB_KIND" = vm ]; then
	rmmod vivid || fail "something still holds vivid"
fi
