/* SPDX-License-Identifier: MIT */
#include "http/ask.h"

#include <assert.h>
#include <stdlib.h>

#include "base/macros.h"
#include "http/reply.h"

static struct glint_ask *ask_of(struct glint_activity *activity)
{
	return container_of(activity, struct glint_ask, activity);
}

static void ask_stop(struct glint_activity *activity)
{
	struct glint_ask *ask = ask_of(activity);

	if (ask->waits)
		ask->ops->forget(ask);
	ask->waits = false;
}

static void ask_free(struct glint_activity *activity)
{
	struct glint_ask *ask = ask_of(activity);

	if (ask->ops->fini)
		ask->ops->fini(ask);
	free(ask);
}

static const struct glint_activity_ops ops = {
	.stop = ask_stop,
	.free = ask_free,
};

static const struct glint_activity_ops ops_with_input = {
	.stop = ask_stop,
	.free = ask_free,
	.ends_with_input = true,
};

void *glint_ask_create(struct glint_client *client, size_t size,
		       const struct glint_ask_ops *ask_ops)
{
	struct glint_ask *ask;

	assert(size >= sizeof(*ask));

	ask = calloc(1, size);
	if (!ask) {
		glint_reply_error(client, 503);
		return NULL;
	}
	ask->activity.ops = &ops;
	ask->ops = ask_ops;
	ask->client = client;
	glint_client_set_activity(client, &ask->activity);
	return ask;
}

void glint_ask_end_with_input(struct glint_ask *ask)
{
	ask->activity.ops = &ops_with_input;
	/* Bytes after this request are read to notice that the peer closes, and are dropped. */
	ask->client->keep_alive = false;
}
