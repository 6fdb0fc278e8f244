/* SPDX-License-Identifier: MIT */
/*
 * GET /edid: the EDID that the device shows to its source, in words or as bytes. PUT /edid: another
 * one, by name or as bytes. Both wait for the device.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/edid.h"
#include "core/status.h"
#include "http/ask.h"
#include "http/client.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/route.h"

#define NAME_BODY_MAX 1024u

enum { PARAM_FORMAT, PARAMS };
enum { FORMAT_JSON, FORMAT_BINARY };

static const char *const formats[] = { "json", "binary", NULL };

static const struct glint_param params[] = {
	[PARAM_FORMAT] = { "format", GLINT_PARAM_WORD, .words = formats,
			   .help = "What the reply is: what the EDID says, or its bytes. Without it, "
				   "Accept: application/octet-stream asks for the bytes." },
	[PARAMS] = { NULL },
};

struct ask {
	struct glint_ask ask;
	bool binary;   /* reply with the bytes */
	char name[65]; /* of a built-in EDID */
	struct glint_edid_request request;
};

static void ask_forget(struct glint_ask *ask)
{
	const struct glint_server *server = ask->client->server;

	server->ops->forget_edid(server->ctx, &container_of(ask, struct ask, ask)->request);
}

static const struct glint_ask_ops ask_ops = { .forget = ask_forget };

/* --- Replies -------------------------------------------------------------------------- */

static void reply_refusal(struct ask *ask)
{
	static const struct glint_refusal refusals[] = {
		{ -EINVAL, 400, "bad-edid" },	       { -ENOENT, 400, "unknown-edid" },
		{ -ENODATA, 404, "no-edid" },	       { -ENOTTY, 409, "no-edid-support" },
		{ -E2BIG, 409, "edid-too-large" },     { -EBUSY, 409, "busy" },
		{ -EIO, 409, "other-edid" },	       { -ENODEV, 503, "no-device" },
		{ -ENOMEM, 503, "no-memory" },	       { -ETIMEDOUT, 503, "device-silent" },
		{ -EUSERS, 503, "too-many-requests" }, { 0, 409, "refused-by-device" },
	};

	glint_json_refuse_error(ask->ask.client, refusals, ask->request.err, ask->request.message);
}

static void reply_bytes(struct ask *ask)
{
	const struct glint_edid_request *request = &ask->request;
	char *bytes = malloc(request->edid_size);

	if (!bytes) {
		glint_reply_error(ask->ask.client, 503);
		return;
	}
	memcpy(bytes, request->edid, request->edid_size);
	glint_reply_owned(ask->ask.client, 200, "application/octet-stream", bytes,
			  request->edid_size);
}

static void tell_hex(const struct glint_edid_request *request, struct glint_report *report)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * GLINT_EDID_REQUEST_MAX + 1];

	for (size_t i = 0; i < request->edid_size; i++) {
		hex[2 * i] = digits[request->edid[i] >> 4];
		hex[2 * i + 1] = digits[request->edid[i] & 0xf];
	}
	hex[2 * request->edid_size] = '\0';
	glint_report_text(report, "hex", hex);
}

static void reply_words(struct ask *ask)
{
	const struct glint_server *server = ask->ask.client->server;
	const struct glint_edid_request *request = &ask->request;
	struct glint_json_report json;

	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", true);
	glint_report_object(&json.report, "result");
	server->ops->tell_edid(server->ctx, request->edid, request->edid_size, &json.report);
	if (request->write)
		glint_report_bool(&json.report, "physical_address_kept", request->address_kept);
	tell_hex(request, &json.report);
	glint_report_end(&json.report);
	glint_json_report_reply(&json, ask->ask.client);
}

static void ask_done(struct glint_edid_request *request)
{
	struct ask *ask = container_of(request, struct ask, request);

	ask->ask.waits = false;
	if (request->err < 0)
		reply_refusal(ask);
	else if (ask->binary)
		reply_bytes(ask);
	else
		reply_words(ask);
}

/* --- Requests ------------------------------------------------------------------------- */

