/* SPDX-License-Identifier: MIT */
/* Routes by method and requests with bodies, on a table of routes of this test's own. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>

#include "http/client.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/route.h"
#include "http_rig.h"

/* --- A route with a JSON body --------------------------------------------------------- */

static json_int_t gain;

static void gain_get(struct glint_client *client)
{
	glint_json_reply(client, 200, json_pack("{s:b, s:I}", "ok", true, "gain", gain));
}

static void gain_patch(struct glint_client *client)
{
	json_t *body = glint_json_body(client);

	if (!body)
		return;
	if (json_is_integer(json_object_get(body, "gain"))) {
		gain = json_integer_value(json_object_get(body, "gain"));
		gain_get(client);
	} else {
		glint_json_refuse(client, 422, "bad-gain", "gain must be \"a number\"");
	}
	json_decref(body);
}

#define GAIN_BODY_MAX 1000u

static const struct glint_route gain_route = {
	.paths = { "/gain", "/volume" },
	.on[GLINT_METHOD_GET] = { .handle = gain_get },
	.on[GLINT_METHOD_PATCH] = {
		.handle = gain_patch,
		.body_max = GAIN_BODY_MAX,
		.media_type = "application/json",
		.changes = true,
	},
};

/* --- A route that takes any method ----------------------------------------------------- */

static void echo_handle(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);

	glint_json_reply(client, 200,
			 json_pack("{s:s, s:s%}", "method", glint_method_name(request->method),
				   "body", request->body, request->body_size));
}

/* clang-format off */
#define ECHO { .handle = echo_handle, .body_max = 65536, .media_type = "text/plain" }
/* clang-format on */

static const struct glint_route echo_route = {
	.paths = { "/echo" },
	.on = {
		[GLINT_METHOD_POST] = ECHO,
		[GLINT_METHOD_PUT] = ECHO,
		[GLINT_METHOD_PATCH] = ECHO,
		[GLINT_METHOD_DELETE] = ECHO,
	},
};

static const struct glint_route *const table[] = { &gain_route, &echo_route, NULL };

#define BODIES_OPEN(r)                                                                             \
	do {                                                                                       \
		RIG_OPEN(r);                                                                       \
		(r)->server->routes = table;                                                       \
		gain = 7;                                                                          \
	} while (0)

/* No request is under way, so no body may be held. */
static void bodies_close(struct rig *r)
{
	RIG_WAIT(r, r->server->bodies.bytes == 0);
	rig_close(r);
}

static struct peer ask(struct rig *r, const char *head, const char *body)
{
	char request[2048];

	snprintf(request, sizeof(request), "%s\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
		 head, strlen(body), body);
	return peer_ask(r, request);
}

#define JSON	   "\r\nContent-Type: application/json"
#define PATCH_GAIN "PATCH /gain HTTP/1.1" JSON

/* The status of a request, and whether the text is in the reply. */
static void expect(struct rig *r, const char *head, const char *body, unsigned status,
		   const char *within)
{
	struct peer peer = ask(r, head, body);

	CU_ASSERT_EQUAL(reply_status(peer.text), status);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, within));
	if (reply_status(peer.text) != status || !strstr(peer.text, within))
		printf("# %s: %s\n", head, peer.text);
	peer_close(&peer);
}

/* --- Methods --------------------------------------------------------------------------- */

