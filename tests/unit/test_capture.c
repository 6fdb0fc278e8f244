/* SPDX-License-Identifier: MIT */
/*
 * The capture on the scripted device: the frames that it pushes, the reasons that it gives
 * while it has none, and its recovery from each failure. On the loop backend under test.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture_rig.h"
#include "harness.h"
#include "jpeg/header.h"
#include "malloc_rig.h"
#include "pattern/pattern.h"

/* --- Frames ----------------------------------------------------------------------- */

static void test_a_frame_makes_the_source_live(void)
{
	struct glint_capture_status status;
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_OPENING);
	RIG_UNTIL(&rig, rig_streams(&rig));
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_OPENING);
	CU_ASSERT_FALSE(rig_status(&rig).online);
	rig_frame(&rig, &(struct fake_frame){ .seq = 5 });

	status = rig_status(&rig);
	CU_ASSERT_TRUE(status.online);
	CU_ASSERT_STRING_EQUAL(status.kind, "v4l2");
	CU_ASSERT_STRING_EQUAL(status.path, "/dev/video0");
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "device.driver"), "fake");
	CU_ASSERT_EQUAL(status.format.fourcc, V4L2_PIX_FMT_YUYV);
	CU_ASSERT_EQUAL(status.nominal_millihz, 30000);
	CU_ASSERT_EQUAL(status.last.seq, 5);
	CU_ASSERT_EQUAL(status.memory, GLINT_MEMORY_V4L2);
	CU_ASSERT_EQUAL(status.opens, 1);
	CU_ASSERT_EQUAL(status.restarts, 0);
	CU_ASSERT_TRUE(rig.changes > 0);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	rig_close(&rig);
}

static void test_a_further_frame_needs_no_allocation(void)
{
	unsigned before = 0;
	struct rig rig;

	NEEDS_MALLOC();
	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	/* The device's thread lists the controls once. */
	RIG_UNTIL(&rig, !rig.capture->watch_runs);
	for (uint32_t i = 1; i < 24; i++) {
		if (i == 4)
			before = malloc_count;
		rig_frame(&rig, &(struct fake_frame){ .seq = i });
	}
	CU_ASSERT_EQUAL(malloc_count, before);
	CU_ASSERT_EQUAL(rig.pushed, 24);
	rig_close(&rig);
}

static void test_a_late_wakeup_delivers_the_newest_frame_only(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.keeps = true;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	CU_ASSERT_EQUAL(fake_v4l2_complete(&rig.fake, 0, &(struct fake_frame){ .seq = 40 }), 0);
	CU_ASSERT_EQUAL(fake_v4l2_complete(&rig.fake, 1, &(struct fake_frame){ .seq = 41 }), 1);
	RIG_UNTIL(&rig, rig.pushed > 0);

	CU_ASSERT_EQUAL(rig.pushed, 1);
	CU_ASSERT_EQUAL(rig.last_seq, 41);
	CU_ASSERT_EQUAL(rig.fake.queued, 1u << 0 | 1u << 2); /* 0 went back, 1 is leased */
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->skipped, 1);
	rig.kept = glint_frame_unref(rig.kept);
	CU_ASSERT_EQUAL(rig.fake.queued, 7u); /* the last unref requeues */
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->delivered, 1);
	rig_close(&rig);
}

static void test_gaps_in_the_numbers_are_the_drivers_drops(void)
{
	const struct glint_ledger *ledger;
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	rig_frame(&rig, &(struct fake_frame){ .seq = 4 });
	ledger = glint_capture_ledger(rig.capture);
	CU_ASSERT_EQUAL(ledger->driver_dropped, 3);
	CU_ASSERT_EQUAL(ledger->delivered, 2);
	rig_close(&rig);
}

static void test_damaged_frames_are_counted_and_not_shown(void)
{
	static const struct fake_frame bad[] = {
		{ .seq = 1, .flags = V4L2_BUF_FLAG_ERROR },
		{ .seq = 2, .used = 64 * 48 * 2 - 1 },
		{ .seq = 3, .used = 64 * 48 * 2 + 1 },
	};
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	for (unsigned i = 0; i < 3; i++)
		rig_frame(&rig, &bad[i]);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->corrupt, 3);
	CU_ASSERT_EQUAL(rig.fake.queued, 7u);
	rig_frame(&rig, &(struct fake_frame){ .seq = 4 });
	CU_ASSERT_EQUAL(rig.pushed, 2);
	CU_ASSERT_TRUE(rig_status(&rig).online);
	rig_close(&rig);
}

/* uvcvideo returns all of its buffers after one failed URB; other drivers set the length. */
static void test_buffers_that_the_driver_cancels_are_no_frames(void)
{
	static const struct fake_frame cancelled[] = {
		{ .cancelled = true },
		{ .cancelled = true, .used = 64 * 48 * 2 },
		{ .cancelled = true, .seq = 1, .stamp_ns = 1000 }, /* of a dropped frame */
	};
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	rig_frame(&rig, &(struct fake_frame){ .seq = 2 });
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(fake_v4l2_complete(&rig.fake, i, &cancelled[i]), i);
	RIG_UNTIL(&rig, rig_cancelled(&rig) == 3);
	CU_ASSERT_EQUAL(rig.fake.queued, 7u); /* all are with the driver */
	CU_ASSERT_EQUAL(rig_status(&rig).with_driver, 3);
	CU_ASSERT_EQUAL(rig_status(&rig).last.seq, 2);
	CU_ASSERT_TRUE(rig_status(&rig).online);
	rig_frame(&rig, &(struct fake_frame){ .seq = 4 });

	CU_ASSERT_EQUAL(rig.pushed, 3);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->seen, 5);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->driver_dropped, 2); /* 1 and 3 */
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->corrupt, 0);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->reordered, 0);
	rig_close(&rig);
}

static void test_cancelled_buffers_before_the_first_frame_do_not_begin_the_count(void)
{
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	fake_v4l2_complete(&rig.fake, 0, &(struct fake_frame){ .cancelled = true });
	RIG_UNTIL(&rig, rig_cancelled(&rig) == 1);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_OPENING);
	rig_frame(&rig, &(struct fake_frame){ .seq = 131 });
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->driver_dropped, 0);
	rig_close(&rig);
}

static void test_a_damaged_frame_with_number_0_is_counted(void)
{
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .flags = V4L2_BUF_FLAG_ERROR });
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	rig_frame(&rig,
		  &(struct fake_frame){ .seq = 2, .cancelled = true }); /* it was being filled */
	CU_ASSERT_EQUAL(rig_cancelled(&rig), 0);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->corrupt, 2);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->delivered, 1);
	rig_close(&rig);
}

