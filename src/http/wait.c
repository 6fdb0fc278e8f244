/* SPDX-License-Identifier: MIT */
/*
 * GET and POST /wait: the reply comes when a frame has decided the conditions of the request, or
 * at its timeout. The judge decides; see core/condition.h and docs/WAITING.md.
 */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "core/condition.h"
#include "core/events.h"
#include "core/status.h"
#include "http/client.h"
#include "http/condition.h"
#include "http/exact.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/route.h"

/* The loop's thread parses JSON; another thread decodes pictures. */
#define BODY_MAX (128u << 10)

struct waiting {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_wait wait;
	bool begun; /* the service has the wait */
};

static struct waiting *waiting_of(struct glint_activity *activity)
{
	return container_of(activity, struct waiting, activity);
}

/* --- Answers -------------------------------------------------------------------------- */

static void report_frame(struct glint_report *report, const char *name,
			 const struct glint_frame_info *info)
{
	if (info->complete_ns == 0) {
		glint_report_null(report, name);
		return;
	}
	glint_report_object(report, name);
	glint_report_uint(report, "seq", info->seq);
	glint_report_uint(report, "complete_ns", info->complete_ns);
	glint_report_uint(report, "capture_ns", info->capture_ns);
	glint_report_uint(report, "exposure_ns", info->exposure_ns);
	glint_report_text(report, "clock", glint_clock_name(info->clock));
	glint_report_end(report);
}

static void report_box(struct glint_report *report, const struct glint_verdict *verdict)
{
	if (!verdict->has_box) {
		glint_report_null(report, "box");
		return;
	}
	glint_report_object(report, "box");
	glint_report_uint(report, "x", verdict->box.x);
	glint_report_uint(report, "y", verdict->box.y);
	glint_report_uint(report, "width", verdict->box.width);
	glint_report_uint(report, "height", verdict->box.height);
	glint_report_end(report);
}

/* From the end of one frame to the end of another; null without both. */
static void report_duration(struct glint_report *report, const char *name, uint64_t from_ns,
			    const struct glint_frame_info *to)
{
	if (from_ns == 0 || to->complete_ns == 0 || to->complete_ns < from_ns)
		glint_report_null(report, name);
	else
		glint_report_uint(report, name, to->complete_ns - from_ns);
}

static void report_transition(struct glint_report *report, const struct glint_wait *wait,
			      const struct glint_verdict *verdict)
{
	glint_report_object(report, "transition");
	report_frame(report, "press", &verdict->reference);
	report_frame(report, "first_change", &verdict->changed);
	report_frame(report, "first_still", &verdict->first);
	report_duration(report, "start_ns", wait->since_ns, &verdict->changed);
	report_duration(report, "settle_ns", verdict->changed.complete_ns, &verdict->first);
	report_duration(report, "total_ns", wait->since_ns, &verdict->first);
	glint_report_end(report);
}

static void report_verdict(struct glint_report *report, const char *name,
			   const struct glint_wait *wait, unsigned index)
{
	const struct glint_condition *condition = &wait->conditions[index];
	const struct glint_verdict *verdict = &wait->verdicts[index];
	char hash[33];

	glint_report_object(report, name);
	glint_report_text(report, "for", glint_condition_names[condition->kind]);
	glint_report_text(report, "status", verdict->status ? verdict->status : "pending");
	glint_report_bool(report, "met", verdict->state == GLINT_VERDICT_MET);
	glint_report_text(report, "scale", glint_exact_scales[__builtin_ctz(condition->scale)]);
	glint_report_uint(report, "frames_seen", verdict->seen);
	glint_report_uint(report, "frames_missed", verdict->missed);
	if (verdict->seen > 0)
		glint_report_real(report, "score", verdict->score);
	else
		glint_report_null(report, "score");
	report_frame(report, "reference", &verdict->reference);
	report_frame(report, "first", &verdict->first);
	report_frame(report, "decided", &verdict->decided);
	report_box(report, verdict);
	if (condition->kind == GLINT_CONDITION_TRANSITION)
		report_transition(report, wait, verdict);
	if (condition->kind == GLINT_CONDITION_HASH) {
		snprintf(hash, sizeof(hash), "%016llx%016llx", (unsigned long long)verdict->hash[0],
			 (unsigned long long)verdict->hash[1]);
		glint_report_text(report, "hash", hash);
	}
	glint_report_end(report);
}

