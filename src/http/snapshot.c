/* SPDX-License-Identifier: MIT */
/*
 * GET /snapshot: the first live picture of a frame that was complete after the request had
 * been read, and that was complete, or whose exposure began, after the moment that the request
 * names (after=, guarantee=). All waiting snapshots share one encoding. Without live video a plain
 * request gets the offline picture, marked as such. A request with strict=1 gets an error; that is
 * the default with one of the parameters about the frame's time or the receipt.
 */
#include "http/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/fanout.h"
#include "core/marks.h"
#include "core/packet.h"
#include "core/status.h"
#include "http/client.h"
#include "http/exact.h"
#include "http/headers.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/params.h"
#include "http/pictures.h"
#include "http/receipt.h"
#include "http/reply.h"
#include "http/route.h"

#define OPENING_NS	     (1 * GLINT_NSEC_PER_SEC)  /* for a device that is being opened */
#define WAKE_NS		     (10 * GLINT_NSEC_PER_SEC) /* for one that starts for the snapshot */
#define LIVE_NS		     (3 * GLINT_NSEC_PER_SEC) /* for a live one: slow devices take 2 s a frame */
#define DRAWING_NS	     (5 * GLINT_NSEC_PER_SEC)  /* for the offline picture */
#define AHEAD_NS	     (10 * GLINT_NSEC_PER_SEC) /* how far from now after= may be */
#define BOUNDARY	     "glint-receipt-6f1c9a50b7d24e83"
#define PARTS_MAX	     (GLINT_RECEIPT_JSON_MAX + 256u * (GLINT_STILL_CROPS_MAX + 1))
#define FRAMES_TO_BE_EXPOSED 4 /* at most, until one is exposed after a moment */

static_assert(GLINT_STILL_CROPS_MAX + GLINT_PACKET_PARTS_MAX + 2 <= GLINT_CONNECTION_PARTS_MAX,
	      "a packet, and a head for each image of it, fit between the reply's head and the end");

struct snapshot {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_sink sink;
	struct glint_list link;	     /* while waiting */
	struct glint_packet *packet; /* while it is being sent */
	bool exposed;		     /* the exposure begins after the moment; else the frame is
				      * complete after it */
	uint64_t after_ns;	     /* the moment; 0: none, or that of @after_seq */
	bool follows;		     /* the moment is the completion of frame @after_seq */
	uint32_t after_seq;
	bool asks_since; /* for what lies between frame @since and this one */
	uint32_t since;
	uint64_t stream; /* of @since and @after_seq; 0: the client does not say */
	uint64_t deadline_ns;
	bool bounded; /* the client has named the deadline: it holds without video, too */
	bool strict;
	bool json;     /* the receipt comes as a part of the reply */
	bool given_up; /* no live picture has come: waits for the offline picture */
	struct glint_still still;
	char *heads; /* of the parts of a reply in several parts, owned */
};

static struct snapshot *snapshot_of(struct glint_activity *activity)
{
	return container_of(activity, struct snapshot, activity);
}

static bool snapshot_is_exact(const struct snapshot *snapshot)
{
	return glint_exact_is_asked(&snapshot->still);
}

static const char *const guarantees[] = { "exposed", "complete", NULL };

/* --- Answering --------------------------------------------------------------------- */

static void snapshot_stop_waiting(struct snapshot *snapshot)
{
	struct glint_server *server = snapshot->client->server;

	glint_fanout_detach(server->pictures, &snapshot->sink);
	if (snapshot_is_exact(snapshot) && server->ops->forget_still)
		server->ops->forget_still(server->ctx, &snapshot->still);
	if (!glint_list_empty(&snapshot->link))
		server->counters.snapshots_waiting--;
	glint_list_remove(&snapshot->link);
}

static void add_part(struct glint_text *text, const char *type, uint64_t length)
{
	glint_text_add(text, text->used > 0 ? "\r\n--" BOUNDARY "\r\n" : "--" BOUNDARY "\r\n");
	glint_text_header(text, "Content-Type", type);
	glint_text_header_uint(text, "Content-Length", length);
}

