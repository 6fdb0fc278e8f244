/* SPDX-License-Identifier: MIT */
/* Conditions as state machines, fed frame by frame. */
#include "base/clock.h"
#include "harness.h"
#include "judge/machine.h"

#define MS   GLINT_NSEC_PER_MSEC
#define BASE (1000 * GLINT_NSEC_PER_SEC)

struct rig {
	struct glint_condition condition;
	struct glint_verdict verdict;
	struct glint_machine machine;
	uint64_t stream;
};

static void rig_init(struct rig *r, enum glint_condition_kind kind)
{
	glint_condition_init(&r->condition, kind, GLINT_METRIC_LUMA);
	glint_machine_init(&r->machine, &r->condition, &r->verdict, BASE);
	r->stream = 1;
}

static struct glint_frame_info frame_at(const struct rig *r, uint32_t seq, uint64_t ms)
{
	return (struct glint_frame_info){
		.stream = r->stream,
		.seq = seq,
		.complete_ns = BASE + ms * MS,
	};
}

static void refer(struct rig *r, uint32_t seq, uint64_t ms)
{
	struct glint_frame_info info = frame_at(r, seq, ms);

	glint_machine_refer(&r->machine, &info);
}

/* Returns the verdict's state. */
static enum glint_verdict_state feed(struct rig *r, uint32_t seq, uint64_t ms, bool yes)
{
	struct glint_sample sample = { .info = frame_at(r, seq, ms), .yes = yes };

	glint_machine_feed(&r->machine, &sample);
	return r->verdict.state;
}

static void test_change_is_decided_by_the_first_frame_that_differs(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_CHANGE);
	refer(&r, 10, 0);
	CU_ASSERT_EQUAL(feed(&r, 11, 16, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 12, 33, true), GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(feed(&r, 13, 50, false), GLINT_VERDICT_MET); /* has happened */
	CU_ASSERT_EQUAL(r.verdict.reference.seq, 10);
	CU_ASSERT_EQUAL(r.verdict.decided.seq, 12);
	CU_ASSERT_EQUAL(r.verdict.seen, 2);
	CU_ASSERT_EQUAL(r.verdict.missed, 0);
}

static void test_still_names_the_first_frame_of_the_run(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_STILL);
	r.condition.stable_ns = 100 * MS;
	refer(&r, 1, 0);
	CU_ASSERT_EQUAL(feed(&r, 2, 40, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 3, 80, true), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 4, 120, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 5, 179, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 6, 180, false), GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(r.verdict.first.seq, 3);
	CU_ASSERT_EQUAL(r.verdict.decided.seq, 6);
	CU_ASSERT_EQUAL(feed(&r, 7, 200, true), GLINT_VERDICT_PENDING); /* no longer true */
}

static void test_a_gap_in_the_judged_frames_is_counted(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_STILL);
	refer(&r, 0xfffffffe, 0);
	feed(&r, 0xffffffff, 10, false);
	feed(&r, 3, 50, false); /* 0, 1 and 2 are missing */
	CU_ASSERT_EQUAL(r.verdict.missed, 3);
	feed(&r, 2, 60, false); /* a driver's fault, and no gap */
	CU_ASSERT_EQUAL(r.verdict.missed, 3);
	r.stream = 2;
	feed(&r, 100, 70, false); /* numbers begin anew */
	CU_ASSERT_EQUAL(r.verdict.missed, 3);
	CU_ASSERT_EQUAL(r.verdict.seen, 5);
}

static void test_motion_wants_k_of_n_and_names_the_first_of_them(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_MOTION);
	r.condition.moved = 3;
	r.condition.window = 5;
	refer(&r, 1, 0);
	CU_ASSERT_EQUAL(feed(&r, 2, 10, true), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 3, 20, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 4, 30, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 5, 40, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 6, 50, true), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 7, 60, true), GLINT_VERDICT_PENDING); /* 2 has left the window */
	CU_ASSERT_EQUAL(feed(&r, 8, 70, true), GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(r.verdict.first.seq, 6);
	CU_ASSERT_EQUAL(r.verdict.decided.seq, 8);
}

static void test_motion_of_each_of_the_first_frames_needs_no_full_window(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_MOTION);
	refer(&r, 1, 0);
	for (uint32_t seq = 2; seq < 11; seq++)
		CU_ASSERT_EQUAL(feed(&r, seq, seq * 10, true), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 11, 110, true), GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(r.verdict.first.seq, 2);
}

