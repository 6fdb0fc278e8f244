/* SPDX-License-Identifier: MIT */
/* Parsing of requests, valid and hostile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "http/body.h"
#include "http/parser.h"

/* Feed all of @bytes, @step at a time, up to the end of the first request or @until. */
static enum glint_parser_outcome feed_until(struct glint_parser *parser, const char *bytes,
					    size_t count, size_t step, size_t *used,
					    enum glint_parser_outcome until)
{
	enum glint_parser_outcome outcome = GLINT_PARSER_MORE;
	size_t one;

	for (*used = 0; (*used < count || glint_parser_at_head(parser)) &&
			(outcome == GLINT_PARSER_MORE || outcome == GLINT_PARSER_HEAD);
	     *used += one) {
		size_t left = count - *used;

		outcome = glint_parser_feed(parser, bytes + *used, left < step ? left : step, &one);
		if (outcome == until) {
			*used += one;
			break;
		}
	}
	return outcome;
}

static enum glint_parser_outcome feed(struct glint_parser *parser, const char *bytes, size_t count,
				      size_t step, size_t *used)
{
	return feed_until(parser, bytes, count, step, used, GLINT_PARSER_REQUEST);
}

static enum glint_parser_outcome feed_text(struct glint_parser *parser, const char *text)
{
	size_t used;

	return feed(parser, text, strlen(text), strlen(text), &used);
}

static void test_a_request_may_come_in_pieces_of_any_size(void)
{
	static const char text[] = "GET /a%20b?x=%31&y HTTP/1.1\r\nHost: x\r\n"
				   "authorization: Basic abc\r\nX-Empty:\r\n"
				   "Access-Control-Request-Headers: A, B\r\n"
				   "Origin: http://o\r\nSec-Fetch-Site: none\r\n"
				   "Content-Type: a/b\r\nExpect: x\r\n\r\n";
	size_t count = strlen(text), used;

	for (size_t step = 1; step <= count; step++) {
		struct glint_parser *parser = glint_parser_create();
		const struct glint_request *request = glint_parser_request(parser);

		CU_ASSERT_EQUAL_FATAL(feed(parser, text, count, step, &used), GLINT_PARSER_REQUEST);
		CU_ASSERT_EQUAL(used, count);
		CU_ASSERT_EQUAL(request->method, GLINT_METHOD_GET);
		CU_ASSERT_STRING_EQUAL(request->path, "/a b");
		CU_ASSERT_STRING_EQUAL(request->query, "x=%31&y");
		CU_ASSERT_STRING_EQUAL(request->authorization, "Basic abc");
		CU_ASSERT_STRING_EQUAL(request->cors_headers, "A, B");
		CU_ASSERT_STRING_EQUAL(request->origin, "http://o");
		CU_ASSERT_STRING_EQUAL(request->fetch_site, "none");
		CU_ASSERT_STRING_EQUAL(request->content_type, "a/b");
		CU_ASSERT_STRING_EQUAL(request->expect, "x");
		CU_ASSERT_PTR_NULL(request->content_encoding);
		CU_ASSERT_FALSE(request->has_body);
		CU_ASSERT_TRUE(request->keep_alive);
		CU_ASSERT_FALSE(request->http_1_0);
		glint_parser_destroy(parser);
	}
}

static void test_pipelined_requests_are_parsed_one_by_one(void)
{
	static const char text[] = "GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\n"
				   "\r\nOPTIONS * HTTP/1.1\r\n\r\n";
	struct glint_parser *parser = glint_parser_create();
	const struct glint_request *request = glint_parser_request(parser);
	const char *at = text, *end = text + strlen(text);
	size_t used;

	CU_ASSERT_EQUAL(feed(parser, at, (size_t)(end - at), 4096, &used), GLINT_PARSER_REQUEST);
	CU_ASSERT_STRING_EQUAL(request->path, "/1");
	at += used;
	glint_parser_next(parser);
	CU_ASSERT_FALSE(glint_parser_begun(parser));
	CU_ASSERT_EQUAL(feed(parser, at, (size_t)(end - at), 4096, &used), GLINT_PARSER_REQUEST);
	CU_ASSERT_STRING_EQUAL(request->path, "/2");
	CU_ASSERT_EQUAL(request->method, GLINT_METHOD_HEAD);
	at += used;
	glint_parser_next(parser);
	CU_ASSERT_EQUAL(feed(parser, at, (size_t)(end - at), 4096, &used), GLINT_PARSER_REQUEST);
	CU_ASSERT_STRING_EQUAL(request->path, "*");
	CU_ASSERT_EQUAL(request->method, GLINT_METHOD_OPTIONS);
	CU_ASSERT_PTR_EQUAL(at + used, end);
	glint_parser_destroy(parser);
}