/* An encoder's packet is one image; that of a still has as many as were asked for. */
static unsigned snapshot_images(const struct snapshot *snapshot,
				const struct glint_still_image **images,
				struct glint_still_image *whole)
{
	const struct glint_packet *packet = snapshot->packet;

	*whole = (struct glint_still_image){ .count = packet->n_parts, .size = packet->size };
	*images = whole;
	if (snapshot->still.n_images == 0)
		return 1;
	*images = snapshot->still.images;
	return snapshot->still.n_images;
}

/*
 * Put the receipt as JSON, if the client wants one, and the images into one reply, so that all of
 * them are of the same frame. The heads of the parts stay in memory until the reply was sent.
 */
static void snapshot_put_parts(struct snapshot *snapshot, const struct glint_receipt *receipt)
{
	static const char end[] = "\r\n--" BOUNDARY "--\r\n";
	struct glint_text heads = glint_text_in(snapshot->heads, PARTS_MAX);
	char bytes[GLINT_RECEIPT_JSON_MAX];
	struct glint_text json = glint_text_in(bytes, sizeof(bytes));
	struct glint_client *client = snapshot->client;
	const struct glint_still_image *images;
	struct glint_still_image whole;
	unsigned n = snapshot_images(snapshot, &images, &whole);
	const struct glint_packet *packet = snapshot->packet;
	size_t ends[GLINT_STILL_CROPS_MAX], from = 0;

	assert(n > 0 && n <= GLINT_STILL_CROPS_MAX);

	if (snapshot->json) {
		glint_receipt_add_json(&json, receipt);
		add_part(&heads, "application/json", json.used);
		glint_text_add(&heads, "\r\n");
		glint_text_bytes(&heads, json.base, json.used);
	}
	for (unsigned i = 0; i < n; i++) {
		add_part(&heads, glint_exact_type(&snapshot->still), images[i].size);
		glint_exact_add_headers(&heads, &snapshot->still, i);
		glint_text_add(&heads, "\r\n");
		ends[i] = heads.used;
	}
	assert(!heads.cut);

	glint_reply_end(client, "multipart/mixed; boundary=" BOUNDARY,
			heads.used + packet->size + strlen(end));
	for (unsigned i = 0; i < n; from = ends[i++]) {
		unsigned part = images[i].first, after = part + images[i].count;

		assert(after <= packet->n_parts);
		glint_client_put(client, heads.base + from, ends[i] - from);
		for (; part < after; part++)
			glint_client_put(client, packet->parts[part].iov_base,
					 packet->parts[part].iov_len);
	}
	glint_client_put(client, end, strlen(end));
}

static void snapshot_add_headers(struct snapshot *snapshot, const struct glint_receipt *receipt)
{
	struct glint_client *client = snapshot->client;
	struct glint_text *head = &client->head;

	glint_reply_no_store(head);
	glint_headers_add_wall_clock(head);
	glint_headers_add_picture(head, client->server, snapshot->packet, receipt->sent_ns);
	glint_text_header_uint(head, "X-UStreamer-Dropped", 0);
	glint_headers_add_snapshot_times(head, snapshot->packet, receipt->sent_ns);
	glint_receipt_add_headers(head, receipt);
}

static void snapshot_send_hash(struct snapshot *snapshot, const struct glint_receipt *receipt)
{
	struct glint_client *client = snapshot->client;
	struct glint_text text = glint_text_in(snapshot->heads, PARTS_MAX);

	assert(snapshot->heads); /* snapshot_begin() has allocated it */

	glint_exact_add_hash(&text, &snapshot->still, receipt);
	assert(!text.cut);

	glint_reply_no_store(glint_reply_begin(client, 200));
	glint_reply_end(client, "application/json", text.used);
	glint_client_put(client, text.base, text.used);
	glint_client_send(client);
}

