#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: none
# heavy: *
# timeout: 600
#
# Each fault of vjpeg has the effect that docs/VIRTUAL-HARDWARE.md describes, and afterwards the
# device works as before.
# shellcheck disable=SC1091,SC2154
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"

vjpeg_load
m2m_good

# --- Jobs ---------------------------------------------------------------------------

# Wait longer than the client needs for its frame: without the fault it would have ended.
vjpeg_ctl jobs_never_finish 1
m2m_start -n 1
sleep 1
expect "a job that never finishes holds its client" kill -0 "$M2M_PID"
vjpeg_ctl jobs_never_finish 0
m2m_wait
expect "it finishes when the fault ends" equal "$M2M_STATUS" 0

vjpeg_ctl jobs_never_finish 1
m2m_start -n 1
m2m_kill
expect "a client with a hung job can be killed" true
vjpeg_ctl jobs_never_finish 0
m2m_good

vjpeg_ctl fail_every_nth_job 3
m2m -n 9
expect "every third job fails" equal "$M2M_errors/$M2M_good" 3/6
vjpeg_ctl fail_every_nth_job 0
m2m_good

vjpeg_ctl job_duration_us 100000
m2m -n 5 -x
expect "a job takes at least so long" at_least "$M2M_elapsed_ms" 500
vjpeg_ctl job_duration_us 0

# --- JPEGs --------------------------------------------------------------------------

vjpeg_ctl truncate_jpeg 1
m2m -n 3
expect "libjpeg complains of each truncated JPEG" equal "$M2M_damaged/$M2M_errors" 3/0
vjpeg_ctl truncate_jpeg 0

vjpeg_ctl omit_eoi 1
m2m -n 3 -o /run/no-eoi.jpg
expect "libjpeg complains of each JPEG without an end" equal "$M2M_damaged" 3
expect "the last bytes are not the end's marker" \
	test "$(tail -c 2 /run/no-eoi.jpg | od -An -tx1)" != ' ff d9'
vjpeg_ctl omit_eoi 0

vjpeg_ctl wrong_size_in_jpeg 1
m2m -n 3
expect "a whole JPEG says half the size" equal "$M2M_wrong_size/$M2M_size" 3/320x240
vjpeg_ctl wrong_size_in_jpeg 0
m2m_good

# --- Calls --------------------------------------------------------------------------

vjpeg_ctl fail_next_reqbufs 1
m2m_refused "VIDIOC_REQBUFS: Cannot allocate memory"
m2m_good
vjpeg_ctl fail_next_qbuf 1
m2m_refused "VIDIOC_QBUF: Input/output error"
m2m_good
vjpeg_ctl fail_next_streamon 1
m2m_refused "VIDIOC_STREAMON: Input/output error"
m2m_good

vjpeg_ctl stall_next_ioctl_ms 400
m2m -n 2
expect "the next QBUF stalls" at_least "$M2M_slowest_ioctl_ms" 400
expect "only that one" equal "$M2M_STATUS" 0
vjpeg_ctl stall_next_poll_ms 400
m2m -n 2
expect "the next poll stalls" at_least "$M2M_slowest_poll_ms" 400
expect "only that one" equal "$M2M_STATUS" 0
m2m_good
expect "a stall happens once" test "$M2M_slowest_poll_ms" -lt 400

vjpeg_unload
