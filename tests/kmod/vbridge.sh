# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the cases use these names
#
# Functions for the cases of tests/lab with vbridge. Source tests/lab/lib.sh first.
KMOD=$(dirname "$LAB")/kmod
# The place where tests/kmod/build puts the module.
VBRIDGE_KERNEL=$(dirname "$LAB_MODULES")
VBRIDGE_KO=$(dirname "$VBRIDGE_KERNEL")/kmod/$(basename "$VBRIDGE_KERNEL")/vbridge/vbridge.ko
VBRIDGE_DRIVER=/sys/bus/platform/drivers/vbridge
# Items of the receiver's control "Source".
SOURCE_NONE=0 SOURCE_NO_LOCK=1 SOURCE_OUT_OF_RANGE=2
SOURCE_480P=3 SOURCE_720P=4 SOURCE_1080P=5 SOURCE_720P50=6

[ -e "$VBRIDGE_KO" ] || skip "vbridge is not built for this kernel: tests/kmod/build"
[ -z "$(find "$KMOD/vbridge" -name '*.[ch]' -newer "$VBRIDGE_KO")" ] ||
	fail "vbridge is older than its source: tests/kmod/build"

# vbridge_find: sets VBRIDGE_NODE, VBRIDGE_HDMI, VBRIDGE_CSI2 and VBRIDGE_MEDIA.
vbridge_find()
{
	local place name
	for place in /sys/bus/platform/devices/vbridge.0/video4linux/*; do
		read -r name <"$place/name"
		case $name in
		'vbridge capture') VBRIDGE_NODE=/dev/${place##*/} ;;
		'vbridge hdmi')	VBRIDGE_HDMI=/dev/${place##*/} ;;
		'vbridge csi2')	VBRIDGE_CSI2=/dev/${place##*/} ;;
		esac
	done
	for place in /sys/bus/platform/devices/vbridge.0/media*; do
		VBRIDGE_MEDIA=/dev/${place##*/}
	done
}

vbridge_load()
{
	modprobe -d "$LAB_MODULES" -a videodev videobuf2-v4l2 videobuf2-vmalloc v4l2-dv-timings
	insmod "$VBRIDGE_KO" || fail "vbridge does not load"
	vbridge_find
}

# vbridge_source ITEM: the source sends another signal, or none.
vbridge_source()
{
	v4l2-ctl -d "$VBRIDGE_HDMI" -c "source=$1" || fail "vbridge has no source $1"
}

# vbridge_edid TYPE: as v4l2-ctl names them, such as hdmi.
vbridge_edid()
{
	v4l2-ctl -d "$VBRIDGE_HDMI" --set-edid="type=$1" >/dev/null || fail "no EDID can be set"
}

# vbridge_link FLAG: 1 enables the link to the video node, 0 disables it.
vbridge_link()
{
	media-ctl -d "$VBRIDGE_MEDIA" -l "\"vbridge csi2\":1->\"vbridge capture\":0[$1]" ||
		fail "the link cannot be set to $1"
}
