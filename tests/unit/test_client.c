/* SPDX-License-Identifier: MIT */
/* libglint: addresses, the state, snapshots, and hostile servers. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "../fake/server.h"
#include "libglint/address.h"
#include "libglint/chunks.h"
#include "libglint/head.h"
#include "libglint/login.h"

#define QUICK_MS   20 /* for a server that sends nothing */
#define PATIENT_MS 20000
#define EVERYTHING                                                                                 \
	(GLINT_IMAGE_ONLINE | GLINT_IMAGE_SEQUENCE | GLINT_IMAGE_TIMESTAMP | GLINT_IMAGE_AGE |     \
	 GLINT_IMAGE_SIZE | GLINT_IMAGE_EXPOSURE)

#define JSON	"Content-Type: application/json\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\n" JSON "Transfer-Encoding: chunked\r\n"
#define JPEG	"Content-Type: image/jpeg\r\n"

static struct glint_client *client_for(const char *address, int timeout_ms)
{
	struct glint_client *client;

	CU_ASSERT_EQUAL_FATAL(glint_client_create(&client, address), 0);
	glint_client_set_timeout(client, timeout_ms);
	return client;
}

/* Return the result of the state call for @server's reply; the text is dropped. */
static int state_from(struct fake_server *server, int timeout_ms)
{
	struct glint_client *client;
	char *json;
	size_t len;
	int err;

	fake_server_start(server);
	client = client_for(server->address, timeout_ms);
	err = glint_client_state(client, &json, &len);
	CU_ASSERT_EQUAL(json == NULL, err < 0);
	free(json);
	glint_client_destroy(client);
	fake_server_finish(server);
	return err;
}

static int snapshot_as(struct fake_server *server, const struct glint_snapshot_options *options,
		       struct glint_image *image)
{
	struct glint_client *client;
	int err;

	fake_server_start(server);
	client = client_for(server->address, PATIENT_MS);
	err = glint_client_snapshot(client, options, image);
	glint_client_destroy(client);
	fake_server_finish(server);
	return err;
}

static int snapshot_from(struct fake_server *server, bool any, struct glint_image *image)
{
	return snapshot_as(server, &(struct glint_snapshot_options){ .any = any }, image);
}

static int snapshot_after(struct fake_server *server, uint64_t after_ns)
{
	struct glint_image image = { 0 };
	int err = snapshot_as(server, &(struct glint_snapshot_options){ .after_ns = after_ns },
			      &image);

	CU_ASSERT_EQUAL(image.size > 0, err == 0);
	glint_image_fini(&image);
	return err;
}

static void test_the_state_is_the_text_that_was_sent(void)
{
	struct fake_server server = {
		.reply = "HTTP/1.1 200 OK\r\n" JSON
			 "Content-Length: 11\r\n\r\n{\"ok\":true}and more",
	};
	struct glint_client *client;
	char *json;
	size_t len;

	fake_server_start(&server);
	client = client_for(server.address, PATIENT_MS);
	CU_ASSERT_EQUAL_FATAL(glint_client_state(client, &json, &len), 0);
	CU_ASSERT_STRING_EQUAL(json, "{\"ok\":true}");
	CU_ASSERT_EQUAL(len, 11);
	free(json);
	glint_client_destroy(client);
	fake_server_finish(&server);
	CU_ASSERT_PTR_EQUAL(strstr(server.request, "GET /state HTTP/1.1\r\nHost: localhost\r\n"),
			    server.request);
	CU_ASSERT_PTR_NULL(strstr(server.request, "Authorization"));
}

static void test_the_state_comes_over_tcp(void)
{
	struct fake_server server = {
		.tcp = true,
		.reply = "HTTP/1.1 200 OK\r\n" JSON "Content-Length: 2\r\n\r\n{}",
	};
	char host[200];

	CU_ASSERT_EQUAL(state_from(&server, PATIENT_MS), 0);
	snprintf(host, sizeof(host), "\r\nHost: %s\r\n", server.address);
	CU_ASSERT_PTR_NOT_NULL(strstr(server.request, host));
}

static void test_an_answer_without_a_length_ends_with_the_connection(void)
{
	struct fake_server server = { .reply = "HTTP/1.0 200\n" JSON "\n{}" };

	CU_ASSERT_EQUAL(state_from(&server, PATIENT_MS), 0);
}

static void test_a_snapshot_says_which_frame_it_is(void)
{
	struct fake_server server = {
		.bytewise = true,
		.reply =
			"HTTP/1.1 200 OK\r\n" JPEG "X-UStreamer-Online: true\r\n"
			"X-Glint-Sequence: 4294967295\r\nX-Glint-Timestamp-Ns: 18446744073709551615\r\n"
			"X-Glint-Exposure-Ns: 18446744073709551614\r\n"
			"x-glint-clock:monotonic  \r\nX-Glint-Age-Ns: 7\r\nX-Glint-Reason:\r\n"
			"X-UStreamer-Width: 1\r\nX-UStreamer-Height: 2\r\n"
			"X-Glint-Width: 1920\r\nX-Glint-Height: 1080\r\nContent-Length: 5\r\n\r\n\xff\xd8xyz",
	};
	struct glint_image image = { 0 };

	CU_ASSERT_EQUAL(snapshot_from(&server, false, &image), 0);
	CU_ASSERT_EQUAL_FATAL(image.size, 5);
	CU_ASSERT_EQUAL(memcmp(image.data, "\xff\xd8xyz", 5), 0);
	CU_ASSERT_EQUAL(image.known, EVERYTHING);
	CU_ASSERT(image.online);
	CU_ASSERT_EQUAL(image.sequence, 4294967295u);
	CU_ASSERT_EQUAL(image.timestamp_ns, UINT64_MAX);
	CU_ASSERT_EQUAL(image.exposure_ns, UINT64_MAX - 1);
	CU_ASSERT_EQUAL(image.age_ns, 7);
	CU_ASSERT_EQUAL(image.width, 1920);
	CU_ASSERT_EQUAL(image.height, 1080);
	CU_ASSERT_STRING_EQUAL(image.clock, "monotonic");
	CU_ASSERT_STRING_EQUAL(image.reason, "");
	glint_image_fini(&image);
	CU_ASSERT_PTR_NULL(image.data);
}

