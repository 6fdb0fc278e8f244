#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml vm-6.12
# loops: none
# timeout: 600
#
# vjpeg on Debian's own kernel: encoding, import, a fault, unplugging, unloading.
# shellcheck disable=SC1091,SC2154
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"

vjpeg_load memory=vmalloc
for format in YUYV NV12 NM12 YU12; do m2m_good -f $format -n 2; done
m2m_good -f YUYV -n 2 -m "$DEVICE"
m2m_good -f NM12 -n 2 -m udmabuf
m2m_good -f YUYV -n 3 -e

vjpeg_ctl fail_every_nth_job 2
m2m -n 4
expect "every second job fails" equal "$M2M_errors" 2
vjpeg_ctl fail_every_nth_job 0

m2m_start -n 0 -x
echo vjpeg.0 >"$VJPEG_DRIVER/unbind"
m2m_told
echo vjpeg.0 >"$VJPEG_DRIVER/bind"
m2m_good -n 2
vjpeg_unload