static void test_each_method_has_its_handler_and_others_are_405_with_allow(void)
{
	struct peer peer;
	struct rig r;

	BODIES_OPEN(&r);
	expect(&r, "GET /gain HTTP/1.1", "", 200, "\"gain\": 7}");
	expect(&r, PATCH_GAIN, "{\"gain\": 9}", 200, "\"gain\": 9}");
	expect(&r, "GET /volume HTTP/1.1", "", 200, "\"gain\": 9}");
	expect(&r, "POST /gain HTTP/1.1", "", 405, "\r\nAllow: GET, HEAD, PATCH, OPTIONS\r\n");
	expect(&r, "DELETE /gain HTTP/1.1", "", 405, "\"method-not-allowed\"");
	expect(&r, "GET /echo HTTP/1.1", "", 405,
	       "\r\nAllow: POST, PUT, PATCH, DELETE, OPTIONS\r\n");
	expect(&r, "PUT /nowhere HTTP/1.1", "", 404, "Not Found");
	expect(&r, "TRACE /gain HTTP/1.1", "", 501, "Not Implemented");
	expect(&r, "OPTIONS /gain HTTP/1.1", "", 200, "\r\nAllow: GET, HEAD, PATCH, OPTIONS\r\n");
	expect(&r, "OPTIONS * HTTP/1.1", "", 200,
	       "\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
	expect(&r, "POST /echo HTTP/1.1", "", 200, "\"method\": \"POST\"");
	expect(&r, "PUT /echo HTTP/1.1", "", 200, "\"method\": \"PUT\"");
	expect(&r, "DELETE /echo HTTP/1.1", "", 200, "\"method\": \"DELETE\"");

	/* A 405 without a body leaves the connection for the next request. */
	peer = peer_ask(&r, "POST /gain HTTP/1.1\r\nHost: x\r\n\r\n");
	CU_ASSERT_EQUAL(reply_status(peer.text), 405);
	peer.used = 0;
	peer_say(&peer, GET("/gain"));
	PEER_WAIT(&r, &peer, strstr(peer.text, "\"gain\": 9}"));
	peer_close(&peer);
	bodies_close(&r);
}

static void test_head_of_a_refusal_has_no_body(void)
{
	struct peer peer;
	struct rig r;

	BODIES_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, "HEAD /echo HTTP/1.1\r\nConnection: close\r\n\r\n");
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(reply_status(peer.text), 405);
	CU_ASSERT_STRING_EQUAL(reply_body(peer.text), "");
	peer_close(&peer);
	bodies_close(&r);
}

/* --- Bodies ----------------------------------------------------------------------------- */

static void test_a_handler_gets_the_whole_body(void)
{
	static const char *const requests[] = {
		"POST /echo HTTP/1.1\r\nContent-Type: text/plain; charset=utf-8\r\n"
		"Content-Length: 8\r\n\r\nab\"cdefg",
		"POST /echo HTTP/1.1\r\nContent-Type: TEXT/PLAIN\r\n"
		"Transfer-Encoding: chunked\r\n\r\n3\r\nab\"\r\n5;x\r\ncdefg\r\n0\r\nA: b\r\n\r\n",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		for (size_t cut = 1; cut < strlen(requests[i]); cut += 7) {
			struct peer peer;
			struct rig r;

			BODIES_OPEN(&r);
			peer = peer_connect(&r);
			peer_write(&peer, requests[i], cut);
			rig_settle(r.loop);
			CU_ASSERT_EQUAL(peer.used, 0);
			peer_say(&peer, requests[i] + cut);
			peer_say(&peer, GET("/gain"));
			PEER_WAIT(&r, &peer, strstr(peer.text, "\"gain\": 7}"));
			CU_ASSERT_EQUAL(count_of(peer.text, "HTTP/1.1 200 OK\r\n"), 2);
			CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "\"ab\\\"cdefg\""));
			peer_close(&peer);
			bodies_close(&r);
		}
	}
}

static void test_a_body_for_a_path_without_one_is_dropped(void)
{
	struct peer peer;
	struct rig r;

	BODIES_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, "GET /gain HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET " GET("/volume"));
	PEER_WAIT(&r, &peer, count_of(peer.text, "\"gain\": 7}") == 2);
	peer_close(&peer);
	peer = peer_ask(&r, "GET /gain HTTP/1.1\r\nContent-Length: 65537\r\n\r\n");
	CU_ASSERT_EQUAL(reply_status(peer.text), 413);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "65536 bytes at most"));
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Connection"), "close");
	peer_close(&peer);
	bodies_close(&r);
}

static void test_a_body_above_the_maximum_of_its_endpoint_is_413(void)
{
	static char text[3 * GAIN_BODY_MAX];
	struct peer peer;
	struct rig r;

	BODIES_OPEN(&r);
	peer = peer_ask(&r, PATCH_GAIN "\r\nContent-Length: 1001\r\n\r\n");
	CU_ASSERT_EQUAL(reply_status(peer.text), 413);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer.text, "the body may have 1000 bytes at most"));
	peer_close(&peer);

	/* The length of a chunked body is not known before the body. */
	snprintf(text, sizeof(text), "%s\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n%1001d",
		 PATCH_GAIN, 5);
	peer = peer_ask(&r, text);
	CU_ASSERT_EQUAL(reply_status(peer.text), 413);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Connection"), "close");
	peer_close(&peer);

	/* The largest is taken. */
	snprintf(text, sizeof(text), "{\"gain\": 1}%989s", "");
	expect(&r, PATCH_GAIN, text, 200, "\"gain\": 1}");
	bodies_close(&r);
}

