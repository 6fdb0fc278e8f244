#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Configuring before a build, again, and otherwise. TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1

dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
header=$dir/include/generated/autoconf.h
# shellcheck source=tap.sh
. tests/install/tap.sh

# The goal needs a configuration and builds nothing. Some versions of make went round for ever.
configure()
{
	"${MAKE:-make}" -s O="$dir" "$1_defconfig" &&
		timeout 300 "${MAKE:-make}" -s O="$dir" compile_commands.json
}

# What depends on the header is not built again.
same_again()
{
	local before
	before=$(stat -c %y "$header") || return
	sleep 0.01
	configure minimal && [ "$before" = "$(stat -c %y "$header")" ]
}

other()
{
	local before
	before=$(<"$header")
	configure default && [ "$before" != "$(<"$header")" ]
}

echo 1..3
ok "a configuration becomes a header" configure minimal
ok "the same again leaves the header as it is" same_again
ok "another one changes it" other
finish
