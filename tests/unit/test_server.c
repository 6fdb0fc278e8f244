/* SPDX-License-Identifier: MIT */
/* Limits of connections: number, time and memory; on the loop of glint_test_loop(). */
#include <malloc.h>
#include <sys/resource.h>

#include "http_rig.h"

static void test_a_connection_beyond_the_maximum_gets_503(void)
{
	struct peer peers[2], third;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = 2;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peers[0] = peer_ask(&r, GET("/state"));
	peers[1] = peer_ask(&r, GET("/state"));
	third = peer_connect(&r);
	PEER_WAIT(&r, &third, third.ended); /* without a request */
	CU_ASSERT_EQUAL(reply_status(third.text), 503);
	CU_ASSERT_EQUAL(rig_counters(&r).refused, 1);
	CU_ASSERT_EQUAL(rig_counters(&r).accepted, 2);
	CU_ASSERT_EQUAL(rig_counters(&r).clients, 2);
	peer_close(&third);

	peer_close(&peers[0]);
	RIG_WAIT(&r, rig_counters(&r).clients == 1);
	third = peer_ask(&r, GET("/state"));
	CU_ASSERT_EQUAL(reply_status(third.text), 200);
	peer_close(&third);
	peer_close(&peers[1]);
	rig_close(&r);
}

static void test_refusals_are_bounded_too(void)
{
	struct peer peers[100], holder;
	unsigned told = 0, cut = 0, before;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = 1;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	holder = peer_ask(&r, GET("/state"));
	before = glint_test_open_fds();
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peers[i] = peer_connect(&r);
	RIG_WAIT(&r, rig_counters(&r).refused == ARRAY_SIZE(peers));
	CU_ASSERT_TRUE(glint_test_open_fds() <= before + ARRAY_SIZE(peers) + 16);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++) {
		PEER_WAIT(&r, &peers[i], peers[i].ended);
		told += reply_status(peers[i].text) == 503;
		cut += peers[i].used == 0;
		peer_close(&peers[i]);
	}
	CU_ASSERT_EQUAL(told, 16);
	CU_ASSERT_EQUAL(cut, 84);
	peer_close(&holder);
	rig_close(&r);
}

static void test_ten_thousand_connections_leak_nothing(void)
{
	static const char *const requests[] = {
		GET("/state"),	"GET /nowhere HTTP/1.1\r\n\r\n",
		"GET / HT",	"",
		GET("/stream"), GET("/snapshot"),
		"\xff\xff\xff",
	};
	size_t memory = 0;
	unsigned fds = 0;
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < 10000; i++) {
		int fd = peer_socket(r.path);

		CU_ASSERT_TRUE_FATAL(fd >= 0);
		(void)!write(fd, requests[i % ARRAY_SIZE(requests)],
			     strlen(requests[i % ARRAY_SIZE(requests)]));
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r.loop, 0), 0);
		close(fd);
		if (i % 10 == 9)
			RIG_WAIT(&r, rig_counters(&r).clients == 0);
		if (i == 999) {
			fds = glint_test_open_fds();
			memory = mallinfo2().uordblks;
		}
	}
	CU_ASSERT_EQUAL(rig_counters(&r).accepted, 10000);
	CU_ASSERT_EQUAL(glint_test_open_fds(), fds);
	/* Less than 8 bytes for each connection; the allocator's caches are no leaks. */
	CU_ASSERT_TRUE(mallinfo2().uordblks < memory + 65536);
	rig_close(&r);
}

static void test_an_idle_connection_is_closed_and_not_counted_as_timed_out(void)
{
	struct peer silent, served;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.timeout_ns = 20 * GLINT_NSEC_PER_MSEC;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	served = peer_ask(&r, GET("/state"));
	silent = peer_connect(&r);
	PEER_WAIT(&r, &silent, silent.ended);
	PEER_WAIT(&r, &served, served.ended);
	CU_ASSERT_EQUAL(silent.used, 0);
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 0);
	peer_close(&silent);
	peer_close(&served);
	rig_close(&r);
}

static void test_single_bytes_do_not_extend_the_time_for_a_request(void)
{
	uint64_t next_ns = 0;
	struct peer peer;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.timeout_ns = 50 * GLINT_NSEC_PER_MSEC;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peer = peer_connect(&r);
	peer_say(&peer, "GET /");
	/* If each byte extended the time, this would end with a 414 some seconds later. */
	while (!peer.ended) {
		if (glint_now_ns() >= next_ns) {
			(void)send(peer.fd, "a", 1, MSG_NOSIGNAL);
			next_ns = glint_now_ns() + GLINT_NSEC_PER_MSEC;
		}
		peer_turn(&r, &peer);
	}
	CU_ASSERT_EQUAL(peer.used, 0);
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 1);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_peer_that_does_not_close_after_the_last_reply_is_closed(void)
{
	struct peer peer;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.timeout_ns = 50 * GLINT_NSEC_PER_MSEC;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peer = peer_ask(&r, GET("/nowhere"));
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 0);
	peer_close(&peer);
	rig_close(&r);
}

