/* SPDX-License-Identifier: MIT */
#include "v4l2/access.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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

static int kernel_number(struct glint_v4l2_access *access, int fd, struct glint_v4l2_number *number)
{
	struct stat st;

	(void)access;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode))
		return -ENOTTY;
	*number = (struct glint_v4l2_number){ major(st.st_rdev), minor(st.st_rdev) };
	return 0;
}

/* The kernel and udev give a video node the same name, and sysfs exists without udev. */
static int kernel_path(struct glint_v4l2_access *access, struct glint_v4l2_number number,
		       char path[static GLINT_V4L2_PATH_MAX])
{
	char link[64], target[512];
	const char *name;
	ssize_t len;

	(void)access;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", number.major, number.minor);
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (snprintf(path, GLINT_V4L2_PATH_MAX, "/dev/%s", name) >= GLINT_V4L2_PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* Read a file of sysfs, without the end of its line. */
static int read_line(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, text, size - 1);
	close(fd);
	if (length < 0)
		return -EIO;
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
		length--;
	text[length] = '\0';
	return 0;
}

/* The folders of sysfs lie within each other as the devices do: the node's is the innermost. */
static int kernel_attribute(struct glint_v4l2_access *access, int fd, const char *path,
			    const char *name, char *text, size_t size)
{
	static const char top[] = "/sys/devices/";
	char link[64], folder[PATH_MAX], file[PATH_MAX + 64];
	struct stat node;

	(void)access;
	if ((fd >= 0 ? fstat(fd, &node) : stat(path, &node)) < 0)
		return -errno;
	if (!S_ISCHR(node.st_mode))
		return -ENOTTY;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major(node.st_rdev),
		 minor(node.st_rdev));
	if (!realpath(link, folder))
		return -errno;
	while (strncmp(folder, top, sizeof(top) - 1) == 0) {
		snprintf(file, sizeof(file), "%s/%s", folder, name);
		if (read_line(file, text, size) == 0)
			return 0;
		*strrchr(folder, '/') = '\0';
	}
	return -ENOENT;
}

struct glint_v4l2_access *glint_v4l2_kernel(void)
{
	static const struct glint_v4l2_access_ops ops = {
		.open = kernel_open,
		.close = kernel_close,
		.ioctl = kernel_ioctl,
		.mmap = kernel_mmap,
		.number = kernel_number,
		.path = kernel_path,
		.attribute = kernel_attribute,
	};
	static struct glint_v4l2_access kernel = { .ops = &ops };

	return &kernel;
}
