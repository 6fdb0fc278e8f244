/* SPDX-License-Identifier: MIT */
/*
 * Opens, sets up, starts and stops the device, on the device's own thread. Each function is
 * one job and may block in the kernel. While a job runs, its thread owns struct
 * glint_source; between jobs the loop owns it.
 */
#ifndef GLINT_CAPTURE_SOURCE_H
#define GLINT_CAPTURE_SOURCE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/capture.h"
#include "v4l2/edid.h"
#include "v4l2/controls.h"
#include "v4l2/pipeline.h"
#include "v4l2/vdev.h"

struct glint_loan;
struct glint_pool;

#define GLINT_SOURCE_MESSAGE_MAX 640

/* An EDID that is to be written, and what has become of it. */
struct glint_edid_change {
	bool written;	     /* the device has another EDID than before */
	bool address_kept;   /* @wanted has the physical address of the EDID before */
	unsigned blocks_max; /* with -E2BIG: what the device takes */
	size_t wanted_size, shown_size;
	uint8_t wanted[GLINT_EDID_SIZE_MAX];
	uint8_t shown[GLINT_EDID_SIZE_MAX]; /* as the device has it; valid without an error */
};

/* The EDID for each opening. Owned by the device's thread while a job runs. */
struct glint_source_edid {
	bool wants;   /* change.wanted is written at each opening of the device */
	bool applied; /* since the device was opened */
	bool tells;   /* a start has applied it: tell the result */
	int err;
	struct glint_edid_change change;
};

/* The path of the video in the media graph, for /state. */
struct glint_media_shown {
	char device[GLINT_V4L2_PATH_MAX]; /* "": the device has no media controller */
	unsigned n;
	char names[GLINT_PIPELINE_LENGTH_MAX][65];
	char problem[GLINT_PIPELINE_TEXT_MAX]; /* "": none */
};

/* A control's value that is set again whenever the device is opened. */
struct glint_kept_control {
	char name[GLINT_CONTROL_NAME_MAX];
	char value[GLINT_CONTROL_TEXT_MAX];
	bool is_default;
	bool logged; /* the failure is logged once */
};

struct glint_kept_controls {
	unsigned n;
	struct glint_kept_control entries[GLINT_KEPT_MAX];
};

struct glint_source {
	const struct glint_capture_config *config;
	struct glint_v4l2_access *access;
	struct glint_vdev vdev;
	char path[PATH_MAX];	     /* as configured, or as found; "" before */
	struct glint_identity known; /* of the first device that was opened */
	bool knows;
	char message[GLINT_SOURCE_MESSAGE_MAX]; /* what the search for the device has found instead,
						   in words; "" */
	struct glint_downstream *downstream;	/* borrowed, or NULL */
	bool downstream_wants;			/* the downstream device takes the present format */
	struct glint_pool *pool;		/* created by start; the loop takes it over */
	/*
	 * Memory of a lender. The loop sets these between jobs; a start that uses the loan, or
	 * the parked pool, takes it over.
	 */
	struct glint_loan *loan;   /* for a new pool; or NULL */
	struct glint_pool *parked; /* of the stream before; or NULL */
	const char *loan_reason;   /* why the last start has not used the loan; a constant, or "" */
	bool udmabuf_fails;	   /* a driver has not filled it; see mem/udmabuf.h */
	uint64_t opens, streams;
	bool missed_logged, timings_logged; /* logged once */
	bool tries;	  /* new settings: a failure leaves the device open for those of before */
	bool refused;	  /* the last start has failed because the device lacks forced timings */
	const char *step; /* the request that the last start has made last; a constant */
	char input_set[GLINT_INPUT_TEXT_MAX]; /* as configured, when it was selected; "": not yet */
	uint64_t standard_set,
		standard_before;	 /* by the configuration, and what was there; 0: none */
	struct glint_kept_controls kept; /* the device's thread only */
	uint32_t controls_logged;	 /* one bit for each control */
	struct glint_source_edid edid;
	struct glint_pipeline pipeline; /* closed, except while a start job runs */
	struct glint_media_shown media;
	unsigned media_missing; /* starts that found no media device */
};

/*
 * Open the device if it is closed, set it up, and start a stream whose buffers are in source->pool.
 * After a failure the device is closed; but if only the signal is missing (glint_source_waits()),
 * the device stays open to report the signal's arrival.
 */
int glint_source_start(struct glint_source *source);

/* End the stream, and close the device if @close. The pool's memory stays. */
void glint_source_stop(struct glint_source *source, bool close);

/* Returns whether the frames are made of the buffers' fields; see capture/fields.h. */
bool glint_source_makes_frames(const struct glint_source *source);

/* Returns whether @err means that only the signal is missing. */
bool glint_source_waits(int err);

/*
 * memory.c: create the pool of a stream, or use the parked one, and queue all its buffers. After a
 * failure the driver has no buffers and the caller owns nothing. -EUCLEAN: the parked pool is of no
 * use for this stream.
 */
int glint_memory_choose(struct glint_source *source, struct glint_pool **out);

/* memory.c: take the buffers back from the driver, and retire @pool, or park it. */
void glint_memory_drop(struct glint_source *source, struct glint_pool *pool);

/*
 * controls.c: set the picture controls of the configuration. A control that the device lacks or
 * refuses is logged once, and does not prevent the stream.
 */
void glint_controls_set(struct glint_source *source);

/* edid.c: write the EDID that is wanted, once for each opening. Does nothing without one. */
void glint_source_apply_edid(struct glint_source *source);

/* controls.c: set the quality of a device's JPEGs. -ENOTTY: the device has no such control. */
int glint_controls_set_jpeg_quality(struct glint_source *source, unsigned quality);

/*
 * media.c: open the pipeline of a node that has one, at each start; the pipeline stays closed if the
 * node is used as it is.
 */
int glint_media_begin(struct glint_source *source);

/* media.c: open the receiver of the signal, if the pipeline has one. */
int glint_media_open_receiver(struct glint_source *source);

/*
 * media.c: set up the open pipeline. *@attempt begins with 0, and each call tries another format of
 * the source. -EPIPE: there is no other.
 */
int glint_media_set_up(struct glint_source *source, unsigned *attempt);

/* media.c: STREAMON has failed. Returns -EPIPE if the driver refuses the pipeline, else @err. */
int glint_media_refused(struct glint_source *source, int err);

/* media.c: the start ends with @err: log what is wrong with the pipeline, and close it. */
void glint_media_end(struct glint_source *source, int err);

static inline bool glint_source_is_open(const struct glint_source *source)
{
	return source->vdev.fd >= 0;
}
#endif
