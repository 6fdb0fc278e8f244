/* SPDX-License-Identifier: MIT */
/* GET /state as its readers take it; glint_test_loop() says on which loop. */
#include <jansson.h>

#include "core/stats.h"
#include "net_rig.h"

static json_t *ask_state(struct rig *r)
{
	struct peer peer = peer_ask(r, GET("/state"));
	json_error_t error;
	json_t *root;

	CU_ASSERT_EQUAL(reply_status(peer.text), 200);
	CU_ASSERT_STRING_EQUAL(reply_field(peer.text, "Content-Type"), "application/json");
	CU_ASSERT_PTR_NOT_NULL(strstr(reply_field(peer.text, "Cache-Control"), "no-store"));
	root = json_loads(reply_body(peer.text), JSON_REJECT_DUPLICATES, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	peer_close(&peer);
	return root;
}

/* "a.b.c" below @root; NULL when there is no such thing. */
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

static void test_it_has_what_ustreamers_has_in_its_order(void)
{
	json_t *root;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.instance_id = "cam.1";
	r.status.source.desired_fps = 25;
	r.status.source.rate_millihz = 29970;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	root = ask_state(&r);
	keys_are(root, "", "ok result");
	CU_ASSERT_TRUE(json_is_true(at(root, "ok")));
	keys_are(root, "result", "instance_id encoder source stream glint");
	is_text(root, "result.instance_id", "cam.1");
	keys_are(root, "result.encoder", "type quality");
	is_text(root, "result.encoder.type", "CPU");
	is_int(root, "result.encoder.quality", 80);
	keys_are(root, "result.source", "resolution online desired_fps captured_fps");
	is_int(root, "result.source.resolution.width", 64);
	is_int(root, "result.source.resolution.height", 48);
	CU_ASSERT_TRUE(json_is_true(at(root, "result.source.online")));
	is_int(root, "result.source.desired_fps", 25);
	is_int(root, "result.source.captured_fps", 30);
	keys_are(root, "result.stream", "queued_fps clients clients_stat");
	is_int(root, "result.stream.queued_fps", 0);
	is_int(root, "result.stream.clients", 0);
	keys_are(root, "result.stream.clients_stat", "");
	json_decref(root);
	rig_close(&r);
}

static void test_it_has_what_the_service_says(void)
{
	static struct glint_histogram wait;
	json_t *root;
	struct rig r;

	RIG_PREPARE(&r);
	glint_histogram_add(&wait, 1000);
	r.status.wait = &wait;
	r.status.source.rate_millihz = 59940;
	r.status.source.nominal_millihz = 60000;
	strcpy(r.status.format.fourcc, "NV12");
	r.status.format.n_planes = 2;
	r.status.format.stride[0] = 640;
	r.status.format.stride[1] = 320;
	r.status.frame.any = true;
	r.status.frame.seq = 4000000000u;
	r.status.frame.capture_ns = glint_now_ns() - 5;
	r.status.ledger = (struct glint_ledger){ .seen = 10, .delivered = 3, .driver_dropped = 2,
						 .corrupt = 1, .skipped = 1, .failed = 1,
						 .in_flight = 1 };
	r.status.buffers.count = 5;
	r.status.buffers.with_driver = 4;
	r.status.buffers.leased = 1;
	r.status.buffers.cancelled = 6;
	r.status.encoder.bytes = 1ull << 40;
	r.status.encoder.state = "quarantined";
	r.status.encoder.reason = "a job failed";
	r.status.encoder.memory = "import";
	r.status.encoder.driver_quality = 3;
	r.status.encoder.faults = 7;
	r.status.copies_per_frame = 0.25;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	root = ask_state(&r);
	keys_are(root, "result.glint",
		 "version uptime_s loop source device format frame ledger "
		 "buffers encoder offline_pictures latency_ns clients answers "
		 "copies_per_frame");
	is_text(root, "result.glint.version", "1.2.3");
	is_int(root, "result.glint.uptime_s", 0);
	is_text(root, "result.glint.loop.backend", "uring");
	is_real(root, "result.glint.source.fps", 59.94);
	is_real(root, "result.glint.source.nominal_fps", 60);
	is_text(root, "result.glint.device.card", "A card");
	is_text(root, "result.glint.format.fourcc", "NV12");
	CU_ASSERT_EQUAL(json_array_size(at(root, "result.glint.format.stride")), 2);
	CU_ASSERT_EQUAL(
		json_integer_value(json_array_get(at(root, "result.glint.format.stride"), 1)), 320);
	is_int(root, "result.glint.frame.sequence", 4000000000);
	CU_ASSERT_TRUE(json_integer_value(at(root, "result.glint.frame.age_ns")) >= 5);
	is_int(root, "result.glint.ledger.seen", 10);
	is_int(root, "result.glint.ledger.unaccounted", 1);
	is_int(root, "result.glint.buffers.driver", 4);
	is_int(root, "result.glint.buffers.cancelled", 6);
	is_int(root, "result.glint.encoder.bytes", 1ll << 40);
	is_text(root, "result.glint.encoder.state", "quarantined");
	is_text(root, "result.glint.encoder.reason", "a job failed");
	is_text(root, "result.glint.encoder.memory", "import");
	is_int(root, "result.glint.encoder.quality", 80);
	is_int(root, "result.glint.encoder.driver_quality", 3);
	is_int(root, "result.glint.encoder.faults", 7);
	keys_are(root, "result.glint.latency_ns", "wait encode send total");
	is_int(root, "result.glint.latency_ns.wait.count", 1);
	is_int(root, "result.glint.latency_ns.wait.max", 1000);
	is_int(root, "result.glint.latency_ns.encode.count", 0);
	is_real(root, "result.glint.copies_per_frame", 0.25);
	json_decref(root);
	rig_close(&r);
}

static void test_before_the_first_frame_it_is_whole_as_well(void)
{
	json_t *root;
	struct rig r;

	RIG_PREPARE(&r);
	r.status.source.online = false;
	r.status.source.reason = "opening";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	root = ask_state(&r);
	CU_ASSERT_TRUE(json_is_false(at(root, "result.source.online")));
	is_text(root, "result.glint.source.reason", "opening");
	is_text(root, "result.glint.format.fourcc", "");
	keys_are(root, "result.glint.frame", "");
	json_decref(root);
	rig_close(&r);
}

static void test_each_stream_is_listed_with_what_it_asked_for(void)
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
	/* The cookie is how a page finds itself. */
	snprintf(path, sizeof(path), "result.stream.clients_stat.%.16s",
		 strstr(reply_field(peer.text, "Set-Cookie"), "a%20b/") + 6);
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

static void test_pictures_count_once_however_many_take_them(void)
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
	/* All within a moment, so the rate is high; that it is one at all is what is seen here. */
	CU_ASSERT_TRUE(json_integer_value(at(root, "result.stream.queued_fps")) > 0);
	is_int(root, "result.glint.clients.pictures_sent", 6);
	json_decref(root);
	peer_close(&one);
	peer_close(&two);
	rig_close(&r);
}