static void test_a_cancelled_buffer_that_the_driver_refuses_ends_the_stream(void)
{
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	RIG_FAKE(&rig, fail_err = -ENODEV);
	RIG_FAKE(&rig, fail_request = VIDIOC_QBUF);
	fake_v4l2_complete(&rig.fake, 0, &(struct fake_frame){ .cancelled = true });
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_DEVICE);
	RIG_FAKE(&rig, fail_request = 0);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	rig_close(&rig);
}

static void test_only_cancelled_buffers_are_a_stall(void)
{
	const struct fake_frame cancelled = { .cancelled = true };
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	rig_set_timeout(&rig, 20 * GLINT_NSEC_PER_MSEC);
	while (rig_reason(&rig) != GLINT_REASON_STALLED) {
		uint64_t before = rig_cancelled(&rig);

		if (fake_v4l2_complete(&rig.fake, -1, &cancelled) < 0)
			break;
		RIG_UNTIL(&rig,
			  rig_cancelled(&rig) > before || rig_reason(&rig) == GLINT_REASON_STALLED);
	}
	RIG_UNTIL(&rig, rig_status(&rig).restarts > 0);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->seen, 1);
	rig_close(&rig);
}

static void test_spare_leaves_two_buffers_to_the_driver(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.keeps = true;
	rig.config.buffers = 4;
	RIG_START(&rig);
	CU_ASSERT_EQUAL(glint_capture_spare(rig.capture), 0);
	RIG_UNTIL(&rig, rig_streams(&rig));
	CU_ASSERT_EQUAL(glint_capture_spare(rig.capture), 2);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(glint_capture_spare(rig.capture), 1);
	CU_ASSERT_EQUAL(rig_status(&rig).leased, 1);
	rig_close(&rig);
}

static void test_a_driver_with_endless_frames_does_not_block_the_loop(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.buffers = 32;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	for (unsigned i = 0; i < 32; i++)
		CU_ASSERT_TRUE(
			fake_v4l2_complete(&rig.fake, -1, &(struct fake_frame){ .seq = i }) >= 0);
	RIG_UNTIL(&rig, rig.pushed > 0);
	CU_ASSERT_EQUAL(rig.last_seq, 31);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->skipped, 31);
	rig_close(&rig);
}

static void lie_index(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	if (request != VIDIOC_DQBUF)
		return;
	((struct v4l2_buffer *)arg)->index = 2; /* which the capture has */
	fake->lie = NULL;
	fake->controls[1]++;
}

static void test_a_buffer_that_is_returned_twice_restarts_the_stream(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.keeps = true;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	fake_v4l2_complete(&rig.fake, 2, &(struct fake_frame){ .seq = 1 });
	RIG_UNTIL(&rig, rig.kept);
	RIG_FAKE(&rig, lie = lie_index);
	fake_v4l2_complete(&rig.fake, 0, &(struct fake_frame){ .seq = 2 });
	RIG_UNTIL(&rig, rig_status(&rig).restarts == 1 && rig_status(&rig).with_driver == 3);
	CU_ASSERT_EQUAL(rig.kept->info.seq, 1); /* the old stream's frame is still whole */
	CU_ASSERT_EQUAL_FATAL(glint_dmabuf_map(rig.kept->buf), 0);
	CU_ASSERT_EQUAL(rig.kept->buf->planes[0].map[0], 0);
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	rig_close(&rig);
}

/* --- Time -------------------------------------------------------------------------------- */

static void test_a_plausible_stamp_of_the_driver_is_used(void)
{
	struct glint_capture_status status;
	uint64_t stamp = (glint_now_ns() - GLINT_NSEC_PER_MSEC) / 1000 * 1000;
	struct rig rig;

	rig_init(&rig);
	rig.keeps = true;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .stamp_ns = stamp });
	status = rig_status(&rig);
	CU_ASSERT_EQUAL(status.last.capture_ns, stamp);
	CU_ASSERT_EQUAL(status.last.complete_ns, stamp);
	CU_ASSERT_STRING_EQUAL(glint_clock_name(status.last.clock), "monotonic");
	CU_ASSERT_FALSE(status.last.start_of_exposure);
	CU_ASSERT_EQUAL(rig.kept->info.capture_ns, stamp);
	CU_ASSERT_TRUE(rig.kept->info.dequeue_ns > stamp);

	rig_frame(&rig, &(struct fake_frame){ .seq = 1,
					      .stamp_ns = stamp + 1000,
					      .flags = V4L2_BUF_FLAG_TSTAMP_SRC_SOE });
	status = rig_status(&rig);
	CU_ASSERT_TRUE(status.last.start_of_exposure);
	CU_ASSERT_EQUAL(status.last.capture_ns, stamp + 1000);
	CU_ASSERT_TRUE(status.last.complete_ns > stamp + 1000);
	rig_close(&rig);
}

static void test_implausible_stamps_become_the_time_of_arrival(void)
{
	uint64_t before = glint_now_ns();
	const uint64_t stamps[] = {
		before + LONG,	      /* in the future, like vivid's */
		before + LONG - 1000, /* before the last: of another frame */
		1000,		      /* of another clock */
	};
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	for (unsigned i = 0; i < 3; i++) {
		struct glint_capture_status status;

		rig_frame(&rig, &(struct fake_frame){ .seq = i, .stamp_ns = stamps[i] });
		status = rig_status(&rig);
		CU_ASSERT_STRING_EQUAL(glint_clock_name(status.last.clock), "arrival");
		CU_ASSERT_TRUE(status.last.capture_ns >= before);
		CU_ASSERT_TRUE(status.last.complete_ns <= glint_now_ns());
	}
	rig_close(&rig);
}

static void test_a_stamp_at_the_start_of_exposure_is_the_exposure(void)
{
	uint64_t stamp = (glint_now_ns() - GLINT_NSEC_PER_MSEC) / 1000 * 1000;
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig,
		  &(struct fake_frame){ .stamp_ns = stamp, .flags = V4L2_BUF_FLAG_TSTAMP_SRC_SOE });
	CU_ASSERT_EQUAL(rig.last_exposure_ns, stamp);
	rig_close(&rig);
}

static void test_otherwise_the_exposure_began_after_the_last_frame_but_one(void)
{
	uint64_t first = (glint_now_ns() - GLINT_NSEC_PER_MSEC) / 1000 * 1000;
	const uint64_t began[] = { 0, 0, first, first + 1000, first + 2000 };
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	for (unsigned i = 0; i < ARRAY_SIZE(began); i++) {
		rig_frame(&rig, &(struct fake_frame){ .seq = i, .stamp_ns = first + i * 1000 });
		CU_ASSERT_EQUAL(rig.last_exposure_ns, began[i]);
	}
	rig_close(&rig);
}

