/* SPDX-License-Identifier: MIT */
#include "mem/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macros.h"

const char *glint_heap_path(unsigned index)
{
	/* Names of dma-heaps in kernels and vendors' trees. */
	static const char *const paths[] = {
		"/dev/dma_heap/default_cma_region",
		"/dev/dma_heap/linux,cma",
		"/dev/dma_heap/reserved",
		"/dev/dma_heap/system",
	};

	return index < ARRAY_SIZE(paths) ? paths[index] : NULL;
}

int glint_heap_add_plane(int heap, struct glint_dmabuf *buf, size_t size)
{
	struct dma_heap_allocation_data data = { .fd_flags = O_RDWR | O_CLOEXEC };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct glint_plane plane = { .fd = -1 };

	if (buf->n_planes == GLINT_DMABUF_PLANES)
		return -ENOSPC;
	if (size == 0 || size > SIZE_MAX / 2)
		return -ENOMEM;
	plane.size = (size + page - 1) / page * page;
	data.len = plane.size;
	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) < 0)
		return -errno;
	plane.fd = (int)data.fd;
	buf->memory = GLINT_MEMORY_HEAP;
	buf->planes[buf->n_planes++] = plane;
	return 0;
}
