/* SPDX-License-Identifier: MIT */
#include "core/ledger.h"
#include <errno.h>

#include "harness.h"

static void test_each_outcome_is_counted_once(void)
{
	struct glint_ledger ledger = { 0 };

	for (uint32_t seq = 0; seq < 5; seq++)
		CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, seq), 0);
	glint_ledger_settle(&ledger, GLINT_OUTCOME_SKIPPED);
	glint_ledger_settle(&ledger, GLINT_OUTCOME_DELIVERED);
	glint_ledger_settle(&ledger, GLINT_OUTCOME_CORRUPT);
	glint_ledger_settle(&ledger, GLINT_OUTCOME_FAILED);

	CU_ASSERT_EQUAL(ledger.seen, 5);
	CU_ASSERT_EQUAL(ledger.skipped, 1);
	CU_ASSERT_EQUAL(ledger.delivered, 1);
	CU_ASSERT_EQUAL(ledger.corrupt, 1);
	CU_ASSERT_EQUAL(ledger.failed, 1);
	CU_ASSERT_EQUAL(ledger.in_flight, 1);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(&ledger), 0);
}

static void test_a_gap_is_dropped_by_the_driver(void)
{
	struct glint_ledger ledger = { 0 };

	glint_ledger_enter(&ledger, 10);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 14), 3);
	CU_ASSERT_EQUAL(ledger.driver_dropped, 3);
	CU_ASSERT_EQUAL(ledger.seen, 5);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(&ledger), 0);
}

static void test_a_gap_over_the_wrap_is_counted_right(void)
{
	struct glint_ledger ledger = { 0 };

	glint_ledger_enter(&ledger, UINT32_MAX - 1);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, UINT32_MAX), 0);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 1), 1);
	CU_ASSERT_EQUAL(ledger.seen, 4);
	CU_ASSERT_EQUAL(ledger.reordered, 0);
}

static void test_a_new_stream_may_begin_anywhere_and_keeps_the_sums(void)
{
	struct glint_ledger ledger = { 0 };

	glint_ledger_enter(&ledger, 100);
	glint_ledger_restart(&ledger);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 3), 0);
	glint_ledger_settle(&ledger, GLINT_OUTCOME_DELIVERED); /* of the stream before */
	CU_ASSERT_EQUAL(ledger.seen, 2);
	CU_ASSERT_EQUAL(ledger.reordered, 0);
	CU_ASSERT_EQUAL(ledger.driver_dropped, 0);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(&ledger), 0);
}

static void test_numbers_that_step_back_or_stay_are_seen_but_no_gap(void)
{
	struct glint_ledger ledger = { 0 };

	glint_ledger_enter(&ledger, 50);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 50), 0);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 0), 0);
	CU_ASSERT_EQUAL(ledger.reordered, 2);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 1), 0); /* in order again, after a restart */
	CU_ASSERT_EQUAL(ledger.reordered, 2);
	CU_ASSERT_EQUAL(ledger.seen, 4);
	CU_ASSERT_EQUAL(ledger.driver_dropped, 0);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(&ledger), 0);
}

static void test_a_number_out_of_order_is_no_gap_when_the_count_continues(void)
{
	struct glint_ledger ledger = { 0 };

	glint_ledger_enter(&ledger, 300);
	glint_ledger_enter(&ledger, 0); /* a driver that does not number a damaged frame */
	glint_ledger_enter(&ledger, 0);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 301), 0);
	CU_ASSERT_EQUAL(ledger.reordered, 2);
	glint_ledger_enter(&ledger, 0);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 304), 2); /* 302 and 303 are missing */
	CU_ASSERT_EQUAL(ledger.seen, 8);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(&ledger), 0);
}

static void test_gaps_are_counted_after_the_driver_restarts_its_count(void)
{
	struct glint_ledger ledger = { 0 };

	glint_ledger_enter(&ledger, 300);
	glint_ledger_enter(&ledger, 0);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 3), 2);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 400), 396); /* 300 does not count any more */
	glint_ledger_enter(&ledger, 2);
	glint_ledger_restart(&ledger);
	glint_ledger_enter(&ledger, 398);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 401), 2); /* nor does 400, of another stream */
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(&ledger), 0);
}

