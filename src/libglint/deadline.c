/* SPDX-License-Identifier: MIT */
#include "libglint/deadline.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * GLINT_DEADLINE_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t glint_deadline_in(int timeout_ms)
{
	return timeout_ms > 0 ? now_ns() + (uint64_t)timeout_ms * 1000000 : UINT64_MAX;
}

uint64_t glint_deadline_left(uint64_t deadline_ns)
{
	uint64_t now = now_ns();

	return deadline_ns > now ? deadline_ns - now : 0;
}

int glint_deadline_wait(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd poll = { .fd = fd, .events = events };
	struct timespec ts;
	uint64_t left;
	int n;

	assert(fd >= 0); /* ppoll() would ignore it, and wait until the deadline */

	do {
		left = glint_deadline_left(deadline_ns);
		if (left == 0)
			return -ETIMEDOUT;
		ts.tv_sec = (time_t)(left / GLINT_DEADLINE_SEC);
		ts.tv_nsec = (long)(left % GLINT_DEADLINE_SEC);
		n = ppoll(&poll, 1, deadline_ns == UINT64_MAX ? NULL : &ts, NULL);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}
