/* SPDX-License-Identifier: MIT */
/*
 * Limits of one peer: places, time and the loop's time; on the loop of glint_test_loop(). To let
 * time pass, a test sets the stamps of the connections back and runs the sweep.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/wait.h>

#include "http/client.h"
#include "http/internal.h"
#include "http/login.h"
#include "http_rig.h"

#define BOUNDARY "--boundarydonotcross\r\n"

/* A stream whose head has been read. */
static struct peer watch(struct rig *r)
{
	struct peer peer = peer_connect(r);

	peer_say(&peer, GET("/stream"));
	PEER_WAIT(r, &peer, strstr(peer.text, BOUNDARY));
	return peer;
}

static struct glint_connection *only_connection(struct rig *r)
{
	CU_ASSERT_EQUAL_FATAL(rig_counters(r).clients, 1);
	return glint_list_first(&r->server->pool.connections, struct glint_connection, link);
}

/* The peer to which the wrong logins of this process count. */
static struct glint_peer *only_login(struct rig *r)
{
	return glint_list_first(&r->server->pool.connections, struct glint_connection, link)->login;
}

/* Let @ns pass for all connections. */
static void let_pass(struct rig *r, uint64_t ns)
{
	struct glint_connection *conn;

	glint_list_for_each(conn, &r->server->pool.connections, link)
		conn->taken_ns -= ns;
	glint_pool_sweep(&r->server->pool);
}

/* A connection of another peer, which is a process that has ended. */
static struct peer peer_elsewhere(struct rig *r)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), status;
	pid_t pid;

	strcpy(address.sun_path, r->path);
	pid = fork();
	CU_ASSERT_TRUE_FATAL(pid >= 0);
	if (pid == 0)
		_exit(connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0);
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL_FATAL(status, 0);
	return peer_of(fd);
}

/* Send a request on @peer, close @peer, and return the status. */
static unsigned asked(struct rig *r, struct peer peer, const char *request)
{
	unsigned status;

	peer_say(&peer, request);
	PEER_WAIT(r, &peer, reply_complete(&peer));
	status = reply_status(peer.text);
	peer_close(&peer);
	return status;
}

static int tcp_connect(const struct rig *r, const char *from)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, from, &address.sin_addr);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	address.sin_port = htons(glint_server_port(r->server));
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* --- Places ----------------------------------------------------------------------------- */

static void test_slow_connections_of_one_peer_do_not_keep_others_out(void)
{
	struct peer slow[8];
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = ARRAY_SIZE(slow);
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(slow); i++) {
		slow[i] = peer_connect(&r);
		peer_say(&slow[i], "GET /sta");
	}
	RIG_WAIT(&r, rig_counters(&r).clients == ARRAY_SIZE(slow));
	for (unsigned i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(asked(&r, peer_elsewhere(&r), GET("/state")), 200);
		/* The slow peer connects again. */
		peer_close(&slow[i % ARRAY_SIZE(slow)]);
		slow[i % ARRAY_SIZE(slow)] = peer_connect(&r);
		rig_settle(r.loop);
	}
	CU_ASSERT_EQUAL(rig_counters(&r).refused, 0);
	CU_ASSERT_TRUE(rig_counters(&r).displaced > 0);
	RIG_WAIT(&r, rig_counters(&r).clients == ARRAY_SIZE(slow) - 1 ||
			     rig_counters(&r).clients == ARRAY_SIZE(slow));
	for (unsigned i = 0; i < ARRAY_SIZE(slow); i++)
		peer_close(&slow[i]);
	rig_close(&r);
}

