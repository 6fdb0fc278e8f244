/* SPDX-License-Identifier: MIT */
/* Workers on a loop of either backend (GLINT_TEST_LOOP, glint_test_loop()). */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/workers.h"
#include "loop_rig.h"

struct task {
	struct glint_job job;
	struct glint_workers *workers;
	unsigned again; /* how often done() submits it once more */
	unsigned runs, dones;
	unsigned place; /* in the order of done(), from 1 */
	bool on_worker_thread, on_loop_thread;
};

static pthread_t loop_thread;
static unsigned tasks_done;

static void task_run(struct glint_job *job, unsigned part)
{
	struct task *task = container_of(job, struct task, job);

	task->runs += part == 0;
	task->on_worker_thread = !pthread_equal(pthread_self(), loop_thread);
}

static void task_done(struct glint_job *job)
{
	struct task *task = container_of(job, struct task, job);

	task->dones++;
	task->place = ++tasks_done;
	task->on_loop_thread = pthread_equal(pthread_self(), loop_thread);
	if (task->again) {
		task->again--;
		glint_workers_submit(task->workers, job, 1);
	}
}

static void tasks_start(struct task *tasks, unsigned count, struct glint_workers *workers)
{
	tasks_done = 0;
	loop_thread = pthread_self();
	for (unsigned i = 0; i < count; i++) {
		tasks[i] = (struct task){ .job = { .run = task_run, .done = task_done },
					  .workers = workers };
		glint_workers_submit(workers, &tasks[i].job, 1);
	}
}

static struct glint_workers *workers_start(struct glint_loop *loop, unsigned count)
{
	struct glint_workers *workers;

	CU_ASSERT_EQUAL_FATAL(glint_workers_create(&workers, loop, "test", count), 0);
	return workers;
}

static void test_one_worker_keeps_the_order(void)
{
	struct glint_workers *workers;
	struct glint_loop *loop;
	struct task tasks[100];

	RIG_LOOP(loop);
	workers = workers_start(loop, 1);
	tasks_start(tasks, 100, workers);
	CU_ASSERT_EQUAL(tasks_done, 0);
	RIG_RUN_UNTIL(loop, tasks_done == 100);
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(tasks[i].place, i + 1);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	glint_loop_destroy(loop);
}

static void test_each_job_runs_once_on_a_worker_and_is_done_on_the_loop(void)
{
	enum { COUNT = 2000 };
	static struct task tasks[COUNT];
	struct glint_workers *workers;
	struct glint_loop *loop;
	unsigned wrong = 0;

	RIG_LOOP(loop);
	workers = workers_start(loop, 4);
	tasks_start(tasks, COUNT, workers);
	RIG_RUN_UNTIL(loop, tasks_done == COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		wrong += tasks[i].runs != 1 || tasks[i].dones != 1 || !tasks[i].on_worker_thread ||
			 !tasks[i].on_loop_thread;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	glint_loop_destroy(loop);
}

static void test_done_may_submit_the_job_again(void)
{
	struct glint_workers *workers;
	struct glint_loop *loop;
	struct task task;

	RIG_LOOP(loop);
	workers = workers_start(loop, 2);
	tasks_start(&task, 1, workers);
	task.again = 50;
	RIG_RUN_UNTIL(loop, tasks_done == 51);
	CU_ASSERT_EQUAL(task.runs, 51);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	glint_loop_destroy(loop);
}

static void test_destroy_runs_queued_jobs_and_those_they_submit(void)
{
	struct glint_workers *workers;
	struct glint_loop *loop;
	struct task tasks[50];

	RIG_LOOP(loop);
	workers = workers_start(loop, 2);
	tasks_start(tasks, 50, workers);
	tasks[49].again = 5;
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	CU_ASSERT_EQUAL(tasks_done, 55);
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT_TRUE(tasks[i].on_loop_thread);
	glint_loop_destroy(loop);
}

/* A job whose parts each write to their own element. */
struct mosaic {
	struct glint_job job;
	unsigned n;
	unsigned runs[16];
	unsigned runs_at_done, dones;
};

static void mosaic_run(struct glint_job *job, unsigned part)
{
	container_of(job, struct mosaic, job)->runs[part]++;
}

static void mosaic_done(struct glint_job *job)
{
	struct mosaic *mosaic = container_of(job, struct mosaic, job);

	mosaic->dones++;
	for (unsigned i = 0; i < mosaic->n; i++)
		mosaic->runs_at_done += mosaic->runs[i];
	tasks_done++;
}

static void test_a_job_is_done_when_each_part_has_run_once(void)
{
	static struct mosaic mosaics[200];
	struct glint_workers *workers;
	struct glint_loop *loop;
	unsigned wrong = 0;

	RIG_LOOP(loop);
	workers = workers_start(loop, 3);
	tasks_done = 0;
	for (unsigned i = 0; i < 200; i++) {
		mosaics[i] = (struct mosaic){ .job = { .run = mosaic_run, .done = mosaic_done },
					      .n = 1 + i % 16 };
		glint_workers_submit(workers, &mosaics[i].job, mosaics[i].n);
	}
	RIG_RUN_UNTIL(loop, tasks_done == 200);
	for (unsigned i = 0; i < 200; i++) {
		wrong += mosaics[i].dones != 1 || mosaics[i].runs_at_done != mosaics[i].n;
		for (unsigned part = 0; part < 16; part++)
			wrong += mosaics[i].runs[part] != (part < mosaics[i].n);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	glint_loop_destroy(loop);
}

/* Two parts that wait for each other: neither ends unless both run. */
struct meeting {
	struct glint_job job;
	pthread_barrier_t barrier;
};

static void meeting_run(struct glint_job *job, unsigned part)
{
	(void)part;
	pthread_barrier_wait(&container_of(job, struct meeting, job)->barrier);
}

static void meeting_done(struct glint_job *job)
{
	(void)job;
	tasks_done++;
}

static void test_parts_run_at_the_same_time(void)
{
	struct meeting meeting = { .job = { .run = meeting_run, .done = meeting_done } };
	struct glint_workers *workers;
	struct glint_loop *loop;

	RIG_LOOP(loop);
	CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&meeting.barrier, NULL, 2), 0);
	workers = workers_start(loop, 2);
	tasks_done = 0;
	glint_workers_submit(workers, &meeting.job, 2);
	RIG_RUN_UNTIL(loop, tasks_done == 1);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	pthread_barrier_destroy(&meeting.barrier);
	glint_loop_destroy(loop);
}

