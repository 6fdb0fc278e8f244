/* SPDX-License-Identifier: MIT */
/*
 * POST /record triggers a recording, GET lists the recordings and tells the recorder's figures,
 * DELETE ends one. See core/record.h and docs/RECORDING.md.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/condition.h"
#include "core/marks.h"
#include "core/record.h"
#include "core/report.h"
#include "core/status.h"
#include "http/ask.h"
#include "http/client.h"
#include "http/condition.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/route.h"

#define BODY_MAX 4096u

enum {
	PARAM_NAME,
	PARAM_PRE,
	PARAM_POST,
	PARAM_AT,
	PARAM_WAIT,
	PARAM_UNTIL,
	PARAM_FOR,
	PARAM_REGION,
	PARAM_THRESHOLD,
	PARAM_STABLE,
	PARAM_FRAMES,
	PARAM_METRIC,
	PARAM_START_TIMEOUT,
	PARAM_STABLE_TIMEOUT,
	PARAM_HASH,
	PARAM_DIFFERS,
	PARAM_PLACE,
	PARAM_MARGIN,
	PARAM_SIMILARITY,
	PARAM_TIMEOUT,
	PARAMS
};

#define TIMEOUT_MAX_S 86400.0
#define NAME_RULE     "1 to 63 letters, digits and -._ , and no dot first"
#define SPAN_RULE     "a number of frames such as 120, or a time such as 500ms or 2s, up to a day"

/* In the order of enum glint_record_until. */
static const char *const until_names[] = { "accepted", "open", "complete", NULL };

static const struct glint_param post_params[] = {
	[PARAM_NAME] = { "name", GLINT_PARAM_TEXT, .max = GLINT_RECORD_NAME_MAX,
			 .help = "Name of the files: letters, digits and -._ ; without it the "
				 "service chooses one." },
	[PARAM_PRE] = { "pre", GLINT_PARAM_TEXT, .max = 32,
			.help = "How much from before the trigger: frames such as 120, or a time "
				"such as 500ms; the default is that of --record-pre." },
	[PARAM_POST] = { "post", GLINT_PARAM_TEXT, .max = 32,
			 .help = "How much from after it; the default is that of --record-post." },
	[PARAM_AT] = { "at", GLINT_PARAM_MOMENT, .fallback = "now",
		       .help = "The moment of the trigger. Frame 0 is the first one whose exposure "
			       "began then, or later." },
	[PARAM_WAIT] = { "wait", GLINT_PARAM_FLAG, .fallback = "false",
			 .help = "Answer when the file is complete, as until=complete." },
	[PARAM_UNTIL] = { "until", GLINT_PARAM_WORD, .words = until_names, .fallback = "open",
			  .help = "When to answer: the trigger is accepted; frame 0 is there and the "
				  "file is open; the file is complete." },
	[PARAM_FOR] = { "for", GLINT_PARAM_WORD, .words = glint_condition_names,
			.help = "Wait for this condition, as /wait does; frame 0 is the one that "
				"decides." },
	[PARAM_REGION] = { "region", GLINT_PARAM_REGION, .most = GLINT_CONDITION_AREAS_MAX,
			   .help = "for: the part of the picture to look at; the default is all. "
				   "for=match: several, which are all to match." },
	[PARAM_THRESHOLD] = { "threshold", GLINT_PARAM_NUMBER, .max = 255,
			      .help = "for: levels of 0 to 255, as /wait has them." },
	[PARAM_STABLE] = { "stable", GLINT_PARAM_DURATION, .max = 3600, .fallback = "1",
			   .help = "for=still, transition: how long nothing has differed." },
	[PARAM_FRAMES] = { "frames", GLINT_PARAM_INTEGER, .min = 1,
			   .max = GLINT_MOTION_FRAMES_MAX * 0.5, .fallback = "10", .unit = "frames",
			   .help = "for=motion: so many of twice as many frames moved." },
	[PARAM_METRIC] = { "metric", GLINT_PARAM_WORD, .words = glint_metric_names,
			   .fallback = "luma", .help = "for: how two pictures are compared." },
	[PARAM_START_TIMEOUT] = { "start_timeout", GLINT_PARAM_DURATION, .max = TIMEOUT_MAX_S,
				  .help = "for=transition: for the first change; the default is "
					  "the timeout." },
	[PARAM_STABLE_TIMEOUT] = { "stable_timeout", GLINT_PARAM_DURATION, .max = TIMEOUT_MAX_S,
				   .help = "for=transition: from the first change to a settled "
					   "picture; the default is the timeout." },
	[PARAM_HASH] = { "hash", GLINT_PARAM_TEXT, .max = 32,
			 .help = "for=hash: the checksum to compare with, as /hash tells it." },
	[PARAM_DIFFERS] = { "differs", GLINT_PARAM_FLAG, .fallback = "0",
			    .help = "for=hash: wait for another checksum." },
	[PARAM_PLACE] = { "place", GLINT_PARAM_TEXT, .max = 11,
			  .help = "for=match: X+Y, where the upper left pixel of the reference lies, "
				  "which is the body; as at of /wait." },
	[PARAM_MARGIN] = { "margin", GLINT_PARAM_INTEGER, .unit = "pixels", .max = 1000,
			   .fallback = "0",
			   .help = "for=match: how far from its place the reference is looked "
				   "for." },
	[PARAM_SIMILARITY] = { "similarity", GLINT_PARAM_NUMBER, .max = 1, .fallback = "0.96",
			       .help = "for=match: the least similarity." },
	[PARAM_TIMEOUT] = { "timeout", GLINT_PARAM_DURATION, .max = TIMEOUT_MAX_S,
			    .fallback = "3600", .help = "for: when to give up, with 504." },
	[PARAMS] = { NULL },
};

