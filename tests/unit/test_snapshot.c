/* SPDX-License-Identifier: MIT */
/* GET /snapshot; on the loop of glint_test_loop(). */
#include <inttypes.h>

#include "http_rig.h"

static unsigned waiting(const struct rig *r)
{
	return rig_counters(r).snapshots_waiting;
}

/* Request a snapshot, and wait until the server waits for its picture. */
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
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "image/jpeg");
	CU_ASSERT_EQUAL(reply_number(peer.text, "Content-Length"), 5000);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 41);
	CU_ASSERT_EQUAL(count_of(reply_body(peer.text), "a"), 5000);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.pictures));
	CU_ASSERT_EQUAL(waiting(&r), 0);
	peer_close(&peer);
	rig_close(&r);
}

/* A frame that was being encoded when the request came. */
static void test_a_frame_that_was_complete_before_the_request_is_no_answer(void)
{
	struct glint_packet *old;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	old = rig_picture(100, 'o', 1);
	peer = peer_waiting(&r, GET("/snapshot"));
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&r.pictures, old), 0);
	glint_packet_unref(old);
	CU_ASSERT_EQUAL(waiting(&r), 1);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'n', 2), 1);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 2);
	peer_close(&peer);
	rig_close(&r);
}

/* Push a frame that arrives now. Return whether it was the answer. */
static bool push_exposed(struct rig *r, uint32_t seq, uint64_t exposure_ns)
{
	struct glint_packet *picture = rig_picture(100, 'a', seq);
	bool wanted, taken;

	picture->info.exposure_ns = exposure_ns;
	wanted = glint_fanout_wants(&r->pictures, GLINT_CODEC_JPEG, &picture->info);
	taken = glint_fanout_push_packet(&r->pictures, picture) == 1;
	CU_ASSERT_EQUAL(wanted, taken);
	glint_packet_unref(picture);
	return taken;
}

static void test_after_names_the_earliest_begin_of_the_exposure(void)
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

static void test_after_can_be_now(void)
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

static void test_an_after_in_the_past_adds_no_condition(void)
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

static void test_a_malformed_or_distant_after_is_an_error(void)
{
	static const char *const bad[] = {
		GET("/snapshot?after="),
		GET("/snapshot?after=soon"),
		GET("/snapshot?after=nowadays"),
		GET("/snapshot?after=-1"),
		GET("/snapshot?after=18446744073709551615"), /* in 500 years */
	};
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct peer peer = peer_ask(&r, bad[i]);

		CU_ASSERT_EQUAL(reply_status(peer.text), 400);
		CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "application/json");
		CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"reason\": \"bad-after\""));
		peer_close(&peer);
	}
	CU_ASSERT_EQUAL(waiting(&r), 0);
	rig_close(&r);
}

static void test_all_waiting_snapshots_share_one_picture(void)
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

static void test_the_head_has_the_headers_of_both_ustreamers_and_more(void)
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
		const char *value = reply_header(peer.text, times[i]);

		CU_ASSERT_PTR_NOT_NULL_FATAL(value);
		CU_ASSERT_EQUAL(strlen(strchr(value, '.')), 7);
	}
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "true");
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-UStreamer-Dropped"), 0);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-UStreamer-Width"), 64);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-UStreamer-Height"), 48);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Width"), 64);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Height"), 48);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Clock"), "monotonic");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Reason"), "");
	CU_ASSERT_TRUE(reply_number(peer.text, "X-Glint-Timestamp-Ns") > 0);
	CU_ASSERT_TRUE(reply_number(peer.text, "X-Glint-Age-Ns") < RIG_PATIENCE_NS);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Pragma"), "no-cache");
	CU_ASSERT_PTR_NOT_NULL(strstr(reply_header(peer.text, "Cache-Control"), "no-store"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply_header(peer.text, "Expires"), " 2000 "));
	peer_close(&peer);
	rig_close(&r);
}

