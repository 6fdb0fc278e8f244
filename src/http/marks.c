/* SPDX-License-Identifier: MIT */
/*
 * POST /marks names the present moment and keeps the frame of that moment as a reference. GET
 * lists the marks, DELETE removes one.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fourcc.h"
#include "core/marks.h"
#include "core/report.h"
#include "core/status.h"
#include "http/ask.h"
#include "http/client.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/route.h"

#define BODY_MAX 4096u

enum { PARAM_ID, PARAM_KEEP, PARAMS };

static const struct glint_param post_params[] = {
	[PARAM_ID] = { "id", GLINT_PARAM_TEXT, .max = GLINT_MARK_ID_MAX,
		       .help = "The name: letters, digits and -._ ; a mark of that name is replaced. "
			       "Without it the service chooses one." },
	[PARAM_KEEP] = { "keep", GLINT_PARAM_DURATION, .min = 0.001, .max = 3600, .fallback = "600",
			 .help = "How long the mark is kept." },
	[PARAMS] = { NULL },
};

static const struct glint_param delete_params[] = {
	[PARAM_ID] = { "id", GLINT_PARAM_TEXT, .max = GLINT_MARK_ID_MAX,
		       .help = "The name of the mark to remove." },
	[PARAM_ID + 1] = { NULL },
};

static struct glint_marks *marks_of(const struct glint_client *client)
{
	const struct glint_server *server = client->server;

	return server->ops->marks ? server->ops->marks(server->ctx) : NULL;
}

/* --- JSON ----------------------------------------------------------------------------- */

static void report_reference(struct glint_report *report, const struct glint_mark *mark)
{
	char fourcc[5];

	if (!mark->reference) {
		glint_report_null(report, "reference");
		return;
	}
	glint_report_object(report, "reference");
	glint_report_text(report, "fourcc", glint_fourcc_text(mark->info.fourcc, fourcc));
	glint_report_uint(report, "width", mark->info.width);
	glint_report_uint(report, "height", mark->info.height);
	glint_report_end(report);
}

static void report_frame(struct glint_report *report, const struct glint_mark *mark)
{
	const struct glint_frame_info *info = &mark->info;

	if (!mark->has_frame) {
		glint_report_null(report, "frame");
		return;
	}
	glint_report_object(report, "frame");
	glint_report_uint(report, "seq", info->seq);
	glint_report_uint(report, "stream", info->stream);
	glint_report_uint(report, "timestamp_ns", info->capture_ns);
	glint_report_text(report, "clock", glint_clock_name(info->clock));
	if (info->exposure_ns > 0)
		glint_report_uint(report, "exposure_ns", info->exposure_ns);
	else
		glint_report_null(report, "exposure_ns");
	glint_report_uint(report, "complete_ns", info->complete_ns);
	glint_report_bool(report, "before", mark->before);
	glint_report_end(report);
}

static void report_mark(struct glint_report *report, const struct glint_mark *mark)
{
	glint_report_text(report, "id", mark->id);
	glint_report_uint(report, "time_ns", mark->ns);
	glint_report_uint(report, "expires_ns", mark->expires_ns);
	report_frame(report, mark);
	report_reference(report, mark);
	glint_report_text(report, "reason", mark->reason);
}

/* --- POST ------------------------------------------------------------------------------- */

struct post {
	struct glint_ask ask;
	struct glint_mark_request request;
};

static void post_forget(struct glint_ask *ask)
{
	glint_marks_forget(marks_of(ask->client), &container_of(ask, struct post, ask)->request);
}

static const struct glint_ask_ops post_ops = { .forget = post_forget };

static void tell_mark(struct glint_client *client, const char *action, const char *id,
		      uint64_t time_ns)
{
	struct glint_events *events = client->server->config.events;
	struct glint_report *report = glint_events_begin(events, GLINT_EVENT_MARK);

	glint_report_text(report, "action", action);
	glint_report_text(report, "id", id);
	if (time_ns > 0)
		glint_report_uint(report, "time_ns", time_ns);
	glint_events_commit(events);
}

