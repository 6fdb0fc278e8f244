/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/clock.h"
#include "core/stats.h"
#include "harness.h"

#define START_NS (100 * GLINT_NSEC_PER_SEC)

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void test_a_quantile_is_never_below_and_at_most_a_16th_above_the_truth(void)
{
	enum { COUNT = 1000 };
	struct glint_histogram histogram = { 0 };
	uint64_t values[COUNT], random = 1;

	for (unsigned i = 0; i < COUNT; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		values[i] = (random >> 20) >> (i % 44); /* from 0 ns to five hours */
		glint_histogram_add(&histogram, values[i]);
	}
	qsort(values, COUNT, sizeof(values[0]), compare);

	for (unsigned permille = 1; permille <= 1000; permille++) {
		uint64_t truth = values[permille - 1];
		uint64_t told = glint_histogram_quantile(&histogram, permille);

		CU_ASSERT(told >= truth);
		if (truth < 2 * 3600 * GLINT_NSEC_PER_SEC)
			CU_ASSERT(told - truth <= truth / 16);
	}
	CU_ASSERT_EQUAL(glint_histogram_quantile(&histogram, 1000), values[COUNT - 1]);
	CU_ASSERT_EQUAL(histogram.max_ns, values[COUNT - 1]);
}

static void test_small_values_are_exact(void)
{
	for (uint64_t ns = 0; ns < 32; ns++) {
		struct glint_histogram histogram = { 0 };

		glint_histogram_add(&histogram, ns);
		glint_histogram_add(&histogram, 1000);
		CU_ASSERT_EQUAL(glint_histogram_quantile(&histogram, 500), ns);
	}
}

static void test_an_empty_histogram_is_0(void)
{
	struct glint_histogram histogram = { 0 };

	CU_ASSERT_EQUAL(glint_histogram_quantile(&histogram, 0), 0);
	CU_ASSERT_EQUAL(glint_histogram_quantile(&histogram, 1000), 0);
}

static void test_the_longest_durations_stay_within_the_table(void)
{
	struct glint_histogram histogram = { 0 };

	glint_histogram_add(&histogram, UINT64_MAX);
	CU_ASSERT_EQUAL(histogram.buckets[GLINT_HISTOGRAM_BUCKETS - 1], 1);
	CU_ASSERT_EQUAL(glint_histogram_quantile(&histogram, 500), UINT64_MAX);
}

static void test_a_full_bucket_keeps_the_proportions(void)
{
	struct glint_histogram histogram = { 0 };

	glint_histogram_add(&histogram, 1);
	glint_histogram_add(&histogram, 5);
	histogram.buckets[1] = UINT32_MAX;
	histogram.buckets[5] = UINT32_MAX / 2;
	glint_histogram_add(&histogram, 1);
	CU_ASSERT_EQUAL(glint_histogram_quantile(&histogram, 660), 1);
	CU_ASSERT_EQUAL(glint_histogram_quantile(&histogram, 670), 5);
	CU_ASSERT_EQUAL(histogram.count, 3);
}

/* @count events, @interval_ns apart; returns when the last one was. */
static uint64_t rate_fill(struct glint_rate *rate, unsigned count, uint64_t interval_ns)
{
	uint64_t now_ns = START_NS;

	for (unsigned i = 0; i < count; i++) {
		now_ns = START_NS + i * interval_ns;
		glint_rate_add(rate, now_ns);
	}
	return now_ns;
}

static void test_a_rate_reads_59_94_at_any_moment_between_two_frames(void)
{
	uint64_t interval_ns = 1001 * GLINT_NSEC_PER_SEC / 60000, last_ns;
	struct glint_rate rate = { 0 };

	last_ns = rate_fill(&rate, 300, interval_ns);
	for (uint64_t after_ns = 0; after_ns < interval_ns; after_ns += interval_ns / 7)
		CU_ASSERT_EQUAL(glint_rate_millihz(&rate, last_ns + after_ns), 59940);
}

static void test_a_first_half_second_is_not_a_half_rate(void)
{
	struct glint_rate rate = { 0 };
	uint64_t last_ns = rate_fill(&rate, 16, GLINT_NSEC_PER_SEC / 32);

	CU_ASSERT_EQUAL(glint_rate_millihz(&rate, last_ns), 32000);
}

static void test_a_rate_needs_two_events_and_ends_after_a_second(void)
{
	struct glint_rate rate = { 0 };
	uint64_t last_ns;

	CU_ASSERT_EQUAL(glint_rate_millihz(&rate, START_NS), 0);
	last_ns = rate_fill(&rate, 1, 0);
	CU_ASSERT_EQUAL(glint_rate_millihz(&rate, last_ns), 0);

	last_ns = rate_fill(&rate, 30, GLINT_NSEC_PER_SEC / 25);
	CU_ASSERT_EQUAL(glint_rate_millihz(&rate, last_ns), 25000);
	CU_ASSERT_EQUAL(glint_rate_millihz(&rate, last_ns + GLINT_NSEC_PER_SEC + 1), 0);
}

static void test_a_slow_source_has_a_rate(void)
{
	struct glint_rate rate = { 0 };
	uint64_t last_ns = rate_fill(&rate, 3, 2 * GLINT_NSEC_PER_SEC);

	CU_ASSERT_EQUAL(glint_rate_millihz(&rate, last_ns + GLINT_NSEC_PER_MSEC), 500);
}

static void test_a_fast_rate_is_that_of_the_last_events(void)
{
	struct glint_rate rate = { 0 };
	uint64_t last_ns = rate_fill(&rate, 3000, GLINT_NSEC_PER_MSEC);

	CU_ASSERT_EQUAL(glint_rate_millihz(&rate, last_ns), 1000000);
}

static void test_events_at_one_moment_have_no_rate(void)
{
	struct glint_rate rate = { 0 };

	CU_ASSERT_EQUAL(glint_rate_millihz(&rate, rate_fill(&rate, 9, 0)), 0);
}

/* clang-format off */
GLINT_TESTS("stats",
	GLINT_TEST(test_a_quantile_is_never_below_and_at_most_a_16th_above_the_truth),
	GLINT_TEST(test_small_values_are_exact),
	GLINT_TEST(test_an_empty_histogram_is_0),
	GLINT_TEST(test_the_longest_durations_stay_within_the_table),
	GLINT_TEST(test_a_full_bucket_keeps_the_proportions),
	GLINT_TEST(test_a_rate_reads_59_94_at_any_moment_between_two_frames),
	GLINT_TEST(test_a_first_half_second_is_not_a_half_rate),
	GLINT_TEST(test_a_rate_needs_two_events_and_ends_after_a_second),
	GLINT_TEST(test_a_slow_source_has_a_rate),
	GLINT_TEST(test_a_fast_rate_is_that_of_the_last_events),
	GLINT_TEST(test_events_at_one_moment_have_no_rate),
)