static void test_without_video_the_offline_picture_is_sent_at_once(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "no-signal");
	peer = peer_ask(&r, GET("/snapshot"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "image/jpeg");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "false");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Reason"), "no-signal");
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "X-Glint-Sequence"));
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "X-Glint-Timestamp-Ns"));
	CU_ASSERT_EQUAL(count_of(reply_body(peer.text), "o"), 999);
	peer_close(&peer);
	rig_close(&r);
}

static void test_strict_gets_an_error_without_video(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "no-signal");
	peer = peer_ask(&r, GET("/snapshot?strict=1"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "application/json");
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "{\"ok\": false, \"error\": {\"reason\": "
						 "\"no-signal\", \"message\": \""));
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "Connection"));
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_strict_service_sends_an_error_unless_strict_is_0(void)
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

static void test_a_waiting_snapshot_is_answered_when_the_video_goes(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot"));
	rig_go_offline(&r, "no-device");
	CU_ASSERT_EQUAL(waiting(&r), 0);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Reason"), "no-device");
	peer_close(&peer);
	rig_close(&r);
}

static void test_while_the_device_opens_a_snapshot_waits_for_the_first_frame(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "opening");
	peer = peer_waiting(&r, GET("/snapshot"));
	glint_server_source_changed(r.server);
	CU_ASSERT_EQUAL(waiting(&r), 1);
	rig_go_online(&r);
	rig_push(&r, 100, 'a', 0);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "true");
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_device_that_has_opened_has_longer_for_its_first_frame(void)
{
	struct peer peer;
	uint64_t end_ns;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "opening");
	peer = peer_waiting(&r, GET("/snapshot"));
	rig_go_online(&r);
	end_ns = glint_now_ns() + 1500 * GLINT_NSEC_PER_MSEC; /* a device that opens has 1 s */
	RIG_WAIT(&r, glint_now_ns() > end_ns);
	CU_ASSERT_EQUAL(waiting(&r), 1);
	rig_push(&r, 100, 'a', 0);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "true");
	peer_close(&peer);
	rig_close(&r);
}

static void test_the_wait_for_the_first_frame_is_bounded(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "opening");
	peer = peer_ask(&r, GET("/snapshot"));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "false");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Reason"), "opening");
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_live_source_without_a_picture_is_no_picture(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_ask(&r, GET("/snapshot"));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "false");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Reason"), "no-picture");
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.pictures));
	peer_close(&peer);
	rig_close(&r);
}

static void test_pixels_that_only_wait_for_the_workers_are_waited_for(void)
{
	struct glint_packet *picture;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_online(&r);
	peer = peer_connect(&r);
	peer_say(&peer, GET("/snapshot?format=ppm"));
	r.still_is_due = true;
	RIG_WAIT(&r, r.asked_due > 0);
	CU_ASSERT_EQUAL_FATAL(waiting(&r), 1);

	picture = rig_picture(100, 'a', 0);
	r.still->packet = picture;
	r.still->n_images = 1;
	r.still->images[0] = (struct glint_still_image){ .count = picture->n_parts, .size = 100 };
	r.still->done(r.still, 0);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "true");
	CU_ASSERT_EQUAL(r.asked, 0);
	peer_close(&peer);
	rig_close(&r);
}

static void test_pixels_without_a_frame_are_not_waited_for(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_online(&r);
	peer = peer_connect(&r);
	peer_say(&peer, GET("/snapshot?format=ppm&strict=1"));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(r.asked_due, 1);
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"no-picture\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "there is live video"));
	peer_close(&peer);
	rig_close(&r);
}