static void post_done(struct glint_mark_request *request, const struct glint_mark *mark)
{
	struct post *post = container_of(request, struct post, request);
	struct glint_json_report json;

	assert(post->ask.waits);

	post->ask.waits = false;
	if (!mark) {
		glint_reply_error(post->ask.client, 503);
		return;
	}
	tell_mark(post->ask.client, "set", mark->id, mark->ns);
	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", true);
	glint_report_object(&json.report, "result");
	report_mark(&json.report, mark);
	glint_report_end(&json.report);
	glint_json_report_reply(&json, post->ask.client);
}

static void refuse_id(struct glint_client *client, const char *id)
{
	glint_json_refuse_value(client, &post_params[PARAM_ID], id,
				"1 to 63 letters, digits and -._");
}

static void marks_post(struct glint_client *client)
{
	struct glint_marks *marks = marks_of(client);
	struct glint_param_value values[PARAMS];
	struct post *post;

	if (!glint_json_parameters(client, values, "{\"id\": \"before-reset\"}"))
		return;
	if (values[PARAM_ID].count > 0 && !glint_mark_id_valid(values[PARAM_ID].text)) {
		refuse_id(client, values[PARAM_ID].text);
		return;
	}
	if (!marks) {
		glint_reply_error(client, 503);
		return;
	}
	post = glint_ask_create(client, sizeof(*post), &post_ops);
	if (!post)
		return;
	post->request.ns = client->request_ns;
	post->request.keep_ns = values[PARAM_KEEP].ns;
	post->request.done = post_done;
	strcpy(post->request.id, values[PARAM_ID].text);
	post->ask.waits = true;
	glint_marks_put(marks, &post->request);
}

/* --- GET and DELETE --------------------------------------------------------------------- */

static void marks_get(struct glint_client *client)
{
	struct glint_marks *marks = marks_of(client);
	struct glint_json_report json;
	const struct glint_mark *mark;

	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", true);
	glint_report_object(&json.report, "result");
	glint_report_list(&json.report, "marks");
	if (marks)
		glint_list_for_each(mark, glint_marks_all(marks), link) {
			glint_report_object(&json.report, NULL);
			report_mark(&json.report, mark);
			glint_report_end(&json.report);
		}
	glint_report_end(&json.report);
	glint_report_end(&json.report);
	glint_json_report_reply(&json, client);
}

static void marks_delete(struct glint_client *client)
{
	struct glint_marks *marks = marks_of(client);
	struct glint_param_value values[1];

	if (!glint_json_query(client, values))
		return;
	if (values[PARAM_ID].count == 0 || !glint_mark_id_valid(values[PARAM_ID].text)) {
		refuse_id(client, values[PARAM_ID].text);
		return;
	}
	if (!marks || !glint_marks_remove(marks, values[PARAM_ID].text)) {
		glint_reply_refusal(client, 404, "unknown-mark",
				    "there is no mark of that name, or not any more");
		return;
	}
	tell_mark(client, "removed", values[PARAM_ID].text, 0);
	glint_json_reply(client, 200,
			 json_pack("{s:b, s:{s:s}}", "ok", true, "result", "removed",
				   values[PARAM_ID].text));
}

const struct glint_route glint_route_marks = {
	.paths = { "/marks" },
	.on[GLINT_METHOD_GET] = {
		.handle = marks_get,
		.params = glint_no_params,
		.summary = "All marks, the oldest first.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "Marks", "The marks." },
			{ 0 },
		},
	},
	.on[GLINT_METHOD_POST] = {
		.handle = marks_post,
		.body_max = BODY_MAX,
		.media_type = "application/json",
		.changes = true,
		.params = post_params,
		.summary = "Name the present moment, and keep its frame as a reference. Parameters may "
			   "also be members of a JSON object.",
		.body_schema = "MarkRequest",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "Mark", "The mark." },
			{ 400, "application/json", "Refusal", "bad-id, bad-keep, bad-json, bad-type, unknown-parameter." },
			{ 0 },
		},
	},
	.on[GLINT_METHOD_DELETE] = {
		.handle = marks_delete,
		.changes = true,
		.params = delete_params,
		.summary = "Remove a mark.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "MarkRemoved", "The mark is gone." },
			{ 404, "application/json", "Refusal", "unknown-mark." },
			{ 0 },
		},
	},
};
