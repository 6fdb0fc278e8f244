# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # the cases use these names
#
# Functions for the cases of the hardware path. Source lib.sh and tests/kmod/lib.sh first.
ENCODER=result.glint.encoder.name
M2M_STATE=result.glint.encoder.state
M2M_REASON=result.glint.encoder.reason
M2M_MEMORY=result.glint.encoder.memory
M2M_FAULTS=result.glint.encoder.faults
M2M_LATE=result.glint.encoder.late
M2M_PROBES=result.glint.encoder.probes
M2M_HELD=result.glint.encoder.leased
COPIES=result.glint.copies_per_frame

# expect_m2m WAY COPIES: the encoder is in use, and has the given kind of memory and number of
# copies a frame.
expect_m2m()
{
	expect_state "the hardware encodes" $ENCODER m2m
	expect_state "the encoder works" $M2M_STATE ok
	expect_state "the frames are in the expected memory" $M2M_MEMORY "$1"
	expect_state "the copies are counted" $COPIES "$2"
	expect_state "nothing has failed" $M2M_FAULTS 0
}

# m2m_stream FPS: starts the service and saves a few pictures in STREAM_DIR. No job is late: in the
# guest's virtual clock a busy host is not seen. A look at the picture's content would map frames.
STREAM_DIR=$LAB_OUT/stream
m2m_stream()
{
	start_glintd -d "$DEVICE" -r 1280x720 --desired-fps "$1" --black-level 0 --frozen-after 0
	await_state $ONLINE true 5
	stream_frames 5 "$STREAM_DIR"
	expect_state "no job was late" $M2M_LATE 0
}

# The service maps the encoder's buffers and none of the camera's.
expect_unmapped()
{
	expect "no frame of the camera is mapped" not_mapped "${DEVICE##*/}"
	expect "nor any DMABUF" not_mapped dmabuf
}

not_mapped() { ! grep -a "$1" "/proc/$GLINTD_PID/maps"; }


# Asserts that the streaming clients got complete pictures since the last call. Sets JUDGED_widest,
# the longest wait of a client in frames of the source.
judge()
{
	local word
	ask judged "${SIZE:-1280x720}"
	[[ $REPLY == pictures=* ]] || fail "the clients are gone: $REPLY"
	note "$REPLY"
	for word in $REPLY; do
		printf -v "JUDGED_${word%%=*}" %s "${word#*=}"
	done
	expect "pictures come" at_least "$JUDGED_pictures" 1
	expect "no picture is broken" equal "$JUDGED_broken" 0
}
