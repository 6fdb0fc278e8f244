/* SPDX-License-Identifier: MIT */
/*
 * GET /stream: each client gets the newest picture at its own speed; on the loop of
 * glint_test_loop().
 */
#include "http_rig.h"

#define BOUNDARY "--boundarydonotcross\r\n"

/* A stream whose head has arrived. */
static struct peer watch(struct rig *r, const char *query)
{
	unsigned streams = rig_counters(r).streams;
	struct peer peer = peer_connect(r);
	char request[512];

	snprintf(request, sizeof(request), "GET /stream%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
		 query);
	peer_say(&peer, request);
	PEER_WAIT(r, &peer, strstr(peer.text, BOUNDARY));
	CU_ASSERT_EQUAL(rig_counters(r).streams, streams + 1);
	return peer;
}

static void forget(struct peer *peer)
{
	peer->used = 0;
	peer->text[0] = '\0';
}

/* Push a picture and wait until @peer->text is all of its part. */
static void show(struct rig *r, struct peer *peer, size_t size, char fill, uint32_t seq)
{
	forget(peer);
	CU_ASSERT_EQUAL(rig_push(r, size, fill, seq), 1);
	PEER_WAIT(r, peer, strstr(peer->text, BOUNDARY));
}

static void test_the_head_is_sent_before_the_first_picture(void)
{
	struct peer peer;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.instance_id = "cam.1";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peer = watch(&r, "?key=a/b");
	CU_ASSERT_NSTRING_EQUAL(peer.text, "HTTP/1.0 200 OK\r\n", 17);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"),
			       "multipart/x-mixed-replace;boundary=boundarydonotcross");
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "Content-Length"));
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "Transfer-Encoding"));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Pragma"), "no-cache");
	CU_ASSERT_NSTRING_EQUAL(reply_header(peer.text, "Set-Cookie"), "stream_client_cam.1=a%2Fb/",
				26);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(reply_header(peer.text, "Set-Cookie"), "; path=/; max-age=30"));
	CU_ASSERT_STRING_EQUAL(reply_body(peer.text), BOUNDARY);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_part_ends_with_the_boundary(void)
{
	struct peer peer;
	const char *body;
	struct rig r;

	RIG_OPEN(&r);
	peer = watch(&r, "");
	show(&r, &peer, 3, 'a', 1);
	body = reply_body(peer.text);
	CU_ASSERT_NSTRING_EQUAL(
		peer.text, "Content-Type: image/jpeg\r\nContent-Length: 3\r\nX-Timestamp: ", 58);
	CU_ASSERT_STRING_EQUAL(body, "aaa\r\n" BOUNDARY);
	CU_ASSERT_PTR_NULL(strstr(peer.text, "X-UStreamer"));
	CU_ASSERT_EQUAL(rig_counters(&r).pictures_sent, 1);
	peer_close(&peer);
	rig_close(&r);
}

static void test_extra_headers_name_the_frame(void)
{
	static const char *const names[] = {
		"Grab-Begin-Time", "Grab-End-Time",	"Encode-Begin-Time",
		"Encode-End-Time", "Expose-Begin-Time", "Expose-Cmp-Time",
		"Expose-End-Time", "Send-Time",		"Latency",
	};
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = watch(&r, "?extra_headers=1");
	show(&r, &peer, 100, 'a', 77);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		char name[64];

		snprintf(name, sizeof(name), "X-UStreamer-%s", names[i]);
		CU_ASSERT_PTR_NOT_NULL(reply_header(peer.text, name));
	}
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "true");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Dropped"), "0");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Width"), "64");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Height"), "48");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Client-FPS"), "0");
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 77);
	peer_close(&peer);
	rig_close(&r);
}

static void test_advance_headers_come_before_their_picture(void)
{
	static const char advance[] = BOUNDARY "Content-Type: image/jpeg\r\nX-Timestamp: ";
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = watch(&r, "?advance_headers=1&extra_headers=1");
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, advance));
	forget(&peer);
	CU_ASSERT_EQUAL(rig_push(&r, 3, 'a', 1), 1);
	PEER_WAIT(&r, &peer, strstr(peer.text, advance) && strstr(peer.text, "\r\n\r\n"));
	CU_ASSERT_NSTRING_EQUAL(peer.text, "aaa\r\n--", 7);
	CU_ASSERT_PTR_NULL(strstr(peer.text, "Content-Length"));
	CU_ASSERT_PTR_NULL(strstr(peer.text, "X-UStreamer"));
	peer_close(&peer);
	rig_close(&r);
}

