/* SPDX-License-Identifier: MIT */
/*
 * Controls on the scripted device, whose driver behaves as the kernel's control framework: what is
 * listed, what is refused before the driver sees it, changes of several at once, what is set again
 * after a replug, and what others change.
 */
#include <errno.h>
#include <stdlib.h>

#include "capture/controls.h"
#include "capture_rig.h"
#include "core/events.h"
#include "harness.h"

struct asked {
	struct glint_control_request request;
	struct glint_setting_value values[4];
	unsigned dones;
	char found[16384]; /* the report */
};

static void asked_done(struct glint_control_request *request)
{
	struct asked *asked = container_of(request, struct asked, request);

	asked->dones++;
	if (request->outcome != GLINT_CONTROL_DONE)
		return;
	record_begin();
	glint_capture_tell_controls(request, &record.report);
	snprintf(asked->found, sizeof(asked->found), "%.*s", (int)sizeof(asked->found) - 1,
		 record.lines);
}

/* Ask for pairs of name and value up to NULL, and wait for the answer. */
static void ask(struct rig *rig, struct asked *asked, ...)
{
	const char *name;
	va_list args;

	memset(asked, 0, sizeof(*asked));
	va_start(args, asked);
	while ((name = va_arg(args, const char *))) {
		asked->values[asked->request.n_values].name = name;
		asked->values[asked->request.n_values++].value = va_arg(args, const char *);
	}
	va_end(args);
	asked->request.values = asked->values;
	asked->request.done = asked_done;
	CU_ASSERT_EQUAL_FATAL(glint_capture_ask_controls(rig->capture, &asked->request), 0);
	RIG_UNTIL(rig, asked->dones == 1);
}

/* The capture is live, and the device's thread, which lists the controls once, is idle. */
#define RIG_LIVE(rig)                                                                              \
	do {                                                                                       \
		rig_init(rig);                                                                     \
		RIG_START(rig);                                                                    \
		rig_go_live(rig);                                                                  \
		RIG_UNTIL(rig, !(rig)->capture->watch_runs);                                       \
	} while (0)

static void test_all_types_are_listed_with_their_values(void)
{
	static const char *const expected[] = {
		"controls.0.name text brightness\n",
		"controls.0.group text User Controls\n",
		"controls.0.type text integer\n",
		"controls.0.value int 50\n",
		"controls.0.maximum int 100\n",
		"controls.0.flags.0 text slider\n",
		"controls.2.name text white_balance_do\n",
		"controls.2.type text button\n",
		"controls.2.value null -\n",
		"controls.4.items.1.name text 50 Hz\n",
		"controls.4.items.2.index int 3\n",
	};
	struct asked asked;
	struct rig rig;

	RIG_LIVE(&rig);
	ask(&rig, &asked, NULL);
	CU_ASSERT_EQUAL(asked.request.outcome, GLINT_CONTROL_DONE);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		if (!strstr(asked.found, expected[i]))
			CU_FAIL(expected[i]);
	rig_close(&rig);
}

static void test_values_are_parsed_by_the_type_of_their_control(void)
{
	static const struct {
		const char *name, *value;
		uint32_t id;
		int64_t number;
	} good[] = {
		{ "brightness", "0x10", V4L2_CID_BRIGHTNESS, 16 },
		{ "Brightness", NULL, V4L2_CID_BRIGHTNESS, 50 },
		{ "0x00980900", "7", V4L2_CID_BRIGHTNESS, 7 },
		{ "horizontal_flip", "true", V4L2_CID_HFLIP, 1 },
		{ "power_line_frequency", "auto", V4L2_CID_POWER_LINE_FREQUENCY, 3 },
		{ "power_line_frequency", "0", V4L2_CID_POWER_LINE_FREQUENCY, 0 },
		{ "big_number", "-1099511627776", V4L2_CID_USER_BASE | 0x1001, -1099511627776 },
		{ "link_frequency", "148500000", V4L2_CID_USER_BASE | 0x1004, 1 },
	};
	struct asked asked;
	struct rig rig;

	RIG_LIVE(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ask(&rig, &asked, good[i].name, good[i].value, NULL);
		CU_ASSERT_EQUAL(asked.request.outcome, GLINT_CONTROL_DONE);
		CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, good[i].id), good[i].number);
	}
	ask(&rig, &asked, "label", "door", "bits", "0x80000001", NULL);
	CU_ASSERT_EQUAL(asked.request.outcome, GLINT_CONTROL_DONE);
	CU_ASSERT_PTR_NOT_NULL(strstr(asked.found, "controls.label.value text door\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(asked.found, "controls.bits.value int 2147483649\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(asked.found, "controls.bits.taken bool 1\n"));
	rig_close(&rig);
}

