/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <stdlib.h>
#include <string.h>

static void read_all(struct connection *reply)
{
	size_t size;

	while (!connection_picture(reply, &size) && connection_wait(reply) == 0)
		;
}

void request_get(struct connection *reply, const char *address, const char *path)
{
	connection_open(reply, address);
	connection_ask(reply, path);
	read_all(reply);
}

void request_post(struct connection *reply, const char *address, const char *path)
{
	connection_open(reply, address);
	connection_post(reply, path);
	read_all(reply);
}

uint64_t request_number(const struct connection *reply, const char *before, const char *member)
{
	const uint8_t *end = reply->data + reply->used;
	const uint8_t *at = memmem(reply->data, reply->used, before, strlen(before));

	if (at)
		at = memmem(at, (size_t)(end - at), member, strlen(member));
	return at ? strtoull((const char *)at + strlen(member), NULL, 10) : 0;
}

uint64_t request_state(const char *address, const char *before, const char *member)
{
	struct connection reply;
	uint64_t number;

	request_get(&reply, address, "/state");
	number = request_number(&reply, before, member);
	connection_close(&reply);
	return number;
}
