/* SPDX-License-Identifier: MIT */
/*
 * What goes between the modules of the whole service, on a scripted device.
 * glint_test_loop() says on which loop.
 */
#include "capture/internal.h"
#include "service_rig.h"

#define STREAM "GET /stream?extra_headers=1 HTTP/1.1\r\nHost: x\r\n\r\n"
#define SNAPSHOT "GET /snapshot HTTP/1.1\r\nHost: x\r\n\r\n"

static char text[4 << 20];
static size_t text_used;

/* One turn of the loop, and what has come meanwhile is added to the text. */
static void read_turn(struct world *w, int fd)
{
	size_t from = text_used;

	world_turn(w);
	text_used += world_take(fd, text + text_used, sizeof(text) - 1 - text_used);
	/* Pictures are no text, but what a test looks for begins a line of its own. */
	for (; from < text_used; from++)
		text[from] = text[from] ? text[from] : '.';
	text[text_used] = '\0';
}

/* Reads @fd from now on, until @condition holds. */
#define READ_UNTIL(w, fd, condition)                                             \
	do {                                                                     \
		text[text_used = 0] = '\0';                                      \
		for (int turn_ = 0; turn_ < WORLD_TURNS && !(condition); turn_++) \
			read_turn(w, fd);                                        \
		CU_ASSERT_TRUE_FATAL((condition) != 0);                          \
	} while (0)

static uint64_t encoded(struct world *w)
{
	struct glint_encoder_status status;

	glint_encoder_status(w->service->encoder, &status);
	return status.encoded;
}

/* --- A buffer that the driver does not take back ------------------------------------------ */

/* The picture that says why there is no video, as soon as it is drawn; the caller's reference. */
static struct glint_picture *offline_picture(struct world *w)
{
	struct glint_picture *picture;
	unsigned turns = 0;

	while (service_offline_picture(w->service, &picture) == -EAGAIN && turns++ < WORLD_TURNS)
		world_turn(w);
	CU_ASSERT_PTR_NOT_NULL_FATAL(picture);
	return picture;
}

static void stream_of_refused_buffers(unsigned frames)
{
	struct glint_picture *offline;
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
	CU_ASSERT_EQUAL(offline->frame.refs, 2);	/* the service's own, and this one */
	glint_picture_unref(offline);
	world_close(&w);
}

static void test_a_stream_survives_that_the_buffer_it_gives_back_is_refused(void)
{
	stream_of_refused_buffers(4); /* with a next picture */
}

static void test_a_stream_without_a_next_picture_survives_it_and_leaks_nothing(void)
{
	stream_of_refused_buffers(2);
}

static void test_a_snapshot_survives_that_the_frame_behind_it_is_refused(void)
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

/* --- What is told of a picture ------------------------------------------------------------- */

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
	WORLD_WAIT(&w, world_source(&w).last_seq == 2);
	/* Taken while 2 is encoded; its stamp is of the future. */
	bad.stamp_ns = good.stamp_ns + 900 * GLINT_NSEC_PER_SEC;
	CU_ASSERT_TRUE_FATAL(fake_v4l2_complete(&w.camera, -1, &bad) >= 0);
	WORLD_WAIT(&w, world_source(&w).last_seq == 3);
	CU_ASSERT_STRING_EQUAL(world_source(&w).clock, "arrival");

	READ_UNTIL(&w, fd, strstr(text, "X-Glint-Sequence: 2\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "X-Glint-Clock: monotonic\r\n"));
	close(fd);
	world_close(&w);
}

/* --- JPEGs that a camera gets wrong ------------------------------------------------------------ */

/* What one snapshot is answered, while the camera sends its JPEG again and again. */
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

static void test_a_jpeg_of_another_size_is_told_as_what_it_is(void)
{
	struct glint_status status;
	const char *reply;
	struct world w;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	WORLD_START(&w);
	world_frame(&w);
	w.jpeg_size = world_make_jpeg(w.jpeg, 1280, 720, 100000);
	reply = snapshot_of(&w);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "X-Glint-Width: 1280\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "X-UStreamer-Height: 720\r\n"));
	service_status(w.service, &status);
	CU_ASSERT_TRUE(status.source.width == 1280 && status.source.height == 720);
	CU_ASSERT_TRUE(status.format.width == 640 && status.format.height == 480);

	/* No data for so large a picture. */
	w.jpeg_size = world_make_jpeg(w.jpeg, 65535, 65535, 100000);
	world_frame(&w);
	CU_ASSERT_EQUAL(glint_capture_ledger(w.service->capture)->corrupt, 1);
	service_status(w.service, &status);
	CU_ASSERT_TRUE(status.source.width == 1280 && status.source.height == 720);
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

static void test_a_camera_whose_jpegs_are_all_damaged_is_offline_and_says_why(void)
{
	struct glint_status status;
	struct world w;
	int fd;

	world_prepare(&w, V4L2_PIX_FMT_MJPEG, 640, 480);
	w.settings.capture.timeout_ns = 50 * GLINT_NSEC_PER_MSEC;
	w.jpeg_size -= 2;
	WORLD_START(&w);
	while (world_source(&w).reason != GLINT_REASON_CORRUPT) {
		CU_ASSERT_FALSE_FATAL(world_source(&w).online);
		(void)fake_v4l2_complete(&w.camera, -1,
					 &(struct fake_frame){ .seq = ++w.seq,
							       .data = w.jpeg,
							       .used = (uint32_t)w.jpeg_size });
		world_turn(&w);
	}
	service_status(w.service, &status);
	CU_ASSERT_STRING_EQUAL(status.source.reason, "corrupt");
	CU_ASSERT_FALSE(status.source.online);
	fd = world_ask(&w, SNAPSHOT);
	READ_UNTIL(&w, fd, strstr(text, "X-Glint-Reason: corrupt\r\n"));
	close(fd);
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
	glint_loop_timer(w.service->loop, &w.service->lonely_op,
			 glint_now_ns() + 50 * GLINT_NSEC_PER_MSEC);

	CU_ASSERT_FALSE(glint_service_destroy(w.service));
	CU_ASSERT_FALSE(glint_op_busy(&w.service->lonely_op));
	/* What the service left behind, for a leak check. */
	fake_v4l2_release(&w.camera);
	CU_ASSERT_TRUE(glint_encoder_destroy(w.service->encoder));
	CU_ASSERT_TRUE(glint_capture_destroy(w.service->capture, UINT64_MAX));
	glint_loop_destroy(w.service->loop);
	free(w.service);
	world_drop(&w);
}

GLINT_TESTS("service",
	GLINT_TEST(test_a_stream_survives_that_the_buffer_it_gives_back_is_refused),
	GLINT_TEST(test_a_stream_without_a_next_picture_survives_it_and_leaks_nothing),
	GLINT_TEST(test_a_snapshot_survives_that_the_frame_behind_it_is_refused),
	GLINT_TEST(test_a_picture_that_is_encoded_after_a_loss_is_not_shown_as_live),
	GLINT_TEST(test_a_picture_that_is_encoded_after_a_change_is_not_shown_as_live),
	GLINT_TEST(test_a_picture_has_the_clock_of_its_own_frame),
	GLINT_TEST(test_a_jpeg_of_another_size_is_told_as_what_it_is),
	GLINT_TEST(test_a_truncated_jpeg_that_is_allowed_is_sent_with_an_end),
	GLINT_TEST(test_a_camera_whose_jpegs_are_all_damaged_is_offline_and_says_why),
	GLINT_TEST(test_the_timer_for_clients_that_stay_away_does_not_outlive_the_server),
)
