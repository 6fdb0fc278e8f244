/* SPDX-License-Identifier: MIT */
/* GET /snapshot never lies; glint_test_loop() says on which loop. */
#include <inttypes.h>

#include "net_rig.h"

static unsigned waiting(const struct rig *r)
{
	return rig_counters(r).snapshots_waiting;
}

/* Asks for a snapshot, and is the one who waits. */
static struct peer peer_waiting(struct rig *r, const char *request)
{
	struct peer peer = peer_connect(r);

	peer_say(&peer, request);
	RIG_WAIT(r, waiting(r) == 1);
	return peer;
}

static void test_the_first_picture_after_the_request_is_the_answer(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot"));
	CU_ASSERT_EQUAL(rig_push(&r, 5000, 'a', 41), 1);
	CU_ASSERT_EQUAL(rig_push(&r, 5000, 'b', 42), 0);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "Content-Type"), "image/jpeg");
	CU_ASSERT_EQUAL(reply_number(peer.text, "Content-Length"), 5000);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 41);
	CU_ASSERT_EQUAL(count_of(reply_body(peer.text), "a"), 5000);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.pictures));
	CU_ASSERT_EQUAL(waiting(&r), 0);
	peer_close(&peer);
	rig_close(&r);
}

/* One that was being encoded when the request came. */
static void test_a_frame_that_was_complete_before_the_request_is_no_answer(void)
{
	struct glint_picture *old;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	old = rig_picture(100, 'o', 1);
	peer = peer_waiting(&r, GET("/snapshot"));
	CU_ASSERT_EQUAL(glint_fanout_push(&r.pictures, &old->frame), 0);
	glint_picture_unref(old);
	CU_ASSERT_EQUAL(waiting(&r), 1);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'n', 2), 1);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 2);
	peer_close(&peer);
	rig_close(&r);
}

/* A frame that arrives now. Returns whether it was the answer. */
static bool push_exposed(struct rig *r, uint32_t seq, uint64_t exposure_ns)
{
	struct glint_picture *picture = rig_picture(100, 'a', seq);
	bool wanted, taken;

	picture->frame.exposure_ns = exposure_ns;
	wanted = glint_fanout_wants(&r->pictures, &picture->frame);
	taken = glint_fanout_push(&r->pictures, &picture->frame) == 1;
	CU_ASSERT_EQUAL(wanted, taken);
	glint_picture_unref(picture);
	return taken;
}

static void test_a_moment_can_be_named_that_the_exposure_must_not_precede(void)
{
	uint64_t after_ns = glint_now_ns() + GLINT_NSEC_PER_SEC;
	char request[128];
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	snprintf(request, sizeof(request), GET("/snapshot?after=%" PRIu64), after_ns);
	peer = peer_waiting(&r, request);
	CU_ASSERT_FALSE(push_exposed(&r, 1, 0));
	CU_ASSERT_FALSE(push_exposed(&r, 2, after_ns - 1));
	CU_ASSERT_TRUE(push_exposed(&r, 3, after_ns));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 3);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Exposure-Ns"), after_ns);
	peer_close(&peer);
	rig_close(&r);
}

static void test_that_moment_can_be_now(void)
{
	uint64_t before_ns = glint_now_ns();
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot?after=now"));
	CU_ASSERT_FALSE(push_exposed(&r, 1, before_ns));
	CU_ASSERT_TRUE(push_exposed(&r, 2, glint_now_ns()));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 2);
	peer_close(&peer);
	rig_close(&r);
}

/* It arrived after the request all the same. */
static void test_a_moment_long_ago_asks_for_nothing_more(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot?after=1"));
	CU_ASSERT_TRUE(push_exposed(&r, 1, 1));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_moment_that_makes_no_sense_is_an_error(void)
{
	static const char *const bad[] = {
		GET("/snapshot?after="),
		GET("/snapshot?after=soon"),
		GET("/snapshot?after=nowadays"),
		GET("/snapshot?after=-1"),
		GET("/snapshot?after=18446744073709551615"),	/* in 500 years */
	};
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct peer peer = peer_ask(&r, bad[i]);

		CU_ASSERT_EQUAL(reply_status(peer.text), 400);
		CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "Content-Type"), "application/json");
		CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"reason\": \"bad-after\""));
		peer_close(&peer);
	}
	CU_ASSERT_EQUAL(waiting(&r), 0);
	rig_close(&r);
}

