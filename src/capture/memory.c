/* SPDX-License-Identifier: MIT */
/*
 * Chooses whose memory a stream's frames are in: the capture driver's if the encoder can read
 * it; else memory that both can import, from the encoder, a dma-heap, a display driver, or
 * udmabuf. If there is none, the driver's again, and the encoder gets copies.
 *
 * Before all of these comes the memory of a lender, such as the recorder, if the format and the
 * driver permit it, and if no encoder reads frames from the device's buffers.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "capture/pool.h"
#include "capture/source.h"
#include "mem/heap.h"
#include "mem/loan.h"
#include "mem/udmabuf.h"
#include "v4l2/downstream.h"

static const struct glint_log_topic topic = { "capture" };

/* Allocate a plane from the open @device, and add it to @buf. Both devices may import it. */
typedef int add_plane_fn(int device, struct glint_dmabuf *buf, size_t size);

/* Returns the path of a device that a kind of memory comes from; NULL past the last. */
typedef const char *path_fn(unsigned index);

/* --- Kinds of memory ---------------------------------------------------------------------- */

static void free_buffers(struct glint_dmabuf *bufs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		glint_dmabuf_fini(&bufs[i]);
}

static int udmabuf_add_plane(int device, struct glint_dmabuf *buf, size_t size)
{
	int err = glint_udmabuf_add_plane_from(device, buf, size);

	if (err < 0)
		return err;
	/* Without udmabuf it is a memfd, which no device can import. */
	if (buf->memory != GLINT_MEMORY_UDMABUF)
		return -ENODEV;
	glint_dmabuf_unmap(buf); /* the CPU may never need the map */
	return 0;
}

static const char *udmabuf_path(unsigned index)
{
	return index == 0 ? GLINT_UDMABUF_PATH : NULL;
}

/* Allocate @n buffers from the device at @path. */
static int allocate_buffers(struct glint_source *source, add_plane_fn *add, const char *path,
			    unsigned n, struct glint_dmabuf *bufs)
{
	int device = open(path, O_RDWR | O_CLOEXEC), err = 0;
	const struct glint_vdev *vdev = &source->vdev;

	if (device < 0)
		return -errno;
	for (unsigned i = 0; i < n; i++)
		glint_dmabuf_init(&bufs[i]);
	for (unsigned i = 0; i < n && err == 0; i++)
		for (unsigned p = 0; p < vdev->format.n_planes && err == 0; p++)
			err = add(device, &bufs[i], MAX(vdev->format.size[p], vdev->room[p]));
	close(device);
	if (err < 0)
		free_buffers(bufs, n);
	return err;
}

/* --- Trying ---------------------------------------------------------------------------------- */

void glint_memory_drop(struct glint_source *source, struct glint_pool *pool)
{
	(void)glint_vdev_stream(&source->vdev, false);
	(void)glint_vdev_free(&source->vdev);
	/* Readers may have frames of borrowed memory, from streams before: the loop's. */
	if (pool->loan)
		source->parked = pool;
	else
		glint_pool_retire(pool);
}

/* Queue all buffers. After a failure the pool is retired. */
static int queue_all(struct glint_source *source, struct glint_pool *pool)
{
	int err = glint_pool_queue(pool);

	if (err < 0)
		glint_memory_drop(source, pool);
	return err;
}

static int try_own(struct glint_source *source, struct glint_pool **out)
{
	int err = glint_pool_create(out, &source->vdev, source->config->buffers, ++source->streams);

	return err < 0 ? err : queue_all(source, *out);
}

/* Import @bufs, which are taken over also after a failure. */
static int try_import(struct glint_source *source, unsigned n, struct glint_dmabuf *bufs,
		      struct glint_pool **out)
{
	struct glint_downstream *downstream = source->downstream;
	int err = 0;

	if (source->downstream_wants)
		err = downstream->ops->reads(downstream, &source->vdev.format, &bufs[0]);
	if (err < 0) {
		free_buffers(bufs, n);
		return err;
	}
	err = glint_pool_import(out, &source->vdev, bufs, n, ++source->streams);
	return err < 0 ? err : queue_all(source, *out);
}

static int try_kind(struct glint_source *source, add_plane_fn *add, path_fn *path,
		    struct glint_pool **out)
{
	struct glint_dmabuf bufs[GLINT_VQUEUE_BUFFERS_MAX];
	unsigned n = source->config->buffers;
	int err = -ENODEV;

	for (unsigned i = 0; path(i) && err < 0; i++) {
		err = allocate_buffers(source, add, path(i), n, bufs);
		if (err == 0)
			err = try_import(source, n, bufs, out);
	}
	return err;
}

/* Try memory that both devices can import. Contiguous memory first: more devices can read it. */
static int try_shared(struct glint_source *source, struct glint_pool **out)
{
	struct glint_dmabuf bufs[GLINT_VQUEUE_BUFFERS_MAX];
	struct glint_downstream *downstream = source->downstream;
	unsigned n = source->config->buffers;

	if (downstream->ops->lend(downstream, &source->vdev.format, n, bufs) == 0 &&
	    try_import(source, n, bufs, out) == 0)
		return 0;
	if (try_kind(source, glint_heap_add_plane, glint_heap_path, out) == 0)
		return 0;
	if (IS_ENABLED(CONFIG_MEM_DRM) &&
	    try_kind(source, glint_dumb_add_plane, glint_dumb_path, out) == 0)
		return 0;
	if (source->udmabuf_fails)
		return -ENODEV;
	return try_kind(source, udmabuf_add_plane, udmabuf_path, out);
}

