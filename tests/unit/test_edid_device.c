/* SPDX-License-Identifier: MIT */
/*
 * The EDID of the device in the whole service, on the scripted device, requested over its socket.
 * glint_test_loop() says on which loop.
 */
#include "capture/internal.h"
#include "service_rig.h"
#include "v4l2/edid_set.h"

static char reply[1 << 17];

static int put_bytes(struct world *w, const uint8_t *edid, size_t size)
{
	char head[256];
	int fd, n;

	n = snprintf(head, sizeof(head),
		     "PUT /edid HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
		     "Content-Length: %zu\r\n\r\n",
		     size);
	CU_ASSERT_TRUE_FATAL(n > 0);
	fd = world_ask(w, head);
	CU_ASSERT_EQUAL(send(fd, edid, size, 0), (ssize_t)size);
	return fd;
}

static int put_name(struct world *w, const char *name)
{
	char request[256];

	snprintf(request, sizeof(request),
		 "PUT /edid HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		 "Content-Length: %zu\r\n\r\n{\"name\":\"%s\"}",
		 strlen(name) + 11, name);
	return world_ask(w, request);
}

static int get(struct world *w, const char *query, const char *headers)
{
	char request[256];

	snprintf(request, sizeof(request), "GET /edid%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query,
		 headers);
	return world_ask(w, request);
}

/* Wait for the whole reply on @fd, close it, and return the status. */
static unsigned answer(struct world *w, int fd)
{
	size_t used = 0;

	reply[0] = '\0';
	for (int turn = 0; turn < WORLD_TURNS; turn++) {
		world_turn(w);
		used += world_take(fd, reply + used, sizeof(reply) - 1 - used);
		reply[used] = '\0';
		if (world_reply_is_whole(reply, used))
			break;
	}
	close(fd);
	return strlen(reply) > 12 ? (unsigned)atoi(reply + 9) : 0;
}

static bool says(const char *words)
{
	return strstr(reply, words);
}

/* An HDMI input as vivid has it: EBUSY while buffers exist. */
static void hdmi(struct world *w, unsigned blocks)
{
	world_prepare(w, V4L2_PIX_FMT_YUYV, 640, 480);
	w->camera.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	w->camera.timings_width = 640;
	w->camera.timings_height = 480;
	w->camera.edid_max = 2;
	w->camera.edid_is_busy = true;
	w->camera.edid_blocks = blocks;
	CU_ASSERT_EQUAL_FATAL(glint_edid_set_build("720p60", w->camera.edid), 0);
}

static void test_an_edid_is_read_in_words_and_as_bytes(void)
{
	struct world w;

	hdmi(&w, 2);
	WORLD_START(&w);
	CU_ASSERT_EQUAL(answer(&w, get(&w, "", "")), 200);
	CU_ASSERT_TRUE(says("\"name\": \"glint 720p60\""));
	CU_ASSERT_TRUE(says("\"physical_address\": \"1.0.0.0\""));
	CU_ASSERT_TRUE(says("\"hex\": \"00ffffffffffff00"));
	CU_ASSERT_FALSE(says("physical_address_kept"));
	CU_ASSERT_EQUAL(answer(&w, get(&w, "?format=binary", "")), 200);
	CU_ASSERT_TRUE(says("Content-Type: application/octet-stream\r\nContent-Length: 256"));
	CU_ASSERT_EQUAL(answer(&w, get(&w, "", "Accept: application/octet-stream\r\n")), 200);
	CU_ASSERT_TRUE(says("application/octet-stream"));
	CU_ASSERT_EQUAL(answer(&w, get(&w, "?format=text", "")), 400);
	CU_ASSERT_EQUAL(world_source(&w).restarts, 0);
	world_close(&w);
}

static void test_the_stream_stops_for_an_edid_if_the_driver_wants_it(void)
{
	struct world w;

	hdmi(&w, 2);
	WORLD_START(&w);
	CU_ASSERT_EQUAL(answer(&w, put_name(&w, "1440p60-audio")), 200);
	CU_ASSERT_TRUE(says("\"name\": \"glint 1440p60\""));
	CU_ASSERT_EQUAL(w.camera.edid_writes, 1);
	WORLD_WAIT(&w, world_streams(&w));
	CU_ASSERT_EQUAL(world_source(&w).restarts, 1);
	CU_ASSERT_EQUAL(world_source(&w).opens, 1);

	/* The same again changes nothing, and the source need not look. */
	CU_ASSERT_EQUAL(answer(&w, put_name(&w, "1440p60-audio")), 200);
	CU_ASSERT_EQUAL(w.camera.edid_writes, 1);
	CU_ASSERT_EQUAL(world_source(&w).restarts, 1);
	world_close(&w);
}

static void test_the_stream_goes_on_if_the_driver_allows_it(void)
{
	uint8_t edid[GLINT_EDID_SET_SIZE];
	struct world w;

	hdmi(&w, 2);
	w.camera.edid_is_busy = false;
	WORLD_START(&w);
	CU_ASSERT_EQUAL_FATAL(glint_edid_set_build("4k30", edid), 0);
	CU_ASSERT_EQUAL(answer(&w, put_bytes(&w, edid, sizeof(edid))), 200);
	CU_ASSERT_EQUAL(memcmp(w.camera.edid, edid, sizeof(edid)), 0);
	CU_ASSERT_EQUAL(world_source(&w).restarts, 0);
	world_close(&w);
}

static void test_the_physical_address_is_kept(void)
{
	struct world w;

	hdmi(&w, 2);
	CU_ASSERT_TRUE(glint_edid_set_address(w.camera.edid, 256, 0x2300));
	WORLD_START(&w);
	CU_ASSERT_EQUAL(answer(&w, put_name(&w, "1080p60")), 200);
	CU_ASSERT_TRUE(says("\"physical_address\": \"2.3.0.0\""));
	CU_ASSERT_TRUE(says("\"physical_address_kept\": true"));
	CU_ASSERT_EQUAL(glint_edid_address(w.camera.edid, 256), 0x2300);
	world_close(&w);
}

static void test_refusals_have_their_reasons_and_change_nothing(void)
{
	uint8_t edid[512] = { 0 };
	struct world w;

	hdmi(&w, 2);
	WORLD_START(&w);
	CU_ASSERT_EQUAL_FATAL(glint_edid_set_build("1080p60", edid), 0);
	edid[200] ^= 1;
	CU_ASSERT_EQUAL(answer(&w, put_bytes(&w, edid, 256)), 400);
	CU_ASSERT_TRUE(says("bad-edid") && says("wrong check sum in block 1"));
	edid[200] ^= 1;
	edid[126] = 3;
	glint_edid_sum(edid);
	CU_ASSERT_EQUAL(answer(&w, put_bytes(&w, edid, 512)), 409);
	CU_ASSERT_TRUE(says("edid-too-large") && says("has 4 blocks") && says("takes 2"));
	CU_ASSERT_EQUAL(answer(&w, put_name(&w, "1080p61")), 400);
	CU_ASSERT_TRUE(says("unknown-edid") && says("1080p60, 720p60"));
	CU_ASSERT_EQUAL(w.camera.edid_writes, 0);
	CU_ASSERT_EQUAL(world_source(&w).restarts, 0);

	w.camera.edid_is_broken = true;
	CU_ASSERT_EQUAL(answer(&w, put_name(&w, "1080p60")), 409);
	CU_ASSERT_TRUE(says("other-edid"));
	world_close(&w);
}

static void test_a_device_without_edid_says_so(void)
{
	struct world w;

	hdmi(&w, 0);
	WORLD_START(&w);
	CU_ASSERT_EQUAL(answer(&w, get(&w, "", "")), 404);
	CU_ASSERT_TRUE(says("no-edid") && says("sees no display"));
	CU_ASSERT_EQUAL(answer(&w, put_name(&w, "1080p60")), 200);
	CU_ASSERT_EQUAL(answer(&w, put_name(&w, "none")), 200);
	CU_ASSERT_TRUE(says("\"blocks\": 0"));
	world_close(&w);

	hdmi(&w, 0);
	w.camera.edid_max = 0;
	WORLD_START(&w);
	CU_ASSERT_EQUAL(answer(&w, get(&w, "", "")), 409);
	CU_ASSERT_TRUE(says("no-edid-support"));
	world_close(&w);
}

static void test_an_edid_is_written_again_after_a_replug(void)
{
	struct world w;

	hdmi(&w, 2);
	WORLD_START(&w);
	CU_ASSERT_EQUAL(answer(&w, put_name(&w, "1080p120")), 200);
	WORLD_WAIT(&w, world_streams(&w));
	fake_v4l2_unplug(&w.camera);
	WORLD_WAIT(&w, world_source(&w).reason == GLINT_REASON_NO_DEVICE);
	CU_ASSERT_EQUAL(answer(&w, put_name(&w, "720p60")), 503);
	CU_ASSERT_TRUE(says("no-device"));
	/* The driver has forgotten it. */
	CU_ASSERT_EQUAL_FATAL(glint_edid_set_build("720p60", w.camera.edid), 0);
	fake_v4l2_replug(&w.camera);
	WORLD_WAIT(&w, world_streams(&w));
	CU_ASSERT_EQUAL(w.camera.edid_writes, 2);
	CU_ASSERT_EQUAL(answer(&w, get(&w, "", "")), 200);
	CU_ASSERT_TRUE(says("glint1080p120"));
	world_close(&w);
}

static void test_the_edid_of_the_command_line_is_written_at_the_start(void)
{
	struct world w;

	hdmi(&w, 2);
	w.settings.edid = "4k60-420";
	WORLD_START(&w);
	CU_ASSERT_EQUAL(w.camera.edid_writes, 1);
	CU_ASSERT_EQUAL(world_source(&w).restarts, 0);
	CU_ASSERT_EQUAL(answer(&w, get(&w, "", "")), 200);
	CU_ASSERT_TRUE(says("glint 4k60"));
	world_close(&w);
}

static void test_requests_wait_in_order_and_may_be_given_up(void)
{
	struct world w;
	int first, second, third;

	hdmi(&w, 2);
	WORLD_START(&w);
	fake_v4l2_lock(&w.camera);
	w.camera.hang_request = VIDIOC_S_EDID;
	fake_v4l2_unlock(&w.camera);
	first = put_name(&w, "1080p60");
	second = put_name(&w, "4k30");
	third = put_name(&w, "1440p60");
	for (int turn = 0; turn < 50; turn++)
		world_turn(&w);
	fake_v4l2_wait_hanging(&w.camera);
	close(first);
	close(second);
	world_turns(&w, 20);
	fake_v4l2_release(&w.camera);
	CU_ASSERT_EQUAL(answer(&w, third), 200);
	CU_ASSERT_TRUE(says("glint 1440p60"));
	WORLD_WAIT(&w, world_streams(&w));
	world_close(&w);
}

static bool camera_hangs(struct world *w)
{
	bool hanging;

	fake_v4l2_lock(&w->camera);
	hanging = w->camera.hanging;
	fake_v4l2_unlock(&w->camera);
	return hanging;
}

static void test_the_device_fails_while_its_stream_stops_for_an_edid(void)
{
	struct world w;
	int fd;

	hdmi(&w, 2);
	WORLD_START(&w);
	fake_v4l2_lock(&w.camera);
	w.camera.hang_request = VIDIOC_STREAMOFF;
	fake_v4l2_unlock(&w.camera);
	fd = put_name(&w, "1080p60");
	WORLD_WAIT(&w, camera_hangs(&w));
	fake_v4l2_unplug(&w.camera);
	fake_v4l2_release(&w.camera);
	CU_ASSERT_EQUAL(answer(&w, fd), 503);
	CU_ASSERT_TRUE(says("no-device"));
	fake_v4l2_replug(&w.camera);
	WORLD_WAIT(&w, world_streams(&w));
	CU_ASSERT_EQUAL(w.camera.edid_writes, 0); /* what was refused is not wanted later */
	world_close(&w);
}

static void hang(struct world *w, unsigned long request)
{
	fake_v4l2_lock(&w->camera);
	w->camera.hang_request = request;
	fake_v4l2_unlock(&w->camera);
}

static void test_a_call_that_hangs_is_answered_and_further_requests_are_refused(void)
{
	struct glint_capture *capture;
	struct world w;
	int put;

	hdmi(&w, 2);
	WORLD_START(&w);
	capture = w.service->capture;
	WORLD_WAIT(&w, !capture->watch_runs);
	hang(&w, VIDIOC_G_EDID);
	put = put_name(&w, "1080p60");
	/* On a busy host the call begins late; only then the time is made short. */
	WORLD_WAIT(&w, camera_hangs(&w));
	capture->config.stuck_ns = 20 * GLINT_NSEC_PER_MSEC;
	glint_alarm_set(&capture->jobs.alarm, glint_now_ns());
	CU_ASSERT_EQUAL(answer(&w, put), 503);
	CU_ASSERT_TRUE(says("device-silent"));
	CU_ASSERT_EQUAL(answer(&w, get(&w, "", "")), 503);
	CU_ASSERT_TRUE(says("device-silent"));
	CU_ASSERT_EQUAL(capture->jobs.timed_out, 1);

	/* The client was told that nothing came of it: the driver's EBUSY stops no stream then. */
	capture->config.stuck_ns = 60 * GLINT_NSEC_PER_SEC;
	fake_v4l2_release(&w.camera);
	WORLD_WAIT(&w, !capture->jobs.running);
	CU_ASSERT_EQUAL(answer(&w, get(&w, "", "")), 200);
	CU_ASSERT_TRUE(says("glint 720p60"));
	CU_ASSERT_EQUAL(world_source(&w).restarts, 0);
	world_close(&w);
}

static void test_requests_beyond_those_that_may_wait_are_refused(void)
{
	int fds[GLINT_DEVICE_JOBS_MAX];
	struct world w;

	hdmi(&w, 2);
	w.settings.net.clients_max = 2 * GLINT_DEVICE_JOBS_MAX;
	WORLD_START(&w);
	hang(&w, VIDIOC_G_EDID);
	for (unsigned i = 0; i < GLINT_DEVICE_JOBS_MAX; i++)
		fds[i] = get(&w, "", "");
	WORLD_WAIT(&w, w.service->capture->jobs.n_clients == GLINT_DEVICE_JOBS_MAX);
	CU_ASSERT_EQUAL(answer(&w, get(&w, "", "")), 503);
	CU_ASSERT_TRUE(says("too-many-requests"));
	WORLD_WAIT(&w, camera_hangs(&w));
	fake_v4l2_release(&w.camera);
	for (unsigned i = 0; i < GLINT_DEVICE_JOBS_MAX; i++)
		CU_ASSERT_EQUAL(answer(&w, fds[i]), 200);
	world_close(&w);
}

/* The start writes an EDID of its own, and its result is not the request's. */
static void test_a_request_waits_for_a_start_that_writes_an_edid(void)
{
	struct world w;
	int fd;

	hdmi(&w, 2);
	w.settings.edid = "1080p60";
	WORLD_START(&w);
	fake_v4l2_unplug(&w.camera);
	WORLD_WAIT(&w, world_source(&w).reason == GLINT_REASON_NO_DEVICE);
	CU_ASSERT_EQUAL_FATAL(glint_edid_set_build("720p60", w.camera.edid), 0);
	hang(&w, VIDIOC_S_EDID);
	fake_v4l2_replug(&w.camera);
	WORLD_WAIT(&w, camera_hangs(&w));
	fd = put_name(&w, "4k30");
	world_turns(&w, 20);
	CU_ASSERT_EQUAL(w.camera.edid_writes, 1);
	fake_v4l2_release(&w.camera);
	CU_ASSERT_EQUAL(answer(&w, fd), 200);
	CU_ASSERT_TRUE(says("glint 4k30"));
	CU_ASSERT_EQUAL(w.camera.edid_writes, 3);
	world_close(&w);
}

/* clang-format off */
GLINT_TESTS("EDID of the device",
	GLINT_TEST(test_an_edid_is_read_in_words_and_as_bytes),
	GLINT_TEST(test_the_stream_stops_for_an_edid_if_the_driver_wants_it),
	GLINT_TEST(test_the_stream_goes_on_if_the_driver_allows_it),
	GLINT_TEST(test_the_physical_address_is_kept),
	GLINT_TEST(test_refusals_have_their_reasons_and_change_nothing),
	GLINT_TEST(test_a_device_without_edid_says_so),
	GLINT_TEST(test_an_edid_is_written_again_after_a_replug),
	GLINT_TEST(test_the_edid_of_the_command_line_is_written_at_the_start),
	GLINT_TEST(test_requests_wait_in_order_and_may_be_given_up),
	GLINT_TEST(test_the_device_fails_while_its_stream_stops_for_an_edid),
	GLINT_TEST(test_a_call_that_hangs_is_answered_and_further_requests_are_refused),
	GLINT_TEST(test_requests_beyond_those_that_may_wait_are_refused),
	GLINT_TEST(test_a_request_waits_for_a_start_that_writes_an_edid),
)
