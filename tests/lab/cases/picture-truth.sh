#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0,3
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# A webcam and an HDMI input that deliver frames without showing a source: a frozen picture, black, and
# the card of a grabber without signal, each with a stream and a wait attached.
set -euo pipefail
exec /usr/bin/python3 "$LAB/picture_truth.py"
