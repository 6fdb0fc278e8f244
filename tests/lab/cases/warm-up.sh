#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# --warm-up: the first frames of each stream reach no client, no wait and no recording, and the ledger
# counts them exactly.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

readonly WARM=result.glint.ledger.warm_up

vivid_plain
# Black, and the wait for it must not see a frame of the warm-up.
vivid_ctl test_pattern 5
start_glintd -d "$DEVICE" -r 640x360 --capture-fps 10 --warm-up 20 --record "$LAB_OUT"
await_state $REASON warming-up 5
"$BUILD/glint" --socket "$SOCK" --timeout 600 wait black --json >"$LAB_OUT/black" &
waits=$!
"$BUILD/glint" --socket "$SOCK" --timeout 600 snapshot -o "$LAB_OUT/waited.jpg" --after now --wait 60 &
snapshots=$!
ask clients 2
expect "a snapshot waits for the end of the warm-up" wait $snapshots
expect "so does a wait" wait $waits
expect "the frame that decided is from after the warm-up" at_least \
	"$(sed -n 's/.*"seq": \([0-9]*\).*/\1/p' "$LAB_OUT/black" | head -n 1)" 20
expect_state "the ledger has the frames of the warm-up" $WARM 20
"$BUILD/glint" --socket "$SOCK" --timeout 600 record --pre 100 --post 1 --name all >/dev/null ||
	fail "nothing is recorded"
read -r first <"$LAB_OUT/all.jsonl"
[[ $first =~ \"seq\":\ *([0-9]+) ]] || fail "the index has no number: $first"
expect "the recording begins with the first live frame" equal "${BASH_REMATCH[1]}" 20

# After each restart.
ask listen
"$BUILD/glint" --socket "$SOCK" set buffers=4 || fail "the buffers cannot be changed"
await_state $REASON warming-up 5
await_state $ONLINE true 5
expect_state "twice as many" $WARM 40
more "after the warm-up"
"$BUILD/glint" --socket "$SOCK" set warm-up=500ms buffers=5
await_state $ONLINE true 5
ask state $WARM
expect "half a second has some frames" at_least "$REPLY" 43
expect "at 10 a second" at_least 46 "$REPLY"

alive
expect_nothing_unaccounted
stop_glintd