static void report_wait(struct glint_report *report, const struct glint_wait *wait)
{
	glint_report_object(report, "result");
	glint_report_bool(report, "met", wait->outcome == GLINT_WAIT_MET);
	glint_report_uint(report, "waited_ns", wait->decided_ns - wait->since_ns);
	glint_report_uint(report, "since_ns", wait->since_ns);
	glint_report_uint(report, "answered_ns", wait->decided_ns);
	glint_report_text(report, "source_reason", wait->source_reason);
	if (wait->converted)
		glint_report_text(report, "converted", wait->converted);
	else
		glint_report_null(report, "converted");
	glint_report_uint(report, "decided_by", wait->decided_by);
	glint_report_list(report, "conditions");
	for (unsigned i = 0; i < wait->n_conditions; i++)
		report_verdict(report, NULL, wait, i);
	glint_report_end(report);
	glint_report_end(report);
}

static void waiting_answer(struct waiting *waiting)
{
	const struct glint_wait *wait = &waiting->wait;
	bool met = wait->outcome == GLINT_WAIT_MET;
	struct glint_json_report json;
	struct glint_report *report = &json.report;

	if (wait->outcome == GLINT_WAIT_REFUSED) {
		glint_reply_refusal(waiting->client, wait->status, wait->reason, wait->message);
		return;
	}
	glint_json_report_begin(&json);
	glint_report_bool(report, "ok", met);
	if (!met) {
		glint_report_object(report, "error");
		glint_report_text(report, "reason", "timeout");
		glint_report_text(
			report, "message",
			"the condition was not met in time; the result says what was seen");
		glint_report_end(report);
	}
	report_wait(report, wait);
	glint_json_report_send(&json, waiting->client, met ? 200 : 504);
}

/* A wait whose condition holds at once is decided before its beginning is told. */
static void add_event(const struct waiting *waiting, bool ended)
{
	struct glint_events *events = waiting->client->server->config.events;
	const struct glint_wait *wait = &waiting->wait;
	unsigned index = ended ? wait->decided_by : 0;
	struct glint_report *report = glint_events_begin(events, GLINT_EVENT_WAIT);

	glint_report_text(report, "action", ended ? "end" : "begin");
	glint_report_text(report, "for", glint_condition_names[wait->conditions[index].kind]);
	if (ended) {
		glint_report_bool(report, "met", wait->outcome == GLINT_WAIT_MET);
		glint_report_uint(report, "waited_ns", wait->decided_ns - wait->since_ns);
		glint_report_uint(report, "frames_missed", wait->verdicts[index].missed);
	}
	glint_events_commit(events);
}

static void waiting_done(struct glint_wait *wait)
{
	struct waiting *waiting = container_of(wait, struct waiting, wait);

	assert(waiting->begun && wait->decided_by < wait->n_conditions);

	waiting->begun = false;
	add_event(waiting, true);
	waiting_answer(waiting);
}

/* --- As an activity -------------------------------------------------------------------- */

static void waiting_stop(struct glint_activity *activity)
{
	struct waiting *waiting = waiting_of(activity);
	const struct glint_server *server = waiting->client->server;

	if (waiting->begun)
		server->ops->unwait(server->ctx, &waiting->wait);
	waiting->begun = false;
}

static void waiting_destroy(struct waiting *waiting)
{
	if (!waiting)
		return;
	for (unsigned i = 0; i < waiting->wait.n_conditions; i++)
		free(waiting->wait.conditions[i].picture);
	free(waiting);
}

static void waiting_free(struct glint_activity *activity)
{
	waiting_destroy(waiting_of(activity));
}

static const struct glint_activity_ops waiting_ops = {
	.stop = waiting_stop,
	.free = waiting_free,
	.ends_with_input = true,
};

/* --- Parameters ---------------------------------------------------------------------------- */

