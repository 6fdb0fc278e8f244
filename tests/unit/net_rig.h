/* SPDX-License-Identifier: MIT */
/*
 * A server on a unix socket in a folder of its own, with a service that says what
 * the test wants and pictures that the test makes; and peers that talk to it. All
 * of it is in one thread: whoever waits turns the loop meanwhile.
 */
#ifndef GLINT_TESTS_NET_RIG_H
#define GLINT_TESTS_NET_RIG_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "core/fanout.h"
#include "core/picture.h"
#include "core/status.h"
#include "loop_rig.h"
#include "net/net.h"

#define RIG_PATIENCE_NS (120 * GLINT_NSEC_PER_SEC)	/* only met when something is broken */
#define PEER_MAX	(1u << 20)

struct rig {
	struct glint_loop *loop;
	struct glint_net *net;
	struct glint_net_config config;
	struct glint_fanout pictures;
	struct glint_status status;
	struct glint_picture *offline;	/* what the service shows without video; NULL: no memory */
	bool drawing;			/* it is not ready */
	unsigned asked;			/* times for it */
	char dir[32], path[64];
};

struct peer {
	int fd;
	bool ended;		/* the server has closed its side, or the connection */
	size_t used;
	char *text;		/* all that came, zero-terminated */
};

static unsigned rig_pictures_alive;

static inline void rig_picture_release(struct glint_frame *frame)
{
	struct glint_picture *picture = glint_picture_of(frame);

	free(picture->parts[0].iov_base);
	free(picture);
	rig_pictures_alive--;
}

/* A picture of @size bytes, all @fill, in two parts; the caller's reference. */
static inline struct glint_picture *rig_picture(size_t size, char fill, uint32_t seq)
{
	static const struct glint_frame_ops ops = { .release = rig_picture_release };
	struct glint_picture *picture = calloc(1, sizeof(*picture));
	char *bytes = malloc(size);
	uint64_t now_ns = glint_now_ns();

	memset(bytes, fill, size);
	picture->frame.ops = &ops;
	glint_frame_begin(&picture->frame, seq, now_ns);
	picture->frame.complete_ns = picture->frame.dequeue_ns = now_ns;
	picture->parts[0] = (struct iovec){ bytes, size / 3 };
	picture->parts[1] = (struct iovec){ bytes + size / 3, size - size / 3 };
	picture->n_parts = 2;
	picture->size = size;
	picture->width = 64;
	picture->height = 48;
	picture->live = true;
	picture->encode_begin_ns = now_ns;
	picture->encode_end_ns = now_ns;
	rig_pictures_alive++;
	return picture;
}

/* Returns how many readers took it. */
static inline unsigned rig_push(struct rig *r, size_t size, char fill, uint32_t seq)
{
	struct glint_picture *picture = rig_picture(size, fill, seq);
	unsigned taken = glint_fanout_push(&r->pictures, &picture->frame);

	glint_picture_unref(picture);
	return taken;
}

static inline void rig_status(void *ctx, struct glint_status *status)
{
	*status = ((struct rig *)ctx)->status;
}

static inline int rig_offline_picture(void *ctx, struct glint_picture **out)
{
	struct rig *r = ctx;

	r->asked++;
	*out = r->offline && !r->drawing ? glint_picture_ref(r->offline) : NULL;
	if (r->drawing)
		return -EAGAIN;
	return *out ? 0 : -ENOMEM;
}

static inline struct glint_status rig_default_status(void)
{
	return (struct glint_status){
		.version = "1.2.3",
		.started_ns = glint_now_ns(),
		.loop_backend = "uring",
		.loop_reason = "",
		.source = { .kind = "test", .reason = "", .online = true, .width = 64, .height = 48 },
		.device = { .path = "/dev/video7", .driver = "fake", .card = "A card", .bus = "" },
		.format = { .range = "", .matrix = "" },
		.frame = { .clock = "monotonic", .moment = "end-of-frame" },
		.buffers = { .memory = "memfd" },
		.encoder = { .type = "CPU", .name = "cpu", .subsampling = "4:2:0", .range = "expand", .quality = 80,
			     .state = "", .reason = "", .path = "", .driver = "", .memory = "",
			     .driver_quality = -1 },
	};
}

