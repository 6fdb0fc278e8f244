# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # much is for the cases
#
# What the cases of the hardware path use, after lib.sh and tests/kmod/lib.sh.
ENCODER=result.glint.encoder.name
M2M_STATE=result.glint.encoder.state
M2M_REASON=result.glint.encoder.reason
M2M_MEMORY=result.glint.encoder.memory
M2M_FAULTS=result.glint.encoder.faults
M2M_LATE=result.glint.encoder.late
M2M_PROBES=result.glint.encoder.probes
M2M_HELD=result.glint.encoder.leased
COPIES=result.glint.copies_per_frame

# expect_m2m WAY COPIES: it encodes, frames get into it that way, and so many are copied.
expect_m2m()
{
	expect_state "the hardware encodes" $ENCODER m2m
	expect_state "it is well" $M2M_STATE ok
	expect_state "frames get into it as they should" $M2M_MEMORY "$1"
	expect_state "the copies are counted" $COPIES "$2"
	expect_state "nothing has failed" $M2M_FAULTS 0
}

# Whether a job was late, as they are when the host is busy: then the CPU has encoded, too.
was_late()
{
	ask state $M2M_FAULTS
	[ "$REPLY" = 0 ] || return 0
	ask state $M2M_LATE
	[ "$REPLY" != 0 ]
}

expect_uncopied()
{
	if was_late; then
		note "a job was late: copies are not compared"
	else
		expect_state "no frame was copied" $COPIES 0.0
	fi
}

# m2m_stream FPS: starts the service and takes a few pictures into STREAM_DIR. A job that was
# late because the host is busy is no finding here: then all of it is done again.
STREAM_DIR=$LAB_OUT/stream
m2m_stream()
{
	local i
	for i in 1 2 3 4 5; do
		start_glintd -d "$DEVICE" -r 1280x720 --desired-fps "$1"
		await_state $ONLINE true 5
		stream_frames 5 "$STREAM_DIR"
		was_late || return 0
		note "try $i: a job was late; $(state $M2M_REASON)"
		stop_glintd
	done
	fail "the encoder is late again and again"
}

# The service's memory has the encoder's buffers, and none of the camera's.
expect_unmapped()
{
	expect "no frame of the camera is mapped" not_mapped "${DEVICE##*/}"
	expect "nor any DMABUF" not_mapped dmabuf
}

not_mapped() { ! grep -a "$1" "/proc/$GLINTD_PID/maps"; }


# What the streaming clients got since the last time was whole. Sets JUDGED_widest, the most
# frames of the source that one of them waited for.
judge()
{
	local word
	ask judged 1280x720
	[[ $REPLY == pictures=* ]] || fail "the clients are gone: $REPLY"
	note "$REPLY"
	for word in $REPLY; do
		printf -v "JUDGED_${word%%=*}" %s "${word#*=}"
	done
	expect "pictures come" at_least "$JUDGED_pictures" 1
	expect "no picture is broken" equal "$JUDGED_broken" 0
}
