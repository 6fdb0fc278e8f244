/* SPDX-License-Identifier: MIT */
/* The warm-up of a stream, fields, and a device that streams only while frames are needed. */
#include <errno.h>

#include "capture_rig.h"
#include "harness.h"

static const struct glint_ledger *ledger(struct rig *rig)
{
	return glint_capture_ledger(rig->capture);
}

/* --- Warm-up ---------------------------------------------------------------------------- */

static void test_the_first_frames_of_each_stream_are_not_live(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.warm_up.frames = 2;
	RIG_START(&rig);
	for (unsigned stream = 1; stream <= 2; stream++) {
		RIG_UNTIL(&rig, rig_status(&rig).restarts == stream - 1 && rig_streams(&rig));
		rig.pushed = 0;
		rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
		CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_WARMING_UP);
		rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
		CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_WARMING_UP);
		CU_ASSERT_FALSE(rig_status(&rig).online);
		CU_ASSERT_EQUAL(rig.pushed, 0);
		rig_frame(&rig, &(struct fake_frame){ .seq = 2 });
		CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
		CU_ASSERT_EQUAL(rig.pushed, 1);
		CU_ASSERT_EQUAL(rig.last_seq, 2);
		CU_ASSERT_EQUAL(ledger(&rig)->warm_up, 2 * stream);
		CU_ASSERT_EQUAL(ledger(&rig)->delivered, stream);
		CU_ASSERT_TRUE(REPORTED(int, capture, rig.capture, "source.first_frame_ns") > 0);
		if (stream == 1)
			glint_capture_restart(rig.capture, "for a test");
	}
	rig_close(&rig);
}

static void attach(struct glint_fanout *fanout, struct glint_sink *sink)
{
	glint_list_init(&sink->link);
	glint_fanout_attach(fanout, sink);
}

static unsigned counted;

static bool count_push(struct glint_sink *sink, struct glint_frame *frame)
{
	(void)sink;
	(void)frame;
	counted++;
	return true;
}

static void test_neither_recorder_nor_judges_see_the_warm_up(void)
{
	struct glint_sink all = { .push_frame = count_push }, looks = { .push_frame = count_push };
	struct rig rig;

	counted = 0;
	rig_init(&rig);
	rig.config.warm_up.frames = 1;
	RIG_START(&rig);
	attach(glint_capture_all(rig.capture), &all);
	attach(glint_capture_looks(rig.capture), &looks);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	CU_ASSERT_EQUAL(counted, 0);
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	CU_ASSERT_EQUAL(counted, 2);
	glint_fanout_detach(glint_capture_all(rig.capture), &all);
	glint_fanout_detach(glint_capture_looks(rig.capture), &looks);
	rig_close(&rig);
}

static void test_a_warm_up_may_be_a_time(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.warm_up.ns = LONG;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_WARMING_UP);
	rig.capture->stream.cold_until_ns = glint_now_ns();
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	CU_ASSERT_EQUAL(ledger(&rig)->warm_up, 1);
	rig_close(&rig);
}

static void test_damaged_frames_do_not_warm_up(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.config.warm_up.frames = 1;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .seq = 0, .flags = V4L2_BUF_FLAG_ERROR });
	CU_ASSERT_EQUAL(ledger(&rig)->corrupt, 1);
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_WARMING_UP);
	rig_frame(&rig, &(struct fake_frame){ .seq = 2 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	CU_ASSERT_EQUAL(ledger(&rig)->warm_up, 1);
	rig_close(&rig);
}

/* --- Fields ----------------------------------------------------------------------------------- */

static void expect_order(struct rig *rig, uint32_t field, uint32_t seq, const char *order)
{
	fake_v4l2_lock(&rig->fake);
	rig->fake.buffer_field = field;
	fake_v4l2_unlock(&rig->fake);
	rig_frame(rig, &(struct fake_frame){ .seq = seq });
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig->capture, "frame.field_order"), order);
}