static void frame_of_another_clock(struct rig *rig, uint32_t seq)
{
	rig_frame(rig, &(struct fake_frame){ .seq = seq, .stamp_ns = 1000 });
}

/* The time of a frame that waited in the queue is unknown. */
static void test_without_a_stamp_an_empty_queue_bounds_the_exposure(void)
{
	uint64_t live_ns, exposure_ns;
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	frame_of_another_clock(&rig, 0);
	live_ns = rig.last_dequeue_ns;
	for (unsigned i = 1; i < 3; i++)
		fake_v4l2_complete(&rig.fake, -1,
				   &(struct fake_frame){ .seq = i, .stamp_ns = 1000 });
	RIG_UNTIL(&rig, glint_capture_ledger(rig.capture)->seen == 3);
	CU_ASSERT_EQUAL(rig.last_seq, 2);
	CU_ASSERT_EQUAL(rig.last_exposure_ns, 0); /* the first: the queue was never empty before */

	frame_of_another_clock(&rig, 3);
	CU_ASSERT_EQUAL(rig.last_exposure_ns, live_ns); /* when the queue had no second frame */
	frame_of_another_clock(&rig, 4);
	CU_ASSERT_EQUAL(rig.last_exposure_ns, live_ns); /* and no third */
	exposure_ns = rig.last_dequeue_ns;
	frame_of_another_clock(&rig, 5);
	frame_of_another_clock(&rig, 6);
	frame_of_another_clock(&rig, 7);
	CU_ASSERT_EQUAL(rig.last_exposure_ns, exposure_ns); /* when the queue had no fifth frame */
	rig_close(&rig);
}

/* --- JPEG ---------------------------------------------------------------------------------- */

static uint8_t good_jpeg[GLINT_JPEG_HEADER_MAX + 128];

/* A picture of @width x @height; returns its length. */
static uint32_t make_jpeg(uint32_t width, uint32_t height)
{
	struct glint_jpeg_params params = { .width = width,
					    .height = height,
					    .sampling = GLINT_SAMPLING_420 };
	size_t size;

	memset(params.quant, 1, sizeof(params.quant));
	size = glint_jpeg_write_header(good_jpeg, &params);
	memset(good_jpeg + size, 0x55, 100);
	memcpy(good_jpeg + size + 100, "\xff\xd9", 2);
	return (uint32_t)size + 102;
}

static void jpeg_frames(struct rig *rig, bool allow_truncated, uint32_t min_size)
{
	rig_init(rig);
	rig->fake.formats[0].fourcc = V4L2_PIX_FMT_MJPEG;
	rig->config.allow_truncated = allow_truncated;
	rig->config.min_frame_size = min_size;
}

static void test_truncated_and_tiny_jpegs_are_corrupt_unless_allowed(void)
{
	const uint32_t size = make_jpeg(64, 48);
	const struct fake_frame whole = { .seq = 1, .used = size, .data = good_jpeg };
	const struct fake_frame cut = { .seq = 2, .used = size - 2, .data = good_jpeg };
	const struct fake_frame noise = { .seq = 3, .used = size - 2, .data = good_jpeg + 1 };
	struct rig rig;

	jpeg_frames(&rig, false, size);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &whole);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	rig_frame(&rig, &cut);
	rig_frame(&rig, &noise);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->corrupt, 2);
	rig_close(&rig);

	jpeg_frames(&rig, true, 8);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &cut);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	rig_frame(&rig, &noise);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	/* Without an end the size may be wrong. */
	(void)make_jpeg(128, 48);
	rig_frame(&rig, &cut);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	rig_close(&rig);

	(void)make_jpeg(64, 48);
	jpeg_frames(&rig, false, size + 1);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &whole);
	CU_ASSERT_EQUAL(rig.pushed, 0);
	rig_close(&rig);
}

static void test_a_jpeg_of_another_size_than_the_format_is_reported(void)
{
	struct fake_frame frame = { .seq = 1, .used = make_jpeg(64, 48), .data = good_jpeg };
	struct glint_capture_status status;
	unsigned changes;
	struct rig rig;

	jpeg_frames(&rig, false, 8);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &frame);
	status = rig_status(&rig);
	CU_ASSERT_TRUE(status.width == 64 && status.height == 48);
	changes = rig.changes;
	frame.seq = 2;
	rig_frame(&rig, &frame);
	CU_ASSERT_EQUAL(rig.changes, changes);

	frame.seq = 3;
	frame.used = make_jpeg(96, 80);
	rig_frame(&rig, &frame);
	status = rig_status(&rig);
	CU_ASSERT_TRUE(status.width == 96 && status.height == 80);
	CU_ASSERT_TRUE(status.format.width == 64 && status.format.height == 48);
	CU_ASSERT_TRUE(status.online);
	CU_ASSERT_EQUAL(rig.changes, changes + 1);
	CU_ASSERT_EQUAL(rig.pushed, 3);
	rig_close(&rig);
}

static void test_a_device_whose_frames_are_all_damaged_is_not_live(void)
{
	struct fake_frame frame = { .seq = 1, .used = make_jpeg(64, 48) - 1, .data = good_jpeg };
	uint64_t restarts;
	struct rig rig;

	jpeg_frames(&rig, false, 8);
	rig.config.timeout_ns = 50 * GLINT_NSEC_PER_MSEC;
	RIG_START(&rig);
	while (rig_reason(&rig) != GLINT_REASON_CORRUPT) {
		(void)fake_v4l2_complete(&rig.fake, -1, &frame);
		frame.seq++;
		CU_ASSERT_NOT_EQUAL_FATAL(rig_reason(&rig), GLINT_REASON_NONE);
		(void)glint_loop_run_once(rig.loop, glint_now_ns() + GLINT_NSEC_PER_MSEC);
	}
	CU_ASSERT_EQUAL(rig.pushed, 0);
	CU_ASSERT_FALSE(rig_status(&rig).online);
	rig_set_timeout(&rig, LONG);
	/* A new stream is not live before a good frame. A busy host may have caused one before. */
	restarts = rig_status(&rig).restarts;
	RIG_UNTIL(&rig, rig_status(&rig).restarts > restarts && rig_streams(&rig));
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_CORRUPT);
	frame.used++;
	rig_frame(&rig, &frame);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	rig_close(&rig);
}

/* --- Reasons for not being live ------------------------------------------------------------- */