enum {
	PARAM_FOR,
	PARAM_ANY,
	PARAM_ALL,
	PARAM_METRIC,
	PARAM_SCALE,
	PARAM_REGION,
	PARAM_EXCLUDE,
	PARAM_THRESHOLD,
	PARAM_MIN_SIZE,
	PARAM_SINCE,
	PARAM_STABLE,
	PARAM_FRAMES,
	PARAM_START_TIMEOUT,
	PARAM_STABLE_TIMEOUT,
	PARAM_HASH,
	PARAM_DIFFERS,
	PARAM_AT,
	PARAM_MARGIN,
	PARAM_SIMILARITY,
	PARAM_TIMEOUT,
	PARAMS
};

#define TIMEOUT_MAX_S 86400.0

static const struct glint_param params[] = {
	[PARAM_FOR] = { "for", GLINT_PARAM_WORD, .words = glint_condition_names,
			.help = "The condition to wait for." },
	[PARAM_ANY] = { "any", GLINT_PARAM_TEXT,
			.help = "Several conditions with commas between: one is enough." },
	[PARAM_ALL] = { "all", GLINT_PARAM_TEXT,
			.help = "Several conditions with commas between: all hold at once." },
	[PARAM_METRIC] = { "metric", GLINT_PARAM_WORD, .words = glint_metric_names,
			   .fallback = "luma", .help = "How two pictures are compared." },
	[PARAM_SCALE] = { "scale", GLINT_PARAM_WORD, .words = glint_exact_scales, .fallback = "1",
			  .help = "What is judged: the picture, or one in which squares of 2x2, 4x4 "
				  "or 8x8 pixels are one; not for hash and match." },
	[PARAM_REGION] = { "region", GLINT_PARAM_REGION, .most = GLINT_CONDITION_AREAS_MAX,
			   .help = "The part of the picture to look at; the default is all. match: "
				   "several, which are all to match." },
	[PARAM_EXCLUDE] = { "exclude", GLINT_PARAM_REGION, .most = GLINT_CONDITION_AREAS_MAX,
			    .help = "A part that does not count, such as a clock." },
	[PARAM_THRESHOLD] = { "threshold", GLINT_PARAM_NUMBER, .max = 255,
			      .help = "Levels of 0 to 255, or dB for psnr. The defaults are 25, 20 "
				      "for black and nonblack, and for psnr 47, 50 for change." },
	[PARAM_MIN_SIZE] = { "min_size", GLINT_PARAM_TEXT, .max = 11,
			     .help = "WxH in pixels: what changes in a smaller box does not count." },
	[PARAM_SINCE] = { "since", GLINT_PARAM_MOMENT, .fallback = "now",
			  .help = "change, transition: the frame to compare with; of a time, the "
				  "newest frame then, if it is kept." },
	[PARAM_STABLE] = { "stable", GLINT_PARAM_DURATION, .max = 3600, .fallback = "1",
			   .help = "still, transition: how long nothing has differed." },
	[PARAM_FRAMES] = { "frames", GLINT_PARAM_TEXT, .max = 5, .fallback = "10/20",
			   .help = "motion: K/N, so many of the last N frames moved; N is at most "
				   "64." },
	[PARAM_START_TIMEOUT] = { "start_timeout", GLINT_PARAM_DURATION, .max = TIMEOUT_MAX_S,
				  .help = "transition: for the first change; the default is the "
					  "timeout." },
	[PARAM_STABLE_TIMEOUT] = { "stable_timeout", GLINT_PARAM_DURATION, .max = TIMEOUT_MAX_S,
				   .help = "transition: from the first change to a settled picture; "
					   "the default is the timeout." },
	[PARAM_HASH] = { "hash", GLINT_PARAM_TEXT, .max = 32,
			 .help = "hash: the checksum to compare with, as /hash tells it." },
	[PARAM_DIFFERS] = { "differs", GLINT_PARAM_FLAG, .fallback = "0",
			    .help = "hash: wait for another checksum." },
	[PARAM_AT] = { "at", GLINT_PARAM_TEXT, .max = 11,
		       .help = "match: X+Y, where the reference's upper left pixel lies; the default "
			       "is the only region's place if that has its size, else 0+0." },
	[PARAM_MARGIN] = { "margin", GLINT_PARAM_INTEGER, .unit = "pixels", .max = 1000,
			   .fallback = "0",
			   .help = "match: how far from its place the reference is looked for." },
	[PARAM_SIMILARITY] = { "similarity", GLINT_PARAM_NUMBER, .max = 1, .fallback = "0.96",
			       .help = "match: the least similarity, as openQA measures it." },
	[PARAM_TIMEOUT] = { "timeout", GLINT_PARAM_DURATION, .max = TIMEOUT_MAX_S, .fallback = "10",
			    .help = "When to give up, with 504." },
	[PARAMS] = { NULL },
};