static void test_keep_alive_follows_version_and_header(void)
{
	static const struct {
		const char *text;
		bool keep_alive, http_1_0;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", true, false },
		{ "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false, false },
		{ "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true,
		  false },
		{ "GET / HTTP/1.0\r\n\r\n", false, true },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, true },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct glint_parser *parser = glint_parser_create();

		CU_ASSERT_EQUAL(feed_text(parser, rows[i].text), GLINT_PARSER_REQUEST);
		CU_ASSERT_EQUAL(glint_parser_request(parser)->keep_alive, rows[i].keep_alive);
		CU_ASSERT_EQUAL(glint_parser_request(parser)->http_1_0, rows[i].http_1_0);
		glint_parser_destroy(parser);
	}
}

static void test_a_body_that_is_not_collected_is_dropped(void)
{
	static const char *const texts[] = {
		"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcdeGET /next HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
		"GET /next HTTP/1.1\r\n\r\n",
	};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct glint_parser *parser = glint_parser_create();
		size_t used;

		CU_ASSERT_EQUAL(feed(parser, texts[i], strlen(texts[i]), 7, &used),
				GLINT_PARSER_REQUEST);
		glint_parser_next(parser);
		CU_ASSERT_EQUAL(feed_text(parser, texts[i] + used), GLINT_PARSER_REQUEST);
		CU_ASSERT_STRING_EQUAL(glint_parser_request(parser)->path, "/next");
		glint_parser_destroy(parser);
	}
}

