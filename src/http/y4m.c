/* SPDX-License-Identifier: MIT */
/*
 * GET /stream.y4m: the frame's own planes, without end and without loss. The client gets the newest
 * frame whenever it has taken the one before; other clients do not wait for it. The stream ends
 * when the size or the layout of the frames changes, since Y4M cannot tell.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/frame.h"
#include "core/packet.h"
#include "core/status.h"
#include "core/still.h"
#include "http/client.h"
#include "http/exact.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/pictures.h"
#include "http/reply.h"
#include "http/route.h"

#define HEAD_MAX 192u /* bytes of the line that begins a stream, and of the first frame's */

struct y4m {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_still still;
	struct glint_packet *sending; /* NULL: nothing, or the head of the reply is being sent */
	uint64_t stream;	      /* of the last frame */
	uint32_t seq;
	bool begun; /* @head was sent */
	size_t head_size;
	char head[HEAD_MAX];
	char line[64]; /* before a frame */
};

static struct y4m *y4m_of(struct glint_activity *activity)
{
	return container_of(activity, struct y4m, activity);
}

static bool y4m_wants(const struct glint_still *still, const struct glint_frame_info *info)
{
	const struct y4m *y4m = container_of(still, struct y4m, still);

	return glint_pictures_are_live(y4m->client->server, info) &&
	       !(y4m->begun && info->stream == y4m->stream && info->seq == y4m->seq);
}

static void y4m_ask(struct y4m *y4m)
{
	const struct glint_server *server = y4m->client->server;

	if (server->ops->ask_still(server->ctx, &y4m->still) < 0)
		glint_client_close(y4m->client);
}

static void y4m_send(struct y4m *y4m, struct glint_packet *packet)
{
	struct glint_client *client = y4m->client;
	const struct iovec *head = &packet->parts[0], *planes = &packet->parts[1];
	bool fits = head->iov_len <= HEAD_MAX;

	assert(!y4m->sending && packet->n_parts == 2 && head->iov_len > strlen("FRAME\n"));

	y4m->sending = packet;
	if (!fits || (y4m->begun && (head->iov_len != y4m->head_size ||
				     memcmp(head->iov_base, y4m->head, head->iov_len) != 0))) {
		glint_client_close(client); /* frames of another kind */
		return;
	}
	y4m->stream = packet->info.stream;
	y4m->seq = packet->info.seq;
	glint_client_begin(client);
	if (!y4m->begun) {
		y4m->head_size = head->iov_len;
		memcpy(y4m->head, head->iov_base, head->iov_len);
		/* Without the line "FRAME", which follows with its parameters. */
		glint_client_put(client, y4m->head, y4m->head_size - strlen("FRAME\n"));
	}
	y4m->begun = true;
	glint_client_put(client, y4m->line,
			 (size_t)snprintf(y4m->line, sizeof(y4m->line), "FRAME XGLINT_SEQ=%u\n",
					  packet->info.seq));
	glint_client_put(client, planes->iov_base, planes->iov_len);
	glint_client_send(client);
}

static void y4m_on_still(struct glint_still *still, int err)
{
	struct y4m *y4m = container_of(still, struct y4m, still);

	if (err == 0)
		y4m_send(y4m, still->packet);
	else if (err == -EBADMSG || err == -ENOBUFS)
		y4m_ask(y4m);
	else
		glint_client_close(y4m->client);
}

static void y4m_sent(struct glint_activity *activity)
{
	struct y4m *y4m = y4m_of(activity);

	if (y4m->sending)
		glint_pictures_count_sent(y4m->client->server, y4m->sending);
	y4m->sending = glint_packet_unref(y4m->sending);
	y4m_ask(y4m);
}

static void y4m_stop(struct glint_activity *activity)
{
	struct y4m *y4m = y4m_of(activity);
	const struct glint_server *server = y4m->client->server;

	server->ops->forget_still(server->ctx, &y4m->still);
}

static void y4m_free(struct glint_activity *activity)
{
	struct y4m *y4m = y4m_of(activity);

	glint_packet_unref(y4m->sending);
	free(y4m);
}

static const struct glint_activity_ops y4m_ops = {
	.sent = y4m_sent,
	.stop = y4m_stop,
	.free = y4m_free,
	.ends_with_input = true,
};

static const struct glint_param params[] = {
	{ NULL },
};

static void y4m_get(struct glint_client *client)
{
	struct glint_param_value values[1];
	struct glint_text *head;
	struct y4m *y4m;

	if (!glint_json_query(client, values))
		return;
	y4m = calloc(1, sizeof(*y4m));
	if (!y4m || !client->server->ops->ask_still) {
		free(y4m);
		glint_reply_error(client, 503);
		return;
	}
	y4m->activity.ops = &y4m_ops;
	y4m->client = client;
	y4m->still.wish = (struct glint_still_wish){ .format = GLINT_STILL_Y4M, .scale = 1 };
	y4m->still.wants = y4m_wants;
	y4m->still.done = y4m_on_still;
	glint_client_set_activity(client, &y4m->activity);
	head = glint_reply_begin_endless(client);
	glint_reply_no_store(head);
	glint_text_header(head, "Content-Type", glint_exact_type(&y4m->still));
	glint_text_add(head, "\r\n");
	glint_client_send(client);
}

const struct glint_route glint_route_y4m = {
	.paths = { "/stream.y4m" },
	.on[GLINT_METHOD_GET] = {
		.handle = y4m_get,
		.params = params,
		.summary = "The frames' own planes without end and without loss, as Y4M.",
		.answers = (const struct glint_answer[]){
			{ 200, "video/x-yuv4mpeg", NULL, "Ends when the size of the frames changes." },
			{ 0 },
		},
	},
};
