#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 allocators=1
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# The hardware path: vjpeg imports vivid's buffers without a copy, and clients get vjpeg's JPEGs.
# shellcheck source=../lib.sh disable=SC1091
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"
. "$LAB/m2m.sh"

vjpeg_load family=generic
vivid_plain
m2m_stream 10
expect_m2m import 0.0
expect "each picture is live" equal "$STREAM_live" 5
expect "no picture is older than the one before" equal "$STREAM_backwards" 0
expect_bars "$STREAM_DIR/last.jpg" --size 1280x720
expect_unmapped
expect_nothing_unaccounted
stop_glintd
vjpeg_unload