#define EXPOSED_AT_9                                                                               \
	"HTTP/1.1 200 OK\r\n" JPEG "X-UStreamer-Online: true\r\n"                                  \
	"X-Glint-Exposure-Ns: 9\r\nContent-Length: 1\r\n\r\nx"

static void test_a_moment_is_asked_for_and_checked(void)
{
	struct fake_server server = { .reply = EXPOSED_AT_9 };

	CU_ASSERT_EQUAL(snapshot_after(&server, 9), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(server.request, "GET /snapshot?after=9 HTTP"));
	server = (struct fake_server){ .reply = EXPOSED_AT_9 };
	CU_ASSERT_EQUAL(snapshot_after(&server, 10), -EPROTO);
	server = (struct fake_server){ .reply = EXPOSED_AT_9 };
	CU_ASSERT_EQUAL(snapshot_after(&server, UINT64_MAX - 1), -EPROTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(server.request, "?after=18446744073709551614 HTTP"));
	server = (struct fake_server){ .reply = EXPOSED_AT_9 };
	CU_ASSERT_EQUAL(snapshot_after(&server, GLINT_AFTER_NOW), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(server.request, "?after=now HTTP"));
}

/* The answer of ustreamer, or of an old glintd. */
static void test_a_picture_without_exposure_is_refused_after_a_moment(void)
{
	struct fake_server server = {
		.reply = "HTTP/1.1 200 OK\r\n" JPEG "X-UStreamer-Online: true\r\n"
			 "Content-Length: 1\r\n\r\nx",
	};

	CU_ASSERT_EQUAL(snapshot_after(&server, GLINT_AFTER_NOW), -ENOTSUP);
	server = (struct fake_server){ .reply = "HTTP/1.1 400 Bad Request\r\n\r\n" };
	CU_ASSERT_EQUAL(snapshot_after(&server, UINT64_MAX - 1), -EINVAL);
}

#define OFFLINE                                                                                    \
	"HTTP/1.1 200 OK\r\n" JPEG "X-UStreamer-Online: false\r\nX-Glint-Reason: no-signal\r\n"    \
	"Content-Length: 4\r\n\r\ntext"

static void test_a_picture_that_is_not_live_is_refused_with_its_reason(void)
{
	struct fake_server server = { .reply = OFFLINE };
	struct glint_image image = { 0 };

	CU_ASSERT_EQUAL(snapshot_from(&server, false, &image), -ENODATA);
	CU_ASSERT_EQUAL(image.size, 0);
	CU_ASSERT_FALSE(image.online);
	CU_ASSERT_STRING_EQUAL(image.reason, "no-signal");
	glint_image_fini(&image);
}

static void test_a_picture_that_is_not_live_is_given_when_any_will_do(void)
{
	struct fake_server server = { .reply = OFFLINE };
	struct glint_image image = { 0 };

	CU_ASSERT_EQUAL(snapshot_from(&server, true, &image), 0);
	CU_ASSERT_EQUAL(image.size, 4);
	CU_ASSERT_FALSE(image.online);
	glint_image_fini(&image);
}

static void test_what_a_service_does_not_say_is_unknown(void)
{
	struct fake_server server = {
		.reply =
			"HTTP/1.1 200 OK\r\n" JPEG "X-UStreamer-Width: 640\r\n"
			"X-UStreamer-Height: 480\r\nX-Glint-Sequence: 18446744073709551616\r\n"
			"X-Glint-Timestamp-Ns: -1\r\nX-Glint-Age-Ns:\r\nContent-Length: 1\r\n\r\nx",
	};
	struct glint_image image = { 0 };

	CU_ASSERT_EQUAL(snapshot_from(&server, false, &image), 0);
	CU_ASSERT_EQUAL(image.known, GLINT_IMAGE_SIZE);
	CU_ASSERT(image.online);
	CU_ASSERT_EQUAL(image.width, 640);
	CU_ASSERT_EQUAL(image.sequence, 0);
	glint_image_fini(&image);
}

static void test_a_reason_cannot_write_on_a_terminal(void)
{
	struct fake_server server = {
		.reply = "HTTP/1.1 200 OK\r\n" JPEG "X-UStreamer-Online: false\r\n"
			 "X-Glint-Reason: \033[2Jand longer than any reason we know of\r\n"
			 "Content-Length: 1\r\n\r\nx",
	};
	struct glint_image image = { 0 };

	CU_ASSERT_EQUAL(snapshot_from(&server, false, &image), -ENODATA);
	CU_ASSERT_STRING_EQUAL(image.reason, "?[2Jand longer than any reason ");
	glint_image_fini(&image);
}

