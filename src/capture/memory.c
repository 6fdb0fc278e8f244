/* SPDX-License-Identifier: MIT */
#include "capture/memory.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "capture/pool.h"
#include "capture/source.h"
#include "mem/dumb.h"
#include "mem/heap.h"
#include "mem/udmabuf.h"
#include "v4l2/partner.h"

static const struct glint_log_topic topic = { "capture" };

/* Adds a plane of memory that both may import, to be had from @place. */
typedef int add_plane_fn(const char *place, struct glint_dmabuf *buf, size_t size);

/* The places of a kind of memory; NULL past the last. */
typedef const char *place_fn(unsigned index);

/* --- Kinds of memory ---------------------------------------------------------------------- */

static size_t plane_size(const struct glint_vdev *vdev, unsigned plane)
{
	return MAX(vdev->format.size[plane], vdev->room[plane]);
}

static void free_buffers(struct glint_dmabuf *bufs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		glint_dmabuf_fini(&bufs[i]);
}

static int udmabuf_add_plane(const char *place, struct glint_dmabuf *buf, size_t size)
{
	int err = glint_udmabuf_add_plane(buf, size);

	(void)place;
	if (err < 0)
		return err;
	/* A memfd alone is nothing that a device could import. */
	if (buf->memory != GLINT_MEMORY_UDMABUF)
		return -ENODEV;
	glint_dmabuf_unmap(buf);	/* the CPU may never want it */
	return 0;
}

static const char *udmabuf_name(unsigned index)
{
	return index == 0 ? "/dev/udmabuf" : NULL;
}

static int make_ours(struct glint_source *source, add_plane_fn *add, const char *place, unsigned n,
		     struct glint_dmabuf *bufs)
{
	int err = 0;

	for (unsigned i = 0; i < n; i++)
		glint_dmabuf_init(&bufs[i]);
	for (unsigned i = 0; i < n && err == 0; i++)
		for (unsigned p = 0; p < source->vdev.format.n_planes && err == 0; p++)
			err = add(place, &bufs[i], plane_size(&source->vdev, p));
	if (err < 0)
		free_buffers(bufs, n);
	return err;
}

/* --- Trying ---------------------------------------------------------------------------------- */

static int queue_all(struct glint_pool *pool)
{
	for (unsigned i = 0; i < pool->n; i++) {
		int err = glint_vdev_qbuf(pool->vdev, i);

		if (err < 0)
			return err;
		pool->slots[i].queued = true;
		pool->with_driver++;
	}
	return 0;
}

/* Takes back what was queued, too. */
static void drop_pool(struct glint_source *source, struct glint_pool *pool)
{
	(void)glint_vdev_stream(&source->vdev, false);
	(void)glint_vdev_free(&source->vdev);
	glint_pool_retire(pool);
}

/* On failure the pool is gone. */
static int give_all(struct glint_source *source, struct glint_pool *pool)
{
	int err = queue_all(pool);

	if (err < 0)
		drop_pool(source, pool);
	return err;
}

static int try_own(struct glint_source *source, struct glint_pool **out)
{
	int err = glint_pool_create(out, &source->vdev, source->config->buffers, ++source->streams);

	return err < 0 ? err : give_all(source, *out);
}

/* @bufs are taken, whatever comes of it. */
static int try_import(struct glint_source *source, unsigned n, struct glint_dmabuf *bufs,
		      struct glint_pool **out)
{
	struct glint_partner *partner = source->partner;
	int err = partner->ops->reads(partner, &source->vdev.format, &bufs[0]);

	if (err < 0) {
		free_buffers(bufs, n);
		return err;
	}
	err = glint_pool_import(out, &source->vdev, bufs, n, ++source->streams);
	return err < 0 ? err : give_all(source, *out);
}

static int try_encoders(struct glint_source *source, struct glint_pool **out)
{
	struct glint_dmabuf bufs[GLINT_VQUEUE_BUFFERS_MAX];
	struct glint_partner *partner = source->partner;
	unsigned n = source->config->buffers;
	int err = partner->ops->lend(partner, &source->vdev.format, n, bufs);

	return err < 0 ? err : try_import(source, n, bufs, out);
}

static int try_ours(struct glint_source *source, add_plane_fn *add, place_fn *place,
		    struct glint_pool **out)
{
	struct glint_dmabuf bufs[GLINT_VQUEUE_BUFFERS_MAX];
	unsigned n = source->config->buffers;
	int err = -ENODEV;

	for (unsigned i = 0; place(i) && err < 0; i++) {
		err = make_ours(source, add, place(i), n, bufs);
		if (err == 0)
			err = try_import(source, n, bufs, out);
	}
	return err;
}

/* Contiguous memory first, as more devices can read it. */
static int try_shared(struct glint_source *source, struct glint_pool **out)
{
	if (try_encoders(source, out) == 0)
		return 0;
	if (try_ours(source, glint_heap_add_plane, glint_heap_name, out) == 0)
		return 0;
	if (IS_ENABLED(CONFIG_MEM_DRM) &&
	    try_ours(source, glint_dumb_add_plane, glint_dumb_name, out) == 0)
		return 0;
	return try_ours(source, udmabuf_add_plane, udmabuf_name, out);
}

/* Only memory that it can name, and that a reader is there for. */
static bool partner_refuses(const struct glint_source *source, const struct glint_pool *pool)
{
	struct glint_partner *partner = source->partner;
	int err;

	if (!partner || !source->partner_wants || pool->buffers[0].memory != GLINT_MEMORY_V4L2)
		return false;
	err = partner->ops->reads(partner, &source->vdev.format, &pool->buffers[0]);
	return err == -EFAULT || err == -EINVAL || err == -EOPNOTSUPP;
}

int glint_memory_choose(struct glint_source *source, struct glint_pool **out)
{
	int err = try_own(source, out);

	if (err < 0 || !partner_refuses(source, *out))
		return err;
	drop_pool(source, *out);
	if (try_shared(source, out) == 0)
		return 0;
	glint_log_info(&topic, "'%s' and the encoder share no memory: one copy a frame",
		       source->path);
	return try_own(source, out);
}
