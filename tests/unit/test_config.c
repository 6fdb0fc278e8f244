/* SPDX-License-Identifier: MIT */
/*
 * Changes of settings in the whole service, on scripted devices, requested over its socket.
 * glint_test_loop() says on which loop.
 */
#include "../fake/m2m.h"
#include "capture/internal.h"
#include "core/packet.h"
#include "report_rig.h"
#include "service_rig.h"

#define JPEG_QUALITY (V4L2_CID_JPEG_COMPRESSION_QUALITY & 0xff)

static char reply[1 << 16];

/* Send a PATCH with @body; the connection stays open. */
static int patch(struct world *w, const char *body)
{
	char request[1024];

	snprintf(request, sizeof(request),
		 "PATCH /config HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
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

static unsigned change(struct world *w, const char *body)
{
	return answer(w, patch(w, body));
}

/* A reader of pictures, which records the quality of each. */
struct reader {
	struct glint_sink sink;
	unsigned n;
	uint8_t quant;	   /* the last picture's: the first coefficient; smaller is better */
	unsigned sampling; /* its first component's */
};

static bool reader_on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	struct reader *reader = container_of(sink, struct reader, sink);
	const uint8_t *head = packet->parts[0].iov_base;
	size_t size = packet->parts[0].iov_len;

	for (size_t i = 0; i + 12 < size; i++) {
		if (head[i] == 0xff && head[i + 1] == 0xdb && head[i + 4] == 0)
			reader->quant = head[i + 5];
		if (head[i] == 0xff && head[i + 1] == 0xc0)
			reader->sampling = head[i + 11];
	}
	reader->n++;
	return true;
}

static void reader_attach(struct world *w, struct reader *reader)
{
	*reader = (struct reader){ .sink = { .codec = GLINT_CODEC_JPEG,
					     .push_packet = reader_on_packet } };
	glint_list_init(&reader->sink.link);
	glint_fanout_attach(glint_encoder_packets(w->service->encoder), &reader->sink);
}

static void reader_detach(struct world *w, struct reader *reader)
{
	glint_fanout_detach(glint_encoder_packets(w->service->encoder), &reader->sink);
}

static void next_picture(struct world *w, struct reader *reader)
{
	unsigned before = reader->n;

	world_frame(w);
	WORLD_WAIT(w, reader->n > before);
}

static const struct glint_settings *now(struct world *w)
{
	return &w->service->owner.now;
}

/* --- The CPU encoder ----------------------------------------------------------------------- */

static void test_a_new_quality_holds_from_the_next_picture_on(void)
{
	struct reader reader;
	struct world w;
	uint8_t fine;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, 640, 480);
	WORLD_START(&w);
	reader_attach(&w, &reader);
	next_picture(&w, &reader);
	fine = reader.quant;
	CU_ASSERT_EQUAL(change(&w, "{\"quality\": 20}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(
		reply, "{\"changed\": [\"quality\"], \"holds\": \"now\", \"generation\": 1}"));
	next_picture(&w, &reader);
	CU_ASSERT_TRUE(reader.quant > fine);
	CU_ASSERT_EQUAL(change(&w, "{\"quality\": null}"), 200);
	next_picture(&w, &reader);
	CU_ASSERT_EQUAL(reader.quant, fine);
	CU_ASSERT_EQUAL(REPORTED(int, encoder, w.service->encoder, "encoder.failed"), 0);
	CU_ASSERT_EQUAL(record_int("encoder.quality"), 80);
	reader_detach(&w, &reader);
	world_close(&w);
}

static void test_a_new_chroma_holds_from_the_next_picture_on(void)
{
	struct reader reader;
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, 640, 480);
	WORLD_START(&w);
	reader_attach(&w, &reader);
	next_picture(&w, &reader);
	CU_ASSERT_EQUAL(reader.sampling, 0x22);
	CU_ASSERT_EQUAL(change(&w, "{\"chroma\": \"source\"}"), 200);
	next_picture(&w, &reader);
	CU_ASSERT_EQUAL(reader.sampling, 0x21);
	reader_detach(&w, &reader);
	world_close(&w);
}

static void test_a_change_that_is_wrong_in_one_part_changes_nothing(void)
{
	struct glint_settings before;
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	before = *now(&w);
	CU_ASSERT_EQUAL(change(&w, "{\"strict\": true, \"quality\": 101}"), 400);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"bad-value\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "quality '101': expected 1 to 100"));
	CU_ASSERT_EQUAL(change(&w, "{\"strict\": true, \"workers\": 2}"), 409);
	CU_ASSERT_EQUAL(memcmp(now(&w), &before, sizeof(before)), 0);
	CU_ASSERT_EQUAL(w.service->owner.generation, 0);
	world_close(&w);
}

