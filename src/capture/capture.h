/* SPDX-License-Identifier: MIT */
/*
 * The source of frames: finds and opens the device, starts, stops and
 * reconfigures it, and pushes the newest frame to its fanout. It never gives
 * up: whatever goes wrong becomes the state's reason, and it tries again by
 * itself. The test pattern is a device like others, whose system calls are ours.
 *
 * Opening, configuring and stopping may block in the kernel, so they are jobs
 * on a thread of the device's own; while a job runs, the device is the job's.
 * Everything else is the loop thread.
 */
#ifndef GLINT_CAPTURE_CAPTURE_H
#define GLINT_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fanout.h"
#include "core/ledger.h"
#include "core/stats.h"
#include "v4l2/format.h"

struct glint_capture;
struct glint_loop;
struct glint_partner;
struct glint_v4l2_access;

/* Why there is no live video; V4L2's own words where it has them. */
enum glint_reason {
	GLINT_REASON_NONE,		/* "": live */
	GLINT_REASON_OPENING,		/* "opening": the first frame is not there yet */
	GLINT_REASON_NO_DEVICE,		/* "no-device": ENODEV, ENOENT, ENXIO: missing or unplugged */
	GLINT_REASON_BUSY,		/* "busy": EBUSY: another process streams from it */
	GLINT_REASON_NO_PERMISSION,	/* "no-permission": EACCES, EPERM */
	GLINT_REASON_NOT_CAPTURE,	/* "not-a-capture-device" */
	GLINT_REASON_NO_SIGNAL,		/* "no-signal": ENOLINK */
	GLINT_REASON_NO_LOCK,		/* "no-lock": ENOLCK */
	GLINT_REASON_OUT_OF_RANGE,	/* "out-of-range": ERANGE: timings the receiver cannot take */
	GLINT_REASON_FORMAT,		/* "format": none of the device's formats can be used */
	GLINT_REASON_STALLED,		/* "stalled": no frame for device_timeout */
	GLINT_REASON_CORRUPT,		/* "corrupt": each frame for device_timeout was damaged */
	GLINT_REASON_STUCK,		/* "stuck": a call into the driver does not return */
	GLINT_REASON_ERROR,		/* "error": any other errno; the log has it */
};

const char *glint_reason_name(enum glint_reason reason);

/* Control settings as ustreamer has them; see COMPAT in docs. */
enum glint_control_mode {
	GLINT_CONTROL_KEEP,
	GLINT_CONTROL_VALUE,
	GLINT_CONTROL_AUTO,
	GLINT_CONTROL_DEFAULT
};

struct glint_control_setting {
	enum glint_control_mode mode;
	int32_t value;
};

enum glint_control_id {
	GLINT_CONTROL_BRIGHTNESS,
	GLINT_CONTROL_CONTRAST,
	GLINT_CONTROL_SATURATION,
	GLINT_CONTROL_HUE,
	GLINT_CONTROL_GAMMA,
	GLINT_CONTROL_SHARPNESS,
	GLINT_CONTROL_BACKLIGHT,
	GLINT_CONTROL_WHITE_BALANCE,
	GLINT_CONTROL_GAIN,
	GLINT_CONTROL_COLOR_EFFECT,
	GLINT_CONTROL_ROTATE,
	GLINT_CONTROL_FLIP_V,
	GLINT_CONTROL_FLIP_H,
	GLINT_CONTROL_COUNT,
};