/* A shared job whose parts record their thread. */
struct short_job {
	struct glint_job job;
	uint64_t part_ns; /* that a part takes at least */
	bool on_loop[8];
};

static void short_run(struct glint_job *job, unsigned part)
{
	struct short_job *task = container_of(job, struct short_job, job);
	uint64_t end_ns = glint_now_ns() + task->part_ns;

	task->on_loop[part] = pthread_equal(pthread_self(), loop_thread);
	while (glint_now_ns() < end_ns)
		;
}

static void short_done(struct glint_job *job)
{
	(void)job;
	tasks_done++;
}

static void short_run_once(struct short_job *task, struct glint_workers *workers,
			   struct glint_loop *loop, unsigned n_parts)
{
	tasks_done = 0;
	loop_thread = pthread_self();
	glint_workers_submit_shared(workers, &task->job, n_parts);
	RIG_RUN_UNTIL(loop, tasks_done == 1);
}

/* Pretend that the last run was short, also on a busy machine. */
static void short_took_a_moment(struct short_job *task)
{
	CU_ASSERT_TRUE(task->job.took_ns > 0);
	task->job.took_ns = 1;
}

static void test_the_loop_runs_a_shared_job_that_took_a_moment_the_last_time(void)
{
	struct short_job task = { .job = { .run = short_run, .done = short_done } };
	struct glint_workers *workers;
	struct glint_loop *loop;

	RIG_LOOP(loop);
	workers = workers_start(loop, 2);
	short_run_once(&task, workers, loop, 1);
	CU_ASSERT_FALSE(task.on_loop[0]);
	/* A worker that does not sleep again yet may be the first to take the part. */
	for (unsigned i = 0; i < 1000 && !task.on_loop[0]; i++) {
		short_took_a_moment(&task);
		short_run_once(&task, workers, loop, 1);
	}
	CU_ASSERT_TRUE(task.on_loop[0]);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	glint_loop_destroy(loop);
}

static void test_the_workers_run_a_shared_job_that_took_long_the_last_time(void)
{
	struct short_job task = { .job = { .run = short_run, .done = short_done },
				  .part_ns = GLINT_SHARED_NS + 1 };
	struct glint_workers *workers;
	struct glint_loop *loop;

	RIG_LOOP(loop);
	workers = workers_start(loop, 2);
	for (unsigned i = 0; i < 3; i++) {
		short_run_once(&task, workers, loop, 2);
		CU_ASSERT_FALSE(task.on_loop[0]);
		CU_ASSERT_FALSE(task.on_loop[1]);
	}
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	glint_loop_destroy(loop);
}

