#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid:
# loops: uring epoll
# heavy: */epoll/*
# timeout: 600
#
# vimc, the kernel's virtual board: the service sets up the path that the links lead to, and the one
# that --media-entity-name asks for; sets up links that cannot be disabled, and a board that was
# unbound; and names two pads when it may not set them.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

MEDIA_PATH=result.glint.media.path
PROBLEM=result.glint.media.problem

# find_nodes: sets RAW, COLOUR and MEDIA to the nodes of the board.
find_nodes()
{
	local place name i
	for ((i = 0; i < 20 * PATIENCE; i++)); do
		RAW='' COLOUR='' MEDIA=''
		for place in /sys/bus/platform/devices/vimc.0/video4linux/video*; do
			[ -e "$place/name" ] || continue
			read -r name <"$place/name"
			case $name in
			'Raw Capture 0') RAW=/dev/${place##*/} ;;
			'RGB/YUV Capture') COLOUR=/dev/${place##*/} ;;
			esac
		done
		for place in /sys/bus/platform/devices/vimc.0/media*; do
			[ ! -e "$place" ] || MEDIA=/dev/${place##*/}
		done
		if [ -n "$RAW" ] && [ -n "$COLOUR" ] && [ -n "$MEDIA" ]; then return; fi
		pause 0.1
	done
	fail "vimc has no nodes"
}

# fresh_vimc: everything at its defaults.
fresh_vimc()
{
	rmmod vimc 2>/dev/null || true
	modprobe -d "$LAB_MODULES" vimc || fail "vimc does not load"
	find_nodes
}

fresh_vimc
# What the kernel says before anything is set up: with another size at the node, EPIPE.
v4l2-ctl -d "$COLOUR" -v width=320,height=240 >/dev/null
[[ $(v4l2-ctl -d "$COLOUR" --stream-mmap --stream-count=1 2>&1 || true) == *'Broken pipe'* ]] ||
	fail "vimc streams without being set up: the case proves nothing"
"$BUILD/glint" media "$MEDIA" >"$LAB_OUT/graph"
grep -q "path: 'Sensor A' -> 'Debayer A' -> 'Scaler' -> 'RGB/YUV Capture'" "$LAB_OUT/graph" ||
	fail "glint media does not show the path: $(<"$LAB_OUT/graph")"
grep -q "pad 0 of 'Sensor A' has RGB888_1X24 640x480, pad 0 of 'Debayer A' has SRGGB8_1X8 640x480" \
	"$LAB_OUT/graph" || fail "glint media does not name the pads: $(<"$LAB_OUT/graph")"

# By itself: the path that the enabled links lead to. Its first entity also feeds a node whose link
# cannot be disabled, and which stands at another size.
start_glintd -d "$COLOUR" -r 320x240
await_state $ONLINE true 5
expect_state "the path is found" "$MEDIA_PATH" \
	'["Sensor A", "Debayer A", "Scaler", "RGB/YUV Capture"]'
expect_state "nothing is wrong" "$PROBLEM" ""
ask clients 1
live_snapshot "$LAB_OUT/found.jpg"
expect_size "$LAB_OUT/found.jpg" 320x240

# Unbound and bound under a stream: all is at its defaults again.
echo vimc.0 >/sys/bus/platform/drivers/vimc/unbind
await_state $REASON no-device 3
echo vimc.0 >/sys/bus/platform/drivers/vimc/bind
await_state $ONLINE true 5
live_snapshot "$LAB_OUT/back.jpg"
expect_size "$LAB_OUT/back.jpg" 320x240
more "the stream goes on after the board has come back"
expect_nothing_unaccounted
stop_glintd

# The options: another source, whose links are disabled at first.
fresh_vimc
start_glintd -d "$COLOUR" -r 320x240 --media-device "$MEDIA" --media-entity-name 'RGB/YUV Input'
await_state $ONLINE true 5
expect_state "the path begins where the option says" "$MEDIA_PATH" \
	'["RGB/YUV Input", "Scaler", "RGB/YUV Capture"]'
live_snapshot "$LAB_OUT/named.jpg"
expect_size "$LAB_OUT/named.jpg" 320x240

# While the pipeline streams, another service on the same board is told that it is busy.
first=$GLINTD_PID
SOCK=/run/second.sock
start_glintd -d "$RAW" -r 160x120 --media-entity-name 'RGB/YUV Input'
await_state $REASON pipeline 5
ask state "$PROBLEM"
[[ $REPLY == *"'RGB/YUV Input' cannot be linked to 'Raw Capture 0'"* ]] || fail "$REPLY"
stop_glintd
SOCK=/run/glint.sock GLINTD_PID=$first
expect_nothing_unaccounted
stop_glintd

# A name that does not exist is said, and the graph to choose from.
start_glintd -d "$COLOUR" --media-entity-name 'no such entity'
await_state $REASON pipeline 5
ask state "$PROBLEM"
[[ $REPLY == *"no entity 'no such entity' in $MEDIA"* ]] || fail "$REPLY"
stop_glintd
rmmod vimc || fail "vimc is still in use"
