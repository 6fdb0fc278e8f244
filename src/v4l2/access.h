/* SPDX-License-Identifier: MIT */
/*
 * The few system calls by which a V4L2 device is reached, behind a table: the
 * kernel's, the built-in test pattern (which poses as a device, so that it goes
 * the same way through the code as one), and the scripted device of the tests.
 * All return 0 or more, or a negative errno; ioctl() repeats EINTR itself. Requests go
 * through glint_v4l2_ioctl().
 */
#ifndef GLINT_V4L2_ACCESS_H
#define GLINT_V4L2_ACCESS_H

#include <stddef.h>

struct glint_v4l2_access;

struct glint_v4l2_access_ops {
	int (*open)(struct glint_v4l2_access *access, const char *path);	/* an fd that polls */
	int (*close)(struct glint_v4l2_access *access, int fd);
	int (*ioctl)(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg);
	/* Or NULL. What it returns ends with munmap(2), also after the device was closed. */
	void *(*mmap)(struct glint_v4l2_access *access, int fd, size_t length, long offset);
};

struct glint_v4l2_access {
	const struct glint_v4l2_access_ops *ops;
};

/*
 * Returns 0 or a negative errno. No V4L2 request has a positive result, but the kernel passes on
 * what a driver returns: such a result is a success and nothing else.
 */
static inline int glint_v4l2_ioctl(struct glint_v4l2_access *access, int fd, unsigned long request,
				   void *arg)
{
	int result = access->ops->ioctl(access, fd, request, arg);

	return result < 0 ? result : 0;
}

/* The kernel's. Shared, constant, any thread. */
struct glint_v4l2_access *glint_v4l2_kernel(void);
#endif
