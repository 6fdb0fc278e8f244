/* SPDX-License-Identifier: MIT */
/*
 * The modules of the whole service together, on a scripted device and the loop of
 * glint_test_loop().
 */
#include "capture/internal.h"
#include "core/packet.h"
#include "report_rig.h"
#include "service_rig.h"

#define STREAM	 "GET /stream?extra_headers=1 HTTP/1.1\r\nHost: x\r\n\r\n"
#define SNAPSHOT "GET /snapshot HTTP/1.1\r\nHost: x\r\n\r\n"

static char text[4 << 20];
static size_t text_used;

/* Run one round of the loop, and append received bytes to the text. */
static void read_turn(struct world *w, int fd)
{
	size_t from = text_used;

	world_turn(w);
	text_used += world_take(fd, text + text_used, sizeof(text) - 1 - text_used);
	/* Pictures are not text, but the words of a test begin a line. */
	for (; from < text_used; from++)
		text[from] = text[from] ? text[from] : '.';
	text[text_used] = '\0';
}

/* Read @fd from now on, until @condition holds. */
#define READ_UNTIL(w, fd, condition)                                                               \
	do {                                                                                       \
		text[text_used = 0] = '\0';                                                        \
		for (int turn_ = 0; turn_ < WORLD_TURNS && !(condition); turn_++)                  \
			read_turn(w, fd);                                                          \
		CU_ASSERT_TRUE_FATAL((condition) != 0);                                            \
	} while (0)

static uint64_t encoded(struct world *w)
{
	return (uint64_t)REPORTED(int, encoder, w->service->encoder, "encoder.encoded");
}

/* Records what /state shows. */
static void tell_state(struct world *w)
{
	service_report(w->service, record_begin());
}

/* --- A buffer that the driver does not take back ------------------------------------------ */

/* The picture that says why there is no video, as soon as it is drawn; the caller's reference. */
static struct glint_packet *offline_picture(struct world *w)
{
	struct glint_packet *picture;
	unsigned turns = 0;

	while (service_offline_picture(w->service, &picture) == -EAGAIN && turns++ < WORLD_TURNS)
		world_turn(w);
	CU_ASSERT_PTR_NOT_NULL_FATAL(picture);
	return picture;
}

static void stream_of_refused_buffers(unsigned frames)
{
	struct glint_packet *offline;
	struct world w;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 1920, 1080);
	WORLD_START(&w);
	world_frame(&w);
	fd = world_ask(&w, STREAM);
	WORLD_WAIT(&w, world_counters(&w).streams == 1);
	for (unsigned i = 0; i < frames; i++)
		world_frame(&w);
	CU_ASSERT_TRUE(world_source(&w).leased > 0); /* the reader is slow */

	world_refuse(&w, VIDIOC_QBUF, -ENODEV);
	READ_UNTIL(&w, fd, world_source(&w).reason == GLINT_REASON_NO_DEVICE);
	READ_UNTIL(&w, fd, strstr(text, "X-Glint-Reason: no-device"));
	CU_ASSERT_EQUAL(world_source(&w).leased, 0);

	close(fd);
	WORLD_WAIT(&w, world_counters(&w).clients == 0);
	offline = offline_picture(&w);
	CU_ASSERT_EQUAL(offline->refs, 2); /* the service's own, and this one */
	glint_packet_unref(offline);
	world_close(&w);
}

static void test_a_stream_survives_the_refusal_of_the_buffer_that_it_releases(void)
{
	stream_of_refused_buffers(4); /* with a next picture */
}

static void test_a_stream_without_a_next_picture_survives_a_refusal_without_a_leak(void)
{
	stream_of_refused_buffers(2);
}