static void test_each_start_failure_has_its_reason(void)
{
	static const struct {
		unsigned long request;
		int err;
		enum glint_reason reason;
	} cases[] = {
		{ VIDIOC_QUERYCAP, -ENOTTY, GLINT_REASON_NOT_CAPTURE },
		{ VIDIOC_QUERYCAP, -ENODEV, GLINT_REASON_NO_DEVICE },
		{ VIDIOC_S_INPUT, -EBUSY, GLINT_REASON_BUSY },
		{ VIDIOC_S_FMT, -EBUSY, GLINT_REASON_BUSY },
		{ VIDIOC_S_FMT, -EINVAL, GLINT_REASON_FORMAT },
		{ VIDIOC_REQBUFS, -EBUSY, GLINT_REASON_BUSY },
		{ VIDIOC_STREAMON, -EBUSY, GLINT_REASON_BUSY },
		{ VIDIOC_STREAMON, -ENOLINK, GLINT_REASON_NO_SIGNAL },
		{ VIDIOC_STREAMON, -EPIPE, GLINT_REASON_PIPELINE },
		{ VIDIOC_QBUF, -EIO, GLINT_REASON_ERROR },
		{ VIDIOC_QUERYBUF, -EINVAL, GLINT_REASON_ERROR },
		{ VIDIOC_ENUM_FMT, -EACCES, GLINT_REASON_NO_PERMISSION },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig rig;

		rig_init(&rig);
		rig.fake.fail_request = cases[i].request;
		rig.fake.fail_err = cases[i].err;
		RIG_START(&rig);
		RIG_UNTIL(&rig, rig_reason(&rig) == cases[i].reason);
		CU_ASSERT_FALSE(rig_status(&rig).online);
		fake_v4l2_lock(&rig.fake);
		rig.fake.fail_request = 0;
		fake_v4l2_unlock(&rig.fake);
		rig_go_live(&rig);
		rig_close(&rig);
	}
}

static void test_a_device_that_appears_later_is_found(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.device = NULL;
	rig.fake.path = "/dev/video7";
	rig.fake.unplugged = true;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_DEVICE);
	CU_ASSERT_STRING_EQUAL(rig_status(&rig).path, "");
	fake_v4l2_replug(&rig.fake);
	rig_go_live(&rig);
	CU_ASSERT_STRING_EQUAL(rig_status(&rig).path, "/dev/video7");
	rig_close(&rig);
}

/* The device's place is taken: from now on the fake is @card with @serial at @path. */
static void rig_replace(struct rig *rig, const char *path, const char *card, const char *serial)
{
	fake_v4l2_unplug(&rig->fake);
	RIG_UNTIL(rig, rig_reason(rig) == GLINT_REASON_NO_DEVICE);
	RIG_UNTIL(rig, rig_status(rig).buffers == 0);
	fake_v4l2_lock(&rig->fake);
	rig->fake.path = path;
	rig->fake.card = card;
	rig->fake.serial = serial;
	fake_v4l2_unlock(&rig->fake);
	fake_v4l2_replug(&rig->fake);
}

static void rig_be_usb(struct rig *rig)
{
	rig_init(rig);
	rig->fake.path = "/dev/video0";
	rig->fake.card = "Right";
	rig->fake.vendor = "1d6b";
	rig->fake.product = "0102";
	rig->fake.serial = "A1";
}

static void test_another_device_under_the_same_path_is_refused(void)
{
	struct rig rig;

	rig_be_usb(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	rig_replace(&rig, "/dev/video0", "Wrong", "B2");
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_WRONG_DEVICE);
	CU_ASSERT_FALSE(rig_status(&rig).online);
	CU_ASSERT_EQUAL(rig_status(&rig).opens, 1);
	CU_ASSERT_STRING_EQUAL(
		rig_status(&rig).message,
		"it was 'Right' (usb:1d6b:0102:A1), it is 'Wrong' (usb:1d6b:0102:B2)");
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "device.message"),
			       rig_status(&rig).message);

	rig_replace(&rig, "/dev/video3", "Right", "A1");
	rig_go_live(&rig);
	CU_ASSERT_STRING_EQUAL(rig_status(&rig).path, "/dev/video3");
	CU_ASSERT_STRING_EQUAL(rig_status(&rig).message, "");
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "device.serial"), "A1");
	rig_close(&rig);
}

static void test_a_device_without_a_serial_number_is_known_by_its_port(void)
{
	struct rig rig;

	rig_be_usb(&rig);
	rig.fake.serial = NULL;
	rig.fake.bus = "usb-1";
	RIG_START(&rig);
	rig_go_live(&rig);
	fake_v4l2_lock(&rig.fake);
	rig.fake.bus = "usb-2";
	fake_v4l2_unlock(&rig.fake);
	rig_replace(&rig, "/dev/video0", "Right", NULL);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_WRONG_DEVICE);
	fake_v4l2_lock(&rig.fake);
	rig.fake.bus = "usb-1";
	fake_v4l2_unlock(&rig.fake);
	rig_go_live(&rig);
	rig_close(&rig);
}

static void test_a_device_is_found_by_each_kind_of_name(void)
{
	static const char *const names[] = {
		"usb:1d6b:0102", "usb:1D6B:01*:A1", "usb:534d,1d6b:2109,0102:*",
		"driver:fake",	 "Right",	    "card:R*t",
		"/dev/video7",	 "video7",	    NULL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct rig rig;

		rig_be_usb(&rig);
		rig.fake.path = "/dev/video7";
		rig.config.device = names[i];
		RIG_START(&rig);
		rig_go_live(&rig);
		CU_ASSERT_STRING_EQUAL(rig_status(&rig).path, "/dev/video7");
		rig_replace(&rig, "/dev/video1", "Right", "A1");
		rig_go_live(&rig);
		CU_ASSERT_STRING_EQUAL(rig_status(&rig).path, "/dev/video1");
		rig_close(&rig);
	}
}

/* The name of a model finds any individual at first, and then this one only. */
static void test_what_a_name_leaves_open_is_remembered(void)
{
	struct rig rig;

	rig_be_usb(&rig);
	rig.config.device = "usb:1d6b:0102";
	RIG_START(&rig);
	rig_go_live(&rig);
	rig_replace(&rig, "/dev/video0", "Right", "B2");
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_WRONG_DEVICE);
	CU_ASSERT_STRING_EQUAL(rig_status(&rig).message,
			       "'Right' (usb:1d6b:0102:A1) is not there; there is /dev/video0 "
			       "'Right' (usb:1d6b:0102:B2)");
	rig_replace(&rig, "/dev/video0", "Right", "A1");
	rig_go_live(&rig);
	rig_close(&rig);
}

