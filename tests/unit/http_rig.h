/* SPDX-License-Identifier: MIT */
/*
 * A server on a unix socket in a folder of its own, with a service and pictures that the
 * test controls, and peers that connect to the server. All run in one thread: a function
 * that waits runs the loop meanwhile.
 */
#ifndef GLINT_TESTS_HTTP_RIG_H
#define GLINT_TESTS_HTTP_RIG_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "core/events.h"
#include "core/fanout.h"
#include "core/ledger.h"
#include "core/packet.h"
#include "core/report.h"
#include "core/status.h"
#include "core/still.h"
#include "loop_rig.h"
#include "http/server.h"

#define RIG_PATIENCE_NS (120 * GLINT_NSEC_PER_SEC) /* a limit for broken code */
#define PEER_MAX	(1u << 20)

struct rig {
	struct glint_loop *loop;
	struct glint_server *server;
	struct glint_server_config config;
	struct glint_fanout pictures;
	struct glint_source_state source;
	struct glint_frame_info newest; /* complete_ns 0: there is none */
	struct glint_ledger ledger;	/* of the source */
	/* The service's figures; may be NULL. */
	void (*tell)(struct rig *r, struct glint_report *report);
	struct glint_packet *offline; /* what the service shows without video; NULL: no memory */
	bool drawing;		      /* it is not ready */
	unsigned asked;		      /* times for it */
	struct glint_still *still;    /* that a client waits for, of exact pixels; or NULL */
	bool still_is_due;	      /* the answer to the server's question */
	unsigned asked_due;	      /* times for it */
	char dir[32], path[64];
};

struct peer {
	int fd;
	bool ended; /* the server has closed its side, or the connection */
	size_t used;
	char *text; /* all that came, zero-terminated */
};

static unsigned rig_pictures_alive;

static inline void rig_picture_release(struct glint_packet *picture)
{
	free(picture->parts[0].iov_base);
	free(picture);
	rig_pictures_alive--;
}

/* Return a picture of @size bytes, all @fill, in two parts; the caller owns the reference. */
static inline struct glint_packet *rig_picture(size_t size, char fill, uint32_t seq)
{
	static const struct glint_packet_ops ops = { .release = rig_picture_release };
	struct glint_packet *picture = calloc(1, sizeof(*picture));
	char *bytes = malloc(size);
	uint64_t now_ns = glint_now_ns();

	memset(bytes, fill, size);
	picture->ops = &ops;
	glint_packet_begin(picture, GLINT_CODEC_JPEG, true);
	picture->info = (struct glint_frame_info){
		.live = true,
		.seq = seq,
		.width = 64,
		.height = 48,
		.capture_ns = now_ns,
		.complete_ns = now_ns,
		.dequeue_ns = now_ns,
	};
	picture->parts[0] = (struct iovec){ bytes, size / 3 };
	picture->parts[1] = (struct iovec){ bytes + size / 3, size - size / 3 };
	picture->n_parts = 2;
	picture->size = size;
	picture->encode_begin_ns = now_ns;
	picture->encode_end_ns = now_ns;
	glint_packet_publish(picture);
	rig_pictures_alive++;
	return picture;
}

/* Push a picture. Return how many readers have taken it. */
static inline unsigned rig_push(struct rig *r, size_t size, char fill, uint32_t seq)
{
	struct glint_packet *picture = rig_picture(size, fill, seq);
	unsigned taken = glint_fanout_push_packet(&r->pictures, picture);

	glint_packet_unref(picture);
	return taken;
}

static inline struct glint_source_state rig_source(void *ctx)
{
	return ((struct rig *)ctx)->source;
}

static inline int rig_newest(void *ctx, struct glint_frame_info *info)
{
	*info = ((struct rig *)ctx)->newest;
	return info->complete_ns > 0 ? 0 : -ENOENT;
}

static inline int rig_gaps(void *ctx, uint64_t stream, uint32_t since, uint32_t seq,
			   struct glint_gaps *gaps)
{
	struct rig *r = ctx;

	return stream == r->source.stream ? glint_ledger_gaps(&r->ledger, since, seq, gaps) :
					    -ENOENT;
}

static inline int rig_complete_by(void *ctx, uint32_t seq, uint64_t *complete_ns)
{
	return glint_ledger_complete_by(&((struct rig *)ctx)->ledger, seq, complete_ns);
}