/* Take over the caller's reference. */
static void snapshot_send(struct snapshot *snapshot, struct glint_packet *packet)
{
	struct glint_client *client = snapshot->client;
	struct glint_receipt receipt;

	assert(!snapshot->packet && glint_list_empty(&snapshot->link));

	snapshot->packet = packet;
	glint_receipt_take(&receipt, client->server, packet,
			   snapshot->asks_since ? &snapshot->since : NULL, snapshot->stream);
	receipt.guarantee = guarantees[!snapshot->exposed];
	if (snapshot->still.wish.format == GLINT_STILL_HASH) {
		snapshot_send_hash(snapshot, &receipt);
		return;
	}
	glint_reply_begin(client, 200);
	snapshot_add_headers(snapshot, &receipt);
	if (snapshot->heads) {
		snapshot_put_parts(snapshot, &receipt);
	} else {
		if (snapshot->still.n_images > 0)
			glint_exact_add_headers(&client->head, &snapshot->still, 0);
		glint_reply_end(client, glint_exact_type(&snapshot->still), packet->size);
		glint_client_put_picture(client, packet);
	}
	glint_client_send(client);
}

/* Wait until snapshot->deadline_ns. A live picture ends the wait in any case. */
static void snapshot_enlist(struct snapshot *snapshot)
{
	struct glint_server *server = snapshot->client->server;

	assert(!snapshot->packet && snapshot->deadline_ns > 0);

	if (snapshot->deadline_ns < server->snapshot_limit.due_ns)
		glint_alarm_set(&server->snapshot_limit, snapshot->deadline_ns);
	if (!glint_list_empty(&snapshot->link))
		return;
	if (snapshot_is_exact(snapshot)) {
		int err = server->ops->ask_still(server->ctx, &snapshot->still);

		if (err < 0) {
			glint_exact_refuse(snapshot->client, &snapshot->still, err);
			return;
		}
	} else {
		glint_fanout_attach(server->pictures, &snapshot->sink);
	}
	server->counters.snapshots_waiting++;
	glint_list_append(&server->snapshots, &snapshot->link);
}

static void snapshot_refuse(struct snapshot *snapshot, unsigned status, const char *reason,
			    const char *message)
{
	snapshot_stop_waiting(snapshot);
	glint_reply_refusal(snapshot->client, status, reason, message);
}

/* Say why there is no picture. */
static void snapshot_refuse_strictly(struct snapshot *snapshot)
{
	struct glint_server *server = snapshot->client->server;

	if (!server->online)
		snapshot_refuse(snapshot, 503, glint_headers_reason(server),
				"there is no live video");
	else if (snapshot->bounded)
		snapshot_refuse(snapshot, 504, "timeout",
				"there is live video, but no such frame came in time");
	else
		snapshot_refuse(snapshot, 503, "no-picture",
				"there is live video, but no such frame came within 3 s, or 12 s "
				"with after=");
}

/* The picture is late because the workers are busy, and not because there is no video. */
static bool snapshot_is_due(const struct snapshot *snapshot)
{
	const struct glint_server *server = snapshot->client->server;

	return snapshot_is_exact(snapshot) && !snapshot->bounded && !snapshot->given_up &&
	       server->ops->still_is_due(server->ctx, &snapshot->still);
}

/* The offline picture has come; the caller's reference is taken over. */
static void snapshot_send_offline(struct snapshot *snapshot, struct glint_packet *packet)
{
	struct glint_server *server = snapshot->client->server;
	int err;

	snapshot_stop_waiting(snapshot);
	if (!snapshot_is_exact(snapshot)) {
		snapshot_send(snapshot, packet);
		return;
	}
	err = server->ops->convert_still(server->ctx, &snapshot->still, packet);
	glint_packet_unref(packet);
	if (err < 0)
		glint_exact_refuse(snapshot->client, &snapshot->still, err);
}

