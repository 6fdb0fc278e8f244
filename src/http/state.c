/* SPDX-License-Identifier: MIT */
/*
 * GET /state, and the server's own figures in it. All figures are those of the moment;
 * nothing is waited for. Clients that ask often beside many streams must not take the
 * loop from the streams, so only the newest streams are listed.
 */
#include <string.h>

#include "base/clock.h"
#include "core/report.h"
#include "core/status.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/route.h"
#include "http/stream.h"

#define STREAMS_LISTED 32u /* unless clients=all asks for each */

static unsigned streams_listed(const struct glint_server *server, const struct glint_report *report)
{
	unsigned all = server->pool.n_streams;

	return report->every_stream ? all : MIN(all, STREAMS_LISTED);
}

static void report_stream(const struct glint_stream *stream, struct glint_report *report,
			  uint64_t now_ns)
{
	char id[17] = "";
	struct glint_text name = glint_text_in(id, sizeof(id) - 1);

	glint_text_hex16(&name, stream->client->conn.id);
	glint_report_object(report, id);
	glint_report_rounded_rate(report, "fps", glint_rate_millihz(&stream->rate, now_ns));
	glint_report_bool(report, "extra_headers", stream->extra_headers);
	glint_report_bool(report, "advance_headers", stream->advance_headers);
	glint_report_bool(report, "dual_final_frames", stream->dual_final_frames);
	glint_report_bool(report, "zero_data", stream->zero_data);
	glint_report_text(report, "key", stream->key);
	glint_report_uint(report, "sent", stream->n_sent);
	glint_report_uint(report, "skipped", stream->n_skipped);
	glint_report_end(report);
}

void glint_server_report_streams(const struct glint_server *server, struct glint_report *report)
{
	uint64_t now_ns = glint_now_ns();
	const struct glint_list *node = &server->streams;

	glint_report_rounded_rate(report, "queued_fps",
				  glint_rate_millihz(&server->queued, now_ns));
	glint_report_uint(report, "clients", server->pool.n_streams);
	glint_report_object(report, "clients_stat");
	/* Only the newest, oldest first: the cost does not depend on the number of all streams. */
	for (unsigned i = streams_listed(server, report); i > 0; i--)
		node = node->prev;
	for (; node != &server->streams; node = node->next)
		report_stream(glint_list_entry(node, struct glint_stream, link), report, now_ns);
	glint_report_end(report);
}

void glint_server_report_latencies(const struct glint_server *server, struct glint_report *report)
{
	glint_report_latency(report, "send", &server->send);
	glint_report_latency(report, "total", &server->total);
}

void glint_server_report(const struct glint_server *server, struct glint_report *report)
{
	struct glint_server_counters counters;

	glint_server_counters(server, &counters);
	glint_report_object(report, "clients");
	glint_report_uint(report, "connections", counters.clients);
	glint_report_uint(report, "streams", counters.streams);
	glint_report_uint(report, "streams_listed", streams_listed(server, report));
	glint_report_uint(report, "snapshots_waiting", counters.snapshots_waiting);
	glint_report_uint(report, "followers", counters.followers);
	glint_report_uint(report, "peers", server->pool.peers.n_connected);
	glint_report_uint(report, "accepted", counters.accepted);
	glint_report_uint(report, "refused", counters.refused);
	glint_report_uint(report, "displaced", counters.displaced);
	glint_report_uint(report, "timed_out", counters.timed_out);
	glint_report_uint(report, "wrong_logins", counters.wrong_logins);
	glint_report_uint(report, "logins_unchecked", counters.logins_unchecked);
	glint_report_uint(report, "logins_held", counters.logins_held);
	glint_report_uint(report, "pictures_sent", counters.pictures_sent);
	glint_report_uint(report, "pictures_skipped", counters.pictures_skipped);
	glint_report_uint(report, "bytes_sent", counters.bytes_sent);
	glint_report_uint(report, "body_bytes", server->bodies.bytes);
	glint_report_uint(report, "bodies_refused", server->bodies.refused);
	glint_report_end(report);

	/* How many requests were answered with which status, without those that never were. */
	glint_report_object(report, "answers");
	for (unsigned i = 0; glint_reply_status_at(i) > 0; i++) {
		char status[4] = "";
		struct glint_text name = glint_text_in(status, sizeof(status) - 1);

		glint_text_uint(&name, glint_reply_status_at(i));
		if (server->answers[i] > 0)
			glint_report_uint(report, status, server->answers[i]);
	}
	glint_report_end(report);
}

enum { PARAM_CLIENTS, PARAMS };

static const char *const clients_words[] = { "newest", "all", NULL };

static const struct glint_param params[] = {
	[PARAM_CLIENTS] = { "clients", GLINT_PARAM_WORD, .words = clients_words,
			    .fallback = "newest", .lenient = true,
			    .help = "Which streams to list: the 32 newest, or all." },
	[PARAMS] = { NULL },
};

static void state_get(struct glint_client *client)
{
	const struct glint_server *server = client->server;
	struct glint_param_value values[PARAMS];
	struct glint_json_report json;
	struct glint_report *report = &json.report;

	if (!glint_json_query(client, values))
		return;
	glint_json_report_begin(&json);
	report->every_stream = strcmp(clients_words[values[PARAM_CLIENTS].word], "all") == 0;
	glint_report_bool(report, "ok", true);
	glint_report_object(report, "result");
	server->ops->report(server->ctx, report);
	glint_report_end(report);
	glint_json_report_reply(&json, client);
}

const struct glint_route glint_route_state = {
	.paths = { "/state" },
	.monitors = true,
	.on[GLINT_METHOD_GET] = {
		.handle = state_get,
		.params = params,
		.others = true,
		.summary = "The state of the service. Never waits.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "State", "The state." },
			{ 0 },
		},
	},
};
