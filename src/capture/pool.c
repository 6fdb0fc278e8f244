/* SPDX-License-Identifier: MIT */
#include "capture/pool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "mem/loan.h"
#include "mem/udmabuf.h"

/* Slots of borrowed memory for all readers but the one that keeps many: encoders, waits, looks. */
#define OTHERS	 8u
#define KEPT_MIN 4u /* frames that the lender can keep, or a loan is of no use */

static void pool_free(struct glint_pool *pool)
{
	for (unsigned i = 0; i < pool->n; i++) {
		if (pool->free) /* the map is the loan's */
			pool->buffers[i].planes[0].map = NULL;
		glint_dmabuf_fini(&pool->buffers[i]);
	}
	if (pool->loan)
		glint_loan_return(pool->loan);
	free(pool->buffers);
	free(pool->free);
	free(pool);
}

/* --- The driver's buffers ------------------------------------------------------------------- */

static struct glint_slot *take_free(struct glint_pool *pool)
{
	unsigned slot = pool->free[pool->first_free];

	assert(pool->n_free > 0);

	pool->first_free = (pool->first_free + 1) % pool->n;
	pool->n_free--;
	return &pool->slots[slot];
}

static void add_free(struct glint_pool *pool, const struct glint_slot *slot)
{
	assert(pool->n_free < pool->n);

	pool->free[(pool->first_free + pool->n_free++) % pool->n] = slot->frame.slot;
}

static int slot_queue(struct glint_pool *pool, struct glint_slot *slot, unsigned index)
{
	int err;

	assert(!pool->queued[index] && pool->with_driver < pool->n_buffers);

	err = pool->loan ? glint_vdev_qbuf_with(pool->vdev, index, slot->frame.buf) :
			   glint_vdev_qbuf(pool->vdev, index);
	if (err < 0)
		return err;
	slot->index = index;
	pool->queued[index] = slot;
	pool->with_driver++;
	return 0;
}

static void slot_requeue(struct glint_slot *slot)
{
	int err = slot_queue(slot->pool, slot, slot->index);

	if (err < 0)
		slot->pool->owner->failed(slot->pool->owner, err);
}

static void slot_taken(struct glint_slot *slot)
{
	struct glint_pool *pool = slot->pool;

	assert(pool->queued[slot->index] == slot && pool->with_driver > 0);

	pool->queued[slot->index] = NULL;
	pool->with_driver--;
}

void glint_pool_refill(struct glint_pool *pool)
{
	if (!pool->loan || !pool->live)
		return;
	for (unsigned i = 0; i < pool->n_buffers && pool->n_free > 0; i++) {
		struct glint_slot *slot;
		int err;

		if (pool->with_driver == pool->n_buffers)
			return;
		if (pool->queued[i])
			continue;
		slot = take_free(pool);
		err = slot_queue(pool, slot, i);
		if (err < 0) {
			add_free(pool, slot);
			pool->owner->failed(pool->owner, err);
			return;
		}
	}
}

static void slot_release(struct glint_frame *frame)
{
	struct glint_slot *slot = container_of(frame, struct glint_slot, frame);
	struct glint_pool *pool = slot->pool;

	assert(pool->leased > 0);

	pool->leased--;
	if (pool->loan)
		add_free(pool, slot);
	pool->owner->released(pool->owner, frame);
	if (pool->live && pool->loan)
		glint_pool_refill(pool);
	else if (pool->live)
		slot_requeue(slot);
	else if (pool->retired && pool->leased == 0)
		pool_free(pool);
}

static const struct glint_frame_ops slot_ops = { .release = slot_release };

/* --- Making ---------------------------------------------------------------------------------- */

static struct glint_pool *pool_new(unsigned n)
{
	struct glint_pool *pool = calloc(1, sizeof(*pool) + n * sizeof(pool->slots[0]));

	if (!pool)
		return NULL;
	pool->buffers = calloc(n, sizeof(pool->buffers[0]));
	if (!pool->buffers) {
		free(pool);
		return NULL;
	}
	pool->n = n;
	for (unsigned i = 0; i < n; i++)
		glint_dmabuf_init(&pool->buffers[i]);
	return pool;
}

static void pool_init(struct glint_pool *pool, struct glint_vdev *vdev, uint64_t stream)
{
	pool->vdev = vdev;
	pool->format = vdev->format;
	pool->stream = stream;
	for (unsigned i = 0; i < pool->n; i++) {
		struct glint_slot *slot = &pool->slots[i];

		slot->pool = pool;
		slot->index = i;
		slot->frame.ops = &slot_ops;
		slot->frame.buf = &pool->buffers[i];
		slot->frame.format = &slot->format;
		slot->frame.slot = i;
		slot->frame.n_slots = pool->n;
	}
}