static void test_zero_data_sends_parts_without_pictures(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = watch(&r, "?zero_data=yes");
	show(&r, &peer, 1000, 'a', 1);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Length"), "0");
	CU_ASSERT_STRING_EQUAL(reply_body(peer.text), "\r\n" BOUNDARY);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_key_cannot_forge_a_head(void)
{
	char query[512] = "?key=%0d%0aX:%20y;";
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	memset(query + strlen(query), '/', 300);
	peer = watch(&r, query);
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "X"));
	CU_ASSERT_NSTRING_EQUAL(reply_header(peer.text, "Set-Cookie"),
				"stream_client=%0D%0AX%3A%20y%3B%2F", 33);
	peer_close(&peer);
	rig_close(&r);
}

/* --- Fast and slow ----------------------------------------------------------------------- */

static void test_a_slow_reader_skips_pictures_and_delays_no_other(void)
{
	enum { SIZE = 200000, COUNT = 50 };
	struct peer slow, fast;
	const char *last;
	struct rig r;

	RIG_OPEN(&r);
	slow = watch(&r, "?extra_headers=1");
	fast = watch(&r, "?extra_headers=1");
	for (unsigned seq = 1; seq <= COUNT; seq++) {
		forget(&fast);
		CU_ASSERT_EQUAL(rig_push(&r, SIZE, 'a', seq), 2);
		PEER_WAIT(&r, &fast, strstr(fast.text, BOUNDARY));
		CU_ASSERT_EQUAL(reply_number(fast.text, "X-Glint-Sequence"), seq);
		CU_ASSERT_TRUE(rig_pictures_alive <= 3); /* the offline one is one of them */
	}
	CU_ASSERT_TRUE(rig_counters(&r).pictures_skipped >= COUNT - 4);

	/* Now the peer reads: the picture that was being sent, then the newest. */
	forget(&slow);
	PEER_WAIT(&r, &slow, strstr(slow.text, "X-Glint-Sequence: 50\r\n"));
	last = strstr(slow.text, "X-Glint-Sequence: 50\r\n");
	PEER_WAIT(&r, &slow, strstr(last, BOUNDARY));
	CU_ASSERT_TRUE(count_of(slow.text, BOUNDARY) <= 4);
	RIG_WAIT(&r, rig_pictures_alive == 1);
	peer_close(&slow);
	peer_close(&fast);
	rig_close(&r);
}

static void test_a_reader_that_takes_nothing_is_closed(void)
{
	struct peer peer;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.timeout_ns = 50 * GLINT_NSEC_PER_MSEC;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peer = watch(&r, "");
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(rig_push(&r, 500000, 'a', i), 1);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 1);
	CU_ASSERT_EQUAL(rig_counters(&r).streams, 0);
	CU_ASSERT_EQUAL(rig_pictures_alive, 1);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_reader_that_waits_for_pictures_is_not_closed(void)
{
	struct peer peer, other;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.timeout_ns = 20 * GLINT_NSEC_PER_MSEC;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peer = watch(&r, "");
	/* A peer that sends no request is closed meanwhile, after the same time. */
	other = peer_connect(&r);
	PEER_WAIT(&r, &other, other.ended);
	CU_ASSERT_EQUAL(rig_counters(&r).streams, 1);
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 0);
	show(&r, &peer, 100, 'a', 1);
	peer_close(&peer);
	peer_close(&other);
	rig_close(&r);
}

static void test_a_half_close_ends_a_stream(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = watch(&r, "");
	shutdown(peer.fd, SHUT_WR);
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(rig_counters(&r).streams, 0);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.pictures));
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_half_close_behind_further_requests_ends_a_stream(void)
{
	char requests[8192] = GET("/stream");
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	memset(requests + strlen(requests), 'x', sizeof(requests) - strlen(requests) - 1);
	peer = peer_connect(&r);
	peer_say(&peer, requests);
	shutdown(peer.fd, SHUT_WR);
	PEER_WAIT(&r, &peer, peer.ended);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	CU_ASSERT_EQUAL(rig_counters(&r).streams, 0);
	peer_close(&peer);
	rig_close(&r);
}