/* What rig_create() begins with; a test changes @r->config before it. */
static inline void rig_prepare(struct rig *r)
{
	*r = (struct rig){
		.config = {
			.unix_mode = -1,
			.instance_id = "",
			.timeout_ns = 10 * GLINT_NSEC_PER_SEC,
			.clients_max = 16,
		},
		.status = rig_default_status(),
	};
	glint_log_setup(GLINT_LOG_ERROR, 0);
	strcpy(r->dir, "/tmp/glint-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/socket", r->dir);
	r->config.unix_path = r->path;
	glint_fanout_init(&r->pictures, NULL);
	rig_pictures_alive = 0;
	r->offline = rig_picture(999, 'o', 0);
	r->offline->live = false;
}

static inline int rig_create(struct rig *r)
{
	static const struct glint_status_ops ops = {
		.status = rig_status,
		.offline_picture = rig_offline_picture,
	};
	int err = glint_net_create(&r->net, r->loop, &r->config);

	if (err == 0)
		glint_net_start(r->net, &r->pictures, &ops, r);
	return err;
}

/* Opens it, or skips the test where this host does not have the loop. */
#define RIG_OPEN(r)                                           \
	do {                                                  \
		rig_prepare(r);                               \
		RIG_LOOP((r)->loop);                          \
		CU_ASSERT_EQUAL_FATAL(rig_create(r), 0);      \
	} while (0)

/* For a test that changes @r->config between the two. */
#define RIG_PREPARE(r)                   \
	do {                             \
		rig_prepare(r);          \
		RIG_LOOP((r)->loop);     \
	} while (0)

/* Nobody may hold a picture any more, and the folder must be as it was. */
static inline void rig_close(struct rig *r)
{
	glint_net_destroy(r->net);
	glint_loop_destroy(r->loop);
	r->offline = glint_picture_unref(r->offline);
	CU_ASSERT_EQUAL(rig_pictures_alive, 0);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r->pictures));
	CU_ASSERT_EQUAL(rmdir(r->dir), 0);
}

static inline struct glint_net_counters rig_counters(const struct rig *r)
{
	struct glint_net_counters counters;

	glint_net_counters(r->net, &counters);
	return counters;
}

static inline void rig_go_offline(struct rig *r, const char *reason)
{
	r->status.source.online = false;
	r->status.source.reason = reason;
	glint_net_source_changed(r->net);
}

static inline void rig_go_online(struct rig *r)
{
	r->status.source.online = true;
	r->status.source.reason = "";
	glint_net_source_changed(r->net);
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

/* Takes what has come, without waiting. */
static inline void peer_take(struct peer *peer)
{
	ssize_t got;

	while ((got = recv(peer->fd, peer->text + peer->used, PEER_MAX - peer->used, 0)) > 0)
		peer->used += (size_t)got;
	peer->ended = peer->ended || (got < 0 ? errno != EAGAIN : peer->used < PEER_MAX);
	peer->text[peer->used] = '\0';
}

/* One round of the loop, then what @peer got by it. */
static inline void peer_turn(struct rig *r, struct peer *peer)
{
	CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r->loop, glint_now_ns() + GLINT_NSEC_PER_MSEC),
			      0);
	peer_take(peer);
}

#define RIG_WAIT(r, condition)                                                            \
	do {                                                                              \
		uint64_t rig_deadline_ns_ = glint_now_ns() + RIG_PATIENCE_NS;             \
                                                                                          \
		while (!(condition) && glint_now_ns() < rig_deadline_ns_)                 \
			CU_ASSERT_EQUAL_FATAL(                                            \
				glint_loop_run_once((r)->loop,                            \
						    glint_now_ns() + GLINT_NSEC_PER_MSEC), \
				0);                                                       \
		CU_ASSERT_TRUE_FATAL(!!(condition));                                          \
	} while (0)

#define PEER_WAIT(r, peer, condition)                                                     \
	do {                                                                              \
		uint64_t peer_deadline_ns_ = glint_now_ns() + RIG_PATIENCE_NS;            \
                                                                                          \
		while (!(condition) && glint_now_ns() < peer_deadline_ns_)                \
			peer_turn(r, peer);                                               \
		CU_ASSERT_TRUE_FATAL(!!(condition));                                          \
	} while (0)

/* The body of the reply that @text begins with, or NULL while its head is not complete. */
static inline const char *reply_body(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");

	return end ? end + 4 : NULL;
}

/* A field's value, up to the line's end, copied to a static place; NULL when there is none. */
static inline const char *reply_field(const char *text, const char *name)
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
	const char *value = reply_field(text, name);

	return value ? strtoull(value, NULL, 10) : UINT64_MAX;
}

/* Head and body are there, as long as the head says. */
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

/* Asks on a connection of its own and waits for the whole reply. */
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
