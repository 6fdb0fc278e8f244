#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid:
# loops: none
# timeout: 300
#
# The bridge module is a driver as V4L2 wants it: v4l2-compliance has no finding about its video node
# and its subdevices, and it streams what the signal is.
# shellcheck disable=SC1091
. "$LAB/lib.sh"
. "$LAB/../kmod/vbridge.sh"

# compliant OPTION NODE: no finding but those of the tool's age.
compliant()
{
	local found
	v4l2-compliance --color never "$1" "$2" >"$LAB_OUT/compliance" 2>&1 || true
	grep -aq '^Total for' "$LAB_OUT/compliance" || fail "v4l2-compliance does not finish"
	found=$(sed -n '/fail:\|FAIL$/s/^[[:space:]]*//p' "$LAB_OUT/compliance" |
		grep -vxFf "$LAB/compliance.allow" || true)
	[ -z "$found" ] || fail "$2: v4l2-compliance finds $found"
	note "$(tail -n 1 "$LAB_OUT/compliance")"
}

vbridge_load
compliant -u "$VBRIDGE_HDMI"
compliant -u "$VBRIDGE_CSI2"
compliant -d "$VBRIDGE_NODE"

# The signal's timings, and equal formats everywhere.
vbridge_edid hdmi
vbridge_source "$SOURCE_480P"
v4l2-ctl -d "$VBRIDGE_HDMI" --set-dv-bt-timings query >/dev/null
media-ctl -d "$VBRIDGE_MEDIA" -V '"vbridge hdmi":0[fmt:UYVY8_1X16/640x480]'
v4l2-ctl -d "$VBRIDGE_NODE" -v width=640,height=480,pixelformat=UYVY
stream() { v4l2-ctl -d "$VBRIDGE_NODE" --stream-mmap --stream-count=20 --stream-to="$1" 2>&1; }

vbridge_link 0
[[ $(stream /dev/null) == *STREAMON* ]] || fail "a node without a link streams"
vbridge_link 1
[[ $(stream "$LAB_OUT/frames") != *STREAMON* ]] || fail "the node does not stream"
expect "twenty frames came" equal "$(stat -c %s "$LAB_OUT/frames")" $((20 * 640 * 480 * 2))
# Cell 31 of the sequence number alternates: black 0x10 and white 0xeb.
cell() { od -An -tx1 -j $(($1 * 640 * 480 * 2 + (31 * 16 + 4) * 2 + 1)) -N 1 "$LAB_OUT/frames"; }
[ "$(cell 4)" != "$(cell 5)" ] || fail "frames do not show their number: $(cell 4)"
# stamps: when each of 61 frames came, in seconds.
stamps() { v4l2-ctl -d "$VBRIDGE_NODE" --stream-mmap --stream-count=61 --verbose 2>&1 |
	sed -n 's/.* ts: \([0-9.]*\).*/\1/p'; }
took=$(stamps | awk 'NR == 1 { first = $1 } { last = $1 } END { printf "%d of %d", NR, 1000 * (last - first) }')
note "frames and milliseconds: $took"
expect "61 frames have a time" equal "${took% of *}" 61
expect "60 frames at 59.94 Hz take a second" at_least "${took#* of }" 985
expect "and not more" at_least 1015 "${took#* of }"

v4l2-ctl -d "$VBRIDGE_NODE" -v width=320,height=240,pixelformat=UYVY
[[ $(stream /dev/null) == *'Broken pipe'* ]] || fail "a node with another size streams"
rmmod vbridge || fail "vbridge cannot be unloaded"