static void test_each_snapshot_has_a_deadline_of_its_own(void)
{
	struct peer early, late;
	struct rig r;

	RIG_OPEN(&r);
	late = peer_connect(&r);
	peer_say(&late, GET("/snapshot"));
	RIG_WAIT(&r, waiting(&r) == 1);
	r.source.online = false; /* not told: the next one just has less patience */
	r.source.reason = "opening";
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

static void test_without_memory_for_the_offline_picture_there_is_an_error(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	r.offline = glint_packet_unref(r.offline);
	rig_go_offline(&r, "no-signal");
	peer = peer_ask(&r, GET("/snapshot"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "application/json");
	peer_close(&peer);
	rig_close(&r);
}

/* Offline, with a client that waits for the offline picture to be drawn. */
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

static void test_a_snapshot_waits_for_the_offline_picture_to_be_drawn(void)
{
	struct peer peer, other;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting_for_drawing(&r);
	other = peer_ask(&r, GET("/state"));
	CU_ASSERT_EQUAL(reply_status(other.text), 200);
	glint_server_offline_drawn(r.server); /* another one was, for another reason */
	rig_settle(r.loop);
	CU_ASSERT_EQUAL(waiting(&r), 1);
	r.drawing = false;
	glint_server_offline_drawn(r.server);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(waiting(&r), 0);
	CU_ASSERT_EQUAL(count_of(reply_body(peer.text), "o"), 999);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Reason"), "no-signal");
	peer_close(&peer);
	peer_close(&other);
	rig_close(&r);
}

static void test_video_that_comes_before_the_offline_picture_is_the_answer(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting_for_drawing(&r);
	rig_go_online(&r);
	glint_server_offline_drawn(r.server);
	CU_ASSERT_EQUAL(waiting(&r), 1);
	CU_ASSERT_EQUAL(rig_push(&r, 100, 'a', 7), 1);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 7);
	peer_close(&peer);
	rig_close(&r);
}

static void test_an_offline_picture_that_cannot_be_drawn_is_an_error(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting_for_drawing(&r);
	r.offline = glint_packet_unref(r.offline);
	r.drawing = false;
	glint_server_offline_drawn(r.server);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"no-memory\""));
	peer_close(&peer);
	rig_close(&r);
}

static void test_the_wait_for_the_offline_picture_is_bounded(void)
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

static void test_a_client_that_goes_while_the_picture_is_drawn_leaks_nothing(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting_for_drawing(&r);
	peer_close(&peer);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	CU_ASSERT_EQUAL(waiting(&r), 0);
	r.drawing = false;
	glint_server_offline_drawn(r.server);
	rig_close(&r);
}

static void test_a_client_that_goes_while_waiting_detaches_its_sink(void)
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

/* The value of each byte follows from its position. */
static struct glint_packet *numbered_picture(size_t size)
{
	struct glint_packet *picture = rig_picture(size, 0, 1);
	char *bytes = picture->parts[0].iov_base;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)('0' + i * 31 % 79);
	return picture;
}

static void test_a_half_closed_client_still_gets_the_picture(void)
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

static void test_a_slow_reader_gets_a_large_picture_in_full(void)
{
	struct glint_packet *picture;
	struct peer peer;
	const char *body;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot") GET("/nowhere"));
	picture = numbered_picture(PEER_MAX - 4096);
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&r.pictures, picture), 1);
	while (!peer.ended) {
		ssize_t got = recv(peer.fd, peer.text + peer.used, 777, 0);

		peer.used += got > 0 ? (size_t)got : 0;
		peer.ended = got == 0;
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r.loop, 0), 0);
	}
	body = reply_body(peer.text);
	CU_ASSERT_EQUAL(memcmp(body, picture->parts[0].iov_base, picture->size), 0);
	CU_ASSERT_PTR_EQUAL(strstr(body, "HTTP/1.1 404"), body + picture->size);
	glint_packet_unref(picture);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_picture_of_a_past_stream_is_no_snapshot(void)
{
	struct glint_packet *old, *new;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	r.source.stream = 2;
	rig_go_online(&r);
	peer = peer_connect(&r);
	peer_say(&peer, GET("/snapshot"));
	RIG_WAIT(&r, rig_counters(&r).snapshots_waiting == 1);
	old = rig_picture(100, 'o', 7);
	old->info.stream = 1;
	new = rig_picture(100, 'n', 1);
	new->info.stream = 2;
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&r.pictures, old), 0);
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&r.pictures, new), 1);
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "X-Glint-Sequence: 1\r\n"));
	glint_packet_unref(old);
	glint_packet_unref(new);
	peer_close(&peer);
	rig_close(&r);
}

