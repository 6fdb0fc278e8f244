/* SPDX-License-Identifier: MIT */
/*
 * The capture on the scripted device: what it pushes, what it says while it cannot,
 * and that it comes back from whatever fails. On the loop backend under test.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../fake/v4l2.h"
#include "base/clock.h"
#include "capture/capture.h"
#include "harness.h"
#include "jpeg/header.h"
#include "loop_rig.h"
#include "malloc_rig.h"
#include "pattern/pattern.h"

#define FOREVER UINT64_MAX
#define LONG (60 * GLINT_NSEC_PER_SEC)

struct rig {
	struct fake_v4l2 fake;
	struct glint_loop *loop;
	struct glint_capture *capture;
	struct glint_capture_config config;
	struct glint_capture_listener listener;
	struct glint_sink sink;
	unsigned pushed, changes;
	bool keeps; /* the sink keeps what it gets, one frame */
	struct glint_frame *kept;
	enum glint_outcome outcome;
	uint32_t last_seq;
	uint64_t last_exposure_ns, last_dequeue_ns;
};

static bool rig_push(struct glint_sink *sink, struct glint_frame *frame)
{
	struct rig *rig = container_of(sink, struct rig, sink);

	rig->pushed++;
	rig->last_seq = frame->seq;
	rig->last_exposure_ns = frame->exposure_ns;
	rig->last_dequeue_ns = frame->dequeue_ns;
	frame->outcome = rig->outcome;
	if (rig->keeps && !rig->kept)
		rig->kept = glint_frame_ref(frame);
	return true;
}

static void rig_changed(struct glint_capture_listener *listener)
{
	container_of(listener, struct rig, listener)->changes++;
}

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	fake_v4l2_init(&rig->fake);
	rig->outcome = GLINT_OUTCOME_DELIVERED;
	rig->sink.push = rig_push;
	glint_list_init(&rig->sink.link);
	rig->listener.changed = rig_changed;
	rig->config = (struct glint_capture_config){
		.device = "/dev/video0",
		.width = 64,
		.height = 48,
		.raw_formats = true,
		.buffers = 3,
		.min_frame_size = 8,
		.timeout_ns = LONG,
		.retry_ns = GLINT_NSEC_PER_MSEC,
		.stuck_ns = LONG,
		.access = &rig->fake.access,
	};
}

#define RIG_START(rig)                                                                             \
	do {                                                                                       \
		RIG_LOOP((rig)->loop);                                                             \
		CU_ASSERT_EQUAL_FATAL(glint_capture_create(&(rig)->capture, (rig)->loop,           \
							   &(rig)->config, &(rig)->listener),      \
				      0);                                                          \
		glint_fanout_attach(glint_capture_frames((rig)->capture), &(rig)->sink);           \
		glint_capture_start((rig)->capture);                                               \
	} while (0)

static struct glint_capture_status rig_status(struct rig *rig)
{
	struct glint_capture_status status;

	glint_capture_status(rig->capture, &status);
	return status;
}

static enum glint_reason rig_reason(struct rig *rig)
{
	return rig_status(rig).reason;
}

/* The device has started: all its buffers are with the driver. */
static bool rig_streams(struct rig *rig)
{
	struct glint_capture_status status = rig_status(rig);

	return status.buffers > 0 && status.with_driver + status.leased >= status.buffers;
}

#define RIG_UNTIL(rig, condition) RIG_RUN_UNTIL((rig)->loop, condition)

/* Completes a frame, and runs until it was taken. */
static void rig_frame(struct rig *rig, const struct fake_frame *frame)
{
	uint64_t before = glint_capture_ledger(rig->capture)->seen;

	CU_ASSERT_TRUE_FATAL(fake_v4l2_complete(&rig->fake, -1, frame) >= 0);
	RIG_UNTIL(rig, glint_capture_ledger(rig->capture)->seen != before);
}

static void rig_go_live(struct rig *rig)
{
	RIG_UNTIL(rig, rig_streams(rig));
	rig_frame(rig, &(struct fake_frame){ .seq = 0 });
	CU_ASSERT_EQUAL_FATAL(rig_reason(rig), GLINT_REASON_NONE);
}