static const struct glint_param delete_params[] = {
	[0] = { "name", GLINT_PARAM_TEXT, .max = GLINT_RECORD_NAME_MAX,
		.help = "The recording to end." },
	[1] = { NULL },
};

/* --- JSON ----------------------------------------------------------------------------- */

static void report_time(struct glint_report *report, const char *name, uint64_t ns)
{
	if (ns > 0)
		glint_report_uint(report, name, ns);
	else
		glint_report_null(report, name);
}

static void report_recording(struct glint_report *report, const struct glint_recording *recording)
{
	glint_report_text(report, "name", recording->name);
	glint_report_text(report, "file", *recording->file ? recording->file : NULL);
	glint_report_text(report, "state", glint_recording_state_name(recording->state));
	glint_report_text(report, "trigger", recording->trigger);
	glint_report_uint(report, "triggers", recording->triggers);
	glint_report_text(report, "ended", recording->ended);
	glint_report_text(report, "error", recording->err < 0 ? strerror(-recording->err) : NULL);
	glint_report_uint(report, "moment_ns", recording->moment_ns);
	if (recording->has_frame) {
		glint_report_uint(report, "trigger_seq", recording->trigger_seq);
		glint_report_uint(report, "first_seq", recording->first_seq);
		glint_report_uint(report, "last_seq", recording->last_seq);
	} else {
		glint_report_null(report, "trigger_seq");
		glint_report_null(report, "first_seq");
		glint_report_null(report, "last_seq");
	}
	glint_report_uint(report, "frames", recording->frames);
	glint_report_uint(report, "before", recording->before);
	glint_report_bool(report, "shortened", recording->shortened);
	glint_report_uint(report, "dropped", recording->dropped);
	glint_report_uint(report, "corrupt", recording->corrupt);
	glint_report_uint(report, "lost", recording->lost);
	glint_report_uint(report, "skipped", recording->skipped);
	glint_report_uint(report, "bytes", recording->bytes);
	glint_report_uint(report, "begun_ns", recording->begun_ns);
	report_time(report, "closed_ns", recording->closed_ns);
}

/* --- POST ------------------------------------------------------------------------------- */

struct post {
	struct glint_ask ask;
	struct glint_record_request request;
	struct glint_wait wait;
	bool judged; /* the judge has the wait, and the recorder not yet the request */
};

static struct post *post_of(struct glint_ask *ask)
{
	return container_of(ask, struct post, ask);
}

static void post_forget(struct glint_ask *ask)
{
	struct post *post = post_of(ask);
	const struct glint_server *server = ask->client->server;

	if (post->judged)
		server->ops->unwait(server->ctx, &post->wait);
	else
		server->ops->forget_record(server->ctx, &post->request);
}

static void post_fini(struct glint_ask *ask)
{
	free(post_of(ask)->wait.conditions[0].picture);
}

static const struct glint_ask_ops post_ops = {
	.forget = post_forget,
	.fini = post_fini,
};

