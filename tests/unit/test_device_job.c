/* SPDX-License-Identifier: MIT */
/*
 * Device jobs on the scripted device: when they run, what a client learns when they cannot, and
 * what becomes of a job whose client is gone or whose call into the driver hangs.
 */
#include <errno.h>

#include "capture_rig.h"
#include "harness.h"

struct test_job {
	struct glint_device_job job;
	unsigned runs, dones, frees;
	int err; /* of done() */
	bool streaming;
	unsigned buffers; /* of the driver, during run() */
	unsigned order;
};

static unsigned jobs_order; /* of the jobs that have run; the device's thread */

static struct test_job *test_job_of(struct glint_device_job *job)
{
	return container_of(job, struct test_job, job);
}

static int job_run(struct glint_device_job *job, struct glint_source *source)
{
	struct test_job *test = test_job_of(job);
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS, .value = 7 };
	struct fake_v4l2 *fake = container_of(source->vdev.access, struct fake_v4l2, access);
	int err = glint_vdev_ioctl(&source->vdev, VIDIOC_S_CTRL, &control);

	fake_v4l2_lock(fake);
	test->runs++;
	test->order = ++jobs_order;
	test->streaming = fake->streaming;
	test->buffers = fake->n_buffers;
	fake_v4l2_unlock(fake);
	return err;
}

static void job_done(struct glint_device_job *job, int err)
{
	test_job_of(job)->dones++;
	test_job_of(job)->err = err;
}

static void job_free(struct glint_device_job *job)
{
	test_job_of(job)->frees++;
}

static const struct glint_device_job_ops job_ops = {
	.run = job_run,
	.done = job_done,
	.free = job_free,
};

static int job_begin(struct rig *rig, struct test_job *test)
{
	*test = (struct test_job){ .job.ops = &job_ops };
	return glint_capture_run_job(rig->capture, &test->job);
}

static int64_t rig_jobs(struct rig *rig, const char *figure)
{
	char path[64];

	snprintf(path, sizeof(path), "device_jobs.%s", figure);
	return REPORTED(int, capture, rig->capture, path);
}

/* A live rig, whose device answers within 20 ms or is stuck. */
#define RIG_LIVE(rig, stuck)                                                                       \
	do {                                                                                       \
		jobs_order = 0;                                                                    \
		rig_init(rig);                                                                     \
		(rig)->config.stuck_ns = (stuck);                                                  \
		RIG_START(rig);                                                                    \
		rig_go_live(rig);                                                                  \
		RIG_UNTIL(rig, !(rig)->capture->watch_runs);                                       \
		(rig)->capture->jobs.pause_until_ns = 0;                                           \
	} while (0)

#define SOON (20 * GLINT_NSEC_PER_MSEC)

static void test_a_job_runs_while_frames_arrive(void)
{
	struct test_job test;
	struct rig rig;

	RIG_LIVE(&rig, LONG);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &test), 0);
	CU_ASSERT_EQUAL(test.dones, 0); /* never from within the call */
	CU_ASSERT_EQUAL(rig_jobs(&rig, "pending"), 1);
	RIG_UNTIL(&rig, test.frees == 1);
	CU_ASSERT_EQUAL(test.runs, 1);
	CU_ASSERT_EQUAL(test.dones, 1);
	CU_ASSERT_EQUAL(test.err, 0);
	CU_ASSERT_TRUE(test.streaming);
	CU_ASSERT_EQUAL(rig_jobs(&rig, "pending"), 0);
	CU_ASSERT_EQUAL(rig_jobs(&rig, "ran"), 1);
	CU_ASSERT_EQUAL(rig_status(&rig).restarts, 0);
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	rig_close(&rig);
}

static void test_jobs_run_in_order_and_get_the_drivers_error(void)
{
	struct test_job tests[5];
	struct rig rig;

	RIG_LIVE(&rig, LONG);
	fake_v4l2_lock(&rig.fake);
	rig.fake.fail_request = VIDIOC_S_CTRL;
	rig.fake.fail_nth = 3;
	rig.fake.fail_err = -EIO;
	fake_v4l2_unlock(&rig.fake);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &tests[i]), 0);
	RIG_UNTIL(&rig, tests[4].frees == 1);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
		CU_ASSERT_EQUAL(tests[i].order, i + 1);
		CU_ASSERT_EQUAL(tests[i].dones, 1);
		CU_ASSERT_EQUAL(tests[i].err, i == 2 ? -EIO : 0);
	}
	rig_close(&rig);
}

