/* SPDX-License-Identifier: MIT */
#include <glint/client.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <glint/protocol.h>

#include "libglint/request.h"

#define NAME_BYTES_MAX 32

int glint_client_edid(struct glint_client *client, char **json, size_t *len)
{
	const struct glint_client_request request = { "GET", GLINT_PATH_EDID, NULL };

	return glint_client_json(client, &request, client->timeout_ms, json, len);
}

/* Such a name needs no escape in JSON. */
static bool is_name(const char *name)
{
	size_t len =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	return len > 0 && len <= NAME_BYTES_MAX && !name[len];
}

int glint_client_set_edid(struct glint_client *client, const char *name, const void *edid,
			  size_t size, char **json, size_t *len)
{
	struct glint_client_request request = { .method = "PUT", .path = GLINT_PATH_EDID };
	char body[NAME_BYTES_MAX + sizeof("{\"name\": \"\"}")];

	*json = NULL;
	*len = 0;
	if (name && !is_name(name))
		return -EINVAL;
	if (name) {
		snprintf(body, sizeof(body), "{\"name\": \"%s\"}", name);
		request.body = body;
	} else {
		request.body = edid;
		request.type = "application/octet-stream";
		request.size = size;
	}
	return glint_client_json(client, &request, client->timeout_ms, json, len);
}