static void test_all_who_wait_share_one_picture(void)
{
	struct peer peers[16];
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++) {
		peers[i] = peer_connect(&r);
		peer_say(&peers[i], GET("/snapshot"));
	}
	RIG_WAIT(&r, waiting(&r) == ARRAY_SIZE(peers));
	CU_ASSERT_EQUAL(rig_push(&r, 300, 'a', 7), ARRAY_SIZE(peers));
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++) {
		PEER_WAIT(&r, &peers[i], reply_complete(&peers[i]));
		CU_ASSERT_EQUAL(reply_number(peers[i].text, "X-Glint-Sequence"), 7);
		peer_close(&peers[i]);
	}
	CU_ASSERT_EQUAL(rig_counters(&r).pictures_sent, ARRAY_SIZE(peers));
	rig_close(&r);
}

static void test_its_head_has_what_both_ustreamers_send_and_more(void)
{
	static const char *const times[] = {
		"X-Timestamp",
		"X-UStreamer-Grab-Begin-Timestamp",
		"X-UStreamer-Grab-End-Timestamp",
		"X-UStreamer-Grab-Timestamp",
		"X-UStreamer-Encode-Begin-Timestamp",
		"X-UStreamer-Encode-End-Timestamp",
		"X-UStreamer-Expose-Begin-Timestamp",
		"X-UStreamer-Expose-Cmp-Timestamp",
		"X-UStreamer-Expose-End-Timestamp",
		"X-UStreamer-Send-Timestamp",
	};
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot"));
	rig_push(&r, 100, 'a', 7);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
		const char *value = reply_field(peer.text, times[i]);

		CU_ASSERT_PTR_NOT_NULL_FATAL(value);
		CU_ASSERT_EQUAL(strlen(strchr(value, '.')), 7);
	}
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-UStreamer-Online"), "true");
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-UStreamer-Dropped"), 0);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-UStreamer-Width"), 64);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-UStreamer-Height"), 48);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Width"), 64);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Height"), 48);
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-Glint-Clock"), "monotonic");
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-Glint-Reason"), "");
	CU_ASSERT_TRUE(reply_number(peer.text, "X-Glint-Timestamp-Ns") > 0);
	CU_ASSERT_TRUE(reply_number(peer.text, "X-Glint-Age-Ns") < RIG_PATIENCE_NS);
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "Pragma"), "no-cache");
	CU_ASSERT_PTR_NOT_NULL(strstr(reply_field(peer.text, "Cache-Control"), "no-store"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply_field(peer.text, "Expires"), " 2000 "));
	peer_close(&peer);
	rig_close(&r);
}

static void test_without_video_the_answer_comes_at_once_and_says_so(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "no-signal");
	peer = peer_ask(&r, GET("/snapshot"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "Content-Type"), "image/jpeg");
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-UStreamer-Online"), "false");
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-Glint-Reason"), "no-signal");
	CU_ASSERT_PTR_NULL(reply_field(peer.text, "X-Glint-Sequence"));
	CU_ASSERT_PTR_NULL(reply_field(peer.text, "X-Glint-Timestamp-Ns"));
	CU_ASSERT_EQUAL(count_of(reply_body(peer.text), "o"), 999);
	peer_close(&peer);
	rig_close(&r);
}

static void test_who_is_strict_gets_an_error_instead(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "no-signal");
	peer = peer_ask(&r, GET("/snapshot?strict=1"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "Content-Type"), "application/json");
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "{\"ok\": false, \"error\": {\"reason\": "
						 "\"no-signal\", \"message\": \""));
	CU_ASSERT_PTR_NULL(reply_field(peer.text, "Connection"));
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_strict_service_gives_an_error_unless_asked_otherwise(void)
{
	static const struct {
		const char *request;
		unsigned status;
	} rows[] = {
		{ GET("/snapshot"), 503 },
		{ GET("/?action=snapshot"), 503 },
		{ GET("/snapshot?strict=1"), 503 },
		{ GET("/snapshot?strict=0"), 200 },
	};
	struct rig r;

	RIG_PREPARE(&r);
	r.config.strict = true;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	rig_go_offline(&r, "no-signal");
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct peer peer = peer_ask(&r, rows[i].request);

		CU_ASSERT_EQUAL(reply_status(peer.text), rows[i].status);
		peer_close(&peer);
	}
	rig_close(&r);
}

static void test_who_waits_is_answered_when_the_video_goes(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot"));
	rig_go_offline(&r, "no-device");
	CU_ASSERT_EQUAL(waiting(&r), 0);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-Glint-Reason"), "no-device");
	peer_close(&peer);
	rig_close(&r);
}