static void test_a_snapshot_survives_the_refusal_of_the_frame_behind_it(void)
{
	struct world w;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, 1280, 720);
	WORLD_START(&w);
	world_frame(&w);
	fd = world_ask(&w, SNAPSHOT);
	WORLD_WAIT(&w, world_counters(&w).snapshots_waiting == 1);
	world_frame(&w); /* is encoded */
	world_frame(&w); /* waits behind it */
	CU_ASSERT_EQUAL(world_counters(&w).snapshots_waiting, 1);

	world_refuse(&w, VIDIOC_QBUF, -ENODEV);
	READ_UNTIL(&w, fd,
		   strstr(text, "X-UStreamer-Online: true") &&
			   world_source(&w).reason == GLINT_REASON_NO_DEVICE);
	close(fd);
	world_close(&w);
}

/* --- A frame that is encoded when its stream is over ----------------------------------------- */

/* One frame is with the encoder when the stream ends with @err; 0: the source has changed. */
static void late_picture(int err)
{
	struct world w;
	const char *offline;
	uint64_t before;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, 1280, 720);
	WORLD_START(&w);
	fd = world_ask(&w, STREAM);
	WORLD_WAIT(&w, world_counters(&w).streams == 1);
	world_frame(&w);
	READ_UNTIL(&w, fd, strstr(text, "X-UStreamer-Online: true"));

	before = encoded(&w);
	world_frame(&w);
	CU_ASSERT_EQUAL(encoded(&w), before);
	if (err < 0)
		glint_capture_fail(w.service->capture, err);
	else
		glint_capture_lose(w.service->capture, 0);
	READ_UNTIL(&w, fd, encoded(&w) > before && strstr(text, "X-UStreamer-Online: false"));
	for (unsigned i = 0; i < 20; i++)
		read_turn(&w, fd);
	offline = strstr(text, "X-UStreamer-Online: false");
	CU_ASSERT_PTR_NULL(strstr(offline, "X-UStreamer-Online: true"));

	WORLD_WAIT(&w, world_streams(&w));
	world_frame(&w);
	READ_UNTIL(&w, fd, strstr(text, "X-UStreamer-Online: true"));
	close(fd);
	world_close(&w);
}

static void test_a_picture_that_is_encoded_after_a_loss_is_not_shown_as_live(void)
{
	late_picture(-ENODEV);
}

static void test_a_picture_that_is_encoded_after_a_change_is_not_shown_as_live(void)
{
	late_picture(0);
}

/* --- The facts of a picture --------------------------------------------------------------- */

