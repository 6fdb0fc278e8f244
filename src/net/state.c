/* SPDX-License-Identifier: MIT */
/*
 * GET /state: ustreamer's members, in its order and of its types, and then ours.
 * Everything is what it is now; nothing is waited for. Clients that ask often beside
 * many streams must not take the loop from the streams, so only some are listed.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/status.h"
#include "net/reply.h"
#include "net/routes.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/uri.h"

#define STREAMS_LISTED 32u	/* streams, unless clients=all asks for each */

/* What json_pack() takes for an "I", and for a rate. */
#define INT(value)  ((json_int_t)(value))
#define FPS(millihz) ((double)(millihz) / 1000)
#define ROUNDED(millihz) INT(((millihz) + 500) / 1000)

/* Names come from drivers and command lines: what is not UTF-8 is no JSON. */
static json_t *text(const char *string)
{
	json_t *value = json_string(string);
	char *copy;

	if (value)
		return value;
	copy = strdup(string);
	if (!copy)
		return NULL;
	for (char *at = copy; *at; at++)
		if ((unsigned char)*at > '~')
			*at = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

/* --- ustreamer's part ------------------------------------------------------------- */

static json_t *legacy_source(const struct glint_net *net, const struct glint_status *status)
{
	const struct glint_net_config *config = &net->config;
	bool fake = config->fake_width > 0 && config->fake_height > 0;

	return json_pack("{s:{s:I, s:I}, s:b, s:I, s:I}", "resolution", "width",
			 INT(fake ? config->fake_width : status->source.width), "height",
			 INT(fake ? config->fake_height : status->source.height), "online",
			 status->source.online, "desired_fps", INT(status->source.desired_fps),
			 "captured_fps", ROUNDED(status->source.rate_millihz));
}

static json_t *client_stat(const struct glint_stream *stream, uint64_t now_ns)
{
	return json_pack("{s:I, s:b, s:b, s:b, s:b, s:s, s:I, s:I}", "fps",
			 ROUNDED(glint_rate_millihz(&stream->rate, now_ns)), "extra_headers",
			 stream->extra_headers, "advance_headers", stream->advance_headers,
			 "dual_final_frames", stream->dual_final_frames, "zero_data",
			 stream->zero_data, "key", stream->key, "sent", INT(stream->n_sent),
			 "skipped", INT(stream->n_skipped));
}

/* Half a list would be a lie: without memory there is none. */
static json_t *whole_or_nothing(json_t *container, bool whole)
{
	if (whole)
		return container;
	json_decref(container);
	return NULL;
}

/* The @count newest streams, oldest first: what it costs does not depend on how many there are. */
static json_t *clients_stat(const struct glint_net *net, unsigned count, uint64_t now_ns)
{
	const struct glint_list *node = &net->streams;
	json_t *all = json_object();
	bool whole = true;

	for (unsigned i = 0; i < count; i++)
		node = node->prev;
	for (; node != &net->streams; node = node->next) {
		const struct glint_stream *stream =
			glint_list_entry(node, struct glint_stream, link);
		char id[17] = "";
		struct glint_text name = glint_text_in(id, sizeof(id) - 1);

		glint_text_hex16(&name, stream->client->id);
		whole &= json_object_set_new(all, id, client_stat(stream, now_ns)) == 0;
	}
	return whole_or_nothing(all, whole);
}

static json_t *legacy_stream(const struct glint_net *net, unsigned listed, uint64_t now_ns)
{
	return json_pack("{s:I, s:I, s:o}", "queued_fps",
			 ROUNDED(glint_rate_millihz(&net->queued, now_ns)), "clients",
			 INT(net->counters.streams), "clients_stat",
			 clients_stat(net, listed, now_ns));
}

/* --- Our part ------------------------------------------------------------------------ */

static json_t *source(const struct glint_status *status)
{
	return json_pack("{s:o, s:o, s:f, s:f}", "kind", text(status->source.kind), "reason",
			 text(status->source.reason), "fps", FPS(status->source.rate_millihz),
			 "nominal_fps", FPS(status->source.nominal_millihz));
}

static json_t *device(const struct glint_status *status)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "path", text(status->device.path), "driver",
			 text(status->device.driver), "card", text(status->device.card), "bus",
			 text(status->device.bus));
}

