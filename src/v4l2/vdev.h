/* SPDX-License-Identifier: MIT */
/*
 * One V4L2 capture device: its descriptor, its negotiated format and the buffers of the
 * present stream. Each function is one ioctl, or the few that belong together, and checks
 * the driver's answer. Functions may block for as long as the driver does, so they run on
 * the device's worker thread; qbuf and dqbuf do not block (the descriptor is O_NONBLOCK)
 * and run on the loop. Nothing is logged here.
 *
 * Functions return 0 or more, the driver's errno, or an errno that their comment names.
 */
#ifndef GLINT_V4L2_VDEV_H
#define GLINT_V4L2_VDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/dmabuf.h"
#include "v4l2/access.h"
#include "v4l2/format.h"
#include "v4l2/identity.h"
#include "v4l2/queue.h"

/* The DV timings that the stream is set up for: the fields by which a change is detected. */
struct glint_timings {
	uint32_t width, height; /* 0: none */
	uint64_t pixelclock;
	bool interlaced;
	bool forced;	       /* by the user: the signal may have others */
	uint32_t rate_millihz; /* of whole frames */
};

struct glint_vdev {
	struct glint_v4l2_access *access; /* borrowed */
	int fd;				  /* -1: closed */
	int receiver_fd;		  /* -1, or the subdevice of glint_vdev_receiver_ioctl() */
	uint32_t receiver_pad;		  /* the pad of its signal, for events and EDID */
	bool has_dv_timings;		  /* of the chosen input */
	bool needs_pipeline;		  /* V4L2_CAP_IO_MC: the user sets up what is behind it */
	bool has_events;		  /* V4L2_EVENT_SOURCE_CHANGE is subscribed to */
	uint32_t input;
	unsigned power_bit; /* of V4L2_CID_DV_RX_POWER_PRESENT, for the chosen input */
	struct glint_identity identity;
	struct glint_format format;
	uint32_t room[GLINT_DMABUF_PLANES]; /* least size of each plane in bytes, if the downstream
					       device needs more than the format; else 0 */
	struct glint_timings timings;
	uint32_t rate_millihz; /* nominal; 0: unknown */
	uint64_t standard;     /* v4l2_std_id, at the start of the stream; 0: none */
	bool bottom_first;     /* the TV standard's order of fields, for drivers that tell none */
	struct glint_vqueue queue;
	/* Borrowed: the memory of each of the queue's buffers. */
	const struct glint_dmabuf *buffers[GLINT_VQUEUE_BUFFERS_MAX];
};

/* What a buffer has of an interlaced frame. */
enum glint_buffer_field { GLINT_BUFFER_BOTH, GLINT_BUFFER_TOP, GLINT_BUFFER_BOTTOM };

/* A dequeued buffer; all values are checked. */
struct glint_vbuf {
	unsigned index; /* < queue.n_buffers */
	uint32_t seq;
	uint32_t used;			      /* data bytes in plane 0, without its offset */
	uint32_t offset[GLINT_DMABUF_PLANES]; /* where the data of each plane begin */
	uint64_t timestamp_ns;	/* CLOCK_MONOTONIC; 0: the driver uses another clock */
	bool start_of_exposure; /* moment of the stamp; else the end of the frame */
	bool error;		/* V4L2_BUF_FLAG_ERROR, or contradicting sizes */
	bool short_data;	/* fewer bytes than the format needs */
	enum glint_buffer_field field;
	bool interlaced, bottom_first; /* two moments in one frame, and their order */
	bool cancelled;		       /* no frame: the driver has returned the buffer unfilled */
};

/* Closed, with nothing known. */
void glint_vdev_init(struct glint_vdev *vdev);

/*
 * Open @path and read its identity. -ENOTTY: not a capture device; the identity is set if it is a
 * V4L2 device at all.
 */
int glint_vdev_open(struct glint_vdev *vdev, struct glint_v4l2_access *access, const char *path);

/* Close the node and the receiver. Does nothing if closed. The identity stays, for /state. */
void glint_vdev_close(struct glint_vdev *vdev);

