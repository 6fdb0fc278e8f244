#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# variant: generic
# variant: others
# loops: none
# heavy: *
# timeout: 1500
#
# v4l2-compliance has no finding about vjpeg that it does not have about vim2m, the kernel's own
# memory-to-memory test driver. Common findings come from the tool's age. From 1.30 on the tool
# sleeps for 16 s in each run ("test blocking wait"), and it runs once for each family of encoders.
# shellcheck disable=SC1091
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"

# findings NODE: the findings, sorted, without line numbers of the tool.
findings()
{
	v4l2-compliance --color never -d "$1" -s 3 >/run/compliance 2>&1 || true
	grep -aq '^Total for' /run/compliance || fail "v4l2-compliance does not finish"
	sed -n '/fail:/s/^[[:space:]]*//p' /run/compliance | sort -u
}

vjpeg_load
vjpeg_unload		# for v4l2-mem2mem
modprobe -d "$LAB_MODULES" vim2m || skip "there is no vim2m to compare with"
findings "$(echo /dev/video[1-9])" >/run/known
rmmod vim2m

# The tool stops at the first format whose description is newer than the tool; it knows these
# formats.
formats=YM12,YUYV,UYVY,YU12,GREY,BGR3
for family in $VJPEG_FAMILIES; do
	if [ "$family" = generic ]; then part=generic; else part=others; fi
	[ "$VARIANT" = $part ] || continue
	vjpeg_load "family=$family" "formats=$formats" faults=0
	found=$(findings "$(vjpeg_node)" | comm -23 - /run/known)
	[ -z "$found" ] || fail "$family: v4l2-compliance finds $found"
	vjpeg_unload
done
