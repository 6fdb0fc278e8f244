#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Configuring before a build, again, and with another configuration. TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1

dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
header=$dir/include/generated/autoconf.h
# shellcheck source=tap.sh
. tests/install/tap.sh

# The goal needs a configuration and builds nothing. Some versions of make looped for ever.
configure()
{
	"${MAKE:-make}" -s O="$dir" "$1_defconfig" &&
		timeout 300 "${MAKE:-make}" -s O="$dir" compile_commands.json
}

# Files that depend on the header are not built again.
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
ok "a configuration is written to a header" configure minimal
ok "the same configuration leaves the header unchanged" same_again
ok "another configuration changes the header" other
finish
