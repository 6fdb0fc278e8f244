/* SPDX-License-Identifier: MIT */
/*
 * GET /snapshot: the first live picture of a frame that was complete after the
 * request had been read, and that was exposed after the moment that the request
 * names (after=). All who wait share its encoding. Who cannot get one gets the
 * picture that says why, marked as such, or an error if they asked for that
 * (strict=1).
 */
#include "net/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/fanout.h"
#include "core/picture.h"
#include "core/status.h"
#include "net/client.h"
#include "net/fields.h"
#include "net/reply.h"
#include "net/routes.h"
#include "net/server.h"
#include "net/uri.h"

#define OPENING_NS (1 * GLINT_NSEC_PER_SEC)	/* a device that is about to deliver */
#define LIVE_NS	   (3 * GLINT_NSEC_PER_SEC)	/* one that does: slow ones have 2 s a frame */
#define DRAWING_NS (5 * GLINT_NSEC_PER_SEC)	/* a picture that says why there is no video */
#define AHEAD_NS   (10 * GLINT_NSEC_PER_SEC)	/* how far from now after= may be */
#define FRAMES_TO_BE_EXPOSED 4			/* until one has surely begun after a moment */

struct snapshot {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_sink sink;
	struct glint_list link;		/* of those that wait */
	struct glint_picture *picture;	/* while it is being sent */
	uint64_t after_ns;		/* its exposure must not have begun before; 0: it does not matter */
	uint64_t deadline_ns;
	bool strict;
	bool given_up;			/* nothing live has come: waits for the offline picture */
};

static struct snapshot *snapshot_of(struct glint_activity *activity)
{
	return container_of(activity, struct snapshot, activity);
}

/* --- Answering --------------------------------------------------------------------- */

static void snapshot_stop_waiting(struct snapshot *snapshot)
{
	struct glint_net *net = snapshot->client->net;

	glint_fanout_detach(net->pictures, &snapshot->sink);
	if (!glint_list_empty(&snapshot->link))
		net->counters.snapshots_waiting--;
	glint_list_remove(&snapshot->link);
}

static void snapshot_send(struct snapshot *snapshot, struct glint_picture *picture)
{
	struct glint_client *client = snapshot->client;
	struct glint_text *head = glint_reply_begin(client, 200);
	uint64_t now_ns = glint_now_ns();

	snapshot->picture = picture;
	glint_reply_no_store(head);
	glint_fields_add_wall_clock(head);
	glint_fields_add_picture(head, client->net, picture, now_ns);
	glint_text_field_uint(head, "X-UStreamer-Dropped", 0);
	glint_fields_add_snapshot_times(head, picture, now_ns);
	glint_reply_end(client, "image/jpeg", picture->size);
	glint_client_put_picture(client, picture);
	glint_client_send(client);
}

/* Waits until snapshot->deadline_ns. A live picture is an answer in any case. */
static void snapshot_enlist(struct snapshot *snapshot)
{
	struct glint_net *net = snapshot->client->net;

	if (snapshot->deadline_ns < net->snapshot_limit.due_ns)
		glint_alarm_set(&net->snapshot_limit, snapshot->deadline_ns);
	if (!glint_list_empty(&snapshot->link))
		return;
	net->counters.snapshots_waiting++;
	glint_list_append(&net->snapshots, &snapshot->link);
	glint_fanout_attach(net->pictures, &snapshot->sink);
}

static void snapshot_refuse(struct snapshot *snapshot, const char *reason, const char *message)
{
	snapshot_stop_waiting(snapshot);
	glint_reply_refusal(snapshot->client, 503, reason, message);
}

/* Answers with what there is instead of a live picture, or waits until that is drawn. */
static void snapshot_give_up(struct snapshot *snapshot)
{
	struct glint_net *net = snapshot->client->net;
	uint64_t now_ns = glint_now_ns();
	struct glint_picture *picture;
	int err;

	if (snapshot->strict) {
		snapshot_refuse(snapshot, glint_fields_reason(net), "there is no live video");
		return;
	}
	if (!snapshot->given_up)
		snapshot->deadline_ns = now_ns + DRAWING_NS;
	snapshot->given_up = true;
	err = net->ops->offline_picture(net->ctx, &picture);
	if (err == 0) {
		snapshot_stop_waiting(snapshot);
		snapshot_send(snapshot, picture);
	} else if (err == -EAGAIN && now_ns < snapshot->deadline_ns) {
		snapshot_enlist(snapshot);
	} else if (err == -EAGAIN) {
		snapshot_refuse(snapshot, "not-drawn",
				"the picture that says why is not drawn yet");
	} else {
		snapshot_refuse(snapshot, "no-memory", "there is no memory for a picture");
	}
}

static bool snapshot_wants(const struct glint_sink *sink, const struct glint_frame *frame)
{
	const struct snapshot *snapshot = container_of(sink, struct snapshot, sink);

	return frame->complete_ns >= snapshot->client->request_ns &&
	       frame->exposure_ns >= snapshot->after_ns;
}