/* --- A lender's memory ------------------------------------------------------------------------ */

/* Why frames of the present format cannot be in the lender's memory; "": they can. */
static const char *loan_unfit(const struct glint_source *source)
{
	const struct glint_format *format = &source->vdev.format;

	if (source->config->memory != GLINT_MEMORY_WISH_AUTO)
		return "setting";
	if (format->info->layout == GLINT_LAYOUT_JPEG)
		return "jpeg";
	if (!glint_format_is_packed(format))
		return "padded";
	if (glint_source_makes_frames(source))
		return "interlaced";
	if (source->downstream && source->downstream_wants)
		return "encoder";
	return "";
}

/* Borrow for about @n frames, in the way of @memory. After a failure the loan is still there. */
static int borrow_as(struct glint_source *source, enum glint_memory memory, unsigned n,
		     struct glint_pool **out)
{
	struct glint_vdev *vdev = &source->vdev;
	struct glint_pool *pool;
	int err = glint_pool_borrow(&pool, vdev, source->loan, memory, n, source->config->buffers,
				    ++source->streams);

	if (err < 0) {
		(void)glint_vdev_free(vdev);
		return err;
	}
	err = glint_pool_queue(pool);
	if (err < 0) {
		(void)glint_vdev_stream(vdev, false);
		(void)glint_vdev_free(vdev);
		source->loan = glint_pool_unborrow(pool);
		return err;
	}
	source->loan = NULL;
	*out = pool;
	return 0;
}

/* Each place needs a descriptor of its own, and the rest of the service needs some. */
static bool may_open(unsigned n)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 2 >= n;
}

static int try_loan(struct glint_source *source, struct glint_pool **out)
{
	uint64_t places = source->loan->size / glint_loan_stride(source->vdev.format.size[0]);
	unsigned n = (unsigned)MIN(places, (uint64_t)GLINT_POOL_SLOTS_MAX);
	int err = -ENODEV;

	source->loan_reason = loan_unfit(source);
	if (*source->loan_reason)
		return -EMEDIUMTYPE;
	if (n < glint_pool_borrow_min(source->config->buffers)) {
		source->loan_reason = "small";
		return -ENOSPC;
	}
	if (IS_ENABLED(CONFIG_MEM_UDMABUF) && !source->udmabuf_fails && may_open(n))
		err = borrow_as(source, GLINT_MEMORY_UDMABUF, n, out);
	if (err < 0)
		err = borrow_as(source, GLINT_MEMORY_USERPTR, n, out);
	source->loan_reason = err < 0 ? "driver" : "";
	return err;
}

/* The memory of the stream before, in which readers may have frames. -EUCLEAN: it is unfit. */
static int try_parked(struct glint_source *source, struct glint_pool **out)
{
	struct glint_pool *pool = source->parked;
	/* After refused settings the number is that of the refused ones. */
	bool unfit = *loan_unfit(source) || pool->n_buffers != source->config->buffers;
	int err = unfit ? -EUCLEAN : glint_pool_resume(pool, ++source->streams);

	if (err < 0)
		return err;
	source->parked = NULL;
	err = queue_all(source, pool); /* after a failure the pool is parked again */
	if (err < 0)
		return err == -ENODEV ? err : -EUCLEAN;
	*out = pool;
	return 0;
}

/*
 * Return whether the downstream device cannot read the pool's memory. False also if the driver
 * cannot export the memory, or if no downstream device wants frames.
 */
static bool downstream_refuses(const struct glint_source *source, const struct glint_pool *pool)
{
	struct glint_downstream *downstream = source->downstream;
	int err;

	if (!downstream || !source->downstream_wants ||
	    pool->buffers[0].memory != GLINT_MEMORY_V4L2)
		return false;
	err = downstream->ops->reads(downstream, &source->vdev.format, &pool->buffers[0]);
	return err == -EFAULT || err == -EINVAL || err == -EOPNOTSUPP;
}

/* Try the memory of the configuration. */
static int try_wished(struct glint_source *source, struct glint_pool **out)
{
	switch (source->config->memory) {
	case GLINT_MEMORY_WISH_HEAP:
		return try_kind(source, glint_heap_add_plane, glint_heap_path, out);
	case GLINT_MEMORY_WISH_DUMB:
		return IS_ENABLED(CONFIG_MEM_DRM) ?
			       try_kind(source, glint_dumb_add_plane, glint_dumb_path, out) :
			       -ENODEV;
	case GLINT_MEMORY_WISH_UDMABUF:
		return source->udmabuf_fails ?
			       -ENODEV :
			       try_kind(source, udmabuf_add_plane, udmabuf_path, out);
	default:
		return -ENODEV;
	}
}

int glint_memory_choose(struct glint_source *source, struct glint_pool **out)
{
	unsigned wish = source->config->memory;
	int err;

	if (source->parked)
		return try_parked(source, out);
	if (source->loan && try_loan(source, out) == 0)
		return 0;
	if (wish == GLINT_MEMORY_WISH_DRIVER)
		return try_own(source, out);
	if (wish != GLINT_MEMORY_WISH_AUTO && try_wished(source, out) == 0)
		return 0;
	err = try_own(source, out);
	if (err < 0 || !downstream_refuses(source, *out))
		return err;
	glint_memory_drop(source, *out);
	if (try_shared(source, out) == 0)
		return 0;
	glint_log_info(&topic, "'%s' and the encoder can share no memory: one copy a frame",
		       source->path);
	return try_own(source, out);
}
