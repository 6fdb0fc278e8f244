#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# variant: vmalloc allocators=0
# variant: contig allocators=1
# loops: uring
# heavy: */*/vmalloc
# timeout: 900
#
# The memory that the two devices can share: the camera's, the encoder's, or none.
# shellcheck source=../lib.sh disable=SC1091
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"
. "$LAB/m2m.sh"

# way WAY COPIES PARAMETER...: of vjpeg.
way()
{
	local way=$1 copies=$2
	shift 2
	vjpeg_load "$@"
	m2m_stream 10
	note "$*: $(state $M2M_MEMORY), frames in $(state result.glint.buffers.kind)"
	expect_m2m "$way" "$copies"
	expect_bars "$STREAM_DIR/last.jpg" --size 1280x720
	[ "$copies" != 0.0 ] || expect_unmapped
	# Once more: all exported and imported buffers have been released.
	vivid_press disconnect
	await_state $ONLINE false 3
	await_state $ONLINE true 5
	ask clients 1
	await_state $ENCODER m2m 20
	expect_state "the way is the same" $M2M_MEMORY "$way"
	expect_nothing_unaccounted
	stop_glintd
	vjpeg_unload
}

vivid_plain
case $VARIANT in
contig)	way import 0.0 memory=contig
	way import 0.0 memory=vmalloc ;;
vmalloc) way export 0.0 memory=contig
	way import 0.0 memory=vmalloc ;;
esac
way copy 1.0 memory=contig dmabuf=0
way copy 1.0 memory=contig formats=NV12 align_h=32
