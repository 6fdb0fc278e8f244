/* SPDX-License-Identifier: MIT */
/*
 * The slots of one stream: a buffer and the frame that leases it out, each pair
 * for the stream's whole life. Made on the device's thread, then the loop's. When
 * the stream ends the pool retires: frames that are still leased keep its memory,
 * and the last one frees it.
 */
#ifndef GLINT_CAPTURE_POOL_H
#define GLINT_CAPTURE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame.h"
#include "jpeg/inspect.h"
#include "v4l2/vdev.h"

struct glint_pool;

/* The streams' owner. Called from within glint_frame_unref(), so it calls nobody upward. */
struct glint_pool_owner {
	/* A frame of any pool, retired or not, was released; its outcome is final. */
	void (*released)(struct glint_pool_owner *owner, const struct glint_frame *frame);
	/* The driver did not take a buffer back: the stream must start anew. */
	void (*failed)(struct glint_pool_owner *owner, int err);
};

struct glint_slot {
	struct glint_frame frame;
	struct glint_jpeg_info jpeg;	/* of the frame, where the device sends JPEG */
	struct glint_pool *pool;
	unsigned index;
	bool queued;		/* the driver has it */
};

struct glint_pool {
	struct glint_pool_owner *owner;	/* borrowed; set before the first frame begins */
	struct glint_vdev *vdev;	/* borrowed, while it is live */
	struct glint_format format;
	bool live;			/* released slots go back to the driver */
	bool retired;			/* the last release frees the pool */
	unsigned n, with_driver, leased;
	struct glint_slot slots[GLINT_VQUEUE_BUFFERS_MAX];
	struct glint_dmabuf buffers[GLINT_VQUEUE_BUFFERS_MAX];
};

/* Allocates the driver's buffers, about @count, for the format of @vdev. @stream is not 0. */
int glint_pool_create(struct glint_pool **out, struct glint_vdev *vdev, unsigned count,
		      uint64_t stream);

/*
 * The same with @n buffers that are there already and that the driver imports. They are the
 * pool's, or on failure closed.
 */
int glint_pool_import(struct glint_pool **out, struct glint_vdev *vdev, struct glint_dmabuf *bufs,
		      unsigned n, uint64_t stream);

/* The stream has ended, and the driver has forgotten the buffers. Frees now or later. */
void glint_pool_retire(struct glint_pool *pool);

/*
 * The driver has filled a buffer: begins its frame, whose one reference is the
 * caller's. NULL: by our books the driver did not have that buffer.
 */
struct glint_frame *glint_pool_begin(struct glint_pool *pool, const struct glint_vbuf *vbuf);

/*
 * The driver has given buffer @index back without a frame: queues it again, and a refusal
 * goes to the owner. -EPROTO: by our books the driver did not have that buffer.
 */
int glint_pool_requeue(struct glint_pool *pool, unsigned index);
#endif
