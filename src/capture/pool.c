/* SPDX-License-Identifier: MIT */
#include "capture/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void pool_free(struct glint_pool *pool)
{
	for (unsigned i = 0; i < pool->n; i++)
		glint_dmabuf_fini(&pool->buffers[i]);
	free(pool);
}

static void slot_requeue(struct glint_slot *slot)
{
	struct glint_pool *pool = slot->pool;
	int err = glint_vdev_qbuf(pool->vdev, slot->index);

	if (err < 0) {
		pool->owner->failed(pool->owner, err);
		return;
	}
	slot->queued = true;
	pool->with_driver++;
}

static void slot_taken(struct glint_slot *slot)
{
	slot->queued = false;
	slot->pool->with_driver--;
}

static void slot_release(struct glint_frame *frame)
{
	struct glint_slot *slot = container_of(frame, struct glint_slot, frame);
	struct glint_pool *pool = slot->pool;

	pool->leased--;
	pool->owner->released(pool->owner, frame);
	if (pool->live)
		slot_requeue(slot);
	else if (pool->retired && pool->leased == 0)
		pool_free(pool);
}

static const struct glint_frame_ops slot_ops = { .release = slot_release };

static void pool_init(struct glint_pool *pool, struct glint_vdev *vdev, unsigned n, uint64_t stream)
{
	pool->n = n;
	pool->vdev = vdev;
	pool->format = vdev->format;
	for (unsigned i = 0; i < pool->n; i++) {
		struct glint_slot *slot = &pool->slots[i];

		slot->pool = pool;
		slot->index = i;
		slot->frame.ops = &slot_ops;
		slot->frame.buf = &pool->buffers[i];
		slot->frame.format = &pool->format;
		slot->frame.jpeg = pool->format.info->layout == GLINT_LAYOUT_JPEG ? &slot->jpeg :
										    NULL;
		slot->frame.slot = i;
		slot->frame.n_slots = pool->n;
		slot->frame.stream = stream;
	}
}

int glint_pool_create(struct glint_pool **out, struct glint_vdev *vdev, unsigned count,
		      uint64_t stream)
{
	struct glint_pool *pool = calloc(1, sizeof(*pool));
	int n;

	if (!pool)
		return -ENOMEM;
	n = glint_vdev_alloc(vdev, count, pool->buffers);
	if (n < 0) {
		free(pool);
		return n;
	}
	pool_init(pool, vdev, (unsigned)n, stream);
	*out = pool;
	return 0;
}

int glint_pool_import(struct glint_pool **out, struct glint_vdev *vdev, struct glint_dmabuf *bufs,
		      unsigned n, uint64_t stream)
{
	struct glint_pool *pool = calloc(1, sizeof(*pool));
	int err = -ENOMEM;

	if (pool) {
		memcpy(pool->buffers, bufs, n * sizeof(bufs[0]));
		err = glint_vdev_import(vdev, n, pool->buffers);
	}
	if (err < 0) {
		for (unsigned i = 0; i < n; i++)
			glint_dmabuf_fini(&bufs[i]);
		free(pool);
		return err;
	}
	pool_init(pool, vdev, n, stream);
	*out = pool;
	return 0;
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
	struct glint_slot *slot = &pool->slots[vbuf->index];

	assert(vbuf->index < pool->n);	/* glint_vdev_dqbuf() refuses others */
	if (!slot->queued)
		return NULL;

	slot_taken(slot);
	pool->leased++;
	glint_frame_begin(&slot->frame, vbuf->seq, vbuf->timestamp_ns);
	slot->frame.used = vbuf->used;
	for (unsigned i = 0; i < pool->buffers[vbuf->index].n_planes; i++)
		pool->buffers[vbuf->index].planes[i].offset = vbuf->offset[i];
	return &slot->frame;
}

int glint_pool_requeue(struct glint_pool *pool, unsigned index)
{
	struct glint_slot *slot = &pool->slots[index];

	assert(index < pool->n && pool->live);
	if (!slot->queued)
		return -EPROTO;

	slot_taken(slot);
	slot_requeue(slot);
	return 0;
}