/* "A<separator>B" with numbers from 1 to @max. */
static bool read_pair(const char *text, char separator, unsigned max, uint32_t pair[2])
{
	unsigned long first, second;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	first = strtoul(text, &end, 10);
	if (*end != separator || end[1] < '0' || end[1] > '9')
		return false;
	second = strtoul(end + 1, &end, 10);
	if (*end || first < 1 || first > max || second < 1 || second > max)
		return false;
	pair[0] = (uint32_t)first;
	pair[1] = (uint32_t)second;
	return true;
}

/* Read the parameters that only match has. */
static bool read_match(struct glint_client *client, const struct glint_param_value *values,
		       struct glint_condition *condition)
{
	condition->threshold = values[PARAM_SIMILARITY].number;
	condition->margin = (uint32_t)values[PARAM_MARGIN].integer;
	return glint_condition_read_place(client, &params[PARAM_AT], &values[PARAM_AT], condition);
}

/* Set @condition from @values. False: the request is answered with 400. */
static bool condition_read(struct glint_client *client, const struct glint_param_value *values,
			   enum glint_condition_kind kind, struct glint_condition *condition)
{
	uint32_t pair[2];
	char text[24];

	glint_condition_init(condition, kind, (enum glint_metric)values[PARAM_METRIC].word);
	condition->scale = 1u << values[PARAM_SCALE].word;
	if (condition->scale > 1 &&
	    (kind == GLINT_CONDITION_MATCH || kind == GLINT_CONDITION_HASH)) {
		glint_json_refuse_value(client, &params[PARAM_SCALE],
					glint_exact_scales[values[PARAM_SCALE].word],
					"1 for hash and match");
		return false;
	}
	if (kind == GLINT_CONDITION_MATCH)
		return read_match(client, values, condition);
	if (values[PARAM_REGION].count > 0)
		condition->region = values[PARAM_REGION].region;
	if (values[PARAM_THRESHOLD].count > 0)
		condition->threshold = values[PARAM_THRESHOLD].number;
	condition->since = values[PARAM_SINCE].moment;
	if (condition->since.kind == GLINT_MOMENT_TIME &&
	    condition->since.ns > client->request_ns) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)condition->since.ns);
		glint_json_refuse_value(client, &params[PARAM_SINCE], text,
					"a moment that has passed");
		return false;
	}
	condition->stable_ns = values[PARAM_STABLE].ns;
	if (values[PARAM_START_TIMEOUT].count > 0)
		condition->start_timeout_ns = values[PARAM_START_TIMEOUT].ns;
	if (values[PARAM_STABLE_TIMEOUT].count > 0)
		condition->stable_timeout_ns = values[PARAM_STABLE_TIMEOUT].ns;
	condition->hash_differs = values[PARAM_DIFFERS].flag;
	if (values[PARAM_MIN_SIZE].count > 0) {
		if (!read_pair(values[PARAM_MIN_SIZE].text, 'x', UINT16_MAX, pair)) {
			glint_json_refuse_value(client, &params[PARAM_MIN_SIZE],
						values[PARAM_MIN_SIZE].text,
						"WxH in pixels, such as 20x10");
			return false;
		}
		condition->min_width = pair[0];
		condition->min_height = pair[1];
	}
	if (!read_pair(values[PARAM_FRAMES].text, '/', GLINT_MOTION_FRAMES_MAX, pair) ||
	    pair[0] > pair[1]) {
		glint_json_refuse_value(client, &params[PARAM_FRAMES], values[PARAM_FRAMES].text,
					"K/N with 1 <= K <= N <= 64, such as 10/20");
		return false;
	}
	condition->moved = pair[0];
	condition->window = pair[1];
	return kind != GLINT_CONDITION_HASH ||
	       glint_condition_read_hash(client, &params[PARAM_HASH], &values[PARAM_HASH],
					 condition);
}

