/* SPDX-License-Identifier: MIT */
#include <glint/client.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/protocol.h>

#include "libglint/login.h"
#include "libglint/request.h"

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

static int client_get(const struct glint_client *client, const char *path, char **json, size_t *len)
{
	const struct glint_client_request request = { .method = "GET", .path = path };
	int err = glint_client_json(client, &request, client->timeout_ms, json, len);

	if (err < 0) { /* the reason of a refusal is not what the caller wants */
		free(*json);
		*json = NULL;
		*len = 0;
	}
	return err;
}

int glint_client_state(struct glint_client *client, char **json, size_t *len)
{
	return client_get(client, GLINT_PATH_STATE, json, len);
}

int glint_client_config(struct glint_client *client, char **json, size_t *len)
{
	return client_get(client, GLINT_PATH_CONFIG, json, len);
}

/* Bytes that are not UTF-8 are sent as they are; the service refuses them. */
static void put_json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < ' ')
			fprintf(out, "\\u%04x", byte);
		else
			fputc(byte, out);
	}
	fputc('"', out);
}

/* Return the body of a PATCH, which the caller frees; NULL: no memory. */
static char *make_patch(const struct glint_setting *settings, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return NULL;
	fputc('{', out);
	for (size_t i = 0; i < n; i++) {
		fputs(i > 0 ? ", " : "", out);
		put_json_string(out, settings[i].name);
		fputs(": ", out);
		if (settings[i].value)
			put_json_string(out, settings[i].value);
		else
			fputs("null", out);
	}
	fputc('}', out);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}

static int client_patch(const struct glint_client *client, const char *path,
			const struct glint_setting *settings, size_t n, char **json, size_t *len)
{
	struct glint_client_request request = { "PATCH", path, NULL };
	char *body = make_patch(settings, n);
	int err;

	*json = NULL;
	*len = 0;
	if (!body)
		return -ENOMEM;
	request.body = body;
	err = glint_client_json(client, &request, client->timeout_ms, json, len);
	free(body);
	return err;
}

int glint_client_set(struct glint_client *client, const struct glint_setting *settings, size_t n,
		     char **json, size_t *len)
{
	return client_patch(client, GLINT_PATH_CONFIG, settings, n, json, len);
}

int glint_client_controls(struct glint_client *client, char **json, size_t *len)
{
	const struct glint_client_request request = { "GET", GLINT_PATH_CONTROLS, NULL };

	return glint_client_json(client, &request, client->timeout_ms, json, len);
}

int glint_client_set_controls(struct glint_client *client, const struct glint_setting *values,
			      size_t n, char **json, size_t *len)
{
	return client_patch(client, GLINT_PATH_CONTROLS, values, n, json, len);
}

int glint_client_timings(struct glint_client *client, char **json, size_t *len)
{
	const struct glint_client_request request = { "GET", GLINT_PATH_TIMINGS, NULL };

	return glint_client_json(client, &request, client->timeout_ms, json, len);
}