static void rig_close(struct rig *rig)
{
	rig->kept = glint_frame_unref(rig->kept);
	glint_fanout_detach(glint_capture_frames(rig->capture), &rig->sink);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(glint_capture_ledger(rig->capture)), 0);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig->capture)->in_flight, 0);
	CU_ASSERT_TRUE(glint_capture_destroy(rig->capture, FOREVER));
	glint_loop_destroy(rig->loop);
	CU_ASSERT_EQUAL(rig->fake.opens, rig->fake.closes);
	fake_v4l2_fini(&rig->fake);
}

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
	CU_ASSERT_STRING_EQUAL(status.driver, "fake");
	CU_ASSERT_EQUAL(status.format.fourcc, V4L2_PIX_FMT_YUYV);
	CU_ASSERT_EQUAL(status.nominal_millihz, 30000);
	CU_ASSERT_EQUAL(status.last_seq, 5);
	CU_ASSERT_EQUAL(status.memory, GLINT_MEMORY_V4L2);
	CU_ASSERT_EQUAL(status.opens, 1);
	CU_ASSERT_EQUAL(status.restarts, 0);
	CU_ASSERT_TRUE(rig.changes > 0);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	rig_close(&rig);
}

static void test_a_frame_like_the_one_before_needs_no_memory(void)
{
	unsigned before = 0;
	struct rig rig;

	NEEDS_MALLOC();
	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
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

/* uvcvideo gives back all of its buffers for one failed URB; others have set the length. */
static void test_buffers_that_the_driver_cancels_are_no_frames(void)
{
	static const struct fake_frame cancelled[] = {
		{ .cancelled = true },
		{ .cancelled = true, .used = 64 * 48 * 2 },
		{ .cancelled = true, .seq = 1, .stamp_ns = 1000 },	/* of a dropped frame */
	};
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	rig_frame(&rig, &(struct fake_frame){ .seq = 2 });
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(fake_v4l2_complete(&rig.fake, i, &cancelled[i]), i);
	RIG_UNTIL(&rig, rig_status(&rig).cancelled == 3);
	CU_ASSERT_EQUAL(rig.fake.queued, 7u);		/* all went back */
	CU_ASSERT_EQUAL(rig_status(&rig).with_driver, 3);
	CU_ASSERT_EQUAL(rig_status(&rig).last_seq, 2);
	CU_ASSERT_TRUE(rig_status(&rig).online);
	rig_frame(&rig, &(struct fake_frame){ .seq = 4 });

	CU_ASSERT_EQUAL(rig.pushed, 3);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->seen, 5);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->driver_dropped, 2);	/* 1 and 3 */
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
	RIG_UNTIL(&rig, rig_status(&rig).cancelled == 1);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_OPENING);
	rig_frame(&rig, &(struct fake_frame){ .seq = 131 });
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->driver_dropped, 0);
	rig_close(&rig);
}

static void test_a_damaged_frame_is_one_even_if_its_number_is_0(void)
{
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .flags = V4L2_BUF_FLAG_ERROR });
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	rig_frame(&rig, &(struct fake_frame){ .seq = 2, .cancelled = true });	/* it had begun */
	CU_ASSERT_EQUAL(rig_status(&rig).cancelled, 0);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->corrupt, 2);
	CU_ASSERT_EQUAL(glint_capture_ledger(rig.capture)->delivered, 1);
	rig_close(&rig);
}

static void test_a_cancelled_buffer_that_goes_back_in_vain_ends_the_stream(void)
{
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	rig.fake.fail_request = VIDIOC_QBUF;
	rig.fake.fail_err = -ENODEV;
	fake_v4l2_complete(&rig.fake, 0, &(struct fake_frame){ .cancelled = true });
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_DEVICE);
	rig.fake.fail_request = 0;
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
	rig.config.timeout_ns = 20 * GLINT_NSEC_PER_MSEC;
	RIG_START(&rig);
	rig_go_live(&rig);
	while (rig_reason(&rig) != GLINT_REASON_STALLED) {
		uint64_t before = rig_status(&rig).cancelled;

		if (fake_v4l2_complete(&rig.fake, -1, &cancelled) < 0)
			break;
		RIG_UNTIL(&rig, rig_status(&rig).cancelled > before ||
					rig_reason(&rig) == GLINT_REASON_STALLED);
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

static void test_a_driver_that_never_runs_dry_does_not_hold_the_loop(void)
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
	((struct v4l2_buffer *)arg)->index = 2; /* which it has not handed out */
	fake->lie = NULL;
	fake->controls[1]++;
}