static void test_sixty_four_streams_get_every_picture(void)
{
	struct peer peers[64];
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = 64;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < 64; i++)
		peers[i] = watch(&r, "");
	for (unsigned seq = 0; seq < 20; seq++) {
		CU_ASSERT_EQUAL(rig_push(&r, 10000, 'a', seq), 64);
		RIG_WAIT(&r, rig_counters(&r).pictures_sent == 64 * (seq + 1));
		for (unsigned i = 0; i < 64; i++)
			peer_take(&peers[i]);
	}
	CU_ASSERT_EQUAL(rig_counters(&r).pictures_skipped, 0);
	for (unsigned i = 0; i < 64; i++) {
		CU_ASSERT_EQUAL(count_of(peers[i].text, BOUNDARY), 21);
		peer_close(&peers[i]);
	}
	rig_close(&r);
}

/* --- Without video -------------------------------------------------------------------------- */

static void test_without_video_the_offline_picture_comes_at_once_and_again(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "no-device");
	peer = watch(&r, "?extra_headers=1");
	PEER_WAIT(&r, &peer, count_of(peer.text, "X-UStreamer-Online: false\r\n") == 3);
	CU_ASSERT_EQUAL(count_of(peer.text, "X-Glint-Reason: no-device\r\n"), 3);
	CU_ASSERT_PTR_NULL(strstr(peer.text, "X-Glint-Sequence"));
	peer_close(&peer);
	rig_close(&r);
}

static void test_an_offline_picture_is_sent_when_it_is_drawn(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	r.drawing = true;
	rig_go_offline(&r, "no-device");
	peer = watch(&r, "?extra_headers=1");
	CU_ASSERT_TRUE(r.asked > 0);
	CU_ASSERT_PTR_NULL(strstr(peer.text, "X-UStreamer-Online"));
	r.drawing = false;
	glint_server_offline_drawn(r.server);
	PEER_WAIT(&r, &peer, strstr(peer.text, "X-UStreamer-Online: false\r\n"));
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_stream_shows_when_the_video_goes_and_comes_back(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = watch(&r, "?extra_headers=1");
	show(&r, &peer, 100, 'a', 1);
	forget(&peer);
	rig_go_offline(&r, "no-signal");
	PEER_WAIT(&r, &peer, strstr(peer.text, BOUNDARY));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Reason"), "no-signal");
	rig_go_online(&r);
	show(&r, &peer, 100, 'a', 2);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "true");
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_picture_of_a_past_stream_is_not_shown(void)
{
	struct glint_packet *old, *new;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	r.source.stream = 2;
	rig_go_online(&r);
	peer = watch(&r, "?extra_headers=1");
	old = rig_picture(100, 'o', 7);
	old->info.stream = 1;
	new = rig_picture(100, 'n', 1);
	new->info.stream = 2;
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&r.pictures, old), 0);
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&r.pictures, new), 1);
	PEER_WAIT(&r, &peer, strstr(peer.text, "X-Glint-Sequence: 1\r\n"));
	CU_ASSERT_PTR_NULL(strstr(peer.text, "X-Glint-Sequence: 7\r\n"));

	rig_go_offline(&r, "no-signal");
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&r.pictures, new), 0);
	PEER_WAIT(&r, &peer, strstr(peer.text, "X-Glint-Reason: no-signal\r\n"));
	glint_packet_unref(old);
	glint_packet_unref(new);
	peer_close(&peer);
	rig_close(&r);
}

/* There is no memory for an offline picture, which would replace the next picture. */
static void test_the_next_picture_is_dropped_when_the_signal_goes(void)
{
	struct peer peer;
	struct rig r;
	uint64_t skipped;
	uint32_t seq = 0;
	char waiting[48];

	RIG_OPEN(&r);
	peer = watch(&r, "?extra_headers=1");
	while (rig_counters(&r).pictures_skipped == 0) { /* until the socket is full */
		CU_ASSERT_EQUAL_FATAL(rig_push(&r, 200000, 'a', ++seq), 1);
		rig_settle(r.loop);
	}
	snprintf(waiting, sizeof(waiting), "X-Glint-Sequence: %u\r\n", seq);
	skipped = rig_counters(&r).pictures_skipped;
	r.offline = glint_packet_unref(r.offline);
	rig_go_offline(&r, "no-signal");
	CU_ASSERT_EQUAL(rig_counters(&r).pictures_skipped, skipped + 1);
	forget(&peer);
	rig_go_online(&r);
	PEER_WAIT(&r, &peer, rig_pictures_alive == 0);
	CU_ASSERT_EQUAL(rig_push(&r, 500, 'b', seq + 1), 1);
	PEER_WAIT(&r, &peer, strstr(peer.text, "bbbb"));
	CU_ASSERT_PTR_NULL(strstr(peer.text, waiting));
	peer_close(&peer);
	rig_close(&r);
}

