/* SPDX-License-Identifier: MIT */
/*
 * The system calls that reach a V4L2 device, behind a table. There are three tables: the kernel's;
 * that of the built-in test pattern, which is a device to all other code; and that of the scripted
 * device in the tests. All functions return 0 or more, or a negative errno; ioctl() repeats after
 * EINTR. Callers use glint_v4l2_ioctl() and glint_v4l2_attribute().
 */
#ifndef GLINT_V4L2_ACCESS_H
#define GLINT_V4L2_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#define GLINT_V4L2_PATH_MAX 64 /* of a node: "/dev/v4l-subdev255", and some more */

struct glint_v4l2_access;

/* The number of a device node, as the media controller gives it. */
struct glint_v4l2_number {
	uint32_t major, minor;
};

struct glint_v4l2_access_ops {
	/* Returns a descriptor that poll(2) accepts. */
	int (*open)(struct glint_v4l2_access *access, const char *path);
	int (*close)(struct glint_v4l2_access *access, int fd);
	int (*ioctl)(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg);
	/* Returns NULL after a failure. The map outlives the device; munmap(2) ends it. */
	void *(*mmap)(struct glint_v4l2_access *access, int fd, size_t length, long offset);
	/*
	 * Get the number of an open node, and the path of a node by its number. NULL: the device has
	 * no media controller.
	 */
	int (*number)(struct glint_v4l2_access *access, int fd, struct glint_v4l2_number *number);
	int (*path)(struct glint_v4l2_access *access, struct glint_v4l2_number number,
		    char path[static GLINT_V4L2_PATH_MAX]);
	/*
	 * Read the attribute @name of the node @fd, or of the node at @path if @fd is -1, or else
	 * of the nearest device above the node that has it. NULL: the table knows no attributes.
	 */
	int (*attribute)(struct glint_v4l2_access *access, int fd, const char *path,
			 const char *name, char *text, size_t size);
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

/* Sets @text to "" if the node has no such attribute. */
static inline void glint_v4l2_attribute(struct glint_v4l2_access *access, int fd, const char *path,
					const char *name, char *text, size_t size)
{
	if (!access->ops->attribute ||
	    access->ops->attribute(access, fd, path, name, text, size) < 0)
		*text = '\0';
}

/* Returns the kernel's table: shared, constant, any thread. */
struct glint_v4l2_access *glint_v4l2_kernel(void);
#endif
