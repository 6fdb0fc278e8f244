/* SPDX-License-Identifier: MIT */
/* Deadlines: CLOCK_MONOTONIC in ns; UINT64_MAX: no deadline. */
#ifndef GLINT_LIBGLINT_DEADLINE_H
#define GLINT_LIBGLINT_DEADLINE_H

#include <stdint.h>

#define GLINT_DEADLINE_SEC 1000000000ull

/* Returns the deadline @timeout_ms from now; 0 or less: no deadline. */
uint64_t glint_deadline_in(int timeout_ms);

/* Returns the time left in ns; 0: the deadline has passed. */
uint64_t glint_deadline_left(uint64_t deadline_ns);

/* Wait until @fd is ready for @events of poll(2), through signals. Returns 0 or -ETIMEDOUT. */
int glint_deadline_wait(int fd, short events, uint64_t deadline_ns);
#endif
