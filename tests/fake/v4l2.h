/* SPDX-License-Identifier: MIT */
/*
 * A scripted V4L2 capture device: buffers complete when the test completes them, any call can fail
 * or hang, and any answer can be falsified. Its descriptor polls like a device's: readable with a
 * frame, urgent with an event, hung up when unplugged. Any thread; fields marked "test" are set
 * before the device is opened, or under fake_v4l2_lock().
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
	uint32_t width, height; /* 0: any size */
	uint32_t fps;		/* 0: the rate is not enumerated */
};

/* A frame as the driver returns it; 0 means the value of a correct driver. */
struct fake_frame {
	uint32_t seq;
	uint32_t used;	/* bytesused of every plane */
	uint32_t flags; /* added to the usual ones */
	uint64_t stamp_ns;
	const void *data; /* copied to plane 0, @used bytes */
	bool cancelled;	  /* returned unfilled; bytesused is still @used */
};

struct fake_buffer {
	int memfd[VIDEO_MAX_PLANES];
	bool queued, done;
	int imported; /* the descriptor of plane 0 of the last QBUF */
	void *user;   /* its address */
	struct fake_frame frame;
};

struct fake_v4l2 {
	struct glint_v4l2_access access;
	pthread_mutex_t lock;
	pthread_cond_t released;

	/* test: properties */
	const char *path;		       /* NULL: every path is this device */
	const char *card;		       /* NULL: "Scripted device" */
	const char *bus;		       /* NULL: "platform:fake" */
	const char *vendor, *product, *serial; /* NULL: sysfs has no such attribute */
	uint32_t caps;			       /* device_caps */
	unsigned n_formats;
	struct fake_format formats[FAKE_FORMATS];
	unsigned buffers_max;
	bool exports; /* VIDIOC_EXPBUF works */
	bool imports; /* V4L2_MEMORY_DMABUF works */
	bool users;   /* V4L2_MEMORY_USERPTR works */
	bool has_events;
	uint32_t n_inputs; /* 0: ENUMINPUT and S_INPUT are unknown */
	uint32_t input_caps;
	uint64_t standards; /* v4l2_std_id, of all inputs; 0: G_STD and S_STD are unknown */

	/* test: state */
	bool unplugged; /* fake_v4l2_unplug() */
	bool busy;	/* another process streams from it */
	uint32_t input_status;
	int timings_err;   /* of QUERY_DV_TIMINGS; 0: returns the timings below */
	bool timings_busy; /* QUERY_DV_TIMINGS: EBUSY while it streams */
	uint32_t timings_width, timings_height;
	bool has_power;	       /* V4L2_CID_DV_RX_POWER_PRESENT exists */
	uint32_t power;	       /* its value */
	uint32_t field;	       /* of formats; 0: as the program asks, V4L2_FIELD_NONE for ANY */
	uint32_t buffer_field; /* of buffers; 0: V4L2_FIELD_ANY */
	uint32_t quantization; /* of formats; 0: the default */
	uint32_t edid_pad;     /* the only pad with an EDID */
	unsigned edid_max;     /* blocks that it can have; 0: no EDID */
	unsigned edid_blocks;  /* 0: there is no display */
	uint8_t edid[512];
	bool edid_is_busy;   /* S_EDID: EBUSY while buffers exist */
	bool edid_is_broken; /* S_EDID keeps something else */
	unsigned edid_writes;
	struct v4l2_bt_timings set_timings; /* the last ones that were set */
	uint64_t standard;

	/* test: faults */
	unsigned long fail_request; /* fails with fail_err while set; 0: none */
	unsigned fail_nth;	    /* not 0: only the Nth fail_request fails, once */
	unsigned fail_call;	    /* the Nth ioctl fails with fail_err, once; 0: none */
	int fail_err;		    /* positive: a result that V4L2 does not allow */
	unsigned long hang_request; /* does not return until fake_v4l2_release() */
	bool hanging;		    /* a thread hangs in hang_request */
	unsigned control_fails_at;  /* S_EXT_CTRLS fails at the Nth control, after those before */
	/* Changes the answer of an ioctl that has succeeded. Called with the lock held. */
	void (*lie)(struct fake_v4l2 *fake, unsigned long request, void *arg);

	/* Observed by the test. */
	unsigned calls;	  /* ioctls */
	uint32_t watched; /* inputs of which changes are subscribed to, a bit each */
	unsigned opens, closes;
	bool streaming;
	uint32_t queued; /* queued buffers, a bit each */
	unsigned n_buffers, n_planes;
	uint32_t memory; /* of the buffers, V4L2_MEMORY_* */
	uint32_t size, width, height, fourcc;
	uint32_t rate_num, rate_den;
	int32_t controls[256];	 /* values by the low byte of the id, as set by S_CTRL */
	unsigned control_writes; /* values that S_EXT_CTRLS has set */

	/* Private. */
	int64_t control_values[16];
	char label[16]; /* the control of that name */
	uint32_t control_event;
	int32_t control_event_value;
	struct fake_buffer buffers[FAKE_BUFFERS];
	unsigned order[FAKE_BUFFERS], n_order; /* done, oldest first */
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

/* Complete buffer @index; -1: the lowest queued one. Returns the index, or -1. */
int fake_v4l2_complete(struct fake_v4l2 *fake, int index, const struct fake_frame *frame);

/* Queue a source-change event, if the program has subscribed. */
void fake_v4l2_event(struct fake_v4l2 *fake);

/* Queue the event that another program has set control @id, if the program has subscribed. */
void fake_v4l2_control_event(struct fake_v4l2 *fake, uint32_t id, int32_t value);

/* The present value of a control with a number. */
int64_t fake_v4l2_control(struct fake_v4l2 *fake, uint32_t id);
/* As after a replug: all have their defaults. */
void fake_v4l2_reset_controls(struct fake_v4l2 *fake);

/* After unplug() every call fails with ENODEV, and the descriptors have hung up. */
void fake_v4l2_unplug(struct fake_v4l2 *fake);
void fake_v4l2_replug(struct fake_v4l2 *fake);

/* Wait until a thread hangs in hang_request; let it go on. */
void fake_v4l2_wait_hanging(struct fake_v4l2 *fake);
void fake_v4l2_release(struct fake_v4l2 *fake);
#endif