/* The server's figures where the service has them. */
static inline void rig_report(void *ctx, struct glint_report *report)
{
	struct rig *r = ctx;

	if (r->tell)
		r->tell(r, report);
	glint_report_object(report, "stream");
	glint_server_report_streams(r->server, report);
	glint_report_end(report);
	glint_report_object(report, "glint");
	glint_report_object(report, "latency_ns");
	glint_server_report_latencies(r->server, report);
	glint_report_end(report);
	glint_server_report(r->server, report);
	glint_report_end(report);
}

static inline int rig_offline_picture(void *ctx, struct glint_packet **out)
{
	struct rig *r = ctx;

	r->asked++;
	*out = r->offline && !r->drawing ? glint_packet_ref(r->offline) : NULL;
	if (r->drawing)
		return -EAGAIN;
	return *out ? 0 : -ENOMEM;
}

static inline int rig_ask_still(void *ctx, struct glint_still *still)
{
	((struct rig *)ctx)->still = still;
	return 0;
}

static inline void rig_forget_still(void *ctx, struct glint_still *still)
{
	(void)still;
	((struct rig *)ctx)->still = NULL;
}

static inline bool rig_still_is_due(void *ctx, const struct glint_still *still)
{
	struct rig *r = ctx;

	CU_ASSERT_PTR_EQUAL(still, r->still);
	r->asked_due++;
	return r->still_is_due;
}

/* Set the defaults; a test changes @r->config before rig_create(). */
static inline void rig_prepare(struct rig *r)
{
	*r = (struct rig){
		.config = {
			.unix_mode = -1,
			.instance_id = "",
			.timeout_ns = 10 * GLINT_NSEC_PER_SEC,
			.clients_max = 16,
		},
		.source = { .online = true, .reason = "" },
	};
	glint_log_setup(GLINT_LOG_ERROR, 0);
	strcpy(r->dir, "/tmp/glint-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/socket", r->dir);
	r->config.unix_path = r->path;
	glint_fanout_init(&r->pictures, NULL);
	rig_pictures_alive = 0;
	r->offline = rig_picture(999, 'o', 0);
	r->offline->info.live = false;
}

static inline int rig_create(struct rig *r)
{
	static const struct glint_status_ops ops = {
		.source = rig_source,
		.newest = rig_newest,
		.gaps = rig_gaps,
		.complete_by = rig_complete_by,
		.report = rig_report,
		.offline_picture = rig_offline_picture,
		.ask_still = rig_ask_still,
		.forget_still = rig_forget_still,
		.still_is_due = rig_still_is_due,
	};
	int err = glint_server_create(&r->server, r->loop, &r->config);

	if (err == 0)
		glint_server_start(r->server, &r->pictures, &ops, r);
	return err;
}

/* Open the rig, or skip the test where this host does not have the loop. */
#define RIG_OPEN(r)                                                                                \
	do {                                                                                       \
		rig_prepare(r);                                                                    \
		RIG_LOOP((r)->loop);                                                               \
		CU_ASSERT_EQUAL_FATAL(glint_events_create(&(r)->config.events, (r)->loop), 0);     \
		CU_ASSERT_EQUAL_FATAL(rig_create(r), 0);                                           \
	} while (0)

/* For a test that changes @r->config and then calls rig_create(). */
#define RIG_PREPARE(r)                                                                             \
	do {                                                                                       \
		rig_prepare(r);                                                                    \
		RIG_LOOP((r)->loop);                                                               \
		CU_ASSERT_EQUAL_FATAL(glint_events_create(&(r)->config.events, (r)->loop), 0);     \
	} while (0)

/* No picture may be held any more, and the folder must be empty. */
static inline void rig_close(struct rig *r)
{
	glint_server_destroy(r->server);
	glint_events_end(r->config.events);
	glint_loop_destroy(r->loop);
	glint_events_destroy(r->config.events);
	r->offline = glint_packet_unref(r->offline);
	CU_ASSERT_EQUAL(rig_pictures_alive, 0);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r->pictures));
	CU_ASSERT_EQUAL(rmdir(r->dir), 0);
}

static inline struct glint_server_counters rig_counters(const struct rig *r)
{
	struct glint_server_counters counters;

	glint_server_counters(r->server, &counters);
	return counters;
}

static inline void rig_go_offline(struct rig *r, const char *reason)
{
	r->source.online = false;
	r->source.reason = reason;
	glint_server_source_changed(r->server);
}

