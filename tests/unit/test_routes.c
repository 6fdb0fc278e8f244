/* SPDX-License-Identifier: MIT */
/* Which reply a request gets; on the loop of glint_test_loop(). */
#include "http_rig.h"

/* --- Methods ------------------------------------------------------------------------ */

static const char *const paths[] = {
	"/state",	   "/snapshot", "/stream",	"/?action=snapshot",
	"/?action=stream", "/",		"/favicon.ico", /* with CONFIG_NET_PAGE */
};

static void test_head_of_every_path_is_200_without_a_body(void)
{
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(paths) - (IS_ENABLED(CONFIG_NET_PAGE) ? 0 : 2); i++) {
		char request[128];
		struct peer peer;

		snprintf(request, sizeof(request), "HEAD %s HTTP/1.1\r\nConnection: close\r\n\r\n",
			 paths[i]);
		peer = peer_connect(&r);
		peer_say(&peer, request);
		PEER_WAIT(&r, &peer, peer.ended);
		CU_ASSERT_EQUAL(reply_status(peer.text), 200);
		CU_ASSERT_STRING_EQUAL(reply_body(peer.text), "");
		CU_ASSERT_PTR_NULL(reply_header(peer.text, "Content-Length"));
		peer_close(&peer);
	}
	CU_ASSERT_EQUAL(rig_counters(&r).streams, 0);
	rig_close(&r);
}

static void test_options_is_200_on_every_path_and_needs_no_password(void)
{
	static const char *const targets[] = { "/state", "/snapshot", "/stream", "*", "/nowhere" };
	struct rig r;

	RIG_PREPARE(&r);
	r.config.user = IS_ENABLED(CONFIG_NET_AUTH) ? "u" : NULL;
	r.config.password = "p";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
		char request[128];
		struct peer peer;

		snprintf(request, sizeof(request), "OPTIONS %s HTTP/1.1\r\n\r\n", targets[i]);
		peer = peer_ask(&r, request);
		if (i < ARRAY_SIZE(targets) - 1) {
			CU_ASSERT_EQUAL(reply_status(peer.text), 200);
			CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Length"), "0");
			/* "*" is all paths, of which some have more methods. */
			CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "Allow: GET, HEAD, "));
			CU_ASSERT_TRUE(*targets[i] == '*' ||
				       strstr(peer.text, "Allow: GET, HEAD, OPTIONS\r\n"));
		} else {
			CU_ASSERT_EQUAL(reply_status(peer.text), 404);
		}
		peer_close(&peer);
	}
	rig_close(&r);
}

static void test_malformed_requests_are_refused_and_the_connection_ends(void)
{
	static const struct {
		const char *request;
		unsigned status;
	} rows[] = {
		{ "POST /nowhere HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 404 },
		{ "PUT /../etc HTTP/1.1\r\n\r\n", 404 },
		{ "TRACE / HTTP/1.1\r\n\r\n", 501 },
		{ "GET /nowhere HTTP/1.1\r\n\r\n", 404 },
		{ "GET /state/ HTTP/1.1\r\n\r\n", 404 },
		{ "GET /STATE HTTP/1.1\r\n\r\n", 404 },
		{ "GET //state HTTP/1.1\r\n\r\n", 404 },
		{ "GET /../../etc/passwd HTTP/1.1\r\n\r\n", 404 },
		{ "GET * HTTP/1.1\r\n\r\n", 404 },
		{ "GET /%0 HTTP/1.1\r\n\r\n", 400 },
		{ "GET state HTTP/1.1\r\n\r\n", 400 },
		{ "GET /state HTTP/3.0\r\n\r\n", 505 },
		{ "GET /state HTTP/1.1\r\n : x\r\n\r\n", 400 },
		{ "\r\n\r\nnonsense\r\n\r\n", 501 },
	};
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct peer peer = peer_connect(&r);

		peer_say(&peer, rows[i].request);
		PEER_WAIT(&r, &peer, peer.ended);
		CU_ASSERT_EQUAL(reply_status(peer.text), rows[i].status);
		CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Connection"), "close");
		CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "<html>"));
		peer_close(&peer);
	}
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	rig_close(&r);
}