static bool snapshot_on_picture(struct glint_sink *sink, struct glint_frame *frame)
{
	struct snapshot *snapshot = container_of(sink, struct snapshot, sink);
	struct glint_picture *picture = glint_picture_of(frame);

	if (!picture->live || !glint_net_is_live(snapshot->client->net, frame) ||
	    !snapshot_wants(sink, frame))
		return false;
	snapshot_stop_waiting(snapshot);
	glint_net_count_queued(snapshot->client->net, picture);
	snapshot_send(snapshot, glint_picture_ref(picture));
	return true;
}

/* --- As an activity ----------------------------------------------------------------- */

static void snapshot_sent(struct glint_activity *activity)
{
	struct snapshot *snapshot = snapshot_of(activity);

	if (snapshot->picture)
		glint_net_count_sent(snapshot->client->net, snapshot->picture);
	glint_client_replied(snapshot->client);
}

static void snapshot_stop(struct glint_activity *activity)
{
	snapshot_stop_waiting(snapshot_of(activity));
}

static void snapshot_free(struct glint_activity *activity)
{
	struct snapshot *snapshot = snapshot_of(activity);

	glint_picture_unref(snapshot->picture);
	free(snapshot);
}

static const struct glint_activity_ops snapshot_ops = {
	.sent = snapshot_sent,
	.stop = snapshot_stop,
	.free = snapshot_free,
};

/* --- Waiting --------------------------------------------------------------------------- */

/* How long it is worth while to wait for a picture now; 0: not at all. */
static uint64_t patience_ns(const struct glint_net *net)
{
	struct glint_status status;

	net->ops->status(net->ctx, &status);
	if (status.source.online)
		return LIVE_NS;
	return strcmp(status.source.reason, "opening") == 0 ? OPENING_NS : 0;
}

static void snapshot_wait(struct snapshot *snapshot, uint64_t patience)
{
	uint64_t since_ns = snapshot->client->request_ns;

	if (snapshot->after_ns > 0) {
		since_ns = MAX(since_ns, snapshot->after_ns);
		patience *= FRAMES_TO_BE_EXPOSED;
	}
	snapshot->deadline_ns = since_ns + patience;
	snapshot_enlist(snapshot);
}

/* The moment that the request names; 0: none. -EINVAL: it cannot be understood, or waited for. */
static int after_of(const struct glint_client *client, uint64_t *after_ns)
{
	const char *query = glint_http_request(client->http)->query;
	char word[8];
	int err;

	*after_ns = 0;
	if (glint_query_get(query, "after", word, sizeof(word)) && strcmp(word, "now") == 0) {
		*after_ns = client->request_ns;
		return 0;
	}
	err = glint_query_number(query, "after", after_ns);
	if (err == -EINVAL || *after_ns > client->request_ns + AHEAD_NS)
		return -EINVAL;
	return 0;
}

void glint_route_snapshot(struct glint_client *client)
{
	const char *query = glint_http_request(client->http)->query;
	uint64_t patience = patience_ns(client->net), after_ns;
	struct snapshot *snapshot;

	if (after_of(client, &after_ns) < 0) {
		glint_reply_refusal(client, 400, "bad-after",
				    "after= takes now, or ns of this machine's CLOCK_MONOTONIC, at "
				    "most 10 s ahead");
		return;
	}
	snapshot = calloc(1, sizeof(*snapshot));
	if (!snapshot) {
		glint_reply_error(client, 503);
		return;
	}
	snapshot->activity.ops = &snapshot_ops;
	snapshot->client = client;
	snapshot->strict = glint_query_flag_or(query, "strict", client->net->config.strict);
	snapshot->after_ns = after_ns;
	snapshot->sink.push = snapshot_on_picture;
	snapshot->sink.wants = snapshot_wants;
	glint_list_init(&snapshot->sink.link);
	glint_list_init(&snapshot->link);
	glint_client_set_activity(client, &snapshot->activity);
	if (patience > 0)
		snapshot_wait(snapshot, patience);
	else
		snapshot_give_up(snapshot);
}

void glint_snapshots_on_source(struct glint_net *net)
{
	struct snapshot *snapshot;
	uint64_t patience;

	if (glint_list_empty(&net->snapshots))
		return;
	patience = patience_ns(net);
	glint_list_for_each(snapshot, &net->snapshots, link) {
		if (patience == 0) {
			snapshot_give_up(snapshot);
		} else if (snapshot->given_up) {
			/* The video is back, or may come soon, before the other picture is drawn. */
			snapshot->given_up = false;
			snapshot->deadline_ns = glint_now_ns() + patience;
			snapshot_enlist(snapshot);
		}
	}
}

void glint_snapshots_on_offline_drawn(struct glint_net *net)
{
	struct snapshot *snapshot;

	glint_list_for_each(snapshot, &net->snapshots, link)
		if (snapshot->given_up)
			snapshot_give_up(snapshot);
}

void glint_snapshots_on_limit(struct glint_alarm *alarm)
{
	struct glint_net *net = container_of(alarm, struct glint_net, snapshot_limit);
	uint64_t now_ns = glint_now_ns(), next_ns = GLINT_ALARM_NEVER;
	struct snapshot *snapshot;

	glint_list_for_each(snapshot, &net->snapshots, link) {
		if (snapshot->deadline_ns <= now_ns)
			snapshot_give_up(snapshot);
		if (!glint_list_empty(&snapshot->link))
			next_ns = MIN(next_ns, snapshot->deadline_ns);
	}
	glint_alarm_set(alarm, next_ns);
}
