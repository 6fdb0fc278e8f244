#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# variant: single multiplanar=1
# variant: multi multiplanar=2
# variant: contig multiplanar=2 allocators=1
# loops: uring
# timeout: 1200
#
# Every pixel format that glint reads and vivid has: the picture has the right colours. The
# last line of them goes through libv4lconvert.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# What vivid calls it, and what glintd's -m does when that is another word.
formats=(YUYV YVYU UYVY VYUY NV12 NV21 NV16 NV61 NV24 NV42
	YU12:YUV420 YV12:YVU420 422P GREY RGBP:RGB565 RGB3:RGB24 BGR3:BGR24
	XR24 XB24 BX24 RX24 AR24 AB24 BA24 RA24 RGB4 BGR4
	NM12 NM21 NM16 NM61 YM12 YM21 YM16 YM61 YM24 YM42
	RGGB GRBG GBRG BA81 RG10 BA10 GB10 BG10 RG16 GR16 GB16 BYR2 Y16)

offered=$(v4l2-ctl -d "$DEVICE" --list-formats)
vivid_plain

checked=0
for format in "${formats[@]}"; do
	name=${format%:*}
	[[ $offered == *"'$name'"* || $offered == *"'$name '"* ]] || continue

	start_glintd -d "$DEVICE" -r 640x360 -m "${format#*:}"
	await_state $ONLINE true 5
	expect_state "the format is the one asked for" $FOURCC "$(printf %-4s "$name")"
	file=$LAB_OUT/$name.jpg
	snapshot "$file"
	case $name in
	GREY|Y16) expect_bars "$file" --size 640x360 --gray ;;
	*)	expect_bars "$file" --size 640x360 ;;
	esac
	expect_nothing_unaccounted
	stop_glintd
	note "$name is right"
	checked=$((checked + 1))
done
# So many vivid has with one plane; more with several.
expect "vivid has these formats" at_least $checked 40