static void test_each_malformed_request_is_refused_with_its_status(void)
{
	static const struct {
		const char *text;
		unsigned status;
	} rows[] = {
		{ "TRACE / HTTP/1.1\r\n\r\n", 501 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
		{ "CONNECT x:1 HTTP/1.1\r\n\r\n", 501 },
		{ "BREW / HTTP/1.1\r\n\r\n", 501 },
		{ "get / HTTP/1.1\r\n\r\n", 501 },
		{ "GET / HTTP/2.0\r\n\r\n", 505 },
		{ "GET / HTTP/0.8\r\n\r\n", 505 },
		{ "GET / XTTP/1.1\r\n\r\n", 400 },
		{ "GET /%zz HTTP/1.1\r\n\r\n", 400 },
		{ "GET /% HTTP/1.1\r\n\r\n", 400 },
		{ "GET /%4 HTTP/1.1\r\n\r\n", 400 },
		{ "GET /%00 HTTP/1.1\r\n\r\n", 400 },
		{ "GET /?a=%g1 HTTP/1.1\r\n\r\n", 400 },
		{ "GET ftp://x/ HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nA B: c\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct glint_parser *parser = glint_parser_create();

		if (feed_text(parser, rows[i].text) != GLINT_PARSER_REFUSED ||
		    glint_parser_status(parser) != rows[i].status) {
			printf("# %u: %s", glint_parser_status(parser), rows[i].text);
			CU_FAIL("another outcome");
		}
		CU_ASSERT_EQUAL(glint_parser_status(parser), rows[i].status);
		glint_parser_destroy(parser);
	}
}

static void test_control_characters_are_refused(void)
{
	static const char nul_in_path[] = "GET /\0 HTTP/1.1\r\n\r\n";
	static const char nul_in_value[] = "GET / HTTP/1.1\r\nA: \0\r\n\r\n";
	static const char tls[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	static const struct {
		const char *bytes;
		size_t count;
	} rows[] = {
		{ nul_in_path, sizeof(nul_in_path) - 1 },
		{ nul_in_value, sizeof(nul_in_value) - 1 },
		{ tls, sizeof(tls) - 1 },
	};
	size_t used;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct glint_parser *parser = glint_parser_create();

		CU_ASSERT_EQUAL(feed(parser, rows[i].bytes, rows[i].count, 4096, &used),
				GLINT_PARSER_REFUSED);
		glint_parser_destroy(parser);
	}
}

/* @before, then @fill up to @count bytes of it, then @after. */
static char *stretched(const char *before, char fill, size_t count, const char *after)
{
	char *text = malloc(strlen(before) + count + strlen(after) + 1);

	strcpy(text, before);
	memset(text + strlen(before), fill, count);
	strcpy(text + strlen(before) + count, after);
	return text;
}

static unsigned status_of(char *text, size_t step)
{
	struct glint_parser *parser = glint_parser_create();
	unsigned status;
	size_t used;
	enum glint_parser_outcome outcome = feed(parser, text, strlen(text), step, &used);

	status = outcome == GLINT_PARSER_REQUEST ? 200 : glint_parser_status(parser);
	glint_parser_destroy(parser);
	free(text);
	return status;
}

static void test_a_uri_has_a_bound(void)
{
	for (size_t step = 1; step <= 20000; step = step * 7) {
		CU_ASSERT_EQUAL(status_of(stretched("GET /", 'a', GLINT_HTTP_URI_MAX - 1,
						    " HTTP/1.1\r\n\r\n"),
					  step),
				200);
		CU_ASSERT_EQUAL(
			status_of(stretched("GET /", 'a', GLINT_HTTP_URI_MAX, " HTTP/1.1\r\n\r\n"),
				  step),
			414);
	}
	CU_ASSERT_EQUAL(status_of(stretched("GET /", 'a', 100000, ""), 4096), 414);
}

static void test_a_head_has_a_bound(void)
{
	static const char before[] = "GET / HTTP/1.1\r\nA: ", after[] = "\r\n\r\n";
	size_t rest = strlen(before) + strlen(after);

	for (size_t step = 1; step <= 20000; step = step * 7) {
		CU_ASSERT_EQUAL(status_of(stretched(before, 'a', GLINT_HTTP_HEAD_MAX - rest, after),
					  step),
				200);
		CU_ASSERT_EQUAL(status_of(stretched(before, 'a', GLINT_HTTP_HEAD_MAX, after), step),
				431);
	}
	CU_ASSERT_EQUAL(status_of(stretched("", '\n', 100000, ""), 4096), 431);
}

static void test_a_header_may_fill_the_whole_head(void)
{
	static const char before[] = "GET / HTTP/1.1\r\nAuthorization: ";

	CU_ASSERT_EQUAL(status_of(stretched(before, 'a', 16000, "\r\n\r\n"), 100), 200);
	CU_ASSERT_EQUAL(status_of(stretched(before, 'a', 17000, "\r\n\r\n"), 100), 431);
}

static void test_the_number_of_headers_has_a_bound(void)
{
	for (unsigned count = GLINT_HTTP_HEADERS_MAX; count <= GLINT_HTTP_HEADERS_MAX + 1;
	     count++) {
		char text[2048] = "GET / HTTP/1.1\r\n";
		char *copy;

		for (unsigned i = 0; i < count; i++)
			strcat(text, "A: b\r\n");
		strcat(text, "\r\n");
		copy = strdup(text);
		CU_ASSERT_EQUAL(status_of(copy, 5), count > GLINT_HTTP_HEADERS_MAX ? 431 : 200);
	}
}

static void test_a_chunked_body_has_a_bound(void)
{
	char *text = stretched("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n", 'a',
			       0x20000, "\r\n0\r\n\r\n");

	CU_ASSERT_EQUAL(status_of(text, 4096), 413);
}

/* --- Bodies ------------------------------------------------------------------------- */

#define POST_CHUNKED "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Feed @text, @step bytes at a time, and collect at most @max bytes of its body. */
static enum glint_parser_outcome collect(struct glint_parser *parser, struct glint_bodies *bodies,
					 const char *text, size_t max, size_t step)
{
	size_t count = strlen(text), head, rest;

	CU_ASSERT_EQUAL_FATAL(feed_until(parser, text, count, step, &head, GLINT_PARSER_HEAD),
			      GLINT_PARSER_HEAD);
	CU_ASSERT_TRUE(glint_parser_request(parser)->has_body);
	CU_ASSERT_EQUAL_FATAL(glint_parser_collect(parser, bodies, max), 0);
	return feed(parser, text + head, count - head, step, &rest);
}

static void test_a_body_is_collected_in_pieces_of_any_size(void)
{
	static const char *const texts[] = {
		"PATCH / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789",
		POST_CHUNKED "3\r\n012\r\n7;x=y\r\n3456789\r\n0\r\nA: b\r\n\r\n",
	};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t step = 1; step <= strlen(texts[i]); step++) {
			struct glint_parser *parser = glint_parser_create();
			const struct glint_request *request = glint_parser_request(parser);
			struct glint_bodies bodies = { 0 };

			CU_ASSERT_EQUAL_FATAL(collect(parser, &bodies, texts[i], 10, step),
					      GLINT_PARSER_REQUEST);
			CU_ASSERT_EQUAL(request->body_size, 10);
			CU_ASSERT_STRING_EQUAL(request->body, "0123456789");
			CU_ASSERT_EQUAL(bodies.bytes, 10);
			glint_parser_next(parser);
			CU_ASSERT_EQUAL(bodies.bytes, 0);
			CU_ASSERT_STRING_EQUAL(request->body, "");
			glint_parser_destroy(parser);
		}
	}
}

