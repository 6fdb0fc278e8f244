/* SPDX-License-Identifier: MIT */
/*
 * GET /events: what happens, as server-sent events or as lines of JSON, without end. A
 * client has a place in the history and no memory of its own: when the client is slower
 * than the events, the history passes the place, and the client is told what it missed.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/events.h"
#include "core/report.h"
#include "http/client.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/reply.h"
#include "http/route.h"

#define KEEP_ALIVE_NS (2 * GLINT_NSEC_PER_SEC) /* longest silence of a service that is there */
#define FOLLOWERS_MAX 16u		       /* at once */
#define ID_MAX	      32u
#define RECONNECT     "retry: 1000\n" /* ms: a browser connects again after that */

static const struct glint_log_topic topic = { "events" };

enum { PARAM_LAST_ID, PARAM_JSON, PARAMS };

static const struct glint_param params[] = {
	[PARAM_LAST_ID] = { "last_id", GLINT_PARAM_TEXT, .max = 32,
			    .help = "Begin after the event with this id, or this number; 0 is before "
				    "the first. Wins over the header Last-Event-ID. Without both: only "
				    "new events." },
	[PARAM_JSON] = { "json", GLINT_PARAM_FLAG,
			 .help = "Lines of JSON instead of server-sent events." },
	{ NULL },
};

struct follower {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_list link; /* @server->followers */
	bool json;		/* lines of JSON, else server-sent events */
	bool other_run;		/* the last id was of another run: a gap event comes first */
	uint64_t next;		/* number of the next event to send */
};

static struct follower *follower_of(struct glint_activity *activity)
{
	return container_of(activity, struct follower, activity);
}

/* --- What is sent --------------------------------------------------------------------- */

static void add_id(struct glint_text *text, const struct glint_events *events, uint64_t seq)
{
	glint_text_add(text, glint_events_run(events));
	glint_text_add(text, "-");
	glint_text_uint(text, seq);
}

static void report_id(struct glint_report *report, const struct glint_events *events, uint64_t seq)
{
	char id[ID_MAX] = "";
	struct glint_text text = glint_text_in(id, sizeof(id) - 1);

	add_id(&text, events, seq);
	assert(!text.cut);
	glint_report_text(report, "id", id);
}

/* Add one event. False: there is no space in this send, or no memory. */
static bool add_event(struct glint_text *head, const struct follower *follower,
		      const struct glint_events *events, uint64_t seq, const char *type,
		      const char *json)
{
	struct glint_text before = *head;

	if (!json)
		return false;
	if (!follower->json) {
		glint_text_add(head, "id: ");
		add_id(head, events, seq);
		glint_text_add(head, "\nevent: ");
		glint_text_add(head, type);
		glint_text_add(head, "\ndata: ");
	}
	glint_text_add(head, json);
	glint_text_add(head, follower->json ? "\n" : "\n\n");
	if (!head->cut)
		return true;
	*head = before;
	return false;
}

static bool add_held(struct glint_text *head, const struct follower *follower,
		     const struct glint_events *events, uint64_t seq)
{
	struct glint_json_report json;
	char *text;
	bool added;

	glint_json_report_begin(&json);
	report_id(&json.report, events, seq);
	glint_events_tell(events, seq, &json.report);
	text = glint_json_report_text(&json);
	added = add_event(head, follower, events, seq,
			  glint_event_name(glint_events_type(events, seq)), text);
	free(text);
	return added;
}

