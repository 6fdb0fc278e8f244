/* SPDX-License-Identifier: MIT */
/* A point of CLOCK_MONOTONIC in ns, by which a call is to be done; UINT64_MAX: never. */
#ifndef GLINT_LIBGLINT_DEADLINE_H
#define GLINT_LIBGLINT_DEADLINE_H

#include <stdint.h>

#define GLINT_DEADLINE_SEC 1000000000ull

/* @timeout_ms 0 or less: never. */
uint64_t glint_deadline_in(int timeout_ms);

/* 0 when it has passed. */
uint64_t glint_deadline_left(uint64_t deadline_ns);

/* Until @fd is ready for the poll @events, whatever signals come: 0, or -ETIMEDOUT. */
int glint_deadline_wait(int fd, short events, uint64_t deadline_ns);
#endif
