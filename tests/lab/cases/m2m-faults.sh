#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 allocators=1
# loops: uring epoll
# timeout: 1500
#
# Each fault of the encoder during a stream to two clients: they see whole pictures, and
# none waits longer than two frame times, or than one more than without a fault; then the
# hardware is used again.
# shellcheck source=../lib.sh disable=SC1091,SC2154
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"
. "$LAB/m2m.sh"

# In frames of the source, of which every second is wanted: two frame times, and one that comes
# early. A guest that shares its host makes everybody wait without any fault: how long, is
# measured between the faults, and a fault may add one frame time to that.
WIDEST=5 FRAME=2

quiet()
{
	pause 1
	judge
	if [ $((JUDGED_widest + FRAME)) -gt $WIDEST ]; then WIDEST=$((JUDGED_widest + FRAME)); fi
}

faults() { ask state $M2M_FAULTS; }

# one_fault NAME VALUE [once]: orders it, sees it happen, takes it back, sees the hardware come
# back and work long enough for the failure to be forgotten.
one_fault()
{
	local before
	quiet
	faults
	before=$REPLY
	vjpeg_ctl "$1" "$2"
	await_state $M2M_FAULTS ">$before" 5
	[ $# -gt 2 ] || vjpeg_ctl "$1" 0
	note "$1: $(state $M2M_REASON)"
	await_state $M2M_STATE ok 70
	await_state $ENCODER m2m 5
	pause 2.5
	judge
}

# The host may be busy in just that moment, so the second or third time will do; no picture may
# be broken at any time.
fault()
{
	local i
	for i in 1 2 3; do
		one_fault "$@"
		note "at most $WIDEST"
		[ "$JUDGED_widest" -gt $WIDEST ] || return 0
	done
	fail "somebody waits longer than a frame more, each time"
}

vjpeg_load family=generic
vivid_plain
start_glintd -d "$DEVICE" -r 1280x720 --desired-fps 30
await_state $ONLINE true 5
ask clients 2
await_state $M2M_STATE ok 5
quiet
expect_uncopied

fault jobs_never_finish 1
fault fail_every_nth_job 5
fault truncate_jpeg 1
fault omit_eoi 1
fault wrong_size_in_jpeg 1
fault job_duration_us 600000
fault stall_next_poll_ms 1500 once
fault stall_next_ioctl_ms 1500 once
fault fail_next_qbuf 1 once

# What fails only when it is set up: the next one but one way back.
vjpeg_ctl fail_next_streamon 1
fault fail_every_nth_job 5
vjpeg_ctl fail_next_reqbufs 1
fault fail_every_nth_job 5

expect_state "nothing is copied after all that" $M2M_MEMORY import
# Between two frames it has none, unless it has kept one.
await_state $M2M_HELD 0 5
expect_nothing_unaccounted
stop_glintd
vjpeg_unload