int glint_pool_create(struct glint_pool **out, struct glint_vdev *vdev, unsigned count,
		      uint64_t stream)
{
	struct glint_pool *pool = pool_new(GLINT_VQUEUE_BUFFERS_MAX);
	int n;

	if (!pool)
		return -ENOMEM;
	n = glint_vdev_alloc(vdev, count, pool->buffers);
	if (n < 0) {
		pool_free(pool);
		return n;
	}
	pool->n = pool->n_buffers = (unsigned)n;
	pool_init(pool, vdev, stream);
	*out = pool;
	return 0;
}

/* A JPEG is always inspected. */
static int map_jpegs(struct glint_pool *pool, const struct glint_format *format)
{
	int err = 0;

	if (format->info->layout != GLINT_LAYOUT_JPEG)
		return 0;
	for (unsigned i = 0; i < pool->n && err == 0; i++)
		err = glint_dmabuf_map(&pool->buffers[i]);
	return err;
}

int glint_pool_import(struct glint_pool **out, struct glint_vdev *vdev, struct glint_dmabuf *bufs,
		      unsigned n, uint64_t stream)
{
	struct glint_pool *pool = pool_new(n);
	int err = -ENOMEM;

	if (pool) {
		memcpy(pool->buffers, bufs, n * sizeof(bufs[0]));
		err = map_jpegs(pool, &vdev->format);
		if (err == 0)
			err = glint_vdev_import(vdev, n, pool->buffers);
	} else {
		for (unsigned i = 0; i < n; i++)
			glint_dmabuf_fini(&bufs[i]);
	}
	if (err < 0) {
		if (pool)
			pool_free(pool);
		return err;
	}
	pool->n_buffers = n;
	pool_init(pool, vdev, stream);
	*out = pool;
	return 0;
}

/* --- Borrowed memory -------------------------------------------------------------------------- */

/* Make the buffers of all places. */
static int make_places(struct glint_pool *pool, const struct glint_loan *loan,
		       enum glint_memory memory, size_t size)
{
	uint64_t stride = glint_loan_stride(size);
	int device = -1, err = 0;

	if (memory == GLINT_MEMORY_UDMABUF) {
		device = open(GLINT_UDMABUF_PATH, O_RDWR | O_CLOEXEC);
		if (device < 0)
			return -errno;
	}
	for (unsigned i = 0; i < pool->n && err == 0; i++) {
		struct glint_dmabuf *buf = &pool->buffers[i];
		uint64_t at = i * stride + GLINT_LOAN_HEAD;

		buf->memory = memory;
		buf->n_planes = 1;
		buf->planes[0].size = stride - GLINT_LOAN_HEAD;
		buf->planes[0].map = loan->base + at;
		if (memory == GLINT_MEMORY_UDMABUF)
			buf->planes[0].fd = err =
				glint_udmabuf_wrap(device, loan->memfd, at, buf->planes[0].size);
		err = MIN(err, 0);
	}
	glint_close(&device);
	return err;
}

unsigned glint_pool_borrow_min(unsigned n_buffers)
{
	return n_buffers + OTHERS + KEPT_MIN;
}

/* Give each of the driver's buffers a slot. */
static bool assign_slots(struct glint_pool *pool, unsigned n_buffers)
{
	if (pool->n_free < n_buffers + OTHERS)
		return false;
	pool->n_buffers = n_buffers;
	for (unsigned i = 0; i < n_buffers; i++)
		pool->queued[i] = take_free(pool);
	return true;
}

int glint_pool_borrow(struct glint_pool **out, struct glint_vdev *vdev, struct glint_loan *loan,
		      enum glint_memory memory, unsigned n, unsigned n_buffers, uint64_t stream)
{
	struct glint_pool *pool = pool_new(n);
	int err = -ENOMEM;

	assert(n <= GLINT_POOL_SLOTS_MAX && vdev->format.n_planes == 1);

	if (!pool)
		return -ENOMEM;
	pool->free = calloc(n, sizeof(pool->free[0]));
	if (pool->free)
		err = make_places(pool, loan, memory, vdev->format.size[0]);
	if (err == 0)
		err = glint_vdev_import_any(vdev, n_buffers, &pool->buffers[0]);
	if (err < 0) {
		pool_free(pool);
		return err;
	}
	pool->loan = loan;
	pool_init(pool, vdev, stream);
	for (unsigned i = 0; i < n; i++)
		add_free(pool, &pool->slots[i]);
	(void)assign_slots(pool, n_buffers); /* the caller has chosen n */
	*out = pool;
	return 0;
}

struct glint_loan *glint_pool_unborrow(struct glint_pool *pool)
{
	struct glint_loan *loan = pool->loan;

	assert(pool->leased == 0 && !pool->live);

	pool->loan = NULL;
	pool_free(pool);
	return loan;
}

bool glint_pool_park(struct glint_pool *pool, unsigned n_buffers)
{
	assert(pool->loan && !pool->live);

	for (unsigned i = 0; i < pool->n_buffers; i++) {
		if (pool->queued[i])
			add_free(pool, pool->queued[i]);
		pool->queued[i] = NULL;
	}
	pool->with_driver = 0;
	return assign_slots(pool, n_buffers);
}