static void test_streams_that_are_read_are_not_displaced(void)
{
	struct peer peers[4], late;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = ARRAY_SIZE(peers);
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peers[i] = watch(&r);
	late = peer_elsewhere(&r);
	peer_say(&late, GET("/stream"));
	PEER_WAIT(&r, &late, late.ended);
	CU_ASSERT_EQUAL(reply_status(late.text), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(late.text, "\"too-many-clients\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(late.text, "--clients-max"));
	CU_ASSERT_EQUAL(rig_counters(&r).streams, ARRAY_SIZE(peers));
	CU_ASSERT_EQUAL(rig_counters(&r).displaced, 0);
	CU_ASSERT_EQUAL(rig_counters(&r).refused, 1);
	peer_close(&late);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peer_close(&peers[i]);
	rig_close(&r);
}

static void test_state_and_snapshot_are_answered_when_streams_fill_the_service(void)
{
	struct peer peers[4], monitors[GLINT_POOL_MONITORS], last;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = ARRAY_SIZE(peers);
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	rig_go_offline(&r, "no-signal");
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peers[i] = watch(&r);
	CU_ASSERT_EQUAL(asked(&r, peer_connect(&r), GET("/state")), 200);
	CU_ASSERT_EQUAL(asked(&r, peer_connect(&r), GET("/snapshot")), 200);
	CU_ASSERT_EQUAL(asked(&r, peer_connect(&r), GET("/?action=snapshot")), 200);
	CU_ASSERT_EQUAL(asked(&r, peer_connect(&r), GET("/stream")), 503);
	CU_ASSERT_EQUAL(rig_counters(&r).clients, ARRAY_SIZE(peers));
	CU_ASSERT_EQUAL(rig_counters(&r).refused, 1);
	RIG_WAIT(&r, r.server->pool.n_monitors == 0);

	/* One peer gets at most half of these places, and has a second for its request. */
	for (unsigned i = 0; i < ARRAY_SIZE(monitors); i++)
		monitors[i] = peer_connect(&r);
	RIG_WAIT(&r, rig_counters(&r).refused == 1 + GLINT_POOL_MONITORS / 2);
	CU_ASSERT_EQUAL(r.server->pool.n_monitors, GLINT_POOL_MONITORS / 2);
	CU_ASSERT_EQUAL(asked(&r, peer_elsewhere(&r), GET("/state")), 200);
	for (unsigned i = 0; i < ARRAY_SIZE(monitors); i++) {
		PEER_WAIT(&r, &monitors[i], monitors[i].ended);
		peer_close(&monitors[i]);
	}
	last = peer_ask(&r, GET("/state"));
	CU_ASSERT_STRING_EQUAL(reply_header(last.text, "Connection"), "close");
	peer_close(&last);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peer_close(&peers[i]);
	rig_close(&r);
}

static void test_tcp_leaves_places_for_the_unix_socket(void)
{
	struct peer tcp[8], own;
	struct rig r;

	if (!IS_ENABLED(CONFIG_NET_TCP))
		GLINT_SKIP("built without CONFIG_NET_TCP");
	RIG_PREPARE(&r);
	r.config.host = "127.0.0.1";
	r.config.clients_max = 8;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(tcp); i++)
		tcp[i] = peer_of(tcp_connect(&r, "127.0.0.2"));
	RIG_WAIT(&r, rig_counters(&r).refused == 1);
	CU_ASSERT_EQUAL(rig_counters(&r).clients, 7);
	own = peer_ask(&r, GET("/state"));
	CU_ASSERT_EQUAL(reply_status(own.text), 200);
	CU_ASSERT_EQUAL(rig_counters(&r).clients, 8);
	CU_ASSERT_EQUAL(rig_counters(&r).displaced, 0);
	peer_close(&own);
	for (unsigned i = 0; i < ARRAY_SIZE(tcp); i++)
		peer_close(&tcp[i]);
	rig_close(&r);
}

/* --- Logins ------------------------------------------------------------------------------- */

#define WITH(login)                                                                                \
	"GET /state HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " login "\r\n\r\n"
#define RIGHT WITH("bGFiOnRvcCBzZWNyZXQ=") /* lab:top secret */
#define WRONG WITH("bGFiOm5v")

#define LOGIN_RIG(r)                                                                               \
	do {                                                                                       \
		if (!IS_ENABLED(CONFIG_NET_AUTH))                                                  \
			GLINT_SKIP("built without CONFIG_NET_AUTH");                               \
		RIG_PREPARE(r);                                                                    \
		(r)->config.user = "lab";                                                          \
		(r)->config.password = "top secret";                                               \
		if (IS_ENABLED(CONFIG_NET_TCP))                                                    \
			(r)->config.host = "127.0.0.1";                                            \
		CU_ASSERT_EQUAL_FATAL(rig_create(r), 0);                                           \
	} while (0)

/* No held answer is sent until the test sets the alarm. */
static void hold_all(struct rig *r)
{
	glint_alarm_set(&r->server->login_hold, GLINT_ALARM_NEVER);
}

static void test_wrong_logins_cost_their_connection_time_and_no_other(void)
{
	struct peer wrong, kept;
	struct rig r;

	LOGIN_RIG(&r);
	kept = peer_ask(&r, RIGHT);
	for (unsigned i = 0; i < GLINT_LOGIN_FREE; i++)
		CU_ASSERT_EQUAL(asked(&r, peer_connect(&r), WRONG), 401);
	CU_ASSERT_EQUAL(rig_counters(&r).logins_held, 0);

	wrong = peer_connect(&r);
	peer_say(&wrong, WRONG);
	RIG_WAIT(&r, rig_counters(&r).logins_held == 1);
	hold_all(&r);
	/* Right logins of the same user are answered meanwhile, and so are requests without one. */
	CU_ASSERT_EQUAL(asked(&r, peer_connect(&r), RIGHT), 200);
	CU_ASSERT_EQUAL(asked(&r, peer_connect(&r), GET("/state")), 401);
	kept.used = 0;
	CU_ASSERT_EQUAL(asked(&r, kept, RIGHT), 200);
	rig_settle(r.loop);
	peer_take(&wrong);
	CU_ASSERT_EQUAL(wrong.used, 0);

	glint_alarm_set(&r.server->login_hold, glint_now_ns());
	PEER_WAIT(&r, &wrong, reply_complete(&wrong));
	CU_ASSERT_EQUAL(reply_status(wrong.text), 401);
	CU_ASSERT_EQUAL(rig_counters(&r).wrong_logins, GLINT_LOGIN_FREE + 1);
	CU_ASSERT_EQUAL(rig_counters(&r).logins_held, 0);
	peer_close(&wrong);
	rig_close(&r);
}

static void test_hanging_up_does_not_give_more_tries(void)
{
	struct peer kept, unchecked;
	struct rig r;

	LOGIN_RIG(&r);
	kept = peer_ask(&r, RIGHT);
	for (unsigned i = 0; i < GLINT_LOGIN_CHECKS + 50; i++) {
		struct peer peer = peer_connect(&r);

		peer_say(&peer, WRONG);
		RIG_WAIT(&r, rig_counters(&r).wrong_logins + rig_counters(&r).logins_unchecked ==
				     i + 1);
		peer_close(&peer);
		/* No time passes for the peer. */
		only_login(&r)->checks_ns = MAX(only_login(&r)->checks_ns, glint_now_ns()) +
					    10 * GLINT_LOGIN_HOLD_NS * (i == GLINT_LOGIN_CHECKS);
	}
	CU_ASSERT_TRUE(rig_counters(&r).wrong_logins >= GLINT_LOGIN_CHECKS);
	CU_ASSERT_TRUE(rig_counters(&r).wrong_logins <= GLINT_LOGIN_CHECKS + 1);
	RIG_WAIT(&r, rig_counters(&r).clients == 1);
	CU_ASSERT_EQUAL(rig_counters(&r).logins_held, 0);

	unchecked = peer_ask(&r, RIGHT);
	CU_ASSERT_EQUAL(reply_status(unchecked.text), 429);
	CU_ASSERT_PTR_NOT_NULL(strstr(unchecked.text, "\"too-many-logins\""));
	peer_close(&unchecked);
	/* A connection that has logged in, and other peers, are served. */
	kept.used = 0;
	CU_ASSERT_EQUAL(asked(&r, kept, RIGHT), 200);
	if (IS_ENABLED(CONFIG_NET_TCP))
		CU_ASSERT_EQUAL(asked(&r, peer_of(tcp_connect(&r, "127.0.0.2")), RIGHT), 200);
	rig_close(&r);
}

static void test_records_of_past_peers_are_bounded(void)
{
	struct glint_peer_key key = { .bytes = { 99 } };
	struct glint_peers peers;
	struct glint_peer *peer;

	glint_peers_init(&peers);
	for (unsigned i = 0; i < 10000; i++) {
		memcpy(key.bytes + 1, &i, sizeof(i));
		peer = glint_peer_get(&peers, &key);
		CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
		CU_ASSERT_EQUAL(peer->forget_ns, 0);
		peer->forget_ns = i % 2 ? UINT64_MAX : 0;
		peer = glint_peer_put(&peers, peer);
		CU_ASSERT_TRUE(peers.n_remembered <= GLINT_PEERS_REMEMBERED);
	}
	CU_ASSERT_EQUAL(peers.n_remembered, GLINT_PEERS_REMEMBERED);
	peer = glint_peer_get(&peers, &key);
	CU_ASSERT_EQUAL(peer->forget_ns, UINT64_MAX); /* the newest is */
	peer = glint_peer_put(&peers, peer);
	glint_peers_fini(&peers);
}

/* --- Slow and stuck ------------------------------------------------------------------- */

/* The send does not complete: a unix socket reports space when three quarters are free. */
static void test_a_slow_reader_is_not_closed_as_stuck(void)
{
	const size_t step = 40000; /* above the kernel's size of one piece */
	struct glint_connection *conn;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = watch(&r);
	conn = only_connection(&r);
	for (unsigned seq = 0; seq < 2; seq++)
		rig_push(&r, 300000, 'a', seq);
	rig_settle(r.loop);
	CU_ASSERT_TRUE(glint_connection_is_sending(conn));
	let_pass(&r, 0); /* looks at the socket */
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(recv(peer.fd, peer.text, step, 0), (ssize_t)step);
		let_pass(&r, r.config.timeout_ns);
		CU_ASSERT_NOT_EQUAL(conn->state, GLINT_CONNECTION_CLOSED);
	}
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 0);

	let_pass(&r, r.config.timeout_ns);
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 1);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	peer_close(&peer);
	rig_close(&r);
}