/*
 * Read the regions of a parameter that the query may have several times. The first one is in
 * @values, even if it was a member of the body.
 */
static void read_regions(const struct glint_client *client, unsigned param,
			 const struct glint_param_value *values, struct glint_region *regions,
			 unsigned *n)
{
	const char *query = glint_parser_request(client->parser)->query;
	struct glint_param_value value;

	for (*n = 0; *n < values[param].count && *n < GLINT_CONDITION_AREAS_MAX; (*n)++) {
		if (*n == 0)
			value = values[param];
		else if (!glint_params_nth(&params[param], query, *n, &value))
			break;
		regions[*n] = value.region;
	}
}

/* --- Requests -------------------------------------------------------------------------------- */

static bool add_condition(struct waiting *waiting, const struct glint_param_value *values,
			  enum glint_condition_kind kind)
{
	struct glint_wait *wait = &waiting->wait;
	struct glint_condition *condition = &wait->conditions[wait->n_conditions];

	if (wait->n_conditions == GLINT_CONDITIONS_MAX) {
		glint_reply_refusal(waiting->client, 400, "too-many-conditions",
				    "a wait has at most 8 conditions");
		return false;
	}
	if (!condition_read(waiting->client, values, kind, condition))
		return false;
	read_regions(waiting->client, PARAM_EXCLUDE, values, condition->excluded,
		     &condition->n_excluded);
	if (kind == GLINT_CONDITION_MATCH) {
		read_regions(waiting->client, PARAM_REGION, values, condition->areas,
			     &condition->n_areas);
	} else if (values[PARAM_REGION].count > 1) {
		glint_reply_refusal(waiting->client, 400, "bad-region",
				    "only match takes several regions");
		return false;
	}
	if (kind == GLINT_CONDITION_HASH && condition->n_excluded > 0) {
		glint_reply_refusal(waiting->client, 400, "bad-exclude",
				    "a checksum is of all pixels of its region");
		return false;
	}
	wait->n_conditions++;
	return true;
}

/* Conditions by their names, with commas between. All have the request's parameters. */
static bool add_listed(struct waiting *waiting, const struct glint_param_value *values,
		       unsigned param)
{
	char names[GLINT_PARAM_TEXT_MAX + 1], *rest = NULL, *name;
	enum glint_condition_kind kind;

	snprintf(names, sizeof(names), "%s", values[param].text);
	waiting->wait.all = param == PARAM_ALL;
	for (name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (glint_condition_parse(name, &kind) < 0) {
			glint_json_refuse_value(
				waiting->client, &params[param], name,
				"change, still, motion, black, nonblack, live, offline, "
				"transition, hash and match, with commas between");
			return false;
		}
		if (!add_condition(waiting, values, kind))
			return false;
	}
	return true;
}

static bool add_conditions(struct waiting *waiting, const struct glint_param_value *values)
{
	bool ok = true;

	if (values[PARAM_FOR].count + values[PARAM_ANY].count + values[PARAM_ALL].count > 1) {
		glint_reply_refusal(waiting->client, 400, "bad-for",
				    "a wait has one of for=, any= and all=");
		return false;
	}
	if (values[PARAM_ANY].count > 0)
		ok = add_listed(waiting, values, PARAM_ANY);
	else if (values[PARAM_ALL].count > 0)
		ok = add_listed(waiting, values, PARAM_ALL);
	else if (values[PARAM_FOR].count > 0)
		ok = add_condition(waiting, values,
				   (enum glint_condition_kind)values[PARAM_FOR].word);
	if (ok && waiting->wait.n_conditions == 0) {
		glint_reply_refusal(waiting->client, 400, "bad-for",
				    "for= names the condition: change, still, motion, black, "
				    "nonblack, live, offline, transition, hash or match");
		ok = false;
	}
	return ok;
}

