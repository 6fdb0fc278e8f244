/* SPDX-License-Identifier: MIT */
/* The client's inside, and the one way in which all of its calls begin. */
#ifndef GLINT_LIBGLINT_REQUEST_H
#define GLINT_LIBGLINT_REQUEST_H

#include <stdint.h>

#include "libglint/address.h"

struct glint_head;
struct glint_image;
struct glint_wire;

struct glint_client {
	char *name;	/* the address, as it was chosen */
	struct glint_address address;
	char *login;	/* a header with its CR LF, or NULL */
	int timeout_ms;
};

/*
 * Connects, asks for @path and reads the head of the answer. 0: the answer is 200
 * and @wire, which the caller closes, stands at its body; else there is nothing
 * to close.
 */
int glint_request(const struct glint_client *client, struct glint_wire *wire, const char *path,
		  struct glint_head *head, struct glint_image *image, uint64_t deadline_ns);
#endif