/* --- Receipts ---------------------------------------------------------------------------- */

/* Push a frame with these facts. Return whether it was the answer. */
static bool push_info(struct rig *r, const struct glint_frame_info *info)
{
	struct glint_packet *picture = rig_picture(100, 'a', info->seq);
	bool wanted, taken;

	picture->info = *info;
	wanted = glint_fanout_wants(&r->pictures, GLINT_CODEC_JPEG, &picture->info);
	taken = glint_fanout_push_packet(&r->pictures, picture) == 1;
	CU_ASSERT_EQUAL(wanted, taken);
	glint_packet_unref(picture);
	return taken;
}

static struct glint_frame_info frame_now(uint32_t seq)
{
	uint64_t now_ns = glint_now_ns();

	return (struct glint_frame_info){
		.live = true,
		.seq = seq,
		.width = 64,
		.height = 48,
		.capture_ns = now_ns,
		.complete_ns = now_ns,
		.dequeue_ns = now_ns,
		.exposure_ns = now_ns,
		.error_ns = 1000,
	};
}

static void test_a_receipt_says_what_is_proven_about_the_frame(void)
{
	uint64_t realtime_ns = glint_clock_ns(CLOCK_REALTIME), error_ns;
	struct glint_frame_info info;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot"));
	info = frame_now(7);
	info.stream = 0;
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Complete-Ns"), info.complete_ns);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Error-Ns"), 1000);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Stream"), 0);
	CU_ASSERT_TRUE(reply_number(peer.text, "X-Glint-Serial") > 0);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Guarantee"), "complete");
	CU_ASSERT_TRUE(reply_number(peer.text, "X-Glint-Sent-Ns") >= info.complete_ns);
	error_ns = reply_number(peer.text, "X-Glint-Realtime-Error-Ns");
	CU_ASSERT_TRUE(error_ns >= 1000);
	CU_ASSERT_TRUE(reply_number(peer.text, "X-Glint-Realtime-Ns") + error_ns >= realtime_ns);
	CU_ASSERT_TRUE(reply_number(peer.text, "X-Glint-Realtime-Ns") - error_ns <=
		       glint_clock_ns(CLOCK_REALTIME));
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "X-Glint-Since"));
	peer_close(&peer);
	rig_close(&r);
}

static void test_what_is_unknown_is_never_a_number(void)
{
	struct glint_frame_info info;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	glint_ledger_enter(&r.ledger, 7);
	peer = peer_waiting(&r, GET("/snapshot?since=3&receipt=json"));
	info = frame_now(7);
	info.error_ns = UINT64_MAX;
	info.exposure_ns = 0;
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Error-Ns"), "unknown");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Realtime-Error-Ns"), "unknown");
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Since"), 3);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Since-Dropped"), "unknown");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Since-Skipped"), "unknown");
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"since\": 3, \"since_dropped\": null"));
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"exposure_ns\": null"));
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"error_ns\": null"));
	peer_close(&peer);
	rig_close(&r);
}

static void test_since_counts_what_lies_in_between(void)
{
	struct glint_frame_info info;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	r.source.stream = 5;
	rig_go_online(&r);
	glint_ledger_enter(&r.ledger, 3);
	glint_ledger_enter(&r.ledger, 6);
	glint_ledger_enter(&r.ledger, 7);
	peer = peer_waiting(&r, GET("/snapshot?since=3&stream=5"));
	info = frame_now(7);
	info.stream = 5;
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Since-Dropped"), 2);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Since-Corrupt"), 0);
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Since-Skipped"), 1);
	peer_close(&peer);

	/* The same numbers, of a stream that has ended. */
	peer = peer_waiting(&r, GET("/snapshot?since=3&stream=4"));
	info = frame_now(7);
	info.stream = 5;
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Since-Dropped"), "unknown");
	peer_close(&peer);
	rig_close(&r);
}

