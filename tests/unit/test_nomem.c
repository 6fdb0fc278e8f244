/* SPDX-License-Identifier: MIT */
/*
 * A server that is short of memory, on the loop of glint_test_loop(): each allocation of a request
 * fails once, and the next request is answered as usual. Also the paths that do not allocate.
 */
#include <stdlib.h>

#include "malloc_rig.h"
#include "http_rig.h"

static void answers(struct rig *r, struct peer *peer)
{
	peer->used = 0;
	peer->text[0] = '\0';
	peer->ended = false;
	peer->fd = peer_socket(r->path);
	peer_say(peer, GET("/state"));
	PEER_WAIT(r, peer, reply_complete(peer));
	CU_ASSERT_EQUAL(reply_status(peer->text), 200);
	close(peer->fd);
	RIG_WAIT(r, rig_counters(r).clients == 0);
}

/* Fail the Nth allocation of @request, for N from 1 to the last. */
static void fail_each(const char *request)
{
	struct peer peer;
	unsigned refused = 0, nth = 0;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "no-signal");
	peer = peer_of(-1);
	answers(&r, &peer);
	do {
		peer.used = 0;
		peer.text[0] = '\0';
		peer.ended = false;
		peer.fd = peer_socket(r.path);
		peer_say(&peer, request);
		malloc_fail_at = ++nth;
		PEER_WAIT(&r, &peer, peer.ended || reply_complete(&peer));
		refused += peer.used == 0 || reply_status(peer.text) == 503;
		close(peer.fd);
		RIG_WAIT(&r, rig_counters(&r).clients == 0);
		nth = malloc_fail_at > 0 ? 0 : nth;
		malloc_fail_at = 0;
		answers(&r, &peer);
	} while (nth > 0);
	CU_ASSERT_TRUE(refused >= 3); /* the connection, its parser, and the reply */
	free(peer.text);
	rig_close(&r);
}

#define FAIL_EACH(request)                                                                         \
	do {                                                                                       \
		NEEDS_MALLOC();                                                                    \
		fail_each(request);                                                                \
	} while (0)

static void test_a_state_without_memory_is_an_error_and_not_cut(void)
{
	FAIL_EACH(GET("/state"));
}

static void test_a_snapshot_without_memory_is_an_error(void)
{
	FAIL_EACH(GET("/snapshot"));
}

static void test_a_stream_without_memory_is_an_error(void)
{
	FAIL_EACH(GET("/stream"));
}

static void test_a_server_without_memory_is_an_error_without_a_leak(void)
{
	unsigned failed = 0, nth = 0;
	struct rig r;
	int err;

	NEEDS_MALLOC();
	RIG_PREPARE(&r);
	if (IS_ENABLED(CONFIG_NET_AUTH))
		r.config.user = "user";
	do {
		malloc_fail_at = ++nth;
		err = glint_server_create(&r.server, r.loop, &r.config);
		CU_ASSERT_TRUE(err == 0 || err == -ENOMEM);
		failed += err < 0;
		nth = malloc_fail_at > 0 ? 0 : nth;
		malloc_fail_at = 0;
		if (err == 0)
			glint_server_destroy(r.server);
		CU_ASSERT_EQUAL(peer_socket(r.path), -ENOENT);
	} while (nth > 0);
	CU_ASSERT_TRUE(failed >= 1);
	r.server = NULL;
	rig_close(&r);
}

/* Show one picture to all streams. Returns the number of allocations. */
static unsigned show_and_count(struct rig *r, uint32_t seq)
{
	struct glint_packet *picture = rig_picture(500, 'x', seq);
	uint64_t sent = rig_counters(r).pictures_sent;
	unsigned before = malloc_count;

	glint_fanout_push_packet(&r->pictures, picture);
	RIG_WAIT(r, rig_counters(r).pictures_sent > sent);
	before = malloc_count - before;
	glint_packet_unref(picture);
	return before;
}

static void test_a_stream_needs_no_memory_for_a_picture(void)
{
	unsigned allocated = 0;
	struct peer peer;
	struct rig r;

	NEEDS_MALLOC();
	RIG_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, GET("/stream?extra_headers=1"));
	PEER_WAIT(&r, &peer, strstr(peer.text, "boundarydonotcross\r\n"));
	for (unsigned i = 0; i < 4; i++)
		(void)show_and_count(&r, i);
	for (unsigned i = 4; i < 24; i++)
		allocated += show_and_count(&r, i);
	CU_ASSERT_EQUAL(allocated, 0);
	peer_close(&peer);
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("nomem",
	GLINT_TEST(test_a_state_without_memory_is_an_error_and_not_cut),
	GLINT_TEST(test_a_snapshot_without_memory_is_an_error),
	GLINT_TEST(test_a_stream_without_memory_is_an_error),
	GLINT_TEST(test_a_server_without_memory_is_an_error_without_a_leak),
	GLINT_TEST(test_a_stream_needs_no_memory_for_a_picture),
)
