/* SPDX-License-Identifier: MIT */
#include <glint/client.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/protocol.h>

#include "libglint/request.h"

static int record_with(struct glint_client *client, struct glint_client_request *request,
		       const char *query, int wait_ms, char **json, size_t *len)
{
	char *path;
	int err;

	*json = NULL;
	*len = 0;
	if (wait_ms < 0 || strpbrk(query, " \r\n#"))
		return -EINVAL;
	if (asprintf(&path, GLINT_PATH_RECORD "%s%s", *query ? "?" : "", query) < 0)
		return -ENOMEM;
	request->path = path;
	err = glint_client_json(client, request, glint_client_timeout(client, wait_ms), json, len);
	free(path);
	return err;
}

int glint_client_record(struct glint_client *client, const char *query, int wait_ms, char **json,
			size_t *len)
{
	struct glint_client_request request = { .method = "POST" };

	return record_with(client, &request, query, wait_ms, json, len);
}

int glint_client_record_match(struct glint_client *client, const char *query, const void *picture,
			      size_t size, int wait_ms, char **json, size_t *len)
{
	struct glint_client_request request;
	int err = glint_client_picture_request(&request, picture, size);

	*json = NULL;
	*len = 0;
	return err < 0 ? err : record_with(client, &request, query, wait_ms, json, len);
}

int glint_client_recordings(struct glint_client *client, char **json, size_t *len)
{
	struct glint_client_request request = { .method = "GET" };

	return record_with(client, &request, "", 0, json, len);
}

int glint_client_record_stop(struct glint_client *client, const char *name, char **json,
			     size_t *len)
{
	struct glint_client_request request = { .method = "DELETE" };
	char query[8 + GLINT_RECORD_NAME_MAX];

	*json = NULL;
	*len = 0;
	if (strlen(name) > GLINT_RECORD_NAME_MAX ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")])
		return -EINVAL;
	snprintf(query, sizeof(query), "name=%s", name);
	return record_with(client, &request, query, 0, json, len);
}
