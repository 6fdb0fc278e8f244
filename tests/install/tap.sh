# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# TAP for the scripts beside it.
number=0 status=0

# ok NAME COMMAND...: a test that passes when the command does; else shows what it said.
ok()
{
	local name=$1 out
	shift

	number=$((number + 1))
	if out=$("$@" 2>&1); then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/#   /' <<<"$out"
		status=1
	fi
}

skip()
{
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

finish()
{
	exit $status
}