static void test_a_bad_value_changes_nothing_and_is_named(void)
{
	static const struct {
		const char *name, *value;
		enum glint_control_outcome outcome;
		const char *allowed;
	} bad[] = {
		{ "brightness", "101", GLINT_CONTROL_BAD_VALUE, "0 to 100" },
		{ "brightness", "-1", GLINT_CONTROL_BAD_VALUE, "0 to 100" },
		{ "brightness", "high", GLINT_CONTROL_BAD_VALUE, "0 to 100" },
		{ "power_line_frequency", "2", GLINT_CONTROL_BAD_VALUE,
		  "0 (Disabled), 1 (50 Hz), 3 (Auto)" },
		{ "horizontal_flip", "2", GLINT_CONTROL_BAD_VALUE, "true or false" },
		{ "bits", "4", GLINT_CONTROL_BAD_VALUE, "bits of 0x80000003" },
		{ "label", "much too long", GLINT_CONTROL_BAD_VALUE, "a text of 0 to 8 bytes" },
		{ "white_balance_do", "false", GLINT_CONTROL_BAD_VALUE,
		  "true, to press the button" },
		{ "white_balance_do", NULL, GLINT_CONTROL_BAD_VALUE, "true, to press the button" },
		{ "serial", "7", GLINT_CONTROL_READ_ONLY, "" },
		{ "matrix", "7", GLINT_CONTROL_READ_ONLY, "" },
		{ "brightnes", "7", GLINT_CONTROL_UNKNOWN, "" },
		{ "Horizontal Flip", "0", GLINT_CONTROL_REPEATED, "" },
		{ "contrast", "52", GLINT_CONTROL_ADJUSTED, "" },
	};
	struct asked asked;
	struct rig rig;

	RIG_LIVE(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		bool flips = strcmp(bad[i].name, "horizontal_flip") == 0;

		ask(&rig, &asked, flips ? "brightness" : "horizontal_flip", "1", bad[i].name,
		    bad[i].value, NULL);
		CU_ASSERT_EQUAL(asked.request.outcome, bad[i].outcome);
		CU_ASSERT_STRING_EQUAL(asked.request.name, bad[i].name);
		CU_ASSERT_STRING_EQUAL(asked.request.allowed, bad[i].allowed);
		CU_ASSERT_STRING_NOT_EQUAL(asked.request.message, "");
	}
	CU_ASSERT_STRING_EQUAL(asked.request.got, "50");
	CU_ASSERT_EQUAL(rig.fake.control_writes, 0);
	rig_close(&rig);
}

/* The title of one is Chinese, the menu of the other has the largest range there is. */
static void test_controls_with_odd_properties_can_be_set(void)
{
	struct asked asked;
	struct rig rig;

	RIG_LIVE(&rig);
	ask(&rig, &asked, NULL);
	CU_ASSERT_EQUAL(asked.request.outcome, GLINT_CONTROL_DONE);
	CU_ASSERT_PTR_NULL(strstr(asked.found, ".name text \n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(asked.found, ".name text control_00981907\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(asked.found, ".name text wild_menu\n"));
	ask(&rig, &asked, "control_00981907", "7", NULL);
	CU_ASSERT_EQUAL(asked.request.outcome, GLINT_CONTROL_DONE);
	CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, V4L2_CID_USER_BASE | 0x1007), 7);
	rig_close(&rig);
}

/* The client learns that the driver does not answer, before the device's thread is done. */
static void test_a_change_that_hangs_is_silent(void)
{
	struct asked asked;
	struct rig rig;

	RIG_LIVE(&rig);
	rig.capture->config.stuck_ns = 20 * GLINT_NSEC_PER_MSEC;
	fake_v4l2_lock(&rig.fake);
	rig.fake.hang_request = VIDIOC_TRY_EXT_CTRLS;
	fake_v4l2_unlock(&rig.fake);
	ask(&rig, &asked, "brightness", "1", NULL);
	CU_ASSERT_EQUAL(asked.request.outcome, GLINT_CONTROL_SILENT);
	CU_ASSERT_PTR_NULL(asked.request.name);
	fake_v4l2_release(&rig.fake);
	RIG_UNTIL(&rig, !rig.capture->jobs.running);
	CU_ASSERT_EQUAL(asked.dones, 1);
	rig_close(&rig);
}

