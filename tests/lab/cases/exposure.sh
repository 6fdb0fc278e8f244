#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# loops: uring epoll
# timeout: 300
#
# What is done before /snapshot?after=now is on its picture, whatever the driver's stamps are.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# Items of vivid's menus.
readonly BLACK=5 WHITE=6
readonly END_OF_FRAME=0 START_OF_EXPOSURE=1

# shows FILE black|white
shows()
{
	local red
	red=$("$PICTURE" "$1" grid 1x1)
	red=${red%%,*}
	case $2 in
	black) at_least 16 "$red" ;;
	white) at_least "$red" 240 ;;
	esac
}

# switched PATTERN NAME
switched()
{
	local file=$LAB_OUT/$2.jpg
	vivid_ctl test_pattern "$1"
	snapshot "$file" "?after=now"
	expect "the picture is live" equal "$(header "$file" X-UStreamer-Online)" true
	expect "the picture shows what was there when it was asked for" shows "$file" "$2"
}

# black_and_white CLOCK
black_and_white()
{
	local file=$LAB_OUT/white.jpg before='' i
	for i in 1 2 3 4; do
		switched $BLACK black
		switched $WHITE white
		expect "it is known to be later" at_least \
			"$(header "$file" X-Glint-Exposure-Ns)" $((before + 1))
		before=$(header "$file" X-Glint-Exposure-Ns)
	done
	expect "the stamps are what they were meant to be" equal \
		"$(header "$file" X-Glint-Clock)" "$1"
}

vivid_plain
start_glintd -d "$DEVICE" -r 640x360
await_state $ONLINE true 5

# Those that vivid gives at the end of a frame are of the future.
vivid_ctl timestamp_source $END_OF_FRAME
black_and_white arrival

vivid_ctl timestamp_source $START_OF_EXPOSURE
black_and_white monotonic

expect_nothing_unaccounted
stop_glintd