static void test_the_workers_finish_a_shared_job_that_takes_longer_than_before(void)
{
	struct short_job task = { .job = { .run = short_run, .done = short_done } };
	struct glint_workers *workers;
	struct glint_loop *loop;

	RIG_LOOP(loop);
	workers = workers_start(loop, 1);
	short_run_once(&task, workers, loop, 1);
	task.part_ns = GLINT_SHARED_NS + 1;
	/* A worker that does not sleep again yet may be the first to take a part. */
	for (unsigned i = 0; i < 1000 && !task.on_loop[0]; i++) {
		short_took_a_moment(&task); /* so no worker is woken for the job */
		short_run_once(&task, workers, loop, 3);
	}
	CU_ASSERT_TRUE(task.on_loop[0]);
	CU_ASSERT_FALSE(task.on_loop[1]);
	CU_ASSERT_FALSE(task.on_loop[2]);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	glint_loop_destroy(loop);
}

static void test_destroy_runs_the_shared_job_that_the_loop_has_not_run(void)
{
	struct short_job task = { .job = { .run = short_run, .done = short_done } };
	struct glint_workers *workers;
	struct glint_loop *loop;

	RIG_LOOP(loop);
	workers = workers_start(loop, 2);
	short_run_once(&task, workers, loop, 1);
	short_took_a_moment(&task);
	glint_workers_submit_shared(workers, &task.job, 1);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	CU_ASSERT_EQUAL(tasks_done, 2);
	CU_ASSERT_FALSE(task.on_loop[0]);
	glint_loop_destroy(loop);
}

/* A job that frees itself in done(): for the sanitizers. */
static void heap_job_run(struct glint_job *job, unsigned part)
{
	(void)job;
	(void)part;
}

static void heap_job_done(struct glint_job *job)
{
	tasks_done++;
	free(job);
}

static void test_a_job_may_be_freed_in_done(void)
{
	struct glint_workers *workers;
	struct glint_loop *loop;

	RIG_LOOP(loop);
	workers = workers_start(loop, 3);
	tasks_done = 0;
	for (unsigned i = 0; i < 100; i++) {
		struct glint_job *job = calloc(1, sizeof(*job));

		CU_ASSERT_PTR_NOT_NULL_FATAL(job);
		job->run = heap_job_run;
		job->done = heap_job_done;
		glint_workers_submit(workers, job, 1);
	}
	RIG_RUN_UNTIL(loop, tasks_done == 100);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	glint_loop_destroy(loop);
}

/* Records name and signals of its thread. */
struct survey {
	struct glint_job job;
	char name[16];
	bool signals_blocked;
};

static void survey_run(struct glint_job *job, unsigned part)
{
	struct survey *survey = container_of(job, struct survey, job);
	sigset_t mask;

	(void)part;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	survey->signals_blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGINT) &&
				  sigismember(&mask, SIGUSR2) && sigismember(&mask, SIGPIPE);
	pthread_getname_np(pthread_self(), survey->name, sizeof(survey->name));
}

static void survey_done(struct glint_job *job)
{
	(void)job;
}

static void test_workers_have_names_and_take_no_signals(void)
{
	struct survey survey = { .job = { .run = survey_run, .done = survey_done } };
	struct glint_workers *workers;
	struct glint_loop *loop;
	sigset_t mask;

	RIG_LOOP(loop);
	CU_ASSERT_EQUAL_FATAL(glint_workers_create(&workers, loop, "encode", 1), 0);
	glint_workers_submit(workers, &survey.job, 1);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	CU_ASSERT_TRUE(survey.signals_blocked);
	CU_ASSERT_STRING_EQUAL(survey.name, "encode/0");
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	CU_ASSERT_FALSE(sigismember(&mask, SIGTERM)); /* the caller's are as before */
	glint_loop_destroy(loop);
}

/* A job that is stuck in the kernel until the test releases it; it reports when it is stuck. */
struct stuck {
	struct glint_job job;
	int started[2], release[2];
	bool done;
};

