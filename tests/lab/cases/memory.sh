#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: vm-6.12
# loops: none
# timeout: 300
#
# Memory of dma-heaps, of a display driver and of /dev/udmabuf is to be had from a kernel that
# has them all: the unit tests that hosts have to skip.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

modprobe -d "$LAB_MODULES" vgem || fail "there is no vgem"
expect "vgem is a display device" test -e /dev/dri/card0
"$BUILD/tests/unit/test_partner" >/run/partner 2>&1 || fail "$(cat /run/partner)"
expect "the tests ran" grep -q '^ok .*memory_of_a_display' /run/partner
expect "none was skipped" equal "$(grep '# SKIP' /run/partner)" ""
