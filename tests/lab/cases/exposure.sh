#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# /snapshot?after=now shows every change made before the request, with each kind of driver stamp.
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
	expect "the picture shows the pattern of the time of the request" shows "$file" "$2"
}

# marked PATTERN NAME: what is done after the reply to a mark shows in the picture after the mark.
marked()
{
	local file=$LAB_OUT/marked-$2.jpg
	curl -sf --unix-socket "$SOCK" -X POST 'http://glint/marks?id=here' >"$LAB_OUT/mark.json"
	vivid_ctl test_pattern "$1"
	snapshot "$file" "?after=mark:here&guarantee=exposed&timeout=10s"
	expect "the picture after the mark is live" equal "$(header "$file" X-UStreamer-Online)" true
	snapshot "$file" "?after=now&since=$(header "$file" X-Glint-Sequence)"
	expect "the picture shows the pattern that followed the mark" shows "$file" "$2"
	expect "all numbers between two frames are counted" equal \
		$(($(header "$file" X-Glint-Since-Dropped) + $(header "$file" X-Glint-Since-Corrupt) + \
		$(header "$file" X-Glint-Since-Skipped) + $(header "$file" X-Glint-Since) + 1)) \
		"$(header "$file" X-Glint-Sequence)"
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

# vivid's end-of-frame stamps are in the future.
vivid_ctl timestamp_source $END_OF_FRAME
black_and_white arrival
marked $BLACK black

vivid_ctl timestamp_source $START_OF_EXPOSURE
black_and_white monotonic
marked $BLACK black

expect_nothing_unaccounted
stop_glintd