/* Add a gap event: events before @first are missing, of another run or from @follower->next on. */
static bool add_gap(struct glint_text *head, const struct follower *follower,
		    const struct glint_events *events, uint64_t first)
{
	struct glint_json_report json;
	char *text;
	bool added;

	glint_json_report_begin(&json);
	report_id(&json.report, events, first - 1);
	glint_report_uint(&json.report, "seq", first - 1);
	glint_report_text(&json.report, "type", "gap");
	glint_report_uint(&json.report, "monotonic_ns", glint_now_ns());
	glint_report_uint(&json.report, "realtime_ns", glint_clock_ns(CLOCK_REALTIME));
	glint_report_object(&json.report, "data");
	glint_report_text(&json.report, "reason", follower->other_run ? "restart" : "history");
	if (follower->other_run)
		glint_report_null(&json.report, "missed"); /* the other run's number is not known */
	else
		glint_report_uint(&json.report, "missed", first - follower->next);
	glint_report_end(&json.report);
	text = glint_json_report_text(&json);
	added = add_event(head, follower, events, first - 1, "gap", text);
	free(text);
	return added;
}

/* Add as many events as fit. False: there is no memory for the first one. */
static bool follower_fill(struct follower *follower, struct glint_text *head)
{
	const struct glint_events *events = follower->client->server->config.events;
	uint64_t first = glint_events_first(events);
	bool fits = true;

	if (follower->next < first || follower->other_run) {
		fits = add_gap(head, follower, events, first);
		if (fits) {
			follower->next = first;
			follower->other_run = false;
		}
	}
	while (fits && follower->next <= glint_events_last(events)) {
		fits = add_held(head, follower, events, follower->next);
		follower->next += fits;
	}
	return fits || head->used > 0;
}

/* Send what the client has not had yet, if nothing is being sent. */
static void follower_advance(struct follower *follower)
{
	struct glint_client *client = follower->client;
	uint64_t last = glint_events_last(client->server->config.events);

	assert(follower->next <= last + 1);

	if (glint_client_is_sending(client) || client->conn.state != GLINT_CONNECTION_OPEN)
		return;
	if (follower->next > last && !follower->other_run) {
		glint_client_set_deadline(client, KEEP_ALIVE_NS);
		return;
	}
	if (follower_fill(follower, glint_client_begin(client)))
		glint_client_send(client);
	else
		glint_client_close(client); /* no memory; its last id resumes the events */
}

static void server_on_added(struct glint_events_listener *listener)
{
	struct glint_server *server = container_of(listener, struct glint_server, on_event);
	struct follower *follower;

	glint_list_for_each(follower, &server->followers, link)
		follower_advance(follower);
}

/* --- As an activity --------------------------------------------------------------------- */

static void follower_sent(struct glint_activity *activity)
{
	follower_advance(follower_of(activity));
}

static void follower_late(struct glint_activity *activity)
{
	struct follower *follower = follower_of(activity);

	glint_text_add(glint_client_begin(follower->client), follower->json ? "\n" : ":\n\n");
	glint_client_send(follower->client);
}

static void follower_stop(struct glint_activity *activity)
{
	struct follower *follower = follower_of(activity);
	struct glint_server *server = follower->client->server;

	assert(server->counters.followers > 0 && !glint_list_empty(&follower->link));

	glint_list_remove(&follower->link);
	server->counters.followers--;
	if (glint_list_empty(&server->followers))
		glint_events_unlisten(&server->on_event);
	glint_log_verbose(&topic, "%016llx ends", (unsigned long long)follower->client->conn.id);
}

static void follower_free(struct glint_activity *activity)
{
	free(follower_of(activity));
}

static const struct glint_activity_ops follower_ops = {
	.sent = follower_sent,
	.late = follower_late,
	.stop = follower_stop,
	.free = follower_free,
	.ends_with_input = true,
};

/* --- The beginning ---------------------------------------------------------------------- */

/*
 * @id is "RUN-NUMBER" as it was sent, or a number of this run. An id of another run, or of
 * the future, makes the history begin at its oldest event. -EINVAL: it is no id.
 */
