/* SPDX-License-Identifier: MIT */
/*
 * The timer heap, and timers on the loop with either backend (GLINT_TEST_LOOP,
 * glint_test_loop()).
 */
#include <stdlib.h>

#include "core/timers.h"
#include "loop_rig.h"

#define MANY 1000u

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 33) % limit;
}

static void heap_fill(struct glint_timers *timers, struct glint_op *ops, unsigned count)
{
	random_state = count;
	for (unsigned i = 0; i < count; i++) {
		ops[i] = (struct glint_op){ .timer.deadline_ns = random_below(500) };
		CU_ASSERT_EQUAL_FATAL(glint_timers_add(timers, &ops[i]), 0);
	}
}

/* Empties the heap; returns how many timers it had, and checks their order. */
static unsigned heap_drain(struct glint_timers *timers)
{
	unsigned count = 0;
	uint64_t last = 0;
	struct glint_op *op;

	while ((op = glint_timers_first(timers))) {
		CU_ASSERT(op->timer.deadline_ns >= last);
		last = op->timer.deadline_ns;
		glint_timers_remove(timers, op);
		count++;
	}
	return count;
}

static void test_the_heap_yields_by_deadline(void)
{
	struct glint_timers timers = { 0 };
	struct glint_op ops[MANY];

	heap_fill(&timers, ops, MANY);
	CU_ASSERT_EQUAL(heap_drain(&timers), MANY);
	CU_ASSERT_PTR_NULL(glint_timers_first(&timers));
	glint_timers_fini(&timers);
}

static void test_the_heap_stays_in_order_when_any_are_removed(void)
{
	struct glint_timers timers = { 0 };
	struct glint_op ops[MANY];
	unsigned removed = 0;

	heap_fill(&timers, ops, MANY);
	for (unsigned i = random_below(3); i < MANY; i += 1 + random_below(3)) {
		glint_timers_remove(&timers, &ops[i]);
		removed++;
	}
	CU_ASSERT_EQUAL(heap_drain(&timers), MANY - removed);
	glint_timers_fini(&timers);
}

/* A timer that records its place in the order of expiry. */
struct alarm {
	struct glint_op op;
	uint64_t deadline_ns;
	unsigned place; /* 0: not yet */
	int res;
};

static unsigned alarms_rung;

static void alarm_done(struct glint_op *op, int res, uint32_t flags)
{
	struct alarm *alarm = container_of(op, struct alarm, op);

	CU_ASSERT_EQUAL(flags, 0);
	CU_ASSERT_EQUAL(alarm->place, 0);
	if (res == 0)
		CU_ASSERT(glint_now_ns() >= alarm->deadline_ns);
	alarm->res = res;
	alarm->place = ++alarms_rung;
}

static void alarm_start(struct glint_loop *loop, struct alarm *alarm, uint64_t deadline_ns)
{
	*alarm = (struct alarm){ .op.done = alarm_done, .deadline_ns = deadline_ns };
	glint_loop_timer(loop, &alarm->op, deadline_ns);
}

static void test_many_timers_come_in_order_and_not_early(void)
{
	struct alarm alarms[MANY];
	uint64_t start_ns = glint_now_ns();
	struct glint_loop *loop;
	unsigned swapped = 0;

	RIG_LOOP(loop);
	random_state = 5;
	alarms_rung = 0;
	for (unsigned i = 0; i < MANY; i++)
		alarm_start(loop, &alarms[i],
			    start_ns + random_below(20) * GLINT_NSEC_PER_MSEC + i);
	RIG_RUN_UNTIL(loop, alarms_rung == MANY);

	for (unsigned i = 0; i < MANY; i++)
		for (unsigned k = 0; k < i; k++)
			swapped += (alarms[i].deadline_ns < alarms[k].deadline_ns) !=
				   (alarms[i].place < alarms[k].place);
	CU_ASSERT_EQUAL(swapped, 0);
	glint_loop_destroy(loop);
}