/* --- Several clients ------------------------------------------------------------------------- */

static void test_changes_of_one_turn_are_made_one_after_the_other(void)
{
	struct world w;
	int first, second, third;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	first = patch(&w, "{\"quality\": 10, \"desired-fps\": 5}");
	second = patch(&w, "{\"quality\": 0}");
	third = patch(&w, "{\"quality\": 30}");
	CU_ASSERT_EQUAL(answer(&w, first), 200);
	CU_ASSERT_EQUAL(answer(&w, second), 400);
	CU_ASSERT_EQUAL(answer(&w, third), 200);
	CU_ASSERT_EQUAL(w.service->owner.generation, 2);
	CU_ASSERT_EQUAL(now(&w)->encoder.quality, 30);
	CU_ASSERT_EQUAL(now(&w)->encoder.desired_fps, 5);
	world_close(&w);
}

static void hang_camera(struct world *w, unsigned long request)
{
	/* Nothing else is under way at the device. */
	WORLD_WAIT(w, !w->service->capture->watch_runs);
	fake_v4l2_lock(&w->camera);
	w->camera.hang_request = request;
	fake_v4l2_unlock(&w->camera);
}

/* The camera does not return from taking the quality of @change. */
static int patch_and_hang(struct world *w, const char *change)
{
	int fd;

	hang_camera(w, VIDIOC_S_CTRL);
	fd = patch(w, change);
	WORLD_WAIT(w, w->service->owner.busy);
	fake_v4l2_wait_hanging(&w->camera);
	return fd;
}

static int32_t camera_quality(struct world *w)
{
	int32_t quality;

	fake_v4l2_lock(&w->camera);
	quality = w->camera.controls[JPEG_QUALITY];
	fake_v4l2_unlock(&w->camera);
	return quality;
}

/* The change under way is made nevertheless; the waiting one is dropped. */
static void test_clients_that_go_away_leave_nothing_behind(void)
{
	struct world w;
	int first, second;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	first = patch_and_hang(&w, "{\"quality\": 10}");
	second = patch(&w, "{\"strict\": true}");
	WORLD_WAIT(&w, !glint_list_empty(&w.service->owner.waiting));
	close(first);
	close(second);
	WORLD_WAIT(&w, world_counters(&w).clients == 0);
	fake_v4l2_release(&w.camera);
	WORLD_WAIT(&w, w.service->owner.generation == 1);
	CU_ASSERT_EQUAL(now(&w)->encoder.quality, 10);
	CU_ASSERT_FALSE(now(&w)->net.strict);
	CU_ASSERT_EQUAL(camera_quality(&w), 10);
	CU_ASSERT_EQUAL(change(&w, "{\"strict\": true}"), 200);
	world_close(&w);
}

static void test_the_end_does_not_wait_for_a_change(void)
{
	struct world w;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	fd = patch_and_hang(&w, "{\"quality\": 10}");
	glint_owner_end(&w.service->owner);
	fake_v4l2_release(&w.camera);
	world_turns(&w, 20);
	CU_ASSERT_EQUAL(w.service->owner.generation, 0);
	close(fd);
	world_close(&w);
}

/* --- A camera that makes JPEGs ------------------------------------------------------------- */

static void test_a_camera_gets_the_quality_beside_its_stream(void)
{
	struct reader reader;
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.capture.jpeg_quality = w.settings.encoder.quality;
	WORLD_START(&w);
	reader_attach(&w, &reader);
	next_picture(&w, &reader);
	CU_ASSERT_EQUAL(camera_quality(&w), 80);
	CU_ASSERT_EQUAL(change(&w, "{\"quality\": 35}"), 200);
	CU_ASSERT_EQUAL(camera_quality(&w), 35);
	next_picture(&w, &reader);
	CU_ASSERT_EQUAL(world_source(&w).restarts, 0);
	reader_detach(&w, &reader);
	world_close(&w);
}

static void test_a_camera_that_refuses_leaves_everything_as_it_was(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.capture.jpeg_quality = w.settings.encoder.quality;
	WORLD_START(&w);
	world_refuse(&w, VIDIOC_S_CTRL, -ERANGE);
	CU_ASSERT_EQUAL(change(&w, "{\"strict\": true, \"quality\": 35}"), 409);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"refused-by-device\""));
	CU_ASSERT_EQUAL(now(&w)->encoder.quality, 80);
	CU_ASSERT_FALSE(now(&w)->net.strict);
	world_refuse(&w, VIDIOC_S_CTRL, -EINVAL);
	CU_ASSERT_EQUAL(change(&w, "{\"quality\": 35}"), 409);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "it has no such control"));
	CU_ASSERT_EQUAL(change(&w, "{\"strict\": true}"), 200);
	world_refuse(&w, 0, 0);
	CU_ASSERT_EQUAL(change(&w, "{\"quality\": 35}"), 200);
	CU_ASSERT_EQUAL(camera_quality(&w), 35);
	world_close(&w);
}

