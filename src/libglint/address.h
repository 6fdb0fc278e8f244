/* SPDX-License-Identifier: MIT */
/* Where the service is: what was asked for, or what can be found. */
#ifndef GLINT_LIBGLINT_ADDRESS_H
#define GLINT_LIBGLINT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Checks @wanted, or looks for a service when it is NULL, as client.h tells. The
 * caller frees *@out. -EINVAL, -ENAMETOOLONG, -ENOTUNIQ, -ENOMEM.
 */
int glint_address_choose(char **out, const char *wanted);

/* The path of a unix socket, within @address; NULL when it is a host and a port. */
const char *glint_address_path(const char *address);

/*
 * Takes "host:port" or "[host]:port" apart, into buffers of their own. -EINVAL: no
 * port, an empty host, or something longer than the buffers.
 */
int glint_address_split(const char *address, char *host, size_t host_size, char *port,
			size_t port_size);
#endif