static void test_an_interlaced_frame_tells_the_order_of_its_fields(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.fake.field = V4L2_FIELD_INTERLACED;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	expect_order(&rig, V4L2_FIELD_INTERLACED, 0, "top-first");
	expect_order(&rig, V4L2_FIELD_INTERLACED_BT, 1, "bottom-first");
	expect_order(&rig, V4L2_FIELD_INTERLACED_TB, 2, "top-first");
	expect_order(&rig, V4L2_FIELD_NONE, 3, "progressive");
	/* As of a TV standard with 525 lines. */
	rig.capture->source.vdev.bottom_first = true;
	expect_order(&rig, V4L2_FIELD_INTERLACED, 4, "bottom-first");
	CU_ASSERT_EQUAL(rig.pushed, 5);
	rig_close(&rig);
}

static void test_a_field_in_the_place_of_a_frame_is_no_picture(void)
{
	static const uint32_t fields[] = { V4L2_FIELD_TOP, V4L2_FIELD_BOTTOM, V4L2_FIELD_ALTERNATE,
					   V4L2_FIELD_SEQ_TB, V4L2_FIELD_SEQ_BT };
	struct rig rig;

	rig_init(&rig);
	rig.fake.field = V4L2_FIELD_INTERLACED;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	for (uint32_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fake_v4l2_lock(&rig.fake);
		rig.fake.buffer_field = fields[i];
		fake_v4l2_unlock(&rig.fake);
		rig_frame(&rig, &(struct fake_frame){ .seq = 1 + i });
		CU_ASSERT_EQUAL(ledger(&rig)->corrupt, 1 + i);
	}
	CU_ASSERT_EQUAL(rig.pushed, 1);
	rig_close(&rig);
}

/* --- Idle ----------------------------------------------------------------------------------- */

/* A capture that stops without readers, which has none. */
#define IDLE_START(rig)                                                                            \
	do {                                                                                       \
		rig_init(rig);                                                                     \
		(rig)->config.idle_stops = true;                                                   \
		RIG_LOOP((rig)->loop);                                                             \
		CU_ASSERT_EQUAL_FATAL(glint_capture_create(&(rig)->capture, (rig)->loop,           \
							   &(rig)->config, &(rig)->listener),      \
				      0);                                                          \
		glint_capture_start((rig)->capture);                                               \
	} while (0)

static void reader_comes(struct rig *rig)
{
	glint_fanout_attach(glint_capture_frames(rig->capture), &rig->sink);
}

static void reader_goes(struct rig *rig)
{
	glint_fanout_detach(glint_capture_frames(rig->capture), &rig->sink);
}

static bool lingers(const struct rig *rig)
{
	return rig->capture->idle.linger.due_ns != GLINT_ALARM_NEVER;
}

/* The last reader has gone, and its five seconds are over. */
static void linger_ends(struct rig *rig)
{
	RIG_UNTIL(rig, lingers(rig));
	glint_alarm_set(&rig->capture->idle.linger, glint_now_ns());
}

static void test_without_readers_the_device_is_not_opened(void)
{
	struct rig rig;

	IDLE_START(&rig);
	rig_settle(rig.loop);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_IDLE);
	CU_ASSERT_STRING_EQUAL(glint_reason_verdict(rig_reason(&rig)), "");
	CU_ASSERT_EQUAL(rig.fake.opens, 0);
	rig_close(&rig);
}

static void test_a_reader_starts_the_device_and_its_end_closes_it(void)
{
	struct rig rig;

	IDLE_START(&rig);
	for (unsigned i = 1; i <= 3; i++) {
		reader_comes(&rig);
		RIG_UNTIL(&rig, rig_streams(&rig));
		CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_OPENING);
		rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
		CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
		reader_goes(&rig);
		linger_ends(&rig);
		RIG_UNTIL(&rig, glint_capture_pauses(rig.capture));
		CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_IDLE);
		CU_ASSERT_EQUAL(rig_status(&rig).idle_stops, i);
		CU_ASSERT_EQUAL(rig.fake.closes, i);
		CU_ASSERT_FALSE(rig.fake.streaming);
	}
	CU_ASSERT_EQUAL(rig_status(&rig).opens, 3);
	rig_close(&rig);
}