static void test_a_driver_that_fails_in_the_middle_is_set_back(void)
{
	struct asked asked;
	struct rig rig;

	RIG_LIVE(&rig);
	rig.fake.control_fails_at = 2;
	ask(&rig, &asked, "brightness", "1", "contrast", "10", NULL);
	CU_ASSERT_EQUAL(asked.request.outcome, GLINT_CONTROL_REFUSED);
	CU_ASSERT_STRING_EQUAL(asked.request.name, "contrast");
	CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, V4L2_CID_BRIGHTNESS), 50);
	CU_ASSERT_PTR_NOT_NULL(strstr(asked.request.message, "nothing has changed"));
	rig_close(&rig);
}

static void test_errors_of_the_driver_are_told_apart(void)
{
	static const struct {
		int err;
		enum glint_control_outcome outcome;
	} errors[] = {
		{ -EBUSY, GLINT_CONTROL_BUSY },	      { -EACCES, GLINT_CONTROL_REFUSED },
		{ -EIO, GLINT_CONTROL_REFUSED },      { -ETIMEDOUT, GLINT_CONTROL_SILENT },
		{ -ENOMEM, GLINT_CONTROL_NO_MEMORY }, { -EDOM, GLINT_CONTROL_REFUSED },
	};
	struct asked asked;
	struct rig rig;

	RIG_LIVE(&rig);
	rig.fake.fail_request = VIDIOC_S_EXT_CTRLS;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		rig.fake.fail_err = errors[i].err;
		ask(&rig, &asked, "brightness", "1", NULL);
		CU_ASSERT_EQUAL(asked.request.outcome, errors[i].outcome);
	}
	rig.fake.fail_request = 0;
	rig_close(&rig);
}

/* Whichever call fails, the request is answered, and a later one succeeds. */
static void test_any_call_may_fail(void)
{
	struct asked asked;
	struct rig rig;
	unsigned failures = 0;

	RIG_LIVE(&rig);
	for (unsigned nth = 1; nth <= 60; nth++) {
		fake_v4l2_lock(&rig.fake);
		rig.fake.fail_call = rig.fake.calls + nth;
		rig.fake.fail_err = -EIO;
		fake_v4l2_unlock(&rig.fake);
		ask(&rig, &asked, "brightness", "1", "horizontal_flip", "1", NULL);
		failures += asked.request.outcome != GLINT_CONTROL_DONE;
	}
	CU_ASSERT_TRUE(failures > 0);
	fake_v4l2_lock(&rig.fake);
	rig.fake.fail_call = 0;
	fake_v4l2_unlock(&rig.fake);
	ask(&rig, &asked, "brightness", "2", NULL);
	CU_ASSERT_EQUAL(asked.request.outcome, GLINT_CONTROL_DONE);
	rig_close(&rig);
}

static void test_values_are_set_again_after_a_replug(void)
{
	struct asked asked;
	struct rig rig;

	rig_init(&rig);
	rig.config.words = (struct glint_control_words){
		3,
		{ "contrast=25", "nonsense=1", "power_line_frequency=9" },
	};
	RIG_START(&rig);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, V4L2_CID_CONTRAST), 25);
	CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, V4L2_CID_POWER_LINE_FREQUENCY), 1);
	ask(&rig, &asked, "brightness", "11", "label", "x", NULL);
	CU_ASSERT_EQUAL(asked.request.outcome, GLINT_CONTROL_DONE);
	fake_v4l2_unplug(&rig.fake);
	RIG_UNTIL(&rig, rig.capture->state == GLINT_CAPTURE_OFFLINE);
	fake_v4l2_replug(&rig.fake);
	rig_go_live(&rig);
	CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, V4L2_CID_CONTRAST), 25);
	CU_ASSERT_EQUAL(fake_v4l2_control(&rig.fake, V4L2_CID_BRIGHTNESS), 11);
	CU_ASSERT_STRING_EQUAL(rig.fake.label, "x");
	rig_close(&rig);
}

