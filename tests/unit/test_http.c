/* SPDX-License-Identifier: MIT */
/* Requests out of bytes, well-meant and hostile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "net/http.h"

/* Feeds all of @bytes, @step at a time, up to the end of the first request. */
static enum glint_http_outcome feed(struct glint_http *http, const char *bytes, size_t count,
				    size_t step, size_t *used)
{
	enum glint_http_outcome outcome = GLINT_HTTP_MORE;
	size_t one;

	for (*used = 0; *used < count && outcome == GLINT_HTTP_MORE; *used += one) {
		size_t left = count - *used;

		outcome = glint_http_feed(http, bytes + *used, left < step ? left : step, &one);
	}
	return outcome;
}

static enum glint_http_outcome feed_text(struct glint_http *http, const char *text)
{
	size_t used;

	return feed(http, text, strlen(text), strlen(text), &used);
}

static void test_a_request_is_the_same_however_it_is_cut(void)
{
	static const char text[] = "GET /a%20b?x=%31&y HTTP/1.1\r\nHost: x\r\n"
				   "authorization: Basic abc\r\nX-Empty:\r\n"
				   "Access-Control-Request-Headers: A, B\r\n"
				   "Access-Control-Request-Method: PUT\r\n\r\n";
	size_t count = strlen(text), used;

	for (size_t step = 1; step <= count; step++) {
		struct glint_http *http = glint_http_create();
		const struct glint_request *request = glint_http_request(http);

		CU_ASSERT_EQUAL_FATAL(feed(http, text, count, step, &used), GLINT_HTTP_REQUEST);
		CU_ASSERT_EQUAL(used, count);
		CU_ASSERT_EQUAL(request->method, GLINT_HTTP_GET);
		CU_ASSERT_STRING_EQUAL(request->path, "/a b");
		CU_ASSERT_STRING_EQUAL(request->query, "x=%31&y");
		CU_ASSERT_STRING_EQUAL(request->authorization, "Basic abc");
		CU_ASSERT_STRING_EQUAL(request->cors_headers, "A, B");
		CU_ASSERT_STRING_EQUAL(request->cors_method, "PUT");
		CU_ASSERT_TRUE(request->keep_alive);
		CU_ASSERT_FALSE(request->http_1_0);
		glint_http_destroy(http);
	}
}

static void test_pipelined_requests_are_read_one_by_one(void)
{
	static const char text[] = "GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\n"
				   "\r\nOPTIONS * HTTP/1.1\r\n\r\n";
	struct glint_http *http = glint_http_create();
	const struct glint_request *request = glint_http_request(http);
	const char *at = text, *end = text + strlen(text);
	size_t used;

	CU_ASSERT_EQUAL(glint_http_feed(http, at, (size_t)(end - at), &used), GLINT_HTTP_REQUEST);
	CU_ASSERT_STRING_EQUAL(request->path, "/1");
	at += used;
	glint_http_next(http);
	CU_ASSERT_FALSE(glint_http_begun(http));
	CU_ASSERT_EQUAL(glint_http_feed(http, at, (size_t)(end - at), &used), GLINT_HTTP_REQUEST);
	CU_ASSERT_STRING_EQUAL(request->path, "/2");
	CU_ASSERT_EQUAL(request->method, GLINT_HTTP_HEAD);
	at += used;
	glint_http_next(http);
	CU_ASSERT_EQUAL(glint_http_feed(http, at, (size_t)(end - at), &used), GLINT_HTTP_REQUEST);
	CU_ASSERT_STRING_EQUAL(request->path, "*");
	CU_ASSERT_EQUAL(request->method, GLINT_HTTP_OPTIONS);
	CU_ASSERT_PTR_EQUAL(at + used, end);
	glint_http_destroy(http);
}

static void test_who_stays_connected_follows_version_and_field(void)
{
	static const struct {
		const char *text;
		bool keep_alive, http_1_0;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", true, false },
		{ "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false, false },
		{ "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true, false },
		{ "GET / HTTP/1.0\r\n\r\n", false, true },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, true },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct glint_http *http = glint_http_create();

		CU_ASSERT_EQUAL(feed_text(http, rows[i].text), GLINT_HTTP_REQUEST);
		CU_ASSERT_EQUAL(glint_http_request(http)->keep_alive, rows[i].keep_alive);
		CU_ASSERT_EQUAL(glint_http_request(http)->http_1_0, rows[i].http_1_0);
		glint_http_destroy(http);
	}
}

static void test_a_body_is_read_and_thrown_away(void)
{
	static const char *const texts[] = {
		"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcdeGET /next HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
		"GET /next HTTP/1.1\r\n\r\n",
	};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct glint_http *http = glint_http_create();
		size_t used;

		CU_ASSERT_EQUAL(feed(http, texts[i], strlen(texts[i]), 7, &used),
				GLINT_HTTP_REQUEST);
		glint_http_next(http);
		CU_ASSERT_EQUAL(feed_text(http, texts[i] + used), GLINT_HTTP_REQUEST);
		CU_ASSERT_STRING_EQUAL(glint_http_request(http)->path, "/next");
		glint_http_destroy(http);
	}
}

