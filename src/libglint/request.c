/* SPDX-License-Identifier: MIT */
#include "libglint/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libglint/head.h"
#include "libglint/wire.h"

static int request_send(const struct glint_client *client, struct glint_wire *wire,
			const char *path, uint64_t deadline_ns)
{
	const struct glint_address *address = &client->address;
	const char *login = client->login ? client->login : "";
	char *text, host[sizeof(address->host) + sizeof(address->port) + 3] = "localhost";
	int len, err;

	if (!*address->path)
		snprintf(host, sizeof(host), strchr(address->host, ':') ? "[%s]:%s" : "%s:%s",
			 address->host, address->port);
	len = asprintf(&text, "GET %s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n",
		       address->prefix, path, host, login);
	if (len < 0)
		return -ENOMEM;
	err = glint_wire_send(wire, text, (size_t)len, deadline_ns);
	free(text);
	return err;
}

static int status_error(unsigned status)
{
	switch (status) {
	case 200:
		return 0;
	case 400:
		return -EINVAL;
	case 401:
	case 403:
		return -EPERM;
	case 421:
		return -EADDRNOTAVAIL;
	case 429:
		return -EAGAIN;
	case 503:
		return -EBUSY;
	default:
		return -EREMOTEIO;
	}
}

int glint_request(const struct glint_client *client, struct glint_wire *wire, const char *path,
		  struct glint_head *head, struct glint_image *image, uint64_t deadline_ns)
{
	int err = glint_wire_open(wire, &client->address, deadline_ns);

	if (err < 0)
		return err;
	err = request_send(client, wire, path, deadline_ns);
	/* A service that is full answers and closes before it has read what we asked. */
	if (err == 0 || err == -ECONNRESET)
		err = glint_head_read(wire, head, image, deadline_ns);
	if (err == 0)
		err = status_error(head->status);
	if (err == 0 && head->chunked)
		err = glint_wire_begin_chunks(wire);
	if (err < 0)
		glint_wire_close(wire);
	return err;
}