static json_t *planes(const uint32_t *values, unsigned count)
{
	json_t *array = json_array();
	bool whole = true;

	for (unsigned i = 0; i < MIN(count, 4u); i++)
		whole &= json_array_append_new(array, json_integer(values[i])) == 0;
	return whole_or_nothing(array, whole);
}

static json_t *format(const struct glint_status *status)
{
	return json_pack("{s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "fourcc",
			 text(status->format.fourcc), "width", INT(status->format.width), "height",
			 INT(status->format.height), "stride",
			 planes(status->format.stride, status->format.n_planes), "size",
			 planes(status->format.size, status->format.n_planes), "range",
			 text(status->format.range), "matrix", text(status->format.matrix));
}

/* Empty before the first frame: what is missing is unknown. */
static json_t *frame(const struct glint_status *status, uint64_t now_ns)
{
	uint64_t capture_ns = status->frame.capture_ns;

	if (!status->frame.any)
		return json_object();
	return json_pack("{s:I, s:I, s:o, s:o, s:I}", "sequence", INT(status->frame.seq),
			 "timestamp_ns", INT(capture_ns), "clock", text(status->frame.clock),
			 "moment", text(status->frame.moment), "age_ns",
			 INT(now_ns > capture_ns ? now_ns - capture_ns : 0));
}

static json_t *ledger(const struct glint_ledger *ledger)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "seen", INT(ledger->seen),
			 "delivered", INT(ledger->delivered), "driver_dropped",
			 INT(ledger->driver_dropped), "corrupt", INT(ledger->corrupt), "skipped",
			 INT(ledger->skipped), "failed", INT(ledger->failed), "in_flight",
			 INT(ledger->in_flight), "unaccounted",
			 INT(glint_ledger_unaccounted(ledger)));
}

static json_t *buffers(const struct glint_status *status)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I}", "kind", text(status->buffers.memory), "count",
			 INT(status->buffers.count), "driver", INT(status->buffers.with_driver),
			 "leased", INT(status->buffers.leased), "cancelled",
			 INT(status->buffers.cancelled));
}

/* The M2M encoder's part: what it is, how frames get into it, and how it is. */
static json_t *hardware(const struct glint_status *status)
{
	int32_t quality = status->encoder.driver_quality;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "state",
			 text(status->encoder.state), "reason", text(status->encoder.reason),
			 "device", text(status->encoder.path), "driver",
			 text(status->encoder.driver), "memory", text(status->encoder.memory),
			 "driver_quality", quality < 0 ? json_null() : json_integer(quality),
			 "faults", INT(status->encoder.faults), "late", INT(status->encoder.late),
			 "probes", INT(status->encoder.probes), "leased",
			 INT(status->encoder.leased));
}

static json_t *work(const struct glint_status *status)
{
	return json_pack(
		"{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}",
		"name", text(status->encoder.name), "subsampling",
		text(status->encoder.subsampling), "range", text(status->encoder.range), "workers",
		INT(status->encoder.workers), "slices", INT(status->encoder.slices), "quality",
		INT(status->encoder.quality), "encoded", INT(status->encoder.encoded), "failed",
		INT(status->encoder.failed), "skipped", INT(status->encoder.skipped), "bytes",
		INT(status->encoder.bytes), "last_size", INT(status->encoder.last_size), "pictures",
		INT(status->encoder.pictures), "pictures_held", INT(status->encoder.pictures_held),
		"pictures_bytes", INT(status->encoder.pictures_bytes), "fps",
		FPS(status->encoder.rate_millihz));
}

static json_t *encoder(const struct glint_status *status)
{
	json_t *all = work(status), *m2m = hardware(status);

	if (!all || json_object_update_new(all, m2m) < 0) {
		json_decref(all);
		return NULL;
	}
	return all;
}

static json_t *offline_pictures(const struct glint_status *status)
{
	return json_pack("{s:I, s:I, s:b}", "drawn", INT(status->offline.drawn), "failed",
			 INT(status->offline.failed), "drawing", status->offline.drawing);
}

