/* SPDX-License-Identifier: MIT */
/*
 * The bodies of requests, collected in memory. Each body has a maximum, and all bodies of a server
 * together have one: a body above it is refused.
 */
#ifndef GLINT_HTTP_BODY_H
#define GLINT_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

#define GLINT_BODIES_MAX (16u << 20) /* bytes, of all bodies together */

/* All zero: no body is held. */
struct glint_bodies {
	size_t bytes;	  /* allocated now */
	uint64_t refused; /* since start: above the bound, or without memory */
};

/* All zero: no body, and glint_body_add() is not allowed. */
struct glint_body {
	struct glint_bodies *all;
	char *bytes; /* zero-terminated; NULL: there is no body */
	size_t size, capacity, max;
};

/*
 * Prepare for a body of at most @max bytes, and allocate @expected bytes; 0: the size is not known.
 * Errors: -EMSGSIZE (@expected is above @max), -ENOBUFS (all bodies together are too large),
 * -ENOMEM.
 */
int glint_body_begin(struct glint_body *body, struct glint_bodies *all, size_t max,
		     uint64_t expected);

/* Append. Errors as above; the body stays as it was. */
int glint_body_add(struct glint_body *body, const char *bytes, size_t count);

/* Free the memory; @body is all zero afterwards. Fine without a body. */
void glint_body_end(struct glint_body *body);
#endif