static void test_a_buffer_handed_out_twice_starts_the_stream_anew(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.keeps = true;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	fake_v4l2_complete(&rig.fake, 2, &(struct fake_frame){ .seq = 1 });
	RIG_UNTIL(&rig, rig.kept);
	rig.fake.lie = lie_index;
	fake_v4l2_complete(&rig.fake, 0, &(struct fake_frame){ .seq = 2 });
	RIG_UNTIL(&rig, rig_status(&rig).restarts == 1 && rig_status(&rig).with_driver == 3);
	CU_ASSERT_EQUAL(rig.kept->seq, 1); /* the old stream's frame is still whole */
	CU_ASSERT_EQUAL_FATAL(glint_dmabuf_map(rig.kept->buf), 0);
	CU_ASSERT_EQUAL(rig.kept->buf->planes[0].map[0], 0);
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	rig_close(&rig);
}

/* --- Time -------------------------------------------------------------------------------- */

static void test_the_drivers_stamp_is_used_when_it_can_be_true(void)
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
	CU_ASSERT_EQUAL(status.last_capture_ns, stamp);
	CU_ASSERT_EQUAL(status.last_complete_ns, stamp);
	CU_ASSERT_STRING_EQUAL(status.clock, "monotonic");
	CU_ASSERT_FALSE(status.start_of_exposure);
	CU_ASSERT_EQUAL(rig.kept->capture_ns, stamp);
	CU_ASSERT_TRUE(rig.kept->dequeue_ns > stamp);

	rig_frame(&rig, &(struct fake_frame){ .seq = 1,
					      .stamp_ns = stamp + 1000,
					      .flags = V4L2_BUF_FLAG_TSTAMP_SRC_SOE });
	status = rig_status(&rig);
	CU_ASSERT_TRUE(status.start_of_exposure);
	CU_ASSERT_EQUAL(status.last_capture_ns, stamp + 1000);
	CU_ASSERT_TRUE(status.last_complete_ns > stamp + 1000);
	rig_close(&rig);
}

static void test_stamps_that_cannot_be_true_become_the_time_of_arrival(void)
{
	uint64_t before = glint_now_ns();
	const uint64_t stamps[] = {
		before + LONG,	      /* of the future, as vivid's are */
		before + LONG - 1000, /* older than the last: of another frame */
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
		CU_ASSERT_STRING_EQUAL(status.clock, "arrival");
		CU_ASSERT_TRUE(status.last_capture_ns >= before);
		CU_ASSERT_TRUE(status.last_complete_ns <= glint_now_ns());
	}
	rig_close(&rig);
}

static void test_a_stamp_of_the_exposures_start_is_when_it_began(void)
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

static void test_else_it_began_when_the_frame_before_the_last_had_ended(void)
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

/* Frames that lie there for a while before we look have no moment of their own. */
static void test_without_a_stamp_only_what_was_not_there_yet_is_proof(void)
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
	CU_ASSERT_EQUAL(rig.last_exposure_ns, 0); /* the first: nobody has looked before */

	frame_of_another_clock(&rig, 3);
	CU_ASSERT_EQUAL(rig.last_exposure_ns, live_ns); /* when there was no second yet */
	frame_of_another_clock(&rig, 4);
	CU_ASSERT_EQUAL(rig.last_exposure_ns, live_ns); /* nor a third */
	exposure_ns = rig.last_dequeue_ns;
	frame_of_another_clock(&rig, 5);
	frame_of_another_clock(&rig, 6);
	frame_of_another_clock(&rig, 7);
	CU_ASSERT_EQUAL(rig.last_exposure_ns, exposure_ns); /* when there was no fifth yet */
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
	/* Without an end nothing shows that this size is true. */
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

static void test_a_jpeg_of_another_size_than_agreed_is_told(void)
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
	/* The next stream is not live by being there. */
	RIG_UNTIL(&rig, rig_status(&rig).restarts > 0 && rig_streams(&rig));
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_CORRUPT);
	frame.used++;
	rig_frame(&rig, &frame);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	CU_ASSERT_EQUAL(rig.pushed, 1);
	rig_close(&rig);
}

/* --- What keeps it from being live ------------------------------------------------------------- */

static void test_each_way_of_not_starting_has_its_reason(void)
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
		{ VIDIOC_STREAMON, -EPIPE, GLINT_REASON_ERROR },
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
	CU_ASSERT_EQUAL(rig.kept->buf->planes[0].map[0], 0); /* a reader's frame stays */
	CU_ASSERT_EQUAL(rig_status(&rig).leased, 1);
	fake_v4l2_replug(&rig.fake);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(rig_status(&rig).restarts, 1);
	CU_ASSERT_TRUE(rig_status(&rig).opens >= 2);
	rig_close(&rig);
}

