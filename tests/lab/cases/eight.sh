#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=8 node_types=0x1,0x1,0x1,0x1,0x1,0x1,0x1,0x1 num_inputs=1,1,1,1,1,1,1,1 input_types=2,2,2,2,2,2,2,2
# loops: uring epoll
# heavy: */uring/*
# timeout: 900
#
# Eight devices, a process for each, all with clients. The inputs are S-Video, because their frame
# rate is lower than a webcam's. Each service encodes five pictures a second, because all eight
# share one processor. The case shows that the services do not disturb each other.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

pids=() sockets=()
for i in 0 1 2 3 4 5 6 7; do
	DEVICE=/dev/video$i
	SOCK=/run/glint-$i.sock
	start_glintd -d "$DEVICE" -r 640x480 --desired-fps 5
	pids+=("$GLINTD_PID")
	sockets+=("$SOCK")
done

for SOCK in "${sockets[@]}"; do
	await_state $ONLINE true 10
	ask clients 1
done
for SOCK in "${sockets[@]}"; do
	before=$(state $SEEN)
	await_state $SEEN ">$((before + 15))" 10
done
ask received
expect "every client gets pictures" at_least "$REPLY" 5

for i in "${!pids[@]}"; do
	SOCK=${sockets[i]} GLINTD_PID=${pids[i]}
	expect_state "every device is live" $ONLINE true
	expect_nothing_unaccounted
	stop_glintd
done