static void test_a_picture_has_the_clock_of_its_own_frame(void)
{
	struct fake_frame good = { .seq = 2 }, bad = { .seq = 3 };
	struct world w;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, 1280, 720);
	WORLD_START(&w);
	world_frame(&w);
	fd = world_ask(&w, SNAPSHOT);
	WORLD_WAIT(&w, world_counters(&w).snapshots_waiting == 1);
	good.stamp_ns = glint_now_ns() / 1000 * 1000;
	CU_ASSERT_TRUE_FATAL(fake_v4l2_complete(&w.camera, -1, &good) >= 0);
	WORLD_WAIT(&w, world_source(&w).last.seq == 2);
	/* Taken while 2 is encoded; its stamp is of the future. */
	bad.stamp_ns = good.stamp_ns + 900 * GLINT_NSEC_PER_SEC;
	CU_ASSERT_TRUE_FATAL(fake_v4l2_complete(&w.camera, -1, &bad) >= 0);
	WORLD_WAIT(&w, world_source(&w).last.seq == 3);
	CU_ASSERT_STRING_EQUAL(glint_clock_name(world_source(&w).last.clock), "arrival");

	READ_UNTIL(&w, fd, strstr(text, "X-Glint-Sequence: 2\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "X-Glint-Clock: monotonic\r\n"));
	close(fd);
	world_close(&w);
}

/* --- JPEGs that a camera gets wrong ---------------------------------------------------------- */

/* The answer to one snapshot, while the camera repeats its JPEG. */
static const char *snapshot_of(struct world *w)
{
	uint64_t sent = world_counters(w).pictures_sent;
	int fd = world_ask(w, SNAPSHOT);

	WORLD_WAIT(w, world_counters(w).snapshots_waiting == 1);
	world_frame(w);
	READ_UNTIL(w, fd, world_counters(w).pictures_sent > sent);
	read_turn(w, fd);
	close(fd);
	return text;
}

static void test_a_jpeg_of_another_size_is_reported_with_its_own_size(void)
{
	const char *reply;
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	world_frame(&w);
	w.jpeg_size = world_make_jpeg(w.jpeg, 1280, 720, 100000);
	reply = snapshot_of(&w);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "X-Glint-Width: 1280\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "X-UStreamer-Height: 720\r\n"));
	tell_state(&w);
	CU_ASSERT_EQUAL(record_int("source.resolution.width"), 1280);
	CU_ASSERT_EQUAL(record_int("source.resolution.height"), 720);
	CU_ASSERT_EQUAL(record_int("glint.format.width"), 640);
	CU_ASSERT_EQUAL(record_int("glint.format.height"), 480);

	/* No data for so large a picture. */
	w.jpeg_size = world_make_jpeg(w.jpeg, 65535, 65535, 100000);
	world_frame(&w);
	CU_ASSERT_EQUAL(glint_capture_ledger(w.service->capture)->corrupt, 1);
	tell_state(&w);
	CU_ASSERT_EQUAL(record_int("source.resolution.width"), 1280);
	CU_ASSERT_EQUAL(record_int("source.resolution.height"), 720);
	world_close(&w);
}

static void test_a_truncated_jpeg_that_is_allowed_is_sent_with_an_end(void)
{
	struct world w;
	const char *reply;
	char length[48];

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.capture.allow_truncated = true;
	WORLD_START(&w);
	world_frame(&w);
	w.jpeg_size -= 2002; /* a piece of the scan, and the end */
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", w.jpeg_size + 2);
	reply = snapshot_of(&w);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "X-UStreamer-Online: true\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, length));
	CU_ASSERT_EQUAL(memcmp(reply + strlen(reply) - 3, "\x11\xff\xd9", 3), 0);
	world_close(&w);
}

static int send_damaged(struct world *w)
{
	return fake_v4l2_complete(&w->camera, -1,
				  &(struct fake_frame){ .seq = ++w->seq,
							.data = w->jpeg,
							.used = (uint32_t)w->jpeg_size });
}

static void test_a_camera_whose_jpegs_are_all_damaged_is_offline_as_corrupt(void)
{
	struct world w;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.capture.timeout_ns = 50 * GLINT_NSEC_PER_MSEC;
	w.jpeg_size -= 2;
	WORLD_START(&w);
	while (world_source(&w).reason != GLINT_REASON_CORRUPT) {
		CU_ASSERT_FALSE_FATAL(world_source(&w).online);
		(void)send_damaged(&w);
		world_turn(&w);
	}
	CU_ASSERT_STRING_EQUAL(service_source(w.service).reason, "corrupt");
	CU_ASSERT_FALSE(service_source(w.service).online);
	fd = world_ask(&w, SNAPSHOT);
	/* Without further frames the camera would stall meanwhile on a busy host. */
	READ_UNTIL(&w, fd, ((void)send_damaged(&w), strstr(text, "X-Glint-Reason: corrupt\r\n")));
	close(fd);
	world_close(&w);
}

/* --- What /state shows --------------------------------------------------------------------- */

static void test_the_state_has_the_figures_of_every_module(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, 640, 480);
	w.settings.net.instance_id = "cam.1";
	w.settings.encoder.desired_fps = 25;
	WORLD_START(&w);
	tell_state(&w);
	/* Before the first frame nothing is known of frames. */
	CU_ASSERT_PTR_NULL(record_find("glint.frame.sequence", "int"));
	CU_ASSERT_STRING_EQUAL(record_text("glint.source.reason"), "opening");
	CU_ASSERT_FALSE(record_boolean("source.online"));

	world_frame(&w);
	(void)snapshot_of(&w);
	tell_state(&w);
	CU_ASSERT_EQUAL(strncmp(record.lines, "instance_id text cam.1\nencoder object\n", 38), 0);
	CU_ASSERT_STRING_EQUAL(record_text("encoder.type"), "CPU");
	CU_ASSERT_EQUAL(record_int("encoder.quality"), 80);
	CU_ASSERT_TRUE(record_boolean("source.online"));
	CU_ASSERT_EQUAL(record_int("source.desired_fps"), 25);
	CU_ASSERT_EQUAL(record_int("stream.clients"), 0);
	CU_ASSERT_STRING_EQUAL(record_text("glint.loop.backend"), glint_loop_name(w.service->loop));
	CU_ASSERT_STRING_EQUAL(record_text("glint.source.reason"), "");
	CU_ASSERT_DOUBLE_EQUAL(record_real("glint.source.nominal_fps"), 30, 0);
	CU_ASSERT_STRING_EQUAL(record_text("glint.device.path"), "/dev/video0");
	CU_ASSERT_STRING_EQUAL(record_text("glint.format.fourcc"), "YUYV");
	CU_ASSERT_EQUAL(record_int("glint.format.stride.0"), 1280);
	CU_ASSERT_PTR_NULL(record_find("glint.format.stride.1", "int"));
	CU_ASSERT_EQUAL(record_int("glint.frame.sequence"), w.seq);
	CU_ASSERT_EQUAL(record_int("glint.ledger.seen"), 2);
	CU_ASSERT_EQUAL(record_int("glint.ledger.unaccounted"), 0);
	CU_ASSERT_EQUAL(record_int("glint.buffers.count"), world_source(&w).buffers);
	CU_ASSERT_STRING_EQUAL(record_text("glint.encoder.subsampling"), "4:2:0");
	CU_ASSERT_STRING_NOT_EQUAL(record_text("glint.encoder.engine"), "");
	CU_ASSERT_STRING_EQUAL(record_text("glint.encoder.state"), "");
	CU_ASSERT_PTR_NOT_NULL(record_find("glint.encoder.driver_quality", "null"));
	CU_ASSERT_EQUAL(record_int("glint.offline_pictures.failed"), 0);
	CU_ASSERT_EQUAL(record_int("glint.latency_ns.encode.count"), 1);
	CU_ASSERT_EQUAL(record_int("glint.latency_ns.total.count"), 1);
	CU_ASSERT_EQUAL(record_int("glint.clients.pictures_sent"), 1);
	CU_ASSERT_EQUAL(record_int("glint.answers.200"), 1);
	CU_ASSERT_DOUBLE_EQUAL(record_real("glint.copies_per_frame"), 1, 0);
	world_close(&w);
}