static void test_the_receipt_can_come_as_json_before_the_picture(void)
{
	const char *body, *json, *picture;
	char boundary[64], wanted[128];
	struct glint_frame_info info;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot?receipt=json"));
	info = frame_now(7);
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL_FATAL(sscanf(reply_header(peer.text, "Content-Type"),
				     "multipart/mixed; boundary=%63s", boundary),
			      1);
	body = reply_body(peer.text);
	snprintf(wanted, sizeof(wanted), "--%s\r\nContent-Type: application/json\r\n", boundary);
	CU_ASSERT_EQUAL(strncmp(body, wanted, strlen(wanted)), 0);
	json = reply_body(body);
	CU_ASSERT_EQUAL(strncmp(json, "{\"ok\": true, \"result\": {\"live\": true", 36), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(json, "\"seq\": 7,"));
	picture = json + reply_number(body, "Content-Length") + 2;
	snprintf(wanted, sizeof(wanted), "--%s\r\nContent-Type: image/jpeg\r\n", boundary);
	CU_ASSERT_EQUAL(strncmp(picture, wanted, strlen(wanted)), 0);
	CU_ASSERT_EQUAL(reply_number(picture, "Content-Length"), 100);
	CU_ASSERT_EQUAL(count_of(reply_body(picture), "aaaaaaaaaa"), 91);
	snprintf(wanted, sizeof(wanted), "\r\n--%s--\r\n", boundary);
	CU_ASSERT_STRING_EQUAL(reply_body(picture) + 100, wanted);
	peer_close(&peer);
	rig_close(&r);
}

static void test_complete_after_a_moment_needs_no_exposure(void)
{
	uint64_t after_ns = glint_now_ns() + GLINT_NSEC_PER_SEC;
	struct glint_frame_info info;
	char request[128];
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	snprintf(request, sizeof(request), GET("/snapshot?guarantee=complete&after=%" PRIu64),
		 after_ns);
	peer = peer_waiting(&r, request);
	info = frame_now(1);
	CU_ASSERT_FALSE(push_info(&r, &info));
	info.seq = 2;
	info.complete_ns = after_ns - 1;
	info.exposure_ns = after_ns;
	CU_ASSERT_FALSE(push_info(&r, &info));
	info.seq = 3;
	info.complete_ns = after_ns;
	info.exposure_ns = 0;
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 3);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Guarantee"), "complete");
	peer_close(&peer);
	rig_close(&r);
}

static void test_exposed_without_a_moment_means_now(void)
{
	struct glint_frame_info info;
	uint64_t before_ns = glint_now_ns();
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_waiting(&r, GET("/snapshot?guarantee=exposed"));
	info = frame_now(1);
	info.exposure_ns = before_ns;
	CU_ASSERT_FALSE(push_info(&r, &info));
	info = frame_now(2);
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-Glint-Guarantee"), "exposed");
	peer_close(&peer);
	rig_close(&r);
}

static void test_after_a_number_waits_for_that_frame_to_be_complete(void)
{
	struct glint_frame_info info;
	struct peer peer;
	uint64_t old_ns;
	struct rig r;

	RIG_OPEN(&r);
	r.source.stream = 1;
	rig_go_online(&r);
	peer = peer_waiting(&r, GET("/snapshot?after=seq:7"));
	old_ns = glint_now_ns();
	info = frame_now(7);
	info.stream = 1;
	glint_ledger_enter(&r.ledger, 7);
	glint_ledger_complete(&r.ledger, info.complete_ns);
	CU_ASSERT_FALSE(push_info(&r, &info));
	info = frame_now(8); /* its exposure began before frame 7 was complete */
	info.stream = 1;
	info.exposure_ns = old_ns;
	CU_ASSERT_FALSE(push_info(&r, &info));
	info = frame_now(9);
	info.stream = 1;
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_number(peer.text, "X-Glint-Sequence"), 9);
	peer_close(&peer);

	peer = peer_waiting(&r, GET("/snapshot?after=seq:9&guarantee=complete"));
	info = frame_now(9);
	info.stream = 1;
	CU_ASSERT_FALSE(push_info(&r, &info));
	info = frame_now(10);
	info.stream = 1;
	info.exposure_ns = 0;
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	peer_close(&peer);

	/* The number is one of a stream that has ended: any frame is later. */
	peer = peer_waiting(&r, GET("/snapshot?after=seq:5000&stream=9"));
	info = frame_now(0);
	info.stream = 1;
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	peer_close(&peer);
	rig_close(&r);
}

