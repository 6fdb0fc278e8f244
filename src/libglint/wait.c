/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "libglint/request.h"

static int wait_with(struct glint_client *client, struct glint_client_request *request,
		     const char *conditions, int wait_ms, char **json, size_t *len)
{
	char *path;
	int err;

	*json = NULL;
	*len = 0;
	if (wait_ms < 0 || strpbrk(conditions, " \r\n#"))
		return -EINVAL;
	if (asprintf(&path, GLINT_PATH_WAIT "?%s&" GLINT_QUERY_TIMEOUT "=%dms", conditions,
		     wait_ms) < 0)
		return -ENOMEM;
	request->path = path;
	err = glint_client_json(client, request, glint_client_timeout(client, wait_ms), json, len);
	free(path);
	return err;
}

int glint_client_wait(struct glint_client *client, const char *conditions, int wait_ms, char **json,
		      size_t *len)
{
	struct glint_client_request request = { .method = "GET" };

	return wait_with(client, &request, conditions, wait_ms, json, len);
}

static const char *picture_type(const unsigned char *bytes, size_t size)
{
	if (size < 2)
		return NULL;
	if (bytes[0] == 0x89 && bytes[1] == 'P')
		return "image/png";
	if (bytes[0] == 0xff && bytes[1] == 0xd8)
		return "image/jpeg";
	if (bytes[0] == 'P' && bytes[1] == '6')
		return "image/x-portable-pixmap";
	if (bytes[0] == 'P' && bytes[1] == '5')
		return "image/x-portable-graymap";
	return NULL;
}

int glint_client_picture_request(struct glint_client_request *request, const void *picture,
				 size_t size)
{
	*request = (struct glint_client_request){
		.method = "POST",
		.body = picture,
		.type = picture_type(picture, size),
		.size = size,
	};
	return request->type ? 0 : -EINVAL;
}

int glint_client_wait_match(struct glint_client *client, const char *conditions,
			    const void *picture, size_t size, int wait_ms, char **json, size_t *len)
{
	struct glint_client_request request;
	int err = glint_client_picture_request(&request, picture, size);

	*json = NULL;
	*len = 0;
	return err < 0 ? err : wait_with(client, &request, conditions, wait_ms, json, len);
}