static void post_done(struct glint_record_request *request, const struct glint_recording *recording)
{
	struct post *post = container_of(request, struct post, request);
	struct glint_json_report json;

	post->ask.waits = false;
	if (!recording) {
		glint_reply_refusal(post->ask.client, request->status, request->reason,
				    request->message);
		return;
	}
	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", true);
	glint_report_object(&json.report, "result");
	report_recording(&json.report, recording);
	glint_report_bool(&json.report, "extended", request->extended);
	glint_report_end(&json.report);
	glint_json_report_reply(&json, post->ask.client);
}

/* The body is a picture to match. */
static bool has_picture(const struct glint_client *client)
{
	const char *type = glint_parser_request(client->parser)->content_type;

	return type && strncasecmp(type, "image/", 6) == 0;
}

/* Read query and body. False: the request is answered. */
static bool post_read(struct glint_client *client, struct glint_param_value *values)
{
	return has_picture(client) ? glint_json_query(client, values) :
				     glint_json_parameters(client, values, "{\"pre\": \"2s\"}");
}

/* As glint_clip_name_valid(): a name that starts with a dot is that of a file under way. */
static bool name_is_valid(const char *name)
{
	return glint_mark_id_valid(name) && *name != '.';
}

static bool read_span(struct glint_client *client, const struct glint_param *param,
		      const struct glint_param_value *value, bool *has,
		      struct glint_record_span *span)
{
	*has = value->count > 0;
	if (!*has || glint_record_span_parse(value->text, span) == 0)
		return true;
	glint_json_refuse_value(client, param, value->text, SPAN_RULE);
	return false;
}

/* A mark is a time. */
static bool find_moment(struct glint_client *client, const struct glint_moment *at,
			struct glint_moment *found)
{
	const struct glint_server *server = client->server;
	const struct glint_mark *mark;

	*found = *at;
	if (at->kind != GLINT_MOMENT_MARK)
		return true;
	mark = glint_marks_find(server->ops->marks(server->ctx), at->mark);
	if (!mark) {
		glint_reply_refusal(client, 404, "unknown-mark", "there is no mark of that name");
		return false;
	}
	*found = (struct glint_moment){ .kind = GLINT_MOMENT_TIME, .ns = mark->ns };
	return true;
}

static const char no_recorder[] = "this service does not record; start it with --record";

/* A frame has decided, and is still in the recorder's memory: it is frame 0. */
static void post_decided(struct glint_wait *wait)
{
	struct post *post = container_of(wait, struct post, wait);
	const struct glint_server *server = post->ask.client->server;
	const struct glint_frame_info *decided = &wait->verdicts[0].decided;
	struct glint_record_request *request = &post->request;

	post->judged = post->ask.waits = false;
	if (wait->outcome == GLINT_WAIT_REFUSED) {
		glint_reply_refusal(post->ask.client, wait->status, wait->reason, wait->message);
		return;
	}
	if (wait->outcome == GLINT_WAIT_TIMEOUT) {
		glint_reply_refusal(post->ask.client, 504, "timeout",
				    "the condition was not met in time; nothing is recorded");
		return;
	}
	/* No frame shows that the source is offline: the last one before. */
	request->at = (struct glint_moment){ .kind = GLINT_MOMENT_LAST };
	if (decided->complete_ns > 0 && wait->conditions[0].kind != GLINT_CONDITION_OFFLINE)
		request->at = (struct glint_moment){ .kind = GLINT_MOMENT_SEQ,
						     .seq = decided->seq,
						     .stream = decided->stream };
	request->now_ns = wait->decided_ns;
	post->ask.waits = server->ops->record(server->ctx, request) == 0;
	if (!post->ask.waits)
		glint_reply_refusal(post->ask.client, 503, "no-recorder", no_recorder);
}

/* What only match and hash have. False: the request is answered. */
static bool condition_read(struct glint_client *client, const struct glint_param_value *values,
			   struct glint_condition *condition)
{
	const char *query = glint_parser_request(client->parser)->query;
	struct glint_param_value region;