static void test_another_media_type_is_415_and_the_reply_names_the_right_one(void)
{
	struct rig r;

	BODIES_OPEN(&r);
	expect(&r, "PATCH /gain HTTP/1.1\r\nContent-Type: text/plain", "{}", 415,
	       "\r\nAccept: application/json\r\n");
	expect(&r, "PATCH /gain HTTP/1.1", "{}", 415, "Content-Type: application/json\"");
	expect(&r, "PATCH /gain HTTP/1.1\r\nContent-Type: application/jsonp", "{}", 415,
	       "media-type");
	expect(&r, PATCH_GAIN "\r\nContent-Encoding: gzip", "{}", 415,
	       "\r\nAccept-Encoding: identity\r\n");
	CU_ASSERT_EQUAL(gain, 7);
	bodies_close(&r);
}

static void test_malformed_json_is_400_with_line_and_column(void)
{
	struct rig r;

	BODIES_OPEN(&r);
	expect(&r, PATCH_GAIN, "{\"gain\":\n  1,}", 400, "\"bad-json\"");
	expect(&r, PATCH_GAIN, "{\"gain\":\n  1,}", 400, "line 2, column ");
	expect(&r, PATCH_GAIN, "{\"gain\": 1, \"gain\": 2}", 400, "duplicate");
	expect(&r, PATCH_GAIN, "\"\xff\"", 400, "bad-json");
	expect(&r, PATCH_GAIN, "{} {}", 400, "line 1, column 4");
	expect(&r, PATCH_GAIN, "", 400, "line 1, column 0");
	expect(&r, PATCH_GAIN, "{\"gain\": \"x\"}", 422, "gain must be \\\"a number\\\"");
	CU_ASSERT_EQUAL(gain, 7);
	bodies_close(&r);
}

/* --- Expect ------------------------------------------------------------------------------ */

#define EXPECTING PATCH_GAIN "\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n"
#define CONTINUE  "HTTP/1.1 100 Continue\r\n\r\n"

static void test_expect_100_continue_is_answered_before_the_body(void)
{
	struct peer peer;
	struct rig r;

	BODIES_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, EXPECTING);
	PEER_WAIT(&r, &peer, peer.used > 0);
	CU_ASSERT_STRING_EQUAL(peer.text, CONTINUE);
	peer_say(&peer, "{\"gain\": 5}");
	PEER_WAIT(&r, &peer, strstr(peer.text, "\"gain\": 5}"));
	CU_ASSERT_PTR_EQUAL(strstr(peer.text, "HTTP/1.1 200 OK\r\n"), peer.text + strlen(CONTINUE));

	/* A peer that does not wait gets the same. */
	peer.used = 0;
	peer_say(&peer, EXPECTING "{\"gain\": 6}" GET("/volume"));
	PEER_WAIT(&r, &peer, count_of(peer.text, "\"gain\": 6}") == 2);
	peer_close(&peer);
	bodies_close(&r);
}

static void test_a_refusal_does_not_wait_for_the_body(void)
{
	struct peer peer;
	struct rig r;

	BODIES_OPEN(&r);
	peer = peer_ask(&r, "PATCH /nowhere HTTP/1.1\r\nContent-Length: 11\r\n"
			    "Expect: 100-continue\r\n\r\n");
	CU_ASSERT_EQUAL(reply_status(peer.text), 404);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Connection"), "close");
	peer_close(&peer);
	expect(&r, "GET /gain HTTP/1.1\r\nExpect: the-unexpected", "", 417, "100-continue");
	/* Without a body, and for HTTP/1.0, Expect has no effect. */
	expect(&r, "GET /gain HTTP/1.1\r\nExpect: 100-continue", "", 200, "HTTP/1.1 200 OK\r\n");
	peer = peer_ask(&r, "PATCH /gain HTTP/1.0" JSON "\r\nExpect: 100-continue\r\n"
			    "Content-Length: 11\r\n\r\n{\"gain\": 8}");
	CU_ASSERT_NSTRING_EQUAL(peer.text, "HTTP/1.0 200 OK\r\n", 17);
	peer_close(&peer);
	bodies_close(&r);
}

/* --- Memory ------------------------------------------------------------------------------ */

