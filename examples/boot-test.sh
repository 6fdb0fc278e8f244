#!/bin/sh
# SPDX-License-Identifier: MIT
# A boot test in shell, with curl: switch the board on, wait until its screen has settled, keep the
# picture.
#
#     GLINT_SOCKET=/run/glint/lab.sock POWER_ON="power-switch on" examples/boot-test.sh booted.jpg
#
# Before, this was:
#
#     $POWER_ON
#     sleep 45    # too short on a bad day, too long on all others
#     curl ... http://localhost/snapshot -o booted.jpg
#
# POWER_ON: the command that switches the board on. BOOT_TIMEOUT: seconds. REGION: the part of the
# screen that stays when the board has booted; leave out a clock or a cursor. Exit status 4: the
# board did not boot in time, and the answer of the service, on the standard output, says what was
# seen. Other failures are the bench's.
set -eu

output=${1:?the file for the picture}
timeout=${BOOT_TIMEOUT:-120}
region=${REGION:+&region=$REGION}

# Usage: lab PATH [CURL-OPTION...]. Prints the answer; fails on any status but 200.
lab()
{
	path=$1
	shift
	curl --silent --show-error --fail-with-body --unix-socket "$GLINT_SOCKET" \
		"http://localhost$path" "$@"
}

sh -c "$POWER_ON"

# Each wait ends with the frame that decides, not at the next look.
lab "/wait?for=live&timeout=${timeout}" >/dev/null || { echo "no picture from the board"; exit 4; } >&2
lab "/wait?for=still&stable=500ms&timeout=${timeout}${region}" || exit 4

# A frame that was exposed after this request: never one from before.
lab "/snapshot?after=now" --output "$output"
