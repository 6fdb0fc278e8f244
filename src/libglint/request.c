/* SPDX-License-Identifier: MIT */
#include "libglint/request.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>

#include "libglint/deadline.h"
#include "libglint/head.h"
#include "libglint/image.h"
#include "libglint/wire.h"

#define JSON_BYTES_MAX (4u << 20)

static int request_send(const struct glint_client *client, struct glint_wire *wire,
			const struct glint_client_request *request, uint64_t deadline_ns)
{
	const struct glint_address *address = &client->address;
	const char *login = client->login ? client->login : "";
	char *text, *whole, host[sizeof(address->host) + sizeof(address->port) + 3] = "localhost";
	const char *type = request->type ? request->type : "application/json";
	size_t size = !request->body ? 0 : request->type ? request->size : strlen(request->body);
	char about_body[120] = "";
	int len, err;

	if (!*address->path)
		snprintf(host, sizeof(host), strchr(address->host, ':') ? "[%s]:%s" : "%s:%s",
			 address->host, address->port);
	if (request->body)
		snprintf(about_body, sizeof(about_body),
			 "Content-Type: %s\r\nContent-Length: %zu\r\n", type, size);
	len = asprintf(&text, "%s %s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s%s\r\n",
		       request->method, address->prefix, request->path, host, about_body, login);
	if (len < 0)
		return -ENOMEM;
	/* One send: of two small ones, TCP would delay the second. */
	whole = realloc(text, (size_t)len + size + 1);
	if (!whole) {
		free(text);
		return -ENOMEM;
	}
	if (size > 0)
		memcpy(whole + len, request->body, size);
	err = glint_wire_send(wire, whole, (size_t)len + size, deadline_ns);
	free(whole);
	return err;
}

int glint_client_timeout(const struct glint_client *client, int wait_ms)
{
	if (client->timeout_ms <= 0)
		return 0;
	return wait_ms > INT32_MAX - client->timeout_ms ? INT32_MAX : wait_ms + client->timeout_ms;
}

int glint_status_error(unsigned status)
{
	switch (status) {
	case 200:
		return 0;
	case 400:
	case 422:
		return -EINVAL;
	case 401:
	case 403:
		return -EPERM;
	case 409:
		return -ENOTSUP;
	case 421:
		return -EADDRNOTAVAIL;
	case 429:
		return -EAGAIN;
	case 503:
		return -EBUSY;
	case 504:
		return -ETIME;
	default:
		return -EREMOTEIO;
	}
}

int glint_request_any(const struct glint_client *client, struct glint_wire *wire,
		      const struct glint_client_request *request, struct glint_head *head,
		      struct glint_image *image, uint64_t deadline_ns)
{
	int err = glint_wire_open(wire, &client->address, deadline_ns);

	if (err < 0)
		return err;
	err = request_send(client, wire, request, deadline_ns);
	/* A service with too many clients answers and closes without reading the request. */
	if (err == 0 || err == -ECONNRESET)
		err = glint_head_read(wire, head, image, deadline_ns);
	if (err == 0 && head->chunked)
		err = glint_wire_begin_chunks(wire);
	assert(err <= 0);
	if (err < 0)
		glint_wire_close(wire);
	return err;
}

int glint_request(const struct glint_client *client, struct glint_wire *wire, const char *path,
		  struct glint_head *head, struct glint_image *image, uint64_t deadline_ns)
{
	const struct glint_client_request request = { "GET", path, NULL };
	int err = glint_request_any(client, wire, &request, head, image, deadline_ns);

	if (err < 0)
		return err;
	err = glint_status_error(head->status);
	if (err < 0)
		glint_wire_close(wire);
	return err;
}

int glint_client_json(const struct glint_client *client, const struct glint_client_request *request,
		      int timeout_ms, char **json, size_t *len)
{
	uint64_t deadline_ns = glint_deadline_in(timeout_ms);
	struct glint_image reply = { 0 }; /* only its buffer is used */
	struct glint_head head;
	struct glint_wire wire;
	int err, status_err;

	*json = NULL;
	*len = 0;
	err = glint_request_any(client, &wire, request, &head, NULL, deadline_ns);
	if (err < 0)
		return err;
	status_err = glint_status_error(head.status);
	err = status_err < 0 ? status_err : -EPROTO;
	if (glint_head_is_type(&head, "application/json"))
		err = glint_image_receive(&reply, &wire, &head, JSON_BYTES_MAX, deadline_ns);
	glint_wire_close(&wire);
	if (err < 0) {
		glint_image_fini(&reply);
		return err;
	}
	*json = (char *)reply.data;
	*len = reply.size;
	return status_err;
}