static void test_a_failed_snapshot_leaves_nothing_of_the_one_before(void)
{
	struct fake_server good = {
		.reply = "HTTP/1.1 200 OK\r\n" JPEG
			 "X-Glint-Sequence: 9\r\nContent-Length: 1\r\n\r\nx",
	};
	struct fake_server bad = {
		.reply = "HTTP/1.1 200 OK\r\n" JPEG
			 "X-Glint-Sequence: 10\r\nContent-Length: 9\r\n\r\nx",
	};
	struct glint_image image = { 0 };

	CU_ASSERT_EQUAL(snapshot_from(&good, false, &image), 0);
	CU_ASSERT_EQUAL(image.sequence, 9);
	CU_ASSERT_EQUAL(snapshot_from(&bad, false, &image), -ECONNRESET);
	CU_ASSERT_EQUAL(image.size, 0);
	CU_ASSERT_EQUAL(image.known, 0);
	CU_ASSERT_EQUAL(image.sequence, 0);
	CU_ASSERT_FALSE(image.online);
	glint_image_fini(&image);
}

static const struct {
	const char *what;
	const char *reply;
	int err;
} bad_replies[] = {
	{ "nothing", "", -ECONNRESET },
	{ "half a line", "HTTP/1.1 200 O", -ECONNRESET },
	{ "half a head", "HTTP/1.1 200 OK\r\n" JSON, -ECONNRESET },
	{ "half a body", "HTTP/1.1 200 OK\r\n" JSON "Content-Length: 3\r\n\r\n{}", -ECONNRESET },
	{ "another protocol", "SSH-2.0-OpenSSH_9.2\r\n", -EPROTO },
	{ "another version", "HTTP/2.0 200 OK\r\n\r\n", -EPROTO },
	{ "a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", -EPROTO },
	{ "a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", -EPROTO },
	{ "a status that is no number", "HTTP/1.1 +20 OK\r\n\r\n", -EPROTO },
	{ "a status below 100", "HTTP/1.1 099 OK\r\n\r\n", -EPROTO },
	{ "a field without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", -EPROTO },
	{ "a field without a colon", "HTTP/1.1 200 OK\r\nwords\r\n\r\n", -EPROTO },
	{ "a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", -EPROTO },
	{ "a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", -EPROTO },
	{ "a negative length", "HTTP/1.1 200 OK\r\n" JSON "Content-Length: -1\r\n\r\n", -EPROTO },
	{ "a length in hex", "HTTP/1.1 200 OK\r\n" JSON "Content-Length: 0x2\r\n\r\n{}", -EPROTO },
	{ "an empty length", "HTTP/1.1 200 OK\r\n" JSON "Content-Length: \r\n\r\n{}", -EPROTO },
	{ "a length of 65 bits",
	  "HTTP/1.1 200 OK\r\n" JSON "Content-Length: 18446744073709551616\r\n\r\n{}", -EPROTO },
	{ "a length of 64 bits",
	  "HTTP/1.1 200 OK\r\n" JSON "Content-Length: 18446744073709551615\r\n\r\n{}", -EMSGSIZE },
	{ "two lengths",
	  "HTTP/1.1 200 OK\r\n" JSON "Content-Length: 2\r\nContent-Length: 1\r\n\r\n{}", -EPROTO },
	{ "a coding within chunks",
	  "HTTP/1.1 200 OK\r\n" JSON "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", -EPROTO },
	{ "chunks and a length", CHUNKED "Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", -EPROTO },
	{ "no chunk at all", CHUNKED "\r\n", -ECONNRESET },
	{ "half a size", CHUNKED "\r\n2", -ECONNRESET },
	{ "half a chunk", CHUNKED "\r\n3\r\n{}", -ECONNRESET },
	{ "no last chunk", CHUNKED "\r\n2\r\n{}\r\n", -ECONNRESET },
	{ "half a trailer", CHUNKED "\r\n2\r\n{}\r\n0\r\nA: b\r\n", -ECONNRESET },
	{ "a size of no digits", CHUNKED "\r\n\r\n{}\r\n", -EPROTO },
	{ "a size with a sign", CHUNKED "\r\n+2\r\n{}\r\n", -EPROTO },
	{ "a size with a prefix", CHUNKED "\r\n0x2\r\n{}\r\n", -EPROTO },
	{ "a size of 68 bits", CHUNKED "\r\n10000000000000002\r\n{}\r\n", -EPROTO },
	{ "a chunk that is longer than it says", CHUNKED "\r\n1\r\n{}\r\n0\r\n\r\n", -EPROTO },
	{ "a size without CR", CHUNKED "\r\n2\n{}\r\n0\r\n\r\n", -EPROTO },
	{ "a chunk without CR LF", CHUNKED "\r\n2\r\n{}0\r\n\r\n", -EPROTO },
	{ "a web page", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", -EPROTO },
	{ "a type that begins like it",
	  "HTTP/1.1 200 OK\r\nContent-Type: application/jsonp\r\n\r\n{}", -EPROTO },
	{ "no type", "HTTP/1.1 200 OK\r\n\r\n{}", -EPROTO },
	{ "a wish for a login", "HTTP/1.1 401 Unauthorized\r\n\r\n", -EPERM },
	{ "not found", "HTTP/1.1 404 Not Found\r\n\r\n", -EREMOTEIO },
	{ "a redirection", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", -EREMOTEIO },
	{ "too many clients", "HTTP/1.1 503 Service Unavailable\r\n\r\n", -EBUSY },
};

static void test_a_reply_that_makes_no_sense_is_an_error(void)
{
	for (size_t i = 0; i < sizeof(bad_replies) / sizeof(bad_replies[0]); i++) {
		struct fake_server server = { .reply = bad_replies[i].reply };
		int err = state_from(&server, PATIENT_MS);

		CU_ASSERT_EQUAL(err, bad_replies[i].err);
		if (err != bad_replies[i].err)
			printf("#   %s: %s, not %s\n", bad_replies[i].what, strerror(-err),
			       strerror(-bad_replies[i].err));
	}
}

static void test_a_zero_byte_in_a_head_is_an_error(void)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nX: a\0b\r\n" JSON "\r\n{}";
	struct fake_server server = { .reply = reply, .len = sizeof(reply) - 1 };

	CU_ASSERT_EQUAL(state_from(&server, PATIENT_MS), -EPROTO);
}

static void test_a_head_without_end_is_refused(void)
{
	struct fake_server line = { .reply = "HTTP/1.1 200 OK\r\nX: y", .endless = true };
	char many[3 * GLINT_HEAD_MAX] = "HTTP/1.1 200 OK\r\n";
	struct fake_server lines = { .reply = many };

	for (size_t len = strlen(many); len + 8 < sizeof(many); len += 5)
		strcpy(many + len, "A:b\r\n");
	CU_ASSERT_EQUAL(state_from(&line, PATIENT_MS), -EMSGSIZE);
	CU_ASSERT_EQUAL(state_from(&lines, PATIENT_MS), -EMSGSIZE);
}

static void test_a_body_without_end_is_refused(void)
{
	struct fake_server server = { .reply = "HTTP/1.1 200 OK\r\n" JSON "\r\n ",
				      .endless = true };

	CU_ASSERT_EQUAL(state_from(&server, PATIENT_MS), -EMSGSIZE);
}

/* The state in chunks of many kinds, with all that the coding allows. */
#define IN_CHUNKS                                                                                  \
	CHUNKED "\r\n1\r\n{\r\n0004;name=\"va;lue\"\r\n\"ok\"\r\n1 \r\n:\r\nA\r\ntrue      \r\n"   \
		"1\r\n}\r\n000\r\nTrailer: x\r\nAnother: y\r\n\r\nand more"

static void expect_the_state_in_chunks(bool bytewise)
{
	struct fake_server server = { .reply = IN_CHUNKS, .bytewise = bytewise };
	struct glint_client *client;
	char *json;
	size_t len;

	fake_server_start(&server);
	client = client_for(server.address, PATIENT_MS);
	CU_ASSERT_EQUAL_FATAL(glint_client_state(client, &json, &len), 0);
	CU_ASSERT_STRING_EQUAL(json, "{\"ok\":true      }");
	CU_ASSERT_EQUAL(len, strlen("{\"ok\":true      }"));
	free(json);
	glint_client_destroy(client);
	fake_server_finish(&server);
}

static void test_an_answer_in_chunks_is_put_together(void)
{
	expect_the_state_in_chunks(false);
	expect_the_state_in_chunks(true);
}

static void test_an_answer_in_chunks_ends_with_the_last_one(void)
{
	struct fake_server server = { .reply = CHUNKED "\r\n2\r\n{}\r\n0\r\n\r\n", .hold = true };

	CU_ASSERT_EQUAL(state_from(&server, PATIENT_MS), 0);
}

static void test_chunks_without_end_are_refused(void)
{
	static const char *const beginnings[] = {
		CHUNKED "\r\n0",		    /* a size without end */
		CHUNKED "\r\n1;x",		    /* an extension */
		CHUNKED "\r\n0\r\nA: b",	    /* a trailer */
		CHUNKED "\r\nfffffffffffffff\r\n ", /* data */
	};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		struct fake_server server = { .reply = beginnings[i], .endless = true };

		CU_ASSERT_EQUAL(state_from(&server, PATIENT_MS), -EMSGSIZE);
	}
}

