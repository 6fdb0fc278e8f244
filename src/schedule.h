/* SPDX-License-Identifier: MIT */
/* Where the process runs, and how urgently. */
#ifndef GLINT_SCHEDULE_H
#define GLINT_SCHEDULE_H

#include <sched.h>

/*
 * For this thread and all that it starts from now on: on @cpus alone unless the set is empty,
 * and as a real-time process (SCHED_FIFO) unless @priority, 0..99, is 0. Errors have been logged
 * with what to do about them: -EINVAL (no such processors here), -EPERM.
 */
int glint_schedule(const cpu_set_t *cpus, unsigned priority);
#endif
