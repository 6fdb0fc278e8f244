/* SPDX-License-Identifier: MIT */
#include "http/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/packet.h"
#include "core/status.h"
#include "http/headers.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/params.h"
#include "http/pictures.h"
#include "http/reply.h"
#include "http/route.h"
#include "http/uri.h"

#define BOUNDARY "boundarydonotcross"
#define KEY_MAX	 84 /* bytes of a key before it is encoded: each may become three */

static const char boundary[] = "--" BOUNDARY "\r\n";

static const struct glint_log_topic topic = { "stream" };

static struct glint_stream *stream_of(struct glint_activity *activity)
{
	return container_of(activity, struct glint_stream, activity);
}

/* --- What is sent around the pictures --------------------------------------------------- */

static void add_advance(struct glint_text *text)
{
	glint_text_header(text, "Content-Type", "image/jpeg");
	glint_headers_add_wall_clock(text);
	glint_text_add(text, "\r\n");
}

static void add_cookie(struct glint_text *head, const struct glint_stream *stream)
{
	const char *instance = stream->client->server->config.instance_id;

	glint_text_add(head, "Set-Cookie: stream_client");
	glint_text_add(head, *instance ? "_" : "");
	glint_text_add(head, instance);
	glint_text_add(head, "=");
	glint_text_add(head, stream->key);
	glint_text_add(head, "/");
	glint_text_hex16(head, stream->client->conn.id);
	glint_text_add(head, "; path=/; max-age=30\r\n");
}

static void add_head(struct glint_text *head, const struct glint_stream *stream)
{
	glint_reply_no_store(head);
	add_cookie(head, stream);
	glint_text_header(head, "Content-Type", "multipart/x-mixed-replace;boundary=" BOUNDARY);
	glint_text_add(head, "\r\n");
	glint_text_add(head, boundary);
	if (stream->advance_headers)
		add_advance(head);
}

static void add_extra(struct glint_text *head, const struct glint_stream *stream,
		      const struct glint_packet *packet)
{
	uint64_t now_ns = glint_now_ns();
	uint32_t millihz = glint_rate_millihz(&stream->rate, now_ns);

	glint_headers_add_picture(head, stream->client->server, packet, now_ns);
	glint_text_header_uint(head, "X-UStreamer-Dropped", stream->dedup.n_skipped);
	glint_text_header_uint(head, "X-UStreamer-Client-FPS", (millihz + 500) / 1000);
	glint_headers_add_part_times(head, packet, now_ns);
}

static void add_part(struct glint_text *head, const struct glint_stream *stream,
		     const struct glint_packet *packet)
{
	if (stream->advance_headers)
		return; /* the part's head was sent before the picture */
	glint_text_header(head, "Content-Type", "image/jpeg");
	glint_text_header_uint(head, "Content-Length", stream->zero_data ? 0 : packet->size);
	glint_headers_add_wall_clock(head);
	if (stream->extra_headers)
		add_extra(head, stream, packet);
	glint_text_add(head, "\r\n");
}

static void put_end(struct glint_stream *stream)
{
	struct glint_text end = glint_text_in(stream->end, sizeof(stream->end));

	/* The boundary comes at once: it tells a reader that the picture is complete. */
	glint_text_add(&end, "\r\n");
	glint_text_add(&end, boundary);
	if (stream->advance_headers)
		add_advance(&end);
	assert(!end.cut);
	glint_client_put(stream->client, end.base, end.used);
}

/* --- Sending ------------------------------------------------------------------------- */

/* Take over the caller's reference. */
static void stream_send(struct glint_stream *stream, struct glint_packet *packet)
{
	struct glint_client *client = stream->client;

	assert(!stream->sending);

	stream->sending = packet;
	add_part(glint_client_begin(client), stream, packet);
	stream->dedup.n_skipped = 0;
	if (!stream->zero_data)
		glint_client_put_picture(client, packet);
	put_end(stream);
	glint_client_send(client);
}

static void stream_sent(struct glint_activity *activity)
{
	struct glint_stream *stream = stream_of(activity);
	struct glint_packet *next = stream->next;

	if (stream->sending) {
		glint_pictures_count_sent(stream->client->server, stream->sending);
		glint_rate_add(&stream->rate, glint_now_ns());
		stream->n_sent++;
	}
	stream->sending = glint_packet_unref(stream->sending);
	stream->next = NULL;
	if (next)
		stream_send(stream, next);
}

