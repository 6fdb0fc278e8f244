/* SPDX-License-Identifier: MIT */
#include "net/occupant.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define HANGUP_NS (500 * GLINT_NSEC_PER_MSEC)
#define TRIES_MAX 10	/* for a service that is full, and hangs up on every client */

static void read_command(struct glint_occupant *occupant)
{
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)occupant->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, occupant->command, sizeof(occupant->command) - 1);
	close(fd);
	occupant->command[MAX(n, 0)] = '\0';
	occupant->command[strcspn(occupant->command, "\n")] = '\0';
}

/* The kernel notes the process at its call of listen(). */
static void identify(struct glint_occupant *occupant, int fd)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	*occupant = (struct glint_occupant){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
		return;
	occupant->pid = peer.pid;
	read_command(occupant);
}

static int connect_entry(int fd, int entry, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", entry);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/* Connect, and wait for the peer to hang up. Return 1: it did, 0: it did not, or an error. */
static int try_entry(struct glint_occupant *occupant, int entry, const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd hangup = { .fd = fd };
	int result;

	if (fd < 0)
		return -errno;
	result = connect_entry(fd, entry, path);
	if (result == 0) {
		identify(occupant, fd);
		result = poll(&hangup, 1, (int)(HANGUP_NS / GLINT_NSEC_PER_MSEC)) > 0;
	}
	close(fd);
	return result;
}

/*
 * After a kill the kernel keeps what an io_uring polled, a listening socket among it, for
 * some time (io_uring/io_uring.c, io_ring_exit_work). Connections still succeed then, and
 * end when the kernel lets go: so a peer that hangs up is asked again.
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