static void test_an_absent_device_is_said_to_be_away(void)
{
	struct glint_control_request request = { .done = asked_done };
	struct rig rig;

	rig_init(&rig);
	fake_v4l2_unplug(&rig.fake);
	rig.config.retry_ns = LONG;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig.capture->state == GLINT_CAPTURE_OFFLINE);
	CU_ASSERT_EQUAL(glint_capture_ask_controls(rig.capture, &request), -ENODEV);
	CU_ASSERT_EQUAL(request.outcome, GLINT_CONTROL_AWAY);
	CU_ASSERT_STRING_EQUAL(request.message, "no device is open: no-device");
	rig_close(&rig);
}

static int slow_run(struct glint_device_job *job, struct glint_source *source)
{
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS, .value = 7 };

	(void)job;
	return glint_vdev_ioctl(&source->vdev, VIDIOC_S_CTRL, &control);
}

static void slow_done(struct glint_device_job *job, int err)
{
	(void)job;
	CU_ASSERT_EQUAL(err, -ETIMEDOUT);
}

static void slow_free(struct glint_device_job *job)
{
	(void)job;
}

static void test_controls_are_watched_though_another_job_was_slow(void)
{
	static const struct glint_device_job_ops ops = { slow_run, slow_done, slow_free };
	struct glint_device_job job = { .ops = &ops };
	struct rig rig;

	rig_init(&rig);
	rig.fake.has_events = true;
	RIG_START(&rig);
	CU_ASSERT_EQUAL_FATAL(glint_capture_run_job(rig.capture, &job), 0);
	RIG_FAKE(&rig, hang_request = VIDIOC_S_CTRL);
	RIG_UNTIL(&rig, rig.capture->watch_runs);
	fake_v4l2_wait_hanging(&rig.fake);
	/* Both have waited for too long. */
	rig.capture->config.stuck_ns = GLINT_NSEC_PER_MSEC;
	glint_alarm_set(&rig.capture->jobs.alarm, glint_now_ns() + GLINT_NSEC_PER_MSEC);
	RIG_UNTIL(&rig, !rig.capture->watch_runs);
	CU_ASSERT_EQUAL(rig.capture->watched.n, 0);
	rig.capture->config.stuck_ns = LONG;
	fake_v4l2_release(&rig.fake);
	RIG_UNTIL(&rig, rig.capture->watched.n > 0);
	fake_v4l2_control_event(&rig.fake, V4L2_CID_BRIGHTNESS, 9);
	RIG_UNTIL(&rig, rig.capture->changed_by_others == 1);
	rig_close(&rig);
}

static void test_changes_by_others_are_counted(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.fake.has_events = true;
	RIG_START(&rig);
	rig_go_live(&rig);
	RIG_UNTIL(&rig, rig.capture->watched.n > 0);
	fake_v4l2_control_event(&rig.fake, V4L2_CID_BRIGHTNESS, 9);
	RIG_UNTIL(&rig, rig.capture->changed_by_others == 1);
	fake_v4l2_control_event(&rig.fake, 0x12345, 9); /* of no control that is known */
	fake_v4l2_control_event(&rig.fake, V4L2_CID_CONTRAST, 9);
	RIG_UNTIL(&rig, rig.capture->changed_by_others == 2);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	CU_ASSERT_EQUAL(rig_status(&rig).restarts, 0);
	rig_close(&rig);
}

GLINT_TESTS("controls", GLINT_TEST(test_all_types_are_listed_with_their_values),
	    GLINT_TEST(test_values_are_parsed_by_the_type_of_their_control),
	    GLINT_TEST(test_a_bad_value_changes_nothing_and_is_named),
	    GLINT_TEST(test_controls_with_odd_properties_can_be_set),
	    GLINT_TEST(test_a_change_that_hangs_is_silent),
	    GLINT_TEST(test_a_driver_that_fails_in_the_middle_is_set_back),
	    GLINT_TEST(test_errors_of_the_driver_are_told_apart),
	    GLINT_TEST(test_any_call_may_fail),
	    GLINT_TEST(test_values_are_set_again_after_a_replug),
	    GLINT_TEST(test_an_absent_device_is_said_to_be_away),
	    GLINT_TEST(test_controls_are_watched_though_another_job_was_slow),
	    GLINT_TEST(test_changes_by_others_are_counted), )
