#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0,3
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# Waits for what a webcam and an HDMI input show: the frame that decides, and what ends a wait.
set -euo pipefail
exec /usr/bin/python3 "$LAB/waits.py"
