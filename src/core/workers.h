/* SPDX-License-Identifier: MIT */
/*
 * Threads for work that would delay the loop: encoding, and device calls that may block. The threads
 * share only the job queue. A job borrows the objects that it works on until its done() has run on
 * the loop's thread.
 */
#ifndef GLINT_CORE_WORKERS_H
#define GLINT_CORE_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct glint_loop;
struct glint_workers;

struct glint_job {
	/*
	 * Called on worker threads, for shared jobs also on the loop's thread, once for each part;
	 * several parts may run at once.
	 */
	void (*run)(struct glint_job *job, unsigned part);
	/* Called on the loop's thread after the last run(). May submit the job again, or free it. */
	void (*done)(struct glint_job *job);
	/* Private to the queue. */
	struct glint_list link;
	unsigned n_parts, n_begun, n_ended;
	bool shared;
	uint64_t run_ns;  /* of the parts that have ended */
	uint64_t took_ns; /* of all parts, when the job ran last */
};

/*
 * Start @count (1..64) threads named "@name/N". Errors: -EAGAIN, -ENOMEM, -EMFILE. The caller owns
 * nothing after a failure.
 */
int glint_workers_create(struct glint_workers **out, struct glint_loop *loop, const char *name,
			 unsigned count);

/*
 * Wait for all jobs, call their done(), and end the threads. Returns false if @deadline_ns
 * (CLOCK_MONOTONIC) passes while a job is stuck in the kernel: the threads and the queue are
 * abandoned and not freed, done() is not called any more, and the process should end soon. NULL is
 * fine. Call this before the loop is destroyed.
 */
bool glint_workers_destroy(struct glint_workers *workers, uint64_t deadline_ns);

/*
 * Submit a job of @n_parts (1 or more) parts, and wake one worker for each part. Jobs begin in the
 * order of their submission; done() is called in the order in which they finish. Loop thread only.
 */
void glint_workers_submit(struct glint_workers *workers, struct glint_job *job, unsigned n_parts);

/*
 * As glint_workers_submit(), for a job of short parts that do not block. If the parts of the job
 * took no more than GLINT_SHARED_NS together the last time, waking a worker costs about as much
 * as the work: the loop's thread runs parts, too, a tenth of a millisecond in each round, so that
 * what happens meanwhile is handled between two of them. A worker is woken for each half
 * millisecond of work. Otherwise, and when the job ran never before, the workers do it alone.
 */
#define GLINT_SHARED_NS 1000000u
void glint_workers_submit_shared(struct glint_workers *workers, struct glint_job *job,
				 unsigned n_parts);
#endif
