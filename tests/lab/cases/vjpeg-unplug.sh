#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: none
# heavy: *
# timeout: 600
#
# vjpeg is unplugged and plugged in again while clients use it, and then unloaded.
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

# The hardware is unplugged during a job, and the fault can no longer be cleared.
vjpeg_ctl jobs_never_finish 1
m2m_start -n 0 -x
unbind
m2m_told
bind
m2m_good

# An open file of an unplugged device keeps the module loaded and has no other effect.
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
