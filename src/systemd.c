/* SPDX-License-Identifier: MIT */
/*
 * libsystemd is loaded when it is asked for, and not linked: it brings six more
 * libraries, which cost every start several times what all of ours takes until
 * the socket listens.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/dlopen_note.h"
#include "base/log.h"
#include "systemd.h"

#define LIBRARY "libsystemd.so.0"

static const struct glint_log_topic topic = { "systemd" };

GLINT_DLOPEN_NOTE("systemd", "Readiness, status and sockets for --systemd", "recommended", LIBRARY);

/* NULL where there is no libsystemd, which is logged once. Never unloaded. */
static void *systemd_symbol(const char *name)
{
	static void *library;
	static bool tried;

	if (!tried)
		library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!tried && !library)
		glint_log_warn(&topic, "%s: --systemd has no effect", dlerror());
	tried = true;
	return library ? dlsym(library, name) : NULL;
}

static void notify(const char *message)
{
	typeof(sd_notify) *sd_notify_fn = systemd_symbol("sd_notify");

	if (sd_notify_fn)
		sd_notify_fn(0, message);
}

unsigned glint_systemd_listeners(int fds[GLINT_SYSTEMD_FDS_MAX])
{
	typeof(sd_listen_fds) *listen_fds = systemd_symbol("sd_listen_fds");
	typeof(sd_is_socket) *is_socket = systemd_symbol("sd_is_socket");
	int count = listen_fds && is_socket ? listen_fds(1) : 0;
	unsigned n = 0;

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

void glint_systemd_ready(void)
{
	notify("READY=1");
}

void glint_systemd_status(const char *text)
{
	char message[128];

	snprintf(message, sizeof(message), "STATUS=%s", text);
	notify(message);
}

void glint_systemd_stopping(void)
{
	notify("STOPPING=1");
}