static void test_black_and_nonblack_hold_as_long_as_they_are_true(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_BLACK);
	CU_ASSERT_EQUAL(feed(&r, 1, 0, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 2, 10, true), GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(feed(&r, 3, 20, true), GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(r.verdict.first.seq, 2);
	CU_ASSERT_EQUAL(feed(&r, 4, 30, false), GLINT_VERDICT_PENDING);
	rig_init(&r, GLINT_CONDITION_NONBLACK);
	CU_ASSERT_EQUAL(feed(&r, 1, 0, true), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 2, 10, false), GLINT_VERDICT_MET);
}

static void test_a_transition_names_the_press_the_first_change_and_the_first_still_frame(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_TRANSITION);
	r.condition.stable_ns = 100 * MS;
	refer(&r, 1, 5);
	CU_ASSERT_EQUAL(feed(&r, 2, 200, false), GLINT_VERDICT_PENDING); /* still is not enough */
	CU_ASSERT_EQUAL(feed(&r, 3, 220, true), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 4, 260, true), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 5, 300, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 6, 360, false), GLINT_VERDICT_MET);
	CU_ASSERT_STRING_EQUAL(r.verdict.status, "complete");
	CU_ASSERT_EQUAL(r.verdict.reference.seq, 1);
	CU_ASSERT_EQUAL(r.verdict.changed.seq, 3);
	CU_ASSERT_EQUAL(r.verdict.first.seq, 4);
	CU_ASSERT_EQUAL(r.verdict.decided.seq, 6);
}

static void test_transition_has_a_timeout_for_each_of_its_halves(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_TRANSITION);
	r.condition.start_timeout_ns = 100 * MS;
	r.condition.stable_timeout_ns = 50 * MS;
	refer(&r, 1, 5);
	CU_ASSERT_EQUAL(glint_machine_due_ns(&r.machine), BASE + 100 * MS);
	glint_machine_tick(&r.machine, BASE + 99 * MS);
	CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_PENDING);
	feed(&r, 2, 90, true);
	CU_ASSERT_EQUAL(glint_machine_due_ns(&r.machine), BASE + 140 * MS);
	glint_machine_tick(&r.machine, BASE + 140 * MS);
	CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_FAILED);
	CU_ASSERT_STRING_EQUAL(r.verdict.status, "stable-timeout");

	rig_init(&r, GLINT_CONDITION_TRANSITION);
	CU_ASSERT_EQUAL(glint_machine_due_ns(&r.machine), UINT64_MAX);
	r.condition.start_timeout_ns = 100 * MS;
	glint_machine_tick(&r.machine, BASE + 100 * MS);
	CU_ASSERT_STRING_EQUAL(r.verdict.status, "start-timeout");
	CU_ASSERT_EQUAL(feed(&r, 2, 120, true), GLINT_VERDICT_FAILED);
}

static void test_a_lost_signal_is_a_change_and_ends_a_still_run(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_STILL);
	r.condition.stable_ns = 100 * MS;
	refer(&r, 1, 0);
	feed(&r, 2, 90, false);
	glint_machine_source(&r.machine, GLINT_SIGNAL_OFFLINE, NULL);
	CU_ASSERT_EQUAL(feed(&r, 3, 5000, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(r.verdict.first.seq, 3);
	CU_ASSERT_EQUAL(feed(&r, 4, 5100, false), GLINT_VERDICT_MET);
	glint_machine_source(&r.machine, GLINT_SIGNAL_OFFLINE,
			     NULL); /* nothing is still without a picture */
	CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_PENDING);
}

static void test_frames_from_before_the_loss_of_the_signal_do_not_end_it(void)
{
	struct glint_frame_info last;
	struct rig r;

	rig_init(&r, GLINT_CONDITION_CHANGE);
	refer(&r, 1, 0);
	last = frame_at(&r, 3, 30);
	glint_machine_source(&r.machine, GLINT_SIGNAL_OFFLINE, &last);
	CU_ASSERT_EQUAL(feed(&r, 2, 20, false), GLINT_VERDICT_PENDING); /* was being judged */
	CU_ASSERT_EQUAL(feed(&r, 3, 30, false), GLINT_VERDICT_PENDING);
	glint_machine_source(&r.machine, GLINT_SIGNAL_LIVE, &last);
	r.stream = 2;
	CU_ASSERT_EQUAL(feed(&r, 0, 50, false), GLINT_VERDICT_MET);

	/* The first frame of all was being judged. */
	rig_init(&r, GLINT_CONDITION_STILL);
	r.condition.stable_ns = 100 * MS;
	last = frame_at(&r, 3, 30);
	glint_machine_source(&r.machine, GLINT_SIGNAL_OFFLINE, &last);
	refer(&r, 3, 30);
	glint_machine_source(&r.machine, GLINT_SIGNAL_LIVE, &last);
	r.stream = 2;
	CU_ASSERT_EQUAL(feed(&r, 0, 140, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(r.verdict.first.stream, 2);

	/* A reference that the client has named is compared with by its pixels. */
	rig_init(&r, GLINT_CONDITION_CHANGE);
	last = frame_at(&r, 3, 30);
	last.complete_ns = BASE - 20;
	glint_machine_source(&r.machine, GLINT_SIGNAL_OFFLINE, &last);
	last.complete_ns = BASE - 30;
	glint_machine_refer(&r.machine, &last);
	CU_ASSERT_EQUAL(feed(&r, 0, 50, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 1, 60, true), GLINT_VERDICT_MET);
}

static void test_nothing_is_seen_outside_of_the_picture(void)
{
	struct glint_sample sample;
	struct rig r;

	for (unsigned i = 0; i < 2; i++) {
		rig_init(&r, i == 0 ? GLINT_CONDITION_BLACK : GLINT_CONDITION_NONBLACK);
		sample = (struct glint_sample){ .info = frame_at(&r, 2, 10), .empty = true };
		glint_machine_feed(&r.machine, &sample);
		CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_PENDING);
	}
}

static void test_another_size_differs_whatever_the_picture_shows(void)
{
	struct rig r;
	struct glint_sample sample;

	rig_init(&r, GLINT_CONDITION_CHANGE);
	refer(&r, 1, 0);
	sample = (struct glint_sample){ .info = frame_at(&r, 2, 10), .size_changed = true };
	glint_machine_feed(&r.machine, &sample);
	CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_MET);
}

