/* SPDX-License-Identifier: MIT */
#include "sock/occupant.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

#define HANGUP_NS (500 * GLINT_NSEC_PER_MSEC)
#define TRIES_MAX 10 /* for a service without a free place, which closes each connection */

/* Get the process that has called listen(), from a connection @fd to its socket. */
static void identify(struct glint_occupant *occupant, int fd)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	char path[32];
	ssize_t n;
	int comm;

	*occupant = (struct glint_occupant){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
		return;
	occupant->pid = peer.pid;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)occupant->pid);
	comm = open(path, O_RDONLY | O_CLOEXEC);
	if (comm < 0)
		return;
	n = read(comm, occupant->command, sizeof(occupant->command) - 1);
	close(comm);
	occupant->command[MAX(n, 0)] = '\0';
	occupant->command[strcspn(occupant->command, "\n")] = '\0';
}

/* Connect and wait. Returns 1 if the peer hangs up, 0 if it does not, or an error. */
static int try_entry(struct glint_occupant *occupant, int entry, const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct pollfd hangup = { .fd = fd };
	int result;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", entry);
	result = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	if (result == -ENOENT) { /* there is no /proc */
		snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
		result = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	}
	if (result == 0) {
		identify(occupant, fd);
		result = poll(&hangup, 1, (int)(HANGUP_NS / GLINT_NSEC_PER_MSEC)) > 0;
	}
	close(fd);
	return result;
}

/*
 * After a kill the kernel keeps the files that an io_uring polled, such as a listening socket, for
 * some time (io_uring/io_uring.c, io_ring_exit_work). Connections succeed until the kernel closes
 * the socket, and are then reset. So the search connects again after a peer has hung up.
 */
int glint_occupant_find(struct glint_occupant *occupant, int entry, const char *path)
{
	uint64_t deadline_ns = glint_now_ns() + HANGUP_NS;
	int result, tries = 0;

	*occupant = (struct glint_occupant){ 0 };
	do
		result = try_entry(occupant, entry, path);
	while (result == 1 && ++tries < TRIES_MAX && glint_now_ns() < deadline_ns);
	if (result == -ECONNREFUSED || result == -ENOENT)
		return 0;
	/* Other errors, such as a full queue or a datagram socket, come from a live socket. */
	return result == -EACCES || result == -EPERM ? -EACCES : 1;
}