static void test_a_fake_size_is_shown_instead_of_the_real_one(void)
{
	json_t *root;
	struct rig r;

	RIG_PREPARE(&r);
	r.config.fake_width = 1920;
	r.config.fake_height = 1080;
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	root = ask_state(&r);
	is_int(root, "result.source.resolution.width", 1920);
	is_int(root, "result.source.resolution.height", 1080);
	json_decref(root);
	rig_close(&r);
}

static void test_names_that_are_no_text_do_not_break_it(void)
{
	json_t *root;
	struct rig r;

	RIG_PREPARE(&r);
	r.status.device.card = "Caf\xe9 \xff\"\\\n";
	r.status.device.driver = "gr\xc3\xbcn";
	CU_ASSERT_EQUAL_FATAL(rig_create(&r), 0);
	root = ask_state(&r);
	is_text(root, "result.glint.device.card", "Caf? ?\"\\\n");
	is_text(root, "result.glint.device.driver", "gr\xc3\xbcn");
	json_decref(root);
	rig_close(&r);
}

GLINT_TESTS("state",
	GLINT_TEST(test_it_has_what_ustreamers_has_in_its_order),
	GLINT_TEST(test_it_has_what_the_service_says),
	GLINT_TEST(test_before_the_first_frame_it_is_whole_as_well),
	GLINT_TEST(test_each_stream_is_listed_with_what_it_asked_for),
	GLINT_TEST(test_pictures_count_once_however_many_take_them),
	GLINT_TEST(test_a_fake_size_is_shown_instead_of_the_real_one),
	GLINT_TEST(test_names_that_are_no_text_do_not_break_it),
)
