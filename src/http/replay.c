/* SPDX-License-Identifier: MIT */
/*
 * GET /replay tells which recording is played, POST controls it: pause, step, go to a frame, inject a
 * fault. See core/replay.h and docs/RECORDING.md.
 */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/replay.h"
#include "core/report.h"
#include "core/status.h"
#include "http/ask.h"
#include "http/client.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/route.h"

#define BODY_MAX   4096u
#define NUMBER_MAX 4294967295.0 /* either way from the trigger */

enum { PARAM_ACTION, PARAM_FRAMES, PARAM_N, PARAM_FAULT, PARAM_SPEED, PARAM_LOOP, PARAMS };

static const char *const actions[] = { "play", "pause", "step", "seek", "inject", NULL };
static const char *const faults[] = { "freeze",	 "drop",      "tear", "noise",
				      "corrupt", "no-signal", NULL };

#define SPEED_RULE "0.01 to 100, or max"

static const struct glint_param post_params[] = {
	[PARAM_ACTION] = { "action", GLINT_PARAM_WORD, .words = actions,
			   .help = "What to do. inject: a fault, from the next frame on." },
	[PARAM_FRAMES] = { "frames", GLINT_PARAM_INTEGER, .unit = "frames", .min = 1,
			   .max = GLINT_REPLAY_STEPS_MAX, .fallback = "1",
			   .help = "How many frames step plays, or a fault lasts." },
	[PARAM_N] = { "n", GLINT_PARAM_INTEGER, .min = -NUMBER_MAX, .max = NUMBER_MAX,
		      .fallback = "0",
		      .help = "Number of the frame to seek, counted from the trigger's: 0. If that "
			      "frame is missing, the next one is shown." },
	[PARAM_FAULT] = { "fault", GLINT_PARAM_WORD, .words = faults,
			  .help = "The fault to inject." },
	[PARAM_SPEED] = { "speed", GLINT_PARAM_TEXT, .max = 32,
			  .help = "How fast play plays: 0.01 to 100, or max." },
	[PARAM_LOOP] = { "loop", GLINT_PARAM_FLAG,
			 .help = "Whether play begins again at the end." },
	[PARAMS] = { NULL },
};

static_assert(GLINT_REPLAY_INJECT == 4 && GLINT_REPLAY_SIGNAL == 5, "the order of the words");

struct ask {
	struct glint_ask ask;
	struct glint_replay_request request;
};

static void ask_forget(struct glint_ask *ask)
{
	const struct glint_server *server = ask->client->server;

	server->ops->forget_replay(server->ctx, &container_of(ask, struct ask, ask)->request);
}

static const struct glint_ask_ops ask_ops = { .forget = ask_forget };

static void reply_status(struct glint_client *client)
{
	const struct glint_server *server = client->server;
	struct glint_json_report json;

	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", true);
	glint_report_object(&json.report, "result");
	server->ops->report_replay(server->ctx, &json.report);
	glint_report_end(&json.report);
	glint_json_report_reply(&json, client);
}

static void ask_done(struct glint_replay_request *request, int err)
{
	struct ask *ask = container_of(request, struct ask, request);

	ask->ask.waits = false;
	if (err == 0)
		reply_status(ask->ask.client);
	else if (err == -ENOENT)
		glint_reply_refusal(ask->ask.client, 409, "no-such-frame",
				    "the recording has no such frame");
	else
		glint_reply_refusal(ask->ask.client, 503, "too-many-requests",
				    "too many requests wait for frames of the recording");
}

/* False: the request is answered. */
static bool request_read(struct glint_client *client, const struct glint_param_value *values,
			 struct glint_replay_request *request)
{
	if (values[PARAM_ACTION].count == 0) {
		glint_json_refuse_value(client, &post_params[PARAM_ACTION], "",
					"play, pause, step, seek or inject");
		return false;
	}
	request->action = (enum glint_replay_action)values[PARAM_ACTION].word;
	if (request->action == GLINT_REPLAY_INJECT && values[PARAM_FAULT].count == 0) {
		glint_json_refuse_value(client, &post_params[PARAM_FAULT], "",
					"freeze, drop, tear, noise, corrupt or no-signal");
		return false;
	}
	request->frames = (uint32_t)values[PARAM_FRAMES].integer;
	request->n = values[PARAM_N].integer;
	request->fault = (enum glint_replay_fault)values[PARAM_FAULT].word;
	request->sets_loop = values[PARAM_LOOP].count > 0;
	request->loop = values[PARAM_LOOP].flag;
	request->sets_speed = values[PARAM_SPEED].count > 0;
	if (request->sets_speed &&
	    glint_replay_speed_parse(values[PARAM_SPEED].text, &request->speed_milli) < 0) {
		glint_json_refuse_value(client, &post_params[PARAM_SPEED], values[PARAM_SPEED].text,
					SPEED_RULE);
		return false;
	}
	return true;
}

static void replay_post(struct glint_client *client)
{
	const struct glint_server *server = client->server;
	struct glint_replay_request request = { .done = ask_done };
	struct glint_param_value values[PARAMS];
	struct ask *ask;

	if (!glint_json_parameters(client, values, "{\"action\": \"step\"}") ||
	    !request_read(client, values, &request))
		return;
	ask = glint_ask_create(client, sizeof(*ask), &ask_ops);
	if (!ask)
		return;
	ask->request = request;
	ask->ask.waits = server->ops->ask_replay(server->ctx, &ask->request) == 0;
	if (!ask->ask.waits)
		glint_reply_refusal(client, 409, "no-replay",
				    "the source is no recording; start the service with "
				    "--device clip:FILE");
}

const struct glint_route glint_route_replay = {
	.paths = { "/replay" },
	.on[GLINT_METHOD_GET] = {
		.handle = reply_status,
		.params = glint_no_params,
		.summary = "The recording that is played as the source; null for a device.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "Replay", "What is played." },
			{ 0 },
		},
	},
	.on[GLINT_METHOD_POST] = {
		.handle = replay_post,
		.body_max = BODY_MAX,
		.media_type = "application/json",
		.changes = true,
		.params = post_params,
		.summary = "Control the recording that is played. The reply comes when the frame "
			   "that was asked for has been delivered. Parameters may also be members "
			   "of a JSON object.",
		.body_schema = "ReplayRequest",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "Replay", "What is played now." },
			{ 409, "application/json", "Refusal",
			  "no-replay: the source is no recording; no-such-frame." },
			{ 503, "application/json", "Refusal", "too-many-requests." },
			{ 0 },
		},
	},
};
