/* SPDX-License-Identifier: MIT */
/*
 * A V4L2 capture device that does what the test says: buffers complete when the
 * test completes them, any call can fail or hang, and any answer can be made a lie.
 * Its descriptor polls like a device's: readable with a frame, urgent with an event,
 * hung up when unplugged. Any thread; fields marked "test" are set before it is
 * opened, or under fake_v4l2_lock().
 */
#ifndef GLINT_TESTS_FAKE_V4L2_H
#define GLINT_TESTS_FAKE_V4L2_H

#include <linux/videodev2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "v4l2/access.h"

#define FAKE_BUFFERS 32
#define FAKE_OPENS   4
#define FAKE_FORMATS 8

struct fake_format {
	uint32_t fourcc;
	uint32_t width, height;		/* 0: any size */
	uint32_t fps;			/* 0: says nothing of its rate */
};

/* A frame as the driver hands it out; 0 means what a good driver would say. */
struct fake_frame {
	uint32_t seq;
	uint32_t used;			/* bytesused of every plane */
	uint32_t flags;			/* added to the usual ones */
	uint64_t stamp_ns;
	const void *data;		/* copied to plane 0, @used bytes */
	bool cancelled;			/* comes back unfilled: @used bytes all the same, if not 0 */
};

struct fake_buffer {
	int memfd[VIDEO_MAX_PLANES];
	bool queued, done;
	int imported;			/* the descriptor of plane 0 that it was queued with */
	struct fake_frame frame;
};

struct fake_v4l2 {
	struct glint_v4l2_access access;
	pthread_mutex_t lock;
	pthread_cond_t released;

	/* test: what it is */
	const char *path;		/* NULL: every path is this device */
	uint32_t caps;			/* device_caps */
	unsigned n_formats;
	struct fake_format formats[FAKE_FORMATS];
	unsigned buffers_max;
	bool exports;			/* VIDIOC_EXPBUF works */
	bool imports;			/* V4L2_MEMORY_DMABUF does */
	bool has_events;
	uint32_t n_inputs;		/* 0: ENUMINPUT and S_INPUT are unknown */
	uint32_t input_caps;

	/* test: how it is */
	bool unplugged;			/* fake_v4l2_unplug() */
	bool busy;			/* another process streams from it */
	uint32_t input_status;
	int timings_err;		/* what QUERY_DV_TIMINGS says, 0: the timings below */
	uint32_t timings_width, timings_height;

	/* test: faults */
	unsigned long fail_request;	/* fails with fail_err as long as it is set; 0: none */
	unsigned fail_call;		/* the so many-eth ioctl fails with fail_err, once; 0: none */
	int fail_err;			/* positive: what no V4L2 request may return */
	unsigned long hang_request;	/* does not return until fake_v4l2_release() */
	bool hanging;			/* somebody is in it */
	/* Changes what an ioctl that went well says; called with the lock held. */
	void (*lie)(struct fake_v4l2 *fake, unsigned long request, void *arg);

	/* What happened. */
	unsigned calls;			/* ioctls */
	unsigned opens, closes;
	bool streaming;
	uint32_t queued;		/* buffers that the driver has, a bit each */
	unsigned n_buffers, n_planes;
	uint32_t memory;		/* of the buffers, V4L2_MEMORY_* */
	uint32_t size, width, height, fourcc;
	uint32_t rate_num, rate_den;
	int32_t controls[256];		/* values by the low byte of the id, as set */

	/* Its own. */
	struct fake_buffer buffers[FAKE_BUFFERS];
	unsigned order[FAKE_BUFFERS], n_order;	/* done, oldest first */
	unsigned events;
	struct {
		int ours, peer;
	} fds[FAKE_OPENS];
};

/* A webcam: YUYV 64x48 at 30 frames a second, one input, single-planar, exports. */
void fake_v4l2_init(struct fake_v4l2 *fake);
void fake_v4l2_fini(struct fake_v4l2 *fake);

void fake_v4l2_lock(struct fake_v4l2 *fake);
void fake_v4l2_unlock(struct fake_v4l2 *fake);

/* Completes buffer @index, or the lowest that is queued for -1. Returns it, or -1. */
int fake_v4l2_complete(struct fake_v4l2 *fake, int index, const struct fake_frame *frame);

/* The source has changed: an event, if they are subscribed to. */
void fake_v4l2_event(struct fake_v4l2 *fake);

/* From now on all fails with ENODEV, and the descriptors hang up. */
void fake_v4l2_unplug(struct fake_v4l2 *fake);
void fake_v4l2_replug(struct fake_v4l2 *fake);

/* Waits until somebody hangs in hang_request; lets them go on. */
void fake_v4l2_wait_hanging(struct fake_v4l2 *fake);
void fake_v4l2_release(struct fake_v4l2 *fake);
#endif
