/* SPDX-License-Identifier: MIT */
#include "core/ledger.h"
#include "harness.h"

static void test_each_outcome_is_counted_as_what_it_is(void)
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
	glint_ledger_settle(&ledger, GLINT_OUTCOME_DELIVERED);	/* of the stream before */
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
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 1), 0);	/* it began anew: in order again */
	CU_ASSERT_EQUAL(ledger.reordered, 2);
	CU_ASSERT_EQUAL(ledger.seen, 4);
	CU_ASSERT_EQUAL(ledger.driver_dropped, 0);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(&ledger), 0);
}

static void test_a_number_out_of_the_row_is_no_gap_when_the_row_goes_on(void)
{
	struct glint_ledger ledger = { 0 };

	glint_ledger_enter(&ledger, 300);
	glint_ledger_enter(&ledger, 0);		/* a driver that did not number a damaged frame */
	glint_ledger_enter(&ledger, 0);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 301), 0);
	CU_ASSERT_EQUAL(ledger.reordered, 2);
	glint_ledger_enter(&ledger, 0);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 304), 2);	/* 302 and 303 are missing */
	CU_ASSERT_EQUAL(ledger.seen, 8);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(&ledger), 0);
}

static void test_after_a_count_that_began_anew_its_gaps_are_counted(void)
{
	struct glint_ledger ledger = { 0 };

	glint_ledger_enter(&ledger, 300);
	glint_ledger_enter(&ledger, 0);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 3), 2);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 400), 396);	/* 300 is of no account now */
	glint_ledger_enter(&ledger, 2);
	glint_ledger_restart(&ledger);
	glint_ledger_enter(&ledger, 398);
	CU_ASSERT_EQUAL(glint_ledger_enter(&ledger, 401), 2);	/* nor is 400, of another stream */
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

GLINT_TESTS("ledger",
	GLINT_TEST(test_each_outcome_is_counted_as_what_it_is),
	GLINT_TEST(test_a_gap_is_dropped_by_the_driver),
	GLINT_TEST(test_a_gap_over_the_wrap_is_counted_right),
	GLINT_TEST(test_a_new_stream_may_begin_anywhere_and_keeps_the_sums),
	GLINT_TEST(test_numbers_that_step_back_or_stay_are_seen_but_no_gap),
	GLINT_TEST(test_a_number_out_of_the_row_is_no_gap_when_the_row_goes_on),
	GLINT_TEST(test_after_a_count_that_began_anew_its_gaps_are_counted),
	GLINT_TEST(test_both_fields_of_a_frame_may_have_its_number),
)