static void test_just_after_the_start_the_first_frame_is_waited_for(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "opening");
	peer = peer_waiting(&r, GET("/snapshot"));
	glint_net_source_changed(r.net);
	CU_ASSERT_EQUAL(waiting(&r), 1);
	rig_go_online(&r);
	rig_push(&r, 100, 'a', 0);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-UStreamer-Online"), "true");
	peer_close(&peer);
	rig_close(&r);
}

static void test_but_not_for_ever(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "opening");
	peer = peer_ask(&r, GET("/snapshot"));
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-UStreamer-Online"), "false");
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-Glint-Reason"), "opening");
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_picture_that_never_comes_is_called_so(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_ask(&r, GET("/snapshot"));
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-UStreamer-Online"), "false");
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-Glint-Reason"), "no-picture");
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.pictures));
	peer_close(&peer);
	rig_close(&r);
}

static void test_each_has_a_limit_of_its_own(void)
{
	struct peer early, late;
	struct rig r;

	RIG_OPEN(&r);
	late = peer_connect(&r);
	peer_say(&late, GET("/snapshot"));
	RIG_WAIT(&r, waiting(&r) == 1);
	r.status.source.online = false;	/* not told: the next one just has less patience */
	r.status.source.reason = "opening";
	early = peer_connect(&r);
	peer_say(&early, GET("/snapshot"));
	RIG_WAIT(&r, waiting(&r) == 2);
	PEER_WAIT(&r, &early, reply_complete(&early));
	CU_ASSERT_EQUAL(waiting(&r), 1);
	PEER_WAIT(&r, &late, reply_complete(&late));
	peer_close(&early);
	peer_close(&late);
	rig_close(&r);
}

static void test_without_memory_for_a_picture_there_is_an_error(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	r.offline = glint_picture_unref(r.offline);
	rig_go_offline(&r, "no-signal");
	peer = peer_ask(&r, GET("/snapshot"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "Content-Type"), "application/json");
	peer_close(&peer);
	rig_close(&r);
}

/* Offline, with a client that waits until the picture for that is drawn. */
static struct peer peer_waiting_for_drawing(struct rig *r)
{
	struct peer peer;

	r->drawing = true;
	rig_go_offline(r, "no-signal");
	peer = peer_connect(r);
	peer_say(&peer, GET("/snapshot"));
	RIG_WAIT(r, waiting(r) == 1);
	return peer;
}

static void test_a_picture_that_is_being_drawn_is_waited_for(void)
{
	struct peer peer, other;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting_for_drawing(&r);
	other = peer_ask(&r, GET("/state"));
	CU_ASSERT_EQUAL(reply_status(other.text), 200);
	glint_net_offline_drawn(r.net);		/* another one was, for another reason */
	rig_settle(r.loop);
	CU_ASSERT_EQUAL(waiting(&r), 1);
	r.drawing = false;
	glint_net_offline_drawn(r.net);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(waiting(&r), 0);
	CU_ASSERT_EQUAL(count_of(reply_body(peer.text), "o"), 999);
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "X-Glint-Reason"), "no-signal");
	peer_close(&peer);
	peer_close(&other);
	rig_close(&r);
}

static void test_video_that_comes_before_it_is_drawn_is_the_answer(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting_for_drawing(&r);
	rig_go_online(&r);
	glint_net_offline_drawn(r.net);
	CU_ASSERT_EQUAL(waiting(&r), 1);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'a', 7), 1);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 7);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_picture_that_cannot_be_drawn_is_an_error(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting_for_drawing(&r);
	r.offline = glint_picture_unref(r.offline);
	r.drawing = false;
	glint_net_offline_drawn(r.net);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"no-memory\""));
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_drawing_is_not_waited_for_without_end(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting_for_drawing(&r);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"not-drawn\""));
	CU_ASSERT_EQUAL(waiting(&r), 0);
	peer_close(&peer);
	rig_close(&r);
}

static void test_who_goes_while_it_is_drawn_leaves_nothing(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting_for_drawing(&r);
	peer_close(&peer);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	CU_ASSERT_EQUAL(waiting(&r), 0);
	r.drawing = false;
	glint_net_offline_drawn(r.net);
	rig_close(&r);
}

static void test_who_goes_while_waiting_wants_nothing_any_more(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot"));
	peer_close(&peer);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.pictures));
	CU_ASSERT_EQUAL(rig_counters(&r).pictures_sent, 0);
	rig_close(&r);
}