/* Answer with the offline picture or an error, or wait until the picture is drawn. */
static void snapshot_give_up(struct snapshot *snapshot)
{
	struct glint_server *server = snapshot->client->server;
	uint64_t now_ns = glint_now_ns();
	struct glint_packet *packet;
	int err;

	assert(!snapshot->packet);

	if (snapshot->strict) {
		snapshot_refuse_strictly(snapshot);
		return;
	}
	if (!snapshot->given_up)
		snapshot->deadline_ns = now_ns + DRAWING_NS;
	snapshot->given_up = true;
	err = server->ops->offline_picture(server->ctx, &packet);
	if (err == 0) {
		snapshot_send_offline(snapshot, packet);
	} else if (err == -EAGAIN && now_ns < snapshot->deadline_ns) {
		snapshot_enlist(snapshot);
	} else if (err == -EAGAIN) {
		snapshot_refuse(snapshot, 503, "not-drawn",
				"the picture that says why there is no video is not drawn yet");
	} else {
		snapshot_refuse(snapshot, 503, "no-memory", "there is no memory for a picture");
	}
}

static bool is_after_seq(const struct snapshot *snapshot, const struct glint_frame_info *info)
{
	const struct glint_server *server = snapshot->client->server;
	uint64_t complete_ns;
	int err;

	if (snapshot->stream != 0 && snapshot->stream != info->stream)
		return !snapshot->exposed || info->exposure_ns > 0; /* of a later stream */
	if (!glint_seq_is_after(info->seq, snapshot->after_seq))
		return false;
	if (!snapshot->exposed)
		return true;
	if (info->exposure_ns == 0)
		return false; /* unknown */
	err = server->ops->complete_by(server->ctx, snapshot->after_seq, &complete_ns);
	/* What is not remembered any more was complete long before. */
	return err == -ENOENT || (err == 0 && info->exposure_ns >= complete_ns);
}

static bool snapshot_wants(const struct glint_sink *sink, const struct glint_frame_info *info)
{
	const struct snapshot *snapshot = container_of(sink, struct snapshot, sink);

	if (info->complete_ns < snapshot->client->request_ns)
		return false;
	if (snapshot->follows)
		return is_after_seq(snapshot, info);
	return snapshot->after_ns <= (snapshot->exposed ? info->exposure_ns : info->complete_ns);
}

static bool snapshot_on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	struct snapshot *snapshot = container_of(sink, struct snapshot, sink);

	if (!packet->info.live ||
	    !glint_pictures_are_live(snapshot->client->server, &packet->info) ||
	    !snapshot_wants(sink, &packet->info))
		return false;
	snapshot_stop_waiting(snapshot);
	glint_pictures_count_queued(snapshot->client->server, packet);
	snapshot_send(snapshot, glint_packet_ref(packet));
	return true;
}

static bool snapshot_wants_still(const struct glint_still *still,
				 const struct glint_frame_info *info)
{
	const struct snapshot *snapshot = container_of(still, struct snapshot, still);

	return glint_pictures_are_live(snapshot->client->server, info) &&
	       snapshot_wants(&snapshot->sink, info);
}

static void snapshot_on_still(struct glint_still *still, int err)
{
	struct snapshot *snapshot = container_of(still, struct snapshot, still);
	struct glint_server *server = snapshot->client->server;
	struct glint_packet *packet = still->packet;
	bool waits = !glint_list_empty(&snapshot->link);

	assert(!snapshot->packet && (err < 0 || packet));

	if (err == 0 && (!waits || glint_pictures_are_live(server, &packet->info))) {
		snapshot_stop_waiting(snapshot);
		if (packet->info.live && packet->serial > 0)
			glint_pictures_count_queued(server, packet);
		snapshot_send(snapshot, packet);
		return;
	}
	if (err == 0)
		still->packet = glint_packet_unref(packet);
	/* The frame is of an earlier stream, or is damaged: wait for another one. */
	if (waits && (err == 0 || err == -EBADMSG)) {
		err = server->ops->ask_still(server->ctx, still);
		if (err == 0)
			return;
	}
	snapshot_stop_waiting(snapshot);
	glint_exact_refuse(snapshot->client, still, err);
}