static void test_all_bodies_together_are_bounded_and_counted(void)
{
	enum { N = GLINT_BODIES_MAX / 65536 };
	static struct peer peers[N];
	struct peer one;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = N + 8;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	r.server->routes = table;
	for (unsigned i = 0; i < N; i++) {
		peers[i] = peer_connect(&r);
		peer_say(&peers[i], "POST /echo HTTP/1.1\r\nContent-Type: text/plain\r\n"
				    "Content-Length: 65536\r\n\r\na");
	}
	RIG_WAIT(&r, r.server->bodies.bytes == GLINT_BODIES_MAX);
	one = ask(&r, PATCH_GAIN, "{}");
	CU_ASSERT_EQUAL(reply_status(one.text), 503);
	CU_ASSERT_STRING_EQUAL(reply_header(one.text, "Retry-After"), "1");
	CU_ASSERT_EQUAL(r.server->bodies.refused, 1);
	peer_close(&one);

	/* A request without a body is answered, and memory comes back. */
	expect(&r, "GET /gain HTTP/1.1", "", 200, "gain");
	peer_close(&peers[0]);
	RIG_WAIT(&r, r.server->bodies.bytes < GLINT_BODIES_MAX);
	expect(&r, PATCH_GAIN, "{\"gain\": 1}", 200, "gain");
	for (unsigned i = 1; i < N; i++)
		peer_close(&peers[i]);
	bodies_close(&r);
}

static void test_an_incomplete_body_times_out(void)
{
	struct glint_connection *conn;
	struct peer peer;
	struct rig r;

	BODIES_OPEN(&r);
	peer = peer_connect(&r);
	peer_say(&peer, PATCH_GAIN "\r\nContent-Length: 11\r\n\r\n{");
	RIG_WAIT(&r, r.server->bodies.bytes == 11);
	conn = glint_list_first(&r.server->pool.connections, struct glint_connection, link);
	CU_ASSERT_TRUE(conn->deadline_ns <= glint_now_ns() + r.config.timeout_ns);
	conn->deadline_ns = glint_now_ns();
	glint_pool_sweep(&r.server->pool);
	PEER_WAIT(&r, &peer, peer.ended);
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 1);
	peer_close(&peer);
	bodies_close(&r);
}

/* --- Pages of other origins ---------------------------------------------------------------- */

static const struct {
	const char *headers;
	bool allowed;  /* to change something */
	bool with_lab; /* likewise with --allow-origin http://lab.example */
} origins[] = {
	{ "", true, true },
	{ "\r\nOrigin: http://localhost", true, true },
	{ "\r\nOrigin: https://LOCALHOST", true, true },
	{ "\r\nOrigin: http://localhost:81", false, false },
	{ "\r\nOrigin: http://localhost.evil.example", false, false },
	{ "\r\nOrigin: null", false, false },
	{ "\r\nOrigin:", false, false },
	{ "\r\nOrigin: http://evil.example", false, false },
	{ "\r\nOrigin: http://lab.example", false, true },
	{ "\r\nOrigin: http://lab.example\r\nSec-Fetch-Site: cross-site", false, true },
	{ "\r\nOrigin: http://evil.example\r\nSec-Fetch-Site: cross-site", false, false },
	{ "\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-site", false, false },
	{ "\r\nSec-Fetch-Site: cross-site", false, false },
	{ "\r\nSec-Fetch-Site: none", true, true },
	/* A proxy has replaced the Host header. */
	{ "\r\nOrigin: https://proxy.example\r\nSec-Fetch-Site: same-origin", true, true },
};

static void test_pages_of_other_origins_may_not_change_anything(void)
{
	for (unsigned lab = 0; lab < 2; lab++) {
		struct rig r;

		RIG_PREPARE(&r);
		r.config.allow_origin = lab ? "http://lab.example" : NULL;
		CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
		r.server->routes = table;
		for (unsigned i = 0; i < ARRAY_SIZE(origins); i++) {
			bool allowed = lab ? origins[i].with_lab : origins[i].allowed;
			char head[256];

			snprintf(head, sizeof(head), "%s%s", PATCH_GAIN, origins[i].headers);
			gain = 7;
			expect(&r, head, "{\"gain\": 8}", allowed ? 200 : 403,
			       allowed ? "\"gain\": 8}" : "other-origin");
			CU_ASSERT_EQUAL(gain, allowed ? 8 : 7);
			snprintf(head, sizeof(head), "GET /gain HTTP/1.1%s", origins[i].headers);
			expect(&r, head, "", 200, "\"gain\""); /* to read is no change */
		}
		bodies_close(&r);
	}
}

