#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: none
# heavy: *
# timeout: 600
#
# vjpeg's parameters override the values of its family; wrong values are refused.
# shellcheck disable=SC1091,SC2154
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"

refused()
{
	if vjpeg_try_load "$@" 2>/dev/null; then fail "vjpeg loads with $*"; fi
}

# second_marker FILE: prints the marker after SOI.
second_marker() { od -An -tx1 -j 2 -N 2 "$1" | tr -d ' '; }

# expect_header NAME MARKER
expect_header()
{
	vjpeg_load "header=$1"
	m2m_good -n 1 -o /run/header.jpg
	expect "$1: what follows SOI" equal "$(second_marker /run/header.jpg)" "$2"
	vjpeg_unload
}

expect_header jfif ffe0
expect_header comment fffe
expect_header bare ffdb

vjpeg_load family=generic mplane=0 formats=UYVY,NM12,NV12 align_w=64 align_h=32 align_stride=256 \
	quality_min=20 quality_max=90 quality_default=30
v4l2-ctl -d "$(vjpeg_node)" --set-fmt-video-out=width=650,height=481,pixelformat=NV12 \
	--get-fmt-video-out --list-formats-out -l >/run/format
expect "the size is rounded up" grep -q 'Width/Height *: 704/512' /run/format
expect "so is the stride" grep -q 'Bytes per Line *: 768' /run/format
expect "the quality has its range" grep -q 'min=20 max=90 step=1 default=30' /run/format
expect "formats with two planes need the other API" \
	equal "$(grep -c "^.*\[[0-9]\]: '" /run/format)" 2
m2m_good -f NV12 -s 650x481
m2m_good -f UYVY -s 650x481 -q 90
vjpeg_unload

vjpeg_load min_buffers=4
m2m_good -b 6
vjpeg_unload

vjpeg_load n_devs=3
for device in vjpeg.0 vjpeg.1 vjpeg.2; do
	expect "there is $device" test -n "$(vjpeg_node "$device")"
done
m2m_good -d "$(vjpeg_node vjpeg.2)"
vjpeg_unload

vjpeg_load
v4l2-ctl -d "$(vjpeg_node)" -l >/run/controls
expect "there are faults to order" equal "$(grep -c 0x0098f9 /run/controls)" 11
vjpeg_unload
vjpeg_load faults=0
v4l2-ctl -d "$(vjpeg_node)" -l >/run/controls
expect "there are none without them" equal "$(grep -c 0x0098f9 /run/controls)" 0
vjpeg_unload

refused family=none
refused formats=XXXX
refused formats=
refused memory=paper
refused header=none
refused align_w=0
refused align_stride=3
refused quality_min=80 quality_default=70
refused quality_max=101
refused min_buffers=33
refused formats=NM12 mplane=0
