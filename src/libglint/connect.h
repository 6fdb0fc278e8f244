/* SPDX-License-Identifier: MIT */
/* From an address to a connected socket. */
#ifndef GLINT_LIBGLINT_CONNECT_H
#define GLINT_LIBGLINT_CONNECT_H

#include <stdint.h>

struct glint_address;

/*
 * Returns a descriptor that is the caller's. connect(2)'s errors, -ETIMEDOUT, and
 * -EHOSTUNREACH for a host that nobody knows.
 */
int glint_connect(const struct glint_address *address, uint64_t deadline_ns);
#endif