/* The result does not depend on where two reads divide the bytes. */
static void test_chunks_may_be_cut_anywhere(void)
{
	static const char coded[] =
		"5;a=b\r\nhello\r\n01\r\n \r\n5\r\nworld\r\n0\r\nA: b\r\n\r\nrest";
	char bytes[sizeof(coded)];

	for (size_t cut = 0; cut < sizeof(coded); cut++) {
		struct glint_chunks chunks = { 0 };
		ssize_t first, second;

		memcpy(bytes, coded, sizeof(coded));
		first = glint_chunks_decode(&chunks, bytes, cut);
		CU_ASSERT_FATAL(first >= 0);
		second = glint_chunks_decode(&chunks, bytes + cut, sizeof(coded) - 1 - cut);
		CU_ASSERT_FATAL(second >= 0);
		memmove(bytes + first, bytes + cut, (size_t)second);
		CU_ASSERT_EQUAL_FATAL(first + second, 11);
		CU_ASSERT_EQUAL(memcmp(bytes, "hello world", 11), 0);
		CU_ASSERT(glint_chunks_ended(&chunks));
	}
}

static void test_a_service_that_says_nothing_meets_the_deadline(void)
{
	struct fake_server silent = { .reply = "", .hold = true };
	struct fake_server head = { .reply = "HTTP/1.1 200 OK\r\n", .hold = true };
	struct fake_server body = {
		.reply = "HTTP/1.1 200 OK\r\n" JSON "Content-Length: 9\r\n\r\n{}",
		.hold = true,
	};

	CU_ASSERT_EQUAL(state_from(&silent, QUICK_MS), -ETIMEDOUT);
	CU_ASSERT_EQUAL(state_from(&head, QUICK_MS), -ETIMEDOUT);
	CU_ASSERT_EQUAL(state_from(&body, QUICK_MS), -ETIMEDOUT);
}

