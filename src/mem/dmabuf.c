/* SPDX-License-Identifier: MIT */
#include "mem/dmabuf.h"

#include <assert.h>
#include <errno.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/macros.h"

const char *glint_memory_name(enum glint_memory memory)
{
	static const char *const names[] = {
		[GLINT_MEMORY_NONE] = "",	    [GLINT_MEMORY_V4L2] = "v4l2",
		[GLINT_MEMORY_V4L2_NOEXP] = "v4l2", [GLINT_MEMORY_ENCODER] = "encoder",
		[GLINT_MEMORY_HEAP] = "dma-heap",   [GLINT_MEMORY_DUMB] = "drm-dumb",
		[GLINT_MEMORY_UDMABUF] = "udmabuf", [GLINT_MEMORY_MEMFD] = "memfd",
		[GLINT_MEMORY_USERPTR] = "userptr",
	};

	assert((size_t)memory < ARRAY_SIZE(names));
	return names[memory];
}

void glint_dmabuf_init(struct glint_dmabuf *buf)
{
	*buf = (struct glint_dmabuf){ .memory = GLINT_MEMORY_NONE };
	for (unsigned i = 0; i < GLINT_DMABUF_PLANES; i++)
		buf->planes[i].fd = -1;
}

void glint_dmabuf_fini(struct glint_dmabuf *buf)
{
	assert(buf->n_planes <= GLINT_DMABUF_PLANES);

	for (unsigned i = 0; i < buf->n_planes; i++) {
		struct glint_plane *plane = &buf->planes[i];

		if (plane->map)
			munmap(plane->map, plane->size);
		glint_close(&plane->fd);
	}
	glint_dmabuf_init(buf);
}

int glint_dmabuf_map(struct glint_dmabuf *buf)
{
	for (unsigned i = 0; i < buf->n_planes; i++) {
		struct glint_plane *plane = &buf->planes[i];
		void *map;

		if (plane->map)
			continue;
		if (plane->fd < 0)
			return -EFAULT;
		map = mmap(NULL, plane->size, PROT_READ | PROT_WRITE, MAP_SHARED, plane->fd, 0);
		if (map == MAP_FAILED)
			return -errno;
		plane->map = map;
	}
	return 0;
}

void glint_dmabuf_unmap(struct glint_dmabuf *buf)
{
	for (unsigned i = 0; i < buf->n_planes; i++) {
		struct glint_plane *plane = &buf->planes[i];

		if (plane->map && plane->fd >= 0) {
			munmap(plane->map, plane->size);
			plane->map = NULL;
		}
	}
}

static int plane_sync(const struct glint_plane *plane, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };
	int err;

	assert(plane->fd >= 0); /* memory that needs a sync is a dma-buf */

	/* linux/dma-buf.h: restart the call after EAGAIN and EINTR. */
	do
		err = ioctl(plane->fd, DMA_BUF_IOCTL_SYNC, &sync) < 0 ? -errno : 0;
	while (err == -EINTR || err == -EAGAIN);
	return err;
}

/* V4L2 syncs the memory of its own queues, and a memfd is not a dma-buf. */
static bool needs_sync(enum glint_memory memory)
{
	switch (memory) {
	case GLINT_MEMORY_ENCODER:
	case GLINT_MEMORY_HEAP:
	case GLINT_MEMORY_DUMB:
	case GLINT_MEMORY_UDMABUF:
		return true;
	default:
		return false;
	}
}

/* Sync all planes even after an error, so that each begin has its end; return the first error. */
static int dmabuf_sync(const struct glint_dmabuf *buf, uint64_t flags)
{
	int err = 0;

	if (!needs_sync(buf->memory))
		return 0;
	for (unsigned i = 0; i < buf->n_planes; i++) {
		int plane_err = plane_sync(&buf->planes[i], flags);

		err = err ? err : plane_err;
	}
	return err;
}

int glint_dmabuf_begin_read(const struct glint_dmabuf *buf)
{
	return dmabuf_sync(buf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
}

int glint_dmabuf_end_read(const struct glint_dmabuf *buf)
{
	return dmabuf_sync(buf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
}
