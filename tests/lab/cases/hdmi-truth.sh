#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# vivid: n_devs=1 node_types=0x1 num_inputs=1 input_types=3
# loops: uring epoll
# heavy: */epoll/*
# timeout: 90
#
# After the offline picture, a stream marks no picture as live until the signal is back. The case
# checks each part through lost signals, changes of size and an unplugged device.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# Items of vivid's menus.
readonly NO_SIGNAL=1 NO_LOCK=2 OUT_OF_RANGE=3 SELECTED=4
readonly P720_60=9 P1080_60=16

# hears WORD LEAST: waits until the watchers have counted LEAST changes to WORD, offline or back.
hears()
{
	local i count
	for ((i = 0; i < 100 * PATIENCE; i++)); do
		ask heard
		[[ $REPLY =~ $1=([0-9]+) ]] || fail "$REPLY"
		count=${BASH_REMATCH[1]}
		[ "$count" -lt "$2" ] || return 0
		pause 0.1
	done
	fail "the stream did not say '$1' $2 times: $REPLY"
}

# silent WHAT: no part is live after the first offline one. The offline picture is repeated after a
# second: late encoded pictures have arrived by then.
silent()
{
	hears offline 2
	ask heard
	expect "$1: no part is live afterwards" equal "${REPLY#* }" "back=0 old=0"
}

vivid_plain
vivid_ctl dv_timings_signal_mode $SELECTED
vivid_ctl dv_timings $P1080_60
start_glintd -d "$DEVICE"
await_state $ONLINE true 5
ask clients 2
pause 1

for mode in $NO_SIGNAL $NO_LOCK $OUT_OF_RANGE $NO_SIGNAL; do
	ask listen
	vivid_ctl dv_timings_signal_mode "$mode"
	silent "signal mode $mode"
	vivid_ctl dv_timings_signal_mode $SELECTED
	hears back 3
done

# After a change the first live part has the new size.
ask listen
vivid_ctl dv_timings $P720_60
hears back 3
ask heard 1920x1080
expect "no part of before the change is live" equal "${REPLY##* }" old=0

ask listen
platform unbind
silent "the device is gone"
platform bind
hears back 3

alive
expect_nothing_unaccounted
stop_glintd
