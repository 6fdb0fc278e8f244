#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12 vm-6.1
# variant: vmalloc allocators=0
# variant: contig allocators=1
# loops: none
# heavy: */*/vmalloc vm-6.1/*/*
# timeout: 300
#
# The lab without glint, so that faults of the lab are not taken for glint's.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# Prints the tool's findings that compliance.allow does not list.
unknown_findings()
{
	local known line
	declare -A known=()
	while IFS= read -r line; do
		[[ -z $line || $line == '#'* ]] || known[$line]=1
	done <"$LAB/compliance.allow"
	grep -aE 'fail:|: FAIL' "$1" | sed 's/^[[:space:]]*//' | while IFS= read -r line; do
		[ -n "${known[$line]:-}" ] || note "$line"
	done
}

# Line-buffered: the tool forks, and would print the contents of its buffer twice.
stdbuf -oL v4l2-compliance -d "$DEVICE" >/run/compliance 2>&1 || true
expect "v4l2-compliance comes to its end" grep -aq '^Total for vivid device' /run/compliance
found=$(unknown_findings /run/compliance)
if [ -n "$found" ]; then
	cp /run/compliance "$LAB_OUT/"
	fail "v4l2-compliance finds $found"
fi

# Write to a tmpfs: 9p passes large writes to the host without a copy, which needs to pin the pages,
# and the pages of a contiguous buffer cannot be pinned.
v4l2-ctl -d "$DEVICE" -v width=640,height=360,pixelformat=YUYV || fail "vivid does not take 640x360"
expect "frames can be streamed" \
	v4l2-ctl -d "$DEVICE" --stream-mmap --stream-count=30 --stream-to=/run/frames
expect "30 whole frames of YUYV came" equal "$(stat -c %s /run/frames)" $((640 * 360 * 2 * 30))