static void test_after_last_means_the_completion_of_the_newest_frame(void)
{
	struct glint_frame_info info;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	r.newest = frame_now(4);
	r.newest.complete_ns -= 1000;
	peer = peer_waiting(&r, GET("/snapshot?after=last"));
	info = frame_now(5);
	info.exposure_ns = r.newest.complete_ns - 1;
	CU_ASSERT_FALSE(push_info(&r, &info));
	info = frame_now(6);
	info.exposure_ns = r.newest.complete_ns;
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_timeout_is_an_error_with_and_without_video(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_online(&r);
	peer = peer_ask(&r, GET("/snapshot?timeout=10ms"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 504);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"timeout\""));
	peer_close(&peer);
	peer = peer_ask(&r, GET("/snapshot?timeout=0"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 504);
	peer_close(&peer);

	rig_go_offline(&r, "no-signal");
	peer = peer_ask(&r, GET("/snapshot?timeout=10ms"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"no-signal\""));
	peer_close(&peer);
	peer = peer_ask(&r, GET("/snapshot?timeout=10ms&strict=0"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "X-UStreamer-Online"), "false");
	peer_close(&peer);
	CU_ASSERT_EQUAL(waiting(&r), 0);
	rig_close(&r);
}

static void test_with_a_timeout_a_snapshot_waits_for_a_lost_signal(void)
{
	struct glint_frame_info info;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "no-signal");
	peer = peer_waiting(&r, GET("/snapshot?after=now&timeout=60"));
	rig_go_offline(&r, "no-lock");
	CU_ASSERT_EQUAL(waiting(&r), 1);
	rig_go_online(&r);
	info = frame_now(1);
	CU_ASSERT_TRUE(push_info(&r, &info));
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	peer_close(&peer);
	rig_close(&r);
}

static void test_exact_requests_get_errors_where_plain_ones_get_a_picture(void)
{
	static const char *const exact[] = {
		GET("/snapshot?after=now"),	  GET("/snapshot?guarantee=complete"),
		GET("/snapshot?since=1"),	  GET("/snapshot?receipt=json"),
		GET("/snapshot?receipt=headers"), GET("/snapshot?stream=1"),
	};
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "no-signal");
	for (unsigned i = 0; i < ARRAY_SIZE(exact); i++) {
		peer = peer_ask(&r, exact[i]);
		CU_ASSERT_EQUAL(reply_status(peer.text), 503);
		peer_close(&peer);
	}
	peer = peer_ask(&r, GET("/snapshot?cachebuster=7&after=now&strict=0&receipt=json"));
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "{\"live\": false, \"reason\": \"no-signal\", "
						 "\"seq\": null"));
	peer_close(&peer);
	rig_close(&r);
}

