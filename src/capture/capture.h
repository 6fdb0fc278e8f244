/* SPDX-License-Identifier: MIT */
/*
 * The source of frames: finds and opens the device, starts, stops and reconfigures it, and pushes
 * the newest frame to its fan-out. The capture never gives up: each failure becomes the reason in
 * its status, and the capture tries again by itself. The test pattern is a device whose system calls
 * are functions of glint.
 *
 * Opening, configuring and stopping may block in the kernel, so they are jobs on the device's own
 * thread. While such a job runs, only the job uses the device. Everything else runs on the loop
 * thread.
 */
#ifndef GLINT_CAPTURE_CAPTURE_H
#define GLINT_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/change.h"
#include "core/fanout.h"
#include "core/ledger.h"
#include "core/stats.h"
#include "v4l2/controls.h"
#include "v4l2/format.h"
#include "v4l2/timings.h"

struct glint_capture;
struct glint_edid_request;
struct glint_events;
struct glint_loop;
struct glint_downstream;
struct glint_lender;
struct glint_report;
struct glint_timings_request;
struct glint_v4l2_access;

/* Why there is no live video. */
enum glint_reason {
	GLINT_REASON_NONE,	    /* "": live */
	GLINT_REASON_OPENING,	    /* "opening": no frame has arrived yet */
	GLINT_REASON_WARMING_UP,    /* "warming-up": the first frames are not shown */
	GLINT_REASON_IDLE,	    /* "idle": nobody needs frames, so the device does not stream */
	GLINT_REASON_NO_DEVICE,	    /* "no-device": ENODEV, ENOENT, ENXIO: missing or unplugged */
	GLINT_REASON_WRONG_DEVICE,  /* "wrong-device": EREMCHG: another device is in its place */
	GLINT_REASON_BUSY,	    /* "busy": EBUSY: another process streams from it */
	GLINT_REASON_NO_PERMISSION, /* "no-permission": EACCES, EPERM */
	GLINT_REASON_NOT_CAPTURE,   /* "not-a-capture-device" */
	GLINT_REASON_NO_SIGNAL,	    /* "no-signal": ENOLINK */
	GLINT_REASON_NO_LOCK,	    /* "no-lock": ENOLCK */
	GLINT_REASON_UNPOWERED,	    /* "unpowered": EHOSTDOWN: no 5 V on the connector */
	GLINT_REASON_INTERLACED,    /* "interlaced": EPROTOTYPE: fields that make no frame */
	GLINT_REASON_OUT_OF_RANGE,  /* "out-of-range": ERANGE: timings the receiver cannot take */
	GLINT_REASON_FORMAT,	    /* "format": the device has no usable format */
	GLINT_REASON_PIPELINE,	    /* "pipeline": EPIPE: links or formats of the media graph */
	GLINT_REASON_STALLED,	    /* "stalled": no frame for device_timeout */
	GLINT_REASON_CORRUPT,	    /* "corrupt": each frame for device_timeout was damaged */
	GLINT_REASON_STUCK,	    /* "stuck": a call into the driver does not return */
	GLINT_REASON_CARD,	    /* "no-signal-card": the device's own picture for it */
	GLINT_REASON_BLACK,	    /* "black" */
	GLINT_REASON_FROZEN,	    /* "frozen": the picture has not changed for long */
	GLINT_REASON_ERROR,	    /* "error": any other errno; the log has it */
};

const char *glint_reason_name(enum glint_reason reason);

/* Where the fault is: "infrastructure", "device-under-test", or "" while nothing is wrong. */
const char *glint_reason_verdict(enum glint_reason reason);

/* What the verdict rests on: "device" (a call failed or hangs), "driver" (it says so), "picture". */
const char *glint_reason_rests_on(enum glint_reason reason);

/* CARD, BLACK or FROZEN: frames arrive and are good, but do not show a source. */
bool glint_reason_is_of_picture(enum glint_reason reason);

/* Settings of picture controls, as ustreamer has them (docs/COMPATIBILITY.md). */
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

/* Where the memory of the frames comes from. */
enum glint_memory_wish {
	GLINT_MEMORY_WISH_AUTO, /* the driver, or what it can share with the encoder */
	GLINT_MEMORY_WISH_DRIVER,
	GLINT_MEMORY_WISH_HEAP,
	GLINT_MEMORY_WISH_DUMB,
	GLINT_MEMORY_WISH_UDMABUF,
};

#define GLINT_INPUT_TEXT_MAX 64u

#define GLINT_KEPT_MAX 64u

/*
 * Values of controls, as NAME=VALUE, or NAME= for the default. The texts are borrowed; a name is
 * shorter than GLINT_CONTROL_NAME_MAX, a value shorter than GLINT_CONTROL_TEXT_MAX.
 */
struct glint_control_words {
	unsigned n;
	const char *texts[GLINT_KEPT_MAX];
};

/* What becomes of the two fields of interlaced frames; see capture/fields.h. */
enum glint_deinterlace { GLINT_DEINTERLACE_WEAVE, GLINT_DEINTERLACE_BOB };

