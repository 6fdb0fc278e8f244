/* SPDX-License-Identifier: MIT */
/*
 * One buffer queue of a V4L2 device: a capture device has one, a codec has an OUTPUT queue for its
 * input and a CAPTURE queue for its output. Each function makes one ioctl, or the few that belong
 * together, and checks every value that the driver returns. All calls may block for as long as the
 * driver does; but on a capture device, whose descriptor is O_NONBLOCK, queue and dequeue do not
 * block. Nothing is logged here.
 *
 * Functions return 0 or more, the driver's errno, or an errno that their comment names.
 */
#ifndef GLINT_V4L2_QUEUE_H
#define GLINT_V4L2_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

#include "mem/dmabuf.h"
#include "v4l2/access.h"

#define GLINT_VQUEUE_BUFFERS_MAX 32 /* VIDEO_MAX_FRAME before Linux 6.10 */

/* Valid while the device is open. */
struct glint_vqueue {
	struct glint_v4l2_access *access; /* borrowed from the device, like @fd */
	int fd;
	uint32_t type;			    /* enum v4l2_buf_type */
	unsigned n_planes;		    /* memory planes of the format */
	uint32_t size[GLINT_DMABUF_PLANES]; /* bytes, sizeimage: a shorter plane is refused */
	bool imports;			    /* V4L2_MEMORY_DMABUF, else V4L2_MEMORY_MMAP */
	bool users;			    /* with @imports: V4L2_MEMORY_USERPTR, by address */
	unsigned n_buffers;
};

/* The arguments of QBUF and PREPARE_BUF. */
struct glint_vqueue_entry {
	const struct glint_dmabuf *buf; /* the imported memory; NULL: the driver's own */
	bool filled;			/* OUTPUT: each plane has @size bytes behind its offset */
	uint64_t stamp_us;		/* OUTPUT: a codec copies this to the coded buffer */
};

/* A dequeued buffer. @index is checked, the other values are what the driver says. */
struct glint_vqueue_done {
	unsigned index;	     /* < n_buffers */
	uint32_t seq, flags; /* flags: V4L2_BUF_FLAG_* */
	uint32_t field;	     /* enum v4l2_field */
	struct timeval stamp;
	uint32_t used[GLINT_DMABUF_PLANES]; /* bytesused: the data's end, from the plane's start */
	uint32_t offset[GLINT_DMABUF_PLANES]; /* data_offset: the data's start */
};

static inline uint64_t glint_vqueue_stamp_us(const struct glint_vqueue_done *done)
{
	return (uint64_t)done->stamp.tv_sec * 1000000 + (uint64_t)done->stamp.tv_usec;
}

void glint_vqueue_init(struct glint_vqueue *queue, struct glint_v4l2_access *access, int fd,
		       uint32_t type);

/* Set the size that buffers must have, after S_FMT, before buffers are allocated. */
void glint_vqueue_set_planes(struct glint_vqueue *queue, unsigned n_planes,
			     const uint32_t size[static GLINT_DMABUF_PLANES]);

/* Returns whether the driver can import DMABUFs at all. Ask before buffers are allocated. */
bool glint_vqueue_can_import(const struct glint_vqueue *queue);

/*
 * Allocate about @count buffers in the driver, which decides on their number. Returns the number,
 * at most GLINT_VQUEUE_BUFFERS_MAX. @size: larger sizes of the planes, if the driver supports them;
 * NULL: the format's sizes. -ENOMEM: none.
 */
int glint_vqueue_alloc(struct glint_vqueue *queue, unsigned count, const uint32_t *size);

/*
 * Reserve @count entries for imported buffers. Returns their number, at least one. -EINVAL: the
 * driver cannot import. Whether it can use the memory shows in prepare or queue.
 */
int glint_vqueue_import(struct glint_vqueue *queue, unsigned count);

/* The same for memory that is given by its address: each plane of a buffer is mapped. */
int glint_vqueue_import_mapped(struct glint_vqueue *queue, unsigned count);

/*
 * The driver forgets its buffers. Maps and descriptors stay valid: the kernel keeps the
 * memory until its last user is gone.
 */
int glint_vqueue_free(struct glint_vqueue *queue);

enum glint_vqueue_access {
	GLINT_VQUEUE_MAP,    /* a map of each plane, no descriptors */
	GLINT_VQUEUE_EXPORT, /* a descriptor of each plane; a map where there is none */
	GLINT_VQUEUE_EXPORT_AND_MAP,
};

/*
 * Make the driver's buffer @index accessible through @buf, which the caller owns and has initialised
 * with glint_dmabuf_init(). After a failure @buf is empty. -EPROTO: a plane is shorter than the
 * format needs; -ENOMEM: a plane cannot be mapped.
 */
int glint_vqueue_take(const struct glint_vqueue *queue, unsigned index,
		      enum glint_vqueue_access how, struct glint_dmabuf *buf);

/* PREPARE_BUF: map the memory for the device; the driver does not take the buffer. */
int glint_vqueue_prepare(const struct glint_vqueue *queue, unsigned index,
			 const struct glint_vqueue_entry *entry);

/*
 * QBUF. If an index gets the same DMABUF each time, the driver imports it once; each other DMABUF
 * costs a part of a copy. -EINVAL: the data begin at an offset, which the single-planar API cannot
 * express.
 */
int glint_vqueue_queue(const struct glint_vqueue *queue, unsigned index,
		       const struct glint_vqueue_entry *entry);

/*
 * DQBUF. -EAGAIN: no buffer is ready; -EPROTO: the driver returns an index or a number of planes
 * that does not exist.
 */
int glint_vqueue_dequeue(const struct glint_vqueue *queue, struct glint_vqueue_done *done);

/* STREAMON or STREAMOFF; the latter also takes all buffers back from the driver. */
int glint_vqueue_stream(const struct glint_vqueue *queue, bool on);
#endif
