/* SPDX-License-Identifier: MIT */
#include "mem/udmabuf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"

/* A mark in a page. No picture has such bytes at the begin of each page. */
static const uint64_t mark[4] = { UINT64_C(0x9d1f3c52e8a74b06), UINT64_C(0x27c6e05a8b91fd34),
				  UINT64_C(0xf04b7d2e96a3185c), UINT64_C(0x6b38a9f1540ce7d2) };

int glint_udmabuf_memfd(const char *name, uint64_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
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

uint8_t *glint_udmabuf_map(int memfd, uint64_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);

	if (map == MAP_FAILED)
		return NULL;
	/* -EINVAL: the kernel has no huge pages. */
	(void)madvise(map, size, MADV_NOHUGEPAGE);
	return map;
}

/* Fails if @size is above the kernel's limit. */
int glint_udmabuf_wrap(int device, int memfd, uint64_t offset, uint64_t size)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = size,
	};
	int fd;

	if (!IS_ENABLED(CONFIG_MEM_UDMABUF))
		return -ENOTSUP;
	fd = ioctl(device, UDMABUF_CREATE, &create);
	return fd < 0 ? -errno : fd;
}

int glint_udmabuf_add_plane_from(int device, struct glint_dmabuf *buf, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct glint_plane plane = { .fd = -1 };
	bool wrapped;
	int fd;

	assert(size > 0); /* glint_format_check() refuses a driver's empty plane */
	if (buf->n_planes == GLINT_DMABUF_PLANES)
		return -ENOSPC;
	if (size > SIZE_MAX / 2)
		return -ENOMEM;

	plane.size = (size + page - 1) / page * page;
	plane.fd = glint_udmabuf_memfd("glint-frame", plane.size);
	if (plane.fd < 0)
		return plane.fd;
	/* Map the memfd, not the udmabuf: io_uring cannot register a dma-buf's map. */
	plane.map = glint_udmabuf_map(plane.fd, plane.size);
	if (!plane.map) {
		close(plane.fd);
		return -ENOMEM;
	}
	/* Else the kernel would choose the pages, which may be huge ones. */
	for (size_t at = 0; device >= 0 && at < plane.size; at += page)
		plane.map[at] = 0;
	fd = device < 0 ? -ENODEV : glint_udmabuf_wrap(device, plane.fd, 0, plane.size);
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

int glint_udmabuf_add_plane(struct glint_dmabuf *buf, size_t size)
{
	int device = IS_ENABLED(CONFIG_MEM_UDMABUF) ? open(GLINT_UDMABUF_PATH, O_RDWR | O_CLOEXEC) :
						      -1;
	int err = glint_udmabuf_add_plane_from(device, buf, size);

	if (device >= 0)
		close(device);
	return err;
}

void glint_udmabuf_mark(uint8_t *map, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at + page <= size; at += page)
		memcpy(map + at, mark, sizeof(mark));
}

bool glint_udmabuf_is_marked(const uint8_t *map, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;

	for (size_t at = 0; at + page <= size; at += page)
		n += memcmp(map + at, mark, sizeof(mark)) == 0;
	return n > size / page / 2;
}
