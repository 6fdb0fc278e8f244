# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the cases use these names
#
# Functions for the cases with a USB camera. Source lib.sh first. The camera is tests/lab/uvc, the
# driver is the kernel's uvcvideo.
CANCELLED=result.glint.buffers.cancelled
WITH_DRIVER=result.glint.buffers.driver
NOMINAL_FPS=result.glint.source.nominal_fps
SEQUENCE=result.glint.frame.sequence

CAMERA_PID=

# start_camera ARG...: plugs a camera in and waits for its node: DEVICE. UVC_PARAMS are
# uvcvideo's parameters.
start_camera()
{
	modprobe -d "$LAB_MODULES" vhci-hcd
	# shellcheck disable=SC2086 # several
	modprobe -d "$LAB_MODULES" uvcvideo ${UVC_PARAMS:-}
	mkfifo /run/camera-in /run/camera-out
	exec {CAMERA_IN}<>/run/camera-in {CAMERA_OUT}<>/run/camera-out
	"$BUILD/tests/lab/uvc-camera" "$@" <&"$CAMERA_IN" >&"$CAMERA_OUT" 2>>"$LAB_OUT/camera.log" &
	CAMERA_PID=$!
	await_camera
}

# The first node of the camera is its video, the second one its metadata.
await_camera()
{
	local i node index
	for ((i = 0; i < 20 * PATIENCE; i++)); do
		for node in /sys/bus/usb/drivers/uvcvideo/*/video4linux/video*; do
			[ -e "$node/index" ] || continue
			read -r index <"$node/index"
			[ "$index" = 0 ] || continue
			DEVICE=/dev/${node##*/}
			[ ! -c "$DEVICE" ] || return 0
		done
		kill -0 "$CAMERA_PID" 2>/dev/null || fail "the camera has ended: $(cat "$LAB_OUT/camera.log")"
		pause 0.05
	done
	fail "there is no node of the camera"
}

# camera COMMAND...: sends a command of tests/lab/uvc/camera.c; the answer is in REPLY.
camera()
{
	printf '%s\n' "$*" >&"$CAMERA_IN"
	read -rt $((5 * PATIENCE)) -u "$CAMERA_OUT" || fail "the camera does not answer '$*'"
	[ "${REPLY%% *}" = ok ] || fail "the camera says to '$*': $REPLY"
}

# camera_count NAME: sets REPLY to a count of the camera, of frames or injected faults.
camera_count()
{
	local word
	camera count
	for word in $REPLY; do
		[ "${word%%=*}" != "$1" ] || { REPLY=${word#*=}; return; }
	done
	fail "the camera does not count $1"
}
