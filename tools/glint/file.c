/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/write.h"

static int read_bytes(int fd, uint8_t **bytes, size_t *size)
{
	size_t room = 0;

	*size = 0;
	for (;;) {
		ssize_t n;

		if (*size == room) {
			uint8_t *more;

			if (room >= TOOL_FILE_MAX)
				return -EFBIG;
			room = room ? 2 * room : 1 << 20;
			more = realloc(*bytes, room);
			if (!more)
				return -ENOMEM;
			*bytes = more;
		}
		n = read(fd, *bytes + *size, room - *size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		*size += n > 0 ? (size_t)n : 0;
	}
}

int tool_file_read(const char *path, uint8_t **bytes, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	*bytes = NULL;
	*size = 0;
	if (fd < 0)
		return -errno;
	err = read_bytes(fd, bytes, size);
	close(fd);
	return err;
}

/* NFS and quotas report a failed write only here. */
static int close_written(int fd, int err)
{
	if (close(fd) < 0 && err == 0)
		err = -errno;
	return err;
}

static int write_through(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return close_written(fd, glint_write_all(fd, data, len));
}

/* mkostemp() makes the file accessible to its owner only: set the mode that open() would. */
static mode_t usual_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int write_beside(const char *path, const void *data, size_t len)
{
	char *name;
	int fd, err;

	if (asprintf(&name, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		goto free_name;
	}
	err = fchmod(fd, usual_mode()) < 0 ? -errno : glint_write_all(fd, data, len);
	err = close_written(fd, err);
	if (err == 0 && rename(name, path) < 0)
		err = -errno;
	if (err < 0)
		unlink(name);
free_name:
	free(name);
	return err;
}

int tool_file_write(const char *path, const void *data, size_t len)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		return glint_write_all(STDOUT_FILENO, data, len);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : write_through(path, data, len);
	return write_beside(path, data, len);
}