static void test_a_reader_that_comes_back_soon_finds_the_same_stream(void)
{
	struct rig rig;

	IDLE_START(&rig);
	reader_comes(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	for (uint32_t seq = 1; seq < 5; seq++) {
		reader_goes(&rig);
		RIG_UNTIL(&rig, lingers(&rig));
		reader_comes(&rig);
		RIG_UNTIL(&rig, !lingers(&rig));
		rig_frame(&rig, &(struct fake_frame){ .seq = seq });
		CU_ASSERT_EQUAL(rig.last_seq, seq);
	}
	CU_ASSERT_EQUAL(rig_status(&rig).restarts, 0);
	rig_close(&rig);
}

static void test_a_reader_that_comes_while_the_device_stops_starts_it_again(void)
{
	struct rig rig;

	IDLE_START(&rig);
	reader_comes(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	RIG_UNTIL(&rig, !rig.capture->watch_runs);
	fake_v4l2_lock(&rig.fake);
	rig.fake.hang_request = VIDIOC_STREAMOFF;
	fake_v4l2_unlock(&rig.fake);
	reader_goes(&rig);
	linger_ends(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_IDLE);
	reader_comes(&rig);
	rig_settle(rig.loop);
	fake_v4l2_release(&rig.fake);
	RIG_UNTIL(&rig, rig_status(&rig).restarts == 1 && rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	rig_close(&rig);
}

static void test_looks_do_not_start_the_device(void)
{
	struct glint_sink looks = { .push_frame = count_push };
	struct rig rig;

	IDLE_START(&rig);
	attach(glint_capture_looks(rig.capture), &looks);
	rig_settle(rig.loop);
	CU_ASSERT_EQUAL(rig.fake.opens, 0);
	glint_fanout_detach(glint_capture_looks(rig.capture), &looks);
	rig_close(&rig);
}

static unsigned jobs_run;

static int idle_job_run(struct glint_device_job *job, struct glint_source *source)
{
	(void)job;
	(void)source;
	jobs_run++;
	return 0;
}

static void idle_job_done(struct glint_device_job *job, int err)
{
	(void)job;
	CU_ASSERT_EQUAL(err, 0);
}

static bool idle_job_freed;

static void idle_job_free(struct glint_device_job *job)
{
	(void)job;
	idle_job_freed = true;
}

static void test_a_job_starts_the_device(void)
{
	static const struct glint_device_job_ops ops = {
		.run = idle_job_run,
		.done = idle_job_done,
		.free = idle_job_free,
	};
	struct glint_device_job job = { .ops = &ops };
	struct rig rig;

	jobs_run = 0;
	idle_job_freed = false;
	IDLE_START(&rig);
	rig_settle(rig.loop);
	CU_ASSERT_EQUAL_FATAL(glint_capture_run_job(rig.capture, &job), 0);
	RIG_UNTIL(&rig, idle_job_freed);
	CU_ASSERT_EQUAL(jobs_run, 1);
	linger_ends(&rig);
	RIG_UNTIL(&rig, glint_capture_pauses(rig.capture));
	rig_close(&rig);
}

static void test_the_setting_changes_while_the_device_is_closed_or_streams(void)
{
	struct rig rig;

	IDLE_START(&rig);
	rig_settle(rig.loop);
	rig.config.idle_stops = false;
	glint_capture_apply(rig.capture, &rig.config);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig.config.idle_stops = true;
	glint_capture_apply(rig.capture, &rig.config);
	linger_ends(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_IDLE);
	rig_close(&rig);
}

/* A reader waits in vain, and goes; so the capture pauses. */
static void reader_finds(struct rig *rig, enum glint_reason reason)
{
	reader_comes(rig);
	RIG_UNTIL(rig, rig_reason(rig) == reason);
	reader_goes(rig);
	linger_ends(rig);
	RIG_UNTIL(rig, glint_capture_pauses(rig->capture));
	CU_ASSERT_EQUAL(rig_reason(rig), GLINT_REASON_IDLE);
}

static void test_without_a_signal_the_device_is_closed_too(void)
{
	struct rig rig;

	IDLE_START(&rig);
	rig.fake.n_inputs = 1;
	rig.fake.has_events = true;
	RIG_FAKE(&rig, input_status = V4L2_IN_ST_NO_SIGNAL);
	reader_finds(&rig, GLINT_REASON_NO_SIGNAL);
	CU_ASSERT_EQUAL(rig.fake.opens, 1);
	CU_ASSERT_EQUAL(rig.fake.closes, 1);
	RIG_FAKE(&rig, input_status = 0);
	reader_comes(&rig);
	rig_go_live(&rig);
	rig_close(&rig);
}

static void test_a_device_that_is_away_is_not_looked_for_without_readers(void)
{
	struct rig rig;

	IDLE_START(&rig);
	fake_v4l2_unplug(&rig.fake);
	reader_finds(&rig, GLINT_REASON_NO_DEVICE);
	CU_ASSERT_EQUAL(rig.capture->alarm.due_ns, GLINT_ALARM_NEVER);
	rig_close(&rig);
}

static void test_readers_that_go_while_the_device_starts_are_remembered(void)
{
	struct rig rig;

	IDLE_START(&rig);
	RIG_FAKE(&rig, hang_request = VIDIOC_STREAMON);
	reader_comes(&rig);
	RIG_UNTIL(&rig, rig.capture->job_runs);
	fake_v4l2_wait_hanging(&rig.fake);
	reader_goes(&rig);
	linger_ends(&rig);
	/* A job has the device: it waits once more. */
	RIG_UNTIL(&rig, rig.capture->idle.linger.due_ns > glint_now_ns());
	fake_v4l2_release(&rig.fake);
	RIG_UNTIL(&rig, rig.capture->state == GLINT_CAPTURE_LIVE);
	linger_ends(&rig);
	RIG_UNTIL(&rig, glint_capture_pauses(rig.capture));
	rig_close(&rig);
}

/* clang-format off */
GLINT_TESTS("idle",
	GLINT_TEST(test_the_first_frames_of_each_stream_are_not_live),
	GLINT_TEST(test_neither_recorder_nor_judges_see_the_warm_up),
	GLINT_TEST(test_a_warm_up_may_be_a_time),
	GLINT_TEST(test_damaged_frames_do_not_warm_up),
	GLINT_TEST(test_an_interlaced_frame_tells_the_order_of_its_fields),
	GLINT_TEST(test_a_field_in_the_place_of_a_frame_is_no_picture),
	GLINT_TEST(test_without_readers_the_device_is_not_opened),
	GLINT_TEST(test_a_reader_starts_the_device_and_its_end_closes_it),
	GLINT_TEST(test_a_reader_that_comes_back_soon_finds_the_same_stream),
	GLINT_TEST(test_a_reader_that_comes_while_the_device_stops_starts_it_again),
	GLINT_TEST(test_looks_do_not_start_the_device),
	GLINT_TEST(test_a_job_starts_the_device),
	GLINT_TEST(test_the_setting_changes_while_the_device_is_closed_or_streams),
	GLINT_TEST(test_without_a_signal_the_device_is_closed_too),
	GLINT_TEST(test_a_device_that_is_away_is_not_looked_for_without_readers),
	GLINT_TEST(test_readers_that_go_while_the_device_starts_are_remembered),
)
