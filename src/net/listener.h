/* SPDX-License-Identifier: MIT */
/*
 * The sockets that are listened on: a unix socket that appears at its path when
 * it can be connected to, TCP addresses, and those that systemd has opened.
 */
#ifndef GLINT_NET_LISTENER_H
#define GLINT_NET_LISTENER_H

#include <stdint.h>
#include <sys/types.h>

#include "core/loop.h"
#include "net/alarm.h"

#define GLINT_LISTENERS_TCP_MAX	   4u
#define GLINT_LISTENERS_PASSED_MAX 16u
#define GLINT_LISTENERS_MAX	   (1 + GLINT_LISTENERS_TCP_MAX + GLINT_LISTENERS_PASSED_MAX)

struct glint_net_config;

struct glint_listener {
	struct glint_op op;		/* accept */
	struct glint_listeners *all;
	int fd;
	bool tcp;
};

/* Where our unix socket lies, and which inode it is: another's is not removed. */
struct glint_unix_place {
	int dir_fd;			/* of its folder; -1: there is none */
	char name[108];
	dev_t dev;
	ino_t ino;
};

struct glint_listeners {
	/* A connection: @fd is the callee's. */
	void (*accepted)(struct glint_listeners *listeners, int fd, bool tcp);
	struct glint_loop *loop;
	struct glint_listener list[GLINT_LISTENERS_MAX];
	unsigned count;
	uint16_t port;			/* of the first TCP listener, else 0 */
	struct glint_unix_place place;
	struct glint_alarm retry;	/* after descriptors ran out */
	uint64_t complained_ns;		/* when that was logged last */
	bool accepting, waiting;
	bool mixed;			/* both unix sockets and TCP */
};

/* Opens all that @config names. Logs its errors; nothing is left open on failure. */
int glint_listeners_open(struct glint_listeners *listeners, struct glint_loop *loop,
			 const struct glint_net_config *config);

void glint_listeners_start(struct glint_listeners *listeners);

/* A descriptor has become free: accept again, if that was what lacked. */
void glint_listeners_resume(struct glint_listeners *listeners);

/* Removes the path, and asks for the end of all operations. */
void glint_listeners_stop(struct glint_listeners *listeners);
bool glint_listeners_busy(const struct glint_listeners *listeners);

/* When no longer busy. */
void glint_listeners_close(struct glint_listeners *listeners);

/*
 * Open a listening socket at @path. A socket that a process listens on is never replaced, a
 * stale one always is, and another file when @replace says so. @mode is the socket's from the
 * beginning; -1 leaves it to the umask. Return the descriptor, or an error that was logged.
 */
int glint_unix_listen(struct glint_unix_place *place, const char *path, bool replace, int mode);

/* Whether the socket @fd was bound to what lies at @path. */
bool glint_unix_is_bound_to(int fd, const char *path);

/* Removes the socket if it is still ours. Async-signal-safe. */
void glint_unix_unlink(const struct glint_unix_place *place);

/* Opens up to @max listening sockets; how many, or an error that was logged. */
int glint_tcp_listen(int *fds, unsigned max, const char *host, uint16_t port);

/* 0 when @fd is no TCP socket. */
uint16_t glint_listener_port(int fd);
#endif
