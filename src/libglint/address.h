/* SPDX-License-Identifier: MIT */
/* Where the service is: what was asked for, or what can be found. */
#ifndef GLINT_LIBGLINT_ADDRESS_H
#define GLINT_LIBGLINT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

/* Either a path, or a host with its port. */
struct glint_address {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char host[256], port[6];
	char prefix[256];	/* of all paths of the service, as behind a proxy: "/lab/hdmi", or "" */
};

/*
 * The text of @wanted, or of a service that is found when it is NULL, as client.h tells.
 * The caller frees *@out. -ENOTUNIQ, -ENOMEM.
 */
int glint_address_choose(char **out, const char *wanted);

/*
 * Understands a path, a host with or without its port, and a URL, as client.h tells.
 * -EINVAL: none of them; -ENAMETOOLONG: a path; -EPROTONOSUPPORT: a URL, but not of http.
 */
int glint_address_parse(struct glint_address *address, const char *text);
#endif