static void test_a_fake_size_is_shown_instead_of_the_real_one(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.fake_width = 1920;
	w.settings.fake_height = 1080;
	WORLD_START(&w);
	tell_state(&w);
	CU_ASSERT_EQUAL(record_int("source.resolution.width"), 1920);
	CU_ASSERT_EQUAL(record_int("source.resolution.height"), 1080);
	CU_ASSERT_EQUAL(record_int("glint.format.width"), 640);
	world_close(&w);
}

/* --- The end ---------------------------------------------------------------------------------- */

/* The service turns the loop at its end, while a device call hangs. */
static void test_the_timer_for_clients_that_stay_away_does_not_outlive_the_server(void)
{
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, 64, 48);
	w.settings.exit_on_no_clients_s = 100;
	WORLD_START(&w);
	world_frame(&w);
	fake_v4l2_lock(&w.camera);
	w.camera.hang_request = VIDIOC_STREAMOFF;
	fake_v4l2_unlock(&w.camera);
	world_refuse(&w, VIDIOC_DQBUF, -EIO); /* the stop job hangs in the driver */
	(void)fake_v4l2_complete(&w.camera, -1, &(struct fake_frame){ .seq = 9 });
	WORLD_WAIT(&w, world_source(&w).reason == GLINT_REASON_ERROR);
	world_turns(&w, 20);
	fake_v4l2_wait_hanging(&w.camera);
	glint_alarm_set(&w.service->idle_alarm, glint_now_ns() + 50 * GLINT_NSEC_PER_MSEC);

	CU_ASSERT_FALSE(glint_service_destroy(w.service));
	CU_ASSERT_FALSE(glint_alarm_busy(&w.service->idle_alarm));
	/* Free the rest, for a leak check. */
	fake_v4l2_release(&w.camera);
	CU_ASSERT_TRUE(glint_encoder_destroy(w.service->encoder));
	CU_ASSERT_TRUE(glint_capture_destroy(w.service->capture, UINT64_MAX));
	glint_events_end(w.service->events);
	glint_loop_destroy(w.service->loop);
	glint_events_destroy(w.service->events);
	free(w.service);
	world_drop(&w);
}