static int follower_resume(struct follower *follower, const struct glint_events *events,
			   const char *id)
{
	size_t run_length = GLINT_EVENTS_RUN_MAX - 1;
	const char *number = id, *run = glint_events_run(events);
	bool other = false;
	uint64_t seq = 0;

	if (strlen(id) > run_length && id[run_length] == '-') {
		other = strncmp(id, run, run_length) != 0;
		number = id + run_length + 1;
	}
	if (!*number || strspn(number, "0123456789") != strlen(number))
		return -EINVAL;
	errno = 0;
	seq = strtoull(number, NULL, 10);
	if (errno != 0)
		return -EINVAL;
	if (other || seq > glint_events_last(events)) {
		follower->other_run = true;
		follower->next = glint_events_first(events);
	} else {
		follower->next = seq + 1;
	}
	return 0;
}

/* False: the request is answered with 400. */
static bool follower_read_request(struct follower *follower,
				  const struct glint_param_value values[PARAMS])
{
	const struct glint_events *events = follower->client->server->config.events;
	const char *id = glint_parser_request(follower->client->parser)->last_event_id;

	follower->json = values[PARAM_JSON].flag;
	follower->next = glint_events_last(events) + 1;
	if (values[PARAM_LAST_ID].count > 0)
		id = values[PARAM_LAST_ID].text;
	if (!id || follower_resume(follower, events, id) == 0)
		return true;
	glint_reply_refusal(
		follower->client, 400, "bad-last_id",
		"last_id and Last-Event-ID are the id of an event, as it was sent, or a "
		"number; 0 is before the first event");
	return false;
}

static void add_first(struct glint_text *head, const struct follower *follower)
{
	const struct glint_events *events = follower->client->server->config.events;

	glint_reply_no_store(head);
	glint_text_header(head, "Content-Type",
			  follower->json ? "application/x-ndjson" : "text/event-stream");
	/* Of nginx, which would keep events until a buffer is full. */
	glint_text_header(head, "X-Accel-Buffering", "no");
	glint_text_add(head, "\r\n");
	if (follower->json)
		return;
	/* An id without an event, so that a client can resume before it has had an event. */
	glint_text_add(head, RECONNECT);
	if (!follower->other_run) {
		glint_text_add(head, "id: ");
		add_id(head, events, follower->next - 1);
		glint_text_add(head, "\n");
	}
	glint_text_add(head, "\n");
}

static void events_get(struct glint_client *client)
{
	struct glint_param_value values[PARAMS];
	struct glint_server *server = client->server;
	struct follower *follower;

	if (server->counters.followers >= FOLLOWERS_MAX) {
		glint_events_limit(server->config.events, GLINT_LIMIT_EVENTS);
		glint_reply_refusal_with(client, 503, "Retry-After", "1", "too-many-followers",
					 "as many clients as are allowed follow the events");
		return;
	}
	if (!glint_json_query(client, values))
		return;
	follower = calloc(1, sizeof(*follower));
	if (!follower) {
		glint_reply_error(client, 503);
		return;
	}
	follower->activity.ops = &follower_ops;
	follower->client = client;
	if (!follower_read_request(follower, values)) {
		free(follower);
		return;
	}
	glint_client_set_activity(client, &follower->activity);
	/* At once, so that the client knows that it is connected. */
	add_first(glint_reply_begin_endless(client), follower);
	glint_client_send(client);

	if (glint_list_empty(&server->followers)) {
		server->on_event.added = server_on_added;
		glint_events_listen(server->config.events, &server->on_event);
	}
	glint_list_append(&server->followers, &follower->link);
	server->counters.followers++;
	glint_log_verbose(&topic, "%016llx begins", (unsigned long long)client->conn.id);
}

static const struct glint_answer answers[] = {
	{ 200, "text/event-stream", NULL,
	  "Events without end; the data of each is one line of JSON (schema: event)." },
	{ 400, "application/json", "Refusal", "bad-last_id, bad-json, unknown-parameter." },
	{ 503, "application/json", "Refusal", "too-many-followers: 16 clients follow the events." },
	{ 0 },
};

const struct glint_route glint_route_events = {
	.paths = { "/events" },
	.on[GLINT_METHOD_GET] = {
		.handle = events_get,
		.params = params,
		.summary = "What happens in the service, as it happens.",
		.answers = answers,
	},
};