static json_t *latency(const struct glint_histogram *histogram)
{
	static const struct glint_histogram empty;

	if (!histogram)
		histogram = &empty;
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "p50",
			 INT(glint_histogram_quantile(histogram, 500)), "p90",
			 INT(glint_histogram_quantile(histogram, 900)), "p99",
			 INT(glint_histogram_quantile(histogram, 990)), "max",
			 INT(histogram->max_ns), "count", INT(histogram->count));
}

static json_t *latencies(const struct glint_net *net, const struct glint_status *status)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "wait", latency(status->wait), "encode",
			 latency(status->encode), "send", latency(&net->send), "total",
			 latency(&net->total));
}

static json_t *clients(const struct glint_net *net, unsigned listed)
{
	const struct glint_net_counters *counters = &net->counters;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			 "s:I}",
			 "connections", INT(counters->clients), "streams", INT(counters->streams),
			 "streams_listed", INT(listed), "snapshots_waiting",
			 INT(counters->snapshots_waiting), "peers", INT(net->peers.n_connected),
			 "accepted", INT(counters->accepted), "refused", INT(counters->refused),
			 "displaced", INT(counters->displaced), "timed_out",
			 INT(counters->timed_out), "wrong_logins", INT(counters->wrong_logins),
			 "logins_unchecked", INT(counters->logins_unchecked), "logins_held",
			 INT(counters->logins_held), "pictures_sent", INT(counters->pictures_sent),
			 "pictures_skipped", INT(counters->pictures_skipped), "bytes_sent",
			 INT(counters->bytes_sent));
}

/* How many requests were answered with which status, of those that were. */
static json_t *answers(const struct glint_net *net)
{
	json_t *all = json_object();
	bool whole = true;

	for (unsigned i = 0; glint_reply_status_at(i) > 0; i++) {
		char status[4] = "";
		struct glint_text name = glint_text_in(status, sizeof(status) - 1);

		if (net->answers[i] == 0)
			continue;
		glint_text_uint(&name, glint_reply_status_at(i));
		whole &= json_object_set_new(all, status,
					     json_integer((json_int_t)net->answers[i])) == 0;
	}
	return whole_or_nothing(all, whole);
}

static json_t *glint(const struct glint_net *net, const struct glint_status *status,
		     unsigned listed, uint64_t now_ns)
{
	return json_pack(
		"{s:o, s:I, s:{s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f}",
		"version", text(status->version), "uptime_s",
		INT((now_ns - status->started_ns) / GLINT_NSEC_PER_SEC), "loop", "backend",
		text(status->loop_backend), "reason", text(status->loop_reason), "source",
		source(status), "device", device(status), "format", format(status), "frame",
		frame(status, now_ns), "ledger", ledger(&status->ledger), "buffers",
		buffers(status), "encoder", encoder(status), "offline_pictures",
		offline_pictures(status), "latency_ns", latencies(net, status), "clients",
		clients(net, listed), "answers", answers(net), "copies_per_frame",
		status->copies_per_frame);
}

static json_t *state(const struct glint_net *net, unsigned listed)
{
	uint64_t now_ns = glint_now_ns();
	struct glint_status status;

	net->ops->status(net->ctx, &status);
	return json_pack("{s:b, s:{s:o, s:{s:o, s:I}, s:o, s:o, s:o}}", "ok", true, "result",
			 "instance_id", text(net->config.instance_id), "encoder", "type",
			 text(status.encoder.type), "quality", INT(status.encoder.quality),
			 "source", legacy_source(net, &status), "stream",
			 legacy_stream(net, listed, now_ns), "glint",
			 glint(net, &status, listed, now_ns));
}

/* How many streams the reply tells of one by one. */
static unsigned listed_of(const struct glint_client *client)
{
	unsigned all = client->net->counters.streams;
	char word[8];

	if (glint_query_get(glint_http_request(client->http)->query, "clients", word,
			    sizeof(word)) &&
	    strcmp(word, "all") == 0)
		return all;
	return MIN(all, STREAMS_LISTED);
}

void glint_route_state(struct glint_client *client)
{
	json_t *root = state(client->net, listed_of(client));
	char *json = root ? json_dumps(root, JSON_REAL_PRECISION(9)) : NULL;

	json_decref(root);
	if (json)
		glint_reply_owned(client, 200, "application/json", json, strlen(json));
	else
		glint_reply_error(client, 503);	/* memory is short */
}