static void test_unread_connections_are_closed_sooner_when_places_are_scarce(void)
{
	struct glint_connection *conn;
	struct peer peers[8];
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = 8;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peers[0] = watch(&r);
	conn = only_connection(&r);
	for (unsigned seq = 0; seq < 2; seq++)
		rig_push(&r, 1000000, 'a', seq);
	rig_settle(r.loop);
	CU_ASSERT_TRUE(glint_connection_is_sending(conn));
	let_pass(&r, 0);

	let_pass(&r, r.config.timeout_ns / 2);
	CU_ASSERT_NOT_EQUAL(conn->state, GLINT_CONNECTION_CLOSED);
	for (unsigned i = 1; i < 6; i++) /* six of eight: half of the time */
		peers[i] = peer_ask(&r, GET("/state"));
	let_pass(&r, 0);
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 1);
	RIG_WAIT(&r, rig_counters(&r).clients == 5);
	for (unsigned i = 0; i < 6; i++)
		peer_close(&peers[i]);
	rig_close(&r);
}

/* --- The state -------------------------------------------------------------------------- */

static json_t *ask_state(struct rig *r, const char *request)
{
	struct peer peer = peer_ask(r, request);
	json_t *root = json_loads(reply_body(peer.text), 0, NULL), *result;

	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	result = json_incref(json_object_get(root, "result"));
	json_decref(root);
	peer_close(&peer);
	return result;
}