static void test_a_camera_that_does_not_answer_is_given_its_old_quality_back(void)
{
	struct world w;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.capture.jpeg_quality = w.settings.encoder.quality;
	WORLD_START(&w);
	fd = patch_and_hang(&w, "{\"quality\": 35}");
	glint_alarm_set(&w.service->owner.timeout, glint_now_ns());
	CU_ASSERT_EQUAL(answer(&w, fd), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"device-silent\""));
	CU_ASSERT_EQUAL(now(&w)->encoder.quality, 80);
	/* The camera still has not answered, so no other change can begin. */
	CU_ASSERT_EQUAL(change(&w, "{\"quality\": 36}"), 503);
	fake_v4l2_release(&w.camera);
	WORLD_WAIT(&w, !w.service->capture->tune_runs);
	CU_ASSERT_EQUAL(camera_quality(&w), 80);
	CU_ASSERT_EQUAL(change(&w, "{\"quality\": 36}"), 200);
	CU_ASSERT_EQUAL(camera_quality(&w), 36);
	world_close(&w);
}

static void test_a_quality_that_comes_too_late_is_given_back(void)
{
	struct world w;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.capture.jpeg_quality = w.settings.encoder.quality;
	WORLD_START(&w);
	fd = patch_and_hang(&w, "{\"quality\": 35}");
	/* First the device's own time is over, then the call succeeds. */
	w.service->capture->config.stuck_ns = GLINT_NSEC_PER_MSEC;
	glint_alarm_set(&w.service->capture->jobs.alarm, glint_now_ns() + GLINT_NSEC_PER_MSEC);
	CU_ASSERT_EQUAL(answer(&w, fd), 503);
	w.service->capture->config.stuck_ns = 60 * GLINT_NSEC_PER_SEC;
	fake_v4l2_release(&w.camera);
	WORLD_WAIT(&w, !w.service->capture->tune_runs);
	CU_ASSERT_EQUAL(now(&w)->encoder.quality, 80);
	CU_ASSERT_EQUAL(camera_quality(&w), 80);
	world_close(&w);
}

static bool camera_is_hanging(struct world *w)
{
	bool hanging;

	fake_v4l2_lock(&w->camera);
	hanging = w->camera.hanging;
	fake_v4l2_unlock(&w->camera);
	return hanging;
}

static void test_a_change_while_the_device_starts_again_holds_afterwards(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.capture.jpeg_quality = w.settings.encoder.quality;
	WORLD_START(&w);
	world_frame(&w);
	hang_camera(&w, VIDIOC_STREAMON);
	world_refuse(&w, VIDIOC_DQBUF, -EIO);
	(void)fake_v4l2_complete(&w.camera, -1, &(struct fake_frame){ .seq = 9 });
	WORLD_WAIT(&w, world_source(&w).reason == GLINT_REASON_ERROR);
	world_refuse(&w, 0, 0);
	/* The start job has set the old quality by now. */
	for (int turn = 0; turn < WORLD_TURNS && !camera_is_hanging(&w); turn++)
		world_turn(&w);
	CU_ASSERT_EQUAL(change(&w, "{\"quality\": 35}"), 200);
	CU_ASSERT_EQUAL(camera_quality(&w), 80);
	fake_v4l2_release(&w.camera);
	WORLD_WAIT(&w, world_streams(&w));
	WORLD_WAIT(&w, !w.service->capture->tune_runs);
	CU_ASSERT_EQUAL(camera_quality(&w), 35);
	world_close(&w);
}

/* --- The stream of the device ------------------------------------------------------------ */

#define HOLDS(when) "\"holds\": \"" when "\""

/* A camera with two sizes; @size is 640x480 at first. */
static void two_sizes(struct world *w)
{
	world_prepare(w, V4L2_PIX_FMT_YUYV, 640, 480);
	w->camera.formats[1] = (struct fake_format){ V4L2_PIX_FMT_YUYV, 320, 240, 30 };
	w->camera.n_formats = 2;
}

static bool is_live_at(struct world *w, uint32_t width)
{
	struct glint_capture_status source = world_source(w);

	if (source.online && source.width == width)
		return true;
	(void)world_fill(w);
	return false;
}

