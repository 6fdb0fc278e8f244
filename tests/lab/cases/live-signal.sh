#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 num_inputs=1 input_types=3
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# Three frames of 60 a second after the driver's event at the latest, the state, /events and the
# streams tell that the signal is lost, and why. A second after the signal's return at the latest, all
# of them have live frames again. The frames are those of the guest's clock.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# A control of vivid, and items of its menu.
readonly SIGNAL_MODE=0x00f0f03e
readonly NO_SIGNAL=1 NO_LOCK=2 OUT_OF_RANGE=3 SELECTED=4
readonly P720_60=9
readonly MOST=3 MOST_BACK=60

# within MOST WHAT: none of the numbers of REPLY is larger.
within()
{
	local word
	[[ $REPLY == state=* ]] || fail "$2: $REPLY"
	note "$2, in frames: $REPLY"
	for word in $REPLY; do
		awk -v value="${word#*=}" -v most="$1" 'BEGIN { exit value > most }' ||
			fail "$2 comes too late: $word"
	done
}

# loses MODE REASON: and the signal comes back.
loses()
{
	more "before $2"
	ask lose "$DEVICE" $SIGNAL_MODE "$1"
	within $MOST "$2"
	expect_state "the state says why" $REASON "$2"
	ask regain "$DEVICE" $SIGNAL_MODE $SELECTED
	within $MOST_BACK "live after $2"
	expect_state "nothing is wrong any more" $REASON ""
}

vivid_plain
vivid_ctl dv_timings_signal_mode $SELECTED
vivid_ctl dv_timings $P720_60
start_glintd -d "$DEVICE"
await_state $ONLINE true 5
ask clients 2
more "at first"
for ((i = 0; i < 3; i++)); do
	loses $NO_SIGNAL unpowered
	loses $NO_LOCK no-lock
	loses $OUT_OF_RANGE out-of-range
done

alive
expect_nothing_unaccounted
stop_glintd
