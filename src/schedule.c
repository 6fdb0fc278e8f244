/* SPDX-License-Identifier: MIT */
#include "schedule.h"

#include <errno.h>

#include "base/log.h"

static const struct glint_log_topic topic = { "schedule" };

int glint_schedule(const cpu_set_t *cpus, unsigned priority)
{
	const struct sched_param param = { .sched_priority = (int)priority };

	if (CPU_COUNT(cpus) > 0 && sched_setaffinity(0, sizeof(*cpus), cpus) < 0)
		return glint_log_err(&topic, -errno,
				     "--cpus: none of these processors may be used here");
	if (priority > 0 && sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		return glint_log_err(&topic, -errno,
				     "--realtime %u: needs CAP_SYS_NICE, or a limit of that much "
				     "(ulimit -r, LimitRTPRIO=)",
				     priority);
	return 0;
}
