/* SPDX-License-Identifier: MIT */
#include "encode/pace.h"

#include <stdlib.h>

#include "base/macros.h"
#include "harness.h"

#define SECOND	1000000000ull
#define SECONDS 20

static const unsigned rates[] = { 1, 5, 10, 15, 24, 25, 29, 30, 48, 50, 59 };

/* The stamp of frame @index of a source with @num / @den frames a second. */
static uint64_t stamp(uint64_t index, uint64_t num, uint64_t den)
{
	return 7 * SECOND + index * den * SECOND / num;
}

static int64_t jitter(int64_t amount)
{
	return amount ? rand() % (2 * amount) - amount : 0;
}

/* Feed frames with stamps off by up to @amount ns; return how many of @n were taken. */
static unsigned taken_of(unsigned fps, unsigned n, uint64_t num, uint64_t den, int64_t amount)
{
	struct glint_pace pace = { .fps = fps };
	unsigned taken = 0;

	for (unsigned i = 0; i < n; i++)
		taken += glint_pace_take(&pace, stamp(i, num, den) + (uint64_t)jitter(amount));
	return taken;
}

static void test_the_mean_rate_is_exact(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rates); i++) {
		int wanted = (int)rates[i] * SECONDS;
		int of_60 = (int)taken_of(rates[i], 60 * SECONDS, 60, 1, 0);
		int of_59_94 = (int)taken_of(rates[i], 60000 * SECONDS / 1001, 60000, 1001, 0);

		CU_ASSERT(abs(of_60 - wanted) <= 1);
		CU_ASSERT(abs(of_59_94 - wanted) <= 1);
	}
}

static void test_jitter_does_not_change_the_rate(void)
{
	srand(1);
	for (unsigned i = 0; i < ARRAY_SIZE(rates); i++) {
		int wanted = (int)rates[i] * SECONDS;
		int taken = (int)taken_of(rates[i], 60 * SECONDS, 60, 1, 4000000);

		CU_ASSERT(abs(taken - wanted) <= 1);
	}
}

/* The gaps between kept frames, in frames of the source, differ by at most one. */
static void test_frames_are_left_out_evenly(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rates); i++) {
		struct glint_pace pace = { .fps = rates[i] };
		unsigned last = 0, shortest = 1000, longest = 0;

		for (unsigned n = 0; n < 60 * SECONDS; n++) {
			if (!glint_pace_take(&pace, stamp(n, 60000, 1001)) || n == 0)
				continue;
			shortest = MIN(shortest, n - last);
			longest = MAX(longest, n - last);
			last = n;
		}
		CU_ASSERT(longest - shortest <= 1);
	}
}

static void test_half_the_rate_is_every_other_frame_whatever_the_jitter(void)
{
	struct glint_pace pace = { .fps = 30 };

	srand(2);
	for (unsigned n = 0; n < 60 * SECONDS; n++)
		CU_ASSERT_EQUAL(glint_pace_take(&pace, stamp(n, 60, 1) + (uint64_t)jitter(2000000)),
				n % 2 == 0);
}

static void test_a_slower_source_loses_nothing(void)
{
	CU_ASSERT_EQUAL(taken_of(59, 30 * SECONDS, 30, 1, 4000000), 30 * SECONDS);
	CU_ASSERT_EQUAL(taken_of(60, 60 * SECONDS, 60000, 1001, 1000000), 60 * SECONDS);
	CU_ASSERT_EQUAL(taken_of(120, 60 * SECONDS, 60, 1, 0), 60 * SECONDS);
	CU_ASSERT_EQUAL(taken_of(0, 100, 240, 1, 0), 100);
}

static void test_a_pause_is_followed_by_a_frame_but_not_by_a_burst(void)
{
	struct glint_pace pace = { .fps = 10 };
	unsigned taken = 0;

	for (unsigned n = 0; n < 60; n++)
		glint_pace_take(&pace, stamp(n, 60, 1));
	CU_ASSERT_TRUE(glint_pace_take(&pace, stamp(60 * 30, 60, 1)));
	for (unsigned n = 1; n <= 60; n++)
		taken += glint_pace_take(&pace, stamp(60 * 30 + n, 60, 1));
	CU_ASSERT(taken >= 10 && taken <= 11); /* one may be owed */
}

static void test_stamps_that_step_back_restart_the_pace(void)
{
	struct glint_pace pace = { .fps = 1 };

	CU_ASSERT_TRUE(glint_pace_take(&pace, 100 * SECOND));
	CU_ASSERT_TRUE(glint_pace_take(&pace, 3 * SECOND));
	CU_ASSERT_FALSE(glint_pace_take(&pace, 3 * SECOND));
	CU_ASSERT_FALSE(glint_pace_take(&pace, 3 * SECOND + SECOND / 10));
	CU_ASSERT_TRUE(glint_pace_take(&pace, 4 * SECOND));
}

/* clang-format off */
GLINT_TESTS("pace",
	GLINT_TEST(test_the_mean_rate_is_exact),
	GLINT_TEST(test_jitter_does_not_change_the_rate),
	GLINT_TEST(test_frames_are_left_out_evenly),
	GLINT_TEST(test_half_the_rate_is_every_other_frame_whatever_the_jitter),
	GLINT_TEST(test_a_slower_source_loses_nothing),
	GLINT_TEST(test_a_pause_is_followed_by_a_frame_but_not_by_a_burst),
	GLINT_TEST(test_stamps_that_step_back_restart_the_pace),
)