static void test_a_job_between_streams_finds_no_buffers(void)
{
	struct test_job test = { .job = { .ops = &job_ops, .between_streams = true } };
	struct rig rig;

	RIG_LIVE(&rig, LONG);
	CU_ASSERT_EQUAL_FATAL(glint_capture_run_job(rig.capture, &test.job), 0);
	RIG_UNTIL(&rig, test.frees == 1);
	CU_ASSERT_EQUAL(test.err, 0);
	CU_ASSERT_EQUAL(test.runs, 1);
	CU_ASSERT_FALSE(test.streaming);
	CU_ASSERT_EQUAL(test.buffers, 0);
	RIG_UNTIL(&rig, rig_streams(&rig));
	rig_frame(&rig, &(struct fake_frame){ .seq = 0 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	CU_ASSERT_EQUAL(rig_status(&rig).restarts, 1);
	CU_ASSERT_EQUAL(rig_status(&rig).opens, 1);
	rig_close(&rig);
}

static void test_a_job_waits_for_a_device_that_starts(void)
{
	struct test_job test;
	struct rig rig;

	rig_init(&rig);
	rig.fake.hang_request = VIDIOC_STREAMON;
	RIG_START(&rig);
	fake_v4l2_wait_hanging(&rig.fake);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &test), 0);
	rig_settle(rig.loop);
	CU_ASSERT_EQUAL(test.dones, 0);
	fake_v4l2_release(&rig.fake);
	RIG_UNTIL(&rig, test.frees == 1);
	CU_ASSERT_EQUAL(test.err, 0);
	CU_ASSERT_TRUE(test.streaming);
	rig_close(&rig);
}

static void test_a_device_without_a_signal_takes_jobs(void)
{
	struct test_job test;
	struct rig rig;

	rig_init(&rig);
	rig.fake.n_inputs = 1;
	rig.fake.has_events = true;
	rig.fake.input_status = V4L2_IN_ST_NO_SIGNAL;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_reason(&rig) == GLINT_REASON_NO_SIGNAL);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &test), 0);
	RIG_UNTIL(&rig, test.frees == 1);
	CU_ASSERT_EQUAL(test.err, 0);
	rig_close(&rig);
}

static void test_an_absent_device_refuses_jobs(void)
{
	struct test_job test, waiting;
	struct rig rig;

	RIG_LIVE(&rig, LONG);
	rig.capture->config.retry_ns = LONG;
	/* One job waits for the pause after the other, and then the device is gone. */
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &test), 0);
	RIG_UNTIL(&rig, test.frees == 1);
	rig.capture->jobs.pause_until_ns = FOREVER;
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &waiting), 0);
	fake_v4l2_unplug(&rig.fake);
	RIG_UNTIL(&rig, waiting.frees == 1);
	CU_ASSERT_EQUAL(waiting.err, -ENODEV);
	CU_ASSERT_EQUAL(waiting.runs, 0);
	RIG_UNTIL(&rig, rig.capture->state == GLINT_CAPTURE_OFFLINE);
	CU_ASSERT_EQUAL(job_begin(&rig, &test), -ENODEV);
	CU_ASSERT_EQUAL(test.dones + test.frees, 0); /* still the caller's */
	rig_close(&rig);
}

static void test_a_job_that_hangs_is_answered_and_blocks_no_frames(void)
{
	struct test_job stuck, behind, refused, after;
	struct rig rig;

	RIG_LIVE(&rig, SOON);
	fake_v4l2_lock(&rig.fake);
	rig.fake.hang_request = VIDIOC_S_CTRL;
	fake_v4l2_unlock(&rig.fake);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &stuck), 0);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &behind), 0);
	RIG_UNTIL(&rig, behind.frees == 1);
	CU_ASSERT_EQUAL(stuck.dones, 1);
	CU_ASSERT_EQUAL(stuck.err, -ETIMEDOUT);
	CU_ASSERT_EQUAL(stuck.frees, 0); /* the device's thread still uses it */
	CU_ASSERT_EQUAL(behind.err, -ETIMEDOUT);
	CU_ASSERT_EQUAL(job_begin(&rig, &refused), -ETIMEDOUT);
	CU_ASSERT_EQUAL(rig_jobs(&rig, "timed_out"), 2);
	rig_frame(&rig, &(struct fake_frame){ .seq = 1 });
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);

	fake_v4l2_release(&rig.fake);
	RIG_UNTIL(&rig, stuck.frees == 1);
	CU_ASSERT_EQUAL(stuck.dones, 1);
	rig.capture->config.stuck_ns = LONG;
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &after), 0);
	RIG_UNTIL(&rig, after.frees == 1);
	CU_ASSERT_EQUAL(after.runs, 1);
	rig_close(&rig);
}

