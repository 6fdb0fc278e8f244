/* SPDX-License-Identifier: MIT */
/*
 * One V4L2 capture device: its descriptor, its negotiated format and the buffers of the
 * present stream. Each function is one ioctl, or the few that belong together, and checks
 * the driver's answer. Functions may block for as long as the driver does, so they run on
 * the device's worker thread; qbuf and dqbuf do not block (the descriptor is O_NONBLOCK)
 * and run on the loop. Nothing is logged here.
 *
 * Functions return 0 or more, the driver's errno, or an errno of ours where the comment
 * says so.
 */
#ifndef GLINT_V4L2_VDEV_H
#define GLINT_V4L2_VDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/dmabuf.h"
#include "v4l2/access.h"
#include "v4l2/format.h"
#include "v4l2/queue.h"

/* The DV timings that the stream is set up for: the fields by which a change is detected. */
struct glint_timings {
	uint32_t width, height;		/* 0: none */
	uint64_t pixelclock;
	bool interlaced;
	uint32_t rate_millihz;
};

struct glint_vdev {
	struct glint_v4l2_access *access;	/* borrowed */
	int fd;					/* -1: closed */
	bool has_dv_timings;			/* of the chosen input */
	bool has_events;			/* V4L2_EVENT_SOURCE_CHANGE is subscribed to */
	uint32_t input;
	char driver[17], card[33], bus[33];
	struct glint_format format;
	uint32_t room[GLINT_DMABUF_PLANES];	/* bytes that each plane shall have, where that is more
						 * than the format needs */
	struct glint_timings timings;
	uint32_t rate_millihz;			/* nominal; 0: unknown */
	struct glint_vqueue queue;
	const struct glint_dmabuf *buffers;	/* borrowed, queue.n_buffers of them */
};

/* A dequeued buffer; all values are checked. */
struct glint_vbuf {
	unsigned index;			/* < queue.n_buffers */
	uint32_t seq;
	uint32_t used;			/* data bytes in plane 0, without its offset */
	uint32_t offset[GLINT_DMABUF_PLANES];	/* where the data of each plane begin */
	uint64_t timestamp_ns;		/* CLOCK_MONOTONIC; 0: the driver uses another clock */
	bool start_of_exposure;		/* of the stamp; else it is of the end of the frame */
	bool error;			/* V4L2_BUF_FLAG_ERROR, or contradicting sizes */
	bool short_data;		/* fewer bytes than the format needs */
	bool cancelled;			/* no frame: the driver gave the buffer back as it was queued */
};

/* Closed, with nothing known. */
void glint_vdev_init(struct glint_vdev *vdev);

/*
 * Opens @path and reads its names. -ENOTTY: not a capture device; driver, card and bus are
 * set if it is a V4L2 device at all.
 */
int glint_vdev_open(struct glint_vdev *vdev, struct glint_v4l2_access *access, const char *path);

/* A closed device is fine. The names stay, for /state. */
void glint_vdev_close(struct glint_vdev *vdev);

static inline int glint_vdev_ioctl(const struct glint_vdev *vdev, unsigned long request, void *arg)
{
	return glint_v4l2_ioctl(vdev->access, vdev->fd, request, arg);
}

/*
 * Sets the format and reads the driver's choice, which may differ, into vdev->format.
 * -EPROTO: the sizes that the driver chose contradict each other.
 */
int glint_vdev_set_format(struct glint_vdev *vdev, uint32_t fourcc, uint32_t width,
			  uint32_t height);

/*
 * Sets a format that the device offers, with @wish's strides, and @as_jpeg with JPEG's
 * colours (BT.601, full range) where the driver can convert. The driver may ignore both.
 */
int glint_vdev_set_layout(struct glint_vdev *vdev, const struct glint_format *wish, bool as_jpeg);

/*
 * Requests @interval_num / @interval_den seconds a frame; vdev->rate_millihz becomes the
 * rate that the driver chose. -ENOTTY: the rate cannot be set.
 */
int glint_vdev_set_interval(struct glint_vdev *vdev, uint32_t interval_num, uint32_t interval_den);

/*
 * Allocates about @count buffers in the driver, which has the last word, exports them, and
 * maps those that cannot be exported. @buffers must stay until glint_vdev_free(). Returns
 * how many, at most GLINT_VQUEUE_BUFFERS_MAX. On failure nothing is owned.
 */
int glint_vdev_alloc(struct glint_vdev *vdev, unsigned count,
		     struct glint_dmabuf buffers[static GLINT_VQUEUE_BUFFERS_MAX]);

/*
 * Uses existing memory instead: @count buffers, which must not change until
 * glint_vdev_free(). -EINVAL: the driver cannot import. Whether the device can write to the
 * memory shows in qbuf.
 */
int glint_vdev_import(struct glint_vdev *vdev, unsigned count, const struct glint_dmabuf *buffers);

/*
 * The driver forgets its buffers. Maps and descriptors are the caller's and stay valid: the
 * kernel keeps the memory until its last user is gone.
 */
int glint_vdev_free(struct glint_vdev *vdev);

int glint_vdev_stream(struct glint_vdev *vdev, bool on);

int glint_vdev_qbuf(struct glint_vdev *vdev, unsigned index);

/* -EAGAIN: none is ready. -EPROTO: the driver names a buffer that does not exist. */
int glint_vdev_dqbuf(struct glint_vdev *vdev, struct glint_vbuf *vbuf);
#endif