/* --- Endpoints ----------------------------------------------------------------------- */

static const struct {
	const char *path, *type, *within;
} page_files[] = {
	{ "/", "text/html; charset=utf-8", "src=\"page.js\"" },
	{ "/", "text/html; charset=utf-8", "href=\"page.css\"" },
	{ "/page.css", "text/css; charset=utf-8", "color-scheme" },
	{ "/page.js", "text/javascript; charset=utf-8", "'use strict'" },
	{ "/favicon.svg", "image/svg+xml", "</svg>" },
	{ "/favicon.ico", "image/svg+xml", "</svg>" },
};

static void test_the_files_of_the_page_are_served_whole(void)
{
	struct peer peer;
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_PAGE))
		GLINT_SKIP("built without CONFIG_NET_PAGE");
	RIG_OPEN(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(page_files); i++) {
		char request[64];

		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n\r\n", page_files[i].path);
		peer = peer_ask(&r, request);
		CU_ASSERT_EQUAL(reply_status(peer.text), 200);
		CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), page_files[i].type);
		CU_ASSERT_PTR_NOT_NULL(strstr(reply_body(peer.text), page_files[i].within));
		CU_ASSERT_EQUAL(strlen(reply_body(peer.text)),
				reply_number(peer.text, "Content-Length"));
		peer_close(&peer);
	}
	rig_close(&r);
}

static void test_an_action_is_an_alias_of_a_path(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	rig_go_offline(&r, "no-signal");
	peer = peer_ask(&r, GET("/?x&action=snapshot"));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "image/jpeg");
	peer_close(&peer);
	peer = peer_ask(&r, GET("/?action=stream"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply_header(peer.text, "Content-Type"), "multipart/"));
	peer_close(&peer);
	if (IS_ENABLED(CONFIG_NET_PAGE)) {
		peer = peer_ask(&r, GET("/?action=other"));
		CU_ASSERT_PTR_NOT_NULL(
			strstr(reply_header(peer.text, "Content-Type"), "text/html"));
		peer_close(&peer);
	}
	rig_close(&r);
}

/* --- Connections ----------------------------------------------------------------------- */

static void test_a_connection_is_kept_for_further_requests(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_ask(&r, GET("/state"));
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "Connection"));
	CU_ASSERT_PTR_NOT_NULL(reply_header(peer.text, "Date"));
	peer.used = 0;
	peer_say(&peer, "GET /state HTTP/1.1\r\nConnection: close\r\n\r\n");
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Connection"), "close");
	CU_ASSERT_EQUAL(rig_counters(&r).accepted, 1);
	peer_close(&peer);
	rig_close(&r);
}

static void test_pipelined_requests_are_answered_in_order(void)
{
	char requests[8192] = "";
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < 50; i++)
		strcat(requests, "HEAD /stream HTTP/1.1\r\n\r\nGET /state HTTP/1.1\r\n\r\n");
	strcat(requests, "GET /nowhere HTTP/1.1\r\n\r\n");
	peer = peer_connect(&r);
	peer_say(&peer, requests);
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(count_of(peer.text, "HTTP/1.1 200 OK\r\n"), 100);
	CU_ASSERT_EQUAL(count_of(peer.text, "{\"ok\": true"), 50);
	CU_ASSERT_EQUAL(count_of(peer.text, "HTTP/1.1 404 Not Found\r\n"), 1);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_request_may_come_byte_by_byte(void)
{
	static const char request[] = "GET /state HTTP/1.1\r\nHost: x\r\n\r\n";
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_connect(&r);
	for (const char *at = request; *at; at++) {
		CU_ASSERT_EQUAL(peer.used, 0);
		peer_write(&peer, at, 1);
		rig_settle(r.loop);
	}
	PEER_WAIT(&r, &peer, reply_complete(&peer));
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	peer_close(&peer);
	rig_close(&r);
}