static inline int glint_vdev_ioctl(const struct glint_vdev *vdev, unsigned long request, void *arg)
{
	return glint_v4l2_ioctl(vdev->access, vdev->fd, request, arg);
}

/*
 * A request that concerns the received signal: DV timings, EDID, and the event that the source has
 * changed. On boards with a media controller the receiver is a subdevice, else the node itself; the
 * requests have the same numbers on both.
 */
static inline int glint_vdev_receiver_ioctl(const struct glint_vdev *vdev, unsigned long request,
					    void *arg)
{
	int fd = vdev->receiver_fd < 0 ? vdev->fd : vdev->receiver_fd;

	return glint_v4l2_ioctl(vdev->access, fd, request, arg);
}

/*
 * Set the format and read the driver's choice, which may differ, into vdev->format.
 * -EPROTO: the sizes that the driver chose contradict each other.
 */
int glint_vdev_set_format(struct glint_vdev *vdev, uint32_t fourcc, uint32_t width,
			  uint32_t height);

/*
 * Read the colours of the present format, of which a driver changes the range and the matrix with the
 * signal: *@format is vdev->format with these. Changes nothing. -ESTALE: the format has another size
 * or pixel format now.
 */
int glint_vdev_read_colours(const struct glint_vdev *vdev, struct glint_format *format);

/*
 * Ask for whole frames where the driver has chosen separate fields. A driver that delivers fields all
 * the same is asked for their own height; vdev->format has what it makes of that.
 */
int glint_vdev_ask_for_frames(struct glint_vdev *vdev);

/*
 * Set a format that the device offers, with @wish's strides, and @as_jpeg with JPEG's
 * colours (BT.601, full range) where the driver can convert. The driver may ignore both.
 */
int glint_vdev_set_layout(struct glint_vdev *vdev, const struct glint_format *wish, bool as_jpeg);

/*
 * Request @interval_num / @interval_den seconds a frame; vdev->rate_millihz becomes the
 * rate that the driver chose. -ENOTTY: the rate cannot be set.
 */
int glint_vdev_set_interval(struct glint_vdev *vdev, uint32_t interval_num, uint32_t interval_den);

/*
 * Allocate about @count buffers in the driver, which decides on their number; export them, and map
 * those that cannot be exported. @buffers must stay until glint_vdev_free(). Returns the number, at
 * most GLINT_VQUEUE_BUFFERS_MAX. The caller owns nothing after a failure.
 */
int glint_vdev_alloc(struct glint_vdev *vdev, unsigned count,
		     struct glint_dmabuf buffers[static GLINT_VQUEUE_BUFFERS_MAX]);

/*
 * Use existing memory instead: @count buffers, which must not change until
 * glint_vdev_free(). -EINVAL: the driver cannot import. Whether the device can write to the
 * memory shows in qbuf.
 */
int glint_vdev_import(struct glint_vdev *vdev, unsigned count, const struct glint_dmabuf *buffers);

/*
 * Use existing memory that changes with each glint_vdev_qbuf_with(): @count buffers like @like,
 * given by their DMABUFs, or by their addresses if GLINT_MEMORY_USERPTR. Errors: as
 * glint_vdev_import().
 */
int glint_vdev_import_any(struct glint_vdev *vdev, unsigned count, const struct glint_dmabuf *like);

/*
 * The driver forgets its buffers. Maps and descriptors are the caller's and stay valid: the
 * kernel keeps the memory until its last user is gone.
 */
int glint_vdev_free(struct glint_vdev *vdev);

int glint_vdev_stream(struct glint_vdev *vdev, bool on);

int glint_vdev_qbuf(struct glint_vdev *vdev, unsigned index);

/* The same with @buf as the buffer's memory, until the next call; after glint_vdev_import_any(). */
int glint_vdev_qbuf_with(struct glint_vdev *vdev, unsigned index, const struct glint_dmabuf *buf);

/* -EAGAIN: no buffer is ready. -EPROTO: the driver returns an index that does not exist. */
int glint_vdev_dqbuf(struct glint_vdev *vdev, struct glint_vbuf *vbuf);
#endif
