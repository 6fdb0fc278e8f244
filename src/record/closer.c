/* SPDX-License-Identifier: MIT */
#include "record/closer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/thread.h"

#define QUEUE_MAX GLINT_WRITER_JOBS_MAX

struct ended {
	struct glint_record_output *output;
	struct glint_record_job *job;
	int err;
};

struct glint_closer {
	void (*closed)(void *ctx, struct glint_record_job *job);
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock; /* for all below */
	pthread_cond_t changed;
	struct ended queue[QUEUE_MAX];
	unsigned first, n;
	bool quit;
};

/* False: there is nothing left, and nothing will come. */
static bool closer_take(struct glint_closer *closer, struct ended *ended)
{
	bool any;

	pthread_mutex_lock(&closer->lock);
	while (closer->n == 0 && !closer->quit)
		pthread_cond_wait(&closer->changed, &closer->lock);
	any = closer->n > 0;
	if (any) {
		*ended = closer->queue[closer->first];
		closer->first = (closer->first + 1) % QUEUE_MAX;
		closer->n--;
	}
	pthread_mutex_unlock(&closer->lock);
	return any;
}

static void *closer_main(void *arg)
{
	struct glint_closer *closer = arg;
	struct ended ended;

	while (closer_take(closer, &ended)) {
		glint_record_output_finish(ended.output, ended.err);
		closer->closed(closer->ctx, ended.job);
	}
	return NULL;
}

static void closer_free(struct glint_closer *closer)
{
	pthread_cond_destroy(&closer->changed);
	pthread_mutex_destroy(&closer->lock);
	free(closer);
}

int glint_closer_create(struct glint_closer **out,
			void (*closed)(void *ctx, struct glint_record_job *job), void *ctx)
{
	struct glint_closer *closer = calloc(1, sizeof(*closer));
	int err;

	if (!closer)
		return -ENOMEM;
	closer->closed = closed;
	closer->ctx = ctx;
	pthread_mutex_init(&closer->lock, NULL);
	pthread_cond_init(&closer->changed, NULL);
	err = glint_thread_start(&closer->thread, "record-close", closer_main, closer);
	if (err < 0) {
		closer_free(closer);
		return err;
	}
	*out = closer;
	return 0;
}

void glint_closer_add(struct glint_closer *closer, struct glint_record_output *output,
		      struct glint_record_job *job, int err)
{
	pthread_mutex_lock(&closer->lock);
	assert(closer->n < QUEUE_MAX); /* the loop has no more jobs under way */
	closer->queue[(closer->first + closer->n++) % QUEUE_MAX] =
		(struct ended){ .output = output, .job = job, .err = err };
	pthread_cond_signal(&closer->changed);
	pthread_mutex_unlock(&closer->lock);
}

void glint_closer_destroy(struct glint_closer *closer)
{
	if (!closer)
		return;
	pthread_mutex_lock(&closer->lock);
	closer->quit = true;
	pthread_cond_signal(&closer->changed);
	pthread_mutex_unlock(&closer->lock);
	pthread_join(closer->thread, NULL);
	closer_free(closer);
}
