#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# An edge on a GPIO line triggers a recording at its own moment, and another line shows recordings.
set -euo pipefail
exec /usr/bin/python3 "$LAB/record_gpio.py"
