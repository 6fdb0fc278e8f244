/* SPDX-License-Identifier: MIT */
#include "capture/device_job.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/internal.h"

static const struct glint_log_topic topic = { "capture" };

/* At least, between two jobs: the frames of a fast camera pass between them. */
#define PAUSE_MIN_NS (5 * GLINT_NSEC_PER_MSEC)

static struct glint_device_job *jobs_first(const struct glint_device_jobs *jobs)
{
	return glint_list_first(&jobs->waiting, struct glint_device_job, link);
}

static void job_end(struct glint_device_jobs *jobs, struct glint_device_job *job, int err)
{
	if (!job->silent)
		job->ops->done(job, err);
	jobs->n_clients -= !job->ours;
	job->ops->free(job);
}

static void job_drop(struct glint_device_jobs *jobs, struct glint_device_job *job, int err)
{
	glint_list_remove(&job->link);
	job->err = err;
	job_end(jobs, job, err);
}

static void job_run(struct glint_job *worker_job, unsigned part)
{
	struct glint_capture *capture = container_of(worker_job, struct glint_capture, jobs.runner);
	struct glint_device_job *job = capture->jobs.running;

	(void)part;
	/* The device may have been closed after the job was submitted. */
	job->err = glint_source_is_open(&capture->source) ? job->ops->run(job, &capture->source) :
							    -ENODEV;
}

/* Whether a job may begin, apart from those that need the driver's buffers gone. */
static bool capture_has_device(const struct glint_capture *capture)
{
	return capture->state == GLINT_CAPTURE_LIVE ||
	       (capture->state == GLINT_CAPTURE_OFFLINE && glint_source_is_open(&capture->source));
}

static bool capture_is_away(const struct glint_capture *capture)
{
	return (capture->state == GLINT_CAPTURE_IDLE && !glint_capture_pauses(capture)) ||
	       (capture->state == GLINT_CAPTURE_OFFLINE && !glint_source_is_open(&capture->source));
}

static void jobs_submit(struct glint_capture *capture)
{
	struct glint_device_jobs *jobs = &capture->jobs;

	jobs->running = jobs_first(jobs);
	glint_list_remove(&jobs->running->link);
	glint_workers_submit(capture->worker, &jobs->runner, 1);
}

/* The alarm rings when the oldest job has waited for too long, or when a pause ends. */
static void jobs_set_alarm(struct glint_capture *capture)
{
	struct glint_device_jobs *jobs = &capture->jobs;
	struct glint_device_job *first = jobs_first(jobs);
	uint64_t due_ns = GLINT_ALARM_NEVER;

	if (first)
		due_ns = first->since_ns + capture->config.stuck_ns;
	if (jobs->running && !jobs->running->silent)
		due_ns = MIN(due_ns, jobs->running->since_ns + capture->config.stuck_ns);
	if (first && !jobs->running && capture_has_device(capture))
		due_ns = MIN(due_ns, jobs->pause_until_ns);
	glint_alarm_set(&jobs->alarm, due_ns);
}

/* Return the job that may begin now; or NULL. */
static struct glint_device_job *jobs_ready(const struct glint_capture *capture)
{
	const struct glint_device_jobs *jobs = &capture->jobs;
	struct glint_device_job *first = jobs_first(jobs);
	bool pauses = first && !first->ours && glint_now_ns() < jobs->pause_until_ns;

	return jobs->running || pauses || !capture_has_device(capture) ? NULL : first;
}

static bool job_needs_interrupt(const struct glint_capture *capture,
				const struct glint_device_job *job)
{
	return job->between_streams && capture->state == GLINT_CAPTURE_LIVE;
}

static void jobs_begin_next(struct glint_deferred *deferred)
{
	struct glint_capture *capture = container_of(deferred, struct glint_capture, jobs.next);
	struct glint_device_jobs *jobs = &capture->jobs;
	struct glint_device_job *job;

	if (capture->ending)
		return;
	while (capture_is_away(capture) && (job = jobs_first(jobs)))
		job_drop(jobs, job, -ENODEV);
	job = jobs_ready(capture);
	if (job && job_needs_interrupt(capture, job))
		glint_capture_restart(capture, "for a request");
	else if (job)
		jobs_submit(capture);
	jobs_set_alarm(capture);
}

/* Deferred, because listeners may be called, and clients submit jobs from their handlers. */
void glint_device_jobs_next(struct glint_capture *capture)
{
	if (!glint_list_empty(&capture->jobs.waiting) && !capture->ending)
		glint_loop_defer(capture->loop, &capture->jobs.next);
}

/* The stop job has been submitted: the job behind it runs while the driver has no buffers. */
void glint_device_jobs_stopping(struct glint_capture *capture)
{
	struct glint_device_job *first = jobs_first(&capture->jobs);

	if (first && first->between_streams && !capture->jobs.running && !capture->stop_closes)
		jobs_submit(capture);
}

