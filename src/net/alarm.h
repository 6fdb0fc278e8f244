/* SPDX-License-Identifier: MIT */
/*
 * A timer whose time may be set anew while it runs. For what is coarse: the
 * frame path has no timers.
 */
#ifndef GLINT_NET_ALARM_H
#define GLINT_NET_ALARM_H

#include "core/loop.h"

#define GLINT_ALARM_NEVER UINT64_MAX

struct glint_alarm {
	/* @due_ns has come. May set the alarm again. */
	void (*ring)(struct glint_alarm *alarm);
	struct glint_loop *loop;
	struct glint_op op;
	uint64_t due_ns;	/* CLOCK_MONOTONIC */
	bool ended;
};

void glint_alarm_init(struct glint_alarm *alarm, struct glint_loop *loop,
		      void (*ring)(struct glint_alarm *alarm));

/* GLINT_ALARM_NEVER turns it off. */
void glint_alarm_set(struct glint_alarm *alarm, uint64_t due_ns);

/* Never rings again. Its memory stays the loop's while glint_alarm_busy(). */
void glint_alarm_end(struct glint_alarm *alarm);

static inline bool glint_alarm_busy(const struct glint_alarm *alarm)
{
	return glint_op_busy(&alarm->op);
}
#endif