	if (condition->kind == GLINT_CONDITION_HASH &&
	    !glint_condition_read_hash(client, &post_params[PARAM_HASH], &values[PARAM_HASH],
				       condition))
		return false;
	if ((condition->kind == GLINT_CONDITION_MATCH) != has_picture(client)) {
		glint_reply_refusal(client, 400, "bad-reference",
				    "for=match, and no other, has a picture as the body: a PNG, "
				    "JPEG, PPM or PGM");
		return false;
	}
	if (condition->kind != GLINT_CONDITION_MATCH) {
		if (values[PARAM_REGION].count < 2)
			return true;
		glint_reply_refusal(client, 400, "bad-region", "only match takes several regions");
		return false;
	}
	condition->threshold = values[PARAM_SIMILARITY].number;
	condition->margin = (uint32_t)values[PARAM_MARGIN].integer;
	if (!glint_condition_read_place(client, &post_params[PARAM_PLACE], &values[PARAM_PLACE],
					condition))
		return false;
	condition->region = (struct glint_region){ 0 };
	while (condition->n_areas < values[PARAM_REGION].count &&
	       glint_params_nth(&post_params[PARAM_REGION], query, condition->n_areas, &region))
		condition->areas[condition->n_areas++] = region.region;
	condition->picture =
		(uint8_t *)glint_parser_take_body(client->parser, &condition->picture_size);
	return true;
}

/* Wait for the condition of @values, or answer the request. */
static void post_wait(struct post *post, const struct glint_param_value *values)
{
	struct glint_client *client = post->ask.client;
	const struct glint_server *server = client->server;
	struct glint_wait *wait = &post->wait;
	struct glint_condition *condition = &wait->conditions[0];
	enum glint_condition_kind kind = (enum glint_condition_kind)values[PARAM_FOR].word;

	if (!IS_ENABLED(CONFIG_JUDGE)) {
		glint_reply_refusal(client, 501, "not-built",
				    "this glintd was built without waits");
		return;
	}
	glint_condition_init(condition, kind, (enum glint_metric)values[PARAM_METRIC].word);
	if (values[PARAM_REGION].count > 0)
		condition->region = values[PARAM_REGION].region;
	if (values[PARAM_THRESHOLD].count > 0)
		condition->threshold = values[PARAM_THRESHOLD].number;
	condition->since = (struct glint_moment){ .kind = GLINT_MOMENT_NOW };
	condition->stable_ns = values[PARAM_STABLE].ns;
	condition->moved = (unsigned)values[PARAM_FRAMES].integer;
	condition->window = 2 * condition->moved;
	if (values[PARAM_START_TIMEOUT].count > 0)
		condition->start_timeout_ns = values[PARAM_START_TIMEOUT].ns;
	if (values[PARAM_STABLE_TIMEOUT].count > 0)
		condition->stable_timeout_ns = values[PARAM_STABLE_TIMEOUT].ns;
	condition->hash_differs = values[PARAM_DIFFERS].flag;
	if (!condition_read(client, values, condition))
		return;
	wait->n_conditions = 1;
	wait->since_ns = client->request_ns;
	wait->deadline_ns = wait->since_ns + values[PARAM_TIMEOUT].ns;
	wait->done = post_decided;
	post->request.trigger = glint_condition_names[kind];
	if (server->ops->wait(server->ctx, wait) < 0) {
		glint_reply_refusal(client, wait->status, wait->reason, wait->message);
		return;
	}
	post->judged = post->ask.waits = true;
	glint_ask_end_with_input(&post->ask);
}

/* Ask the recorder, or the judge first, or answer the request. */
static void post_begin(struct post *post, const struct glint_param_value *values)
{
	struct glint_client *client = post->ask.client;
	const struct glint_server *server = client->server;

	if (values[PARAM_FOR].count > 0 && values[PARAM_AT].count > 0) {
		glint_reply_refusal(client, 400, "bad-at", "for= decides what frame 0 is");
		return;
	}
	if (values[PARAM_FOR].count == 0 && has_picture(client)) {
		glint_reply_refusal(client, 400, "bad-for",
				    "a picture as the body is for for=match");
		return;
	}
	/* Before a wait of an hour, which would be for nothing. */
	if (values[PARAM_FOR].count > 0 && server->ops->records(server->ctx)) {
		post_wait(post, values);
		return;
	}
	post->ask.waits = values[PARAM_FOR].count == 0 &&
			  server->ops->record(server->ctx, &post->request) == 0;
	if (!post->ask.waits)
		glint_reply_refusal(client, 503, "no-recorder", no_recorder);
}