static inline void rig_go_online(struct rig *r)
{
	r->source.online = true;
	r->source.reason = "";
	glint_server_source_changed(r->server);
}

/* --- Peers ----------------------------------------------------------------------- */

static inline int peer_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

static inline struct peer peer_of(int fd)
{
	return (struct peer){ .fd = fd, .text = calloc(1, PEER_MAX + 1) };
}

static inline struct peer peer_connect(struct rig *r)
{
	struct peer peer = peer_of(peer_socket(r->path));

	CU_ASSERT_TRUE_FATAL(peer.fd >= 0);
	return peer;
}

static inline void peer_close(struct peer *peer)
{
	free(peer->text);
	close(peer->fd);
}

static inline void peer_write(struct peer *peer, const char *bytes, size_t count)
{
	CU_ASSERT_EQUAL(send(peer->fd, bytes, count, MSG_NOSIGNAL), (ssize_t)count);
}

static inline void peer_say(struct peer *peer, const char *text)
{
	peer_write(peer, text, strlen(text));
}

/* Receive all that has arrived, without waiting. */
static inline void peer_take(struct peer *peer)
{
	ssize_t got;

	while ((got = recv(peer->fd, peer->text + peer->used, PEER_MAX - peer->used, 0)) > 0)
		peer->used += (size_t)got;
	peer->ended = peer->ended || (got < 0 ? errno != EAGAIN : peer->used < PEER_MAX);
	peer->text[peer->used] = '\0';
}

/* Run one round of the loop, then receive for @peer. */
static inline void peer_turn(struct rig *r, struct peer *peer)
{
	CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r->loop, glint_now_ns() + GLINT_NSEC_PER_MSEC),
			      0);
	peer_take(peer);
}

#define RIG_WAIT(r, condition)                                                                     \
	do {                                                                                       \
		uint64_t rig_deadline_ns_ = glint_now_ns() + RIG_PATIENCE_NS;                      \
                                                                                                   \
		while (!(condition) && glint_now_ns() < rig_deadline_ns_)                          \
			CU_ASSERT_EQUAL_FATAL(                                                     \
				glint_loop_run_once((r)->loop,                                     \
						    glint_now_ns() + GLINT_NSEC_PER_MSEC),         \
				0);                                                                \
		CU_ASSERT_TRUE_FATAL(!!(condition));                                               \
	} while (0)

#define PEER_WAIT(r, peer, condition)                                                              \
	do {                                                                                       \
		uint64_t peer_deadline_ns_ = glint_now_ns() + RIG_PATIENCE_NS;                     \
                                                                                                   \
		while (!(condition) && glint_now_ns() < peer_deadline_ns_)                         \
			peer_turn(r, peer);                                                        \
		CU_ASSERT_TRUE_FATAL(!!(condition));                                               \
	} while (0)

/* The body of the first reply in @text; NULL while its head is not complete. */
static inline const char *reply_body(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");

	return end ? end + 4 : NULL;
}

/* The value of a header, in a static buffer; NULL: there is no such header. */
static inline const char *reply_header(const char *text, const char *name)
{
	static char value[1024];
	const char *body = reply_body(text);
	char wanted[80];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
	at = strstr(text, wanted);
	if (!at || (body && at > body))
		return NULL;
	at += strlen(wanted);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

static inline unsigned reply_status(const char *text)
{
	return strlen(text) > 12 ? (unsigned)atoi(text + 9) : 0;
}

static inline uint64_t reply_number(const char *text, const char *name)
{
	const char *value = reply_header(text, name);

	return value ? strtoull(value, NULL, 10) : UINT64_MAX;
}

/* Whether head and body have arrived, with the length that the head says. */
static inline bool reply_complete(const struct peer *peer)
{
	const char *body = reply_body(peer->text);
	uint64_t length = reply_number(peer->text, "Content-Length");

	if (!body)
		return false;
	if (length == UINT64_MAX)
		length = 0;
	return peer->used - (size_t)(body - peer->text) >= length;
}

/* Send a request on a new connection and wait for the whole reply. */
static inline struct peer peer_ask(struct rig *r, const char *request)
{
	struct peer peer = peer_connect(r);

	peer_say(&peer, request);
	PEER_WAIT(r, &peer, reply_complete(&peer));
	return peer;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static inline unsigned count_of(const char *text, const char *word)
{
	unsigned count = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		count++;
	return count;
}
#endif