/* The rest of the second request arrives while the first is being answered, and later. */
static void test_requests_may_overlap_in_pieces(void)
{
	static const char both[] = "GET /state HTTP/1.1\r\n\r\n"
				   "HEAD /state HTTP/1.1\r\nConnection: close\r\n\r\n";
	size_t first = strlen("GET /state HTTP/1.1\r\n\r\n");

	for (size_t cut = first; cut < strlen(both); cut++) {
		struct peer peer;
		struct rig r;

		RIG_OPEN(&r);
		peer = peer_connect(&r);
		peer_write(&peer, both, cut);
		PEER_WAIT(&r, &peer, reply_complete(&peer));
		rig_settle(r.loop);
		peer_say(&peer, both + cut);
		PEER_WAIT(&r, &peer, peer.ended);
		CU_ASSERT_EQUAL(count_of(peer.text, "HTTP/1.1 200 OK\r\n"), 2);
		CU_ASSERT_EQUAL(count_of(peer.text, "HTTP/1.1"), 2);
		peer_close(&peer);
		rig_close(&r);
	}
}

static void test_a_half_closed_peer_still_gets_its_reply(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, GET("/state") GET("/state"));
	shutdown(peer.fd, SHUT_WR);
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(count_of(peer.text, "{\"ok\": true"), 2);
	peer_close(&peer);
	rig_close(&r);
}

static void test_http_1_0_ends_with_its_reply_unless_it_asks_otherwise(void)
{
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, "GET /state HTTP/1.0\r\n\r\n");
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_NSTRING_EQUAL(peer.text, "HTTP/1.0 200 OK\r\n", 17);
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "Date"));
	peer_close(&peer);

	peer = peer_ask(&r, "GET /state HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Connection"), "keep-alive");
	peer.used = 0;
	peer_say(&peer, "GET /state HTTP/1.0\r\n\r\n");
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_refused_upload_gets_its_reply_and_no_reset(void)
{
	static char upload[100000];
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	memset(upload, 'u', sizeof(upload));
	memcpy(upload, "POST /state HTTP/1.1\r\nContent-Length: 9999\r\n\r\n", 46);
	peer = peer_connect(&r);
	peer_write(&peer, upload, sizeof(upload));
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(reply_status(peer.text), 405);
	peer_close(&peer);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	rig_close(&r);
}

static void test_a_peer_that_sends_on_without_end_is_closed(void)
{
	static char noise[65536];
	struct peer peer;
	unsigned sent = 0;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, "GET /nowhere HTTP/1.1\r\n\r\n");
	while (send(peer.fd, noise, sizeof(noise), MSG_NOSIGNAL) >= 0 || errno == EAGAIN) {
		rig_settle(r.loop);
		CU_ASSERT_FATAL(++sent < 100000);
	}
	CU_ASSERT_EQUAL(errno, EPIPE);
	peer_close(&peer);
	rig_close(&r);
}

/* --- Logins and origins ---------------------------------------------------------------------- */

static void test_every_path_needs_the_password(void)
{
	static const char *const requests[] = { GET("/"),	  GET("/state"),
						GET("/snapshot"), GET("/stream"),
						GET("/nowhere"),  "HEAD /state HTTP/1.1\r\n\r\n" };
	struct peer peer;
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_AUTH))
		GLINT_SKIP("built without CONFIG_NET_AUTH");
	RIG_PREPARE(&r);
	r.config.user = "user";
	r.config.password = "secret";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		peer = peer_ask(&r, requests[i]);
		CU_ASSERT_EQUAL(reply_status(peer.text), 401);
		CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "WWW-Authenticate"),
				       "Basic realm=\"Restricted area\"");
		CU_ASSERT_STRING_EQUAL(reply_body(peer.text), "");
		peer_close(&peer);
	}
	peer = peer_ask(&r, "GET /state HTTP/1.1\r\n"
			    "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n");
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_password_without_authentication_in_the_build_is_an_error(void)
{
	struct rig r;

	if (IS_ENABLED(CONFIG_NET_AUTH))
		GLINT_SKIP("built with CONFIG_NET_AUTH");
	RIG_PREPARE(&r);
	r.config.user = "user";
	CU_ASSERT_EQUAL(rig_create(&r), -EOPNOTSUPP);
	rig_close(&r);
}