/* --- As an activity ----------------------------------------------------------------- */

static void snapshot_sent(struct glint_activity *activity)
{
	struct snapshot *snapshot = snapshot_of(activity);

	if (snapshot->packet && snapshot->still.wish.format != GLINT_STILL_HASH)
		glint_pictures_count_sent(snapshot->client->server, snapshot->packet);
	glint_client_replied(snapshot->client);
}

static void snapshot_stop(struct glint_activity *activity)
{
	snapshot_stop_waiting(snapshot_of(activity));
}

static void snapshot_free(struct glint_activity *activity)
{
	struct snapshot *snapshot = snapshot_of(activity);

	assert(glint_list_empty(&snapshot->link));

	glint_packet_unref(snapshot->packet);
	free(snapshot->heads);
	free(snapshot);
}

static const struct glint_activity_ops snapshot_ops = {
	.sent = snapshot_sent,
	.stop = snapshot_stop,
	.free = snapshot_free,
};

/* --- Waiting --------------------------------------------------------------------------- */

/* How long to wait for a live picture now; 0: none will come. */
static uint64_t patience_ns(const struct glint_server *server)
{
	struct glint_source_state source = server->ops->source(server->ctx);

	if (source.online)
		return LIVE_NS;
	if (strcmp(source.reason, "idle") == 0 || strcmp(source.reason, "warming-up") == 0)
		return WAKE_NS;
	return strcmp(source.reason, "opening") == 0 ? OPENING_NS : 0;
}

static void snapshot_wait(struct snapshot *snapshot, uint64_t patience)
{
	uint64_t since_ns = snapshot->client->request_ns;

	if (snapshot->bounded) {
		snapshot_enlist(snapshot);
		return;
	}
	if (snapshot->after_ns > 0 || snapshot->follows) {
		since_ns = MAX(since_ns, snapshot->after_ns);
		patience *= FRAMES_TO_BE_EXPOSED;
	}
	snapshot->deadline_ns = since_ns + patience;
	snapshot_enlist(snapshot);
}

enum {
	PARAM_AFTER,
	PARAM_GUARANTEE,
	PARAM_TIMEOUT,
	PARAM_SINCE,
	PARAM_STREAM,
	PARAM_RECEIPT,
	PARAM_STRICT,
	PARAM_FORMAT,
	PARAM_CROP,
	PARAM_SCALE,
	PARAMS,
};

static const char *const receipts[] = { "headers", "json", NULL };

static const struct glint_param params[] = {
	[PARAM_AFTER] = { "after", GLINT_PARAM_MOMENT,
			  .help = "The frame is from after this moment, as guarantee= says." },
	[PARAM_GUARANTEE] = { "guarantee", GLINT_PARAM_WORD, .words = guarantees,
			      .help = "What is after the moment: the beginning of the exposure, or "
				      "the completion of the frame. The default is exposed with "
				      "after=, else complete." },
	[PARAM_TIMEOUT] = { "timeout", GLINT_PARAM_DURATION, .max = 60,
			    .help = "How long to wait, also while there is no video. Without it: 3 "
				    "s, with after= 12 s, and not for a signal that is lost." },
	[PARAM_SINCE] = { "since", GLINT_PARAM_INTEGER, .max = UINT32_MAX,
			  .help = "The number of the client's last frame: the receipt counts what "
				  "lies in between." },
	[PARAM_STREAM] = { "stream", GLINT_PARAM_INTEGER, .min = 1, .max = 9007199254740991.0,
			   .help = "The stream of the frames that since= and after=seq:N name, from "
				   "their receipt." },
	[PARAM_RECEIPT] = { "receipt", GLINT_PARAM_WORD, .words = receipts, .fallback = "headers",
			    .help = "json: the reply is multipart/mixed, the receipt as JSON and "
				    "then the picture." },
	[PARAM_STRICT] = { "strict", GLINT_PARAM_FLAG, .lenient = true,
			   .help = "Without such a picture an error, not a picture that says why. "
				   "The default is 1 if any parameter above is given, else the "
				   "service's option --strict." },
	[PARAM_FORMAT] = { "format", GLINT_PARAM_WORD, .words = glint_exact_formats,
			   .fallback = "jpeg",
			   .help = "png, ppm (RGB) and pgm (grey) are exact, see docs/PIXELS.md; raw "
				   "and y4m are the frame's own samples." },
	[PARAM_CROP] = { "crop", GLINT_PARAM_REGION, .most = GLINT_STILL_CROPS_MAX,
			 .help = "This part of the picture only. Several: the reply is "
				 "multipart/mixed, all parts of one frame." },
	[PARAM_SCALE] = { "scale", GLINT_PARAM_WORD, .words = glint_exact_scales, .fallback = "1",
			  .help = "Reduced: each pixel is the mean of a square of pixels." },
	[PARAMS] = { NULL },
};

