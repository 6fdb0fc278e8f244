/* SPDX-License-Identifier: MIT */
/* GET /state, as its readers parse it; on the loop of glint_test_loop(). */
#include <jansson.h>

#include "core/stats.h"
#include "http_rig.h"

static json_t *ask_state(struct rig *r)
{
	struct peer peer = peer_ask(r, GET("/state"));
	json_error_t error;
	json_t *root;

	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_header(peer.text, "Content-Type"), "application/json");
	CU_ASSERT_PTR_NOT_NULL(strstr(reply_header(peer.text, "Cache-Control"), "no-store"));
	root = json_loads(reply_body(peer.text), JSON_REJECT_DUPLICATES, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	peer_close(&peer);
	return root;
}

/* The value of "a.b.c" below @root; NULL: there is none. */
static json_t *at(json_t *root, const char *path)
{
	char name[64];

	while (root && *path) {
		size_t len = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		root = json_object_get(root, name);
		path += len + (path[len] == '.');
	}
	return root;
}

static void is_int(json_t *root, const char *path, long long wanted)
{
	json_t *value = at(root, path);

	if (!json_is_integer(value) || json_integer_value(value) != wanted)
		printf("# %s is another\n", path);
	CU_ASSERT_TRUE(json_is_integer(value));
	CU_ASSERT_EQUAL(json_integer_value(value), wanted);
}

static void is_text(json_t *root, const char *path, const char *wanted)
{
	json_t *value = at(root, path);

	CU_ASSERT_TRUE_FATAL(json_is_string(value));
	CU_ASSERT_STRING_EQUAL(json_string_value(value), wanted);
}

static void is_real(json_t *root, const char *path, double wanted)
{
	json_t *value = at(root, path);

	CU_ASSERT_TRUE_FATAL(json_is_number(value));
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(value), wanted, 1e-9);
}

static void keys_are(json_t *root, const char *path, const char *wanted)
{
	char keys[512] = "";
	const char *key;
	json_t *value;

	json_object_foreach(at(root, path), key, value) {
		strcat(keys, *keys ? " " : "");
		strcat(keys, key);
	}
	CU_ASSERT_STRING_EQUAL(keys, wanted);
}

/* --- A report as JSON ------------------------------------------------------------------- */

static void tell_all_kinds(struct rig *r, struct glint_report *report)
{
	static struct glint_histogram histogram;

	(void)r;
	histogram = (struct glint_histogram){ 0 };
	glint_histogram_add(&histogram, 1000);
	glint_report_text(report, "text", "A \"card\"");
	glint_report_text(report, "no_text", NULL);
	glint_report_int(report, "negative", INT64_MIN);
	glint_report_uint(report, "large", 1ull << 40);
	glint_report_uint(report, "too_large", UINT64_MAX);
	glint_report_real(report, "real", 0.25);
	glint_report_rate(report, "rate", 59940);
	glint_report_rounded_rate(report, "rounded", 59940);
	glint_report_bool(report, "yes", true);
	glint_report_bool(report, "no", false);
	glint_report_null(report, "nothing");
	glint_report_latency(report, "latency", &histogram);
	glint_report_list(report, "list");
	glint_report_uint(report, NULL, 640);
	glint_report_object(report, NULL);
	glint_report_text(report, "in", "a list");
	glint_report_end(report);
	glint_report_end(report);
	glint_report_object(report, "empty");
	glint_report_end(report);
}

static void test_each_kind_of_figure_has_its_type_in_json(void)
{
	json_t *root, *list;
	struct rig r;

	RIG_OPEN(&r);
	r.tell = tell_all_kinds;
	root = ask_state(&r);
	keys_are(root, "", "ok result");
	CU_ASSERT_TRUE(json_is_true(at(root, "ok")));
	keys_are(root, "result",
		 "text no_text negative large too_large real rate rounded yes no nothing latency "
		 "list empty stream glint");
	is_text(root, "result.text", "A \"card\"");
	CU_ASSERT_TRUE(json_is_null(at(root, "result.no_text")));
	is_int(root, "result.negative", INT64_MIN);
	is_int(root, "result.large", 1ll << 40);
	is_int(root, "result.too_large", INT64_MAX);
	is_real(root, "result.real", 0.25);
	is_real(root, "result.rate", 59.94);
	is_int(root, "result.rounded", 60);
	CU_ASSERT_TRUE(json_is_true(at(root, "result.yes")));
	CU_ASSERT_TRUE(json_is_false(at(root, "result.no")));
	CU_ASSERT_TRUE(json_is_null(at(root, "result.nothing")));
	keys_are(root, "result.latency", "p50 p90 p99 max count");
	is_int(root, "result.latency.max", 1000);
	is_int(root, "result.latency.count", 1);
	list = at(root, "result.list");
	CU_ASSERT_EQUAL(json_array_size(list), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_array_get(list, 0)), 640);
	is_text(json_array_get(list, 1), "in", "a list");
	keys_are(root, "result.empty", "");
	json_decref(root);
	rig_close(&r);
}