static void jobs_on_ran(struct glint_job *worker_job)
{
	struct glint_capture *capture = container_of(worker_job, struct glint_capture, jobs.runner);
	struct glint_device_jobs *jobs = &capture->jobs;
	struct glint_device_job *job = jobs->running;
	uint64_t took_ns = worker_job->took_ns;

	jobs->running = NULL;
	jobs->ran += !job->ours;
	glint_histogram_add(&jobs->took, took_ns);
	jobs->pause_until_ns =
		glint_now_ns() + MIN(MAX(took_ns, PAUSE_MIN_NS), capture->config.stuck_ns / 4);
	if (jobs->overdue)
		glint_log_info(&topic, "'%s': the call into its driver has returned after %llu ms",
			       glint_capture_path(capture),
			       (unsigned long long)(took_ns / GLINT_NSEC_PER_MSEC));
	jobs->overdue = false;
	job->silent |= capture->ending;
	job_end(jobs, job, job->err);
	jobs_set_alarm(capture);
	glint_device_jobs_next(capture);
	glint_idle_look(capture);
}

static bool is_overdue(const struct glint_capture *capture, const struct glint_device_job *job,
		       uint64_t now_ns)
{
	return now_ns - job->since_ns >= capture->config.stuck_ns;
}

static void jobs_on_alarm(struct glint_alarm *alarm)
{
	struct glint_capture *capture = container_of(alarm, struct glint_capture, jobs.alarm);
	struct glint_device_jobs *jobs = &capture->jobs;
	struct glint_device_job *job = jobs->running;
	uint64_t now_ns = glint_now_ns();

	if (capture->ending)
		return;
	if (job && !jobs->overdue && is_overdue(capture, job, now_ns)) {
		jobs->overdue = true;
		glint_capture_tell_stuck(capture);
		if (!job->silent)
			job->ops->done(job, -ETIMEDOUT);
		jobs->timed_out++;
		job->silent = true;
	}
	while ((job = jobs_first(jobs)) && is_overdue(capture, job, now_ns)) {
		jobs->timed_out++;
		job_drop(jobs, job, -ETIMEDOUT);
	}
	jobs_set_alarm(capture);
	glint_device_jobs_next(capture);
}

int glint_capture_run_job(struct glint_capture *capture, struct glint_device_job *job)
{
	struct glint_device_jobs *jobs = &capture->jobs;

	glint_list_init(&job->link);
	job->silent = false;
	job->since_ns = glint_now_ns();
	job->err = 0;
	if (jobs->overdue || capture->reason == GLINT_REASON_STUCK)
		return -ETIMEDOUT;
	if (capture->ending || capture_is_away(capture))
		return -ENODEV;
	if (!job->ours && jobs->n_clients >= GLINT_DEVICE_JOBS_MAX) {
		jobs->refused++;
		return -EUSERS;
	}
	jobs->n_clients += !job->ours;
	glint_list_append(&jobs->waiting, &job->link);
	glint_idle_look(capture);
	if (jobs_ready(capture) == job && !job_needs_interrupt(capture, job))
		jobs_submit(capture);
	jobs_set_alarm(capture);
	glint_device_jobs_next(capture);
	return 0;
}

bool glint_device_job_explain(const struct glint_capture *capture, int err, char *out, size_t size)
{
	switch (err) {
	case -ENODEV:
		snprintf(out, size, "no device is open: %s", glint_reason_name(capture->reason));
		return true;
	case -ETIMEDOUT:
		snprintf(out, size, "a call into the device's driver does not return");
		return true;
	case -EUSERS:
		snprintf(out, size, "too many requests wait for the device");
		return true;
	default:
		return false;
	}
}

void glint_capture_forget_job(struct glint_capture *capture, struct glint_device_job *job)
{
	struct glint_device_jobs *jobs = &capture->jobs;

	job->silent = true;
	if (job != jobs->running)
		job_drop(jobs, job, -ECANCELED);
	jobs_set_alarm(capture);
}

void glint_device_jobs_init(struct glint_device_jobs *jobs, struct glint_loop *loop)
{
	glint_list_init(&jobs->waiting);
	jobs->runner.run = job_run;
	jobs->runner.done = jobs_on_ran;
	jobs->next.run = jobs_begin_next;
	glint_alarm_init(&jobs->alarm, loop, jobs_on_alarm);
}

void glint_device_jobs_end(struct glint_device_jobs *jobs)
{
	struct glint_device_job *job;

	glint_deferred_cancel(&jobs->next);
	glint_alarm_end(&jobs->alarm);
	if (jobs->running)
		jobs->running->silent = true;
	while ((job = jobs_first(jobs))) {
		job->silent = true;
		job_drop(jobs, job, -ECANCELED);
	}
}
