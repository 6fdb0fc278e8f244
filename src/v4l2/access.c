/* SPDX-License-Identifier: MIT */
#include "v4l2/access.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int kernel_open(struct glint_v4l2_access *access, const char *path)
{
	int fd;

	(void)access;
	/* io_uring registers writable maps only, and a writable map needs O_RDWR. */
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int kernel_close(struct glint_v4l2_access *access, int fd)
{
	(void)access;
	return close(fd) < 0 ? -errno : 0;
}

static int kernel_ioctl(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg)
{
	int result;

	(void)access;
	do
		result = ioctl(fd, request, arg);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

static void *kernel_mmap(struct glint_v4l2_access *access, int fd, size_t length, long offset)
{
	void *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	(void)access;
	return map == MAP_FAILED ? NULL : map;
}

struct glint_v4l2_access *glint_v4l2_kernel(void)
{
	static const struct glint_v4l2_access_ops ops = {
		.open = kernel_open,
		.close = kernel_close,
		.ioctl = kernel_ioctl,
		.mmap = kernel_mmap,
	};
	static struct glint_v4l2_access kernel = { .ops = &ops };

	return &kernel;
}