/* --- The server's figures ---------------------------------------------------------------- */

static void test_the_server_reports_clients_answers_and_latencies(void)
{
	struct peer peer;
	json_t *root;
	struct rig r;

	RIG_OPEN(&r);
	peer = peer_ask(&r, GET("/nowhere"));
	root = ask_state(&r);
	keys_are(root, "result.stream", "queued_fps clients clients_stat");
	is_int(root, "result.stream.queued_fps", 0);
	is_int(root, "result.stream.clients", 0);
	keys_are(root, "result.stream.clients_stat", "");
	keys_are(root, "result.glint", "latency_ns clients answers");
	keys_are(root, "result.glint.latency_ns", "send total");
	is_int(root, "result.glint.clients.accepted", 2);
	is_int(root, "result.glint.answers.404", 1);
	json_decref(root);
	peer_close(&peer);
	rig_close(&r);
}

static void test_each_stream_is_listed_with_its_query(void)
{
	struct peer peer;
	json_t *root, *stat;
	struct rig r;
	char path[64];

	RIG_OPEN(&r);
	peer = peer_ask(&r, GET("/stream?key=a%20b&extra_headers=1&zero_data=1"));
	rig_push(&r, 100, 'a', 1);
	RIG_WAIT(&r, rig_counters(&r).pictures_sent == 1);
	root = ask_state(&r);
	is_int(root, "result.stream.clients", 1);
	is_int(root, "result.glint.clients.streams", 1);
	is_int(root, "result.glint.clients.connections", 2);
	is_int(root, "result.glint.clients.pictures_sent", 1);
	is_int(root, "result.glint.latency_ns.send.count", 1);
	is_int(root, "result.glint.latency_ns.total.count", 1);
	/* By its cookie a page finds its own stream. */
	snprintf(path, sizeof(path), "result.stream.clients_stat.%.16s",
		 strstr(reply_header(peer.text, "Set-Cookie"), "a%20b/") + 6);
	stat = at(root, path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stat);
	keys_are(stat, "",
		 "fps extra_headers advance_headers dual_final_frames zero_data key sent skipped");
	is_text(stat, "key", "a%20b");
	CU_ASSERT_TRUE(json_is_true(at(stat, "extra_headers")));
	CU_ASSERT_TRUE(json_is_false(at(stat, "advance_headers")));
	CU_ASSERT_TRUE(json_is_true(at(stat, "zero_data")));
	is_int(stat, "fps", 0);
	is_int(stat, "sent", 1);
	is_int(stat, "skipped", 0);
	json_decref(root);
	peer_close(&peer);
	rig_close(&r);
}

static void test_a_picture_is_counted_once_for_all_clients(void)
{
	struct peer one, two;
	json_t *root;
	struct rig r;

	RIG_OPEN(&r);
	one = peer_ask(&r, GET("/stream"));
	two = peer_ask(&r, GET("/stream"));
	for (unsigned i = 0; i < 3; i++) {
		rig_push(&r, 100, 'a', i);
		RIG_WAIT(&r, rig_counters(&r).pictures_sent == 2 * (i + 1));
	}
	root = ask_state(&r);
	/* The pictures came within a moment, so the rate is high; here it only must be above 0. */
	CU_ASSERT_TRUE(json_integer_value(at(root, "result.stream.queued_fps")) > 0);
	is_int(root, "result.glint.clients.pictures_sent", 6);
	json_decref(root);
	peer_close(&one);
	peer_close(&two);
	rig_close(&r);
}

static void tell_odd_names(struct rig *r, struct glint_report *report)
{
	(void)r;
	glint_report_text(report, "card", "Caf\xe9 \xff\"\\\n");
	glint_report_text(report, "driver", "gr\xc3\xbcn");
}

static void test_names_that_are_not_utf_8_do_not_break_the_json(void)
{
	json_t *root;
	struct rig r;

	RIG_OPEN(&r);
	r.tell = tell_odd_names;
	root = ask_state(&r);
	is_text(root, "result.card", "Caf? ?\"\\\n");
	is_text(root, "result.driver", "gr\xc3\xbcn");
	json_decref(root);
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("state",
	GLINT_TEST(test_each_kind_of_figure_has_its_type_in_json),
	GLINT_TEST(test_the_server_reports_clients_answers_and_latencies),
	GLINT_TEST(test_each_stream_is_listed_with_its_query),
	GLINT_TEST(test_a_picture_is_counted_once_for_all_clients),
	GLINT_TEST(test_names_that_are_not_utf_8_do_not_break_the_json),
)
