/* SPDX-License-Identifier: MIT */
#include "mem/udmabuf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Sealed against shrinking, which udmabuf requires. @size: whole pages. */
static int memfd_create_sealed(size_t size)
{
	int fd = memfd_create("glint-frame", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Negative errno: udmabuf is missing or may not be opened, or @size is above its limit. */
static int udmabuf_wrap(int memfd, size_t size)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	int device, fd;

	if (!IS_ENABLED(CONFIG_MEM_UDMABUF))
		return -ENOTSUP;
	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return -errno;
	fd = ioctl(device, UDMABUF_CREATE, &create);
	if (fd < 0)
		fd = -errno;
	close(device);
	return fd;
}

int glint_udmabuf_add_plane(struct glint_dmabuf *buf, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct glint_plane plane = { .fd = -1 };
	bool wrapped;
	int fd;

	assert(size > 0);	/* glint_format_check() refuses a driver's empty plane */
	if (buf->n_planes == GLINT_DMABUF_PLANES)
		return -ENOSPC;
	if (size > SIZE_MAX / 2)
		return -ENOMEM;

	plane.size = (size + page - 1) / page * page;
	plane.fd = memfd_create_sealed(plane.size);
	if (plane.fd < 0)
		return plane.fd;
	/* Maps the memfd, not the udmabuf: io_uring cannot register a dma-buf's map. */
	plane.map = mmap(NULL, plane.size, PROT_READ | PROT_WRITE, MAP_SHARED, plane.fd, 0);
	if (plane.map == MAP_FAILED) {
		close(plane.fd);
		return -ENOMEM;
	}
	fd = udmabuf_wrap(plane.fd, plane.size);
	wrapped = fd >= 0;
	if (wrapped) {
		close(plane.fd);
		plane.fd = fd;
	}

	/* A buffer can be imported only if all its planes are dma-bufs. */
	if (!wrapped || buf->memory == GLINT_MEMORY_MEMFD)
		buf->memory = GLINT_MEMORY_MEMFD;
	else
		buf->memory = GLINT_MEMORY_UDMABUF;
	buf->planes[buf->n_planes++] = plane;
	return 0;
}
