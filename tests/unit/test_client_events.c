/* SPDX-License-Identifier: MIT */
/* libglint's events: lines in reads of any size, silence, ends, and hostile servers. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <glint/client.h>

#include "../fake/server.h"

#define HEAD  "HTTP/1.0 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
#define FIRST "{\"id\": \"a-1\"}"
#define OTHER "{\"id\": \"a-2\"}"

struct follower {
	struct fake_server server;
	struct glint_client *client;
	struct glint_event_stream *events;
	const char *json;
	size_t len;
};

static int follower_open(struct follower *f, const char *last_id)
{
	fake_server_start(&f->server);
	CU_ASSERT_EQUAL_FATAL(glint_client_create(&f->client, f->server.address), 0);
	return glint_client_events_open(f->client, last_id, &f->events);
}

static int follower_next(struct follower *f, int wait_ms)
{
	return glint_client_events_next(f->events, wait_ms, &f->json, &f->len);
}

static void follower_close(struct follower *f)
{
	glint_client_events_close(f->events);
	glint_client_destroy(f->client);
	fake_server_finish(&f->server);
}

static void test_each_line_is_an_event_and_empty_lines_are_none(void)
{
	for (unsigned bytewise = 0; bytewise < 2; bytewise++) {
		struct follower f = {
			.server.reply = HEAD "\n" FIRST "\n\n\n" OTHER "\r\n",
			.server.bytewise = bytewise,
		};

		CU_ASSERT_EQUAL_FATAL(follower_open(&f, NULL), 0);
		CU_ASSERT_EQUAL_FATAL(follower_next(&f, -1), 1);
		CU_ASSERT_STRING_EQUAL(f.json, FIRST);
		CU_ASSERT_EQUAL(f.len, strlen(FIRST));
		CU_ASSERT_EQUAL_FATAL(follower_next(&f, -1), 1);
		CU_ASSERT_STRING_EQUAL(f.json, OTHER);
		CU_ASSERT_EQUAL(follower_next(&f, -1), 0);
		CU_ASSERT_PTR_NULL(f.json);
		CU_ASSERT_EQUAL(follower_next(&f, -1), 0); /* and again */
		follower_close(&f);
		CU_ASSERT_NSTRING_EQUAL(f.server.request, "GET /events?json=1 HTTP/1.1\r\n", 29);
	}
}

static void test_the_last_id_is_sent(void)
{
	struct follower f = { .server.reply = HEAD };

	CU_ASSERT_EQUAL_FATAL(follower_open(&f, "0a1b2c3d-17"), 0);
	follower_close(&f);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.server.request, "last_id=0a1b2c3d-17 HTTP"));
}

static void test_a_last_id_that_could_be_more_than_an_id_is_refused(void)
{
	static const char *const ids[] = {
		"",
		"1 HTTP/1.1\r\nX: ",
		"1&json=0",
		"%31",
		"1111111111111111111111111111111111111111111111111111111111111111",
	};
	struct glint_event_stream *events;
	struct glint_client *client;

	CU_ASSERT_EQUAL_FATAL(glint_client_create(&client, "/nowhere/glint.sock"), 0);
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		CU_ASSERT_EQUAL(glint_client_events_open(client, ids[i], &events), -EINVAL);
		CU_ASSERT_PTR_NULL(events);
	}
	glint_client_destroy(client);
}

static void test_without_an_event_in_time_the_stream_goes_on(void)
{
	struct follower f = { .server.reply = HEAD FIRST "\n{\"half", .server.hold = true };

	CU_ASSERT_EQUAL_FATAL(follower_open(&f, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(follower_next(&f, -1), 1);
	CU_ASSERT_EQUAL(follower_next(&f, 5), -EAGAIN);
	CU_ASSERT_PTR_NULL(f.json);
	CU_ASSERT_EQUAL(follower_next(&f, 0), -EAGAIN);
	follower_close(&f);
}

static void test_an_end_within_an_event_is_an_error(void)
{
	struct follower f = { .server.reply = HEAD FIRST "\n{\"half" };

	CU_ASSERT_EQUAL_FATAL(follower_open(&f, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(follower_next(&f, -1), 1);
	CU_ASSERT_EQUAL(follower_next(&f, -1), -ECONNRESET);
	CU_ASSERT_EQUAL(follower_next(&f, -1), -ECONNRESET);
	follower_close(&f);
}

static void test_an_event_without_end_is_an_error(void)
{
	struct follower f = { .server.reply = HEAD "x", .server.endless = true };

	CU_ASSERT_EQUAL_FATAL(follower_open(&f, NULL), 0);
	CU_ASSERT_EQUAL(follower_next(&f, -1), -EMSGSIZE);
	follower_close(&f);
}

static void test_other_answers_are_errors(void)
{
	static const struct {
		const char *reply;
		int err;
	} cases[] = {
		{ "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nx", -EPROTO },
		{ "HTTP/1.0 503 x\r\n\r\n", -EBUSY },
		{ "HTTP/1.0 404 x\r\n\r\n", -EREMOTEIO },
		{ "SSH-2.0-x\r\n\r\n", -EPROTO },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct follower f = { .server.reply = cases[i].reply };

		CU_ASSERT_EQUAL(follower_open(&f, NULL), cases[i].err);
		CU_ASSERT_PTR_NULL(f.events);
		follower_close(&f);
	}
}

/* clang-format off */
GLINT_TESTS("client_events",
	GLINT_TEST(test_each_line_is_an_event_and_empty_lines_are_none),
	GLINT_TEST(test_the_last_id_is_sent),
	GLINT_TEST(test_a_last_id_that_could_be_more_than_an_id_is_refused),
	GLINT_TEST(test_without_an_event_in_time_the_stream_goes_on),
	GLINT_TEST(test_an_end_within_an_event_is_an_error),
	GLINT_TEST(test_an_event_without_end_is_an_error),
	GLINT_TEST(test_other_answers_are_errors),
)
