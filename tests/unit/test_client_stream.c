/* SPDX-License-Identifier: MIT */
/* libglint's stream: parts in reads of any size, gaps, ends, and hostile servers. */
#include "harness.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <glint/client.h>

#include "../fake/server.h"

#define QUICK_MS   20 /* for a server that sends nothing; doubled until a stream opens */
#define PATIENT_MS 20000

#define BARE_HEAD "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=cut\r\n\r\n"
#define HEAD	  BARE_HEAD "--cut\r\n"
#define PART(sequence, length, text)                                                               \
	"Content-Type: image/jpeg\r\nContent-Length: " length "\r\nX-Timestamp: 1.5\r\n"           \
	"X-Glint-Sequence: " sequence "\r\n\r\n" text "\r\n--cut\r\n"
#define OFFLINE_PART                                                                               \
	"Content-Type: image/jpeg\r\nX-UStreamer-Online: false\r\n"                                \
	"X-Glint-Reason: no-device\r\nContent-Length: 1\r\n\r\nb\r\n--cut\r\n"
#define LAST_PART "Content-Type: image/jpeg\r\nContent-Length: 1\r\n\r\nx\r\n--cut--\r\n"
#define TOO_LONG  "12345678901234567890123456789012345678901234567890123456789012345678901"

struct reader {
	struct fake_server server;
	struct glint_client *client;
	struct glint_stream *stream;
	struct glint_image image;
};

static int reader_open(struct reader *r, int timeout_ms)
{
	fake_server_start(&r->server);
	CU_ASSERT_EQUAL_FATAL(glint_client_create(&r->client, r->server.address), 0);
	glint_client_set_timeout(r->client, timeout_ms);
	return glint_client_stream_open(r->client, &r->stream);
}

/*
 * The timeout is the shortest in which this host can open the stream, so that a busy host makes the
 * test slower and does not change its result.
 */
static void reader_open_quick(struct reader *r)
{
	int timeout_ms = QUICK_MS, err;

	while ((err = reader_open(r, timeout_ms)) == -ETIMEDOUT) {
		glint_client_destroy(r->client);
		fake_server_finish(&r->server);
		timeout_ms *= 2;
	}
	CU_ASSERT_EQUAL_FATAL(err, 0);
}

static int reader_next(struct reader *r)
{
	return glint_client_stream_next(r->stream, &r->image);
}

static void reader_close(struct reader *r)
{
	glint_image_fini(&r->image);
	glint_client_stream_close(r->stream);
	glint_client_destroy(r->client);
	fake_server_finish(&r->server);
}

static void expect_picture(struct reader *r, uint64_t sequence, const char *text)
{
	CU_ASSERT_EQUAL_FATAL(reader_next(r), 1);
	CU_ASSERT_EQUAL(r->image.sequence, sequence);
	CU_ASSERT_EQUAL_FATAL(r->image.size, strlen(text));
	CU_ASSERT_EQUAL(memcmp(r->image.data, text, r->image.size), 0);
}

static void expect_three_pictures_and_the_end(bool bytewise)
{
	struct reader r = {
		.server.reply = HEAD PART("7", "5", "seven") PART("8", "9", "--cut\r\n--")
			PART("10", "3", "ten"),
		.server.bytewise = bytewise,
	};

	CU_ASSERT_EQUAL_FATAL(reader_open(&r, PATIENT_MS), 0);
	expect_picture(&r, 7, "seven");
	expect_picture(&r, 8, "--cut\r\n--"); /* a picture may contain a boundary */
	expect_picture(&r, 10, "ten");
	CU_ASSERT_EQUAL(reader_next(&r), 0);
	CU_ASSERT_EQUAL(reader_next(&r), 0);
	reader_close(&r);
	CU_ASSERT_PTR_EQUAL(strstr(r.server.request, "GET /stream?extra_headers=1 HTTP/1.1\r\n"),
			    r.server.request);
}

static void test_pictures_come_one_after_another_until_the_end(void)
{
	expect_three_pictures_and_the_end(false);
}

static void test_reads_of_any_size_decode_to_the_same_data(void)
{
	expect_three_pictures_and_the_end(true);
}

#define CHUNKED_HEAD                                                                               \
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"                                        \
	"Content-Type: multipart/x-mixed-replace;boundary=cut\r\n\r\n"

/* A reply with @body in chunks of @size bytes, without regard to its lines. */
static void put_in_chunks(char *reply, const char *body, size_t size)
{
	char *end = stpcpy(reply, CHUNKED_HEAD);

	for (size_t left = strlen(body); left > 0;) {
		size_t len = left < size ? left : size;

		end += sprintf(end, "%zX\r\n%.*s\r\n", len, (int)len, body);
		body += len;
		left -= len;
	}
	strcpy(end, "0\r\n\r\n");
}

