/* SPDX-License-Identifier: MIT */
/* A unix socket that appears at its path when clients can connect to it. */
#ifndef GLINT_SOCK_UNIX_H
#define GLINT_SOCK_UNIX_H

#include <stdbool.h>
#include <sys/types.h>

/* The entry of the socket. The inode prevents that the socket of another process is removed. */
struct glint_unix_place {
	int dir_fd; /* of its folder; -1: no socket */
	char name[108];
	dev_t dev;
	ino_t ino;
};

/*
 * Open a listening socket at @path. A socket on which a process listens is never replaced, a stale
 * socket always is, and another file if @replace is set. The socket never has another mode than
 * @mode, permissions up to 0777; -1: by umask. Returns the descriptor, or an error that has been logged.
 */
int glint_unix_listen(struct glint_unix_place *place, const char *path, bool replace, int mode);

/* Returns whether the socket @fd is bound to the entry at @path. */
bool glint_unix_is_bound_to(int fd, const char *path);

/* Remove the entry if it still is this process's socket. Async-signal-safe. */
void glint_unix_unlink(const struct glint_unix_place *place);
#endif
