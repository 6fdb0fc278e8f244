#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 allocators=1
# loops: uring epoll
# heavy: *
# timeout: 1200
#
# Runs for SOAK_SECONDS (30) at full rate with two clients, a fault every few seconds, and an
# unplugged camera in between. Nothing leaks, no picture is broken, and the hardware is used again.
# "make lab-soak" takes half an hour.
# shellcheck source=../lib.sh disable=SC1091,SC2154
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"
. "$LAB/m2m.sh"

seconds=${SOAK_SECONDS:-30}
seed=${SOAK_SEED:-$RANDOM}
RANDOM=$seed
note "seed $seed, $seconds s"

# Without the sockets of clients, whose number varies.
descriptors() { find "/proc/$GLINTD_PID/fd" -mindepth 1 -printf '%l\n' | grep -v '^socket:' | sort; }
threads() { find "/proc/$GLINTD_PID/task" -mindepth 1 -maxdepth 1 | wc -l; }
dmabufs() { grep -ac '^[0-9]' /sys/kernel/debug/dma_buf/bufinfo || true; }
kilobytes() { sed -n "s/^$1:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/$GLINTD_PID/status"; }

settle()
{
	await_state $ENCODER m2m 130
	await_state $M2M_STATE ok 130
	pause 0.5
}

one_fault()
{
	case $((RANDOM % 10)) in
	0)	vjpeg_ctl jobs_never_finish 1; pause 0.3; vjpeg_ctl jobs_never_finish 0 ;;
	1)	vjpeg_ctl fail_every_nth_job 7; pause 0.5; vjpeg_ctl fail_every_nth_job 0 ;;
	2)	vjpeg_ctl truncate_jpeg 1; pause 0.2; vjpeg_ctl truncate_jpeg 0 ;;
	3)	vjpeg_ctl omit_eoi 1; pause 0.2; vjpeg_ctl omit_eoi 0 ;;
	4)	vjpeg_ctl wrong_size_in_jpeg 1; pause 0.2; vjpeg_ctl wrong_size_in_jpeg 0 ;;
	5)	vjpeg_ctl job_duration_us 200000; pause 0.5; vjpeg_ctl job_duration_us 0 ;;
	6)	vjpeg_ctl stall_next_poll_ms 700 ;;
	7)	vjpeg_ctl stall_next_ioctl_ms 700 ;;
	8)	vjpeg_ctl fail_next_qbuf 1 ;;
	9)	vivid_press disconnect; await_state $ONLINE true 10 ;;
	esac
}

vjpeg_load family=generic
start_glintd -d "$DEVICE" -r 1280x720
await_state $ONLINE true 5
ask clients 2
settle
# The CPU's encoder and the offline picture have threads that begin when they are needed first.
vivid_press disconnect
await_state $ONLINE true 10
vjpeg_ctl fail_next_qbuf 1
pause 1
await_state $M2M_STATE ok 130
settle
# Count while the hardware works: in quarantine its device is closed.
for _ in {1..20}; do
	descriptors >/run/fds
	ask state $M2M_STATE
	[ "$REPLY" != ok ] || break
	settle
done
fds=$(wc -l </run/fds) tasks=$(threads) bufs=$(dmabufs) memory=
end=$((SECONDS + seconds))
faults=0
while [ $SECONDS -lt $end ]; do
	ordered=$SECONDS
	one_fault
	faults=$((faults + 1))
	pause 1
	# Hardware in quarantine cannot fail, so the next fault waits until the hardware works.
	# Mostly it waits until the hardware has worked for as long as the pause: the next pause is
	# then only a second.
	await_state $M2M_STATE ok 130
	[ $((RANDOM % 8)) = 0 ] || pause $((SECONDS - ordered + RANDOM % 3))
	alive
	expect_nothing_unaccounted
	# Memory is stable after each kind of fault has happened.
	if [ -z "$memory" ] && [ $faults -ge 12 ]; then memory=$(kilobytes VmRSS); fi
done
settle

ask judged 1280x720
note "$faults faults ordered: $REPLY, $(state result.glint.encoder)"
[[ $REPLY == *' broken=0 '* ]] || fail "a client saw a broken picture: $REPLY"
descriptors >/run/fds.now
[ "$fds" -ge "$(wc -l </run/fds.now)" ] || note "$(diff /run/fds /run/fds.now)"
expect "descriptors do not leak" at_least "$fds" "$(wc -l </run/fds.now)"
expect "threads do not leak" at_least "$tasks" "$(threads)"
expect "DMABUFs do not leak" at_least "$bufs" "$(dmabufs)"
note "memory: ${memory:-unknown} kB after a dozen faults, $(kilobytes VmRSS) kB now"
[ -z "$memory" ] || expect "memory does not grow" at_least $((memory + 4096)) "$(kilobytes VmRSS)"
expect "the hardware came back" at_least "$(state $M2M_PROBES)" 2
expect_state "no frame is left with the encoder but those under way" $UNACCOUNTED 0
stop_glintd
vjpeg_unload