static void expect_pictures_in_chunks(size_t size, bool bytewise)
{
	char reply[4096];
	struct reader r = {
		.server.reply = reply,
		.server.bytewise = bytewise,
		.server.hold = true,
	};

	/* A picture may look like a chunk. */
	put_in_chunks(reply, "--cut\r\n" PART("7", "5", "seven") PART("8", "5", "0\r\n\r\n"), size);
	CU_ASSERT_EQUAL_FATAL(reader_open(&r, PATIENT_MS), 0);
	expect_picture(&r, 7, "seven");
	expect_picture(&r, 8, "0\r\n\r\n");
	CU_ASSERT_EQUAL(reader_next(&r), 0);
	reader_close(&r);
}

static void test_pictures_may_come_in_chunks_of_any_size(void)
{
	for (size_t size = 1; size < 64; size++)
		expect_pictures_in_chunks(size, false);
	expect_pictures_in_chunks(1, true);
	expect_pictures_in_chunks(1000, true);
}

static void test_each_part_describes_its_own_picture_only(void)
{
	struct reader r = {
		.server.reply = HEAD PART("7", "1", "a") OFFLINE_PART PART("9", "1", "c"),
	};

	CU_ASSERT_EQUAL_FATAL(reader_open(&r, PATIENT_MS), 0);
	expect_picture(&r, 7, "a");
	expect_picture(&r, 0, "b");
	CU_ASSERT_EQUAL(r.image.known, GLINT_IMAGE_ONLINE);
	CU_ASSERT_FALSE(r.image.online);
	CU_ASSERT_STRING_EQUAL(r.image.reason, "no-device");
	expect_picture(&r, 9, "c");
	CU_ASSERT(r.image.online);
	CU_ASSERT_STRING_EQUAL(r.image.reason, "");
	reader_close(&r);
}

static void test_a_picture_is_given_before_what_follows_it(void)
{
	struct reader r = {
		.server.reply = "HTTP/1.0 200 OK\r\n"
				"Content-Type: multipart/x-mixed-replace; boundary=\"a b\"\r\n\r\n"
				"--a b\r\nContent-Type: image/jpeg\r\nContent-Length: 3\r\n\r\nabc",
		.server.hold = true,
	};

	CU_ASSERT_EQUAL_FATAL(reader_open(&r, PATIENT_MS), 0);
	expect_picture(&r, 0, "abc");
	reader_close(&r);
}

static void test_memory_is_kept_from_picture_to_picture(void)
{
	struct reader r = { .server.reply = HEAD PART("1", "5", "first") PART("2", "6", "second") };
	const unsigned char *data;

	CU_ASSERT_EQUAL_FATAL(reader_open(&r, PATIENT_MS), 0);
	expect_picture(&r, 1, "first");
	data = r.image.data;
	expect_picture(&r, 2, "second");
	CU_ASSERT_PTR_EQUAL(r.image.data, data);
	reader_close(&r);
}

static void test_parts_without_a_picture_are_passed_over(void)
{
	struct reader r = { .server.reply = HEAD PART("1", "0", "") PART("2", "1", "x") };

	CU_ASSERT_EQUAL_FATAL(reader_open(&r, PATIENT_MS), 0);
	expect_picture(&r, 2, "x");
	reader_close(&r);
}

static void test_a_closing_boundary_ends_the_stream(void)
{
	struct reader r = { .server.reply = HEAD LAST_PART, .server.hold = true };

	CU_ASSERT_EQUAL_FATAL(reader_open(&r, PATIENT_MS), 0);
	expect_picture(&r, 0, "x");
	CU_ASSERT_EQUAL(reader_next(&r), 0);
	reader_close(&r);
}

static void test_silence_meets_the_deadline_and_ends_the_stream(void)
{
	struct reader r = { .server.reply = HEAD, .server.hold = true };

	reader_open_quick(&r);
	CU_ASSERT_EQUAL(reader_next(&r), -ETIMEDOUT);
	CU_ASSERT_EQUAL(reader_next(&r), -ETIMEDOUT);
	CU_ASSERT_EQUAL(r.image.size, 0);
	CU_ASSERT_EQUAL(r.image.sequence, 0);
	reader_close(&r);
}

static void test_noise_without_end_meets_the_deadline(void)
{
	struct reader r = { .server.reply = BARE_HEAD "\n", .server.endless = true };

	reader_open_quick(&r);
	CU_ASSERT_EQUAL(reader_next(&r), -ETIMEDOUT);
	reader_close(&r);
}

static void *shut_down(void *arg)
{
	shutdown(glint_client_stream_fd(arg), SHUT_RDWR);
	return NULL;
}

static void test_shutdown_ends_a_wait(void)
{
	struct reader r = { .server.reply = HEAD, .server.hold = true };
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(reader_open(&r, PATIENT_MS), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, shut_down, r.stream), 0);
	CU_ASSERT_EQUAL(reader_next(&r), 0);
	pthread_join(thread, NULL);
	reader_close(&r);
}

