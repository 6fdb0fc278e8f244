/* SPDX-License-Identifier: MIT */
/* GET /timings: the DV timings of the device. The reply waits for the device. */
#include <errno.h>
#include <stdlib.h>

#include "core/status.h"
#include "core/timings.h"
#include "http/ask.h"
#include "http/client.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/reply.h"
#include "http/route.h"

struct ask {
	struct glint_ask ask;
	struct glint_timings_request request;
};

static void ask_forget(struct glint_ask *ask)
{
	const struct glint_server *server = ask->client->server;

	server->ops->forget_timings(server->ctx, &container_of(ask, struct ask, ask)->request);
}

static const struct glint_ask_ops ask_ops = { .forget = ask_forget };

static void reply_refusal(struct ask *ask)
{
	static const struct glint_refusal refusals[] = {
		{ -ENOTTY, 409, "no-timings" },	       { -ENODEV, 503, "no-device" },
		{ -ENOMEM, 503, "no-memory" },	       { -ETIMEDOUT, 503, "device-silent" },
		{ -EUSERS, 503, "too-many-requests" }, { 0, 409, "refused-by-device" },
	};

	glint_json_refuse_error(ask->ask.client, refusals, ask->request.err, ask->request.message);
}

static void ask_done(struct glint_timings_request *request)
{
	struct ask *ask = container_of(request, struct ask, request);
	const struct glint_server *server = ask->ask.client->server;
	struct glint_json_report json;

	ask->ask.waits = false;
	if (request->err < 0) {
		reply_refusal(ask);
		return;
	}
	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", true);
	glint_report_object(&json.report, "result");
	server->ops->tell_timings(server->ctx, request, &json.report);
	glint_report_end(&json.report);
	glint_json_report_reply(&json, ask->ask.client);
}

static void timings_get(struct glint_client *client)
{
	const struct glint_server *server = client->server;
	struct ask *ask;

	if (!server->ops->ask_timings) {
		glint_reply_error(client, 503);
		return;
	}
	ask = glint_ask_create(client, sizeof(*ask), &ask_ops);
	if (!ask)
		return;
	ask->request.done = ask_done;
	ask->ask.waits = server->ops->ask_timings(server->ctx, &ask->request) == 0;
	if (!ask->ask.waits)
		reply_refusal(ask);
}

const struct glint_route glint_route_timings = {
	.paths = { "/timings" },
	.on[GLINT_METHOD_GET] = {
		.handle = timings_get,
		.params = glint_no_params,
		.summary = "The DV timings of the device: those that it has, and those of the signal.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "Timings", "The timings." },
			{ 409, "application/json", "Refusal", "no-timings, refused-by-device." },
			{ 503, "application/json", "Refusal", "no-device, device-silent, too-many-requests." },
			{ 0 },
		},
	},
};