/* False: a condition needs a picture, and the request is answered with 400. */
static bool has_pictures(struct waiting *waiting)
{
	const struct glint_wait *wait = &waiting->wait;

	for (unsigned i = 0; i < wait->n_conditions; i++)
		if (wait->conditions[i].kind == GLINT_CONDITION_MATCH &&
		    !wait->conditions[i].picture) {
			glint_reply_refusal(waiting->client, 400, "bad-reference",
					    "match needs a picture: POST a PNG, JPEG, PPM or PGM, "
					    "or JSON in which each match has its own as reference");
			return false;
		}
	return true;
}

static void waiting_begin(struct waiting *waiting, const struct glint_param_value *values)
{
	struct glint_client *client = waiting->client;
	struct glint_wait *wait = &waiting->wait;

	assert(wait->n_conditions > 0 && wait->n_conditions <= GLINT_CONDITIONS_MAX);

	wait->since_ns = client->request_ns;
	wait->deadline_ns = wait->since_ns + values[PARAM_TIMEOUT].ns;
	wait->done = waiting_done;
	if (client->server->ops->wait(client->server->ctx, wait) < 0) {
		glint_reply_refusal(client, wait->status, wait->reason, wait->message);
		waiting_destroy(waiting);
		return;
	}
	waiting->begun = true;
	/* Bytes after this request are read to notice that the peer closes, and are dropped. */
	client->keep_alive = false;
	add_event(waiting, false);
	glint_client_set_activity(client, &waiting->activity);
}

static struct waiting *waiting_create(struct glint_client *client)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting) {
		glint_reply_error(client, 503);
		return NULL;
	}
	waiting->activity.ops = &waiting_ops;
	waiting->client = client;
	return waiting;
}

/* --- POST ---------------------------------------------------------------------------------- */

static bool refuse_body(struct glint_client *client, const char *message)
{
	glint_json_refuse(client, 400, "bad-body", message);
	return false;
}

/* Move a list of regions out of @object; a single region is a parameter like others. */
static bool take_regions(struct glint_client *client, json_t *object, const char *name,
			 struct glint_region *regions, unsigned *n)
{
	json_t *list = json_object_get(object, name), *item;
	size_t i;

	if (!json_is_array(list))
		return true;
	json_array_foreach(list, i, item) {
		const char *text = json_string_value(item);

		if (*n == GLINT_CONDITION_AREAS_MAX || !text ||
		    glint_region_parse(text, &regions[*n]) < 0)
			return refuse_body(client, "region and exclude are lists of up to 16 "
						   "regions, as texts such as \"640x20+0+0\"");
		(*n)++;
	}
	json_object_del(object, name);
	return true;
}

/* Move the picture of "reference" out of @object. */
static bool take_picture(struct glint_client *client, json_t *object,
			 struct glint_condition *condition)
{
	json_t *reference = json_object_get(object, "reference");
	const char *text = json_string_value(reference);
	size_t len = json_string_length(reference);

	if (!reference)
		return true;
	if (!text || len == 0)
		return refuse_body(client, "reference is a picture as a text in base64");
	condition->picture = malloc(GLINT_BASE64_BYTES(len) + 1);
	if (!condition->picture) {
		glint_reply_error(client, 503);
		return false;
	}
	if (!glint_base64_decode(condition->picture, text, len, &condition->picture_size))
		return refuse_body(client, "reference is no base64 with its padding");
	json_object_del(object, "reference");
	return true;
}

/* A condition's own members replace those that the request has for all conditions. */
static void forget_named(const json_t *object, struct glint_param_value *values)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
		for (unsigned i = 0; i < PARAMS; i++)
			if (strcmp(params[i].name, name) == 0)
				values[i].count = 0;
}

static const char no_exclude[] = "a checksum is of all pixels of its region: no exclude";