/* "weave", "bob" */
const char *glint_deinterlace_name(enum glint_deinterlace how);

/* The beginning of a stream; at most one of them is not 0. */
struct glint_warm_up {
	uint64_t frames, ns;
};

struct glint_capture_config {
	const char *device;		   /* a path or a name, see v4l2/identity.h; NULL: auto */
	const char *media_device;	   /* path; NULL: the one that has the node */
	const char *media_entity;	   /* name of the source of the video; NULL: found */
	char input[GLINT_INPUT_TEXT_MAX];  /* number or name; "": 0 */
	uint32_t width, height;		   /* requested; the driver decides. 0x0: the best size */
	unsigned size_fps;		   /* the best size is the largest that reaches this rate */
	uint32_t fourcc;		   /* 0: the format that costs least to encode */
	bool other_formats;		   /* libv4lconvert is built in: LAYOUT_OTHER is usable */
	bool raw_formats;		   /* raw frames can be encoded; else only JPEG is usable */
	uint64_t tv_standard;		   /* v4l2_std_id; 0: unchanged */
	struct glint_timings_wish timings; /* to force; all zero: those of the signal */
	bool dv_timings;	      /* use DV timings even if the input does not announce them */
	unsigned fps_milli;	      /* rate of the test pattern, or requested from the device */
	unsigned fps;		      /* requested from the device instead; 0: @fps_milli */
	unsigned buffers;	      /* 2..32 */
	unsigned memory;	      /* enum glint_memory_wish */
	unsigned deinterlace;	      /* enum glint_deinterlace */
	struct glint_warm_up warm_up; /* frames of it are not live */
	bool idle_stops;	      /* stream only while a reader takes frames */
	uint32_t min_frame_size;      /* bytes; smaller compressed frames are corrupt */
	bool allow_truncated;	      /* keep JPEGs of the format's size that lack their end */
	bool persistent;	      /* ustreamer's; without effect: the capture never gives up */
	uint64_t timeout_ns;	      /* the device has stalled if no frame arrives for so long */
	uint64_t retry_ns;	      /* pause between attempts to open the device */
	uint64_t stuck_ns;     /* a call into the driver that takes longer is stuck; 0: 3 s */
	uint32_t jpeg_quality; /* 1..100, requested from MJPEG devices */
	bool keep_range;       /* do not request full range from a driver that converts */
	bool controls_reset;   /* set all controls to their defaults first */
	struct glint_control_setting controls[GLINT_CONTROL_COUNT];
	const uint8_t *edid; /* to write at each opening, checked; NULL: none */
	size_t edid_size;
	struct glint_control_words words; /* of --control, for the first opening */
	struct glint_v4l2_access *access; /* borrowed; NULL: the kernel's */
	struct glint_events *events;	  /* borrowed: gets faults; NULL: none */
	const char *kind;		  /* of the source, in /state; a constant; NULL: "v4l2" */
};

/* For the service and tests; valid until the loop's next callback. */
struct glint_capture_status {
	const char *kind; /* "v4l2", or the config's */
	enum glint_reason reason;
	bool online;		      /* frames arrive, and show a signal */
	uint64_t stream;	      /* of these frames; 0 while offline */
	const char *path;	      /* "" while unknown */
	const char *message;	      /* more about the reason, in words; "" */
	struct glint_format format;   /* info is NULL before the first stream */
	uint32_t width, height;	      /* of the frames, for JPEGs from their headers; 0: none yet */
	uint32_t nominal_millihz;     /* the driver's figure; 0: unknown */
	struct glint_frame_info last; /* of the last frame; complete_ns 0: none yet */
	enum glint_memory memory;
	bool borrowed;		 /* frames are in the lender's memory */
	const char *loan_reason; /* why they are not; "" */
	unsigned buffers, with_driver, leased;
	uint64_t opens;	   /* number of times that the device was opened */
	uint64_t restarts; /* number of streams after the first */
	uint64_t idle_stops;
};

struct glint_capture_listener {
	/* The reason or the format has changed; glint_capture_status() has the new ones. */
	void (*changed)(struct glint_capture_listener *listener);
};

/*
 * Create a capture, which opens nothing before its start. Copies @config and its strings, borrows
 * @listener and @loop. Errors: -ENOMEM, or the error of the device's thread.
 */
int glint_capture_create(struct glint_capture **out, struct glint_loop *loop,
			 const struct glint_capture_config *config,
			 struct glint_capture_listener *listener);

/*
 * Set the downstream device, which reads the frames; format and memory must suit it, too. Call this
 * before the start. The device's thread calls @downstream, which is borrowed until
 * glint_capture_leave_downstream(). NULL: none.
 */
void glint_capture_set_downstream(struct glint_capture *capture,
				  struct glint_downstream *downstream);

/*
 * Prepare a change of jpeg_quality, keep_range, size_fps, allow_truncated, min_frame_size,
 * timeout_ns, retry_ns, warm_up, idle_stops, and of the settings of the stream (glint_capture_stream_differs()); other
 * members of @wanted are ignored. Returns 0, a negative errno if the device refuses the change, or
 * -EINPROGRESS if @prepare->done() gets the device's answer later: after another stream has begun,
 * or the one of before has come back. Raises *@holds to the latest time at which a member takes
 * effect.
 */