int glint_pool_resume(struct glint_pool *pool, uint64_t stream)
{
	const struct glint_format *was = &pool->format, *is = &pool->vdev->format;
	int err;

	if (is->fourcc != was->fourcc || is->width != was->width || is->height != was->height ||
	    is->n_planes != 1 || is->stride[0] != was->stride[0] || is->size[0] != was->size[0])
		return -EUCLEAN;
	err = glint_vdev_import_any(pool->vdev, pool->n_buffers, &pool->buffers[0]);
	if (err == -EINVAL || err == -ENOMEM)
		return -EUCLEAN;
	pool->format = *is;
	pool->stream = stream;
	return err;
}

/* --- Streaming -------------------------------------------------------------------------------- */

static void mark_buffer(struct glint_dmabuf *buf)
{
	if (glint_dmabuf_map(buf) < 0)
		return;
	for (unsigned i = 0; i < buf->n_planes; i++)
		glint_udmabuf_mark(buf->planes[i].map, buf->planes[i].size);
}

int glint_pool_queue(struct glint_pool *pool)
{
	int err = 0;

	pool->marked = pool->buffers[0].memory == GLINT_MEMORY_UDMABUF;
	for (unsigned i = 0; i < pool->n_buffers && err == 0; i++) {
		struct glint_slot *slot = pool->loan ? pool->queued[i] : &pool->slots[i];

		if (pool->marked)
			mark_buffer(slot->frame.buf);
		pool->queued[i] = NULL;
		err = slot_queue(pool, slot, i);
		if (err < 0 && pool->loan)
			pool->queued[i] = slot; /* for glint_pool_park() */
	}
	return err;
}

/* The CPU may never need the maps of raw frames again. */
static void pool_unmap(struct glint_pool *pool)
{
	if (pool->format.info->layout == GLINT_LAYOUT_JPEG)
		return;
	for (unsigned i = 0; i < pool->n && !pool->loan; i++)
		glint_dmabuf_unmap(&pool->buffers[i]);
}

bool glint_pool_is_filled(struct glint_pool *pool, const struct glint_frame *frame)
{
	const struct glint_dmabuf *buf = frame->buf;
	bool filled = true;

	if (!pool->marked)
		return true;
	pool->marked = false;
	if (glint_dmabuf_begin_read(buf) == 0) {
		for (unsigned i = 0; i < frame->format->n_planes; i++) {
			const struct glint_plane *plane = &buf->planes[i];
			size_t used = i == 0 ? frame->used : frame->format->size[i];

			if (plane->map &&
			    glint_udmabuf_is_marked(plane->map, MIN(used, plane->size)))
				filled = false;
		}
		(void)glint_dmabuf_end_read(buf);
	}
	pool_unmap(pool);
	return filled;
}

void glint_pool_retire(struct glint_pool *pool)
{
	pool->live = false;
	pool->retired = true;
	if (pool->leased == 0)
		pool_free(pool);
}

struct glint_frame *glint_pool_begin(struct glint_pool *pool, const struct glint_vbuf *vbuf)
{
	struct glint_slot *slot;

	assert(vbuf->index < pool->n_buffers); /* glint_vdev_dqbuf() has checked the index */
	assert(pool->live && pool->owner);
	slot = pool->queued[vbuf->index];
	if (!slot)
		return NULL;

	slot_taken(slot);
	pool->leased++;
	slot->format = pool->format;
	slot->frame.jpeg = pool->format.info->layout == GLINT_LAYOUT_JPEG ? &slot->jpeg : NULL;
	slot->frame.info = (struct glint_frame_info){
		.stream = pool->stream,
		.live = true,
		.fourcc = pool->format.fourcc,
		.width = pool->format.width,
		.height = pool->format.height,
	};
	glint_frame_begin(&slot->frame, vbuf->seq);
	slot->frame.info.capture_ns = vbuf->timestamp_ns;
	slot->frame.used = vbuf->used;
	slot->frame.info.field_order = !vbuf->interlaced  ? GLINT_FIELD_ORDER_NONE :
				       vbuf->bottom_first ? GLINT_FIELD_ORDER_BOTTOM_FIRST :
							    GLINT_FIELD_ORDER_TOP_FIRST;
	for (unsigned i = 0; i < slot->frame.buf->n_planes; i++)
		slot->frame.buf->planes[i].offset = vbuf->offset[i];
	return &slot->frame;
}

int glint_pool_requeue(struct glint_pool *pool, unsigned index)
{
	struct glint_slot *slot;

	assert(index < pool->n_buffers && pool->live);
	slot = pool->queued[index];
	if (!slot)
		return -EPROTO;

	slot_taken(slot);
	slot_requeue(slot);
	return 0;
}

unsigned glint_pool_spare(const struct glint_pool *pool)
{
	unsigned spare = pool->with_driver + pool->n_free;

	return spare > 2 ? spare - 2 : 0;
}

bool glint_pool_is_short(const struct glint_pool *pool)
{
	return pool->loan && pool->n_free < pool->n_buffers - pool->with_driver + OTHERS;
}
