/* SPDX-License-Identifier: MIT */
/*
 * One V4L2 capture device: its descriptor, its negotiated format and the
 * buffers of the present stream. Thin on purpose: each function is an ioctl or
 * the few that belong together, checked. It may block in the kernel wherever a
 * driver does, except qbuf and dqbuf (the descriptor is O_NONBLOCK); so all
 * else runs on the device's worker thread. It logs nothing: capture does.
 *
 * All return 0 or more, or the driver's errno, or one of ours where it says so.
 */
#ifndef GLINT_V4L2_VDEV_H
#define GLINT_V4L2_VDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/dmabuf.h"
#include "v4l2/access.h"
#include "v4l2/format.h"
#include "v4l2/queue.h"

/* The DV timings that the stream is set up for: as much as tells a change. */
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
	bool has_events;			/* the driver tells of a changed source */
	uint32_t input;
	char driver[17], card[33], bus[33];
	struct glint_format format;
	uint32_t room[GLINT_DMABUF_PLANES];	/* bytes that each plane shall have, where that is more
						 * than the format needs */
	struct glint_timings timings;
	uint32_t rate_millihz;			/* as the driver says; 0: unknown */
	struct glint_vqueue queue;
	const struct glint_dmabuf *buffers;	/* borrowed, queue.n_buffers of them */
};

/* What was dequeued, every value checked. */
struct glint_vbuf {
	unsigned index;			/* < queue.n_buffers */
	uint32_t seq;
	uint32_t used;			/* bytes of plane 0, at most its size; for what has an offset,
					 * without it */
	uint32_t offset[GLINT_DMABUF_PLANES];	/* where the data of each plane begin */
	uint64_t timestamp_ns;		/* CLOCK_MONOTONIC; 0 when the driver's clock is another */
	bool start_of_exposure;		/* the stamp's moment; else the end of the frame */
	bool error;			/* V4L2_BUF_FLAG_ERROR, or figures that cannot be */
	bool short_data;		/* fewer bytes than the format needs */
	bool cancelled;			/* no frame: the driver gave the buffer back as it was queued */
};

/* Closed, with nothing known. */
void glint_vdev_init(struct glint_vdev *vdev);

/*
 * Opens @path and asks who it is. -ENOTTY: it is no capture device (then driver,
 * card and bus are known all the same, if it is a V4L2 device at all).
 */
int glint_vdev_open(struct glint_vdev *vdev, struct glint_v4l2_access *access, const char *path);

/* Fine when closed. The names stay, for /state. */
void glint_vdev_close(struct glint_vdev *vdev);

static inline int glint_vdev_ioctl(const struct glint_vdev *vdev, unsigned long request, void *arg)
{
	return glint_v4l2_ioctl(vdev->access, vdev->fd, request, arg);
}

/*
 * Sets the format and reads it back into vdev->format. -EPROTO: what the driver made
 * of it cannot be used (it may have chosen another format, which is fine if it can).
 */
int glint_vdev_set_format(struct glint_vdev *vdev, uint32_t fourcc, uint32_t width,
			  uint32_t height);

/*
 * The same for a format that the device has: with @wish's strides, and with the colours of
 * a JPEG (BT.601, full range) where the driver can convert. It need not do either.
 */
int glint_vdev_set_layout(struct glint_vdev *vdev, const struct glint_format *wish);

/*
 * Asks for @interval_num / @interval_den seconds a frame; vdev->rate_millihz is what
 * the driver makes of it. -ENOTTY: its rate cannot be set.
 */
int glint_vdev_set_interval(struct glint_vdev *vdev, uint32_t interval_num, uint32_t interval_den);

/*
 * Allocates about @count buffers in the driver (it has the last word), exports them,
 * and maps what cannot be exported, into @buffers, which must stay until glint_vdev_free(). Returns how
 * many, at most GLINT_VQUEUE_BUFFERS_MAX. On failure nothing is owned.
 */
int glint_vdev_alloc(struct glint_vdev *vdev, unsigned count,
		     struct glint_dmabuf buffers[static GLINT_VQUEUE_BUFFERS_MAX]);

/*
 * The same with memory that somebody else has made: @count buffers, which must stay as they
 * are until glint_vdev_free(). -EINVAL: the driver imports nothing. Whether it can write to
 * these, qbuf says.
 */
int glint_vdev_import(struct glint_vdev *vdev, unsigned count, const struct glint_dmabuf *buffers);

/*
 * The driver forgets its buffers. Their mappings and descriptors are the caller's,
 * and stay valid: the kernel keeps such memory until the last user is gone.
 */
int glint_vdev_free(struct glint_vdev *vdev);

int glint_vdev_stream(struct glint_vdev *vdev, bool on);

int glint_vdev_qbuf(struct glint_vdev *vdev, unsigned index);

/* -EAGAIN: none is ready. -EPROTO: the driver names a buffer that there is not. */
int glint_vdev_dqbuf(struct glint_vdev *vdev, struct glint_vbuf *vbuf);
#endif
