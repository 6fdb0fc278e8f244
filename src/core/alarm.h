/* SPDX-License-Identifier: MIT */
/*
 * A timer that can be set again while it runs, for watchdogs, retries and idle time; the frame path
 * has no timers. If memory for the loop's timer is short, the alarm retries by itself. Loop thread
 * only.
 */
#ifndef GLINT_CORE_ALARM_H
#define GLINT_CORE_ALARM_H

#include "core/loop.h"

#define GLINT_ALARM_NEVER UINT64_MAX

struct glint_alarm {
	/* Called once @due_ns has passed. May set the alarm again. */
	void (*ring)(struct glint_alarm *alarm);
	struct glint_loop *loop;
	struct glint_op op;
	uint64_t due_ns; /* CLOCK_MONOTONIC */
	bool ended;
};

void glint_alarm_init(struct glint_alarm *alarm, struct glint_loop *loop,
		      void (*ring)(struct glint_alarm *alarm));

/* Set the alarm to @due_ns, whatever it was set to; GLINT_ALARM_NEVER turns it off. */
void glint_alarm_set(struct glint_alarm *alarm, uint64_t due_ns);

/* The alarm never rings again. The loop uses its memory while glint_alarm_busy(). */
void glint_alarm_end(struct glint_alarm *alarm);

static inline bool glint_alarm_busy(const struct glint_alarm *alarm)
{
	return glint_op_busy(&alarm->op);
}
#endif
