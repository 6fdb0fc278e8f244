/* SPDX-License-Identifier: MIT */
/*
 * The system calls that reach a V4L2 device, behind a table. There are three tables: the
 * kernel's, the built-in test pattern's (the pattern poses as a device, so both take the
 * same path through the code), and the scripted device's in the tests. All calls return 0
 * or more, or a negative errno; ioctl() repeats EINTR itself. Callers use
 * glint_v4l2_ioctl().
 */
#ifndef GLINT_V4L2_ACCESS_H
#define GLINT_V4L2_ACCESS_H

#include <stddef.h>

struct glint_v4l2_access;

struct glint_v4l2_access_ops {
	/* Returns a descriptor that poll(2) accepts. */
	int (*open)(struct glint_v4l2_access *access, const char *path);
	int (*close)(struct glint_v4l2_access *access, int fd);
	int (*ioctl)(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg);
	/* NULL on failure. The map outlives the device; munmap(2) ends it. */
	void *(*mmap)(struct glint_v4l2_access *access, int fd, size_t length, long offset);
};

struct glint_v4l2_access {
	const struct glint_v4l2_access_ops *ops;
};

/*
 * Returns 0 or a negative errno. No V4L2 request has a positive result, but the kernel passes
 * on what a driver returns: a positive result counts as success.
 */
static inline int glint_v4l2_ioctl(struct glint_v4l2_access *access, int fd, unsigned long request,
				   void *arg)
{
	int result = access->ops->ioctl(access, fd, request, arg);

	return result < 0 ? result : 0;
}

/* The kernel's table. Shared, constant, any thread. */
struct glint_v4l2_access *glint_v4l2_kernel(void);
#endif
