#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12 vm-6.1
# loops: uring epoll
# heavy: *
# clock: host
# disk: 1024
# timeout: 600
#
# The flight recorder on ext4: files are exact to the frame, and complete after a power loss.
set -euo pipefail
exec /usr/bin/python3 "$LAB/record_disk.py"
