/* SPDX-License-Identifier: MIT */
/*
 * What systemd is told, and the listeners that systemd passes. Without NOTIFY_SOCKET
 * nothing is told. Loop thread only.
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
 * Notifications to systemd. No call blocks: what a full queue refuses waits here, the newest
 * status in place of the one before, and is sent again a second later.
 */
struct glint_systemd {
	struct glint_loop *loop;
	struct glint_op timer_op;	/* busy only while something waits */
	int fd;				/* -1: nobody to tell */
	struct sockaddr_un addr;
	socklen_t addr_len;
	uint64_t next_ns;		/* no status before */
	bool ready_waits, status_waits;
	bool failure_told;
	char status[64];
};

/* Puts the listening sockets that were passed in into @fds; returns how many. */
unsigned glint_systemd_listeners(int fds[GLINT_SYSTEMD_FDS_MAX]);

/* Reads NOTIFY_SOCKET. A failure is logged, and then nothing is told. */
void glint_systemd_init(struct glint_systemd *systemd, struct glint_loop *loop);

/*
 * STOPPING=1, tried once: the loop does not run any more. The memory stays until the loop
 * has ended.
 */
void glint_systemd_fini(struct glint_systemd *systemd);

/* READY=1: the sockets answer. */
void glint_systemd_ready(struct glint_systemd *systemd);

/* STATUS=@text, shown by systemctl status. At most one a second is sent, the last always. */
void glint_systemd_status(struct glint_systemd *systemd, const char *text);
#endif
