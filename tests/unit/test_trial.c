/* SPDX-License-Identifier: MIT */
/*
 * Changes of the stream's settings that the device refuses, and those that are given up while a call
 * into its driver has not returned.
 */
#include <errno.h>

#include "capture_rig.h"
#include "harness.h"

#define PENDING 1

struct asked {
	struct glint_prepare prepare;
	int err; /* PENDING: no answer yet */
};

static void asked_done(struct glint_prepare *prepare, int err)
{
	container_of(prepare, struct asked, prepare)->err = err;
}

static int ask(struct rig *rig, struct asked *asked, const struct glint_capture_config *wanted)
{
	enum glint_holds holds = GLINT_HOLDS_NOW;

	*asked = (struct asked){ .prepare.done = asked_done, .err = PENDING };
	return glint_capture_prepare(rig->capture, wanted, &asked->prepare, &holds);
}

/* A start job tries a smaller picture, and its S_FMT does not return. */
static void begin_and_hang(struct rig *rig, struct asked *asked)
{
	struct glint_capture_config wanted = rig->config;

	wanted.width = 32;
	wanted.height = 24;
	RIG_FAKE(rig, hang_request = VIDIOC_S_FMT);
	CU_ASSERT_EQUAL_FATAL(ask(rig, asked, &wanted), -EINPROGRESS);
	RIG_UNTIL(rig, rig->capture->trial.runs);
	fake_v4l2_wait_hanging(&rig->fake);
}

static void release_and_refuse(struct rig *rig, bool refuse)
{
	if (refuse) {
		RIG_FAKE(rig, fail_err = -EIO);
		RIG_FAKE(rig, fail_nth = 1);
		RIG_FAKE(rig, fail_request = VIDIOC_S_FMT);
	}
	fake_v4l2_release(&rig->fake);
	RIG_UNTIL(rig, !rig->capture->job_runs && rig->capture->state == GLINT_CAPTURE_LIVE &&
			       rig->capture->job_config.width == rig->config.width);
	rig_go_live(rig);
}

static void a_change_that_was_given_up(bool refuse)
{
	struct asked asked, next;
	struct rig rig;

	rig_init(&rig);
	RIG_START(&rig);
	rig_go_live(&rig);
	begin_and_hang(&rig, &asked);
	glint_capture_apply(rig.capture, &rig.config);
	/* Another change that needs nothing of the device. */
	rig.config.warm_up.frames = 1;
	rig.config.keep_range = true;
	CU_ASSERT_EQUAL(ask(&rig, &next, &rig.config), 0);
	glint_capture_apply(rig.capture, &rig.config);
	/* And one that does: the device has not answered yet. */
	rig.config.buffers = 4;
	CU_ASSERT_EQUAL(ask(&rig, &next, &rig.config), -EBUSY);
	rig.config.buffers = 3;
	fake_v4l2_lock(&rig.fake);
	CU_ASSERT_TRUE(rig.fake.hanging);
	fake_v4l2_unlock(&rig.fake);
	rig.config.warm_up.frames = 0;
	glint_capture_apply(rig.capture, &rig.config);
	release_and_refuse(&rig, refuse);
	CU_ASSERT_EQUAL(asked.err, PENDING);
	CU_ASSERT_EQUAL(rig_status(&rig).format.width, 64);
	CU_ASSERT_TRUE(rig.capture->config.keep_range);
	/* It has answered. */
	rig.config.buffers = 4;
	CU_ASSERT_EQUAL(ask(&rig, &next, &rig.config), -EINPROGRESS);
	RIG_UNTIL(&rig, next.err != PENDING);
	CU_ASSERT_EQUAL(next.err, 0);
	CU_ASSERT_EQUAL(rig_status(&rig).buffers, 4);
	rig_close(&rig);
}

static void test_a_change_that_was_given_up_and_fails_takes_nothing_back(void)
{
	a_change_that_was_given_up(true);
}

static void test_a_change_that_was_given_up_and_succeeds_does_not_hold(void)
{
	a_change_that_was_given_up(false);
}

static void test_a_refused_input_leaves_the_events_of_the_old_one(void)
{
	struct glint_capture_config wanted;
	struct asked asked;
	struct rig rig;

	rig_init(&rig);
	rig.fake.has_events = true;
	rig.fake.n_inputs = 2;
	RIG_START(&rig);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(rig.fake.watched, 1);
	wanted = rig.config;
	strcpy(wanted.input, "1");
	RIG_FAKE(&rig, fail_err = -EBUSY);
	RIG_FAKE(&rig, fail_request = VIDIOC_S_INPUT);
	CU_ASSERT_EQUAL(ask(&rig, &asked, &wanted), -EINPROGRESS);
	RIG_UNTIL(&rig, asked.err != PENDING);
	CU_ASSERT_EQUAL(asked.err, -EBUSY);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(rig.fake.watched, 1);
	RIG_FAKE(&rig, fail_request = 0);
	CU_ASSERT_EQUAL(ask(&rig, &asked, &wanted), -EINPROGRESS);
	RIG_UNTIL(&rig, asked.err != PENDING);
	CU_ASSERT_EQUAL(asked.err, 0);
	CU_ASSERT_EQUAL(rig.fake.watched, 2);
	rig_close(&rig);
}

/* clang-format off */
GLINT_TESTS("trial",
	GLINT_TEST(test_a_change_that_was_given_up_and_fails_takes_nothing_back),
	GLINT_TEST(test_a_change_that_was_given_up_and_succeeds_does_not_hold),
	GLINT_TEST(test_a_refused_input_leaves_the_events_of_the_old_one),
)