/* --- Equal pictures --------------------------------------------------------------------------- */

static void test_equal_pictures_are_skipped_up_to_a_number(void)
{
	struct peer peer;
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_SAME))
		GLINT_SKIP("built without CONFIG_NET_SAME");
	RIG_PREPARE(&r);
	r.config.drop_same_frames = 2;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peer = watch(&r, "?extra_headers=1");
	show(&r, &peer, 100, 'a', 1);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'a', 2), 0);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'a', 3), 0);
	show(&r, &peer, 100, 'a', 4);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-UStreamer-Dropped"), 2);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'a', 5), 0);
	show(&r, &peer, 100, 'b', 6);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-UStreamer-Dropped"), 1);
	show(&r, &peer, 101, 'b', 7);
	peer_close(&peer);
	rig_close(&r);
}

static void test_pictures_encoded_in_the_same_nanosecond_are_told_apart(void)
{
	struct glint_packet *one, *other;
	struct peer peer;
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_SAME))
		GLINT_SKIP("built without CONFIG_NET_SAME");
	RIG_PREPARE(&r);
	r.config.drop_same_frames = 100;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peer = watch(&r, "");
	show(&r, &peer, 100, 'a', 1);
	one = rig_picture(100, 'a', 2);
	other = rig_picture(100, 'b', 3);
	other->encode_end_ns = one->encode_end_ns;
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&r.pictures, one), 0);
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&r.pictures, other), 1);
	glint_packet_unref(one);
	glint_packet_unref(other);
	peer_close(&peer);
	rig_close(&r);
}

static void test_with_dual_final_frames_the_last_change_is_sent_twice(void)
{
	struct peer peer;
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_SAME))
		GLINT_SKIP("built without CONFIG_NET_SAME");
	RIG_PREPARE(&r);
	r.config.drop_same_frames = 100;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peer = watch(&r, "?dual_final_frames=1");
	show(&r, &peer, 100, 'a', 1);
	show(&r, &peer, 100, 'b', 2);
	show(&r, &peer, 100, 'b', 3);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'b', 4), 0);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'b', 5), 0);
	show(&r, &peer, 100, 'c', 6);
	show(&r, &peer, 100, 'c', 7);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'c', 8), 0);
	peer_close(&peer);
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("stream",
	GLINT_TEST(test_the_head_is_sent_before_the_first_picture),
	GLINT_TEST(test_a_part_ends_with_the_boundary),
	GLINT_TEST(test_extra_headers_name_the_frame),
	GLINT_TEST(test_advance_headers_come_before_their_picture),
	GLINT_TEST(test_zero_data_sends_parts_without_pictures),
	GLINT_TEST(test_a_key_cannot_forge_a_head),
	GLINT_TEST(test_a_slow_reader_skips_pictures_and_delays_no_other),
	GLINT_TEST(test_a_reader_that_takes_nothing_is_closed),
	GLINT_TEST(test_a_reader_that_waits_for_pictures_is_not_closed),
	GLINT_TEST(test_a_half_close_ends_a_stream),
	GLINT_TEST(test_a_half_close_behind_further_requests_ends_a_stream),
	GLINT_TEST(test_sixty_four_streams_get_every_picture),
	GLINT_TEST(test_without_video_the_offline_picture_comes_at_once_and_again),
	GLINT_TEST(test_an_offline_picture_is_sent_when_it_is_drawn),
	GLINT_TEST(test_a_stream_shows_when_the_video_goes_and_comes_back),
	GLINT_TEST(test_a_picture_of_a_past_stream_is_not_shown),
	GLINT_TEST(test_the_next_picture_is_dropped_when_the_signal_goes),
	GLINT_TEST(test_equal_pictures_are_skipped_up_to_a_number),
	GLINT_TEST(test_pictures_encoded_in_the_same_nanosecond_are_told_apart),
	GLINT_TEST(test_with_dual_final_frames_the_last_change_is_sent_twice),
)