static void test_each_wrong_value_gets_400_with_its_name(void)
{
	static const struct {
		const char *request, *reason;
	} rows[] = {
		{ GET("/snapshot?guarantee=maybe"), "\"bad-guarantee\"" },
		{ GET("/snapshot?timeout=61"), "\"bad-timeout\"" },
		{ GET("/snapshot?timeout=-1"), "\"bad-timeout\"" },
		{ GET("/snapshot?since=4294967296"), "\"bad-since\"" },
		{ GET("/snapshot?stream=0"), "\"bad-stream\"" },
		{ GET("/snapshot?receipt=xml"), "\"bad-receipt\"" },
		{ GET("/snapshot?after=seq:x"), "\"bad-after\"" },
		{ GET("/snapshot?after=now&after=now"), "\"bad-after\"" },
	};
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct peer peer = peer_ask(&r, rows[i].request);

		CU_ASSERT_EQUAL(reply_status(peer.text), 400);
		CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, rows[i].reason));
		CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"allowed\": \""));
		peer_close(&peer);
	}
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("snapshot",
	GLINT_TEST(test_the_first_picture_after_the_request_is_the_answer),
	GLINT_TEST(test_a_frame_that_was_complete_before_the_request_is_no_answer),
	GLINT_TEST(test_after_names_the_earliest_begin_of_the_exposure),
	GLINT_TEST(test_after_can_be_now),
	GLINT_TEST(test_an_after_in_the_past_adds_no_condition),
	GLINT_TEST(test_a_malformed_or_distant_after_is_an_error),
	GLINT_TEST(test_all_waiting_snapshots_share_one_picture),
	GLINT_TEST(test_the_head_has_the_headers_of_both_ustreamers_and_more),
	GLINT_TEST(test_without_video_the_offline_picture_is_sent_at_once),
	GLINT_TEST(test_strict_gets_an_error_without_video),
	GLINT_TEST(test_a_strict_service_sends_an_error_unless_strict_is_0),
	GLINT_TEST(test_a_waiting_snapshot_is_answered_when_the_video_goes),
	GLINT_TEST(test_a_picture_of_a_past_stream_is_no_snapshot),
	GLINT_TEST(test_while_the_device_opens_a_snapshot_waits_for_the_first_frame),
	GLINT_TEST(test_a_device_that_has_opened_has_longer_for_its_first_frame),
	GLINT_TEST(test_the_wait_for_the_first_frame_is_bounded),
	GLINT_TEST(test_a_live_source_without_a_picture_is_no_picture),
	GLINT_TEST(test_pixels_that_only_wait_for_the_workers_are_waited_for),
	GLINT_TEST(test_pixels_without_a_frame_are_not_waited_for),
	GLINT_TEST(test_each_snapshot_has_a_deadline_of_its_own),
	GLINT_TEST(test_without_memory_for_the_offline_picture_there_is_an_error),
	GLINT_TEST(test_a_snapshot_waits_for_the_offline_picture_to_be_drawn),
	GLINT_TEST(test_video_that_comes_before_the_offline_picture_is_the_answer),
	GLINT_TEST(test_an_offline_picture_that_cannot_be_drawn_is_an_error),
	GLINT_TEST(test_the_wait_for_the_offline_picture_is_bounded),
	GLINT_TEST(test_a_client_that_goes_while_the_picture_is_drawn_leaks_nothing),
	GLINT_TEST(test_a_client_that_goes_while_waiting_detaches_its_sink),
	GLINT_TEST(test_a_half_closed_client_still_gets_the_picture),
	GLINT_TEST(test_a_slow_reader_gets_a_large_picture_in_full),
	GLINT_TEST(test_a_receipt_says_what_is_proven_about_the_frame),
	GLINT_TEST(test_what_is_unknown_is_never_a_number),
	GLINT_TEST(test_since_counts_what_lies_in_between),
	GLINT_TEST(test_the_receipt_can_come_as_json_before_the_picture),
	GLINT_TEST(test_complete_after_a_moment_needs_no_exposure),
	GLINT_TEST(test_exposed_without_a_moment_means_now),
	GLINT_TEST(test_after_a_number_waits_for_that_frame_to_be_complete),
	GLINT_TEST(test_after_last_means_the_completion_of_the_newest_frame),
	GLINT_TEST(test_a_timeout_is_an_error_with_and_without_video),
	GLINT_TEST(test_with_a_timeout_a_snapshot_waits_for_a_lost_signal),
	GLINT_TEST(test_exact_requests_get_errors_where_plain_ones_get_a_picture),
	GLINT_TEST(test_each_wrong_value_gets_400_with_its_name),
)