static void test_a_reply_that_is_no_stream_is_refused(void)
{
	static const char *const replies[] = {
		"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\n--cut\r\n",
		"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=\"\"\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=" TOO_LONG
		"\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct reader r = { .server.reply = replies[i] };

		CU_ASSERT_EQUAL(reader_open(&r, PATIENT_MS), -EPROTO);
		CU_ASSERT_PTR_NULL(r.stream);
		reader_close(&r);
	}
}

static const struct {
	const char *what;
	const char *reply;
	int err;
} bad_parts[] = {
	{ "words in place of a boundary", "words\r\n", -EPROTO },
	{ "another boundary", "--cup\r\n", -EPROTO },
	{ "a longer boundary", "--cutter\r\n", -EPROTO },
	{ "no length", "--cut\r\nContent-Type: image/jpeg\r\n\r\nx\r\n--cut\r\n", -EPROTO },
	{ "no type", "--cut\r\nContent-Length: 1\r\n\r\nx\r\n--cut\r\n", -EPROTO },
	{ "another type", "--cut\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx",
	  -EPROTO },
	{ "a huge length", "--cut\r\nContent-Type: image/jpeg\r\nContent-Length: 67108865\r\n\r\nx",
	  -EMSGSIZE },
	{ "more than it announced",
	  "--cut\r\nContent-Type: image/jpeg\r\nContent-Length: 1\r\n\r\nxyz\r\n--cut\r\n",
	  -EPROTO },
	{ "half a head", "--cut\r\nContent-Type: image/jpeg\r\n", -ECONNRESET },
	{ "half a picture", "--cut\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\nx",
	  -ECONNRESET },
	{ "half a boundary", "--cu", -ECONNRESET },
};

static void test_a_part_that_makes_no_sense_ends_the_stream(void)
{
	for (size_t i = 0; i < sizeof(bad_parts) / sizeof(bad_parts[0]); i++) {
		struct reader r = { 0 };
		char reply[512];
		int result;

		snprintf(reply, sizeof(reply), "%s%s", BARE_HEAD, bad_parts[i].reply);
		r.server.reply = reply;
		CU_ASSERT_EQUAL_FATAL(reader_open(&r, PATIENT_MS), 0);
		do
			result = reader_next(&r);
		while (result == 1);
		CU_ASSERT_EQUAL(result, bad_parts[i].err);
		if (result != bad_parts[i].err)
			printf("#   %s: %d\n", bad_parts[i].what, result);
		CU_ASSERT_EQUAL(reader_next(&r), result);
		reader_close(&r);
	}
}

/* With any damage, each picture is within its bounds and the stream ends. */
static void test_damaged_streams_do_no_harm(void)
{
	static const char good[] = HEAD PART("7", "5", "seven") PART("8", "5", "eight")
		PART("9", "4", "nine");
	unsigned seed = (unsigned)time(NULL), opened = 0;
	char reply[sizeof(good)];

	printf("# seed %u\n", seed);
	for (unsigned round = 0; round < 400; round++) {
		struct reader r = { .server.reply = reply, .server.len = sizeof(good) - 1 };
		int result;

		memcpy(reply, good, sizeof(good));
		for (int n = rand_r(&seed) % 4; n >= 0; n--)
			reply[(size_t)rand_r(&seed) % r.server.len] = (char)rand_r(&seed);
		result = reader_open(&r, PATIENT_MS);
		opened += result == 0;
		if (result == 0) {
			while ((result = reader_next(&r)) == 1)
				CU_ASSERT(r.image.size > 0 && r.image.size < sizeof(good));
			CU_ASSERT(result <= 0 && result != -ETIMEDOUT);
		}
		reader_close(&r);
	}
	CU_ASSERT(opened > 100);
}

/* clang-format off */
GLINT_TESTS("client_stream",
	GLINT_TEST(test_pictures_come_one_after_another_until_the_end),
	GLINT_TEST(test_reads_of_any_size_decode_to_the_same_data),
	GLINT_TEST(test_pictures_may_come_in_chunks_of_any_size),
	GLINT_TEST(test_each_part_describes_its_own_picture_only),
	GLINT_TEST(test_a_picture_is_given_before_what_follows_it),
	GLINT_TEST(test_memory_is_kept_from_picture_to_picture),
	GLINT_TEST(test_parts_without_a_picture_are_passed_over),
	GLINT_TEST(test_a_closing_boundary_ends_the_stream),
	GLINT_TEST(test_silence_meets_the_deadline_and_ends_the_stream),
	GLINT_TEST(test_noise_without_end_meets_the_deadline),
	GLINT_TEST(test_shutdown_ends_a_wait),
	GLINT_TEST(test_a_reply_that_is_no_stream_is_refused),
	GLINT_TEST(test_a_part_that_makes_no_sense_ends_the_stream),
	GLINT_TEST(test_damaged_streams_do_no_harm),
)