struct glint_capture_config {
	const char *device;		/* path; NULL: the first capture device there is */
	uint32_t input;
	uint32_t width, height;		/* wished for; the driver has the last word */
	uint32_t fourcc;		/* 0: whatever costs least to encode */
	bool other_formats;		/* LAYOUT_OTHER may be chosen (libv4lconvert is there) */
	bool raw_formats;		/* there is an encoder for raw frames; else only JPEG is of use */
	uint64_t tv_standard;		/* v4l2_std_id, 0: leave */
	bool dv_timings;		/* insist on DV timings even where the input does not announce them */
	unsigned fps_milli;		/* test pattern: its rate; a device: asked of it with S_PARM when not 0 */
	unsigned buffers;		/* 2..32 */
	uint32_t min_frame_size;	/* bytes: smaller compressed frames are corrupt */
	bool allow_truncated;		/* keep JPEGs of the format's size that lack their end */
	bool persistent;		/* ustreamer's; accepted: capture never gives up anyway */
	uint64_t timeout_ns;		/* without a frame for so long: stalled */
	uint64_t retry_ns;		/* between attempts to get the device back */
	uint64_t stuck_ns;		/* a call into the driver that takes longer is stuck; 0: 3 s */
	uint32_t jpeg_quality;		/* asked of MJPEG devices, 1..100 */
	bool keep_range;		/* a driver that converts is not asked for full range */
	bool controls_reset;		/* all controls to their defaults first */
	struct glint_control_setting controls[GLINT_CONTROL_COUNT];
	struct glint_v4l2_access *access;	/* borrowed; NULL: the kernel's */
	const char *kind;		/* of the source, for /state, static; NULL: "v4l2" */
};

/* A view for /state, valid until the loop's next callback. */
struct glint_capture_status {
	const char *kind;		/* "v4l2", or the config's */
	enum glint_reason reason;
	bool online;			/* frames arrive, and show a signal */
	uint64_t stream;		/* of these frames; 0 while offline */
	const char *path, *driver, *card, *bus;	/* "" while unknown */
	struct glint_format format;	/* info NULL before the first */
	uint32_t width, height;		/* of the frames: a JPEG's own, else the format's; 0 likewise */
	uint32_t rate_millihz;		/* measured */
	uint32_t nominal_millihz;	/* as the driver says; 0: unknown */
	uint32_t last_seq;
	uint64_t last_capture_ns;	/* 0: none yet */
	uint64_t last_complete_ns;
	const char *clock;		/* "monotonic", or "arrival" when the driver's stamps are of no use */
	bool start_of_exposure;		/* last_capture_ns is the start of the exposure */
	enum glint_memory memory;
	unsigned buffers, with_driver, leased;
	uint64_t cancelled;		/* buffers that the driver gave back without a frame */
	uint64_t opens;			/* times that the device was opened */
	uint64_t restarts;		/* times that a stream was started after the first */
};

struct glint_capture_listener {
	/* Reason or format changed; ask glint_capture_status(). */
	void (*changed)(struct glint_capture_listener *listener);
};

/*
 * Allocates; opens nothing until started. @config and its strings are copied,
 * @listener and @loop borrowed. -ENOMEM, or the error of the device's thread.
 */
int glint_capture_create(struct glint_capture **out, struct glint_loop *loop,
			 const struct glint_capture_config *config,
			 struct glint_capture_listener *listener);

/*
 * Who will read the frames: format and memory are to suit him, too. Before the start; borrowed
 * until glint_capture_leave_partner(). The device's thread asks him.
 */
void glint_capture_set_partner(struct glint_capture *capture, struct glint_partner *partner);

/* Begins to look for the device. */
void glint_capture_start(struct glint_capture *capture);

/*
 * For the end: nothing is started any more, and the partner is not asked again after this.
 * False: a device call was still stuck at @deadline_ns, and may yet ask; the process should
 * end. What is left is for glint_capture_destroy().
 */
bool glint_capture_leave_partner(struct glint_capture *capture, uint64_t deadline_ns);

/*
 * Stops and frees. True: all is given back. False: a device call was still stuck
 * at @deadline_ns; the device's thread is abandoned and the process should end.
 * Every frame must have been released before. NULL is fine.
 */
bool glint_capture_destroy(struct glint_capture *capture, uint64_t deadline_ns);

/* Raw (or the device's JPEG) frames, newest first; lives as long as the capture. */
struct glint_fanout *glint_capture_frames(struct glint_capture *capture);

const struct glint_ledger *glint_capture_ledger(const struct glint_capture *capture);

void glint_capture_status(const struct glint_capture *capture, struct glint_capture_status *status);

/*
 * How many more frames may be kept before the driver has fewer than two buffers:
 * a reader that holds frames for a client's sake must not take the last ones.
 */
unsigned glint_capture_spare(const struct glint_capture *capture);
#endif