static void stream_take(struct glint_stream *stream, struct glint_packet *packet)
{
	assert(!stream->next || glint_client_is_sending(stream->client));

	glint_pictures_count_queued(stream->client->server, packet);
	if (!glint_client_is_sending(stream->client)) {
		stream_send(stream, glint_packet_ref(packet));
		return;
	}
	if (stream->next) {
		stream->n_skipped++;
		stream->client->server->counters.pictures_skipped++;
	}
	glint_packet_unref(stream->next);
	stream->next = glint_packet_ref(packet);
}

/* Some frames come a little early. */
#define EARLY_MAX_NS (4 * GLINT_NSEC_PER_MSEC)

/* With fps= the client has named the most pictures a second that it wants. */
static bool stream_is_due(const struct glint_stream *stream, const struct glint_frame_info *info)
{
	uint64_t early_ns = MIN(stream->period_ns / 8, EARLY_MAX_NS);

	return stream->period_ns == 0 || !info->live ||
	       info->capture_ns + early_ns >= stream->due_ns;
}

static bool stream_wants(const struct glint_sink *sink, const struct glint_frame_info *info)
{
	return stream_is_due(container_of(sink, struct glint_stream, sink), info);
}

/* The next picture is due a period after this one was due, so that the rate has no drift. */
static void stream_pace(struct glint_stream *stream, const struct glint_frame_info *info)
{
	stream->due_ns += stream->period_ns;
	if (stream->due_ns <= info->capture_ns ||
	    stream->due_ns > info->capture_ns + 2 * stream->period_ns)
		stream->due_ns = info->capture_ns + stream->period_ns;
}

static bool stream_on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	struct glint_stream *stream = container_of(sink, struct glint_stream, sink);
	struct glint_server *server = stream->client->server;

	if (packet->info.live && !glint_pictures_are_live(server, &packet->info))
		return false;
	if (!stream_is_due(stream, &packet->info))
		return false;
	if (IS_ENABLED(CONFIG_NET_SAME) &&
	    glint_dedup_skips(&stream->dedup, &server->last_hash, packet,
			      server->config.drop_same_frames, stream->dual_final_frames))
		return false;
	if (stream->period_ns > 0)
		stream_pace(stream, &packet->info);
	stream_take(stream, packet);
	return true;
}

/* --- As an activity ------------------------------------------------------------------- */

static void stream_stop(struct glint_activity *activity)
{
	struct glint_stream *stream = stream_of(activity);
	struct glint_server *server = stream->client->server;

	assert(server->pool.n_streams > 0 && !glint_list_empty(&stream->link));

	glint_fanout_detach(server->pictures, &stream->sink);
	glint_list_remove(&stream->link);
	server->pool.n_streams--;
	glint_log_verbose(&topic, "%016llx ends: %llu pictures sent, %llu skipped",
			  (unsigned long long)stream->client->conn.id,
			  (unsigned long long)stream->n_sent,
			  (unsigned long long)stream->n_skipped);
}

static void stream_free(struct glint_activity *activity)
{
	struct glint_stream *stream = stream_of(activity);

	assert(glint_list_empty(&stream->link));

	glint_packet_unref(stream->sending);
	glint_packet_unref(stream->next);
	free(stream);
}

static const struct glint_activity_ops stream_ops = {
	.sent = stream_sent,
	.stop = stream_stop,
	.free = stream_free,
	.ends_with_input = true,
};

/* --- While there is no video -------------------------------------------------------------- */

static void streams_show_offline(struct glint_server *server)
{
	struct glint_packet *packet;
	struct glint_stream *stream;

	/* When it is still being drawn, glint_server_offline_drawn() leads back here. */
	(void)server->ops->offline_picture(server->ctx, &packet);
	glint_alarm_set(&server->offline_tick, glint_now_ns() + GLINT_NSEC_PER_SEC);
	if (!packet)
		return;
	glint_list_for_each(stream, &server->streams, link)
		stream_take(stream, packet);
	glint_packet_unref(packet);
}

/* Drop next packets that are from before the change. */
static void streams_drop_stale(struct glint_server *server)
{
	struct glint_stream *stream;

	glint_list_for_each(stream, &server->streams, link) {
		if (!stream->next || !stream->next->info.live ||
		    glint_pictures_are_live(server, &stream->next->info))
			continue;
		stream->n_skipped++;
		server->counters.pictures_skipped++;
		stream->next = glint_packet_unref(stream->next);
	}
}

void glint_streams_on_source(struct glint_server *server)
{
	streams_drop_stale(server);
	if (!server->online && !glint_list_empty(&server->streams))
		streams_show_offline(server);
	else
		glint_alarm_set(&server->offline_tick, GLINT_ALARM_NEVER);
}

void glint_streams_on_tick(struct glint_alarm *alarm)
{
	struct glint_server *server = container_of(alarm, struct glint_server, offline_tick);

	glint_streams_on_source(server);
}

