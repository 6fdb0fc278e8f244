/* SPDX-License-Identifier: MIT */
/*
 * The buffers of a device that is a part of glint: memfds, wrapped by udmabuf where the kernel has it.
 * They answer the ioctls of buffers as a driver does. Not thread-safe.
 */
#ifndef GLINT_V4L2_SOFT_BUFFERS_H
#define GLINT_V4L2_SOFT_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>

#include "mem/dmabuf.h"

#define GLINT_SOFT_BUFFERS_MAX 32u

struct v4l2_buffer;
struct v4l2_exportbuffer;
struct v4l2_requestbuffers;

struct glint_soft_buffers {
	unsigned n;
	struct {
		struct glint_dmabuf memory; /* one plane, mapped */
		bool queued;
	} buffers[GLINT_SOFT_BUFFERS_MAX];
	unsigned fifo[GLINT_SOFT_BUFFERS_MAX], n_queued; /* indexes of queued buffers, in order */
};

/* VIDIOC_REQBUFS: replace all buffers by request->count of @size bytes, at most 32. */
int glint_soft_buffers_request(struct glint_soft_buffers *buffers,
			       struct v4l2_requestbuffers *request, size_t size);

void glint_soft_buffers_free(struct glint_soft_buffers *buffers);

/* VIDIOC_QUERYBUF, EXPBUF and QBUF. */
int glint_soft_buffers_query(const struct glint_soft_buffers *buffers, struct v4l2_buffer *buffer);
int glint_soft_buffers_export(const struct glint_soft_buffers *buffers,
			      struct v4l2_exportbuffer *export);
int glint_soft_buffers_queue(struct glint_soft_buffers *buffers, const struct v4l2_buffer *buffer);

/* mmap() of a buffer by the offset of QUERYBUF; NULL: there is none. munmap() ends the map. */
void *glint_soft_buffers_map(const struct glint_soft_buffers *buffers, size_t length, long offset);

/* Take the buffer that was queued first out of the queue, which is not empty. */
unsigned glint_soft_buffers_take(struct glint_soft_buffers *buffers);

/* VIDIOC_STREAMOFF: no buffer is queued. */
void glint_soft_buffers_reset(struct glint_soft_buffers *buffers);
#endif
