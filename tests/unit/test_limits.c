/* SPDX-License-Identifier: MIT */
/*
 * What one peer can take from others: places, time and the loop; glint_test_loop()
 * says on which loop. Time passes when a test says so: it sets the clocks of the
 * clients back and runs the sweep.
 */
#include <jansson.h>

#include "net/client.h"
#include "net/server.h"
#include "net_rig.h"

#define BOUNDARY "--boundarydonotcross\r\n"

/* A stream whose head has been read. */
static struct peer watch(struct rig *r)
{
	struct peer peer = peer_connect(r);

	peer_say(&peer, GET("/stream"));
	PEER_WAIT(r, &peer, strstr(peer.text, BOUNDARY));
	return peer;
}

static struct glint_client *only_client(struct rig *r)
{
	CU_ASSERT_EQUAL_FATAL(rig_counters(r).clients, 1);
	return glint_list_first(&r->net->clients, struct glint_client, link);
}

/* As if @ns had passed for all clients. */
static void let_pass(struct rig *r, uint64_t ns)
{
	struct glint_client *client;

	glint_list_for_each(client, &r->net->clients, link)
		client->taken_ns -= ns;
	glint_clients_sweep(r->net);
}

/* --- Slow and stuck ------------------------------------------------------------------- */

/* A unix socket tells of room when three quarters of it are free, so the send itself does not. */
static void test_a_peer_that_reads_slowly_is_not_taken_for_one_that_reads_nothing(void)
{
	const size_t step = 40000;	/* more than the kernel keeps in one piece */
	struct glint_client *client;
	struct peer peer;
	struct rig r;

	RIG_OPEN(&r);
	peer = watch(&r);
	client = only_client(&r);
	for (unsigned seq = 0; seq < 2; seq++)
		rig_push(&r, 300000, 'a', seq);
	rig_settle(r.loop);
	CU_ASSERT_TRUE(glint_client_is_sending(client));
	let_pass(&r, 0);	/* looks at the socket */
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(recv(peer.fd, peer.text, step, 0), (ssize_t)step);
		let_pass(&r, r.config.timeout_ns);
		CU_ASSERT_NOT_EQUAL(client->state, GLINT_CLIENT_CLOSED);
	}
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 0);

	let_pass(&r, r.config.timeout_ns);
	CU_ASSERT_EQUAL(rig_counters(&r).timed_out, 1);
	RIG_WAIT(&r, rig_counters(&r).clients == 0);
	peer_close(&peer);
	rig_close(&r);
}

static void test_in_a_full_house_what_nobody_reads_goes_sooner(void)
{
	struct glint_client *client;
	struct peer peers[8];
	struct rig r;

	RIG_PREPARE(&r);
	r.config.clients_max = 8;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	peers[0] = watch(&r);
	client = only_client(&r);
	for (unsigned seq = 0; seq < 2; seq++)
		rig_push(&r, 1000000, 'a', seq);
	rig_settle(r.loop);
	CU_ASSERT_TRUE(glint_client_is_sending(client));
	let_pass(&r, 0);

	let_pass(&r, r.config.timeout_ns / 2);
	CU_ASSERT_NOT_EQUAL(client->state, GLINT_CLIENT_CLOSED);
	for (unsigned i = 1; i < 6; i++)	/* six of eight: half of the time */
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
	CU_ASSERT_EQUAL(json_object_size(json_object_get(json_object_get(some, "stream"),
							 "clients_stat")), 32);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_object_get(some, "stream"),
							   "clients")), 40);
	all = ask_state(&r, GET("/state?clients=all"));
	CU_ASSERT_EQUAL(number(all, "clients", "streams_listed"), 40);
	CU_ASSERT_EQUAL(json_object_size(json_object_get(json_object_get(all, "stream"),
							 "clients_stat")), 40);
	json_decref(some);
	json_decref(all);
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peer_close(&peers[i]);
	rig_close(&r);
}

GLINT_TESTS("limits",
	GLINT_TEST(test_a_peer_that_reads_slowly_is_not_taken_for_one_that_reads_nothing),
	GLINT_TEST(test_in_a_full_house_what_nobody_reads_goes_sooner),
	GLINT_TEST(test_the_state_lists_some_streams_and_counts_all),
)