static void test_a_new_size_begins_a_new_stream_with_the_rest_of_the_change(void)
{
	struct world w;

	two_sizes(&w);
	WORLD_START(&w);
	world_frame(&w);
	CU_ASSERT_EQUAL(change(&w, "{\"strict\": true, \"resolution\": \"320x240\"}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, HOLDS("new-stream")));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply,
				      "\"device\": {\"resolution\": {\"asked\": \"320x240\", "
				      "\"got\": \"320x240\", \"as_asked\": true}}"));
	CU_ASSERT_TRUE(now(&w)->net.strict);
	WORLD_WAIT(&w, is_live_at(&w, 320));
	CU_ASSERT_EQUAL(world_source(&w).restarts, 1);
	CU_ASSERT_EQUAL(world_source(&w).opens, 1);
	/* The same again changes nothing. */
	CU_ASSERT_EQUAL(change(&w, "{\"resolution\": \"320x240\"}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, HOLDS("now")));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"got\": \"320x240\", \"as_asked\": true"));
	CU_ASSERT_EQUAL(world_source(&w).restarts, 1);
	world_close(&w);
}

static void test_the_reply_says_what_the_driver_has_made_of_a_change(void)
{
	struct world w;

	two_sizes(&w);
	w.camera.buffers_max = 6;
	WORLD_START(&w);
	world_frame(&w);
	CU_ASSERT_EQUAL(change(&w, "{\"resolution\": \"300x200\", \"buffers\": 7, \"memory\": "
				   "\"udmabuf\", \"capture-fps\": 7, \"input\": 0}"),
			200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"asked\": \"300x200\", \"got\": \"320x240\", "
					     "\"as_asked\": false"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(reply, "\"asked\": \"7\", \"got\": \"6\", \"as_asked\": false"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(reply, "\"asked\": \"udmabuf\", \"got\": \"v4l2\", \"as_asked\": false"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"got\": \"30.00\", \"as_asked\": false"));
	CU_ASSERT_EQUAL(now(&w)->capture.width, 300);
	CU_ASSERT_EQUAL(change(&w, "{\"buffers\": 1}"), 200);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(reply, "\"asked\": \"1\", \"got\": \"2\", \"as_asked\": false"));
	world_close(&w);
}

static void test_the_reply_says_which_standard_and_timings_the_device_has(void)
{
	struct world w;

	two_sizes(&w);
	w.camera.n_inputs = 1;
	w.camera.standards = V4L2_STD_PAL_B | V4L2_STD_NTSC;
	w.camera.standard = V4L2_STD_NTSC;
	WORLD_START(&w);
	world_frame(&w);
	CU_ASSERT_EQUAL(change(&w, "{\"tv-standard\": \"PAL\", \"dv-timings\": true}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"tv-standard\": {\"asked\": \"PAL\", \"got\": "
					     "\"PAL\", \"as_asked\": true}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"dv-timings\": {\"asked\": \"true\", \"got\": "
					     "\"false\", \"as_asked\": false}"));
	CU_ASSERT_EQUAL(change(&w, "{\"tv-standard\": null}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"tv-standard\": {\"asked\": null, \"got\": "
					     "\"NTSC\", \"as_asked\": true}"));
	world_close(&w);
}

/* The first STREAMON of the restart fails, the second one is that of the old settings. */
static void test_a_driver_that_refuses_gets_the_old_settings_at_once(void)
{
	struct world w;

	two_sizes(&w);
	WORLD_START(&w);
	world_frame(&w);
	fake_v4l2_lock(&w.camera);
	w.camera.fail_request = VIDIOC_STREAMON;
	w.camera.fail_nth = 1;
	w.camera.fail_err = -ENOSPC;
	fake_v4l2_unlock(&w.camera);
	CU_ASSERT_EQUAL(change(&w, "{\"strict\": true, \"resolution\": \"320x240\"}"), 409);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"refused-by-device\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "STREAMON: no space left on its bus"));
	CU_ASSERT_FALSE(now(&w)->net.strict);
	CU_ASSERT_EQUAL(now(&w)->capture.width, 640);
	WORLD_WAIT(&w, is_live_at(&w, 640));
	CU_ASSERT_EQUAL(world_source(&w).restarts, 1);
	CU_ASSERT_EQUAL(world_source(&w).opens, 1);
	CU_ASSERT_EQUAL(change(&w, "{\"resolution\": \"320x240\"}"), 200);
	WORLD_WAIT(&w, is_live_at(&w, 320));
	world_close(&w);
}