static void test_without_descriptors_connected_clients_are_served_and_others_wait(void)
{
	struct rlimit before, tight;
	struct peer first, second;
	struct rig r;

	RIG_OPEN(&r);
	first = peer_ask(&r, GET("/state"));
	second = peer_connect(&r);
	rig_settle(r.loop); /* the server has the second as well; now none is left */
	peer_close(&second);
	RIG_WAIT(&r, rig_counters(&r).clients == 1);

	second = peer_connect(&r);
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = before;
	tight.rlim_cur = 0;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &tight), 0);
	peer_say(&second, GET("/state"));
	first.used = 0;
	peer_say(&first, GET("/state"));
	PEER_WAIT(&r, &first, reply_complete(&first));
	CU_ASSERT_EQUAL(rig_counters(&r).clients, 1);

	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
	PEER_WAIT(&r, &second, reply_complete(&second));
	CU_ASSERT_EQUAL(reply_status(second.text), 200);
	peer_close(&first);
	peer_close(&second);
	rig_close(&r);
}

static void test_the_server_can_be_destroyed_at_any_time(void)
{
	struct peer peers[6];
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peers[i] = peer_connect(&r);
	peer_say(&peers[1], "GET /sta");
	peer_say(&peers[2], GET("/snapshot"));
	peer_say(&peers[3], GET("/stream"));
	peer_say(&peers[4], GET("/stream"));
	peer_say(&peers[5], GET("/nowhere"));
	RIG_WAIT(&r, rig_counters(&r).streams == 2 && rig_counters(&r).snapshots_waiting == 1);
	for (unsigned i = 0; i < 4; i++) /* one of them takes nothing */
		rig_push(&r, 500000, 'a', i);
	for (unsigned i = 0; i < 5; i++)
		peer_turn(&r, &peers[4]);
	glint_server_destroy(r.server);
	r.server = NULL;
	CU_ASSERT_EQUAL(rig_pictures_alive, 1);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.pictures));
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++) {
		for (char some[4096]; recv(peers[i].fd, some, sizeof(some), 0) > 0;)
			;
		CU_ASSERT_NOT_EQUAL(send(peers[i].fd, "x", 1, MSG_NOSIGNAL), 1);
		peer_close(&peers[i]);
	}
	rig_close(&r);
}

static void test_changes_of_the_source_before_start_and_after_the_end_are_ignored(void)
{
	struct glint_server *server;
	struct rig r;

	RIG_PREPARE(&r);
	CU_ASSERT_EQUAL_FATAL(glint_server_create(&server, r.loop, &r.config), 0);
	glint_server_source_changed(server); /* nor before it was started */
	glint_server_destroy(server);
	glint_server_destroy(NULL);
	rig_close(&r);
}

static void test_settings_that_do_not_fit_in_a_head_are_refused(void)
{
	static char text[300];
	struct rig r;

	RIG_PREPARE(&r);
	memset(text, 'x', sizeof(text) - 1);
	r.config.instance_id = text;
	CU_ASSERT_EQUAL(rig_create(&r), -EINVAL);
	r.config.instance_id = "";
	r.config.allow_origin = text;
	CU_ASSERT_EQUAL(rig_create(&r), -EINVAL);
	rig_close(&r);
}

/* The longest values that a client and the options can put into one head. */
static void test_the_longest_head_fits(void)
{
	static char long_text[256], request[4096];
	struct peer peer;
	struct rig r;

	RIG_PREPARE(&r);
	memset(long_text, 'x', sizeof(long_text) - 1);
	r.config.instance_id = r.config.allow_origin = long_text;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(request, sizeof(request),
			 "GET /%s?advance_headers=1&key=%0500d HTTP/1.1\r\n"
			 "Access-Control-Request-Headers: %0512d\r\n"
			 "Access-Control-Request-Method: %0512d\r\n\r\n",
			 i == 0 ? "stream" : "snapshot", 1, 1, 1);
		peer = peer_connect(&r);
		peer_say(&peer, request);
		RIG_WAIT(&r, glint_fanout_wanted(&r.pictures));
		rig_push(&r, 100, 'a', 4294967295u);
		PEER_WAIT(&r, &peer, reply_complete(&peer));
		CU_ASSERT_EQUAL(reply_status(peer.text), 200);
		peer_close(&peer);
		RIG_WAIT(&r, rig_counters(&r).clients == 0);
	}
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("server",
	GLINT_TEST(test_a_connection_beyond_the_maximum_gets_503),
	GLINT_TEST(test_refusals_are_bounded_too),
	GLINT_TEST(test_ten_thousand_connections_leak_nothing),
	GLINT_TEST(test_an_idle_connection_is_closed_and_not_counted_as_timed_out),
	GLINT_TEST(test_single_bytes_do_not_extend_the_time_for_a_request),
	GLINT_TEST(test_a_peer_that_does_not_close_after_the_last_reply_is_closed),
	GLINT_TEST(test_without_descriptors_connected_clients_are_served_and_others_wait),
	GLINT_TEST(test_the_server_can_be_destroyed_at_any_time),
	GLINT_TEST(test_changes_of_the_source_before_start_and_after_the_end_are_ignored),
	GLINT_TEST(test_settings_that_do_not_fit_in_a_head_are_refused),
	GLINT_TEST(test_the_longest_head_fits),
)
