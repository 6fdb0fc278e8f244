/* SPDX-License-Identifier: MIT */
/*
 * A unix socket that never refuses: it is bound under another name in the same
 * folder, listens, gets its mode, and is then renamed. Whoever sees the path can
 * connect to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/listener.h"

#define TEMPORARY_MAX 16
#define LET_GO_NS     (500 * GLINT_NSEC_PER_MSEC)
#define TRIES_MAX     10	/* of a service that hangs up on all, for it is full */

static const struct glint_log_topic topic = { "net" };

static int place_open(struct glint_unix_place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[sizeof(place->name)] = ".";

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;
	if (!*name)
		return -EISDIR;
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", (int)MAX(slash - path, 1), path);
	strcpy(place->name, name);
	place->dir_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return place->dir_fd < 0 ? -errno : 0;
}

/* By way of the folder's descriptor, so that its length does not count. */
static struct sockaddr_un address_in(int dir_fd, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
	return address;
}

static int bind_temporary(int fd, const struct glint_unix_place *place, const char *path,
			  const char *temporary)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int folder_len = (int)(strlen(path) - strlen(place->name));
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%.*s%s", folder_len, path,
			   temporary);

	/* Its own path where it fits: /proc may not be there. */
	if (len >= (int)sizeof(address.sun_path))
		address = address_in(place->dir_fd, temporary);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

/* Connects, and waits for the other side to hang up: 1 it did, 0 it did not, or an error. */
static int try_listener(const struct sockaddr_un *address, int timeout_ms)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd hangup = { .fd = fd };
	int result;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		result = -errno;
	else
		result = poll(&hangup, 1, timeout_ms) > 0;
	close(fd);
	return result;
}

/*
 * Whether anybody would answer there; also when we may not ask. The kernel keeps
 * what an io_uring was polling for some time after its process has been killed
 * (io_uring/io_uring.c, io_ring_exit_work), and hangs up in the end.
 */
static bool somebody_listens(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint64_t deadline_ns = glint_now_ns() + LET_GO_NS;
	int result, tries = 0;

	strcpy(address.sun_path, path);	/* place_open() has looked at its length */
	do
		result = try_listener(&address, (int)(LET_GO_NS / GLINT_NSEC_PER_MSEC));
	while (result == 1 && ++tries < TRIES_MAX && glint_now_ns() < deadline_ns);
	return result != -ECONNREFUSED && result != -ENOENT;
}

/* Moves it to its place where nothing is; -EEXIST when something is. */
static int rename_to_free(const struct glint_unix_place *place, const char *temporary)
{
	int dir = place->dir_fd;

	if (renameat2(dir, temporary, dir, place->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* This file system cannot promise it. */
	if (faccessat(dir, place->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(dir, temporary, dir, place->name) < 0 ? -errno : 0;
}

/* What lies there may be replaced: 0; else why not. */
static int may_replace(const struct glint_unix_place *place, const char *path)
{
	struct stat st;

	if (fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return somebody_listens(path) ? -EADDRINUSE : 0;
}

static int move_into_place(const struct glint_unix_place *place, const char *path,
			   const char *temporary, bool replace)
{
	int dir = place->dir_fd, err;

	if (!replace) {
		err = rename_to_free(place, temporary);
		if (err != -EEXIST)
			return err;
		err = may_replace(place, path);
		if (err < 0)
			return err;
	}
	return renameat(dir, temporary, dir, place->name) < 0 ? -errno : 0;
}

static int remember_inode(struct glint_unix_place *place, const char *temporary)
{
	struct stat st;

	if (fstatat(place->dir_fd, temporary, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	place->dev = st.st_dev;
	place->ino = st.st_ino;
	return 0;
}

static int listen_temporary(int fd, struct glint_unix_place *place, const char *path,
			    const char *temporary, int mode)
{
	int err = bind_temporary(fd, place, path, temporary);

	if (err < 0)
		return err;
	err = remember_inode(place, temporary);
	if (err == 0 && mode >= 0 && fchmodat(place->dir_fd, temporary, (mode_t)mode, 0) < 0)
		err = -errno;
	if (err == 0 && listen(fd, SOMAXCONN) < 0)
		err = -errno;
	if (err < 0)
		(void)unlinkat(place->dir_fd, temporary, 0);
	return err;
}

static void name_temporary(char *name)
{
	unsigned random = (unsigned)getpid();

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	snprintf(name, TEMPORARY_MAX, ".gl%08x", random);
}

static int place_listen(int fd, struct glint_unix_place *place, const char *path, bool replace,
			int mode)
{
	char temporary[TEMPORARY_MAX];
	int err;

	name_temporary(temporary);
	err = listen_temporary(fd, place, path, temporary, mode);
	if (err < 0)
		return err;
	err = move_into_place(place, path, temporary, replace);
	if (err < 0)
		(void)unlinkat(place->dir_fd, temporary, 0);
	return err;
}

static int log_failure(int err, const char *path)
{
	if (err == -EADDRINUSE)
		return glint_log_err(&topic, err, "%s: another process listens there", path);
	if (err == -EEXIST)
		return glint_log_err(&topic, err, "%s: is no socket; --unix-rm replaces it", path);
	return glint_log_err(&topic, err, "cannot listen on %s", path);
}

int glint_unix_listen(struct glint_unix_place *place, const char *path, bool replace, int mode)
{
	int fd, err = place_open(place, path);

	if (err < 0)
		return log_failure(err, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		err = -errno;
	else
		err = place_listen(fd, place, path, replace, mode);
	if (err < 0) {
		glint_close(&fd);
		glint_close(&place->dir_fd);
		return log_failure(err, path);
	}
	return fd;
}

void glint_unix_unlink(const struct glint_unix_place *place)
{
	struct stat st;

	if (place->dir_fd < 0 || fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (st.st_dev == place->dev && st.st_ino == place->ino)
		(void)unlinkat(place->dir_fd, place->name, 0);
}
