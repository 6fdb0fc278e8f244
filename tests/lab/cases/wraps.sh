#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 num_inputs=1 input_types=0
# loops: uring epoll
# heavy: */epoll/*
# timeout: 600
#
# Sequence numbers and stamps wrap, and clocks jump, under clients and a recording: each frame is
# counted once and called what it is.
set -euo pipefail
exec /usr/bin/python3 "$LAB/wraps.py"