static json_int_t number(json_t *result, const char *object, const char *name)
{
	json_t *from = json_object_get(json_object_get(result, "glint"), object);

	CU_ASSERT_TRUE(json_is_integer(json_object_get(from, name)));
	return json_integer_value(json_object_get(from, name));
}

static void test_the_state_lists_some_streams_and_counts_all(void)
{
	struct peer peers[40];
	json_t *some, *all;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = 64;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peers[i] = watch(&r);

	some = ask_state(&r, GET("/state"));
	CU_ASSERT_EQUAL(number(some, "clients", "streams"), 40);
	CU_ASSERT_EQUAL(number(some, "clients", "streams_listed"), 32);
	CU_ASSERT_EQUAL(
		json_object_size(json_object_get(json_object_get(some, "stream"), "clients_stat")),
		32);
	CU_ASSERT_EQUAL(
		json_integer_value(json_object_get(json_object_get(some, "stream"), "clients")),
		40);
	all = ask_state(&r, GET("/state?clients=all"));
	CU_ASSERT_EQUAL(number(all, "clients", "streams_listed"), 40);
	CU_ASSERT_EQUAL(
		json_object_size(json_object_get(json_object_get(all, "stream"), "clients_stat")),
		40);
	json_decref(some);
	json_decref(all);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peer_close(&peers[i]);
	rig_close(&r);
}

static void test_answers_are_counted_by_status(void)
{
	json_t *result, *answers;
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(asked(&r, peer_connect(&r), GET("/nowhere")), 404);
	CU_ASSERT_EQUAL(asked(&r, peer_connect(&r), GET("/%zz")), 400);
	result = ask_state(&r, GET("/state"));
	answers = json_object_get(json_object_get(result, "glint"), "answers");
	CU_ASSERT_EQUAL(json_object_size(answers), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(answers, "404")), 3);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(answers, "400")), 1);
	json_decref(result);
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("limits",
	GLINT_TEST(test_slow_connections_of_one_peer_do_not_keep_others_out),
	GLINT_TEST(test_streams_that_are_read_are_not_displaced),
	GLINT_TEST(test_state_and_snapshot_are_answered_when_streams_fill_the_service),
	GLINT_TEST(test_tcp_leaves_places_for_the_unix_socket),
	GLINT_TEST(test_wrong_logins_cost_their_connection_time_and_no_other),
	GLINT_TEST(test_hanging_up_does_not_give_more_tries),
	GLINT_TEST(test_records_of_past_peers_are_bounded),
	GLINT_TEST(test_a_slow_reader_is_not_closed_as_stuck),
	GLINT_TEST(test_unread_connections_are_closed_sooner_when_places_are_scarce),
	GLINT_TEST(test_the_state_lists_some_streams_and_counts_all),
	GLINT_TEST(test_answers_are_counted_by_status),
)
