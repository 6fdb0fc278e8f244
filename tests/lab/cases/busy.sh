#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: uring epoll
# heavy: */epoll/*
# timeout: 200
#
# While another process streams from the device, glint says so; glint takes the device when that
# process ends.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

v4l2-ctl -d "$DEVICE" --stream-mmap --stream-count=100000 >/run/other 2>&1 &
other=$!
for ((i = 0; i < 10 * PATIENCE; i++)); do
	[ ! -s /run/other ] || break
	pause 0.1
done
expect "the other process streams" test -s /run/other

start_glintd -d "$DEVICE" -r 640x360
await_state $REASON busy 5
expect_state "it is not called live" $ONLINE false
kill $other
wait $other || true

await_state $ONLINE true 5
expect_state "nothing is wrong any more" $REASON ""
expect_nothing_unaccounted
stop_glintd
