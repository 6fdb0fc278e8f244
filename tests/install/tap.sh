# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# TAP for the scripts in this folder.
number=0 status=0

# ok NAME COMMAND...: a test that passes when the command succeeds; else shows the command's output.
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