/* A grabber may have another product id at another USB speed. */
static void test_a_pattern_admits_each_individual(void)
{
	struct rig rig;

	rig_be_usb(&rig);
	rig.config.device = "usb:1d6b:0102,0103:*";
	RIG_START(&rig);
	rig_go_live(&rig);
	fake_v4l2_lock(&rig.fake);
	rig.fake.product = "0103";
	fake_v4l2_unlock(&rig.fake);
	rig_replace(&rig, "/dev/video1", "Right", "C3");
	rig_go_live(&rig);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "device.product"), "0103");
	rig_close(&rig);
}

static void test_what_fits_no_name_is_told(void)
{
	struct rig rig;

	rig_be_usb(&rig);
	rig.config.device = "usb:534d:2109";
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_DEVICE);
	CU_ASSERT_STRING_EQUAL(rig_status(&rig).message,
			       "'usb:534d:2109' is not there; there is /dev/video0 'Right' "
			       "(usb:1d6b:0102:A1)");
	CU_ASSERT_EQUAL(rig.fake.opens, 0); /* sysfs says enough */
	rig_close(&rig);
}

static void test_unplugging_ends_at_once_and_replugging_brings_it_back(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.keeps = true;
	RIG_START(&rig);
	rig_go_live(&rig);
	fake_v4l2_unplug(&rig.fake);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_DEVICE);
	RIG_UNTIL(&rig, rig_status(&rig).buffers == 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig.kept);
	CU_ASSERT_EQUAL_FATAL(glint_dmabuf_map(rig.kept->buf), 0);
	CU_ASSERT_EQUAL(rig.kept->buf->planes[0].map[0], 0); /* a reader's frame stays readable */
	CU_ASSERT_EQUAL(rig_status(&rig).leased, 1);
	fake_v4l2_replug(&rig.fake);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(rig_status(&rig).restarts, 1);
	CU_ASSERT_TRUE(rig_status(&rig).opens >= 2);
	rig_close(&rig);
}

/* How many times @needle is in what has been written to @fd, which becomes empty. */
static unsigned count_in_log(int fd, const char *needle)
{
	char text[8192];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
	unsigned count = 0;

	text[size < 0 ? 0 : size] = '\0';
	for (const char *at = text; (at = strstr(at, needle)); at += strlen(needle))
		count++;
	(void)!ftruncate(fd, 0);
	lseek(fd, 0, SEEK_SET);
	return count;
}

/* The last attempt to start is over, and ended with @err. */
static bool rig_failed_to_start(const struct rig *rig, int err)
{
	const struct glint_capture *capture = rig->capture;

	return capture->state == GLINT_CAPTURE_OFFLINE && capture->start_err == err;
}

static void test_an_unplugged_device_is_logged_once_though_its_node_goes_later(void)
{
	int saved = dup(STDERR_FILENO), log = memfd_create("log", MFD_CLOEXEC);
	struct rig rig;

	dup2(log, STDERR_FILENO);
	rig_init(&rig);
	RIG_START(&rig);
	for (unsigned time = 0; time < 2; time++) {
		rig_go_live(&rig);
		fake_v4l2_unplug(&rig.fake); /* open descriptors get ENODEV, open() gets ENOENT */
		RIG_UNTIL(&rig, rig_failed_to_start(&rig, -ENOENT));
		CU_ASSERT_EQUAL(count_in_log(log, "is offline: no-device"), 1);
		fake_v4l2_replug(&rig.fake);
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(log);
	rig_close(&rig);
}

static void test_a_shorter_delay_holds_for_a_device_that_is_missing(void)
{
	struct glint_capture_config wanted;
	struct rig rig;

	rig_init(&rig);
	rig.config.retry_ns = 60 * LONG;
	RIG_START(&rig);
	rig_go_live(&rig);
	fake_v4l2_unplug(&rig.fake);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_DEVICE);
	RIG_UNTIL(&rig, rig_status(&rig).buffers == 0);
	fake_v4l2_replug(&rig.fake);
	wanted = rig.config;
	wanted.retry_ns = GLINT_NSEC_PER_MSEC;
	glint_capture_apply(rig.capture, &wanted);
	rig_go_live(&rig);
	rig_close(&rig);
}

static void test_a_silent_device_has_stalled_and_is_reopened(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.timeout_ns = GLINT_NSEC_PER_MSEC;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_STALLED);
	RIG_UNTIL(&rig, rig_status(&rig).opens >= 3);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_STALLED);
	/* On a busy host the device may be reopened before the capture has taken a frame. */
	RIG_UNTIL(&rig, ((void)fake_v4l2_complete(&rig.fake, -1, &(struct fake_frame){ 0 }),
			 rig_reason(&rig) == GLINT_REASON_NONE));
	rig_close(&rig);
}

static void test_a_service_that_stood_still_looks_again(void)
{
	struct rig rig;
	uint64_t before;

	rig_init(&rig);
	rig.config.timeout_ns = 50 * GLINT_NSEC_PER_MSEC;
	RIG_START(&rig);
	rig_go_live(&rig);
	before = glint_capture_ledger(rig.capture)->seen;
	usleep(120000);
	/* The watchdog may ring before the kernel has told of the frame. */
	CU_ASSERT_EQUAL(glint_loop_run_once(rig.loop, glint_now_ns()), 0);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	CU_ASSERT_TRUE(fake_v4l2_complete(&rig.fake, -1, &(struct fake_frame){ 0 }) >= 0);
	RIG_UNTIL(&rig, glint_capture_ledger(rig.capture)->seen != before);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	CU_ASSERT_EQUAL(rig_status(&rig).opens, 1);
	rig_close(&rig);
}

static void test_readers_that_hold_every_buffer_are_not_a_stall(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.keeps = true;
	rig.config.buffers = 2;
	rig.fake.buffers_max = 1;
	rig.config.timeout_ns = GLINT_NSEC_PER_MSEC;
	RIG_START(&rig);
	RIG_UNTIL(&rig,
		  ((void)fake_v4l2_complete(&rig.fake, -1, &(struct fake_frame){ 0 }), rig.kept));
	/* The watchdog looks several times. */
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(glint_loop_run_once(rig.loop, glint_now_ns() + GLINT_NSEC_PER_MSEC),
				0);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	rig_close(&rig);
}

static void test_a_stuck_call_is_reported_and_survived(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.stuck_ns = GLINT_NSEC_PER_MSEC;
	rig.fake.hang_request = VIDIOC_STREAMON;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_STUCK);
	fake_v4l2_release(&rig.fake);
	rig_go_live(&rig);
	rig_close(&rig);
}

