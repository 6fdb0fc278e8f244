#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# vivid: n_devs=1 node_types=0x1 num_inputs=1 input_types=3
# loops: uring epoll
# heavy: */epoll/*
# timeout: 300
#
# DV timings by name: what the device has is set, what it lacks is named, fields make
# frames, events that merge lead to the last state, and a source that cycles does not flap.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# Items of vivid's menus.
readonly NO_SIGNAL=1 SELECTED=4 CYCLE=5
readonly P480_60=2 P720_60=9 I1080_60=15

readonly TIMINGS=result.glint.timings.name FORCED=result.glint.timings.forced
readonly FIELD=result.glint.format.field DEINTERLACE=result.glint.format.deinterlace
readonly ORDER=result.glint.frame.field_order
readonly STARTS=result.glint.latency_ns.first_frame.count

vivid_plain
vivid_ctl dv_timings_signal_mode $SELECTED
vivid_ctl dv_timings $P480_60

# Forced: the device is set to these, whatever the signal is.
start_glintd -d "$DEVICE" --timings 720p50
await_state $ONLINE true 5
expect_state "the timings are those of the option" $TIMINGS 1280x720p50
expect_state "and not the signal's" $FORCED true
stop_glintd

# Timings that the device lacks are named, and the video does not pretend.
start_glintd -d "$DEVICE" --timings 640x480p61
await_state $REASON out-of-range 5
await_log "no timings 640x480p61.*640x480p59.94"
stop_glintd

# Followed: growth and shrink, under clients.
start_glintd -d "$DEVICE"
await_state $ONLINE true 5
expect_state "the signal's timings have a name" $TIMINGS 720x480p59.94
expect_state "and are not forced" $FORCED false
ask clients 2
vivid_ctl dv_timings $P720_60
await_state $TIMINGS 1280x720p60 5
await_state $ONLINE true 5
more "the picture grows"
vivid_ctl dv_timings $P480_60
await_state $TIMINGS 720x480p59.94 5
await_state $ONLINE true 5
more "the picture shrinks"

# vivid delivers the fields of 1080i in a buffer each. The lines of its pattern are black and white in
# turn: woven they alternate, and the lines of one field are all equal.
lines()
{
	snapshot "$LAB_OUT/$1.pgm" "?format=pgm&crop=8x64+96+208&after=now"
	/usr/bin/python3 - "$LAB_OUT/$1.pgm" <<'END'
import sys
head, pixels = open(sys.argv[1], "rb").read().split(b"\n255\n", 1)
levels = ["white" if line[0] > 200 else "black" if line[0] < 40 else line[0]
          for line in (pixels[i * 8:][:8] for i in range(64)) if len(set(line)) == 1]
kinds = set(zip(levels[::2], levels[1::2]))
print(*(" ".join(pair) for pair in kinds), sep=", ")
END
}

vivid_ctl test_pattern 15
vivid_ctl dv_timings $P720_60
await_state $TIMINGS 1280x720p60 5
await_state $ONLINE true 5
whole=$(lines whole)
[[ $whole = "black white" || $whole = "white black" ]] || fail "the lines of a progressive frame are: $whole"
vivid_ctl dv_timings $I1080_60
await_state $TIMINGS 1920x1080i60 5
await_state $ONLINE true 5
expect_state "the frames have all lines" $HEIGHT 1080
expect_state "the driver delivers fields" $FIELD alternate
expect_state "which are woven" $DEINTERLACE weave
expect_state "the upper line is the earlier one" $ORDER top-first
woven=$(lines woven)
expect "the lines of both fields are in turn, as in a progressive frame" equal "$woven" "$whole"
expect "the picture says which are the earlier ones" equal \
	"$(header "$LAB_OUT/woven.pgm" X-Glint-Field-Order)" top-first
more "woven"
expect_nothing_unaccounted
"$BUILD/glint" --socket "$SOCK" set deinterlace=bob || fail "the deinterlacing cannot be set"
await_state $DEINTERLACE bob 5
await_state $ONLINE true 5
expect "all lines are of the earlier field" equal "$(lines bob)" \
	"${whole% *} ${whole% *}"
expect_state "they are of one moment" $ORDER progressive
snapshot "$LAB_OUT/bob.jpg"
expect_size "$LAB_OUT/bob.jpg" 1920x1080
more "bob"
"$BUILD/glint" --socket "$SOCK" set deinterlace=weave
vivid_ctl percentage_of_dropped_buffers 30
await_state $DROPPED '>3' 20
await_state $CORRUPT '>1' 20
vivid_ctl percentage_of_dropped_buffers 0
await_state $ONLINE true 5
more "after fields were lost"
expect_nothing_unaccounted
vivid_ctl test_pattern 0
vivid_ctl dv_timings $P720_60
await_state $TIMINGS 1280x720p60 5
await_state $ONLINE true 5
expect_state "a progressive signal is left as it is" $DEINTERLACE ""

# Five changes while the service does not look: one event, and the last one counts.
kill -STOP "$GLINTD_PID"
for mode in $NO_SIGNAL $SELECTED $NO_SIGNAL $SELECTED; do
	vivid_ctl dv_timings_signal_mode "$mode"
done
vivid_ctl dv_timings $P480_60
kill -CONT "$GLINTD_PID"
await_state $TIMINGS 720x480p59.94 5
await_state $ONLINE true 5

# In this mode each query has other timings, of which vivid cannot capture all: while they are out of
# range, the service asks again. Once it has a stream, it asks after events only. The log is no measure:
# it holds lines of one kind back for a second.
ask state $STARTS
vivid_ctl dv_timings_signal_mode $CYCLE
await_state $STARTS ">$REPLY" 20
await_state $ONLINE true 5
ask state $STARTS
starts=$REPLY
ask state $TIMINGS
timings=$REPLY
pause 3
expect_state "the stream does not start again by itself" $STARTS "$starts"
expect_state "nor does the source change by itself" $TIMINGS "$timings"
expect_state "the video stays" $ONLINE true
vivid_ctl dv_timings_signal_mode $SELECTED
await_state $ONLINE true 5
more "the signal is steady"

alive
expect_nothing_unaccounted
stop_glintd
