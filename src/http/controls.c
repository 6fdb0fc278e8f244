/* SPDX-License-Identifier: MIT */
/*
 * GET /controls: the controls of the device, with their ranges and values. PATCH /controls: change
 * some of them, all that the request names or none. Both wait for the device.
 */
#include <stdlib.h>

#include "core/control.h"
#include "core/status.h"
#include "http/ask.h"
#include "http/assignments.h"
#include "http/client.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/reply.h"
#include "http/route.h"

#define BODY_MAX 16384u

struct ask {
	struct glint_ask ask;
	struct glint_assignments assignments;
	struct glint_control_request request;
};

static struct ask *ask_of(struct glint_ask *ask)
{
	return container_of(ask, struct ask, ask);
}

static void ask_forget(struct glint_ask *ask)
{
	const struct glint_server *server = ask->client->server;

	server->ops->forget_controls(server->ctx, &ask_of(ask)->request);
}

static void ask_fini(struct glint_ask *ask)
{
	glint_assignments_free(&ask_of(ask)->assignments);
}

static const struct glint_ask_ops ask_ops = {
	.forget = ask_forget,
	.fini = ask_fini,
};

/* --- Replies ------------------------------------------------------------------------------ */

static void reply_done(struct ask *ask)
{
	const struct glint_server *server = ask->ask.client->server;
	struct glint_json_report json;

	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", true);
	glint_report_object(&json.report, "result");
	server->ops->tell_controls(server->ctx, &ask->request, &json.report);
	glint_report_end(&json.report);
	glint_json_report_reply(&json, ask->ask.client);
}

/* What was asked for, as text; NULL: the default. */
static const char *asked_of(const struct glint_control_request *request)
{
	for (unsigned i = 0; i < request->n_values; i++)
		if (request->values[i].name == request->name)
			return request->values[i].value;
	return NULL;
}

static void refuse(struct ask *ask, unsigned status, const char *reason)
{
	const struct glint_control_request *request = &ask->request;
	bool adjusted = request->outcome == GLINT_CONTROL_ADJUSTED;
	const char *value = asked_of(request);
	struct glint_json_report json;

	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", false);
	glint_report_object(&json.report, "error");
	glint_report_text(&json.report, "reason", reason);
	glint_report_text(&json.report, "message", request->message);
	if (request->name)
		glint_report_text(&json.report, "name", request->name);
	if (request->name && value)
		glint_report_text(&json.report, adjusted ? "asked" : "value", value);
	if (*request->allowed)
		glint_report_text(&json.report, "allowed", request->allowed);
	if (adjusted)
		glint_report_text(&json.report, "got", request->got);
	glint_report_end(&json.report);
	glint_json_report_send(&json, ask->ask.client, status);
}

static void reply(struct ask *ask)
{
	switch (ask->request.outcome) {
	case GLINT_CONTROL_DONE:
		reply_done(ask);
		break;
	case GLINT_CONTROL_UNKNOWN:
		refuse(ask, 400, "unknown-control");
		break;
	case GLINT_CONTROL_BAD_VALUE:
		refuse(ask, 400, "bad-value");
		break;
	case GLINT_CONTROL_REPEATED:
		refuse(ask, 400, "repeated-control");
		break;
	case GLINT_CONTROL_READ_ONLY:
		refuse(ask, 409, "read-only");
		break;
	case GLINT_CONTROL_ADJUSTED:
		refuse(ask, 409, "adjusted-by-device");
		break;
	case GLINT_CONTROL_BUSY:
		refuse(ask, 409, "busy");
		break;
	case GLINT_CONTROL_REFUSED:
		refuse(ask, 409, "refused-by-device");
		break;
	case GLINT_CONTROL_AWAY:
		refuse(ask, 503, "no-device");
		break;
	case GLINT_CONTROL_SILENT:
		refuse(ask, 503, "device-silent");
		break;
	case GLINT_CONTROL_MANY:
		refuse(ask, 503, "too-many-requests");
		break;
	case GLINT_CONTROL_NO_MEMORY:
		glint_reply_error(ask->ask.client, 503);
		break;
	}
}

static void ask_done(struct glint_control_request *request)
{
	struct ask *ask = container_of(request, struct ask, request);

	ask->ask.waits = false;
	reply(ask);
}

/* --- Requests ------------------------------------------------------------------------------- */

/* NULL: the request is answered. */
static struct ask *ask_create(struct glint_client *client)
{
	struct ask *ask;

	if (!client->server->ops->ask_controls) {
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

	ask->ask.waits = server->ops->ask_controls(server->ctx, &ask->request) == 0;
	if (!ask->ask.waits)
		reply(ask);
}

static void controls_get(struct glint_client *client)
{
	struct ask *ask = ask_create(client);

	if (ask)
		ask_begin(ask);
}

static void controls_patch(struct glint_client *client)
{
	struct ask *ask = ask_create(client);

	if (!ask || !glint_assignments_read(client, "{\"brightness\": 128}", &ask->assignments))
		return;
	if (ask->assignments.n == 0 || ask->assignments.n > GLINT_CONTROL_CHANGES_MAX) {
		glint_json_refuse(client, 422, "bad-number", "a request changes 1 to 64 controls");
		return;
	}
	ask->request.values = ask->assignments.values;
	ask->request.n_values = ask->assignments.n;
	ask_begin(ask);
}

#define NOT_NOW                                                                                    \
	{                                                                                          \
		503, "application/json", "Refusal", "no-device, device-silent, too-many-requests." \
	}

static const struct glint_answer get_answers[] = {
	{ 200, "application/json", "Controls", "The controls and their values." },
	{ 409, "application/json", "Refusal", "refused-by-device." },
	NOT_NOW,
	{ 0 },
};

static const struct glint_answer patch_answers[] = {
	{ 200, "application/json", "ControlsChanged", "What the device has now, read back." },
	{ 400, "application/json", "Refusal",
	  "bad-json, unknown-control, repeated-control, bad-value." },
	{ 409, "application/json", "Refusal",
	  "read-only, adjusted-by-device, busy, refused-by-device." },
	{ 422, "application/json", "Refusal", "no-object, bad-type, bad-number." },
	NOT_NOW,
	{ 0 },
};

const struct glint_route glint_route_controls = {
	.paths = { "/controls" },
	.on[GLINT_METHOD_GET] = {
		.handle = controls_get,
		.params = glint_no_params,
		.summary = "The controls of the device: ranges, defaults, values and flags.",
		.answers = get_answers,
	},
	.on[GLINT_METHOD_PATCH] = {
		.handle = controls_patch,
		.body_max = BODY_MAX,
		.media_type = "application/json",
		.params = glint_no_params,
		.changes = true,
		.summary = "Change controls of the device: all that are named, or none.",
		.body_schema = "ControlsChange",
		.answers = patch_answers,
	},
};
