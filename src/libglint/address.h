/* SPDX-License-Identifier: MIT */
/* The address of a service: named by the caller, or found. */
#ifndef GLINT_LIBGLINT_ADDRESS_H
#define GLINT_LIBGLINT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

/* Either a path, or a host with its port. */
struct glint_address {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char host[256], port[6];
	char prefix[256]; /* before each path, behind a proxy: "/lab/hdmi"; or "" */
};

/*
 * Copy @wanted to *@out. If @wanted is NULL, look for a service as client.h describes. The caller
 * frees *@out. Errors: -ENOTUNIQ, -ENOMEM.
 */
int glint_address_choose(char **out, const char *wanted);

/*
 * Parse a path, a host with or without a port, or a URL, as client.h describes. -EINVAL:
 * none of these; -ENAMETOOLONG: the path is too long; -EPROTONOSUPPORT: not an http URL.
 */
int glint_address_parse(struct glint_address *address, const char *text);
#endif