static void test_a_body_that_is_taken_belongs_to_the_taker(void)
{
	static const char text[] = "PATCH / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789";
	struct glint_parser *parser = glint_parser_create();
	struct glint_bodies bodies = { 0 };
	size_t size;
	char *bytes;

	CU_ASSERT_EQUAL_FATAL(collect(parser, &bodies, text, 10, 7), GLINT_PARSER_REQUEST);
	bytes = glint_parser_take_body(parser, &size);
	CU_ASSERT_EQUAL(size, 10);
	CU_ASSERT_EQUAL(bodies.bytes, 0);
	CU_ASSERT_STRING_EQUAL(glint_parser_request(parser)->body, "");
	CU_ASSERT_PTR_NULL(glint_parser_take_body(parser, &size));
	CU_ASSERT_EQUAL(size, 0);
	glint_parser_next(parser);
	glint_parser_destroy(parser);
	CU_ASSERT_STRING_EQUAL(bytes, "0123456789");
	free(bytes);
}

static void test_a_body_may_be_empty(void)
{
	struct glint_parser *parser = glint_parser_create();
	struct glint_bodies bodies = { 0 };

	CU_ASSERT_EQUAL(collect(parser, &bodies, POST_CHUNKED "0\r\n\r\n", 10, 5),
			GLINT_PARSER_REQUEST);
	CU_ASSERT_EQUAL(glint_parser_request(parser)->body_size, 0);
	CU_ASSERT_STRING_EQUAL(glint_parser_request(parser)->body, "");
	glint_parser_next(parser);
	CU_ASSERT_EQUAL(feed_text(parser, "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
			GLINT_PARSER_REQUEST);
	CU_ASSERT_FALSE(glint_parser_request(parser)->has_body);
	glint_parser_destroy(parser);
	CU_ASSERT_EQUAL(bodies.bytes, 0);
}

static void test_a_body_that_grows_beyond_its_bound_is_refused(void)
{
	struct glint_bodies bodies = { 0 };
	struct glint_parser *parser = glint_parser_create();
	size_t used;

	CU_ASSERT_EQUAL(collect(parser, &bodies, POST_CHUNKED "b\r\n01234567890\r\n", 10, 4),
			GLINT_PARSER_REFUSED);
	CU_ASSERT_EQUAL(glint_parser_status(parser), 413);
	glint_parser_destroy(parser);
	CU_ASSERT_EQUAL(bodies.bytes, 0);

	/* A length that is too large is known before the body. */
	parser = glint_parser_create();
	CU_ASSERT_EQUAL(feed_until(parser, "PUT / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", 41, 41,
				   &used, GLINT_PARSER_HEAD),
			GLINT_PARSER_HEAD);
	CU_ASSERT_EQUAL(glint_parser_request(parser)->length, 11);
	CU_ASSERT_EQUAL(glint_parser_collect(parser, &bodies, 10), -EMSGSIZE);
	glint_parser_destroy(parser);
}

static void test_all_bodies_together_have_a_bound(void)
{
	struct glint_bodies bodies = { .bytes = GLINT_BODIES_MAX - 5000 };
	struct glint_parser *parser = glint_parser_create();
	char *text = stretched(POST_CHUNKED "1389\r\n", 'a', 5001, "\r\n0\r\n\r\n");

	CU_ASSERT_EQUAL(collect(parser, &bodies, text, 60000, 4096), GLINT_PARSER_REFUSED);
	CU_ASSERT_EQUAL(glint_parser_status(parser), 503);
	CU_ASSERT_EQUAL(bodies.refused, 1);
	glint_parser_destroy(parser);
	CU_ASSERT_EQUAL(bodies.bytes, GLINT_BODIES_MAX - 5000);
	free(text);
}

#define CHUNKED "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

static void test_the_bound_of_a_head_holds_for_its_trailers(void)
{
	static const char *const befores[] = {
		CHUNKED "0\r\nAuthorization: ",
		CHUNKED "0\r\nAccess-Control-Request-Headers: ",
		CHUNKED "0\r\nX: ",
		CHUNKED "1\r\nx\r\n0\r\nAuthorization: ",
	};

	for (unsigned i = 0; i < sizeof(befores) / sizeof(befores[0]); i++) {
		static const char after[] = "\r\n\r\n";
		bool body = strstr(befores[i], "1\r\nx") != NULL;
		size_t most = GLINT_HTTP_HEAD_MAX + body - strlen(befores[i]) - strlen(after);

		for (size_t step = 1; step <= 20000; step = step * 7) {
			CU_ASSERT_EQUAL(status_of(stretched(befores[i], 'a', most, after), step),
					200);
			CU_ASSERT_EQUAL(
				status_of(stretched(befores[i], 'a', most + 1, after), step), 431);
			CU_ASSERT_EQUAL(status_of(stretched(befores[i], 'a', 1000000, after), step),
					431);
		}
	}
}

static void test_trailers_count_as_headers(void)
{
	for (unsigned count = GLINT_HTTP_HEADERS_MAX; count <= GLINT_HTTP_HEADERS_MAX + 1;
	     count++) {
		char text[2048] = CHUNKED "0\r\n";

		for (unsigned i = 1; i < count; i++) /* Transfer-Encoding is the first */
			strcat(text, "A: b\r\n");
		strcat(text, "\r\n");
		CU_ASSERT_EQUAL(status_of(strdup(text), 5),
				count > GLINT_HTTP_HEADERS_MAX ? 431 : 200);
	}
}

static void test_the_framing_of_chunks_has_a_bound(void)
{
	/* A chunk extension without end, and chunks of one byte. */
	CU_ASSERT_EQUAL(status_of(stretched(CHUNKED "1;", 'a', 60000, ""), 4096), 431);
	for (unsigned n_chunks = 3000; n_chunks <= 4000; n_chunks += 1000) {
		char *text = calloc(1, 6 * n_chunks + 100);

		strcpy(text, CHUNKED);
		for (unsigned i = 0; i < n_chunks; i++)
			memcpy(text + strlen(CHUNKED) + (size_t)6 * i, "1\r\nx\r\n", 6);
		strcat(text, "0\r\n\r\n");
		CU_ASSERT_EQUAL(status_of(text, 1000), n_chunks == 3000 ? 200 : 431);
	}
}

static void test_a_trailer_is_not_taken_for_a_header(void)
{
	static const char text[] = CHUNKED "1\r\nx\r\n0\r\nAuthorization: Basic abc\r\n"
					   "Access-Control-Request-Headers: PUT\r\n\r\n";
	size_t used;

	for (size_t step = 1; step < sizeof(text); step++) {
		struct glint_parser *parser = glint_parser_create();

		CU_ASSERT_EQUAL_FATAL(feed(parser, text, strlen(text), step, &used),
				      GLINT_PARSER_REQUEST);
		CU_ASSERT_STRING_EQUAL(glint_parser_request(parser)->path, "/");
		CU_ASSERT_PTR_NULL(glint_parser_request(parser)->authorization);
		CU_ASSERT_PTR_NULL(glint_parser_request(parser)->cors_headers);
		glint_parser_destroy(parser);
	}
}

static void test_an_absolute_uri_is_accepted(void)
{
	static const char *const rows[][3] = {
		{ "GET http://host:80/state?a HTTP/1.1\r\n\r\n", "/state", "a" },
		{ "GET HTTP://host HTTP/1.1\r\n\r\n", "/", "" },
		{ "GET http://host?a=b HTTP/1.1\r\n\r\n", "/", "a=b" },
	};

	for (unsigned i = 0; i < 3; i++) {
		struct glint_parser *parser = glint_parser_create();

		CU_ASSERT_EQUAL_FATAL(feed_text(parser, rows[i][0]), GLINT_PARSER_REQUEST);
		CU_ASSERT_STRING_EQUAL(glint_parser_request(parser)->path, rows[i][1]);
		CU_ASSERT_STRING_EQUAL(glint_parser_request(parser)->query, rows[i][2]);
		glint_parser_destroy(parser);
	}
}

static void test_the_first_of_two_equal_headers_counts(void)
{
	struct glint_parser *parser = glint_parser_create();

	CU_ASSERT_EQUAL_FATAL(feed_text(parser, "GET / HTTP/1.1\r\nAuthorization: a\r\n"
						"Authorization: b\r\nAuthorizations: c\r\n\r\n"),
			      GLINT_PARSER_REQUEST);
	CU_ASSERT_STRING_EQUAL(glint_parser_request(parser)->authorization, "a");
	CU_ASSERT_PTR_NULL(glint_parser_request(parser)->cors_headers);
	glint_parser_destroy(parser);
}

static void test_noise_never_breaks_the_parser(void)
{
	static const char *const words[] = {
		"GET ",	     "HEAD ", "/",	  "%41",     "%",
		" HTTP/1.1", "\r\n",  "\r\n\r\n", ":",	     "Content-Length: 3",
		"A: b",	     "\0",    "*",	  "http://", "Transfer-Encoding: chunked",
		"0\r\n",     "?"
	};
	unsigned seed = 20260101, refused = 0, requests = 0;

	printf("# seed %u\n", seed);
	srandom(seed);
	for (unsigned round = 0; round < 20000; round++) {
		struct glint_parser *parser = glint_parser_create();
		enum glint_parser_outcome outcome = GLINT_PARSER_MORE;

		for (unsigned i = 0; i < 30 && outcome == GLINT_PARSER_MORE; i++) {
			const char *word =
				words[(size_t)random() % (sizeof(words) / sizeof(words[0]))];
			size_t used, count = strlen(word) + !*word;

			outcome = feed(parser, word, count, count, &used);
			CU_ASSERT_TRUE_FATAL(used <= count);
		}
		refused += outcome == GLINT_PARSER_REFUSED;
		requests += outcome == GLINT_PARSER_REQUEST;
		glint_parser_destroy(parser);
	}
	CU_ASSERT_TRUE(refused > 0 && requests > 0);
}

/* clang-format off */
GLINT_TESTS("parser",
	GLINT_TEST(test_a_request_may_come_in_pieces_of_any_size),
	GLINT_TEST(test_pipelined_requests_are_parsed_one_by_one),
	GLINT_TEST(test_keep_alive_follows_version_and_header),
	GLINT_TEST(test_a_body_that_is_not_collected_is_dropped),
	GLINT_TEST(test_each_malformed_request_is_refused_with_its_status),
	GLINT_TEST(test_control_characters_are_refused),
	GLINT_TEST(test_a_uri_has_a_bound),
	GLINT_TEST(test_a_head_has_a_bound),
	GLINT_TEST(test_a_header_may_fill_the_whole_head),
	GLINT_TEST(test_the_number_of_headers_has_a_bound),
	GLINT_TEST(test_a_chunked_body_has_a_bound),
	GLINT_TEST(test_a_body_is_collected_in_pieces_of_any_size),
	GLINT_TEST(test_a_body_that_is_taken_belongs_to_the_taker),
	GLINT_TEST(test_a_body_may_be_empty),
	GLINT_TEST(test_a_body_that_grows_beyond_its_bound_is_refused),
	GLINT_TEST(test_all_bodies_together_have_a_bound),
	GLINT_TEST(test_the_bound_of_a_head_holds_for_its_trailers),
	GLINT_TEST(test_trailers_count_as_headers),
	GLINT_TEST(test_the_framing_of_chunks_has_a_bound),
	GLINT_TEST(test_a_trailer_is_not_taken_for_a_header),
	GLINT_TEST(test_an_absolute_uri_is_accepted),
	GLINT_TEST(test_the_first_of_two_equal_headers_counts),
	GLINT_TEST(test_noise_never_breaks_the_parser),
)
