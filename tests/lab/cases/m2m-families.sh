#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1
# variant: single allocators=1 multiplanar=1
# variant: multi allocators=1 multiplanar=2
# loops: uring
# heavy: *
# timeout: 900
#
# For every family of encoders the pictures have vivid's colours, and no frame is copied if the
# family takes DMABUFs.
# shellcheck source=../lib.sh disable=SC1091
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"
. "$LAB/m2m.sh"

# family NAME WAY COPIES
family()
{
	vjpeg_load "family=$1"
	m2m_stream 10
	note "$1: $(state result.glint.encoder)"
	expect_m2m "$2" "$3"
	expect_bars "$STREAM_DIR/last.jpg" --size 1280x720
	expect_nothing_unaccounted
	stop_glintd
	vjpeg_unload
}

vivid_plain
family generic import 0.0
family hantro import 0.0
family imx-jpeg import 0.0
family mtk-jpeg import 0.0
family s5p-jpeg copy 1.0
family rcar-jpu import 0.0
family e5010 import 0.0
family coda import 0.0
family bcm2835 import 0.0
