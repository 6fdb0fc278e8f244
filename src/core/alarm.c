/* SPDX-License-Identifier: MIT */
#include "core/alarm.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"

#define RETRY_NS (100 * GLINT_NSEC_PER_MSEC) /* after a lack of memory */

static void alarm_arm(struct glint_alarm *alarm, uint64_t at_ns)
{
	if (!alarm->ended && alarm->due_ns != GLINT_ALARM_NEVER)
		glint_loop_timer(alarm->loop, &alarm->op, at_ns);
}

static void alarm_on_timer(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_alarm *alarm = container_of(op, struct glint_alarm, op);

	(void)flags;
	if (res == -ENOMEM) {
		alarm_arm(alarm, glint_now_ns() + RETRY_NS);
		return;
	}
	/*
	 * The alarm is due, or was set to a later time while the timer ran. -ECANCELED: it was set
	 * to an earlier time.
	 */
	if (res == 0 && !alarm->ended && alarm->due_ns <= glint_now_ns()) {
		alarm->due_ns = GLINT_ALARM_NEVER;
		alarm->ring(alarm);
	}
	if (!glint_op_busy(op))
		alarm_arm(alarm, alarm->due_ns);
}

void glint_alarm_init(struct glint_alarm *alarm, struct glint_loop *loop,
		      void (*ring)(struct glint_alarm *alarm))
{
	*alarm = (struct glint_alarm){
		.ring = ring,
		.loop = loop,
		.op.done = alarm_on_timer,
		.due_ns = GLINT_ALARM_NEVER,
	};
}

void glint_alarm_set(struct glint_alarm *alarm, uint64_t due_ns)
{
	assert(alarm->ring);

	alarm->due_ns = due_ns;
	if (!glint_op_busy(&alarm->op))
		alarm_arm(alarm, due_ns);
	else if (due_ns < alarm->op.timer.deadline_ns)
		glint_loop_cancel(alarm->loop, &alarm->op);
}

void glint_alarm_end(struct glint_alarm *alarm)
{
	alarm->ended = true;
	glint_loop_cancel(alarm->loop, &alarm->op);
}