static void test_both_fields_of_a_frame_may_have_its_number(void)
{
	struct glint_ledger ledger = { 0 };

	for (uint32_t i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, i / 2), 0);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 4), 1);
	CU_ASSERT_EQUAL(ledger.driver_dropped, 1);
}

static void expect_gaps(const struct glint_ledger *ledger, uint32_t since, uint32_t seq,
			struct glint_gaps wanted)
{
	struct glint_gaps gaps;

	CU_ASSERT_EQUAL(glint_ledger_gaps(ledger, since, seq, &gaps), 0);
	CU_ASSERT_EQUAL(gaps.dropped, wanted.dropped);
	CU_ASSERT_EQUAL(gaps.corrupt, wanted.corrupt);
	CU_ASSERT_EQUAL(gaps.skipped, wanted.skipped);
	if (since != seq)
		CU_ASSERT_EQUAL(gaps.dropped + gaps.corrupt + gaps.skipped, seq - since - 1);
}

static void expect_unknown(const struct glint_ledger *ledger, uint32_t since, uint32_t seq)
{
	struct glint_gaps gaps;

	CU_ASSERT_EQUAL(glint_ledger_gaps(ledger, since, seq, &gaps), -ENOENT);
}

static void test_what_lies_between_two_frames_adds_up(void)
{
	static struct glint_ledger ledger;

	glint_ledger_enter(&ledger, 10);
	glint_ledger_enter(&ledger, 11);
	glint_ledger_enter(&ledger, 15); /* 12 to 14 are dropped */
	glint_ledger_damage(&ledger);
	glint_ledger_enter(&ledger, 16);
	glint_ledger_enter(&ledger, 18); /* 17 is dropped */
	expect_gaps(&ledger, 10, 18, (struct glint_gaps){ 4, 1, 2 });
	expect_gaps(&ledger, 11, 16, (struct glint_gaps){ 3, 1, 0 });
	expect_gaps(&ledger, 10, 11, (struct glint_gaps){ 0, 0, 0 });
	expect_gaps(&ledger, 16, 18, (struct glint_gaps){ 1, 0, 0 });
	expect_gaps(&ledger, 18, 18, (struct glint_gaps){ 0, 0, 0 });
}

static void test_gaps_that_are_not_remembered_are_unknown(void)
{
	static struct glint_ledger ledger;

	glint_ledger_enter(&ledger, 10);
	glint_ledger_enter(&ledger, 12);
	expect_unknown(&ledger, 9, 12);
	expect_unknown(&ledger, 11, 12); /* it was dropped: no client can have it */
	expect_unknown(&ledger, 12, 10);
	expect_unknown(&ledger, 12, 13);
	for (uint32_t i = 0; i < GLINT_LEDGER_HISTORY - 1; i++)
		glint_ledger_enter(&ledger, 13 + i);
	expect_unknown(&ledger, 10, 13);
	expect_gaps(&ledger, 12, 13, (struct glint_gaps){ 0, 0, 0 });
	glint_ledger_enter(&ledger, 12 + GLINT_LEDGER_HISTORY);
	expect_unknown(&ledger, 12, 13);
}

static void test_a_step_back_or_a_restart_makes_gaps_unknown(void)
{
	static struct glint_ledger ledger;

	glint_ledger_enter(&ledger, 10);
	glint_ledger_enter(&ledger, 12);
	glint_ledger_enter(&ledger, 11);
	glint_ledger_enter(&ledger, 13);
	expect_unknown(&ledger, 10, 13);
	glint_ledger_restart(&ledger);
	expect_unknown(&ledger, 10, 12);
	glint_ledger_enter(&ledger, 10);
	glint_ledger_enter(&ledger, 14);
	expect_gaps(&ledger, 10, 14, (struct glint_gaps){ 3, 0, 0 });
}