static void test_what_the_device_lacks_is_refused_beside_its_stream(void)
{
	static const struct {
		const char *body, *words;
	} changes[] = {
		{ "{\"format\": \"NV12\"}", "it has no such format; it has YUYV" },
		{ "{\"input\": \"HDMI\"}", "it has no input HDMI; it has 0 ()" },
		{ "{\"input\": 1}", "it has no input 1; it has 0 ()" },
		{ "{\"tv-standard\": \"PAL\"}", "the input has no TV standards" },
		{ "{\"timings\": \"640x480p61\"}", "it has no such timings; it has none" },
	};
	struct world w;

	two_sizes(&w);
	w.camera.n_inputs = 1;
	WORLD_START(&w);
	world_frame(&w);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		CU_ASSERT_EQUAL(change(&w, changes[i].body), 409);
		CU_ASSERT_PTR_NOT_NULL(strstr(reply, changes[i].words));
		if (!strstr(reply, changes[i].words))
			printf("# %s\n", reply);
	}
	CU_ASSERT_EQUAL(w.service->owner.generation, 0);
	CU_ASSERT_EQUAL(world_source(&w).restarts, 0);
	CU_ASSERT_TRUE(world_source(&w).online);
	world_close(&w);
}

static unsigned get_timings(struct world *w)
{
	return answer(w, world_ask(w, "GET /timings HTTP/1.1\r\nHost: x\r\n\r\n"));
}

static void test_timings_are_listed_set_and_followed_again(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, 640, 480);
	w.camera.n_inputs = 1;
	w.camera.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	w.camera.timings_width = 1280;
	w.camera.timings_height = 720;
	WORLD_START(&w);
	world_frame(&w);
	CU_ASSERT_EQUAL(get_timings(&w), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"wanted\": \"follow\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"present\": {\"name\": \"1280x720p60\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"signal\": {\"name\": \"1280x720p60\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"signal_reason\": \"\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"standards\": [\"CEA-861\"], \"vic\": 19}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"name\": \"1920x1080i60\""));
	CU_ASSERT_EQUAL(world_source(&w).restarts, 0);

	CU_ASSERT_EQUAL(change(&w, "{\"timings\": \"720p50\"}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"timings\": {\"asked\": \"720p50\", "
					     "\"got\": \"1280x720p50\", \"as_asked\": true}"));
	CU_ASSERT_EQUAL(get_timings(&w), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"wanted\": \"1280x720p50\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"present\": {\"name\": \"1280x720p50\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"signal\": {\"name\": \"1280x720p60\""));

	CU_ASSERT_EQUAL(change(&w, "{\"timings\": \"640x480p61\"}"), 409);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "it has 640x480p59.94"));
	CU_ASSERT_EQUAL(world_source(&w).restarts, 1);
	CU_ASSERT_EQUAL(change(&w, "{\"timings\": \"follow\"}"), 200);
	CU_ASSERT_EQUAL(get_timings(&w), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"present\": {\"name\": \"1280x720p60\""));
	world_close(&w);
}

static void test_without_a_signal_or_timings_the_reply_says_so(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, 640, 480);
	w.camera.n_inputs = 1;
	WORLD_START(&w);
	CU_ASSERT_EQUAL(get_timings(&w), 409);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"no-timings\""));
	fake_v4l2_lock(&w.camera);
	w.camera.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	w.camera.timings_err = -ENOLCK;
	fake_v4l2_unlock(&w.camera);
	CU_ASSERT_EQUAL(get_timings(&w), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"signal\": null, \"signal_reason\": \"no-lock\""));
	fake_v4l2_unplug(&w.camera);
	WORLD_WAIT(&w, world_source(&w).reason == GLINT_REASON_NO_DEVICE);
	CU_ASSERT_EQUAL(get_timings(&w), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"no-device\""));
	world_close(&w);
}