int glint_capture_prepare(struct glint_capture *capture, const struct glint_capture_config *wanted,
			  struct glint_prepare *prepare, enum glint_holds *holds);

/*
 * Apply a prepared change; or cancel it, with the config of before. @prepare->done() is not called
 * after this.
 */
void glint_capture_apply(struct glint_capture *capture, const struct glint_capture_config *wanted);

/*
 * Whether the settings of the stream differ: width, height, fourcc, fps, input, tv_standard, timings,
 * dv_timings, buffers, memory, deinterlace. A change of them starts another stream.
 */
bool glint_capture_stream_differs(const struct glint_capture_config *a,
				  const struct glint_capture_config *b);

/*
 * Complete @made, which has the name of an option and what was asked: what the device has made of it.
 * False: the setting does not concern the stream, or there is no stream.
 */
bool glint_capture_made(const struct glint_capture *capture, struct glint_change_made *made);

/*
 * Read or write the device's EDID; request->done() gets the result, unless the request is forgotten
 * before. request->bytes are checked, and are copied. An EDID that was written is written again when
 * the device comes back. Returns 0, or a negative errno after which the request has not begun: its
 * result is set.
 */
int glint_capture_ask_edid(struct glint_capture *capture, struct glint_edid_request *request);
void glint_capture_forget_edid(struct glint_capture *capture, struct glint_edid_request *request);

/*
 * Set the lender of memory for frames, which is borrowed; NULL: none any more. From then on streams
 * use its memory where format and driver permit it, see glint_capture_status.loan_reason.
 */
void glint_capture_set_lender(struct glint_capture *capture, struct glint_lender *lender);

/*
 * List the DV timings of the device; request->done() gets the result, unless the request is forgotten
 * before. Returns 0, or a negative errno after which the request has not begun: its result is set.
 */
int glint_capture_ask_timings(struct glint_capture *capture, struct glint_timings_request *request);
void glint_capture_forget_timings(struct glint_capture *capture,
				  struct glint_timings_request *request);

/* Members: wanted, present, signal, signal_reason, timings. From within done(). */
void glint_capture_tell_timings(const struct glint_timings_request *request,
				struct glint_report *report);

/* Start to look for the device. */
void glint_capture_start(struct glint_capture *capture);

/*
 * Stop using the downstream device, before it is destroyed: start no more streams, close the
 * device's requests, and wait for the job that may wait for a request. Returns false if a device
 * call was still stuck at @deadline_ns; the process should end then.
 */
bool glint_capture_leave_downstream(struct glint_capture *capture, uint64_t deadline_ns);

/*
 * Stop and free the capture. All frames must have been released. Returns false if a device call was
 * still stuck at @deadline_ns: the device's thread is abandoned, and the process should end. NULL is
 * fine.
 */
bool glint_capture_destroy(struct glint_capture *capture, uint64_t deadline_ns);

/*
 * Returns the fan-out for frames, raw or the device's JPEGs: the newest frame of each wakeup. It
 * lives as long as the capture.
 */
struct glint_fanout *glint_capture_frames(struct glint_capture *capture);

/*
 * Where every good frame goes, but those of the warm-up, in order and before newest-wins: also those that a late loop takes
 * together, of which the other fanout has the last only. A sink must not delay the frames, and asks
 * glint_capture_spare() before it keeps one. Nobody attached: costs a branch a frame.
 */
struct glint_fanout *glint_capture_all(struct glint_capture *capture);

/*
 * As glint_capture_frames(), and also while the frames are not live because of their content. For
 * sinks that judge the content.
 */
struct glint_fanout *glint_capture_looks(struct glint_capture *capture);

/*
 * Say what the content of the frames means: CARD, BLACK or FROZEN, and they are not live from the
 * next one on; or NONE. Holds until the next call, also for further streams.
 */
void glint_capture_judge(struct glint_capture *capture, enum glint_reason reason);

const struct glint_ledger *glint_capture_ledger(const struct glint_capture *capture);

void glint_capture_status(const struct glint_capture *capture, struct glint_capture_status *status);

/* Returns the measured rate of the last second. */
uint32_t glint_capture_rate_millihz(const struct glint_capture *capture);

/* Objects: source, device, format, frame, ledger, buffers, device_jobs, controls. */
void glint_capture_report(const struct glint_capture *capture, struct glint_report *report);
/* Latencies: device_job, dequeue. */
void glint_capture_report_latencies(const struct glint_capture *capture,
				    struct glint_report *report);

/*
 * Returns how many more frames readers may keep before the driver has fewer than two buffers. A
 * reader that keeps frames for a slow client must not take the last buffers.
 */
unsigned glint_capture_spare(const struct glint_capture *capture);

/*
 * Returns whether the lender must release frames in its memory before it keeps another one. False
 * while frames are in other memory.
 */
bool glint_capture_is_short(const struct glint_capture *capture);
#endif