/* False: the moment cannot be used, and the request is answered. */
static bool snapshot_set_after(struct snapshot *snapshot, const struct glint_moment *moment)
{
	struct glint_client *client = snapshot->client;
	const struct glint_server *server = client->server;
	const struct glint_mark *mark = NULL;
	struct glint_frame_info newest;

	switch (moment->kind) {
	case GLINT_MOMENT_NOW:
		snapshot->after_ns = client->request_ns;
		return true;
	case GLINT_MOMENT_LAST:
		if (server->ops->newest && server->ops->newest(server->ctx, &newest) == 0)
			snapshot->after_ns = newest.complete_ns + !snapshot->exposed;
		else
			snapshot->after_ns = client->request_ns; /* there was no frame yet */
		return true;
	case GLINT_MOMENT_TIME:
		if (moment->ns > client->request_ns + AHEAD_NS) {
			glint_reply_refusal(
				client, 400, "bad-after",
				"the moment of after= may be at most 10 s ahead of this "
				"machine's CLOCK_MONOTONIC");
			return false;
		}
		snapshot->after_ns = moment->ns;
		return true;
	case GLINT_MOMENT_SEQ:
		snapshot->follows = server->ops->complete_by;
		snapshot->after_seq = moment->seq;
		return true;
	case GLINT_MOMENT_MARK:
		if (server->ops->marks)
			mark = glint_marks_find(server->ops->marks(server->ctx), moment->mark);
		if (!mark)
			break;
		snapshot->after_ns = mark->ns;
		return true;
	}
	glint_reply_refusal(client, 404, "unknown-mark",
			    "there is no mark of that name, or not any more");
	return false;
}

/* False: the request is answered. */
static bool snapshot_set(struct snapshot *snapshot, const struct glint_param_value *values)
{
	struct glint_client *client = snapshot->client;
	bool after = values[PARAM_AFTER].count > 0;

	snapshot->strict = client->server->config.strict;
	/* The client of a request with a parameter above strict= wants no offline picture. */
	for (unsigned i = 0; i < PARAM_STRICT; i++)
		snapshot->strict |= values[i].count > 0;
	if (values[PARAM_STRICT].count > 0)
		snapshot->strict = values[PARAM_STRICT].flag;
	snapshot->json = values[PARAM_RECEIPT].word == 1;
	snapshot->asks_since = values[PARAM_SINCE].count > 0;
	snapshot->since = (uint32_t)values[PARAM_SINCE].integer;
	snapshot->stream = (uint64_t)values[PARAM_STREAM].integer;
	snapshot->bounded = values[PARAM_TIMEOUT].count > 0;
	if (snapshot->bounded)
		snapshot->deadline_ns = client->request_ns + values[PARAM_TIMEOUT].ns;
	snapshot->exposed = after;
	if (values[PARAM_GUARANTEE].count > 0)
		snapshot->exposed = values[PARAM_GUARANTEE].word == 0;
	if (after)
		return snapshot_set_after(snapshot, &values[PARAM_AFTER].moment);
	if (snapshot->exposed)
		snapshot->after_ns = client->request_ns;
	return true;
}

