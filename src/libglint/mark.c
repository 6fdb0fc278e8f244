/* SPDX-License-Identifier: MIT */
#include <glint/client.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/protocol.h>

#include "libglint/request.h"

/* As the service takes names: they need no escape in a URL. */
static bool is_mark_id(const char *id)
{
	size_t len =
		strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");

	return len > 0 && len <= GLINT_MARK_NAME_MAX && id[len] == '\0';
}

int glint_client_mark(struct glint_client *client, const char *id, int keep_ms, char **json,
		      size_t *len)
{
	struct glint_client_request request = { "POST", NULL, NULL };
	char path[sizeof(GLINT_PATH_MARKS) + GLINT_MARK_NAME_MAX + 48], *end;

	*json = NULL;
	*len = 0;
	if (id && !is_mark_id(id))
		return -EINVAL;
	end = stpcpy(path, GLINT_PATH_MARKS);
	if (id)
		end += sprintf(end, "?" GLINT_QUERY_ID "=%s", id);
	if (keep_ms > 0)
		sprintf(end, "%c" GLINT_QUERY_KEEP "=%dms", id ? '&' : '?', keep_ms);
	request.path = path;
	return glint_client_json(client, &request, client->timeout_ms, json, len);
}

int glint_client_marks(struct glint_client *client, char **json, size_t *len)
{
	const struct glint_client_request request = { "GET", GLINT_PATH_MARKS, NULL };

	return glint_client_json(client, &request, client->timeout_ms, json, len);
}

int glint_client_unmark(struct glint_client *client, const char *id)
{
	struct glint_client_request request = { "DELETE", NULL, NULL };
	char path[sizeof(GLINT_PATH_MARKS) + GLINT_MARK_NAME_MAX + 8], *json;
	size_t len;
	int err;

	if (!is_mark_id(id))
		return -EINVAL;
	sprintf(path, GLINT_PATH_MARKS "?" GLINT_QUERY_ID "=%s", id);
	request.path = path;
	err = glint_client_json(client, &request, client->timeout_ms, &json, &len);
	/* A service without marks has no such path, and no JSON for it. */
	if (err == -EREMOTEIO && json)
		err = -ENOENT;
	free(json);
	return err;
}
