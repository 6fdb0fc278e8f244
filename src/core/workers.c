/* SPDX-License-Identifier: MIT */
/*
 * The threads take jobs from one list and put them on another; an eventfd tells
 * the loop that the other is no longer empty. The structure outlives
 * glint_workers_destroy() until the poll of that eventfd has ended.
 */
#include "core/workers.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/thread.h"
#include "core/loop.h"

#define WORKERS_MAX 64

struct worker {
	struct glint_workers *workers;
	pthread_t thread;
	unsigned index;
};

struct glint_workers {
	struct glint_loop *loop;
	struct glint_op wake_op;	/* poll of @event_fd */
	int event_fd;
	unsigned pending;		/* submitted, done() not called yet; loop thread only */
	bool abandoned;			/* by a destroy that met its deadline; loop thread only */
	struct glint_list delivering;	/* finished, done() comes; loop thread only */

	pthread_mutex_t lock;		/* for all below */
	pthread_cond_t job_queued, job_finished;
	struct glint_list queued, finished;
	bool ending;

	unsigned count;
	struct worker threads[];
};

/* --- On the workers' threads ---------------------------------------------------- */

/* NULL when the workers end. A job stays in the queue until its last part has begun. */
static struct glint_job *workers_take(struct glint_workers *workers, unsigned *part)
{
	struct glint_job *job = NULL;

	pthread_mutex_lock(&workers->lock);
	while (!workers->ending && glint_list_empty(&workers->queued))
		pthread_cond_wait(&workers->job_queued, &workers->lock);
	if (!workers->ending) {
		job = glint_list_first(&workers->queued, struct glint_job, link);
		*part = job->n_begun++;
		if (job->n_begun == job->n_parts)
			glint_list_remove(&job->link);
	}
	pthread_mutex_unlock(&workers->lock);
	return job;
}

/* The loop hears of a job's last part only: any earlier it would but hold up the others. */
static void workers_finish(struct glint_workers *workers, struct glint_job *job)
{
	bool last, first = false;

	pthread_mutex_lock(&workers->lock);
	last = ++job->n_ended == job->n_parts;
	if (last) {
		first = glint_list_empty(&workers->finished);
		glint_list_append(&workers->finished, &job->link);
		pthread_cond_signal(&workers->job_finished);
	}
	pthread_mutex_unlock(&workers->lock);
	/* Still there: it is freed only after this thread was joined. */
	if (first)
		(void)eventfd_write(workers->event_fd, 1);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct glint_job *job;
	unsigned part;

	while ((job = workers_take(worker->workers, &part))) {
		job->run(job, part);
		workers_finish(worker->workers, job);
	}
	return NULL;
}

/* --- On the loop's thread --------------------------------------------------------- */

/* Calls done() of all that have finished. */
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
		/* First the eventfd, then the list: a job that comes between wakes us again. */
		(void)eventfd_read(workers->event_fd, &ignored);
		workers_deliver(workers);
	} else if (res == -ENOMEM) {
		glint_loop_poll(workers->loop, op, workers->event_fd, POLLIN);
	} else if (!workers->abandoned) {
		assert(workers->ending);	/* else the loop was destroyed before its workers */
		workers_free(workers);
	}
}

static int worker_start(struct worker *worker, const char *name)
{
	char thread_name[32];

	snprintf(thread_name, sizeof(thread_name), "%s/%u", name, worker->index);
	return glint_thread_start(&worker->thread, thread_name, worker_main, worker);
}

/* No job is queued or runs. Ends the first @count threads. */
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
		workers->threads[i] = (struct worker){ .workers = workers, .index = i };
		err = worker_start(&workers->threads[i], name);
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

unsigned glint_workers_count(const struct glint_workers *workers)
{
	return workers->count;
}

void glint_workers_submit(struct glint_workers *workers, struct glint_job *job, unsigned n_parts)
{
	assert(n_parts >= 1);

	workers->pending++;
	job->n_parts = n_parts;
	job->n_begun = job->n_ended = 0;
	pthread_mutex_lock(&workers->lock);
	glint_list_append(&workers->queued, &job->link);
	pthread_mutex_unlock(&workers->lock);
	/* After the lock is free: who wakes up wants it. */
	for (unsigned i = 0; i < MIN(n_parts, workers->count); i++)
		pthread_cond_signal(&workers->job_queued);
}

/* Waits for a finished job; false when @deadline_ns comes first. */
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
 * The stuck thread goes on using the structure, and may never end. What waits
 * is dropped and no done() is called any more: its owners are about to go.
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
