/* SPDX-License-Identifier: MIT */
/*
 * The slots of one stream: a buffer and the frame that leases it, paired for the pool's life. The
 * device's thread creates the pool, then the loop owns it. When the stream ends, the pool retires:
 * leased frames keep the memory, and the last release frees the pool.
 *
 * In a pool of borrowed memory there are more slots than the driver has buffers: a buffer of the
 * driver gets another free slot each time that it is queued, so readers may keep many frames while
 * all buffers stay with the driver. Such a pool may be parked and serve the next stream, too.
 */
#ifndef GLINT_CAPTURE_POOL_H
#define GLINT_CAPTURE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame.h"
#include "jpeg/inspect.h"
#include "v4l2/vdev.h"

struct glint_loan;
struct glint_pool;

#define GLINT_POOL_SLOTS_MAX 4096u /* of borrowed memory */

/* The owner of the pools. glint_frame_unref() calls it, so it must not call a listener. */
struct glint_pool_owner {
	/* A frame of a pool, retired or not, was released; its outcome is final. */
	void (*released)(struct glint_pool_owner *owner, const struct glint_frame *frame);
	/* The driver has refused a buffer: the stream must be started again. */
	void (*failed)(struct glint_pool_owner *owner, int err);
};

struct glint_slot {
	struct glint_frame frame;
	struct glint_format format;  /* of the frame */
	struct glint_jpeg_info jpeg; /* of the frame, where the device sends JPEG */
	struct glint_pool *pool;
	unsigned index; /* of the driver's buffer; of borrowed memory: valid while queued */
};

struct glint_pool {
	struct glint_pool_owner *owner; /* borrowed; set before the first frame begins */
	struct glint_vdev *vdev;	/* borrowed, while it is live */
	struct glint_format format;	/* of the frames that begin from now on */
	uint64_t stream;		/* likewise */
	bool live;			/* released slots are queued again */
	bool retired;			/* the last release frees the pool */
	bool marked;			/* pages have marks: no frame has been checked yet */
	unsigned n, leased;		/* slots */
	unsigned n_buffers;		/* of the driver */
	unsigned with_driver;		/* buffers that are queued */
	struct glint_slot *queued[GLINT_VQUEUE_BUFFERS_MAX]; /* what each buffer has; or NULL */
	/* Of borrowed memory; else NULL. */
	struct glint_loan *loan;
	unsigned *free; /* a queue of slots: the one that was free first comes first */
	unsigned first_free, n_free;
	struct glint_dmabuf *buffers; /* of each slot */
	struct glint_slot slots[];
};

/* Create a pool of the driver's own buffers, about @count, for vdev->format. @stream is not 0. */
int glint_pool_create(struct glint_pool **out, struct glint_vdev *vdev, unsigned count,
		      uint64_t stream);

/*
 * Create a pool of @n allocated buffers that the driver imports. The pool takes over @bufs; after a
 * failure they are closed.
 */
int glint_pool_import(struct glint_pool **out, struct glint_vdev *vdev, struct glint_dmabuf *bufs,
		      unsigned n, uint64_t stream);

/*
 * Create a pool of @n places in the memory of @loan, for @n_buffers of the driver. As @memory says
 * the driver gets them as DMABUFs, which /dev/udmabuf makes of the places, or by their addresses.
 * The pool returns the loan when it is freed; after a failure the loan is the caller's. Errors of
 * the driver, of /dev/udmabuf, and -ENOMEM.
 */
int glint_pool_borrow(struct glint_pool **out, struct glint_vdev *vdev, struct glint_loan *loan,
		      enum glint_memory memory, unsigned n, unsigned n_buffers, uint64_t stream);

/* Returns how many places a loan for @n_buffers of the driver must have. */
unsigned glint_pool_borrow_min(unsigned n_buffers);

/* Free a pool that has had no frame. Returns the loan, which is the caller's again. */
struct glint_loan *glint_pool_unborrow(struct glint_pool *pool);

/*
 * A stream of borrowed memory has ended, and the driver has no buffer: prepare the next one, with
 * @n_buffers of the driver. Loop thread; until the pool is live again, no other function but
 * glint_pool_resume() is called. False: readers keep too many frames.
 */
bool glint_pool_park(struct glint_pool *pool, unsigned n_buffers);

/*
 * Use a parked pool for the next stream. -EUCLEAN: the memory does not suit vdev->format, or the
 * driver does not take it.
 */
int glint_pool_resume(struct glint_pool *pool, uint64_t stream);

/*
 * Queue all buffers, before the stream. Memory of /dev/udmabuf gets marks, see
 * glint_pool_is_filled(). After a failure the driver may have some buffers.
 */
int glint_pool_queue(struct glint_pool *pool);

/*
 * Returns whether the driver has filled the memory of @frame, the first good one of the stream; see
 * mem/udmabuf.h. True for all later frames.
 */
bool glint_pool_is_filled(struct glint_pool *pool, const struct glint_frame *frame);

/* The stream has ended and the driver has no buffer. Frees now, or with the last release. */
void glint_pool_retire(struct glint_pool *pool);

/*
 * Begin the frame of a dequeued buffer; the caller owns its one reference. NULL: the driver did not
 * have that buffer.
 */
struct glint_frame *glint_pool_begin(struct glint_pool *pool, const struct glint_vbuf *vbuf);

/* After frames have begun: of borrowed memory, give the driver's idle buffers free slots. */
void glint_pool_refill(struct glint_pool *pool);

/*
 * Queue buffer @index again, which the driver has returned without a frame. The owner's failed()
 * gets a refusal. -EPROTO: the driver did not have that buffer.
 */
int glint_pool_requeue(struct glint_pool *pool, unsigned index);

/* Returns how many more frames readers may keep before the driver has fewer than two buffers. */
unsigned glint_pool_spare(const struct glint_pool *pool);

/*
 * Returns whether the reader that keeps many frames must give one back, or else the driver, or
 * another reader, has too few. Of borrowed memory only.
 */
bool glint_pool_is_short(const struct glint_pool *pool);
#endif
