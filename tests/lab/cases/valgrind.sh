#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: uring epoll
# heavy: *
# timeout: 600
#
# The frame path under valgrind: no errors and no leaks.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

PATIENCE=60
GLINTD="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
	--child-silent-after-fork=yes $GLINTD"

vivid_plain
start_glintd -d "$DEVICE" -r 640x360
await_state $ONLINE true 30
snapshot "$LAB_OUT/valgrind.jpg"
expect_bars "$LAB_OUT/valgrind.jpg" --size 640x360
stream_frames 5 "$LAB_OUT/stream"
expect_nothing_unaccounted
stop_glintd