static void test_destroy_gives_up_on_a_stuck_call(void)
{
	static struct rig rig; /* the abandoned thread still uses it */

	rig_init(&rig);
	rig.fake.hang_request = VIDIOC_S_FMT;
	RIG_START(&rig);
	fake_v4l2_wait_hanging(&rig.fake);
	CU_ASSERT_FALSE(glint_capture_destroy(rig.capture, glint_now_ns() + GLINT_NSEC_PER_MSEC));
	/* The service would exit here. Let the thread end. */
	fake_v4l2_release(&rig.fake);
}

static void test_destroy_in_any_phase_closes_the_device(void)
{
	for (unsigned rounds = 0; rounds < 12; rounds++) {
		struct rig rig;

		rig_init(&rig);
		RIG_START(&rig);
		for (unsigned i = 0; i < rounds; i++)
			CU_ASSERT_EQUAL(glint_loop_run_once(rig.loop, 0), 0);
		if (rounds == 8)
			fake_v4l2_unplug(&rig.fake);
		rig_close(&rig);
	}
}

static void test_a_missing_format_is_replaced(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.fourcc = V4L2_PIX_FMT_NV12;
	RIG_START(&rig);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(rig_status(&rig).format.fourcc, V4L2_PIX_FMT_YUYV);
	rig_close(&rig);
}

static void test_raw_formats_are_not_chosen_without_an_encoder(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.raw_formats = false;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_FORMAT);
	CU_ASSERT_EQUAL(rig.pushed, 0);
	rig_close(&rig);
}

static void test_controls_are_set_and_missing_ones_ignored(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.controls_reset = true;
	rig.config.controls[GLINT_CONTROL_BRIGHTNESS] =
		(struct glint_control_setting){ GLINT_CONTROL_VALUE, 33 };
	rig.config.controls[GLINT_CONTROL_FLIP_H] =
		(struct glint_control_setting){ GLINT_CONTROL_VALUE, 1000 };
	rig.config.controls[GLINT_CONTROL_GAMMA] =
		(struct glint_control_setting){ GLINT_CONTROL_AUTO, 0 };
	RIG_START(&rig);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, V4L2_CID_BRIGHTNESS), 33);
	CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, V4L2_CID_AUTOBRIGHTNESS), 0);
	CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, V4L2_CID_HFLIP), 0); /* 1000 is out of range */
	rig_close(&rig);
}

/* --- HDMI ------------------------------------------------------------------------------------ */

static void hdmi(struct rig *rig)
{
	rig_init(rig);
	rig->fake.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	rig->fake.has_events = true;
	rig->fake.formats[0].width = rig->fake.formats[0].height = 0;
	rig->fake.timings_width = 128;
	rig->fake.timings_height = 96;
}

static void set_timings(struct rig *rig, int err, uint32_t width)
{
	fake_v4l2_lock(&rig->fake);
	rig->fake.timings_err = err;
	rig->fake.timings_width = width;
	fake_v4l2_unlock(&rig->fake);
	fake_v4l2_event(&rig->fake);
}

static void test_the_size_follows_the_signal(void)
{
	struct rig rig;

	hdmi(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(rig_status(&rig).format.width, 128);
	CU_ASSERT_EQUAL(rig_status(&rig).nominal_millihz, 60000);
	set_timings(&rig, 0, 160);
	RIG_UNTIL(&rig, rig_status(&rig).format.width == 160);
	CU_ASSERT_EQUAL(rig_status(&rig).opens, 1); /* without closing the device */
	rig_go_live(&rig);
	rig_close(&rig);
}

static void test_an_event_that_changes_nothing_does_not_stop_the_stream(void)
{
	struct rig rig;

	hdmi(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	fake_v4l2_event(&rig.fake);
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	rig.pushed = 0;
	for (uint32_t seq = 2; rig.pushed == 0; seq++)
		rig_frame(&rig, &(struct fake_frame){ .seq = seq });
	CU_ASSERT_EQUAL(rig_status(&rig).restarts, 0);
	rig_close(&rig);
}

static void test_a_change_that_cannot_be_measured_restarts_the_stream(void)
{
	struct rig rig;

	hdmi(&rig);
	rig.fake.timings_busy = true;
	RIG_START(&rig);
	rig_go_live(&rig);
	set_timings(&rig, 0, 160);
	RIG_UNTIL(&rig, rig.capture->stream.changed && !rig.capture->check_runs);
	/* It may be the old signal or the new one. */
	rig.pushed = 0;
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	CU_ASSERT_EQUAL(rig.pushed, 0);
	RIG_UNTIL(&rig, rig_status(&rig).format.width == 160);
	CU_ASSERT_EQUAL(rig_status(&rig).opens, 1);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(rig_status(&rig).restarts, 1);
	rig_close(&rig);
}

static void test_colours_that_change_with_the_signal_need_no_restart(void)
{
	const struct glint_format *kept;
	struct rig rig;

	hdmi(&rig);
	rig.keeps = true;
	RIG_START(&rig);
	rig_go_live(&rig);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig.kept);
	kept = rig.kept ? rig.kept->format : NULL;
	if (!kept)
		return; /* not reached */
	CU_ASSERT_EQUAL(kept->range, GLINT_RANGE_LIMITED);
	fake_v4l2_lock(&rig.fake);
	rig.fake.quantization = V4L2_QUANTIZATION_FULL_RANGE;
	fake_v4l2_unlock(&rig.fake);
	fake_v4l2_event(&rig.fake);
	RIG_UNTIL(&rig, rig_status(&rig).format.range == GLINT_RANGE_FULL);
	/* A frame from before the change keeps its own, and the next one has the new ones. */
	CU_ASSERT_EQUAL(kept->range, GLINT_RANGE_LIMITED);
	rig.kept = glint_frame_unref(rig.kept);
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	CU_ASSERT_TRUE(rig.kept && rig.kept->format->range == GLINT_RANGE_FULL);
	CU_ASSERT_EQUAL(rig_status(&rig).restarts, 0);
	CU_ASSERT_TRUE(rig_status(&rig).online);
	rig_close(&rig);
}

static void test_one_field_alone_is_no_live_picture(void)
{
	struct rig rig;

	hdmi(&rig);
	rig.fake.field = V4L2_FIELD_TOP;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_INTERLACED);
	CU_ASSERT_EQUAL(rig_status(&rig).buffers, 0);
	/* The next mode of the source is progressive. */
	fake_v4l2_lock(&rig.fake);
	rig.fake.field = 0;
	fake_v4l2_unlock(&rig.fake);
	fake_v4l2_event(&rig.fake);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(rig_status(&rig).opens, 1);
	rig_close(&rig);
}