static void test_a_new_stream_has_also_what_holds_from_the_next_stream_on(void)
{
	struct world w;

	two_sizes(&w);
	WORLD_START(&w);
	world_frame(&w);
	CU_ASSERT_EQUAL(change(&w, "{\"range\": \"keep\", \"warm-up\": 3, \"buffers\": 4}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, HOLDS("new-stream")));
	CU_ASSERT_TRUE(w.service->capture->job_config.keep_range);
	WORLD_WAIT(&w, is_live_at(&w, 640));
	CU_ASSERT_EQUAL(glint_capture_ledger(w.service->capture)->warm_up, 3);
	world_close(&w);
}

static void test_a_device_that_is_away_gets_the_settings_when_it_comes_back(void)
{
	struct world w;

	two_sizes(&w);
	WORLD_START(&w);
	fake_v4l2_unplug(&w.camera);
	WORLD_WAIT(&w, world_source(&w).reason == GLINT_REASON_NO_DEVICE);
	CU_ASSERT_EQUAL(change(&w, "{\"resolution\": \"320x240\"}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, HOLDS("next-stream")));
	CU_ASSERT_PTR_NULL(strstr(reply, "\"device\""));
	fake_v4l2_replug(&w.camera);
	WORLD_WAIT(&w, is_live_at(&w, 320));
	world_close(&w);
}

/* The service gives the change up; the driver starts the new stream later, and then the old one. */
static void test_a_driver_that_is_slow_gets_the_old_settings_afterwards(void)
{
	struct world w;
	int fd;

	two_sizes(&w);
	WORLD_START(&w);
	world_frame(&w);
	hang_camera(&w, VIDIOC_STREAMON);
	fd = patch(&w, "{\"resolution\": \"320x240\"}");
	for (int turn = 0; turn < WORLD_TURNS && !camera_is_hanging(&w); turn++)
		world_turn(&w);
	glint_alarm_set(&w.service->owner.timeout, glint_now_ns());
	CU_ASSERT_EQUAL(answer(&w, fd), 503);
	CU_ASSERT_EQUAL(now(&w)->capture.width, 640);
	fake_v4l2_release(&w.camera);
	WORLD_WAIT(&w, is_live_at(&w, 640));
	CU_ASSERT_EQUAL(world_source(&w).restarts, 2);
	world_close(&w);
}

static void test_a_client_that_goes_away_leaves_its_new_size(void)
{
	struct world w;
	int fd;

	two_sizes(&w);
	WORLD_START(&w);
	world_frame(&w);
	hang_camera(&w, VIDIOC_STREAMON);
	fd = patch(&w, "{\"resolution\": \"320x240\"}");
	for (int turn = 0; turn < WORLD_TURNS && !camera_is_hanging(&w); turn++)
		world_turn(&w);
	close(fd);
	WORLD_WAIT(&w, world_counters(&w).clients == 0);
	fake_v4l2_release(&w.camera);
	WORLD_WAIT(&w, is_live_at(&w, 320));
	CU_ASSERT_EQUAL(now(&w)->capture.width, 320);
	world_close(&w);
}

static void test_a_new_number_of_buffers_begins_a_new_stream(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	world_frame(&w);
	CU_ASSERT_EQUAL(world_source(&w).buffers, 8);
	CU_ASSERT_EQUAL(change(&w, "{\"buffers\": 1}"), 200);
	CU_ASSERT_EQUAL(now(&w)->capture.buffers, 2); /* at least */
	CU_ASSERT_EQUAL(world_source(&w).buffers, 2);
	CU_ASSERT_EQUAL(change(&w, "{\"buffers\": 4}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, HOLDS("new-stream")));
	CU_ASSERT_EQUAL(world_source(&w).buffers, 4);
	world_frame(&w);
	world_close(&w);
}

static void test_a_new_range_holds_from_the_next_stream_on(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	world_frame(&w);
	CU_ASSERT_EQUAL(change(&w, "{\"range\": \"keep\"}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, HOLDS("next-stream")));
	CU_ASSERT_EQUAL(world_source(&w).restarts, 0);
	world_close(&w);
}

/* --- An M2M encoder -------------------------------------------------------------------------- */

struct m2m_world {
	struct world w;
	struct fake_m2m encoder;
	struct reader reader;
};

static void m2m_prepare(struct m2m_world *m)
{
	struct world *w = &m->w;

	world_prepare(w, V4L2_PIX_FMT_YUYV, 640, 480);
	fake_m2m_init(&m->encoder);
	m->encoder.path = "/dev/video1";
	m->encoder.jpeg = w->jpeg;
	m->encoder.jpeg_size = w->jpeg_size;
	m->encoder.automatic = true;
	m->encoder.quality_min = 1;
	m->encoder.quality_max = 100;
	w->settings.encoder.choice = GLINT_ENCODER_M2M;
	w->settings.encoder.m2m_device = "/dev/video1";
	w->settings.encoder.m2m_access = &m->encoder.access;
}

/*
 * Wait for a picture by the M2M encoder: on a busy machine its thread may be late, and the CPU
 * encodes meanwhile.
 */
static void m2m_picture(struct m2m_world *m)
{
	uint64_t end_ns = glint_now_ns() + 60 * GLINT_NSEC_PER_SEC;
	const char *name;

	do {
		next_picture(&m->w, &m->reader);
		name = REPORTED(text, encoder, m->w.service->encoder, "encoder.name");
	} while (strcmp(name, "m2m") != 0 && glint_now_ns() < end_ns);
	CU_ASSERT_STRING_EQUAL_FATAL(name, "m2m");
}

#define M2M_START(m)                                                                               \
	do {                                                                                       \
		WORLD_START(&(m)->w);                                                              \
		reader_attach(&(m)->w, &(m)->reader);                                              \
		m2m_picture(m);                                                                    \
	} while (0)

static void m2m_close(struct m2m_world *m)
{
	reader_detach(&m->w, &m->reader);
	world_close(&m->w);
	fake_m2m_fini(&m->encoder);
}

static int32_t encoder_quality(struct m2m_world *m)
{
	int32_t quality;

	fake_m2m_lock(&m->encoder);
	quality = m->encoder.quality;
	fake_m2m_unlock(&m->encoder);
	return quality;
}

static void test_an_m2m_encoder_gets_the_quality_between_two_jobs(void)
{
	struct m2m_world m;
	int64_t probes;

	m2m_prepare(&m);
	M2M_START(&m);
	probes = record_int("encoder.probes");
	CU_ASSERT_EQUAL(encoder_quality(&m), 80);
	CU_ASSERT_EQUAL(change(&m.w, "{\"quality\": 35}"), 200);
	CU_ASSERT_EQUAL(encoder_quality(&m), 35);
	m2m_picture(&m);
	CU_ASSERT_EQUAL(record_int("encoder.driver_quality"), 35);
	CU_ASSERT_EQUAL(record_int("encoder.quality"), 35);
	/* The same session, unless the encoder was late and another session began. */
	CU_ASSERT_TRUE(record_int("encoder.probes") == probes ||
		       record_int("encoder.failed") + record_int("encoder.faults") > 0);
	m2m_close(&m);
}

static void test_an_m2m_encoder_that_refuses_leaves_everything_as_it_was(void)
{
	struct m2m_world m;

	m2m_prepare(&m);
	M2M_START(&m);
	fake_m2m_fail_once(&m.encoder, VIDIOC_S_CTRL, -EBUSY);
	CU_ASSERT_EQUAL(change(&m.w, "{\"quality\": 35, \"desired-fps\": 9}"), 503);
	fake_m2m_fail_once(&m.encoder, VIDIOC_S_CTRL, -EACCES);
	CU_ASSERT_EQUAL(change(&m.w, "{\"quality\": 35, \"desired-fps\": 9}"), 409);
	CU_ASSERT_EQUAL(now(&m.w)->encoder.desired_fps, 0);
	CU_ASSERT_EQUAL(change(&m.w, "{\"strict\": true}"), 200);
	next_picture(&m.w, &m.reader);
	CU_ASSERT_EQUAL(encoder_quality(&m), 80);
	CU_ASSERT_EQUAL(REPORTED(int, encoder, m.w.service->encoder, "encoder.quality"), 80);
	m2m_close(&m);
}

static void test_an_m2m_encoder_without_the_control_refuses_the_change(void)
{
	struct m2m_world m;

	m2m_prepare(&m);
	m.encoder.quality_min = m.encoder.quality_max = 0;
	M2M_START(&m);
	CU_ASSERT_EQUAL(change(&m.w, "{\"quality\": 35}"), 409);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "it has no such control"));
	CU_ASSERT_EQUAL(change(&m.w, "{\"chroma\": \"source\"}"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"holds\": \"next-stream\""));
	m2m_close(&m);
}

static unsigned n_controls_set;

static void count_controls(struct fake_m2m *fake, unsigned long request, void *arg)
{
	(void)fake;
	(void)arg;
	n_controls_set += request == VIDIOC_S_CTRL;
}

static unsigned controls_set(struct m2m_world *m)
{
	unsigned n;

	fake_m2m_lock(&m->encoder);
	n = n_controls_set;
	fake_m2m_unlock(&m->encoder);
	return n;
}

static void test_an_m2m_encoder_that_does_not_answer_is_given_its_old_quality_back(void)
{
	struct m2m_world m;
	int fd;

	m2m_prepare(&m);
	M2M_START(&m);
	fake_m2m_lock(&m.encoder);
	n_controls_set = 0;
	m.encoder.lie = count_controls;
	m.encoder.hang_request = VIDIOC_S_CTRL;
	fake_m2m_unlock(&m.encoder);
	fd = patch(&m.w, "{\"quality\": 35}");
	WORLD_WAIT(&m.w, m.w.service->owner.busy);
	fake_m2m_wait_hanging(&m.encoder);
	glint_alarm_set(&m.w.service->owner.timeout, glint_now_ns());
	CU_ASSERT_EQUAL(answer(&m.w, fd), 503);
	fake_m2m_release(&m.encoder);
	WORLD_WAIT(&m.w, controls_set(&m) == 2); /* the new one, late, and the old one */
	next_picture(&m.w, &m.reader);
	CU_ASSERT_EQUAL(encoder_quality(&m), 80);
	m2m_close(&m);
}

/* --- Others ---------------------------------------------------------------------------------- */

static void test_the_rate_that_is_wanted_changes_while_frames_come(void)
{
	struct reader reader;
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.encoder.desired_fps = 1;
	WORLD_START(&w);
	reader_attach(&w, &reader);
	next_picture(&w, &reader);
	world_frame(&w); /* too early for one a second */
	CU_ASSERT_EQUAL(reader.n, 1);
	CU_ASSERT_EQUAL(change(&w, "{\"desired-fps\": 0}"), 200);
	next_picture(&w, &reader);
	next_picture(&w, &reader);
	reader_detach(&w, &reader);
	world_close(&w);
}

static void test_damaged_pictures_are_allowed_and_forbidden_again(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	world_frame(&w);
	w.jpeg_size -= 2002;
	world_frame(&w);
	CU_ASSERT_EQUAL(glint_capture_ledger(w.service->capture)->corrupt, 1);
	CU_ASSERT_EQUAL(change(&w, "{\"allow-truncated-frames\": true}"), 200);
	world_frame(&w);
	CU_ASSERT_EQUAL(glint_capture_ledger(w.service->capture)->corrupt, 1);
	CU_ASSERT_EQUAL(change(&w, "{\"allow-truncated-frames\": false}"), 200);
	world_frame(&w);
	CU_ASSERT_EQUAL(glint_capture_ledger(w.service->capture)->corrupt, 2);
	world_close(&w);
}

/* clang-format off */
GLINT_TESTS("config",
	GLINT_TEST(test_a_new_quality_holds_from_the_next_picture_on),
	GLINT_TEST(test_a_new_chroma_holds_from_the_next_picture_on),
	GLINT_TEST(test_a_change_that_is_wrong_in_one_part_changes_nothing),
	GLINT_TEST(test_changes_of_one_turn_are_made_one_after_the_other),
	GLINT_TEST(test_clients_that_go_away_leave_nothing_behind),
	GLINT_TEST(test_the_end_does_not_wait_for_a_change),
	GLINT_TEST(test_a_camera_gets_the_quality_beside_its_stream),
	GLINT_TEST(test_a_camera_that_refuses_leaves_everything_as_it_was),
	GLINT_TEST(test_a_camera_that_does_not_answer_is_given_its_old_quality_back),
	GLINT_TEST(test_a_quality_that_comes_too_late_is_given_back),
	GLINT_TEST(test_a_change_while_the_device_starts_again_holds_afterwards),
	GLINT_TEST(test_a_new_size_begins_a_new_stream_with_the_rest_of_the_change),
	GLINT_TEST(test_the_reply_says_what_the_driver_has_made_of_a_change),
	GLINT_TEST(test_the_reply_says_which_standard_and_timings_the_device_has),
	GLINT_TEST(test_a_driver_that_refuses_gets_the_old_settings_at_once),
	GLINT_TEST(test_what_the_device_lacks_is_refused_beside_its_stream),
	GLINT_TEST(test_timings_are_listed_set_and_followed_again),
	GLINT_TEST(test_without_a_signal_or_timings_the_reply_says_so),
	GLINT_TEST(test_a_new_stream_has_also_what_holds_from_the_next_stream_on),
	GLINT_TEST(test_a_device_that_is_away_gets_the_settings_when_it_comes_back),
	GLINT_TEST(test_a_driver_that_is_slow_gets_the_old_settings_afterwards),
	GLINT_TEST(test_a_client_that_goes_away_leaves_its_new_size),
	GLINT_TEST(test_a_new_number_of_buffers_begins_a_new_stream),
	GLINT_TEST(test_a_new_range_holds_from_the_next_stream_on),
	GLINT_TEST(test_an_m2m_encoder_gets_the_quality_between_two_jobs),
	GLINT_TEST(test_an_m2m_encoder_that_refuses_leaves_everything_as_it_was),
	GLINT_TEST(test_an_m2m_encoder_without_the_control_refuses_the_change),
	GLINT_TEST(test_an_m2m_encoder_that_does_not_answer_is_given_its_old_quality_back),
	GLINT_TEST(test_the_rate_that_is_wanted_changes_while_frames_come),
	GLINT_TEST(test_damaged_pictures_are_allowed_and_forbidden_again),
)