/* --- The end ---------------------------------------------------------------------------------- */

/* Changes of the source in each round of the loop. */
struct changes {
	struct glint_op op;
	struct glint_service *service;
	unsigned told, told_at_the_end;
};

static void on_round(struct glint_op *op, int res, uint32_t flags)
{
	struct changes *changes = container_of(op, struct changes, op);
	struct glint_service *service = changes->service;

	(void)flags;
	service->told_source.begun = false;
	service->listener.changed(&service->listener);
	if (service->ending)
		changes->told_at_the_end += service->told_source.begun;
	else
		changes->told += service->told_source.begun;
	if (res == 0)
		glint_loop_timer(service->loop, op, glint_now_ns());
}

static void test_a_change_of_the_source_during_the_end_reaches_no_module(void)
{
	struct changes changes = { .op.done = on_round };
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	changes.service = w.service;
	glint_loop_timer(w.service->loop, &changes.op, glint_now_ns());
	world_frame(&w);
	CU_ASSERT_TRUE(changes.told > 0);
	world_close(&w);
	CU_ASSERT_EQUAL(changes.told_at_the_end, 0);
}

static void test_not_more_is_encoded_than_captured(void)
{
	struct world w;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	/* Two slow frames without a client, then fast ones that are encoded. */
	world_frame(&w);
	usleep(50000);
	world_frame(&w);
	fd = world_ask(&w, STREAM);
	WORLD_WAIT(&w, glint_fanout_wanted(glint_encoder_packets(w.service->encoder)));
	for (int i = 0; i < 3; i++)
		world_frame(&w);
	CU_ASSERT_TRUE(encoded(&w) >= 2);
	tell_state(&w);
	CU_ASSERT_TRUE(record_real("glint.encoder.fps") > 0);
	CU_ASSERT_TRUE(record_real("glint.encoder.fps") <= record_real("glint.source.fps"));
	close(fd);
	world_close(&w);
}

/* clang-format off */
GLINT_TESTS("service",
	GLINT_TEST(test_a_stream_survives_the_refusal_of_the_buffer_that_it_releases),
	GLINT_TEST(test_a_stream_without_a_next_picture_survives_a_refusal_without_a_leak),
	GLINT_TEST(test_a_snapshot_survives_the_refusal_of_the_frame_behind_it),
	GLINT_TEST(test_a_picture_that_is_encoded_after_a_loss_is_not_shown_as_live),
	GLINT_TEST(test_a_picture_that_is_encoded_after_a_change_is_not_shown_as_live),
	GLINT_TEST(test_a_picture_has_the_clock_of_its_own_frame),
	GLINT_TEST(test_a_jpeg_of_another_size_is_reported_with_its_own_size),
	GLINT_TEST(test_a_truncated_jpeg_that_is_allowed_is_sent_with_an_end),
	GLINT_TEST(test_a_camera_whose_jpegs_are_all_damaged_is_offline_as_corrupt),
	GLINT_TEST(test_the_timer_for_clients_that_stay_away_does_not_outlive_the_server),
	GLINT_TEST(test_the_state_has_the_figures_of_every_module),
	GLINT_TEST(test_a_fake_size_is_shown_instead_of_the_real_one),
	GLINT_TEST(test_a_change_of_the_source_during_the_end_reaches_no_module),
	GLINT_TEST(test_not_more_is_encoded_than_captured),
)