/* The last condition gets the lists and the picture that its JSON had. */
static bool add_members(struct waiting *waiting, struct glint_condition *lists)
{
	struct glint_condition *condition =
		&waiting->wait.conditions[waiting->wait.n_conditions - 1];
	bool matches = condition->kind == GLINT_CONDITION_MATCH;

	assert(waiting->wait.n_conditions > 0 && !condition->picture);

	if (!matches && lists->n_areas > 0)
		return refuse_body(waiting->client, "only match takes several regions");
	if (!matches && lists->picture)
		return refuse_body(waiting->client, "only match takes a reference picture");
	if (condition->kind == GLINT_CONDITION_HASH && lists->n_excluded > 0)
		return refuse_body(waiting->client, no_exclude);
	if (lists->n_excluded > 0) {
		memcpy(condition->excluded, lists->excluded, sizeof(condition->excluded));
		condition->n_excluded = lists->n_excluded;
	}
	if (lists->n_areas > 0) {
		memcpy(condition->areas, lists->areas, sizeof(condition->areas));
		condition->n_areas = lists->n_areas;
	}
	condition->picture = lists->picture;
	condition->picture_size = lists->picture_size;
	lists->picture = NULL;
	return true;
}

/* One condition of a list; @common are the members of the request. */
static bool add_object(struct waiting *waiting, json_t *object,
		       const struct glint_param_value *common)
{
	struct glint_client *client = waiting->client;
	struct glint_param_value values[PARAMS];
	struct glint_condition lists = { 0 };
	bool ok;

	if (!json_is_object(object))
		return refuse_body(client,
				   "each condition is an object, such as {\"for\": \"still\"}");
	memcpy(values, common, sizeof(values));
	forget_named(object, values);
	/* Lists and pictures, which are no parameters, go from the JSON to the condition. */
	ok = take_regions(client, object, "exclude", lists.excluded, &lists.n_excluded) &&
	     take_regions(client, object, "region", lists.areas, &lists.n_areas) &&
	     take_picture(client, object, &lists) && glint_json_members(client, object, values);
	if (ok && (values[PARAM_FOR].count == 0 || values[PARAM_ANY].count > 0 ||
		   values[PARAM_ALL].count > 0))
		ok = refuse_body(client, "each condition has a member for, and no any or all");
	ok = ok &&
	     add_condition(waiting, values, (enum glint_condition_kind)values[PARAM_FOR].word) &&
	     add_members(waiting, &lists);
	free(lists.picture);
	return ok;
}

/* Give the request's excluded regions to each condition that has none of its own. */
static bool add_excluded(struct waiting *waiting, const struct glint_condition *common)
{
	struct glint_wait *wait = &waiting->wait;

	for (unsigned i = 0; i < wait->n_conditions && common->n_excluded > 0; i++) {
		struct glint_condition *condition = &wait->conditions[i];

		if (condition->n_excluded > 0)
			continue;
		if (condition->kind == GLINT_CONDITION_HASH)
			return refuse_body(waiting->client, no_exclude);
		memcpy(condition->excluded, common->excluded, sizeof(condition->excluded));
		condition->n_excluded = common->n_excluded;
	}
	return true;
}

/*
 * The conditions of a body: a condition itself, or as any or all a list of conditions, or a text
 * with their names, beside members that hold for each of them.
 */
static bool add_body(struct waiting *waiting, json_t *body, struct glint_param_value *values)
{
	struct glint_client *client = waiting->client;
	struct glint_condition common = { 0 };
	json_t *any, *all, *list, *item;
	bool ok = true, listed;
	size_t i;

	if (!json_is_object(body))
		return refuse_body(client,
				   "the body must be an object, such as {\"for\": \"still\"}");
	any = json_object_get(body, "any");
	all = json_object_get(body, "all");
	if (any && all)
		return refuse_body(client, "a wait has one of any and all");
	list = json_incref(any ? any : all);
	listed = json_is_array(list);
	if (!listed && !json_is_string(list)) {
		json_decref(list);
		/* @values also need the body's timeout, which add_object() reads into a copy. */
		if (!glint_json_query(client, values) || !add_object(waiting, body, values))
			return false;
		forget_named(body, values);
		return glint_json_members(client, body, values);
	}
	waiting->wait.all = all != NULL;
	if (listed)
		json_object_del(body, any ? "any" : "all");
	ok = take_regions(client, body, "exclude", common.excluded, &common.n_excluded) &&
	     glint_json_query(client, values) && glint_json_members(client, body, values);
	if (!listed)
		ok = ok && add_conditions(waiting, values);
	json_array_foreach(list, i, item)
		ok = ok && add_object(waiting, item, values);
	if (ok && waiting->wait.n_conditions == 0)
		ok = refuse_body(client, "the list of conditions is empty");
	ok = ok && add_excluded(waiting, &common);
	json_decref(list);
	return ok;
}

