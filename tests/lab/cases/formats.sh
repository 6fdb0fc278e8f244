#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# variant: single multiplanar=1
# variant: multi multiplanar=2
# variant: contig multiplanar=2 allocators=1
# loops: uring
# heavy: */*/multi */*/single
# timeout: 1200
#
# The picture has the right colours in every pixel format that both glint and vivid have.
# libv4lconvert converts those of Bayer; of samples of more than eight bits the highest eight count, which
# the state says.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

BITS=result.glint.format.bits

# vivid's name of a format, and the name for glintd's -m where it differs.
formats=(YUYV YVYU UYVY VYUY NV12 NV21 NV16 NV61 NV24 NV42
	YU12:YUV420 YV12:YVU420 422P GREY RGBP:RGB565 RGB3:RGB24 BGR3:BGR24
	XR24 XB24 BX24 RX24 AR24 AB24 BA24 RA24 RGB4 BGR4
	NM12 NM21 NM16 NM61 YM12 YM21 YM16 YM61 YM24 YM42
	RGGB GRBG GBRG BA81 RG10 BA10 GB10 BG10 RG12 BA12 GB12 BG12 RG16 GR16 GB16 BYR2
	Y10 Y12 Y16)

offered=$(v4l2-ctl -d "$DEVICE" --list-formats)
vivid_plain

checked=0
for format in "${formats[@]}"; do
	name=${format%:*}
	[[ $offered == *"'$name'"* || $offered == *"'$name '"* ]] || continue

	start_glintd -d "$DEVICE" -r 640x360 -m "${format#*:}"
	await_state $ONLINE true 5
	expect_state "the format is the one asked for" $FOURCC "$(printf %-4s "$name")"
	case $name in
	Y1[026]) expect_state "the state has the bits" $BITS "${name#Y}" ;;
	[RGB][GAB]12) expect_state "the state has the bits" $BITS "${name#[A-Z][A-Z]}" ;;
	esac
	file=$LAB_OUT/$name.jpg
	snapshot "$file"
	case $name in
	GREY|Y1?) expect_bars "$file" --size 640x360 --gray ;;
	*)	expect_bars "$file" --size 640x360 ;;
	esac
	expect_nothing_unaccounted
	stop_glintd
	note "$name is right"
	checked=$((checked + 1))
done
# first_sampling FILE: the sampling factors of the first component of a JPEG, as two digits.
first_sampling()
{
	/usr/bin/python3 -c '
import sys
data = open(sys.argv[1], "rb").read()
print(f"{data[data.index(bytes((0xff, 0xc0))) + 11]:02x}")' "$1"
}

# Colours at full resolution stay so where that is asked for, and are halved where it is not.
for format in NV24 RGB24 NV16; do
	for chroma in source 420; do
		start_glintd -d "$DEVICE" -r 640x360 -m $format --chroma $chroma
		await_state $ONLINE true 5
		snapshot "$LAB_OUT/$format-$chroma.jpg"
		case $format-$chroma in
		NV16-source) wanted=21 ;;
		*-source) wanted=11 ;;
		*)	wanted=22 ;;
		esac
		expect "$format with --chroma $chroma" equal \
			"$(first_sampling "$LAB_OUT/$format-$chroma.jpg")" $wanted
		expect_bars "$LAB_OUT/$format-$chroma.jpg" --size 640x360
		stop_glintd
	done
done

# The number of formats that vivid has with one plane; with several planes it has more.
expect "vivid has these formats" at_least $checked 40