static void test_an_answer_sent_before_the_request_is_read(void)
{
	struct fake_server server = { .reply = "HTTP/1.1 503 Full\r\n\r\n", .deaf = true };
	int err = state_from(&server, PATIENT_MS);

	/* If the server closes first, the kernel may drop the answer. */
	CU_ASSERT(err == -EBUSY || err == -ECONNRESET);
}

static void test_a_missing_service_and_a_closed_one_have_different_errors(void)
{
	struct fake_server server = { .reply = "" };
	struct glint_client *client;
	char *json;
	size_t len;

	client = client_for("/nonexistent/glint.sock", PATIENT_MS);
	CU_ASSERT_EQUAL(glint_client_state(client, &json, &len), -ENOENT);
	glint_client_destroy(client);

	fake_server_start(&server);
	client = client_for(server.address, PATIENT_MS);
	shutdown(server.listener, SHUT_RDWR);
	CU_ASSERT_EQUAL(glint_client_state(client, &json, &len), -ECONNREFUSED);
	glint_client_destroy(client);
	fake_server_finish(&server);
}

/* Connections that are not accepted, until the backlog is full. */
static unsigned fill_backlog(const char *path, int *fds, unsigned max)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	unsigned n;

	strcpy(addr.sun_path, path);
	for (n = 0; n < max; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(fds[n], (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
			close(fds[n]);
			break;
		}
	}
	return n;
}

static void test_a_full_backlog_meets_the_deadline(void)
{
	char dir[] = "/tmp/glint-test-XXXXXX", path[64];
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fds[16], listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct glint_client *client;
	unsigned n;
	char *json;
	size_t len;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	strcpy(addr.sun_path, path);
	CU_ASSERT_EQUAL(bind(listener, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	CU_ASSERT_EQUAL(listen(listener, 1), 0);
	n = fill_backlog(path, fds, 16);
	CU_ASSERT(n > 0 && n < 16);

	client = client_for(path, QUICK_MS);
	CU_ASSERT_EQUAL(glint_client_state(client, &json, &len), -ETIMEDOUT);
	glint_client_destroy(client);
	while (n > 0)
		close(fds[--n]);
	close(listener);
	unlink(path);
	rmdir(dir);
}

static const struct {
	const char *text;
	const char *path, *host, *port, *prefix;
} addresses[] = {
	{ "/run/glint/a.sock", "/run/glint/a.sock", "", "", "" },
	{ "./a:1", "./a:1", "", "", "" },
	{ "a.sock", "a.sock", "", "", "" },
	{ "unix:a:1", "a:1", "", "", "" },
	{ "unix:http://a", "http://a", "", "", "" },
	{ "lab-7:8080", "", "lab-7", "8080", "" },
	{ "lab-7", "", "lab-7", "8080", "" },
	{ "127.0.0.1:1", "", "127.0.0.1", "1", "" },
	{ "127.0.0.1:65535", "", "127.0.0.1", "65535", "" },
	{ "[::1]:8080", "", "::1", "8080", "" },
	{ "[fe80::1%eth0]", "", "fe80::1%eth0", "8080", "" },
	{ "http://lab-7", "", "lab-7", "80", "" },
	{ "HTTP://lab-7:8080/", "", "lab-7", "8080", "" },
	{ "http://lab-7/bench/3//", "", "lab-7", "80", "/bench/3" },
	{ "http://[::1]:81/a%20b", "", "::1", "81", "/a%20b" },
};

static void test_an_address_is_a_path_or_a_host_or_a_url(void)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct glint_address address;

		CU_ASSERT_EQUAL(glint_address_parse(&address, addresses[i].text), 0);
		CU_ASSERT_STRING_EQUAL(address.path, addresses[i].path);
		CU_ASSERT_STRING_EQUAL(address.host, addresses[i].host);
		CU_ASSERT_STRING_EQUAL(address.port, addresses[i].port);
		CU_ASSERT_STRING_EQUAL(address.prefix, addresses[i].prefix);
	}
}

static const struct {
	const char *text;
	int err;
} bad_addresses[] = {
	{ "", -EINVAL },
	{ "unix:", -EINVAL },
	{ ":8080", -EINVAL },
	{ "host:", -EINVAL },
	{ "[]:80", -EINVAL },
	{ "[::1]8080", -EINVAL },
	{ "[::1", -EINVAL },
	{ "::1:8080", -EINVAL },
	{ "::1", -EINVAL },
	{ "8080", -EINVAL },
	{ "0", -EINVAL },
	{ "host:0", -EINVAL },
	{ "host:65536", -EINVAL },
	{ "127.0.0.1:99999", -EINVAL },
	{ "host:80a", -EINVAL },
	{ "host:http", -EINVAL },
	{ "host:-1", -EINVAL },
	{ "host:18446744073709551617", -EINVAL },
	{ "host:80\r\nX: y", -EINVAL },
	{ "ho st:80", -EINVAL },
	{ "/tmp/a\n", -EINVAL },
	{ "http://", -EINVAL },
	{ "http:///path", -EINVAL },
	{ "http://user:secret@host/", -EINVAL },
	{ "http://host:99999/", -EINVAL },
	{ "http://host/a b", -EINVAL },
	{ "http://host/a\r\nX: y", -EINVAL },
	{ "http://host/?a=b", -EINVAL },
	{ "http://host?a=b", -EINVAL },
	{ "http://host/\xc3\xa4", -EINVAL },
	{ "https://host/", -EPROTONOSUPPORT },
	{ "ftp://host/", -EPROTONOSUPPORT },
};