static void test_a_silent_device_has_stalled_and_is_opened_anew(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.timeout_ns = GLINT_NSEC_PER_MSEC;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_STALLED);
	RIG_UNTIL(&rig, rig_status(&rig).opens >= 3);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_STALLED);
	RIG_UNTIL(&rig, fake_v4l2_complete(&rig.fake, -1, &(struct fake_frame){ 0 }) >= 0);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NONE);
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
	RIG_UNTIL(&rig, fake_v4l2_complete(&rig.fake, -1, &(struct fake_frame){ 0 }) >= 0);
	RIG_UNTIL(&rig, rig.kept);
	/* Several looks of the watchdog. */
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(glint_loop_run_once(rig.loop, glint_now_ns() + GLINT_NSEC_PER_MSEC),
				0);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	rig_close(&rig);
}

static void test_a_call_that_does_not_return_is_told_and_survived(void)
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
	static struct rig rig; /* the abandoned thread goes on using it */

	rig_init(&rig);
	rig.fake.hang_request = VIDIOC_S_FMT;
	RIG_START(&rig);
	fake_v4l2_wait_hanging(&rig.fake);
	CU_ASSERT_FALSE(glint_capture_destroy(rig.capture, glint_now_ns() + GLINT_NSEC_PER_MSEC));
	/* The process would end here. Let the thread come to its end. */
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

static void test_a_format_that_there_is_not_is_replaced(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.fourcc = V4L2_PIX_FMT_NV12;
	RIG_START(&rig);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(rig_status(&rig).format.fourcc, V4L2_PIX_FMT_YUYV);
	rig_close(&rig);
}

static void test_raw_frames_are_of_no_use_without_an_encoder(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.raw_formats = false;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_FORMAT);
	CU_ASSERT_EQUAL(rig.pushed, 0);
	rig_close(&rig);
}

static void test_controls_are_set_and_those_it_lacks_do_no_harm(void)
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
	CU_ASSERT_EQUAL(rig.fake.controls[V4L2_CID_BRIGHTNESS & 0xff], 33);
	CU_ASSERT_EQUAL(rig.fake.controls[V4L2_CID_AUTOBRIGHTNESS & 0xff], 0);
	CU_ASSERT_EQUAL(rig.fake.controls[V4L2_CID_HFLIP & 0xff],
			50); /* its default: 1000 is out of range */
	rig_close(&rig);
}

/* --- HDMI -------------------------------------------------------------------------------------- */

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

static void test_noise_after_a_lost_signal_does_not_pass_for_live(void)
{
	struct rig rig;

	hdmi(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	rig.pushed = 0;
	/* The event and noise frames come in one wakeup, and before the signal was asked for. */
	set_timings(&rig, -ENOLINK, 128);
	fake_v4l2_complete(&rig.fake, -1, &(struct fake_frame){ .seq = 1 });
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_SIGNAL);
	CU_ASSERT_EQUAL(rig.pushed, 0);
	CU_ASSERT_FALSE(rig_status(&rig).online);
	rig_close(&rig);
}

static void test_each_lack_of_a_signal_is_told_and_its_return_noticed(void)
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

static void test_without_events_a_signal_is_asked_for_again(void)
{
	struct rig rig;

	hdmi(&rig);
	rig.fake.has_events = false;
	rig.fake.timings_err = -ENOLINK;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_SIGNAL);
	set_timings(&rig, 0, 128);
	rig_go_live(&rig);
	/* And its loss shows in the input's status, which is looked at now and then. */
	fake_v4l2_lock(&rig.fake);
	rig.fake.input_status = V4L2_IN_ST_NO_SIGNAL;
	fake_v4l2_unlock(&rig.fake);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_SIGNAL);
	rig_close(&rig);
}

/* --- Whatever fails ------------------------------------------------------------------------------- */

static unsigned count_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Three frames, with whatever retries it takes. Returns how many ioctls that took. */
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

static void test_it_recovers_from_the_failure_of_any_call(void)
{
	fail_each_call(-EIO);
}

static void test_it_recovers_from_any_call_that_finds_the_device_gone(void)
{
	fail_each_call(-ENODEV);
}

