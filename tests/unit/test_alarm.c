/* SPDX-License-Identifier: MIT */
/* A timer that can be set again while it runs; glint_test_loop() says on which loop. */
#include "base/clock.h"
#include "core/alarm.h"
#include "loop_rig.h"

#define FAR_NS (3600 * GLINT_NSEC_PER_SEC)

struct rig {
	struct glint_loop *loop;
	struct glint_alarm alarm;
	unsigned rings;
	uint64_t rang_ns, again_ns; /* again_ns: set in the next ring; 0: not */
};

static void rig_ring(struct glint_alarm *alarm)
{
	struct rig *r = container_of(alarm, struct rig, alarm);

	CU_ASSERT_EQUAL(alarm->due_ns, GLINT_ALARM_NEVER);
	r->rings++;
	r->rang_ns = glint_now_ns();
	if (r->again_ns) {
		glint_alarm_set(alarm, r->again_ns);
		r->again_ns = 0;
	}
}

#define RIG_OPEN(r)                                                                                \
	do {                                                                                       \
		*(r) = (struct rig){ 0 };                                                          \
		RIG_LOOP((r)->loop);                                                               \
		glint_alarm_init(&(r)->alarm, (r)->loop, rig_ring);                                \
	} while (0)

static void rig_close(struct rig *r)
{
	glint_alarm_end(&r->alarm);
	RIG_RUN_UNTIL(r->loop, !glint_alarm_busy(&r->alarm));
	glint_loop_destroy(r->loop);
}

static void test_an_alarm_rings_once_and_not_before_its_time(void)
{
	uint64_t due_ns = glint_now_ns() + 5 * GLINT_NSEC_PER_MSEC;
	struct rig r;

	RIG_OPEN(&r);
	glint_alarm_set(&r.alarm, due_ns);
	RIG_RUN_UNTIL(r.loop, r.rings > 0);
	CU_ASSERT(r.rang_ns >= due_ns);
	rig_settle(r.loop);
	CU_ASSERT_EQUAL(r.rings, 1);
	CU_ASSERT_FALSE(glint_alarm_busy(&r.alarm));
	rig_close(&r);
}

static void test_an_alarm_can_be_set_earlier_and_later_while_it_runs(void)
{
	uint64_t later_ns;
	struct rig r;

	RIG_OPEN(&r);
	glint_alarm_set(&r.alarm, glint_now_ns() + FAR_NS);
	glint_alarm_set(&r.alarm, glint_now_ns());
	RIG_RUN_UNTIL(r.loop, r.rings == 1);

	later_ns = glint_now_ns() + 10 * GLINT_NSEC_PER_MSEC;
	glint_alarm_set(&r.alarm, glint_now_ns());
	glint_alarm_set(&r.alarm, later_ns);
	RIG_RUN_UNTIL(r.loop, r.rings == 2);
	CU_ASSERT(r.rang_ns >= later_ns);
	rig_close(&r);
}

static void test_an_alarm_that_is_turned_off_does_not_ring_until_it_is_set_again(void)
{
	struct rig r;

	RIG_OPEN(&r);
	glint_alarm_set(&r.alarm, glint_now_ns());
	glint_alarm_set(&r.alarm, GLINT_ALARM_NEVER);
	RIG_RUN_UNTIL(r.loop, !glint_alarm_busy(&r.alarm));
	CU_ASSERT_EQUAL(r.rings, 0);
	glint_alarm_set(&r.alarm, glint_now_ns());
	RIG_RUN_UNTIL(r.loop, r.rings == 1);
	rig_close(&r);
}

static void test_an_alarm_can_be_set_again_when_it_rings(void)
{
	struct rig r;

	RIG_OPEN(&r);
	r.again_ns = glint_now_ns() + GLINT_NSEC_PER_MSEC;
	glint_alarm_set(&r.alarm, glint_now_ns());
	RIG_RUN_UNTIL(r.loop, r.rings == 2);
	rig_close(&r);
}

static void test_an_alarm_that_has_ended_never_rings(void)
{
	struct rig r;

	RIG_OPEN(&r);
	glint_alarm_set(&r.alarm, glint_now_ns());
	glint_alarm_end(&r.alarm);
	glint_alarm_set(&r.alarm, glint_now_ns());
	RIG_RUN_UNTIL(r.loop, !glint_alarm_busy(&r.alarm));
	rig_settle(r.loop);
	CU_ASSERT_EQUAL(r.rings, 0);
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("alarm",
	GLINT_TEST(test_an_alarm_rings_once_and_not_before_its_time),
	GLINT_TEST(test_an_alarm_can_be_set_earlier_and_later_while_it_runs),
	GLINT_TEST(test_an_alarm_that_is_turned_off_does_not_ring_until_it_is_set_again),
	GLINT_TEST(test_an_alarm_can_be_set_again_when_it_rings),
	GLINT_TEST(test_an_alarm_that_has_ended_never_rings),
)
