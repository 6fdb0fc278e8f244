/* SPDX-License-Identifier: MIT */
#include "mem/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

const char *glint_heap_name(unsigned index)
{
	/* The names that kernels and vendors have used. */
	static const char *const names[] = {
		"default_cma_region",
		"linux,cma",
		"reserved",
		"system",
	};

	return index < ARRAY_SIZE(names) ? names[index] : NULL;
}

static int heap_alloc(const char *heap, size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	char path[64];
	int device, err;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", heap);
	device = open(path, O_RDWR | O_CLOEXEC);
	if (device < 0)
		return -errno;
	err = ioctl(device, DMA_HEAP_IOCTL_ALLOC, &data) < 0 ? -errno : (int)data.fd;
	close(device);
	return err;
}

int glint_heap_add_plane(const char *heap, struct glint_dmabuf *buf, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct glint_plane plane = { .fd = -1 };

	if (buf->n_planes == GLINT_DMABUF_PLANES)
		return -ENOSPC;
	if (size == 0 || size > SIZE_MAX / 2)
		return -ENOMEM;
	plane.size = (size + page - 1) / page * page;
	plane.fd = heap_alloc(heap, plane.size);
	if (plane.fd < 0)
		return plane.fd;
	buf->memory = GLINT_MEMORY_HEAP;
	buf->planes[buf->n_planes++] = plane;
	return 0;
}