/* NULL: the request is answered. */
static struct ask *ask_create(struct glint_client *client)
{
	struct ask *ask;

	if (!client->server->ops->ask_edid) {
		glint_reply_error(client, 503);
		return NULL;
	}
	ask = glint_ask_create(client, sizeof(*ask), &ask_ops);
	if (ask)
		ask->request.done = ask_done;
	return ask;
}

static void ask_begin(struct ask *ask)
{
	const struct glint_server *server = ask->ask.client->server;

	ask->ask.waits = server->ops->ask_edid(server->ctx, &ask->request) == 0;
	if (!ask->ask.waits)
		reply_refusal(ask);
}

static void edid_get(struct glint_client *client)
{
	const char *accept = glint_parser_request(client->parser)->accept;
	struct glint_param_value values[PARAMS];
	struct ask *ask;

	if (!glint_json_query(client, values))
		return;
	ask = ask_create(client);
	if (!ask)
		return;
	if (values[PARAM_FORMAT].count > 0)
		ask->binary = values[PARAM_FORMAT].word == FORMAT_BINARY;
	else
		ask->binary = accept && strcasecmp(accept, "application/octet-stream") == 0;
	ask_begin(ask);
}

/* False: the request is answered. */
static bool read_name(struct ask *ask)
{
	json_t *body = glint_json_body(ask->ask.client);
	const char *name = json_string_value(json_object_get(body, "name"));
	bool good = name && json_object_size(body) == 1;

	if (!body)
		return false;
	if (good) {
		strncpy(ask->name, name, sizeof(ask->name) - 1);
		ask->request.name = ask->name;
	} else {
		glint_json_refuse(ask->ask.client, 422, "no-name",
				  "the body must be {\"name\": NAME}, or the bytes of an EDID as "
				  "application/octet-stream");
	}
	json_decref(body);
	return good;
}

static void edid_put(struct glint_client *client)
{
	const struct glint_request *http = glint_parser_request(client->parser);
	struct ask *ask = ask_create(client);

	if (!ask)
		return;
	ask->request.write = true;
	if (http->content_type && strncasecmp(http->content_type, "application/json", 16) == 0) {
		if (!read_name(ask))
			return;
	} else {
		ask->request.bytes = (const uint8_t *)http->body;
		ask->request.size = http->body_size;
	}
	ask_begin(ask);
}

static const char *const byte_types[] = { "application/octet-stream", NULL };

#define NOT_NOW                                                                                    \
	{                                                                                          \
		503, "application/json", "Refusal", "no-device, device-silent, too-many-requests." \
	}

static const struct glint_answer get_answers[] = {
	{ 200, "application/json", "Edid", "What it says." },
	{ 200, "application/octet-stream", NULL, "Its bytes." },
	{ 404, "application/json", "Refusal", "no-edid: the device has none at present." },
	{ 409, "application/json", "Refusal", "no-edid-support, refused-by-device." },
	NOT_NOW,
	{ 0 },
};

static const struct glint_answer put_answers[] = {
	{ 200, "application/json", "Edid", "What the device has now, read back from it." },
	{ 400, "application/json", "Refusal", "bad-json, bad-edid, unknown-edid." },
	{ 409, "application/json", "Refusal",
	  "no-edid-support, edid-too-large, busy, other-edid, refused-by-device." },
	{ 422, "application/json", "Refusal", "no-name." },
	NOT_NOW,
	{ 0 },
};

const struct glint_route glint_route_edid = {
	.paths = { "/edid" },
	.on[GLINT_METHOD_GET] = {
		.handle = edid_get,
		.params = params,
		.summary = "The EDID that the device shows to its source.",
		.answers = get_answers,
	},
	.on[GLINT_METHOD_PUT] = {
		.handle = edid_put,
		.body_max = NAME_BODY_MAX,
		.media_type = "application/json",
		.byte_types = byte_types,
		.byte_max = GLINT_EDID_REQUEST_MAX,
		.params = glint_no_params,
		.changes = true,
		.summary = "Show another EDID to the source, by name or as bytes.",
		.body_schema = "EdidName",
		.answers = put_answers,
	},
};
