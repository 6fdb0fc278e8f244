#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12 vm-6.1
# vivid: n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0,3
# loops: uring epoll
# heavy: */epoll/*
# timeout: 600
#
# The flight recorder: files are exact to the frame, whatever happens to the frames, the source, the
# disk and the service.
set -euo pipefail
exec /usr/bin/python3 "$LAB/record.py"
