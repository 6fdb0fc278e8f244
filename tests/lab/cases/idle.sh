#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# --idle stop: without clients no process has the device, and others can use it; each kind of client
# starts it. The times are those of the guest.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

readonly STOPS=result.glint.source.idle_stops FIRST=result.glint.source.first_frame_ns
readonly STARTS=result.glint.latency_ns.first_frame.count

is_free() { [ -z "$(find /proc/[0-9]*/fd -lname "$DEVICE" 2>/dev/null || true)" ]; }

vivid_plain
start_glintd -d "$DEVICE" -r 640x360 --idle stop
expect_state "nobody needs frames" $REASON idle
expect "the device is free" is_free

snapshot "$LAB_OUT/first.jpg"
expect "the snapshot that starts the device waits for its frame" equal \
	"$(header "$LAB_OUT/first.jpg" X-UStreamer-Online)" true
ask state $FIRST
note "the first frame came after $((REPLY / 1000)) us"
expect "the time to the first frame is measured" at_least "$REPLY" 1

# A snapshot each second finds the same stream.
for ((i = 0; i < 10; i++)); do
	pause 1
	snapshot "$LAB_OUT/again.jpg"
done
expect_state "one start was enough" $STARTS 1
pause 4
expect_state "the stream goes on for some seconds" $REASON ""
await_state $REASON idle 3
expect "the device is free again" is_free
expect_state "this is counted" $STOPS 1

# Others may use the device, and change it; a stream and a wait start it again.
v4l2-ctl -d "$DEVICE" -v width=320,height=180,pixelformat=RGB3 --stream-mmap --stream-count=5 \
	>/dev/null 2>&1 || fail "another program cannot use the device"
"$BUILD/glint" --socket "$SOCK" --timeout 600 wait black >/dev/null &
waits=$!
await_state $ONLINE true 5
ask clients 2
more "streams"
vivid_ctl test_pattern 5
expect "the wait ends" wait $waits
vivid_ctl test_pattern 0
pause 8
expect_state "the streams go on" $REASON ""

# Lost and back, while clients need frames.
platform unbind
await_state $REASON no-device 5
platform bind
await_state $ONLINE true 5
more "after a replug"
snapshot "$LAB_OUT/second.jpg"
expect_size "$LAB_OUT/second.jpg" 640x360

alive
expect_nothing_unaccounted
stop_glintd

# The setting, while the service runs.
start_glintd -d "$DEVICE"
await_state $ONLINE true 5
"$BUILD/glint" --socket "$SOCK" set idle=stop || fail "idle cannot be set"
await_state $REASON idle 8
"$BUILD/glint" --socket "$SOCK" controls >/dev/null || fail "a request for controls does not start the device"
await_state $REASON idle 8
"$BUILD/glint" --socket "$SOCK" set idle=stream
await_state $ONLINE true 5
expect_nothing_unaccounted
stop_glintd