static void test_what_is_no_address_is_refused_before_anything_is_connected(void)
{
	char host[400] = "http://", prefix[400] = "http://a/";

	for (size_t i = 0; i < sizeof(bad_addresses) / sizeof(bad_addresses[0]); i++) {
		struct glint_client *client;
		int err = glint_client_create(&client, bad_addresses[i].text);

		CU_ASSERT_EQUAL(err, bad_addresses[i].err);
		if (err != bad_addresses[i].err)
			printf("#   '%s': %d\n", bad_addresses[i].text, err);
		CU_ASSERT_PTR_NULL(client);
		glint_client_destroy(client);
	}
	for (size_t i = 0; i < 256; i++) {
		struct glint_address address;

		strcat(host, "h");
		strcat(prefix, "p");
		CU_ASSERT_EQUAL(glint_address_parse(&address, host), i < 255 ? 0 : -EINVAL);
		CU_ASSERT_EQUAL(glint_address_parse(&address, prefix), i < 254 ? 0 : -EINVAL);
	}
}

static void test_a_url_asks_for_paths_below_its_own(void)
{
	struct fake_server server = {
		.tcp = true,
		.reply = "HTTP/1.1 200 OK\r\n" JSON "Content-Length: 2\r\n\r\n{}",
	};
	struct glint_client *client;
	char *json, url[200], host[200];
	size_t len;

	fake_server_start(&server);
	snprintf(url, sizeof(url), "http://%s/lab/hdmi/", server.address);
	client = client_for(url, PATIENT_MS);
	CU_ASSERT_EQUAL(glint_client_state(client, &json, &len), 0);
	free(json);
	glint_client_destroy(client);
	fake_server_finish(&server);
	snprintf(host, sizeof(host), "GET /lab/hdmi/state HTTP/1.1\r\nHost: %s\r\n",
		 server.address);
	CU_ASSERT_PTR_EQUAL(strstr(server.request, host), server.request);
}

static void test_a_path_may_have_107_bytes(void)
{
	struct glint_client *client;
	char path[109];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[107] = '\0';
	CU_ASSERT_EQUAL(glint_client_create(&client, path), 0);
	glint_client_destroy(client);
	path[107] = 'a';
	path[108] = '\0';
	CU_ASSERT_EQUAL(glint_client_create(&client, path), -ENAMETOOLONG);
	CU_ASSERT_PTR_NULL(client);
}

