/* SPDX-License-Identifier: MIT */
/*
 * The threads take jobs from @queued and put them on @finished. An eventfd wakes the loop when
 * @finished is no longer empty. The structure is freed after glint_workers_destroy(), when the poll
 * of the eventfd has ended.
 */
#include "core/workers.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/thread.h"
#include "core/loop.h"

#define WORKERS_MAX   64
#define HELP_ROUND_NS 100000u /* of a round, that the loop's thread runs parts of shared jobs */
#define WAKE_WORTH_NS 500000u /* of work, for which a worker's wake-up pays */

struct worker {
	struct glint_workers *workers;
	pthread_t thread;
};

struct glint_workers {
	struct glint_loop *loop;
	struct glint_op wake_op;    /* poll of @event_fd */
	struct glint_deferred help; /* runs a part of a shared job */
	int event_fd;
	/* Loop thread only. */
	unsigned pending;	      /* jobs whose done() has not been called */
	uint64_t helped_ns;	      /* by the loop's thread, of the newest shared job */
	bool closing;		      /* glint_workers_destroy() has begun */
	bool abandoned;		      /* the deadline of glint_workers_destroy() has passed */
	struct glint_list delivering; /* finished jobs whose done() is called next */

	pthread_mutex_t lock; /* for all members below */
	pthread_cond_t job_queued, job_finished;
	struct glint_list queued, finished;
	bool ending;

	unsigned count;
	struct worker threads[];
};

/* --- On the workers' threads ---------------------------------------------------- */

/* Take a part with the lock held. A job stays queued until its last part has begun. */
static struct glint_job *take_part(struct glint_workers *workers, unsigned *part)
{
	struct glint_job *job = glint_list_first(&workers->queued, struct glint_job, link);

	assert(job && job->n_begun < job->n_parts);
	*part = job->n_begun++;
	if (job->n_begun == job->n_parts)
		glint_list_remove(&job->link);
	return job;
}

/* Take a part of a job. NULL: the workers end. */
static struct glint_job *workers_take(struct glint_workers *workers, unsigned *part)
{
	struct glint_job *job = NULL;

	pthread_mutex_lock(&workers->lock);
	while (!workers->ending && glint_list_empty(&workers->queued))
		pthread_cond_wait(&workers->job_queued, &workers->lock);
	if (!workers->ending)
		job = take_part(workers, part);
	pthread_mutex_unlock(&workers->lock);
	return job;
}

/* Run a part. True: the job has ended, and is the first one that waits for its done(). */
static bool workers_run(struct glint_workers *workers, struct glint_job *job, unsigned part)
{
	uint64_t begin_ns = glint_now_ns(), took_ns;
	bool first = false;

	job->run(job, part);
	took_ns = glint_now_ns() - begin_ns;
	pthread_mutex_lock(&workers->lock);
	job->run_ns += took_ns;
	assert(job->n_ended < job->n_begun);
	if (++job->n_ended == job->n_parts) {
		job->took_ns = MAX(job->run_ns, 1u);
		first = glint_list_empty(&workers->finished);
		glint_list_append(&workers->finished, &job->link);
		pthread_cond_signal(&workers->job_finished);
	}
	pthread_mutex_unlock(&workers->lock);
	return first;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct glint_job *job;
	unsigned part;

	while ((job = workers_take(worker->workers, &part)))
		/* The workers are valid: they are freed only after this thread was joined. */
		if (workers_run(worker->workers, job, part))
			(void)eventfd_write(worker->workers->event_fd, 1);
	return NULL;
}

/* --- On the loop's thread --------------------------------------------------------- */

/* Call done() of each finished job. */
static void workers_deliver(struct glint_workers *workers)
{
	struct glint_job *job;

	pthread_mutex_lock(&workers->lock);
	glint_list_take(&workers->delivering, &workers->finished);
	pthread_mutex_unlock(&workers->lock);

	while ((job = glint_list_first(&workers->delivering, struct glint_job, link))) {
		glint_list_remove(&job->link);
		workers->pending--;
		job->done(job);
	}
}

static struct glint_job *workers_take_shared(struct glint_workers *workers, unsigned *part)
{
	struct glint_job *job;

	pthread_mutex_lock(&workers->lock);
	job = glint_list_first(&workers->queued, struct glint_job, link);
	job = job && job->shared ? take_part(workers, part) : NULL;
	pthread_mutex_unlock(&workers->lock);
	return job;
}

static void workers_signal(struct glint_workers *workers, unsigned n)
{
	for (unsigned i = 0; i < MIN(n, workers->count); i++)
		pthread_cond_signal(&workers->job_queued);
}

/*
 * Runs parts of a shared job for at most HELP_ROUND_NS and a part, and goes on in the next
 * round. A job that takes much longer than the last time is left to the workers.
 */
static void workers_help(struct glint_deferred *deferred)
{
	struct glint_workers *workers = container_of(deferred, struct glint_workers, help);
	uint64_t begin_ns = glint_now_ns(), used_ns = 0;
	struct glint_job *job;
	unsigned part;

	while (used_ns < HELP_ROUND_NS) {
		job = workers_take_shared(workers, &part);
		if (!job)
			return;
		if (workers_run(workers, job, part)) {
			workers_deliver(workers); /* may have destroyed the workers */
			return;
		}
		used_ns = glint_now_ns() - begin_ns;
	}
	workers->helped_ns += used_ns;
	if (workers->helped_ns <= GLINT_SHARED_NS)
		glint_loop_defer(workers->loop, &workers->help);
	else
		workers_signal(workers, workers->count);
}