static void test_a_cable_that_is_out_is_told_from_a_source_that_sleeps(void)
{
	struct rig rig;

	hdmi(&rig);
	rig.fake.has_power = true;
	rig.fake.power = 1;
	rig.fake.timings_err = -ENOLINK;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_SIGNAL);
	fake_v4l2_lock(&rig.fake);
	rig.fake.power = 0;
	fake_v4l2_unlock(&rig.fake);
	fake_v4l2_event(&rig.fake);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_UNPOWERED);
	set_timings(&rig, 0, 128);
	rig_go_live(&rig);
	rig_close(&rig);
}

static void test_noise_after_a_lost_signal_is_not_live(void)
{
	struct rig rig;

	hdmi(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	rig.pushed = 0;
	/* The event and noise frames arrive in one wakeup, before the signal is checked. */
	set_timings(&rig, -ENOLINK, 128);
	fake_v4l2_complete(&rig.fake, -1, &(struct fake_frame){ .seq = 1 });
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_SIGNAL);
	CU_ASSERT_EQUAL(rig.pushed, 0);
	CU_ASSERT_FALSE(rig_status(&rig).online);
	rig_close(&rig);
}

static void test_each_loss_of_signal_is_reported_and_its_return_noticed(void)
{
	static const struct {
		int err;
		enum glint_reason reason;
	} cases[] = {
		{ -ENOLINK, GLINT_REASON_NO_SIGNAL },
		{ -ENOLCK, GLINT_REASON_NO_LOCK },
		{ -ERANGE, GLINT_REASON_OUT_OF_RANGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig rig;

		hdmi(&rig);
		rig.fake.timings_err = cases[i].err;
		RIG_START(&rig);
		RIG_UNTIL(&rig, rig_reason(&rig) == cases[i].reason);
		CU_ASSERT_EQUAL(rig_status(&rig).opens, 1);
		set_timings(&rig, 0, 128);
		rig_go_live(&rig);
		set_timings(&rig, cases[i].err, 128);
		RIG_UNTIL(&rig, rig_reason(&rig) == cases[i].reason);
		CU_ASSERT_EQUAL(rig_status(&rig).opens, 1);
		rig_close(&rig);
	}
}

static void test_without_events_the_signal_is_polled(void)
{
	struct rig rig;

	hdmi(&rig);
	rig.fake.has_events = false;
	rig.fake.timings_err = -ENOLINK;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_SIGNAL);
	set_timings(&rig, 0, 128);
	rig_go_live(&rig);
	/* The input's status, which is polled, shows the loss. */
	fake_v4l2_lock(&rig.fake);
	rig.fake.input_status = V4L2_IN_ST_NO_SIGNAL;
	fake_v4l2_unlock(&rig.fake);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_SIGNAL);
	rig_close(&rig);
}

/* --- Failures of each call ------------------------------------------------------------------- */

static unsigned count_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Take three frames, with as many retries as needed. Returns the number of ioctls. */
static unsigned run_with_failure(struct rig *rig, unsigned call, int err)
{
	uint32_t seq = 0;

	rig_init(rig);
	rig->fake.fail_call = call;
	rig->fake.fail_err = err;
	rig->loop = NULL;
	if (rig_loop_create(&rig->loop) < 0)
		return 0;
	CU_ASSERT_EQUAL_FATAL(
		glint_capture_create(&rig->capture, rig->loop, &rig->config, &rig->listener), 0);
	glint_fanout_attach(glint_capture_frames(rig->capture), &rig->sink);
	glint_capture_start(rig->capture);
	while (rig->pushed < 3) {
		(void)fake_v4l2_complete(&rig->fake, -1, &(struct fake_frame){ .seq = seq++ });
		CU_ASSERT_EQUAL_FATAL(
			glint_loop_run_once(rig->loop, glint_now_ns() + GLINT_NSEC_PER_MSEC), 0);
	}
	rig_close(rig);
	return rig->fake.calls;
}

static void fail_each_call(int err)
{
	unsigned fds = count_fds(), calls;
	struct rig rig;

	calls = run_with_failure(&rig, 0, 0);
	if (calls == 0)
		GLINT_SKIP("no %s loop here", glint_test_loop());
	for (unsigned call = 1; call <= calls; call++) {
		(void)run_with_failure(&rig, call, err);
		CU_ASSERT_EQUAL_FATAL(count_fds(), fds);
	}
}

static void test_the_capture_recovers_when_any_call_fails(void)
{
	fail_each_call(-EIO);
}

static void test_the_capture_recovers_when_any_call_finds_the_device_gone(void)
{
	fail_each_call(-ENODEV);
}

static void test_the_capture_recovers_when_any_call_finds_the_device_busy(void)
{
	fail_each_call(-EBUSY);
}

/* --- The size without a wish ----------------------------------------------------------------- */

static void test_the_best_size_is_chosen_at_each_start(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.width = rig.config.height = 0;
	rig.config.size_fps = 30;
	rig.fake.n_formats = 4;
	rig.fake.formats[0] = (struct fake_format){ V4L2_PIX_FMT_YUYV, 64, 48, 120 };
	rig.fake.formats[1] = (struct fake_format){ V4L2_PIX_FMT_YUYV, 128, 96, 10 };
	rig.fake.formats[2] = (struct fake_format){ V4L2_PIX_FMT_RGB24, 96, 64, 30 };
	rig.fake.formats[3] = (struct fake_format){ V4L2_PIX_FMT_YUYV, 96, 64, 15 };
	RIG_START(&rig);
	CU_ASSERT_EQUAL(rig_status(&rig).width, 0);
	rig_go_live(&rig);
	CU_ASSERT_TRUE(rig_status(&rig).width == 96 && rig_status(&rig).height == 64);
	CU_ASSERT_EQUAL(rig_status(&rig).format.fourcc, V4L2_PIX_FMT_RGB24);
	CU_ASSERT_EQUAL(rig_status(&rig).nominal_millihz, 30000);

	/*
	 * Another device appears: its own best size is set, and until then the last size is
	 * reported.
	 */
	fake_v4l2_unplug(&rig.fake);
	RIG_UNTIL(&rig,
		  rig_reason(&rig) == GLINT_REASON_NO_DEVICE && rig_status(&rig).buffers == 0);
	CU_ASSERT_TRUE(rig_status(&rig).width == 96 && rig_status(&rig).height == 64);
	RIG_FAKE(&rig, formats[1].fps = 30);
	fake_v4l2_replug(&rig.fake);
	rig_go_live(&rig);
	CU_ASSERT_TRUE(rig_status(&rig).width == 128 && rig_status(&rig).height == 96);
	rig_close(&rig);
}