static void record_post(struct glint_client *client)
{
	struct glint_param_value values[PARAMS];
	struct glint_record_request request = { .trigger = "command" };
	struct post *post;

	if (!post_read(client, values))
		return;
	if (values[PARAM_NAME].count > 0 && !name_is_valid(values[PARAM_NAME].text)) {
		glint_json_refuse_value(client, &post_params[PARAM_NAME], values[PARAM_NAME].text,
					NAME_RULE);
		return;
	}
	if (values[PARAM_WAIT].flag && values[PARAM_UNTIL].count > 0 &&
	    values[PARAM_UNTIL].word != GLINT_RECORD_COMPLETE) {
		glint_reply_refusal(client, 400, "bad-until", "wait=1 is until=complete");
		return;
	}
	if (!read_span(client, &post_params[PARAM_PRE], &values[PARAM_PRE], &request.has_pre,
		       &request.pre) ||
	    !read_span(client, &post_params[PARAM_POST], &values[PARAM_POST], &request.has_post,
		       &request.post) ||
	    !find_moment(client, &values[PARAM_AT].moment, &request.at))
		return;
	post = glint_ask_create(client, sizeof(*post), &post_ops);
	if (!post)
		return;
	if (values[PARAM_NAME].count > 0)
		strcpy(request.name, values[PARAM_NAME].text);
	request.now_ns = client->request_ns;
	request.until = values[PARAM_WAIT].flag ? GLINT_RECORD_COMPLETE :
						  (enum glint_record_until)values[PARAM_UNTIL].word;
	request.done = post_done;
	post->request = request;
	post_begin(post, values);
}

/* --- GET and DELETE --------------------------------------------------------------------- */

static void record_get(struct glint_client *client)
{
	const struct glint_server *server = client->server;
	const struct glint_recording *recording;
	struct glint_json_report json;

	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", true);
	glint_report_object(&json.report, "result");
	server->ops->report_recorder(server->ctx, &json.report);
	glint_report_list(&json.report, "recordings");
	for (unsigned i = 0; (recording = server->ops->recording(server->ctx, i)); i++) {
		glint_report_object(&json.report, NULL);
		report_recording(&json.report, recording);
		glint_report_end(&json.report);
	}
	glint_report_end(&json.report);
	glint_report_end(&json.report);
	glint_json_report_reply(&json, client);
}

static void record_delete(struct glint_client *client)
{
	const struct glint_server *server = client->server;
	struct glint_param_value values[1];

	if (!glint_json_query(client, values))
		return;
	if (values[0].count == 0 || !name_is_valid(values[0].text)) {
		glint_json_refuse_value(client, &delete_params[0], values[0].text, NAME_RULE);
		return;
	}
	if (server->ops->stop_record(server->ctx, values[0].text) < 0) {
		glint_reply_refusal(client, 404, "unknown-recording",
				    "no recording of that name is under way");
		return;
	}
	glint_json_reply(client, 200,
			 json_pack("{s:b, s:{s:s}}", "ok", true, "result", "stopped",
				   values[0].text));
}

const struct glint_route glint_route_record = {
	.paths = { "/record" },
	.on[GLINT_METHOD_GET] = {
		.handle = record_get,
		.params = glint_no_params,
		.summary = "The recorder's figures, and its recordings, the newest first.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "Recordings", "The recordings." },
			{ 0 },
		},
	},
	.on[GLINT_METHOD_POST] = {
		.handle = record_post,
		.body_max = BODY_MAX,
		.media_type = "application/json",
		.byte_types = glint_reference_types,
		.byte_max = GLINT_REFERENCE_MAX,
		.changes = true,
		.params = post_params,
		.summary = "Record the frames around a moment. Parameters may also be members of a "
			   "JSON object.",
		.body_schema = "RecordRequest",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "Recording", "The recording." },
			{ 404, "application/json", "Refusal", "unknown-mark." },
			{ 413, "application/json", "Refusal", "The picture to match is too large." },
			{ 409, "application/json", "Refusal",
			  "name-exists; not-held: the moment is not in memory any more; stopped." },
			{ 503, "application/json", "Refusal",
			  "no-recorder, recorder-not-ready, too-many-recordings, no-frames, "
			  "disk-full, read-only, disk-error." },
			{ 501, "application/json", "Refusal", "not-built: for=, without waits." },
			{ 504, "application/json", "Refusal", "timeout: for= was not met." },
			{ 0 },
		},
	},
	.on[GLINT_METHOD_DELETE] = {
		.handle = record_delete,
		.changes = true,
		.params = delete_params,
		.summary = "End a recording now; its file has the frames up to now.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "RecordStopped", "It ends." },
			{ 404, "application/json", "Refusal", "unknown-recording." },
			{ 0 },
		},
	},
};
