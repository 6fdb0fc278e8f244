#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: none
# timeout: 600
#
# vjpeg is pulled and plugged in again while clients use it, and unloaded after.
# shellcheck disable=SC1091
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"

unbind() { echo vjpeg.0 >"$VJPEG_DRIVER/unbind"; }
bind() { echo vjpeg.0 >"$VJPEG_DRIVER/bind"; }

vjpeg_load
for _ in 1 2 3; do
	m2m_start -n 0 -x
	unbind
	m2m_told
	expect "its node is gone" test -z "$(vjpeg_node)"
	bind
	m2m_good
done

# The job is on the hardware when that goes; nobody can clear the fault any more.
vjpeg_ctl jobs_never_finish 1
m2m_start -n 0 -x
unbind
m2m_told
bind
m2m_good

# A file that outlives its device holds the module, and disturbs nobody.
exec 7<>"$(vjpeg_node)"
unbind
if rmmod vjpeg 2>/dev/null; then fail "the module can be unloaded under an open file"; fi
bind
m2m_good
exec 7>&-
m2m_good

m2m_start -n 0 -x
if rmmod vjpeg 2>/dev/null; then fail "a module in use can be unloaded"; fi
m2m_kill
vjpeg_unload
vjpeg_load
m2m_good
vjpeg_unload
