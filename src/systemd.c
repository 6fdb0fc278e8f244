/* SPDX-License-Identifier: MIT */
/*
 * libsystemd takes the listeners. It is loaded if there are any, and not linked: it brings six more
 * libraries, and loading them takes several times as long as the rest of a start until the socket
 * listens.
 *
 * Notifications do not use libsystemd: sd_notify() sends in blocking mode, so a manager that has
 * stopped reading would stop the loop and all streams. A thread that blocks in sd_notify() could not
 * be ended. The protocol is one datagram of "NAME=value" lines, which sd_notify(3) promises to keep.
 */
#include "systemd.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/dlopen_note.h"
#include "base/log.h"
#include "base/macros.h"

#define LIBRARY	 "libsystemd.so.0"
#define PAUSE_NS GLINT_NSEC_PER_SEC

static const struct glint_log_topic topic = { "systemd" };

GLINT_DLOPEN_NOTE("systemd", "Sockets for --systemd", "recommended", LIBRARY);

/* --- Listeners ------------------------------------------------------------------------------ */

/* Return NULL without libsystemd, which is logged once. The library is never unloaded. */
static void *systemd_symbol(const char *name)
{
	static void *library;
	static bool tried;

	if (!tried)
		library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!tried && !library)
		glint_log_warn(&topic, "%s: the sockets of systemd are not taken", dlerror());
	tried = true;
	return library ? dlsym(library, name) : NULL;
}

unsigned glint_systemd_listeners(int fds[GLINT_SYSTEMD_FDS_MAX])
{
	typeof(sd_listen_fds) *listen_fds;
	typeof(sd_is_socket) *is_socket;
	unsigned n = 0;
	int count;

	if (!getenv("LISTEN_FDS"))
		return 0;
	listen_fds = systemd_symbol("sd_listen_fds");
	is_socket = systemd_symbol("sd_is_socket");
	count = listen_fds && is_socket ? listen_fds(1) : 0;
	if (count < 0)
		glint_log_err(&topic, count, "cannot take the listeners of systemd");
	for (int i = 0; i < count && n < GLINT_SYSTEMD_FDS_MAX; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (is_socket(fd, 0, SOCK_STREAM, 1) > 0)
			fds[n++] = fd;
		else
			glint_log_warn(&topic,
				       "descriptor %d is no listening stream socket: ignored", fd);
	}
	return n;
}

/* --- Notifications -------------------------------------------------------------------------- */

/*
 * @name: a path, or @ and an abstract name. The third form, "vsock:", is for the manager of a whole
 * virtual machine; services do not get it.
 */
static int parse_address(struct glint_systemd *systemd, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2)
		return -EAFNOSUPPORT;
	if (len >= sizeof(systemd->addr.sun_path))
		return -ENAMETOOLONG;
	systemd->addr.sun_family = AF_UNIX;
	memcpy(systemd->addr.sun_path, name, len + 1);
	if (name[0] == '@')
		systemd->addr.sun_path[0] = '\0';
	/* An abstract name ends with addr_len, which must not count a terminator. */
	systemd->addr_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
	return 0;
}

static void retry_later(struct glint_systemd *systemd)
{
	if (!glint_op_busy(&systemd->timer_op))
		glint_loop_timer(systemd->loop, &systemd->timer_op, systemd->next_ns);
}

/*
 * Send @extra and everything that waits in one datagram. -EAGAIN: the manager's queue is full, and
 * everything still waits. Another failure is logged once, and what waited is dropped, because the
 * manager is gone.
 */
static int send_waiting(struct glint_systemd *systemd, const char *extra)
{
	char text[sizeof(systemd->status) + 64];
	int len = snprintf(text, sizeof(text), "%s%s%s%s%s", extra,
			   systemd->ready_waits ? "READY=1\n" : "",
			   systemd->status_waits ? "STATUS=" : "",
			   systemd->status_waits ? systemd->status : "",
			   systemd->status_waits ? "\n" : "");
	/* Not connected, because a manager may bind the path again. */
	ssize_t sent = sendto(systemd->fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL,
			      (const struct sockaddr *)&systemd->addr, systemd->addr_len);
	int err = sent < 0 ? -errno : 0;

	assert(systemd->fd >= 0 && (size_t)len < sizeof(text));

	systemd->next_ns = glint_now_ns() + PAUSE_NS;
	if (err == -EAGAIN || err == -ENOBUFS || err == -EINTR)
		return -EAGAIN;
	if (err < 0 && !systemd->failure_logged) {
		glint_log_err(&topic, err, "cannot notify systemd at '%s'",
			      getenv("NOTIFY_SOCKET"));
		systemd->failure_logged = true;
	}
	systemd->ready_waits = false;
	systemd->status_waits = false;
	return 0;
}

static void send_or_retry(struct glint_systemd *systemd)
{
	if (send_waiting(systemd, "") < 0)
		retry_later(systemd);
}

static void systemd_on_timer(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_systemd *systemd = container_of(op, struct glint_systemd, timer_op);

	(void)flags;
	if (res == 0 && (systemd->ready_waits || systemd->status_waits))
		send_or_retry(systemd);
}

void glint_systemd_init(struct glint_systemd *systemd, struct glint_loop *loop)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int err;

	*systemd = (struct glint_systemd){ .loop = loop, .fd = -1 };
	systemd->timer_op.done = systemd_on_timer;
	if (!name || !*name)
		return;
	err = parse_address(systemd, name);
	if (err == 0)
		systemd->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (err == 0 && systemd->fd < 0)
		err = -errno;
	if (err < 0)
		glint_log_err(&topic, err, "cannot notify systemd at '%s' (NOTIFY_SOCKET)", name);
}

void glint_systemd_fini(struct glint_systemd *systemd)
{
	if (systemd->fd < 0)
		return;
	systemd->ready_waits = false;
	(void)send_waiting(systemd, "STOPPING=1\n");
	glint_loop_cancel(systemd->loop, &systemd->timer_op);
	glint_close(&systemd->fd);
}

void glint_systemd_ready(struct glint_systemd *systemd)
{
	if (systemd->fd < 0)
		return;
	systemd->ready_waits = true;
	send_or_retry(systemd);
}

void glint_systemd_status(struct glint_systemd *systemd, const char *text)
{
	if (systemd->fd < 0)
		return;
	snprintf(systemd->status, sizeof(systemd->status), "%s", text);
	systemd->status_waits = true;
	if (glint_now_ns() >= systemd->next_ns)
		send_or_retry(systemd);
	else
		retry_later(systemd);
}