static void workers_free(struct glint_workers *workers)
{
	pthread_cond_destroy(&workers->job_finished);
	pthread_cond_destroy(&workers->job_queued);
	pthread_mutex_destroy(&workers->lock);
	glint_close(&workers->event_fd);
	free(workers);
}

static void workers_on_wake(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_workers *workers = container_of(op, struct glint_workers, wake_op);
	eventfd_t ignored;

	(void)flags;
	if (res >= 0) {
		/* Reset the eventfd first, so that a job that finishes meanwhile sets it again. */
		(void)eventfd_read(workers->event_fd, &ignored);
		workers_deliver(workers);
	} else if (res == -ENOMEM) {
		glint_loop_poll(workers->loop, op, workers->event_fd, POLLIN);
	} else if (!workers->abandoned) {
		assert(workers->ending); /* workers are destroyed before their loop */
		workers_free(workers);
	}
}

/* End the first @count threads. No job is queued or running. */
static void workers_join(struct glint_workers *workers, unsigned count)
{
	pthread_mutex_lock(&workers->lock);
	workers->ending = true;
	pthread_cond_broadcast(&workers->job_queued);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < count; i++)
		pthread_join(workers->threads[i].thread, NULL);
}

int glint_workers_create(struct glint_workers **out, struct glint_loop *loop, const char *name,
			 unsigned count)
{
	struct glint_workers *workers;
	int err;

	assert(count >= 1 && count <= WORKERS_MAX);

	workers = calloc(1, sizeof(*workers) + count * sizeof(workers->threads[0]));
	if (!workers)
		return -ENOMEM;
	workers->loop = loop;
	workers->count = count;
	workers->wake_op.done = workers_on_wake;
	workers->help.run = workers_help;
	pthread_mutex_init(&workers->lock, NULL);
	glint_thread_cond_init(&workers->job_queued);
	glint_thread_cond_init(&workers->job_finished);
	glint_list_init(&workers->delivering);
	glint_list_init(&workers->queued);
	glint_list_init(&workers->finished);
	workers->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (workers->event_fd < 0) {
		err = -errno;
		goto free_workers;
	}
	for (unsigned i = 0; i < count; i++) {
		struct worker *worker = &workers->threads[i];
		char thread_name[32];

		worker->workers = workers;
		snprintf(thread_name, sizeof(thread_name), "%s/%u", name, i);
		err = glint_thread_start(&worker->thread, thread_name, worker_main, worker);
		if (err < 0) {
			workers_join(workers, i);
			goto free_workers;
		}
	}
	glint_loop_poll(loop, &workers->wake_op, workers->event_fd, POLLIN);
	*out = workers;
	return 0;

free_workers:
	workers_free(workers);
	return err;
}

static void workers_queue(struct glint_workers *workers, struct glint_job *job, unsigned n_parts,
			  unsigned n_wake)
{
	assert(n_parts >= 1);

	workers->pending++;
	job->n_parts = n_parts;
	job->n_begun = job->n_ended = 0;
	job->run_ns = 0;
	pthread_mutex_lock(&workers->lock);
	glint_list_append(&workers->queued, &job->link);
	pthread_mutex_unlock(&workers->lock);
	/* Signal after unlocking: the threads that wake up need the lock. */
	workers_signal(workers, n_wake);
}

void glint_workers_submit(struct glint_workers *workers, struct glint_job *job, unsigned n_parts)
{
	job->shared = false;
	workers_queue(workers, job, n_parts, n_parts);
}

void glint_workers_submit_shared(struct glint_workers *workers, struct glint_job *job,
				 unsigned n_parts)
{
	job->shared = !workers->closing && job->took_ns > 0 && job->took_ns <= GLINT_SHARED_NS;
	if (!job->shared) {
		workers_queue(workers, job, n_parts, n_parts);
		return;
	}
	workers->helped_ns = 0;
	workers_queue(workers, job, n_parts,
		      MIN(n_parts - 1, (unsigned)(job->took_ns / WAKE_WORTH_NS)));
	glint_loop_defer(workers->loop, &workers->help);
}

/* Wait for a finished job. False: @deadline_ns has passed. */
static bool workers_wait(struct glint_workers *workers, uint64_t deadline_ns)
{
	struct timespec deadline = glint_timespec(deadline_ns);
	int err = 0;
	bool finished;

	pthread_mutex_lock(&workers->lock);
	while (glint_list_empty(&workers->finished) && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&workers->job_finished, &workers->lock, &deadline);
	finished = !glint_list_empty(&workers->finished);
	pthread_mutex_unlock(&workers->lock);
	return finished;
}

/*
 * Leave the threads behind. The stuck thread may never end, and still uses the structure. Queued
 * jobs are dropped, and done() is not called any more, because the jobs' owners are about to end.
 */
static void workers_abandon(struct glint_workers *workers)
{
	workers->abandoned = true;
	pthread_mutex_lock(&workers->lock);
	workers->ending = true;
	pthread_cond_broadcast(&workers->job_queued);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < workers->count; i++)
		pthread_detach(workers->threads[i].thread);
}

bool glint_workers_destroy(struct glint_workers *workers, uint64_t deadline_ns)
{
	bool clean = true;

	if (!workers)
		return true;

	/* The loop's thread runs no parts any more, and not all workers were woken. */
	workers->closing = true;
	glint_deferred_cancel(&workers->help);
	pthread_cond_broadcast(&workers->job_queued);
	while (workers->pending > 0 && clean) {
		clean = workers_wait(workers, deadline_ns);
		workers_deliver(workers);
	}
	if (clean)
		workers_join(workers, workers->count);
	else
		workers_abandon(workers);
	glint_loop_cancel(workers->loop, &workers->wake_op);
	return clean;
}