static void test_what_makes_no_sense_is_refused_with_its_status(void)
{
	static const struct {
		const char *text;
		unsigned status;
	} rows[] = {
		{ "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n", 501 },
		{ "DELETE / HTTP/1.1\r\n\r\n", 501 },
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
		{ "GET / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", 413 },
		{ "GET / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", 413 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct glint_http *http = glint_http_create();

		if (feed_text(http, rows[i].text) != GLINT_HTTP_REFUSED ||
		    glint_http_status(http) != rows[i].status) {
			printf("# %u: %s", glint_http_status(http), rows[i].text);
			CU_FAIL("another outcome");
		}
		CU_ASSERT_EQUAL(glint_http_status(http), rows[i].status);
		glint_http_destroy(http);
	}
}

static void test_bytes_that_are_no_text_are_refused(void)
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
		struct glint_http *http = glint_http_create();

		CU_ASSERT_EQUAL(feed(http, rows[i].bytes, rows[i].count, 4096, &used),
				GLINT_HTTP_REFUSED);
		glint_http_destroy(http);
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
	struct glint_http *http = glint_http_create();
	unsigned status;
	size_t used;
	enum glint_http_outcome outcome = feed(http, text, strlen(text), step, &used);

	status = outcome == GLINT_HTTP_REQUEST ? 200 : glint_http_status(http);
	glint_http_destroy(http);
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

static void test_what_we_keep_of_a_head_fits_even_if_it_is_all_of_it(void)
{
	static const char before[] = "GET / HTTP/1.1\r\nAuthorization: ";

	CU_ASSERT_EQUAL(status_of(stretched(before, 'a', 16000, "\r\n\r\n"), 100), 200);
	CU_ASSERT_EQUAL(status_of(stretched(before, 'a', 17000, "\r\n\r\n"), 100), 431);
}

static void test_the_number_of_fields_has_a_bound(void)
{
	for (unsigned count = GLINT_HTTP_FIELDS_MAX; count <= GLINT_HTTP_FIELDS_MAX + 1; count++) {
		char text[2048] = "GET / HTTP/1.1\r\n";
		char *copy;

		for (unsigned i = 0; i < count; i++)
			strcat(text, "A: b\r\n");
		strcat(text, "\r\n");
		copy = strdup(text);
		CU_ASSERT_EQUAL(status_of(copy, 5), count > GLINT_HTTP_FIELDS_MAX ? 431 : 200);
	}
}

static void test_a_chunked_body_has_a_bound(void)
{
	char *text = stretched("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n", 'a',
			       0x20000, "\r\n0\r\n\r\n");

	CU_ASSERT_EQUAL(status_of(text, 4096), 413);
}

#define CHUNKED "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

static void test_the_bound_of_a_head_holds_for_its_trailers(void)
{
	static const char *const befores[] = {
		CHUNKED "0\r\nAuthorization: ",
		CHUNKED "0\r\nAccess-Control-Request-Method: ",
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

static void test_fields_of_trailers_count_with_those_of_the_head(void)
{
	for (unsigned count = GLINT_HTTP_FIELDS_MAX; count <= GLINT_HTTP_FIELDS_MAX + 1; count++) {
		char text[2048] = CHUNKED "0\r\n";

		for (unsigned i = 1; i < count; i++)	/* Transfer-Encoding is the first */
			strcat(text, "A: b\r\n");
		strcat(text, "\r\n");
		CU_ASSERT_EQUAL(status_of(strdup(text), 5),
				count > GLINT_HTTP_FIELDS_MAX ? 431 : 200);
	}
}

static void test_the_framing_of_chunks_has_a_bound(void)
{
	/* An extension of a chunk that does not end, and chunks of one byte. */
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

static void test_a_trailer_is_no_field_of_the_head(void)
{
	static const char text[] = CHUNKED "1\r\nx\r\n0\r\nAuthorization: Basic abc\r\n"
					   "Access-Control-Request-Method: PUT\r\n\r\n";
	size_t used;

	for (size_t step = 1; step < sizeof(text); step++) {
		struct glint_http *http = glint_http_create();

		CU_ASSERT_EQUAL_FATAL(feed(http, text, strlen(text), step, &used),
				      GLINT_HTTP_REQUEST);
		CU_ASSERT_STRING_EQUAL(glint_http_request(http)->path, "/");
		CU_ASSERT_PTR_NULL(glint_http_request(http)->authorization);
		CU_ASSERT_PTR_NULL(glint_http_request(http)->cors_method);
		glint_http_destroy(http);
	}
}

static void test_an_absolute_uri_is_a_path_with_a_host(void)
{
	static const char *const rows[][3] = {
		{ "GET http://host:80/state?a HTTP/1.1\r\n\r\n", "/state", "a" },
		{ "GET HTTP://host HTTP/1.1\r\n\r\n", "/", "" },
		{ "GET http://host?a=b HTTP/1.1\r\n\r\n", "/", "a=b" },
	};

	for (unsigned i = 0; i < 3; i++) {
		struct glint_http *http = glint_http_create();

		CU_ASSERT_EQUAL_FATAL(feed_text(http, rows[i][0]), GLINT_HTTP_REQUEST);
		CU_ASSERT_STRING_EQUAL(glint_http_request(http)->path, rows[i][1]);
		CU_ASSERT_STRING_EQUAL(glint_http_request(http)->query, rows[i][2]);
		glint_http_destroy(http);
	}
}

static void test_of_a_field_that_is_sent_twice_the_first_counts(void)
{
	struct glint_http *http = glint_http_create();

	CU_ASSERT_EQUAL_FATAL(feed_text(http, "GET / HTTP/1.1\r\nAuthorization: a\r\n"
					      "Authorization: b\r\nAuthorizations: c\r\n\r\n"),
			      GLINT_HTTP_REQUEST);
	CU_ASSERT_STRING_EQUAL(glint_http_request(http)->authorization, "a");
	CU_ASSERT_PTR_NULL(glint_http_request(http)->cors_method);
	glint_http_destroy(http);
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
		struct glint_http *http = glint_http_create();
		enum glint_http_outcome outcome = GLINT_HTTP_MORE;

		for (unsigned i = 0; i < 30 && outcome == GLINT_HTTP_MORE; i++) {
			const char *word =
				words[(size_t)random() % (sizeof(words) / sizeof(words[0]))];
			size_t used, count = strlen(word) + !*word;

			outcome = feed(http, word, count, count, &used);
			CU_ASSERT_TRUE_FATAL(used <= count);
		}
		refused += outcome == GLINT_HTTP_REFUSED;
		requests += outcome == GLINT_HTTP_REQUEST;
		glint_http_destroy(http);
	}
	CU_ASSERT_TRUE(refused > 0 && requests > 0);
}

GLINT_TESTS("http",
	GLINT_TEST(test_a_request_is_the_same_however_it_is_cut),
	GLINT_TEST(test_pipelined_requests_are_read_one_by_one),
	GLINT_TEST(test_who_stays_connected_follows_version_and_field),
	GLINT_TEST(test_a_body_is_read_and_thrown_away),
	GLINT_TEST(test_what_makes_no_sense_is_refused_with_its_status),
	GLINT_TEST(test_bytes_that_are_no_text_are_refused),
	GLINT_TEST(test_a_uri_has_a_bound),
	GLINT_TEST(test_a_head_has_a_bound),
	GLINT_TEST(test_what_we_keep_of_a_head_fits_even_if_it_is_all_of_it),
	GLINT_TEST(test_the_number_of_fields_has_a_bound),
	GLINT_TEST(test_a_chunked_body_has_a_bound),
	GLINT_TEST(test_the_bound_of_a_head_holds_for_its_trailers),
	GLINT_TEST(test_fields_of_trailers_count_with_those_of_the_head),
	GLINT_TEST(test_the_framing_of_chunks_has_a_bound),
	GLINT_TEST(test_a_trailer_is_no_field_of_the_head),
	GLINT_TEST(test_an_absolute_uri_is_a_path_with_a_host),
	GLINT_TEST(test_of_a_field_that_is_sent_twice_the_first_counts),
	GLINT_TEST(test_noise_never_breaks_the_parser),
)