static void test_a_path_of_no_socket_has_an_error_of_its_own(void)
{
	static const struct {
		const char *path;
		int err;
	} cases[] = {
		{ "/tmp", -EISDIR },
		{ "/dev/null", -ENOTSOCK },
		{ "/proc/self/exe", -ENOTSOCK },
		{ "/tmp/glint-has-no-such.sock", -ENOENT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct glint_client *client = client_for(cases[i].path, PATIENT_MS);
		char *json;
		size_t len;

		CU_ASSERT_EQUAL(glint_client_state(client, &json, &len), cases[i].err);
		glint_client_destroy(client);
	}
}

static void test_without_an_address_the_environment_is_asked(void)
{
	struct glint_client *client;

	setenv(GLINT_ENV_SOCKET, "/tmp/from-env.sock", 1);
	CU_ASSERT_EQUAL_FATAL(glint_client_create(&client, NULL), 0);
	CU_ASSERT_STRING_EQUAL(glint_client_address(client), "/tmp/from-env.sock");
	glint_client_destroy(client);
	unsetenv(GLINT_ENV_SOCKET);
}

static void test_after_the_environment_comes_the_users_own_socket(void)
{
	struct glint_client *client;
	char dir[] = "/tmp/glint-test-XXXXXX", path[64];
	FILE *file;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/%s", dir, GLINT_USER_SOCKET);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	setenv(GLINT_ENV_SOCKET, "", 1); /* empty counts as unset */

	CU_ASSERT_EQUAL_FATAL(glint_client_create(&client, NULL), 0);
	CU_ASSERT_STRING_NOT_EQUAL(glint_client_address(client), path);
	glint_client_destroy(client);

	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fclose(file);
	CU_ASSERT_EQUAL_FATAL(glint_client_create(&client, NULL), 0);
	CU_ASSERT_STRING_EQUAL(glint_client_address(client), path);
	glint_client_destroy(client);

	unlink(path);
	rmdir(dir);
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv(GLINT_ENV_SOCKET);
}

static void test_a_login_is_sent_as_basic_authentication(void)
{
	struct fake_server server = {
		.reply = "HTTP/1.1 200 OK\r\n" JSON "Content-Length: 2\r\n\r\n{}",
	};
	struct glint_client *client;
	char *json;
	size_t len;

	fake_server_start(&server);
	client = client_for(server.address, PATIENT_MS);
	CU_ASSERT_EQUAL(glint_client_set_login(client, "a:b", "c"), -EINVAL);
	CU_ASSERT_EQUAL(glint_client_set_login(client, "Aladdin", "open sesame"), 0);
	CU_ASSERT_EQUAL(glint_client_state(client, &json, &len), 0);
	free(json);
	glint_client_destroy(client);
	fake_server_finish(&server);
	CU_ASSERT_PTR_NOT_NULL(strstr(server.request,
				      "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
}

static void test_logins_of_every_length_are_padded(void)
{
	static const struct {
		const char *user, *password, *coded;
	} rows[] = {
		{ "", "", "Og==" },
		{ "a", "", "YTo=" },
		{ "a", "b", "YTpi" },
		{ "a", "\xff\xfe", "YTr//g==" },
	};
	char expected[64], *header;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL_FATAL(glint_login_header(&header, rows[i].user, rows[i].password),
				      0);
		snprintf(expected, sizeof(expected), "Authorization: Basic %s\r\n", rows[i].coded);
		CU_ASSERT_STRING_EQUAL(header, expected);
		free(header);
	}
}

static void test_numbers_are_digits_within_their_range(void)
{
	uint64_t value = 1;

	CU_ASSERT_TRUE(glint_head_number("0", UINT64_MAX, &value));
	CU_ASSERT_EQUAL(value, 0);
	CU_ASSERT_TRUE(glint_head_number("18446744073709551615", UINT64_MAX, &value));
	CU_ASSERT_EQUAL(value, UINT64_MAX);
	CU_ASSERT_TRUE(glint_head_number("0000000000000000000000007", 7, &value));
	CU_ASSERT_EQUAL(value, 7);
	CU_ASSERT_FALSE(glint_head_number("18446744073709551616", UINT64_MAX, &value));
	CU_ASSERT_FALSE(glint_head_number("99999999999999999999", UINT64_MAX, &value));
	CU_ASSERT_FALSE(glint_head_number("8", 7, &value));
	CU_ASSERT_FALSE(glint_head_number("600", 599, &value));
	CU_ASSERT_FALSE(glint_head_number("", 7, &value));
	CU_ASSERT_FALSE(glint_head_number("1 ", 7, &value));
	CU_ASSERT_FALSE(glint_head_number("-1", 7, &value));
	CU_ASSERT_EQUAL(value, 7); /* as it was */
}

/* --- Settings -------------------------------------------------------------------------- */

static int set_at(struct fake_server *server, const struct glint_setting *settings, size_t n,
		  char **json)
{
	struct glint_client *client;
	size_t len;
	int err;

	fake_server_start(server);
	client = client_for(server->address, PATIENT_MS);
	err = glint_client_set(client, settings, n, json, &len);
	glint_client_destroy(client);
	fake_server_finish(server);
	return err;
}

static void test_settings_are_sent_as_one_object(void)
{
	static const struct glint_setting settings[] = {
		{ "quality", "60" },
		{ "a\"b\\", "\x01 \xc3\xbc" },
		{ "strict", NULL },
	};
	static const char body[] = "{\"quality\": \"60\", \"a\\\"b\\\\\": \"\\u0001 \xc3\xbc\", "
				   "\"strict\": null}";
	struct fake_server server = { .reply = "HTTP/1.1 200 OK\r\n" JSON "\r\n{\"ok\": true}" };
	char *json, length[40];

	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));

	CU_ASSERT_EQUAL(set_at(&server, settings, 3, &json), 0);
	CU_ASSERT_STRING_EQUAL(json, "{\"ok\": true}");
	free(json);
	CU_ASSERT_EQUAL(strncmp(server.request, "PATCH /config HTTP/1.1\r\n", 24), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(server.request, "Content-Type: application/json\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(server.request, length));
	CU_ASSERT_STRING_EQUAL(strstr(server.request, "\r\n\r\n") + 4, body);
}

static void test_a_setting_that_is_refused_comes_with_the_reason(void)
{
	static const struct {
		const char *reply;
		int err;
	} cases[] = {
		{ "HTTP/1.1 400 Bad Request\r\n" JSON "\r\n{}", -EINVAL },
		{ "HTTP/1.1 422 Unprocessable Content\r\n" JSON "\r\n{}", -EINVAL },
		{ "HTTP/1.1 409 Conflict\r\n" JSON "\r\n{}", -ENOTSUP },
		{ "HTTP/1.1 503 Service Unavailable\r\n" JSON "\r\n{}", -EBUSY },
	};
	static const struct glint_setting setting = { "quality", "0" };
	char *json;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_server server = { .reply = cases[i].reply };

		CU_ASSERT_EQUAL(set_at(&server, &setting, 1, &json), cases[i].err);
		CU_ASSERT_PTR_NOT_NULL_FATAL(json);
		CU_ASSERT_STRING_EQUAL(json, "{}");
		free(json);
	}
}

/* A service without settings, such as ustreamer. */
static void test_a_service_without_settings_is_reported_as_such(void)
{
	static const struct glint_setting setting = { "quality", "1" };
	struct fake_server missing = { .reply = "HTTP/1.1 404 Not Found\r\n\r\n" };
	struct fake_server other = {
		.reply = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nx"
	};
	char *json;

	CU_ASSERT_EQUAL(set_at(&missing, &setting, 1, &json), -EREMOTEIO);
	CU_ASSERT_PTR_NULL(json);
	CU_ASSERT_EQUAL(set_at(&other, &setting, 1, &json), -EPROTO);
	CU_ASSERT_PTR_NULL(json);
}

/* Returns the error of a snapshot with these options. */
static int snapshot_with(struct fake_server *server, const struct glint_snapshot_options *options,
			 struct glint_image *image)
{
	struct glint_client *client;
	int err;

	fake_server_start(server);
	CU_ASSERT_EQUAL_FATAL(glint_client_create(&client, server->address), 0);
	glint_client_set_timeout(client, PATIENT_MS);
	err = glint_client_snapshot(client, options, image);
	glint_client_destroy(client);
	fake_server_finish(server);
	return err;
}

static void test_a_snapshot_names_all_that_it_wants(void)
{
	struct fake_server server = { .reply = EXPOSED_AT_9 };
	struct glint_snapshot_options options = {
		.any = true,
		.after = "mark:a.b",
		.guarantee = "exposed",
		.wait_ms = 250,
		.asks_since = true,
		.since = 7,
		.stream = 2,
	};
	struct glint_image image = { 0 };

	CU_ASSERT_EQUAL(snapshot_with(&server, &options, &image), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(server.request,
				      "GET /snapshot?after=mark:a.b&guarantee=exposed&timeout=250ms"
				      "&since=7&stream=2&strict=0 HTTP"));
	options.after = "a b";
	CU_ASSERT_EQUAL(snapshot_with(&(struct fake_server){ .reply = EXPOSED_AT_9 }, &options,
				      &image),
			-EINVAL);
	glint_image_fini(&image);
}

static void test_a_refused_snapshot_has_the_reason(void)
{
	static const struct {
		const char *reply, *reason;
		int err;
	} rows[] = {
		{ "HTTP/1.1 503 x\r\n" JSON "\r\n{\"error\": {\"reason\": \"no-signal\"}}",
		  "no-signal", -ENODATA },
		{ "HTTP/1.1 503 x\r\n" JSON "\r\n{\"error\": {\"reason\": \"too-many-clients\"}}",
		  "too-many-clients", -EBUSY },
		{ "HTTP/1.1 504 x\r\n" JSON "\r\n{\"error\": {\"reason\": \"timeout\"}}", "timeout",
		  -ETIME },
		{ "HTTP/1.1 404 x\r\n" JSON "\r\n{\"error\": {\"reason\": \"unknown-mark\"}}",
		  "unknown-mark", -EREMOTEIO },
		{ "HTTP/1.1 503 x\r\n" JSON "\r\n{\"error\": {\"reason\": \"\x1b[2J\"}}", "",
		  -EBUSY },
	};
	const struct glint_snapshot_options options = { .after = "now" };
	struct glint_image image = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_server server = { .reply = rows[i].reply };

		CU_ASSERT_EQUAL(snapshot_with(&server, &options, &image), rows[i].err);
		CU_ASSERT_STRING_EQUAL(image.reason, rows[i].reason);
		CU_ASSERT_EQUAL(image.size, 0);
	}
	glint_image_fini(&image);
}