static void test_without_a_wish_the_size_still_follows_the_signal(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.width = rig.config.height = 0;
	rig.config.size_fps = 30;
	rig.fake.n_inputs = 1;
	rig.fake.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	rig.fake.n_formats = 2;
	rig.fake.formats[0] = (struct fake_format){ V4L2_PIX_FMT_YUYV, 64, 48, 30 };
	rig.fake.formats[1] = (struct fake_format){ V4L2_PIX_FMT_YUYV, 128, 96, 30 };
	RIG_START(&rig);
	rig_go_live(&rig);
	CU_ASSERT_TRUE(rig_status(&rig).width == 64 && rig_status(&rig).height == 48);
	rig_close(&rig);
}

/* --- The test pattern ------------------------------------------------------------------------ */

static void test_the_pattern_is_a_source_of_its_own_kind(void)
{
	struct glint_capture_status status;
	struct glint_pattern *pattern;
	struct rig rig;

	if (!IS_ENABLED(CONFIG_PATTERN))
		GLINT_SKIP("no test pattern in this configuration");
	rig_init(&rig);
	pattern = glint_pattern_create(240000);
	rig.config.access = glint_pattern_access(pattern);
	rig.config.kind = "test";
	rig.config.device = "test";
	rig.config.width = 320;
	rig.config.height = 240;
	rig.config.fps_milli = 240000;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig.pushed >= 5);
	status = rig_status(&rig);
	CU_ASSERT_STRING_EQUAL(status.kind, "test");
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "device.driver"), "glint");
	CU_ASSERT_STRING_EQUAL(glint_clock_name(status.last.clock), "monotonic");
	CU_ASSERT_TRUE(status.online);
	CU_ASSERT_EQUAL(status.format.fourcc, V4L2_PIX_FMT_YUV420);
	CU_ASSERT_EQUAL(status.nominal_millihz, 240000);
	rig_close(&rig);
	glint_pattern_destroy(pattern);
}

/* clang-format off */
GLINT_TESTS("capture",
	GLINT_TEST(test_a_frame_makes_the_source_live),
	GLINT_TEST(test_a_further_frame_needs_no_allocation),
	GLINT_TEST(test_a_late_wakeup_delivers_the_newest_frame_only),
	GLINT_TEST(test_gaps_in_the_numbers_are_the_drivers_drops),
	GLINT_TEST(test_damaged_frames_are_counted_and_not_shown),
	GLINT_TEST(test_buffers_that_the_driver_cancels_are_no_frames),
	GLINT_TEST(test_cancelled_buffers_before_the_first_frame_do_not_begin_the_count),
	GLINT_TEST(test_a_damaged_frame_with_number_0_is_counted),
	GLINT_TEST(test_a_cancelled_buffer_that_the_driver_refuses_ends_the_stream),
	GLINT_TEST(test_only_cancelled_buffers_are_a_stall),
	GLINT_TEST(test_spare_leaves_two_buffers_to_the_driver),
	GLINT_TEST(test_a_driver_with_endless_frames_does_not_block_the_loop),
	GLINT_TEST(test_a_buffer_that_is_returned_twice_restarts_the_stream),
	GLINT_TEST(test_a_plausible_stamp_of_the_driver_is_used),
	GLINT_TEST(test_implausible_stamps_become_the_time_of_arrival),
	GLINT_TEST(test_a_stamp_at_the_start_of_exposure_is_the_exposure),
	GLINT_TEST(test_otherwise_the_exposure_began_after_the_last_frame_but_one),
	GLINT_TEST(test_without_a_stamp_an_empty_queue_bounds_the_exposure),
	GLINT_TEST(test_truncated_and_tiny_jpegs_are_corrupt_unless_allowed),
	GLINT_TEST(test_a_jpeg_of_another_size_than_the_format_is_reported),
	GLINT_TEST(test_a_device_whose_frames_are_all_damaged_is_not_live),
	GLINT_TEST(test_each_start_failure_has_its_reason),
	GLINT_TEST(test_a_device_that_appears_later_is_found),
	GLINT_TEST(test_another_device_under_the_same_path_is_refused),
	GLINT_TEST(test_a_device_without_a_serial_number_is_known_by_its_port),
	GLINT_TEST(test_a_device_is_found_by_each_kind_of_name),
	GLINT_TEST(test_what_a_name_leaves_open_is_remembered),
	GLINT_TEST(test_a_pattern_admits_each_individual),
	GLINT_TEST(test_what_fits_no_name_is_told),
	GLINT_TEST(test_unplugging_ends_at_once_and_replugging_brings_it_back),
	GLINT_TEST(test_an_unplugged_device_is_logged_once_though_its_node_goes_later),
	GLINT_TEST(test_a_shorter_delay_holds_for_a_device_that_is_missing),
	GLINT_TEST(test_a_silent_device_has_stalled_and_is_reopened),
	GLINT_TEST(test_a_service_that_stood_still_looks_again),
	GLINT_TEST(test_readers_that_hold_every_buffer_are_not_a_stall),
	GLINT_TEST(test_a_stuck_call_is_reported_and_survived),
	GLINT_TEST(test_destroy_in_any_phase_closes_the_device),
	GLINT_TEST(test_a_missing_format_is_replaced),
	GLINT_TEST(test_raw_formats_are_not_chosen_without_an_encoder),
	GLINT_TEST(test_controls_are_set_and_missing_ones_ignored),
	GLINT_TEST(test_the_size_follows_the_signal),
	GLINT_TEST(test_an_event_that_changes_nothing_does_not_stop_the_stream),
	GLINT_TEST(test_a_change_that_cannot_be_measured_restarts_the_stream),
	GLINT_TEST(test_colours_that_change_with_the_signal_need_no_restart),
	GLINT_TEST(test_one_field_alone_is_no_live_picture),
	GLINT_TEST(test_a_cable_that_is_out_is_told_from_a_source_that_sleeps),
	GLINT_TEST(test_noise_after_a_lost_signal_is_not_live),
	GLINT_TEST(test_each_loss_of_signal_is_reported_and_its_return_noticed),
	GLINT_TEST(test_without_events_the_signal_is_polled),
	GLINT_TEST(test_the_capture_recovers_when_any_call_fails),
	GLINT_TEST(test_the_capture_recovers_when_any_call_finds_the_device_gone),
	GLINT_TEST(test_the_capture_recovers_when_any_call_finds_the_device_busy),
	GLINT_TEST(test_the_best_size_is_chosen_at_each_start),
	GLINT_TEST(test_without_a_wish_the_size_still_follows_the_signal),
	GLINT_TEST(test_the_pattern_is_a_source_of_its_own_kind),
	GLINT_TEST(test_destroy_gives_up_on_a_stuck_call),
)
