/* SPDX-License-Identifier: MIT */
/*
 * Threads that do what would hold up the loop: encoding, and device calls that
 * may block. Threads share nothing but the job queue: a job borrows what it
 * works on until its done() has run on the loop's thread.
 */
#ifndef GLINT_CORE_WORKERS_H
#define GLINT_CORE_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct glint_loop;
struct glint_workers;

struct glint_job {
	/* On a worker thread, once for each part, 0 first; several parts may run at once. */
	void (*run)(struct glint_job *job, unsigned part);
	/* On the loop's thread, once, after the last run(); the job may be submitted again or freed. */
	void (*done)(struct glint_job *job);
	/* The queue's own. */
	struct glint_list link;
	unsigned n_parts, n_begun, n_ended;
};

/*
 * Starts @count (1..64) threads named "@name/N". All signals are blocked in them.
 * Errors: -EAGAIN, -ENOMEM, -EMFILE; nothing is owned on failure.
 */
int glint_workers_create(struct glint_workers **out, struct glint_loop *loop, const char *name,
			 unsigned count);

/*
 * Waits until no job runs or waits, calling each done(), then ends the threads;
 * at most until @deadline_ns (CLOCK_MONOTONIC). False: a job is still stuck in the
 * kernel; its thread and the queue are abandoned, not freed, no done() is called
 * any more, and the process should end soon. NULL is fine. Before the loop's end.
 */
bool glint_workers_destroy(struct glint_workers *workers, uint64_t deadline_ns);

unsigned glint_workers_count(const struct glint_workers *workers);

/*
 * Loop thread. @n_parts is 1 or more; as many workers are woken at once. First in, first
 * out; done() is called in the order in which jobs finish.
 */
void glint_workers_submit(struct glint_workers *workers, struct glint_job *job, unsigned n_parts);
#endif