static void test_a_preflight_lists_the_methods_of_its_path(void)
{
	struct peer peer;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.allow_origin = "http://lab.example";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	r.server->routes = table;
	peer = ask(&r,
		   "OPTIONS /gain HTTP/1.1\r\nOrigin: http://lab.example\r\n"
		   "Access-Control-Request-Method: PATCH\r\n"
		   "Access-Control-Request-Headers: content-type",
		   "");
	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Access-Control-Allow-Methods"),
			       "GET, HEAD, PATCH, OPTIONS");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Access-Control-Allow-Headers"),
			       "content-type");
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Access-Control-Allow-Origin"),
			       "http://lab.example");
	peer_close(&peer);
	expect(&r, "OPTIONS /nowhere HTTP/1.1", "", 404, "Not Found");
	bodies_close(&r);
}

/* --- On TCP ---------------------------------------------------------------------------------- */

static struct peer tcp_ask(struct rig *r, const char *request)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct peer peer;

	address.sin_port = htons(glint_server_port(r->server));
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	peer = peer_of(fd);
	peer_say(&peer, request);
	PEER_WAIT(r, &peer, reply_complete(&peer));
	return peer;
}

#define LOGIN "\r\nAuthorization: Basic bGFiOng=" /* lab:x */
#define CHANGE(host)                                                                               \
	"PATCH /gain HTTP/1.1" JSON LOGIN "\r\nHost: " host                                        \
	"\r\nContent-Length: 11\r\n\r\n{\"gain\": 8}"

static void test_on_tcp_a_request_needs_a_host_and_a_change_needs_a_known_one(void)
{
	static const struct {
		const char *request;
		bool login;
		unsigned status;
	} rows[] = {
		{ "GET /gain HTTP/1.1\r\n\r\n", false, 400 },
		{ "GET /gain HTTP/1.0\r\n\r\n", false, 200 },
		{ GET("/gain"), false, 421 },
		{ "GET /gain HTTP/1.1" LOGIN "\r\n\r\n", true, 400 },
		{ "GET /gain HTTP/1.1" LOGIN "\r\nHost: evil.example\r\n\r\n", true, 200 },
		{ CHANGE("evil.example"), false, 421 },
		{ CHANGE("evil.example"), true, 403 },
		{ CHANGE("localhost"), true, 200 },
		{ CHANGE("localhost"), false, 200 },
	};

	if (!IS_ENABLED(CONFIG_NET_TCP) || !IS_ENABLED(CONFIG_NET_AUTH))
		GLINT_SKIP("built without CONFIG_NET_TCP or CONFIG_NET_AUTH");
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct peer peer;
		struct rig r;

		RIG_PREPARE(&r);
		r.config.host = "127.0.0.1";
		r.config.user = rows[i].login ? "lab" : NULL;
		r.config.password = "x";
		CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
		r.server->routes = table;
		gain = 7;
		peer = tcp_ask(&r, rows[i].request);
		if (reply_status(peer.text) != rows[i].status)
			printf("# row %u: %s\n", i, peer.text);
		CU_ASSERT_EQUAL(reply_status(peer.text), rows[i].status);
		CU_ASSERT_TRUE(gain == 7 || rows[i].status == 200);
		peer_close(&peer);
		bodies_close(&r);
	}
}

/* clang-format off */
GLINT_TESTS("bodies",
	GLINT_TEST(test_each_method_has_its_handler_and_others_are_405_with_allow),
	GLINT_TEST(test_head_of_a_refusal_has_no_body),
	GLINT_TEST(test_a_handler_gets_the_whole_body),
	GLINT_TEST(test_a_body_for_a_path_without_one_is_dropped),
	GLINT_TEST(test_a_body_above_the_maximum_of_its_endpoint_is_413),
	GLINT_TEST(test_another_media_type_is_415_and_the_reply_names_the_right_one),
	GLINT_TEST(test_malformed_json_is_400_with_line_and_column),
	GLINT_TEST(test_expect_100_continue_is_answered_before_the_body),
	GLINT_TEST(test_a_refusal_does_not_wait_for_the_body),
	GLINT_TEST(test_all_bodies_together_are_bounded_and_counted),
	GLINT_TEST(test_an_incomplete_body_times_out),
	GLINT_TEST(test_pages_of_other_origins_may_not_change_anything),
	GLINT_TEST(test_a_preflight_lists_the_methods_of_its_path),
	GLINT_TEST(test_on_tcp_a_request_needs_a_host_and_a_change_needs_a_known_one),
)
