/* SPDX-License-Identifier: MIT */
/*
 * A client that sees the socket's path is never refused: the socket is bound under a temporary name
 * in the same folder, with its mode; it listens, and is then renamed.
 *
 * The temporary name follows from the path's name. A process uses the temporary name while it holds
 * a lock file, so that of two processes that start at the same time the second finds the socket of
 * the first. The next process removes the two files that a killed process has left. The folder may
 * belong to another user, so links in the folder are not followed, and modes are not changed by
 * name.
 */
#include "sock/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "sock/occupant.h"

#define LOCK_NS	     (5 * GLINT_NSEC_PER_SEC)
#define LOCK_POLL_MS 10
#define STEM_MAX     70 /* leaves space for /proc/self/fd/N/; names with the same stem share a lock */

static const struct glint_log_topic topic = { "net" };

/* One call of glint_unix_listen(). */
struct attempt {
	struct glint_unix_place *place;
	const char *path;
	bool replace; /* also a file that is not a socket */
	int mode;     /* -1: by umask */
	char temporary[STEM_MAX + 8], lock[STEM_MAX + 8];
	struct glint_occupant occupant;
	const char *obstacle; /* for the log; NULL: the error's text is enough */
};

static int place_open(struct glint_unix_place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[sizeof(place->name)] = ".";

	static_assert(sizeof(place->name) >= sizeof(((struct sockaddr_un *)0)->sun_path), "");

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

/* --- The lock -------------------------------------------------------------------------- */

static bool is_entry(int dir_fd, const char *name, int fd)
{
	struct stat entry, st;

	return fstatat(dir_fd, name, &entry, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &st) == 0 &&
	       entry.st_dev == st.st_dev && entry.st_ino == st.st_ino;
}

/* -EAGAIN: another process has the lock, or has just removed the file. */
static int lock_try(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int err;

	/* O_CREAT is refused for the file of another user in a folder such as /tmp. */
	if (fd < 0 && errno == ENOENT)
		fd = openat(dir_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == EEXIST ? -EAGAIN : -errno;
	err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	if (err == 0 && is_entry(dir_fd, name, fd))
		return fd;
	close(fd);
	return err < 0 ? err : -EAGAIN;
}

/*
 * Wait for the lock and return its descriptor. A process holds the lock about as long as
 * glint_occupant_find() takes.
 */
static int lock_take(struct attempt *attempt)
{
	uint64_t deadline_ns = glint_now_ns() + LOCK_NS;
	int fd;

	while ((fd = lock_try(attempt->place->dir_fd, attempt->lock)) == -EAGAIN &&
	       glint_now_ns() < deadline_ns)
		poll(NULL, 0, LOCK_POLL_MS);
	if (fd == -EAGAIN)
		attempt->obstacle = "another process is starting there";
	return fd == -EAGAIN ? -EADDRINUSE : fd;
}

/* --- The entry at the path ------------------------------------------------------------------ */

/* Remove the socket that a killed process has left. No other process has the lock. */
static int clear_temporary(struct attempt *attempt)
{
	int dir = attempt->place->dir_fd;
	struct stat st;

	if (fstatat(dir, attempt->temporary, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISSOCK(st.st_mode) && unlinkat(dir, attempt->temporary, 0) == 0)
		return 0;
	attempt->obstacle = "remove the hidden file beside it whose name ends in .new";
	return -EEXIST;
}

/* Return 1 if @entry may be replaced, else an error. */
static int check_entry(struct attempt *attempt, int entry)
{
	struct stat st;
	int listens;

	if (fstat(entry, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISSOCK(st.st_mode)) {
		if (attempt->replace)
			return 1;
		attempt->obstacle = "is no socket; --unix-rm replaces it";
		return -EEXIST;
	}
	listens = glint_occupant_find(&attempt->occupant, entry, attempt->path);
	if (listens == 0)
		return 1;
	if (listens > 0)
		return -EADDRINUSE;
	attempt->obstacle = "this user may not connect to the socket; remove it if it is stale";
	return listens;
}

/* Return 0 if the path is free, 1 if the file there may be replaced, else an error. */
static int check_place(struct attempt *attempt)
{
	int entry = openat(attempt->place->dir_fd, attempt->place->name,
			   O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int result;

	if (entry < 0)
		return errno == ENOENT ? 0 : -errno;
	result = check_entry(attempt, entry);
	close(entry);
	return result;
}

/* --- The socket ---------------------------------------------------------------------------- */

/* Bind in the folder's descriptor, because the folder's path may be long, or lead elsewhere now. */
static int bind_by_folder(int fd, const struct attempt *attempt)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int folder_len = (int)(strlen(attempt->path) - strlen(attempt->place->name));
	int len;

	assert(folder_len >= 0); /* the name is the end of the path */

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		 attempt->place->dir_fd, attempt->temporary);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;

	/* There is no /proc. */
	len = snprintf(address.sun_path, sizeof(address.sun_path), "%.*s%s", folder_len,
		       attempt->path, attempt->temporary);
	if (len >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/*
 * Set the mode by the umask, so that the socket never has another mode. The umask belongs to the
 * process, but no other thread creates files while the listeners are opened.
 */
static int bind_temporary(int fd, const struct attempt *attempt)
{
	mode_t before = 0;
	int err;

	if (attempt->mode >= 0)
		before = umask(~(mode_t)attempt->mode & 0777);
	err = bind_by_folder(fd, attempt);
	if (attempt->mode >= 0)
		umask(before);
	return err;
}

/* Remember the inode, listen, and give the socket its name. */
static int publish(int fd, const struct attempt *attempt, bool replace)
{
	struct glint_unix_place *place = attempt->place;
	int dir = place->dir_fd;
	struct stat st;

	if (fstatat(dir, attempt->temporary, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	place->dev = st.st_dev;
	place->ino = st.st_ino;
	if (listen(fd, SOMAXCONN) < 0)
		return -errno;
	/* A program that ignores the lock may have created a file there meanwhile. */
	if (!replace) {
		if (renameat2(dir, attempt->temporary, dir, place->name, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno == EEXIST)
			return -EADDRINUSE;
		if (errno != EINVAL && errno != ENOSYS)
			return -errno;
		/* The file system does not support RENAME_NOREPLACE. */
	}
	return renameat(dir, attempt->temporary, dir, place->name) < 0 ? -errno : 0;
}

/* The caller holds the lock. */
static int listen_at_place(int fd, struct attempt *attempt)
{
	int there, err = clear_temporary(attempt);

	if (err < 0)
		return err;
	there = check_place(attempt);
	if (there < 0)
		return there;
	err = bind_temporary(fd, attempt);
	if (err < 0)
		return err;
	err = publish(fd, attempt, there == 1);
	if (err < 0)
		(void)unlinkat(attempt->place->dir_fd, attempt->temporary, 0);
	return err;
}

static int log_failure(int err, const struct attempt *attempt)
{
	const struct glint_occupant *occupant = &attempt->occupant;

	if (attempt->obstacle)
		glint_log_error(&topic, "%s: %s", attempt->path, attempt->obstacle);
	else if (err == -EADDRINUSE && occupant->pid > 0)
		glint_log_error(&topic, "%s: process %d (%s) listens there", attempt->path,
				(int)occupant->pid,
				*occupant->command ? occupant->command : "its name is hidden");
	else if (err == -EADDRINUSE)
		glint_log_error(&topic, "%s: another process listens there", attempt->path);
	else
		glint_log_err(&topic, err, "cannot listen on %s", attempt->path);
	return err;
}

int glint_unix_listen(struct glint_unix_place *place, const char *path, bool replace, int mode)
{
	struct attempt attempt = { .place = place, .path = path, .replace = replace, .mode = mode };
	int fd, lock_fd, err = place_open(place, path);

	assert(mode >= -1 && mode <= 0777);

	if (err < 0)
		return log_failure(err, &attempt);
	snprintf(attempt.temporary, sizeof(attempt.temporary), ".%.*s.new", STEM_MAX, place->name);
	snprintf(attempt.lock, sizeof(attempt.lock), ".%.*s.lock", STEM_MAX, place->name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	lock_fd = fd < 0 ? -errno : lock_take(&attempt);
	err = lock_fd < 0 ? lock_fd : listen_at_place(fd, &attempt);
	if (lock_fd >= 0) {
		(void)unlinkat(place->dir_fd, attempt.lock, 0);
		close(lock_fd);
	}
	if (err < 0) {
		glint_close(&fd);
		glint_close(&place->dir_fd);
		return log_failure(err, &attempt);
	}
	return fd;
}

bool glint_unix_is_bound_to(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(address) - 1; /* a path of full length has no zero */
	struct stat bound, wished;

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	       address.sun_family == AF_UNIX && *address.sun_path &&
	       stat(address.sun_path, &bound) == 0 && stat(path, &wished) == 0 &&
	       bound.st_dev == wished.st_dev && bound.st_ino == wished.st_ino;
}

void glint_unix_unlink(const struct glint_unix_place *place)
{
	struct stat st;

	if (place->dir_fd < 0 || fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (st.st_dev == place->dev && st.st_ino == place->ino)
		(void)unlinkat(place->dir_fd, place->name, 0);
}