/* NULL: there is no memory, and the request is answered. */
static struct snapshot *snapshot_create(struct glint_client *client)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot) {
		glint_reply_error(client, 503);
		return NULL;
	}
	snapshot->activity.ops = &snapshot_ops;
	snapshot->client = client;
	snapshot->sink.codec = GLINT_CODEC_JPEG;
	snapshot->sink.push_packet = snapshot_on_packet;
	snapshot->sink.wants = snapshot_wants;
	snapshot->still.wants = snapshot_wants_still;
	snapshot->still.done = snapshot_on_still;
	snapshot->still.wish.scale = 1;
	glint_list_init(&snapshot->sink.link);
	glint_list_init(&snapshot->link);
	glint_client_set_activity(client, &snapshot->activity);
	return snapshot;
}

static void snapshot_begin(struct snapshot *snapshot)
{
	const struct glint_server *server = snapshot->client->server;
	uint64_t patience = patience_ns(server);

	if (snapshot_is_exact(snapshot) && !server->ops->ask_still) {
		glint_exact_refuse(snapshot->client, &snapshot->still, -ENOTSUP);
		return;
	}
	if (snapshot->json || snapshot->still.wish.n_crops > 1 ||
	    snapshot->still.wish.format == GLINT_STILL_HASH) {
		snapshot->heads = malloc(PARTS_MAX);
		if (!snapshot->heads) {
			glint_reply_refusal(snapshot->client, 503, "no-memory",
					    "there is no memory for a picture");
			return;
		}
	}
	if (patience > 0 || snapshot->bounded)
		snapshot_wait(snapshot, patience);
	else
		snapshot_give_up(snapshot);
}

static void snapshot_get(struct glint_client *client)
{
	struct glint_param_value values[PARAMS];
	struct snapshot *snapshot;

	if (!glint_json_query(client, values))
		return;
	snapshot = snapshot_create(client);
	if (!snapshot || !snapshot_set(snapshot, values) ||
	    !glint_exact_read(client, &snapshot->still, &values[PARAM_FORMAT], &params[PARAM_CROP],
			      &values[PARAM_CROP], &values[PARAM_SCALE]))
		return;
	/* There is no offline picture in such a format. */
	if (glint_still_is_whole(snapshot->still.wish.format))
		snapshot->strict = true;
	snapshot_begin(snapshot);
}

const struct glint_route glint_route_snapshot = {
	.paths = { "/snapshot" },
	.action = "snapshot",
	.monitors = true,
	.on[GLINT_METHOD_GET] = {
		.handle = snapshot_get,
		.params = params,
		.others = true,
		.summary = "One JPEG, never older than the request, with a receipt in its headers.",
		.answers = (const struct glint_answer[]){
			{ 200, "image/jpeg", NULL, "The picture, in the format that format= names; multipart/mixed with receipt=json or several crops." },
			{ 400, "application/json", "Refusal", "bad-NAME of the parameter, such as bad-after." },
			{ 404, "application/json", "Refusal", "unknown-mark." },
			{ 406, "application/json", "Refusal", "no-such-pixels: the device's pixel format does not have such a picture." },
			{ 503, "application/json", "Refusal", "The source's reason, such as no-signal; no-picture, not-drawn, library-missing, no-memory, too-many-pictures." },
			{ 504, "application/json", "Refusal", "timeout: the source is live, but no such frame came in time." },
			{ 0 },
		},
	},
};

/* --- GET /hash ---------------------------------------------------------------------------- */

enum { HASH_REGION = PARAM_TIMEOUT + 1, HASH_PARAMS };

