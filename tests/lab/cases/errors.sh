#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# variant: vmalloc allocators=0
# variant: contig allocators=1
# loops: uring epoll
# heavy: */epoll/vmalloc */uring/contig
# timeout: 300
#
# The faults that vivid can inject: the service recovers, and each frame is accounted for.
# shellcheck source=../lib.sh
. "$LAB/lib.sh"

# recovers WHAT: the service is live again and frames arrive.
recovers()
{
	alive
	await_state $ONLINE true 8
	local seen
	seen=$(state $SEEN)
	await_state $SEEN ">$((seen + 5))" 5
	expect_nothing_unaccounted
	note "$1: recovered"
}

start_glintd -d "$DEVICE" -r 640x360
recovers "the start"

# Half of the frames are lost. The service stays live.
dropped=$(state $DROPPED)
vivid_ctl percentage_of_dropped_buffers 50
stream_frames 20 "$LAB_OUT/stream"
expect "a client sees live pictures" equal "$STREAM_live" 20
vivid_ctl percentage_of_dropped_buffers 0
await_state $DROPPED ">$((dropped + 4))" 2
recovers "dropped frames"

# Three frames have the error flag.
corrupt=$(state $CORRUPT)
for i in 1 2 3; do
	vivid_press inject_v4l2_buf_flag_error
	await_state $CORRUPT $((corrupt + i)) 3
done
recovers "corrupt frames"

# The next call of each kind fails once.
vivid_press inject_vidioc_qbuf_error
recovers "an error of QBUF"

# A queue in error returns EIO until the stream is restarted.
vivid_press inject_fatal_streaming_error
recovers "a queue in error"

# The same, and the first restart fails too.
vivid_press inject_vidioc_streamon_error
vivid_press inject_fatal_streaming_error
recovers "an error of STREAMON"
vivid_press inject_vidioc_reqbufs_error
vivid_press inject_fatal_streaming_error
recovers "an error of REQBUFS"

stop_glintd