static void test_live_and_offline_follow_the_source(void)
{
	struct glint_frame_info last;
	struct rig r;

	rig_init(&r, GLINT_CONDITION_OFFLINE);
	last = frame_at(&r, 9, 0);
	glint_machine_source(&r.machine, GLINT_SIGNAL_LIVE, &last);
	CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_PENDING);
	glint_machine_source(&r.machine, GLINT_SIGNAL_OPENING, &last);
	CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_PENDING);
	glint_machine_source(&r.machine, GLINT_SIGNAL_OFFLINE, &last);
	CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(r.verdict.decided.seq, 9); /* the last that was there */
	rig_init(&r, GLINT_CONDITION_LIVE);
	glint_machine_source(&r.machine, GLINT_SIGNAL_OFFLINE, NULL);
	CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_PENDING);
	glint_machine_source(&r.machine, GLINT_SIGNAL_LIVE, &last);
	CU_ASSERT_EQUAL(r.verdict.state, GLINT_VERDICT_MET);
}

static void test_a_match_holds_as_long_as_the_frames_are_similar(void)
{
	struct rig r;

	rig_init(&r, GLINT_CONDITION_MATCH);
	CU_ASSERT_EQUAL(feed(&r, 10, 0, false), GLINT_VERDICT_PENDING);
	CU_ASSERT_EQUAL(feed(&r, 11, 16, true), GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(feed(&r, 12, 33, true), GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(r.verdict.first.seq, 11);
	CU_ASSERT_EQUAL(r.verdict.decided.seq, 12);
	CU_ASSERT_EQUAL(feed(&r, 13, 50, false), GLINT_VERDICT_PENDING);
	glint_machine_source(&r.machine, GLINT_SIGNAL_OFFLINE, NULL);
	CU_ASSERT_EQUAL(feed(&r, 14, 66, true), GLINT_VERDICT_MET);
	CU_ASSERT_EQUAL(r.verdict.first.seq, 14);
	CU_ASSERT_EQUAL(r.verdict.seen, 5);
}

GLINT_TESTS("judge_machine", GLINT_TEST(test_change_is_decided_by_the_first_frame_that_differs),
	    GLINT_TEST(test_still_names_the_first_frame_of_the_run),
	    GLINT_TEST(test_a_gap_in_the_judged_frames_is_counted),
	    GLINT_TEST(test_motion_wants_k_of_n_and_names_the_first_of_them),
	    GLINT_TEST(test_motion_of_each_of_the_first_frames_needs_no_full_window),
	    GLINT_TEST(test_black_and_nonblack_hold_as_long_as_they_are_true),
	    GLINT_TEST(test_a_transition_names_the_press_the_first_change_and_the_first_still_frame),
	    GLINT_TEST(test_transition_has_a_timeout_for_each_of_its_halves),
	    GLINT_TEST(test_a_lost_signal_is_a_change_and_ends_a_still_run),
	    GLINT_TEST(test_frames_from_before_the_loss_of_the_signal_do_not_end_it),
	    GLINT_TEST(test_nothing_is_seen_outside_of_the_picture),
	    GLINT_TEST(test_another_size_differs_whatever_the_picture_shows),
	    GLINT_TEST(test_live_and_offline_follow_the_source),
	    GLINT_TEST(test_a_match_holds_as_long_as_the_frames_are_similar), )