static void post_json(struct glint_client *client)
{
	struct glint_param_value values[PARAMS];
	json_t *body = glint_json_body(client);
	struct waiting *waiting = body ? waiting_create(client) : NULL;

	if (waiting && add_body(waiting, body, values) && has_pictures(waiting))
		waiting_begin(waiting, values);
	else
		waiting_destroy(waiting);
	json_decref(body);
}

/* The body is the reference of the one condition that is a match. */
static bool give_picture(struct waiting *waiting)
{
	struct glint_wait *wait = &waiting->wait;
	struct glint_condition *match = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < wait->n_conditions; i++)
		if (wait->conditions[i].kind == GLINT_CONDITION_MATCH) {
			match = &wait->conditions[i];
			n++;
		}
	if (n != 1) {
		glint_reply_refusal(waiting->client, 400, "bad-for",
				    "a picture as the body is for one match, such as for=match");
		return false;
	}
	match->picture =
		(uint8_t *)glint_parser_take_body(waiting->client->parser, &match->picture_size);
	return true;
}

/* All parameters are in the query; @picture: the body is the reference. */
static void wait_by_query(struct glint_client *client, bool picture)
{
	struct glint_param_value values[PARAMS];
	struct waiting *waiting;

	if (!glint_json_query(client, values))
		return;
	waiting = waiting_create(client);
	if (!waiting)
		return;
	if (add_conditions(waiting, values) && (!picture || give_picture(waiting)) &&
	    has_pictures(waiting))
		waiting_begin(waiting, values);
	else
		waiting_destroy(waiting);
}

static void wait_get(struct glint_client *client)
{
	wait_by_query(client, false);
}

static void wait_post(struct glint_client *client)
{
	const char *type = glint_parser_request(client->parser)->content_type;

	if (type && strncasecmp(type, "image/", 6) == 0)
		wait_by_query(client, true);
	else
		post_json(client);
}

#define ANSWERS                                                                                    \
	{ 200, "application/json", "Wait", "A frame has decided: the conditions are met." },       \
		{ 504, "application/json", "Wait", "They were not met in time; what was seen." },  \
		{ 404, "application/json", "Refusal", "There is no mark of that name." },          \
	{                                                                                          \
		503, "application/json", "Refusal",                                                \
			"Too many waits, or the picture cannot be judged."                         \
	}

static const struct glint_answer get_answers[] = {
	ANSWERS,
	{ 409, "application/json", "Refusal", "The frame of since= is not kept." },
	{ 0 },
};

static const struct glint_answer post_answers[] = {
	ANSWERS,
	{ 409, "application/json", "Refusal",
	  "The frame of since= is not kept, or the reference does not lie within the picture." },
	{ 413, "application/json", "Refusal",
	  "The body has too many bytes, or the reference pixels." },
	{ 0 },
};

const struct glint_route glint_route_wait = {
	.paths = { "/wait" },
	.on[GLINT_METHOD_GET] = {
		.handle = wait_get,
		.params = params,
		.summary = "Wait until the screen shows something.",
		.answers = get_answers,
	},
	.on[GLINT_METHOD_POST] = {
		.handle = wait_post,
		.body_max = BODY_MAX,
		.media_type = "application/json",
		.byte_types = glint_reference_types,
		.byte_max = GLINT_REFERENCE_MAX,
		.params = params,
		.summary = "Wait until the screen shows something; what does not fit in a URL.",
		.body_schema = "WaitRequest",
		.answers = post_answers,
	},
};
