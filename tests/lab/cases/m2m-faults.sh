#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 allocators=1
# loops: uring epoll
# heavy: */epoll/*
# timeout: 1500
#
# Each fault of the encoder while two clients stream: the clients get complete pictures and wait at
# most two frame times; afterwards the hardware is used again. The guest's clock is virtual, so no
# client waits for the host.
# shellcheck source=../lib.sh disable=SC1091,SC2154
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"
. "$LAB/m2m.sh"

# Frames of the source: vivid has 120 a second at this size, of which every fourth is encoded. A
# picture may come half a frame time early, so two frame times are at most 10 frames.
SIZE=640x360 FRAME=4 WIDEST=10

faults() { ask state $M2M_FAULTS; }

# fault NAME VALUE [once]: injects the fault, waits until it has happened, clears it, and waits
# until the hardware has worked long enough for the failure to be forgotten.
fault()
{
	local before
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
	expect "no client waits longer than two frame times" at_least $WIDEST "$JUDGED_widest"
}

vjpeg_load family=generic
vivid_plain
start_glintd -d "$DEVICE" -r $SIZE --desired-fps 30
await_state $ONLINE true 5
ask clients 2
await_state $M2M_STATE ok 5
pause 1
judge
expect "every fourth frame is encoded" equal "$JUDGED_widest" $FRAME
expect_state "no frame was copied" $COPIES 0.0

fault jobs_never_finish 1
fault fail_every_nth_job 5
fault truncate_jpeg 1
fault omit_eoi 1
fault wrong_size_in_jpeg 1
fault job_duration_us 600000
fault stall_next_poll_ms 1500 once
fault stall_next_ioctl_ms 1500 once
fault fail_next_qbuf 1 once

# Calls of the setup: these faults show when the encoder is next set up.
vjpeg_ctl fail_next_streamon 1
fault fail_every_nth_job 5
vjpeg_ctl fail_next_reqbufs 1
fault fail_every_nth_job 5

expect_state "no frame is copied after the faults" $M2M_MEMORY import
# Between two frames the encoder holds no buffer, unless it has leaked one.
await_state $M2M_HELD 0 5
expect_nothing_unaccounted
stop_glintd
vjpeg_unload