static void test_gaps_are_counted_over_the_wrap_of_numbers(void)
{
	static struct glint_ledger ledger;

	glint_ledger_enter(&ledger, UINT32_MAX - 1);
	glint_ledger_enter(&ledger, 0);
	glint_ledger_enter(&ledger, 2);
	expect_gaps(&ledger, UINT32_MAX - 1, 2, (struct glint_gaps){ 2, 0, 1 });
}

static void test_the_completion_of_a_dropped_frame_is_that_of_the_next(void)
{
	static struct glint_ledger ledger;
	uint64_t ns;

	CU_ASSERT_EQUAL(glint_ledger_complete_by(&ledger, 0, &ns), -EAGAIN);
	for (uint32_t seq = 10; seq < 20; seq += 3) {
		glint_ledger_enter(&ledger, seq);
		glint_ledger_complete(&ledger, seq * 100);
	}
	CU_ASSERT_EQUAL(glint_ledger_complete_by(&ledger, 13, &ns), 0);
	CU_ASSERT_EQUAL(ns, 1300);
	CU_ASSERT_EQUAL(glint_ledger_complete_by(&ledger, 14, &ns), 0);
	CU_ASSERT_EQUAL(ns, 1600);
	CU_ASSERT_EQUAL(glint_ledger_complete_by(&ledger, 19, &ns), 0);
	CU_ASSERT_EQUAL(ns, 1900);
	CU_ASSERT_EQUAL(glint_ledger_complete_by(&ledger, 20, &ns), -EAGAIN);
	CU_ASSERT_EQUAL(glint_ledger_complete_by(&ledger, 9, &ns), -ENOENT);
}

static void test_the_newest_good_frame_of_a_moment_is_found(void)
{
	static struct glint_ledger ledger;
	uint32_t seq;

	CU_ASSERT_EQUAL(glint_ledger_newest_at(&ledger, UINT64_MAX, &seq), -ENOENT);
	for (uint32_t number = 10; number < 20; number += 3) {
		glint_ledger_enter(&ledger, number);
		glint_ledger_complete(&ledger, number * 100);
		if (number == 13 || number == 19)
			glint_ledger_damage(&ledger);
	}
	CU_ASSERT_EQUAL(glint_ledger_newest_at(&ledger, 999, &seq), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(glint_ledger_newest_at(&ledger, 1000, &seq), 0);
	CU_ASSERT_EQUAL(seq, 10);
	CU_ASSERT_EQUAL_FATAL(glint_ledger_newest_at(&ledger, 1599, &seq), 0);
	CU_ASSERT_EQUAL(seq, 10); /* 13 is damaged */
	CU_ASSERT_EQUAL_FATAL(glint_ledger_newest_at(&ledger, 5000, &seq), 0);
	CU_ASSERT_EQUAL(seq, 16);
}

/* clang-format off */
GLINT_TESTS("ledger",
	GLINT_TEST(test_each_outcome_is_counted_once),
	GLINT_TEST(test_a_gap_is_dropped_by_the_driver),
	GLINT_TEST(test_a_gap_over_the_wrap_is_counted_right),
	GLINT_TEST(test_a_new_stream_may_begin_anywhere_and_keeps_the_sums),
	GLINT_TEST(test_numbers_that_step_back_or_stay_are_seen_but_no_gap),
	GLINT_TEST(test_a_number_out_of_order_is_no_gap_when_the_count_continues),
	GLINT_TEST(test_gaps_are_counted_after_the_driver_restarts_its_count),
	GLINT_TEST(test_both_fields_of_a_frame_may_have_its_number),
	GLINT_TEST(test_what_lies_between_two_frames_adds_up),
	GLINT_TEST(test_gaps_that_are_not_remembered_are_unknown),
	GLINT_TEST(test_a_step_back_or_a_restart_makes_gaps_unknown),
	GLINT_TEST(test_gaps_are_counted_over_the_wrap_of_numbers),
	GLINT_TEST(test_the_completion_of_a_dropped_frame_is_that_of_the_next),
	GLINT_TEST(test_the_newest_good_frame_of_a_moment_is_found),
)
