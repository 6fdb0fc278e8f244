/* SPDX-License-Identifier: MIT */
/* Connect a socket to an address. */
#ifndef GLINT_LIBGLINT_CONNECT_H
#define GLINT_LIBGLINT_CONNECT_H

#include <stdint.h>

struct glint_address;

/*
 * Returns a descriptor, which the caller owns. connect(2)'s errors, -ETIMEDOUT,
 * -EHOSTUNREACH for an unknown host, -EISDIR for the path of a folder and -ENOTSOCK for
 * the path of another file that is no socket.
 */
int glint_connect(const struct glint_address *address, uint64_t deadline_ns);
#endif
