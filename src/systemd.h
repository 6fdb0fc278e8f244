/* SPDX-License-Identifier: MIT */
/*
 * Notifications to systemd, and the listening sockets that systemd passes. Loop thread only.
 */
#ifndef GLINT_SYSTEMD_H
#define GLINT_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/loop.h"

#define GLINT_SYSTEMD_FDS_MAX 8

/*
 * Notifications to systemd, if NOTIFY_SOCKET is set. No call blocks. A notification that a full
 * queue refuses waits here and is sent again a second later; a newer status replaces one that waits.
 */
struct glint_systemd {
	struct glint_loop *loop;
	struct glint_op timer_op; /* busy only while something waits */
	int fd;			  /* -1: no notifications */
	struct sockaddr_un addr;
	socklen_t addr_len;
	uint64_t next_ns; /* earliest time of the next status */
	bool ready_waits, status_waits;
	bool failure_logged;
	char status[64];
};

/* Write the listening sockets that systemd has passed to @fds. Returns their number. */
unsigned glint_systemd_listeners(int fds[GLINT_SYSTEMD_FDS_MAX]);

/* Read NOTIFY_SOCKET. After a failure, which is logged, there are no notifications. */
void glint_systemd_init(struct glint_systemd *systemd, struct glint_loop *loop);

/*
 * Send STOPPING=1, with one try, because the loop does not run any more. The memory must stay until
 * the loop is destroyed.
 */
void glint_systemd_fini(struct glint_systemd *systemd);

/* Send READY=1: the sockets answer. */
void glint_systemd_ready(struct glint_systemd *systemd);

/* Send STATUS=@text, which systemctl status shows: at most one a second, and always the last. */
void glint_systemd_status(struct glint_systemd *systemd, const char *text);
#endif
