#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The counts of scripts/check for programs that pass, fail, skip and end early.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/install/tap.sh

scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

# counted PROGRAM WANTED: runs PROGRAM, a shell script, and compares its counts.
counted()
{
	mkdir -p "$scratch/t"
	echo "$1" >"$scratch/t/program.t"
	: >"$scratch/counts"
	PERL5LIB=scripts/perl TAP_COUNTS=$scratch/counts \
		prove --merge --formatter TapReport --exec bash "$scratch/t/program.t" \
		>"$scratch/report" 2>&1
	cat "$scratch/counts" "$scratch/report"
	[ "$(cat "$scratch/counts")" = "$2" ]
}

reported()
{
	counted "$1" "$2" && grep -qxF "$3" "$scratch/report"
}

echo 1..9
ok "tests that pass are counted" \
	counted 'echo 1..2; echo ok 1; echo ok 2' '2 0 0'
ok "a skip is counted and reported with its reason" \
	reported 'echo 1..1; echo "ok 1 - a # SKIP no b"' '0 0 1' 'SKIPPED program: a -- no b'
ok "a program that skips all tests is reported with its reason" \
	reported 'echo "1..0 # SKIP no c"' '0 0 1' 'SKIPPED program: no c'
ok "a failure is counted and reported by its name" \
	reported 'echo 1..2; echo ok 1; echo "not ok 2 - d"; exit 1' '1 1 0' 'FAILED program: d'
ok "a failure's diagnostics are reported" \
	reported 'echo 1..1; echo "not ok 1 - d"; echo "# why"' '0 1 0' '    # why'
ok "the output before a failure is reported" \
	reported 'echo 1..1; echo before; echo "not ok 1 - d"' '0 1 0' '    before'
ok "a bad exit status without a failed test is a failure" \
	counted 'echo 1..1; echo ok 1; exit 3' '1 1 0'
ok "a program that ends early is a failure" \
	counted 'echo 1..2; echo ok 1' '1 1 0'
ok "a program without output is a failure" \
	counted 'kill -9 $$' '0 1 0'

finish