static void test_cors_headers_are_on_each_reply_with_allow_origin_only(void)
{
	static const char *const requests[] = {
		"OPTIONS /state HTTP/1.1\r\nAccess-Control-Request-Headers: X-One, two\r\n"
		"Access-Control-Request-Method: GET\r\n\r\n",
		GET("/state"),
		GET("/nowhere"),
	};
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_ask(&r, requests[0]);
	CU_ASSERT_PTR_NULL(strstr(peer.text, "Access-Control"));
	peer_close(&peer);
	rig_close(&r);

	RIG_PREPARE(&r);
	r.config.allow_origin = "http://lab";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		peer = peer_ask(&r, requests[i]);
		CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Access-Control-Allow-Origin"),
				       "http://lab");
		CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Access-Control-Allow-Credentials"),
				       "true");
		if (i == 0) {
			CU_ASSERT_STRING_EQUAL(reply_header(peer.text,
							    "Access-Control-Allow-Headers"),
					       "X-One, two");
			CU_ASSERT_STRING_EQUAL(reply_header(peer.text,
							    "Access-Control-Allow-Methods"),
					       "GET, HEAD, OPTIONS");
		}
		peer_close(&peer);
	}
	rig_close(&r);
}

static void test_values_that_could_split_the_header_are_not_echoed(void)
{
	char request[4096];
	struct peer peer;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.allow_origin = "*";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	snprintf(request, sizeof(request),
		 "OPTIONS /state HTTP/1.1\r\nAccess-Control-Request-Headers: %02000d\r\n\r\n", 7);
	peer = peer_ask(&r, request);
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "Access-Control-Allow-Headers"));
	peer_close(&peer);
	peer = peer_ask(&r, "OPTIONS /state HTTP/1.1\r\n"
			    "Access-Control-Request-Headers: \xff\r\n\r\n");
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_PTR_NULL(reply_header(peer.text, "Access-Control-Allow-Headers"));
	peer_close(&peer);
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("routes",
	GLINT_TEST(test_head_of_every_path_is_200_without_a_body),
	GLINT_TEST(test_options_is_200_on_every_path_and_needs_no_password),
	GLINT_TEST(test_malformed_requests_are_refused_and_the_connection_ends),
	GLINT_TEST(test_the_files_of_the_page_are_served_whole),
	GLINT_TEST(test_an_action_is_an_alias_of_a_path),
	GLINT_TEST(test_a_connection_is_kept_for_further_requests),
	GLINT_TEST(test_pipelined_requests_are_answered_in_order),
	GLINT_TEST(test_a_request_may_come_byte_by_byte),
	GLINT_TEST(test_requests_may_overlap_in_pieces),
	GLINT_TEST(test_a_half_closed_peer_still_gets_its_reply),
	GLINT_TEST(test_http_1_0_ends_with_its_reply_unless_it_asks_otherwise),
	GLINT_TEST(test_a_refused_upload_gets_its_reply_and_no_reset),
	GLINT_TEST(test_a_peer_that_sends_on_without_end_is_closed),
	GLINT_TEST(test_every_path_needs_the_password),
	GLINT_TEST(test_a_password_without_authentication_in_the_build_is_an_error),
	GLINT_TEST(test_cors_headers_are_on_each_reply_with_allow_origin_only),
	GLINT_TEST(test_values_that_could_split_the_header_are_not_echoed),
)
