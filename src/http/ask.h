/* SPDX-License-Identifier: MIT */
/*
 * A reply that waits for the service: the service has the client's request until it calls the
 * request's done(). If the connection ends before, the request is taken back.
 */
#ifndef GLINT_HTTP_ASK_H
#define GLINT_HTTP_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "http/client.h"

struct glint_ask;

struct glint_ask_ops {
	/* Take the request back from the service. */
	void (*forget)(struct glint_ask *ask);
	/* Free what the ask owns, but not its own memory. NULL: nothing. */
	void (*fini)(struct glint_ask *ask);
};

struct glint_ask {
	struct glint_activity activity;
	const struct glint_ask_ops *ops;
	struct glint_client *client;
	bool waits; /* the service has the request; set and cleared by the owner */
};

/*
 * Allocate @size bytes of zeroes, which begin with a struct glint_ask, and make it the activity of
 * @client, which frees it. NULL: no memory, and the request is answered.
 */
void *glint_ask_create(struct glint_client *client, size_t size, const struct glint_ask_ops *ops);

/* End with the client's side of the connection. Further requests of this connection are dropped. */
void glint_ask_end_with_input(struct glint_ask *ask);
#endif