static void test_a_deadline_that_has_passed_comes_in_the_next_round(void)
{
	struct glint_loop *loop;
	struct alarm alarm;

	RIG_LOOP(loop);
	alarms_rung = 0;
	alarm_start(loop, &alarm, 1);
	CU_ASSERT_EQUAL(alarms_rung, 0); /* never from within the call */
	CU_ASSERT_EQUAL(glint_loop_run_once(loop, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(alarms_rung, 1);
	CU_ASSERT_FALSE(glint_op_busy(&alarm.op));
	glint_loop_destroy(loop);
}

static void test_a_cancelled_timer_ends_once_as_cancelled(void)
{
	struct glint_loop *loop;
	struct alarm alarm;

	RIG_LOOP(loop);
	alarms_rung = 0;
	alarm_start(loop, &alarm, UINT64_MAX - 1);
	glint_loop_cancel(loop, &alarm.op);
	glint_loop_cancel(loop, &alarm.op);
	CU_ASSERT_EQUAL(alarms_rung, 0);
	rig_settle(loop);
	CU_ASSERT_EQUAL(alarms_rung, 1);
	CU_ASSERT_EQUAL(alarm.res, -ECANCELED);
	glint_loop_cancel(loop, &alarm.op);
	rig_settle(loop);
	CU_ASSERT_EQUAL(alarms_rung, 1);
	glint_loop_destroy(loop);
}

struct pair {
	struct glint_loop *loop;
	struct probe first, second;
};

static void first_done(struct glint_op *op, int res, uint32_t flags)
{
	struct pair *pair = container_of(op, struct pair, first.op);

	probe_done(op, res, flags);
	glint_loop_cancel(pair->loop, &pair->second.op);
}

static void test_a_timer_cancelled_in_the_round_it_is_due_does_not_fire(void)
{
	struct pair pair = { .first = PROBE, .second = PROBE };

	RIG_LOOP(pair.loop);
	pair.first.op.done = first_done;
	glint_loop_timer(pair.loop, &pair.first.op, 1);
	glint_loop_timer(pair.loop, &pair.second.op, 2);
	rig_settle(pair.loop);
	CU_ASSERT_EQUAL(pair.first.res, 0);
	CU_ASSERT_EQUAL(pair.second.calls, 1);
	CU_ASSERT_EQUAL(pair.second.res, -ECANCELED);
	glint_loop_destroy(pair.loop);
}

struct ticker {
	struct glint_loop *loop;
	struct glint_op op;
	unsigned ticks;
};

static void ticker_done(struct glint_op *op, int res, uint32_t flags)
{
	struct ticker *ticker = container_of(op, struct ticker, op);

	(void)flags;
	if (res < 0)
		return;
	ticker->ticks++;
	glint_loop_timer(ticker->loop, op, 1);
}

static void test_a_timer_that_is_always_due_lets_others_run(void)
{
	struct ticker ticker = { .op.done = ticker_done };
	struct probe other = PROBE;

	RIG_LOOP(ticker.loop);
	glint_loop_timer(ticker.loop, &ticker.op, 1);
	glint_loop_timer(ticker.loop, &other.op, glint_now_ns() + GLINT_NSEC_PER_MSEC);
	RIG_RUN_UNTIL(ticker.loop, other.calls == 1);
	CU_ASSERT(ticker.ticks >= 1);
	glint_loop_destroy(ticker.loop);
	CU_ASSERT_FALSE(glint_op_busy(&ticker.op));
}

static void test_a_round_ends_at_its_deadline_when_nothing_happens(void)
{
	uint64_t deadline_ns = glint_now_ns() + 3 * GLINT_NSEC_PER_MSEC;
	struct probe probe = PROBE;
	struct glint_loop *loop;

	RIG_LOOP(loop);
	glint_loop_timer(loop, &probe.op, UINT64_MAX - 1);
	while (glint_now_ns() < deadline_ns)
		CU_ASSERT_EQUAL(glint_loop_run_once(loop, deadline_ns), 0);
	CU_ASSERT_EQUAL(probe.calls, 0);
	glint_loop_destroy(loop);
	CU_ASSERT_EQUAL(probe.res, -ECANCELED);
}

/* clang-format off */
GLINT_TESTS("timers",
	GLINT_TEST(test_the_heap_yields_by_deadline),
	GLINT_TEST(test_the_heap_stays_in_order_when_any_are_removed),
	GLINT_TEST(test_many_timers_come_in_order_and_not_early),
	GLINT_TEST(test_a_deadline_that_has_passed_comes_in_the_next_round),
	GLINT_TEST(test_a_cancelled_timer_ends_once_as_cancelled),
	GLINT_TEST(test_a_timer_cancelled_in_the_round_it_is_due_does_not_fire),
	GLINT_TEST(test_a_timer_that_is_always_due_lets_others_run),
	GLINT_TEST(test_a_round_ends_at_its_deadline_when_nothing_happens),
)
