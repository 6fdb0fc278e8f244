/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const void *data, size_t len)
{
	const char *from = data;

	while (len > 0) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

/* NFS and quotas tell of a failure only here. */
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
	return close_written(fd, write_all(fd, data, len));
}

/* mkostemp() gives the owner alone a file; ours are as if open() had made them. */
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
	err = fchmod(fd, usual_mode()) < 0 ? -errno : write_all(fd, data, len);
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
		return write_all(STDOUT_FILENO, data, len);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : write_through(path, data, len);
	return write_beside(path, data, len);
}
