/* SPDX-License-Identifier: MIT */
/*
 * One buffer queue of a V4L2 device: a capture device has one, a codec has an OUTPUT
 * queue for what goes in and a CAPTURE queue for what comes out. Each function is one
 * ioctl, or the few that belong together, and checks every value that the driver
 * returns. Any call but queue and dequeue may block for as long as the driver likes;
 * those two do not block on a capture device, whose descriptor is O_NONBLOCK. Nothing
 * is logged here.
 *
 * Functions return 0 or more, the driver's errno, or an errno of ours where the comment
 * says so.
 */
#ifndef GLINT_V4L2_QUEUE_H
#define GLINT_V4L2_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

#include "mem/dmabuf.h"
#include "v4l2/access.h"

#define GLINT_VQUEUE_BUFFERS_MAX 32	/* VIDEO_MAX_FRAME before Linux 6.10 */

/* Valid while the device is open; init makes an empty queue. */
struct glint_vqueue {
	struct glint_v4l2_access *access;	/* borrowed from the device, as is @fd */
	int fd;
	uint32_t type;				/* enum v4l2_buf_type */
	unsigned n_planes;			/* memory planes of the format */
	uint32_t size[GLINT_DMABUF_PLANES];	/* bytes, sizeimage: a shorter plane is refused */
	bool imports;				/* V4L2_MEMORY_DMABUF, else V4L2_MEMORY_MMAP */
	unsigned n_buffers;
};

/* What QBUF or PREPARE_BUF is told about a buffer. */
struct glint_vqueue_entry {
	const struct glint_dmabuf *buf;	/* the imported memory; NULL where the driver has its own */
	bool filled;			/* OUTPUT: each plane holds @size bytes behind its offset */
	uint64_t stamp_us;		/* OUTPUT: codecs copy this to what they make of the buffer */
};

/* A dequeued buffer. @index is checked, the other values are what the driver says. */
struct glint_vqueue_done {
	unsigned index;				/* < n_buffers */
	uint32_t seq, flags;			/* flags: V4L2_BUF_FLAG_* */
	struct timeval stamp;
	uint32_t used[GLINT_DMABUF_PLANES];	/* bytesused: the data's end, from the plane's start */
	uint32_t offset[GLINT_DMABUF_PLANES];	/* data_offset: the data's start */
};

static inline uint64_t glint_vqueue_stamp_us(const struct glint_vqueue_done *done)
{
	return (uint64_t)done->stamp.tv_sec * 1000000 + (uint64_t)done->stamp.tv_usec;
}

void glint_vqueue_init(struct glint_vqueue *queue, struct glint_v4l2_access *access, int fd,
		       uint32_t type);

/* After S_FMT: what the buffers must hold. No buffers are allocated. */
void glint_vqueue_set_planes(struct glint_vqueue *queue, unsigned n_planes,
			     const uint32_t size[static GLINT_DMABUF_PLANES]);

/* Whether the driver can import DMABUFs at all. Before buffers are allocated. */
bool glint_vqueue_can_import(const struct glint_vqueue *queue);

/*
 * Allocates about @count buffers in the driver, which has the last word, and returns how
 * many, at most GLINT_VQUEUE_BUFFERS_MAX. @size: bytes that each plane shall have, where
 * that is more than the format needs and the driver can; NULL: the format's. -ENOMEM: none.
 */
int glint_vqueue_alloc(struct glint_vqueue *queue, unsigned count, const uint32_t *size);

/*
 * Makes @count places for imported buffers; returns how many, at least one. -EINVAL: the
 * driver cannot import. Whether it can use the memory, prepare or queue says.
 */
int glint_vqueue_import(struct glint_vqueue *queue, unsigned count);

/*
 * The driver forgets its buffers. Maps and descriptors stay valid: the kernel keeps the
 * memory until its last user is gone.
 */
int glint_vqueue_free(struct glint_vqueue *queue);

enum glint_vqueue_access {
	GLINT_VQUEUE_MAP,		/* a map of each plane, no descriptors */
	GLINT_VQUEUE_EXPORT,		/* a descriptor of each plane; a map where there is none */
	GLINT_VQUEUE_EXPORT_AND_MAP,
};

/*
 * Makes the driver's buffer @index accessible through @buf, which is fresh from
 * glint_dmabuf_init() and the caller's; on failure it holds nothing. -EPROTO: a plane is
 * shorter than the format needs; -ENOMEM: a plane cannot be mapped.
 */
int glint_vqueue_take(const struct glint_vqueue *queue, unsigned index,
		      enum glint_vqueue_access how, struct glint_dmabuf *buf);

/* PREPARE_BUF: maps the memory for the device without handing the buffer over. */
int glint_vqueue_prepare(const struct glint_vqueue *queue, unsigned index,
			 const struct glint_vqueue_entry *entry);

/*
 * QBUF. A place gets the same DMABUF each time: the driver imports it once. -EINVAL: the
 * data begin at an offset, which the single-planar API cannot express.
 */
int glint_vqueue_queue(const struct glint_vqueue *queue, unsigned index,
		       const struct glint_vqueue_entry *entry);

/*
 * DQBUF. -EAGAIN: none is ready; -EPROTO: the driver names a buffer, or a number of planes,
 * that does not exist.
 */
int glint_vqueue_dequeue(const struct glint_vqueue *queue, struct glint_vqueue_done *done);

/* Off also takes back every buffer that the driver has. */
int glint_vqueue_stream(const struct glint_vqueue *queue, bool on);
#endif