static void stream_show_offline(struct glint_stream *stream)
{
	struct glint_server *server = stream->client->server;
	struct glint_packet *packet;

	(void)server->ops->offline_picture(server->ctx, &packet);
	if (server->offline_tick.due_ns == GLINT_ALARM_NEVER)
		glint_alarm_set(&server->offline_tick, glint_now_ns() + GLINT_NSEC_PER_SEC);
	if (packet)
		stream_take(stream, packet);
	glint_packet_unref(packet);
}

/* --- The beginning -------------------------------------------------------------------------- */

enum {
	PARAM_KEY,
	PARAM_EXTRA_HEADERS,
	PARAM_ADVANCE_HEADERS,
	PARAM_DUAL_FINAL_FRAMES,
	PARAM_ZERO_DATA,
	PARAM_FPS,
	PARAMS,
};

/* ustreamer's, read as ustreamer reads them. */
static const struct glint_param params[] = {
	[PARAM_KEY] = { "key", GLINT_PARAM_TEXT, .max = KEY_MAX, .fallback = "0", .lenient = true,
			.help = "A label of the client for the cookie and /state." },
	[PARAM_EXTRA_HEADERS] = { "extra_headers", GLINT_PARAM_FLAG, .lenient = true,
				  .help = "Describe the frame in the headers of each part." },
	[PARAM_ADVANCE_HEADERS] = { "advance_headers", GLINT_PARAM_FLAG, .lenient = true,
				    .help = "Send the headers of the next part behind each picture, "
					    "for browsers that paint a frame late." },
	[PARAM_DUAL_FINAL_FRAMES] = { "dual_final_frames", GLINT_PARAM_FLAG, .lenient = true,
				      .help = "With --drop-same-frames: send the last picture of a "
					      "change twice." },
	[PARAM_ZERO_DATA] = { "zero_data", GLINT_PARAM_FLAG, .lenient = true,
			      .help = "Send parts without data, to measure." },
	[PARAM_FPS] = { "fps", GLINT_PARAM_NUMBER, .unit = "pictures a second", .min = 0.1,
			.max = 1000,
			.help = "At most so many, evenly; frames that nobody wants are not encoded." },
	[PARAMS] = { NULL },
};

static void stream_set(struct glint_stream *stream, const struct glint_param_value *values)
{
	const char *key = values[PARAM_KEY].text;

	glint_uri_encode(stream->key, sizeof(stream->key), *key ? key : "0");
	stream->extra_headers = values[PARAM_EXTRA_HEADERS].flag;
	stream->advance_headers = values[PARAM_ADVANCE_HEADERS].flag;
	stream->dual_final_frames = values[PARAM_DUAL_FINAL_FRAMES].flag;
	stream->zero_data = values[PARAM_ZERO_DATA].flag;
	if (values[PARAM_FPS].count > 0)
		stream->period_ns =
			(uint64_t)((double)GLINT_NSEC_PER_SEC / values[PARAM_FPS].number);
}

static void stream_get(struct glint_client *client)
{
	struct glint_server *server = client->server;
	struct glint_param_value values[PARAMS];
	struct glint_stream *stream;

	if (!glint_json_query(client, values))
		return;
	stream = calloc(1, sizeof(*stream));
	if (!stream) {
		glint_reply_error(client, 503);
		return;
	}
	stream->activity.ops = &stream_ops;
	stream->client = client;
	stream->sink.codec = GLINT_CODEC_JPEG;
	stream->sink.push_packet = stream_on_packet;
	stream->sink.wants = stream_wants;
	glint_list_init(&stream->sink.link);
	stream_set(stream, values);
	glint_client_set_activity(client, &stream->activity);
	/* At once, before there is a picture: then the client knows that it is connected. */
	add_head(glint_reply_begin_endless(client), stream);
	glint_client_send(client);

	server->pool.n_streams++;
	glint_list_append(&server->streams, &stream->link);
	if (!server->online)
		stream_show_offline(stream);
	glint_fanout_attach(server->pictures, &stream->sink);
	glint_log_verbose(&topic, "%016llx begins", (unsigned long long)client->conn.id);
}

const struct glint_route glint_route_stream = {
	.paths = { "/stream" },
	.action = "stream",
	.on[GLINT_METHOD_GET] = {
		.handle = stream_get,
		.params = params,
		.others = true,
		.summary = "Pictures without an end; a slow client misses pictures.",
		.answers = (const struct glint_answer[]){
			{ 200, "multipart/x-mixed-replace", NULL, "JPEGs." },
			{ 0 },
		},
	},
};
