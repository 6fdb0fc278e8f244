/* SPDX-License-Identifier: MIT */
/* CLOCK_MONOTONIC in nanoseconds: the clock of V4L2 timestamps and of all deadlines. */
#ifndef GLINT_BASE_CLOCK_H
#define GLINT_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define GLINT_NSEC_PER_USEC 1000ull
#define GLINT_NSEC_PER_MSEC 1000000ull
#define GLINT_NSEC_PER_SEC  1000000000ull

static inline uint64_t glint_clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * GLINT_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static inline uint64_t glint_now_ns(void)
{
	return glint_clock_ns(CLOCK_MONOTONIC);
}

/* Returns 0 after @deadline_ns. UINT64_MAX as a deadline means never, and returns UINT64_MAX. */
static inline uint64_t glint_time_left_ns(uint64_t deadline_ns)
{
	uint64_t now_ns;

	if (deadline_ns == 0 || deadline_ns == UINT64_MAX)
		return deadline_ns;
	now_ns = glint_now_ns();
	return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

static inline struct timespec glint_timespec(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / GLINT_NSEC_PER_SEC),
		.tv_nsec = (long)(ns % GLINT_NSEC_PER_SEC),
	};
}
#endif
