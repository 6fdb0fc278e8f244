#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: vm-6.12
# loops: none
# timeout: 300
#
# Runs the unit tests that most hosts skip, on a kernel with dma-heaps, a display driver and
# /dev/udmabuf.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

modprobe -d "$LAB_MODULES" vgem || fail "there is no vgem"
expect "vgem is a display device" test -e /dev/dri/card0
"$BUILD/tests/unit/test_downstream" >/run/downstream 2>&1 || fail "$(cat /run/downstream)"
expect "the tests ran" grep -q '^ok .*memory_of_a_display' /run/downstream
expect "none was skipped" equal "$(grep '# SKIP' /run/downstream)" ""
