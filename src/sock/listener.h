/* SPDX-License-Identifier: MIT */
/* The listening sockets of the service: a unix socket, TCP addresses, sockets from systemd. */
#ifndef GLINT_SOCK_LISTENER_H
#define GLINT_SOCK_LISTENER_H

#include <stdint.h>

#include "core/alarm.h"
#include "core/loop.h"
#include "sock/unix.h"

#define GLINT_LISTENERS_TCP_MAX	   4u
#define GLINT_LISTENERS_PASSED_MAX 16u
#define GLINT_LISTENERS_MAX	   (1 + GLINT_LISTENERS_TCP_MAX + GLINT_LISTENERS_PASSED_MAX)

/* Strings are borrowed for the call. */
struct glint_listen_config {
	const char *unix_path; /* NULL: none */
	bool unix_rm;	       /* replace also a file that is not a socket */
	int unix_mode;	       /* -1: by umask */
	const char *host;      /* NULL: no TCP */
	uint16_t port;	       /* 0: any free port */
	const int *passed_fds; /* opened by systemd; the listeners own them after success */
	unsigned n_passed_fds;
};

struct glint_listener {
	struct glint_op op; /* accept */
	struct glint_listeners *all;
	int fd;
	bool tcp;
};

struct glint_listeners {
	/* Called for a new connection; the callee owns @fd. */
	void (*accepted)(struct glint_listeners *listeners, int fd, bool tcp);
	struct glint_loop *loop;
	struct glint_listener list[GLINT_LISTENERS_MAX];
	unsigned count;
	uint16_t port; /* of the first TCP listener, else 0 */
	struct glint_unix_place place;
	struct glint_alarm retry; /* after descriptors ran out */
	uint64_t logged_ns;	  /* time of the last log line about it; 0: none */
	bool accepting;		  /* from start to stop */
	bool mixed;		  /* there are both unix sockets and TCP */
	bool remote;		  /* TCP on an address that other machines can reach */
};

/* Open all sockets that @config names. @listeners is zero but for accepted(). Errors are logged; on failure nothing is left open. */
int glint_listeners_open(struct glint_listeners *listeners, struct glint_loop *loop,
			 const struct glint_listen_config *config);

void glint_listeners_start(struct glint_listeners *listeners);

/* A descriptor has become free: accept again, if descriptors had run out. */
void glint_listeners_resume(struct glint_listeners *listeners);

/* Remove the path and cancel all operations, which have ended when the listeners are not busy. */
void glint_listeners_stop(struct glint_listeners *listeners);
bool glint_listeners_busy(const struct glint_listeners *listeners);

/* Close the sockets, which are no longer busy. */
void glint_listeners_close(struct glint_listeners *listeners);
#endif