static void test_a_forgotten_job_is_freed_and_not_answered(void)
{
	struct test_job running, waiting, after;
	struct rig rig;

	RIG_LIVE(&rig, LONG);
	fake_v4l2_lock(&rig.fake);
	rig.fake.hang_request = VIDIOC_S_CTRL;
	fake_v4l2_unlock(&rig.fake);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &running), 0);
	rig_settle(rig.loop);
	fake_v4l2_wait_hanging(&rig.fake);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &waiting), 0);
	glint_capture_forget_job(rig.capture, &waiting.job);
	CU_ASSERT_EQUAL(waiting.frees, 1);
	glint_capture_forget_job(rig.capture, &running.job);
	CU_ASSERT_EQUAL(running.frees, 0);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &after), 0);
	fake_v4l2_release(&rig.fake);
	RIG_UNTIL(&rig, after.frees == 1);
	CU_ASSERT_EQUAL(running.runs, 1);
	CU_ASSERT_EQUAL(running.frees, 1);
	CU_ASSERT_EQUAL(waiting.runs, 0);
	CU_ASSERT_EQUAL(running.dones + waiting.dones, 0);
	CU_ASSERT_EQUAL(rig_jobs(&rig, "pending"), 0);
	rig_close(&rig);
}

static void test_the_queue_is_bounded(void)
{
	struct test_job tests[GLINT_DEVICE_JOBS_MAX], more;
	struct rig rig;

	RIG_LIVE(&rig, LONG);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &tests[i]), 0);
	CU_ASSERT_EQUAL(job_begin(&rig, &more), -EUSERS);
	CU_ASSERT_EQUAL(rig_jobs(&rig, "refused"), 1);
	RIG_UNTIL(&rig, tests[ARRAY_SIZE(tests) - 1].frees == 1);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &more), 0);
	RIG_UNTIL(&rig, more.frees == 1);
	rig_close(&rig);
}

static void test_the_queues_errors_have_words_and_those_of_a_driver_do_not(void)
{
	char words[128] = "";
	struct rig rig;

	RIG_LIVE(&rig, LONG);
	CU_ASSERT_TRUE(glint_device_job_explain(rig.capture, -EUSERS, words, sizeof(words)));
	CU_ASSERT_STRING_EQUAL(words, "too many requests wait for the device");
	CU_ASSERT_TRUE(glint_device_job_explain(rig.capture, -ETIMEDOUT, words, sizeof(words)));
	CU_ASSERT_STRING_EQUAL(words, "a call into the device's driver does not return");
	CU_ASSERT_TRUE(glint_device_job_explain(rig.capture, -ENODEV, words, sizeof(words)));
	CU_ASSERT_STRING_EQUAL(words, "no device is open: ");
	CU_ASSERT_FALSE(glint_device_job_explain(rig.capture, -EBUSY, words, sizeof(words)));
	CU_ASSERT_FALSE(glint_device_job_explain(rig.capture, 0, words, sizeof(words)));
	rig_close(&rig);
}

static void test_destroy_frees_all_jobs_and_answers_none(void)
{
	struct test_job running, waiting;
	struct rig rig;

	RIG_LIVE(&rig, LONG);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &running), 0);
	CU_ASSERT_EQUAL_FATAL(job_begin(&rig, &waiting), 0);
	CU_ASSERT_EQUAL(glint_loop_run_once(rig.loop, 0), 0);
	rig_close(&rig);
	CU_ASSERT_EQUAL(running.frees, 1);
	CU_ASSERT_EQUAL(waiting.frees, 1);
	CU_ASSERT_EQUAL(waiting.dones, 0);
}

GLINT_TESTS("device_job", GLINT_TEST(test_a_job_runs_while_frames_arrive),
	    GLINT_TEST(test_jobs_run_in_order_and_get_the_drivers_error),
	    GLINT_TEST(test_a_job_between_streams_finds_no_buffers),
	    GLINT_TEST(test_a_job_waits_for_a_device_that_starts),
	    GLINT_TEST(test_a_device_without_a_signal_takes_jobs),
	    GLINT_TEST(test_an_absent_device_refuses_jobs),
	    GLINT_TEST(test_a_job_that_hangs_is_answered_and_blocks_no_frames),
	    GLINT_TEST(test_a_forgotten_job_is_freed_and_not_answered),
	    GLINT_TEST(test_the_queue_is_bounded),
	    GLINT_TEST(test_the_queues_errors_have_words_and_those_of_a_driver_do_not),
	    GLINT_TEST(test_destroy_frees_all_jobs_and_answers_none), )