/* The first ones are a snapshot's. */
static const struct glint_param hash_params[] = {
	[PARAM_AFTER] = { "after", GLINT_PARAM_MOMENT,
			  .help = "The frame is from after this moment, as guarantee= says." },
	[PARAM_GUARANTEE] = { "guarantee", GLINT_PARAM_WORD, .words = guarantees,
			      .help = "As for /snapshot." },
	[PARAM_TIMEOUT] = { "timeout", GLINT_PARAM_DURATION, .max = 60,
			    .help = "How long to wait, as for /snapshot." },
	[HASH_REGION] = { "region", GLINT_PARAM_REGION,
			  .help = "The part of the picture; without it the whole." },
	[HASH_PARAMS] = { NULL },
};

static void hash_get(struct glint_client *client)
{
	struct glint_param_value values[PARAMS] = { 0 };
	struct snapshot *snapshot;

	if (!glint_json_query(client, values))
		return;
	if (!glint_still_knows(GLINT_STILL_HASH)) {
		glint_reply_refusal(client, 501, "not-built",
				    "this glintd was built without checksums of pixels");
		return;
	}
	snapshot = snapshot_create(client);
	if (!snapshot)
		return;
	snapshot->still.wish.format = GLINT_STILL_HASH;
	snapshot->still.wish.n_crops = values[HASH_REGION].count;
	snapshot->still.wish.crops[0] = values[HASH_REGION].region;
	values[HASH_REGION] = (struct glint_param_value){ 0 };
	if (!snapshot_set(snapshot, values))
		return;
	snapshot->strict = true;
	snapshot_begin(snapshot);
}

const struct glint_route glint_route_hash = {
	.paths = { "/hash" },
	.on[GLINT_METHOD_GET] = {
		.handle = hash_get,
		.params = hash_params,
		.summary = "Checksums of the pixels of a new frame, exact and perceptual.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "Hash", "The checksums, and the receipt of the frame." },
			{ 400, "application/json", "Refusal", "bad-NAME of the parameter; outside-picture." },
			{ 404, "application/json", "Refusal", "unknown-mark." },
			{ 503, "application/json", "Refusal", "The source's reason, such as no-signal." },
			{ 504, "application/json", "Refusal", "timeout: the source is live, but no such frame came in time." },
			{ 0 },
		},
	},
};

/* --- What the server tells ------------------------------------------------------------------ */

void glint_snapshots_on_source(struct glint_server *server)
{
	struct snapshot *snapshot;
	uint64_t patience;

	if (glint_list_empty(&server->snapshots))
		return;
	patience = patience_ns(server);
	glint_list_for_each(snapshot, &server->snapshots, link) {
		if (snapshot->bounded && !snapshot->given_up) {
			/* The client has said how long to wait. */
		} else if (patience == 0) {
			snapshot_give_up(snapshot);
		} else if (snapshot->given_up) {
			/* The video is back, or comes soon, before the offline picture is drawn. */
			snapshot->given_up = false;
			snapshot->deadline_ns = glint_now_ns() + patience;
			snapshot_enlist(snapshot);
		} else {
			/* A device that is open now has longer for its first picture. */
			snapshot->deadline_ns =
				MAX(snapshot->deadline_ns, glint_now_ns() + patience);
		}
	}
}

void glint_snapshots_on_offline_drawn(struct glint_server *server)
{
	struct snapshot *snapshot;

	glint_list_for_each(snapshot, &server->snapshots, link)
		if (snapshot->given_up)
			snapshot_give_up(snapshot);
}

void glint_snapshots_on_limit(struct glint_alarm *alarm)
{
	struct glint_server *server = container_of(alarm, struct glint_server, snapshot_limit);
	uint64_t now_ns = glint_now_ns(), next_ns = GLINT_ALARM_NEVER;
	struct snapshot *snapshot;

	glint_list_for_each(snapshot, &server->snapshots, link) {
		if (snapshot->deadline_ns <= now_ns && snapshot_is_due(snapshot))
			snapshot->deadline_ns = now_ns + LIVE_NS;
		if (snapshot->deadline_ns <= now_ns)
			snapshot_give_up(snapshot);
		if (!glint_list_empty(&snapshot->link))
			next_ns = MIN(next_ns, snapshot->deadline_ns);
	}
	glint_alarm_set(alarm, next_ns);
}
