#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=8 node_types=0x1,0x1,0x1,0x1,0x1,0x1,0x1,0x1 num_inputs=1,1,1,1,1,1,1,1 input_types=2,2,2,2,2,2,2,2
# loops: uring epoll
# heavy: */epoll/*
# timeout: 600
#
# Eight services on one time line: what happens at all eight devices at one moment is found in the
# frames of that moment, by their stamps alone, within the bound of docs/TIMELINE.md.
set -euo pipefail
exec /usr/bin/python3 "$LAB/timeline.py"