/* Every byte says where it belongs. */
static struct glint_picture *numbered_picture(size_t size)
{
	struct glint_picture *picture = rig_picture(size, 0, 1);
	char *bytes = picture->parts[0].iov_base;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)('0' + i * 31 % 79);
	return picture;
}

static void test_who_has_half_closed_still_gets_the_picture(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, GET("/snapshot"));
	shutdown(peer.fd, SHUT_WR);
	RIG_WAIT(&r, waiting(&r) == 1);
	rig_settle(r.loop);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'a', 3), 1);
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 3);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_large_picture_goes_out_in_full_to_a_slow_reader(void)
{
	struct glint_picture *picture;
	struct peer peer;
	const char *body;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot") GET("/nowhere"));
	picture = numbered_picture(PEER_MAX - 4096);
	CU_ASSERT_EQUAL(glint_fanout_push(&r.pictures, &picture->frame), 1);
	while (!peer.ended) {
		ssize_t got = recv(peer.fd, peer.text + peer.used, 777, 0);

		peer.used += got > 0 ? (size_t)got : 0;
		peer.ended = got == 0;
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r.loop, 0), 0);
	}
	body = reply_body(peer.text);
	CU_ASSERT_EQUAL(memcmp(body, picture->parts[0].iov_base, picture->size), 0);
	CU_ASSERT_PTR_EQUAL(strstr(body, "HTTP/1.1 404"), body + picture->size);
	glint_picture_unref(picture);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_picture_of_another_stream_than_the_live_one_is_no_snapshot(void)
{
	struct glint_picture *old, *new;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	r.status.source.stream = 2;
	rig_go_online(&r);
	peer = peer_connect(&r);
	peer_say(&peer, GET("/snapshot"));
	RIG_WAIT(&r, rig_counters(&r).snapshots_waiting == 1);
	old = rig_picture(100, 'o', 7);
	old->frame.stream = 1;
	new = rig_picture(100, 'n', 1);
	new->frame.stream = 2;
	CU_ASSERT_EQUAL(glint_fanout_push(&r.pictures, &old->frame), 0);
	CU_ASSERT_EQUAL(glint_fanout_push(&r.pictures, &new->frame), 1);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "X-Glint-Sequence: 1\r\n"));
	glint_picture_unref(old);
	glint_picture_unref(new);
	peer_close(&peer);
	rig_close(&r);
}

GLINT_TESTS("snapshot",
	GLINT_TEST(test_the_first_picture_after_the_request_is_the_answer),
	GLINT_TEST(test_a_frame_that_was_complete_before_the_request_is_no_answer),
	GLINT_TEST(test_a_moment_can_be_named_that_the_exposure_must_not_precede),
	GLINT_TEST(test_that_moment_can_be_now),
	GLINT_TEST(test_a_moment_long_ago_asks_for_nothing_more),
	GLINT_TEST(test_a_moment_that_makes_no_sense_is_an_error),
	GLINT_TEST(test_all_who_wait_share_one_picture),
	GLINT_TEST(test_its_head_has_what_both_ustreamers_send_and_more),
	GLINT_TEST(test_without_video_the_answer_comes_at_once_and_says_so),
	GLINT_TEST(test_who_is_strict_gets_an_error_instead),
	GLINT_TEST(test_a_strict_service_gives_an_error_unless_asked_otherwise),
	GLINT_TEST(test_who_waits_is_answered_when_the_video_goes),
	GLINT_TEST(test_a_picture_of_another_stream_than_the_live_one_is_no_snapshot),
	GLINT_TEST(test_just_after_the_start_the_first_frame_is_waited_for),
	GLINT_TEST(test_but_not_for_ever),
	GLINT_TEST(test_a_picture_that_never_comes_is_called_so),
	GLINT_TEST(test_each_has_a_limit_of_its_own),
	GLINT_TEST(test_without_memory_for_a_picture_there_is_an_error),
	GLINT_TEST(test_a_picture_that_is_being_drawn_is_waited_for),
	GLINT_TEST(test_video_that_comes_before_it_is_drawn_is_the_answer),
	GLINT_TEST(test_a_picture_that_cannot_be_drawn_is_an_error),
	GLINT_TEST(test_a_drawing_is_not_waited_for_without_end),
	GLINT_TEST(test_who_goes_while_it_is_drawn_leaves_nothing),
	GLINT_TEST(test_who_goes_while_waiting_wants_nothing_any_more),
	GLINT_TEST(test_who_has_half_closed_still_gets_the_picture),
	GLINT_TEST(test_a_large_picture_goes_out_in_full_to_a_slow_reader),
)