static void test_it_recovers_from_any_call_that_finds_it_busy(void)
{
	fail_each_call(-EBUSY);
}

/* --- The test pattern -------------------------------------------------------------------------------- */

static void test_the_pattern_is_a_source_and_says_so(void)
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
	CU_ASSERT_STRING_EQUAL(status.driver, "glint");
	CU_ASSERT_STRING_EQUAL(status.clock, "monotonic");
	CU_ASSERT_TRUE(status.online);
	CU_ASSERT_EQUAL(status.format.fourcc, V4L2_PIX_FMT_YUV420);
	CU_ASSERT_EQUAL(status.nominal_millihz, 240000);
	rig_close(&rig);
	glint_pattern_destroy(pattern);
}

GLINT_TESTS("capture",
	GLINT_TEST(test_a_frame_makes_the_source_live),
	GLINT_TEST(test_a_frame_like_the_one_before_needs_no_memory),
	GLINT_TEST(test_a_late_wakeup_delivers_the_newest_frame_only),
	GLINT_TEST(test_gaps_in_the_numbers_are_the_drivers_drops),
	GLINT_TEST(test_damaged_frames_are_counted_and_not_shown),
	GLINT_TEST(test_buffers_that_the_driver_cancels_are_no_frames),
	GLINT_TEST(test_cancelled_buffers_before_the_first_frame_do_not_begin_the_count),
	GLINT_TEST(test_a_damaged_frame_is_one_even_if_its_number_is_0),
	GLINT_TEST(test_a_cancelled_buffer_that_goes_back_in_vain_ends_the_stream),
	GLINT_TEST(test_only_cancelled_buffers_are_a_stall),
	GLINT_TEST(test_spare_leaves_two_buffers_to_the_driver),
	GLINT_TEST(test_a_driver_that_never_runs_dry_does_not_hold_the_loop),
	GLINT_TEST(test_a_buffer_handed_out_twice_starts_the_stream_anew),
	GLINT_TEST(test_the_drivers_stamp_is_used_when_it_can_be_true),
	GLINT_TEST(test_stamps_that_cannot_be_true_become_the_time_of_arrival),
	GLINT_TEST(test_a_stamp_of_the_exposures_start_is_when_it_began),
	GLINT_TEST(test_else_it_began_when_the_frame_before_the_last_had_ended),
	GLINT_TEST(test_without_a_stamp_only_what_was_not_there_yet_is_proof),
	GLINT_TEST(test_truncated_and_tiny_jpegs_are_corrupt_unless_allowed),
	GLINT_TEST(test_a_jpeg_of_another_size_than_agreed_is_told),
	GLINT_TEST(test_a_device_whose_frames_are_all_damaged_is_not_live),
	GLINT_TEST(test_each_way_of_not_starting_has_its_reason),
	GLINT_TEST(test_a_device_that_appears_later_is_found),
	GLINT_TEST(test_unplugging_ends_at_once_and_replugging_brings_it_back),
	GLINT_TEST(test_a_silent_device_has_stalled_and_is_opened_anew),
	GLINT_TEST(test_readers_that_hold_every_buffer_are_not_a_stall),
	GLINT_TEST(test_a_call_that_does_not_return_is_told_and_survived),
	GLINT_TEST(test_destroy_in_any_phase_closes_the_device),
	GLINT_TEST(test_a_format_that_there_is_not_is_replaced),
	GLINT_TEST(test_raw_frames_are_of_no_use_without_an_encoder),
	GLINT_TEST(test_controls_are_set_and_those_it_lacks_do_no_harm),
	GLINT_TEST(test_the_size_follows_the_signal),
	GLINT_TEST(test_an_event_that_changes_nothing_does_not_stop_the_stream),
	GLINT_TEST(test_noise_after_a_lost_signal_does_not_pass_for_live),
	GLINT_TEST(test_each_lack_of_a_signal_is_told_and_its_return_noticed),
	GLINT_TEST(test_without_events_a_signal_is_asked_for_again),
	GLINT_TEST(test_it_recovers_from_the_failure_of_any_call),
	GLINT_TEST(test_it_recovers_from_any_call_that_finds_the_device_gone),
	GLINT_TEST(test_it_recovers_from_any_call_that_finds_it_busy),
	GLINT_TEST(test_the_pattern_is_a_source_and_says_so),
	GLINT_TEST(test_destroy_gives_up_on_a_stuck_call),
)
