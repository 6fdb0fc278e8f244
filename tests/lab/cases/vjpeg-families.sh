#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: none
# heavy: *
# timeout: 1200
#
# vjpeg has the formats, the API and the quality scale of each family, and each JPEG is as good as
# libjpeg-turbo's with the same tables.
# shellcheck disable=SC1091,SC2154
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"

# expect_quality MIN MAX DEFAULT: range of the control.
expect_quality()
{
	local line
	line=$(v4l2-ctl -d "$(vjpeg_node)" -l | grep -a ' compression_quality ')
	expect "the quality's range" equal "$(grep -oE 'min=.*' <<<"$line" | cut -d ' ' -f 1-4)" \
		"min=$1 max=$2 step=1 default=$3"
}

# A higher value is better on every scale; some drivers have four steps from 0.
expect_order()
{
	local least
	m2m_good -f "$3" -n 1 -s 165x109 -q "$1"
	least=$M2M_bytes
	m2m_good -f "$3" -n 1 -s 165x109 -q "$2"
	expect "the highest value gives the largest JPEG" test "$M2M_bytes" -gt "$least"
}

# family NAME API QUALITY SAMPLING FORMATS: SAMPLING of formats other than 4:2:0, which stay 4:2:0.
family()
{
	local name=$1 api=$2 quality=$3 sampling=$4 format listed
	vjpeg_load "family=$name"
	v4l2-ctl -d "$(vjpeg_node)" -D >/run/info
	expect "$name has its API" grep -q "Video Memory-to-Memory$api\$" /run/info
	# shellcheck disable=SC2086 # three numbers
	expect_quality $quality
	# shellcheck disable=SC2086
	expect_order ${quality% *} "${5%% *}"
	listed=$(v4l2-ctl -d "$(vjpeg_node)" --list-formats-out | grep -aoP "(?<=: ')....(?=')")
	expect "$name has its formats" equal "${listed//$'\n'/ }" "$5"
	for format in $5; do
		# The size is a multiple of no alignment: padding must not be visible.
		m2m_good -f "$format" -n 1 -s 165x109
		expect "the padding is left out" equal "$M2M_size" 165x109
		case $format in
		GREY)	expect "$name, $format" equal "$M2M_sampling" grey ;;
		NV12 | NV21 | NM12 | NM21 | YU12 | YM12)
			expect "$name, $format" equal "$M2M_sampling" 4:2:0 ;;
		*)	expect "$name, $format" equal "$M2M_sampling" "$sampling" ;;
		esac
	done
	vjpeg_unload
}

family generic ' Multiplanar' '1 100 75' 4:2:0 'YUYV UYVY NV12 NM12 YU12 NV16 GREY BGR3'
family hantro ' Multiplanar' '5 100 50' 4:2:0 'YM12 NM12 YUYV UYVY'
family imx-jpeg ' Multiplanar' '1 100 75' 4:2:2 'BGR3 AR24 NM12 NV12 YUYV GREY'
family mtk-jpeg ' Multiplanar' '48 100 90' 4:2:2 'NM12 NM21 YUYV YVYU'
family s5p-jpeg '' '0 3 3' 4:2:2 'RGBP YUYV YVYU NV12 NV21 NV16 NV61 YU12 GREY'
family rcar-jpu ' Multiplanar' '0 3 0' 4:2:2 'NM16 NM12 NV16 NV12'
family e5010 ' Multiplanar' '1 100 75' 4:2:2 'NV12 NM12 NV21 NM21 NV16 NM16 NV61 NM61'
family coda '' '5 100 50' 4:2:0 'YU12'
family bcm2835 ' Multiplanar' '1 100 75' 4:2:0 'YU12 NV12 YUYV UYVY RGB3 BGR3'
