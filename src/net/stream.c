/* SPDX-License-Identifier: MIT */
#include "net/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/picture.h"
#include "core/status.h"
#include "net/reply.h"
#include "net/routes.h"
#include "net/same.h"
#include "net/server.h"
#include "net/uri.h"

#define KEY_MAX 84	/* bytes of a key before it is encoded, which makes three of one */

static const struct glint_log_topic topic = { "stream" };

static struct glint_stream *stream_of(struct glint_activity *activity)
{
	return container_of(activity, struct glint_stream, activity);
}

/* --- Sending ------------------------------------------------------------------------- */

/* Takes over the caller's reference. */
static void stream_send(struct glint_stream *stream, struct glint_picture *picture)
{
	struct glint_client *client = stream->client;

	stream->sending = picture;
	glint_stream_add_part(glint_client_begin(client), stream, picture);
	stream->n_same = 0;
	if (!stream->zero_data)
		glint_client_put_picture(client, picture);
	glint_stream_put_end(stream);
	glint_client_send(client);
}

static void stream_count_sent(struct glint_stream *stream)
{
	glint_net_count_sent(stream->client->net, stream->sending);
	glint_rate_add(&stream->rate, glint_now_ns());
	stream->n_sent++;
}

static void stream_sent(struct glint_activity *activity)
{
	struct glint_stream *stream = stream_of(activity);
	struct glint_picture *next = stream->next;

	if (stream->sending)
		stream_count_sent(stream);
	stream->sending = glint_picture_unref(stream->sending);
	stream->next = NULL;
	if (next)
		stream_send(stream, next);
}

static void stream_take(struct glint_stream *stream, struct glint_picture *picture)
{
	glint_net_count_queued(stream->client->net, picture);
	if (!glint_client_is_sending(stream->client)) {
		stream_send(stream, glint_picture_ref(picture));
		return;
	}
	if (stream->next) {
		stream->n_skipped++;
		stream->client->net->counters.pictures_skipped++;
	}
	glint_picture_unref(stream->next);
	stream->next = glint_picture_ref(picture);
}

static bool stream_on_picture(struct glint_sink *sink, struct glint_frame *frame)
{
	struct glint_stream *stream = container_of(sink, struct glint_stream, sink);
	struct glint_picture *picture = glint_picture_of(frame);

	if (picture->live && !glint_net_is_live(stream->client->net, frame))
		return false;
	if (IS_ENABLED(CONFIG_NET_SAME) && glint_same_leaves_out(stream, picture))
		return false;
	stream_take(stream, picture);
	return true;
}

/* --- As an activity ------------------------------------------------------------------- */

static void stream_stop(struct glint_activity *activity)
{
	struct glint_stream *stream = stream_of(activity);
	struct glint_net *net = stream->client->net;

	glint_fanout_detach(net->pictures, &stream->sink);
	glint_list_remove(&stream->link);
	net->counters.streams--;
	glint_log_verbose(&topic, "%016llx ends: %llu pictures sent, %llu skipped",
			  (unsigned long long)stream->client->id,
			  (unsigned long long)stream->n_sent,
			  (unsigned long long)stream->n_skipped);
}

static void stream_free(struct glint_activity *activity)
{
	struct glint_stream *stream = stream_of(activity);

	glint_picture_unref(stream->sending);
	glint_picture_unref(stream->next);
	free(stream);
}

static const struct glint_activity_ops stream_ops = {
	.sent = stream_sent,
	.stop = stream_stop,
	.free = stream_free,
	.ends_with_input = true,
};

/* --- While there is no video -------------------------------------------------------------- */

static void streams_show_offline(struct glint_net *net)
{
	struct glint_picture *picture;
	struct glint_stream *stream;

	/* One that is being drawn: glint_net_offline_drawn() leads back here. */
	(void)net->ops->offline_picture(net->ctx, &picture);
	glint_alarm_set(&net->offline_tick, glint_now_ns() + GLINT_NSEC_PER_SEC);
	if (!picture)
		return;
	glint_list_for_each(stream, &net->streams, link)
		stream_take(stream, picture);
	glint_picture_unref(picture);
}

/* What waits behind the picture under way is of before the change. */
static void streams_drop_stale(struct glint_net *net)
{
	struct glint_stream *stream;

	glint_list_for_each(stream, &net->streams, link) {
		if (!stream->next || !stream->next->live ||
		    glint_net_is_live(net, &stream->next->frame))
			continue;
		stream->n_skipped++;
		net->counters.pictures_skipped++;
		stream->next = glint_picture_unref(stream->next);
	}
}

void glint_streams_on_source(struct glint_net *net)
{
	streams_drop_stale(net);
	if (!net->online && !glint_list_empty(&net->streams))
		streams_show_offline(net);
	else
		glint_alarm_set(&net->offline_tick, GLINT_ALARM_NEVER);
}

void glint_streams_on_tick(struct glint_alarm *alarm)
{
	struct glint_net *net = container_of(alarm, struct glint_net, offline_tick);

	glint_streams_on_source(net);
}

static void stream_show_offline(struct glint_stream *stream)
{
	struct glint_net *net = stream->client->net;
	struct glint_picture *picture;

	(void)net->ops->offline_picture(net->ctx, &picture);
	if (net->offline_tick.due_ns == GLINT_ALARM_NEVER)
		glint_alarm_set(&net->offline_tick, glint_now_ns() + GLINT_NSEC_PER_SEC);
	if (picture)
		stream_take(stream, picture);
	glint_picture_unref(picture);
}

/* --- The beginning -------------------------------------------------------------------------- */

static void stream_read_query(struct glint_stream *stream, const char *query)
{
	char key[KEY_MAX + 1];

	if (!glint_query_get(query, "key", key, sizeof(key)) || !*key)
		strcpy(key, "0");
	glint_uri_encode(stream->key, sizeof(stream->key), key);
	stream->extra_headers = glint_query_flag(query, "extra_headers");
	stream->advance_headers = glint_query_flag(query, "advance_headers");
	stream->dual_final_frames = glint_query_flag(query, "dual_final_frames");
	stream->zero_data = glint_query_flag(query, "zero_data");
}

/* At once, before there is any picture: who is connected can see that it is. */
static void stream_send_head(struct glint_stream *stream)
{
	glint_stream_add_head(glint_reply_begin_endless(stream->client), stream);
	glint_client_send(stream->client);
}

void glint_route_stream(struct glint_client *client)
{
	struct glint_stream *stream = calloc(1, sizeof(*stream));
	struct glint_net *net = client->net;

	if (!stream) {
		glint_reply_error(client, 503);
		return;
	}
	stream->activity.ops = &stream_ops;
	stream->client = client;
	stream->sink.push = stream_on_picture;
	glint_list_init(&stream->sink.link);
	stream_read_query(stream, glint_http_request(client->http)->query);
	glint_client_set_activity(client, &stream->activity);
	stream_send_head(stream);

	net->counters.streams++;
	glint_list_append(&net->streams, &stream->link);
	if (!net->online)
		stream_show_offline(stream);
	glint_fanout_attach(net->pictures, &stream->sink);
	glint_log_verbose(&topic, "%016llx begins", (unsigned long long)client->id);
}
