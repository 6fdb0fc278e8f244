/* SPDX-License-Identifier: MIT */
#include <glint/client.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/protocol.h>

#include "libglint/deadline.h"
#include "libglint/head.h"
#include "libglint/image.h"
#include "libglint/login.h"
#include "libglint/request.h"
#include "libglint/wire.h"

#define STATE_BYTES_MAX (4u << 20)

int glint_client_create(struct glint_client **out, const char *address)
{
	struct glint_client *client = calloc(1, sizeof(*client));
	int err;

	*out = NULL;
	if (!client)
		return -ENOMEM;
	err = glint_address_choose(&client->name, address);
	if (err == 0)
		err = glint_address_parse(&client->address, client->name);
	if (err < 0) {
		free(client->name);
		free(client);
		return err;
	}
	client->timeout_ms = GLINT_CLIENT_TIMEOUT_MS;
	*out = client;
	return 0;
}

void glint_client_destroy(struct glint_client *client)
{
	if (!client)
		return;
	free(client->name);
	free(client->login);
	free(client);
}

const char *glint_client_address(const struct glint_client *client)
{
	return client->name;
}

void glint_client_set_timeout(struct glint_client *client, int timeout_ms)
{
	client->timeout_ms = timeout_ms;
}

int glint_client_set_login(struct glint_client *client, const char *user, const char *password)
{
	char *login = NULL;
	int err = 0;

	if (user)
		err = glint_login_header(&login, user, password ? password : "");
	if (err < 0)
		return err;
	free(client->login);
	client->login = login;
	return 0;
}

/* Asks for @path and receives all of its body. */
static int client_get(const struct glint_client *client, const char *path, const char *type,
		      size_t max, struct glint_image *body)
{
	uint64_t deadline_ns = glint_deadline_in(client->timeout_ms);
	struct glint_head head;
	struct glint_wire wire;
	int err;

	glint_image_begin(body);
	err = glint_request(client, &wire, path, &head, body, deadline_ns);
	if (err < 0)
		return err;
	err = -EPROTO;
	if (glint_head_is_type(&head, type))
		err = glint_image_receive(body, &wire, &head, max, deadline_ns);
	glint_wire_close(&wire);
	return err;
}

int glint_client_state(struct glint_client *client, char **json, size_t *len)
{
	struct glint_image body = { 0 };	/* no picture, but the same kind of buffer */
	int err = client_get(client, GLINT_PATH_STATE, "application/json", STATE_BYTES_MAX, &body);

	*json = NULL;
	*len = 0;
	if (err < 0) {
		glint_image_fini(&body);
		return err;
	}
	*json = (char *)body.data;
	*len = body.size;
	return 0;
}

/* For the longest number there is. */
#define SNAPSHOT_PATH_MAX sizeof(GLINT_PATH_SNAPSHOT "?" GLINT_QUERY_AFTER "=18446744073709551615")

static void snapshot_path(char path[static SNAPSHOT_PATH_MAX], uint64_t after_ns)
{
	char *end = stpcpy(path, GLINT_PATH_SNAPSHOT);

	if (after_ns == 0)
		return;
	end = stpcpy(end, "?" GLINT_QUERY_AFTER "=");
	if (after_ns == GLINT_AFTER_NOW)
		stpcpy(end, "now");
	else
		sprintf(end, "%" PRIu64, after_ns);
}

/* A service that does not know the query would answer with any frame. */
static int check_exposure(const struct glint_image *image, uint64_t after_ns)
{
	if (after_ns == 0 || !image->online)
		return 0;
	if (!(image->known & GLINT_IMAGE_EXPOSURE))
		return -ENOTSUP;
	return after_ns == GLINT_AFTER_NOW || image->exposure_ns >= after_ns ? 0 : -EPROTO;
}

int glint_client_snapshot(struct glint_client *client, const struct glint_snapshot_options *options,
			  struct glint_image *image)
{
	uint64_t after_ns = options ? options->after_ns : 0;
	char path[SNAPSHOT_PATH_MAX];
	int err;

	snapshot_path(path, after_ns);
	err = client_get(client, path, "image/jpeg", GLINT_IMAGE_BYTES_MAX, image);
	if (err == 0 && image->size == 0)
		err = -EPROTO;
	if (err == 0)
		err = check_exposure(image, after_ns);
	if (err < 0) {
		glint_image_begin(image);
		image->online = false;
		return err;
	}
	/*
	 * Asking for the picture and reading what it says about itself works with every
	 * service, those included that do not know the query for live pictures only.
	 */
	if (!image->online && !(options && options->any)) {
		image->size = 0;
		return -ENODATA;
	}
	return 0;
}