/* clang-format off */
GLINT_TESTS("client",
	GLINT_TEST(test_the_state_is_the_text_that_was_sent),
	GLINT_TEST(test_the_state_comes_over_tcp),
	GLINT_TEST(test_an_answer_without_a_length_ends_with_the_connection),
	GLINT_TEST(test_a_snapshot_says_which_frame_it_is),
	GLINT_TEST(test_a_moment_is_asked_for_and_checked),
	GLINT_TEST(test_a_picture_without_exposure_is_refused_after_a_moment),
	GLINT_TEST(test_a_picture_that_is_not_live_is_refused_with_its_reason),
	GLINT_TEST(test_a_picture_that_is_not_live_is_given_when_any_will_do),
	GLINT_TEST(test_what_a_service_does_not_say_is_unknown),
	GLINT_TEST(test_a_reason_cannot_write_on_a_terminal),
	GLINT_TEST(test_a_failed_snapshot_leaves_nothing_of_the_one_before),
	GLINT_TEST(test_a_reply_that_makes_no_sense_is_an_error),
	GLINT_TEST(test_a_zero_byte_in_a_head_is_an_error),
	GLINT_TEST(test_a_head_without_end_is_refused),
	GLINT_TEST(test_a_body_without_end_is_refused),
	GLINT_TEST(test_an_answer_in_chunks_is_put_together),
	GLINT_TEST(test_an_answer_in_chunks_ends_with_the_last_one),
	GLINT_TEST(test_chunks_without_end_are_refused),
	GLINT_TEST(test_chunks_may_be_cut_anywhere),
	GLINT_TEST(test_a_service_that_says_nothing_meets_the_deadline),
	GLINT_TEST(test_an_answer_sent_before_the_request_is_read),
	GLINT_TEST(test_a_missing_service_and_a_closed_one_have_different_errors),
	GLINT_TEST(test_a_full_backlog_meets_the_deadline),
	GLINT_TEST(test_an_address_is_a_path_or_a_host_or_a_url),
	GLINT_TEST(test_what_is_no_address_is_refused_before_anything_is_connected),
	GLINT_TEST(test_a_url_asks_for_paths_below_its_own),
	GLINT_TEST(test_a_path_may_have_107_bytes),
	GLINT_TEST(test_a_path_of_no_socket_has_an_error_of_its_own),
	GLINT_TEST(test_without_an_address_the_environment_is_asked),
	GLINT_TEST(test_after_the_environment_comes_the_users_own_socket),
	GLINT_TEST(test_a_login_is_sent_as_basic_authentication),
	GLINT_TEST(test_logins_of_every_length_are_padded),
	GLINT_TEST(test_numbers_are_digits_within_their_range),
	GLINT_TEST(test_settings_are_sent_as_one_object),
	GLINT_TEST(test_a_setting_that_is_refused_comes_with_the_reason),
	GLINT_TEST(test_a_service_without_settings_is_reported_as_such),
	GLINT_TEST(test_a_snapshot_names_all_that_it_wants),
	GLINT_TEST(test_a_refused_snapshot_has_the_reason),
)