static void stuck_run(struct glint_job *job, unsigned part)
{
	struct stuck *stuck = container_of(job, struct stuck, job);
	ssize_t ignored;
	char byte = 'x';

	/* CUnit may be used only on the test's own thread. */
	(void)part;
	ignored = write(stuck->started[1], &byte, 1);
	ignored = read(stuck->release[0], &byte, 1);
	ignored = write(stuck->started[1], &byte, 1);
	(void)ignored;
}

static void stuck_done(struct glint_job *job)
{
	container_of(job, struct stuck, job)->done = true;
}

static void stuck_start(struct stuck *stuck, struct glint_workers *workers)
{
	char byte;

	*stuck = (struct stuck){ .job = { .run = stuck_run, .done = stuck_done } };
	CU_ASSERT_EQUAL_FATAL(pipe(stuck->started), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(stuck->release), 0);
	glint_workers_submit(workers, &stuck->job, 1);
	CU_ASSERT_EQUAL(read(stuck->started[0], &byte, 1), 1);
}

static void test_a_stuck_job_is_abandoned_at_the_deadline(void)
{
	static struct glint_workers *workers; /* abandoned, not lost: for the leak check */
	static struct stuck stuck;
	struct glint_loop *loop;
	struct task task;
	char byte;

	RIG_LOOP(loop);
	workers = workers_start(loop, 1);
	stuck_start(&stuck, workers);
	tasks_start(&task, 1, workers); /* waits behind it */
	CU_ASSERT_FALSE(glint_workers_destroy(workers, glint_now_ns() + GLINT_NSEC_PER_MSEC));
	rig_settle(loop); /* frees nothing that the stuck thread still uses */

	CU_ASSERT_EQUAL(write(stuck.release[1], "x", 1), 1);
	CU_ASSERT_EQUAL(read(stuck.started[0], &byte, 1), 1);
	rig_settle(loop);
	CU_ASSERT_FALSE(stuck.done);
	CU_ASSERT_EQUAL(task.runs, 0);
	CU_ASSERT_EQUAL(task.dones, 0);
	glint_loop_destroy(loop);
}

static void test_other_workers_continue_beside_a_stuck_one(void)
{
	struct glint_workers *workers;
	struct glint_loop *loop;
	struct stuck stuck;
	struct task tasks[20];

	RIG_LOOP(loop);
	workers = workers_start(loop, 2);
	stuck_start(&stuck, workers);
	tasks_start(tasks, 20, workers);
	RIG_RUN_UNTIL(loop, tasks_done == 20);
	CU_ASSERT_FALSE(stuck.done);
	CU_ASSERT_EQUAL(write(stuck.release[1], "x", 1), 1);
	CU_ASSERT_TRUE(glint_workers_destroy(workers, UINT64_MAX));
	CU_ASSERT_TRUE(stuck.done);
	for (unsigned i = 0; i < 2; i++) {
		close(stuck.started[i]);
		close(stuck.release[i]);
	}
	glint_loop_destroy(loop);
}

static void test_idle_workers_end_at_once(void)
{
	struct glint_loop *loop;

	RIG_LOOP(loop);
	CU_ASSERT_TRUE(glint_workers_destroy(NULL, 0));
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT_TRUE(glint_workers_destroy(workers_start(loop, 8), 0));
	glint_loop_destroy(loop);
}

/* clang-format off */
GLINT_TESTS("workers",
	GLINT_TEST(test_one_worker_keeps_the_order),
	GLINT_TEST(test_each_job_runs_once_on_a_worker_and_is_done_on_the_loop),
	GLINT_TEST(test_done_may_submit_the_job_again),
	GLINT_TEST(test_destroy_runs_queued_jobs_and_those_they_submit),
	GLINT_TEST(test_a_job_is_done_when_each_part_has_run_once),
	GLINT_TEST(test_parts_run_at_the_same_time),
	GLINT_TEST(test_the_loop_runs_a_shared_job_that_took_a_moment_the_last_time),
	GLINT_TEST(test_the_workers_run_a_shared_job_that_took_long_the_last_time),
	GLINT_TEST(test_the_workers_finish_a_shared_job_that_takes_longer_than_before),
	GLINT_TEST(test_destroy_runs_the_shared_job_that_the_loop_has_not_run),
	GLINT_TEST(test_a_job_may_be_freed_in_done),
	GLINT_TEST(test_workers_have_names_and_take_no_signals),
	GLINT_TEST(test_a_stuck_job_is_abandoned_at_the_deadline),
	GLINT_TEST(test_other_workers_continue_beside_a_stuck_one),
	GLINT_TEST(test_idle_workers_end_at_once),
)
