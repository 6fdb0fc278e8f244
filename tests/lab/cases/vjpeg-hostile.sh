#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: none
# timeout: 600
#
# A client cannot make vjpeg access memory outside its buffers, which uml-debug would detect.
# shellcheck disable=SC1091
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"

HOSTILE=$BUILD/tests/lab/vjpeg-hostile
for memory in vmalloc contig; do
	vjpeg_load "memory=$memory"
	expect "each call is answered rightly" "$HOSTILE" "$(vjpeg_node)"
	m2m_good -n 1
	vjpeg_unload
done
