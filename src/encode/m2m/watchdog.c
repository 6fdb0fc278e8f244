/* SPDX-License-Identifier: MIT */
/* The watch on the encoder: deadlines, what happens after a missed one, and recovery. */
#include "encode/m2m/watchdog.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "core/events.h"
#include "encode/m2m/internal.h"

static const struct glint_log_topic topic = { "m2m" };

#define IDLE_NS	 (5 * GLINT_NSEC_PER_SEC) /* then other programs may use the device */
#define STUCK_NS GLINT_NSEC_PER_SEC

/* --- Pace and pauses: pure ------------------------------------------------------ */

#define DUE_MIN_NS	  (8 * GLINT_NSEC_PER_MSEC)
#define LIMIT_MIN_NS	  (60 * GLINT_NSEC_PER_MSEC)
#define LIMIT_MAX_NS	  (500 * GLINT_NSEC_PER_MSEC)
#define PERIOD_UNKNOWN_NS (33 * GLINT_NSEC_PER_MSEC)
#define PERIOD_MAX_NS	  (200 * GLINT_NSEC_PER_MSEC) /* a longer gap is a pause, not a rate */
#define PAUSE_MIN_NS	  GLINT_NSEC_PER_SEC
#define PAUSE_MAX_NS	  (60 * GLINT_NSEC_PER_SEC)
#define GOOD_MIN	  16 /* fewest good jobs that make a failure forgotten */

/* The new value weighs an eighth, so that one late frame does not change the rate. */
static uint64_t smooth(uint64_t before, uint64_t now)
{
	return before ? before - before / 8 + now / 8 : now;
}

void glint_m2m_health_frame(struct glint_m2m_health *health, uint64_t stamp_ns)
{
	uint64_t since_ns = stamp_ns - health->last_ns;

	if (health->last_ns && stamp_ns > health->last_ns && since_ns <= PERIOD_MAX_NS)
		health->period_ns = smooth(health->period_ns, since_ns);
	health->last_ns = stamp_ns;
}

void glint_m2m_health_good(struct glint_m2m_health *health, uint64_t took_ns, uint64_t now_ns)
{
	health->took_ns = smooth(health->took_ns, took_ns);
	if (health->good++ == 0)
		health->good_since_ns = now_ns;
	if (health->good >= GOOD_MIN && now_ns - health->good_since_ns >= health->pause_ns)
		health->pause_ns = 0;
}

uint64_t glint_m2m_health_failed(struct glint_m2m_health *health)
{
	health->good = 0;
	health->pause_ns = MIN(MAX(2 * health->pause_ns, PAUSE_MIN_NS), PAUSE_MAX_NS);
	return health->pause_ns;
}

uint64_t glint_m2m_health_due(const struct glint_m2m_health *health)
{
	uint64_t period_ns = health->period_ns ? health->period_ns : PERIOD_UNKNOWN_NS;

	return MIN(health->took_ns + MAX(period_ns - period_ns / 4, DUE_MIN_NS), LIMIT_MAX_NS);
}

uint64_t glint_m2m_health_limit(const struct glint_m2m_health *health)
{
	return MIN(health->took_ns + MAX(2 * health->period_ns, LIMIT_MIN_NS), LIMIT_MAX_NS);
}

/* --- Deadlines ------------------------------------------------------------------------------ */

/* A job that was queued behind another one began when that one ended. */
static uint64_t task_turn(const struct glint_m2m_backend *m2m, const struct glint_m2m_task *task)
{
	return MAX(task->begin_ns, m2m->last_end_ns);
}

static uint64_t task_deadline(const struct glint_m2m_backend *m2m,
			      const struct glint_m2m_task *task)
{
	return task_turn(m2m, task) + task->limit_ns;
}

/* UINT64_MAX: no client waits for the frame, or no other backend can encode it. */
static uint64_t task_due(const struct glint_m2m_backend *m2m, const struct glint_m2m_task *task)
{
	if (!task->job || task->alone)
		return UINT64_MAX;
	return task_turn(m2m, task) + task->due_ns;
}

/* The earliest @moment of all tasks; UINT64_MAX: no task. */
static uint64_t first(const struct glint_m2m_backend *m2m,
		      uint64_t (*moment)(const struct glint_m2m_backend *m2m,
					 const struct glint_m2m_task *task))
{
	uint64_t first_ns = UINT64_MAX;

	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++)
		if (m2m->tasks[i].src)
			first_ns = MIN(first_ns, moment(m2m, &m2m->tasks[i]));
	return first_ns;
}

/* The next deadline; UINT64_MAX: none. */
static uint64_t next_look(const struct glint_m2m_backend *m2m)
{
	switch (m2m->state) {
	case GLINT_M2M_STARTING:
	case GLINT_M2M_PROBING:
		return first(m2m, task_deadline);
	case GLINT_M2M_RUNNING:
		if (glint_m2m_tasks_busy(m2m) > 0)
			return first(m2m, task_deadline);
		return m2m->last_end_ns + IDLE_NS;
	case GLINT_M2M_STOPPING:
		return m2m->stuck_logged ? UINT64_MAX : m2m->stop_ns + STUCK_NS;
	default:
		return UINT64_MAX;
	}
}

void glint_m2m_watch(struct glint_m2m_backend *m2m)
{
	uint64_t when_ns = next_look(m2m);

	if (m2m->state == GLINT_M2M_RUNNING)
		when_ns = MIN(when_ns, first(m2m, task_due));
	glint_alarm_set(&m2m->alarm, when_ns);
}

/*
 * Hand overdue frames to another backend. The encoder may still finish the job: the job is
 * late, but has not failed.
 */
static void pass_on_overdue(struct glint_m2m_backend *m2m, uint64_t now_ns)
{
	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++) {
		struct glint_m2m_task *task = &m2m->tasks[i];
		struct glint_encoder_job *job = task->job;

		if (!task->src || task_due(m2m, task) > now_ns)
			continue;
		task->job = NULL;
		task->late = true; /* before pass_on(), so that this backend takes no new frame */
		if (glint_encoder_pass_on(job)) {
			m2m->late++;
			continue;
		}
		task->job = job;
		task->late = false;
		task->alone = true;
	}
}

void glint_m2m_on_alarm(struct glint_alarm *alarm)
{
	struct glint_m2m_backend *m2m = container_of(alarm, struct glint_m2m_backend, alarm);
	uint64_t now_ns = glint_now_ns();

	/* If the loop was late, the event may be waiting already. */
	glint_m2m_thread_deliver(m2m->thread);
	if (m2m->state == GLINT_M2M_RUNNING)
		pass_on_overdue(m2m, now_ns);
	if (next_look(m2m) <= now_ns) {
		if (m2m->state == GLINT_M2M_STOPPING) {
			m2m->stuck_logged = true;
			m2m->reason = "a call into its driver does not return";
			glint_log_error(&topic, "'%s': a call into its driver does not return",
					m2m->started.found.path);
		} else if (glint_m2m_tasks_busy(m2m) == 0) {
			/* Idle: frees the device for other programs, and the imported memory. */
			m2m->state = GLINT_M2M_CLOSING;
			glint_m2m_thread_stop(m2m->thread);
		} else {
			glint_m2m_quarantine(m2m, -ETIMEDOUT);
		}
	}
	glint_m2m_watch(m2m);
}

/* --- Quarantine ------------------------------------------------------------------------------ */

/* NULL: strerror() says more. */
static const char *reason_of(int err)
{
	switch (err) {
	case -ETIMEDOUT:
		return "a job did not end in time";
	case -EBADMSG:
		return "it made a broken JPEG";
	case -EIO:
		return "a job failed";
	case -ENODEV:
		return "it is unplugged";
	case -EPROTO:
		return "its driver returns impossible values";
	case -EBUSY:
		return "another process uses it";
	default:
		return NULL;
	}
}

/* Return the frames to the encoder, oldest first. All are taken out before the first call. */
static void return_jobs(struct glint_m2m_backend *m2m)
{
	struct glint_encoder_job *jobs[GLINT_M2M_DEPTH];
	unsigned n = 0;

	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++) {
		if (!m2m->tasks[i].job || !m2m->tasks[i].src)
			continue;
		jobs[n++] = m2m->tasks[i].job;
		m2m->tasks[i].job = NULL;
	}
	if (n == 2 && jobs[0]->number > jobs[1]->number) {
		struct glint_encoder_job *later = jobs[0];

		jobs[0] = jobs[1];
		jobs[1] = later;
	}
	for (unsigned i = 0; i < n; i++)
		glint_encoder_return(jobs[i]);
}

static const char *path_of(const struct glint_m2m_backend *m2m)
{
	const char *device = m2m->backend.config->m2m_device;

	return *m2m->started.found.path ? m2m->started.found.path : device ? device : "/dev/video*";
}

static void rest(struct glint_m2m_backend *m2m, const char *reason, uint64_t retry_ns)
{
	assert(m2m->state != GLINT_M2M_STOPPING); /* one stop a session */

	m2m->state = GLINT_M2M_STOPPING;
	m2m->reason = reason;
	m2m->retry_ns = retry_ns;
	m2m->stop_ns = glint_now_ns();
	m2m->stuck_logged = false;
	glint_m2m_thread_stop(m2m->thread);
	glint_m2m_watch(m2m);
	return_jobs(m2m);
}

static void tell_fault(struct glint_m2m_backend *m2m, const char *message, uint64_t pause_ns)
{
	struct glint_events *events = m2m->backend.config->events;
	struct glint_report *report = glint_events_begin(events, GLINT_EVENT_FAULT);

	glint_report_text(report, "of", "encoder");
	glint_report_text(report, "device", path_of(m2m));
	glint_report_text(report, "fault", "quarantined");
	glint_report_text(report, "message", message);
	glint_report_uint(report, "pause_ns", pause_ns);
	glint_report_uint(report, "count", m2m->faults);
	glint_events_commit(events);
}

void glint_m2m_quarantine(struct glint_m2m_backend *m2m, int err)
{
	uint64_t pause_ns = glint_m2m_health_failed(&m2m->health);
	const char *reason = reason_of(err);

	m2m->faults++;
	m2m->absent = false;
	tell_fault(m2m, reason ? reason : strerror(-err), pause_ns);
	glint_log_warn(&topic, "'%s': %s: the CPU encodes; next try in %llu s", path_of(m2m),
		       reason ? reason : strerror(-err),
		       (unsigned long long)(pause_ns / GLINT_NSEC_PER_SEC));
	rest(m2m, reason ? reason : "its driver refuses a call", glint_now_ns() + pause_ns);
}

/* An encoder that worked before, or that the user named, may come back: try again. */
void glint_m2m_miss(struct glint_m2m_backend *m2m, const struct glint_m2m_found *found)
{
	bool asked_for = m2m->backend.config->m2m_device ||
			 m2m->backend.config->choice == GLINT_ENCODER_M2M;
	bool hopeful = m2m->seen || m2m->backend.config->m2m_device;
	/* Most computers have no encoder, which is not worth a line. */
	bool news = asked_for || m2m->seen || found->fit != GLINT_M2M_NO_NODE;
	const char *reason = glint_m2m_fit_text(found->fit);
	uint64_t pause_ns = hopeful ? glint_m2m_health_failed(&m2m->health) : 0;

	if (!m2m->absent || strcmp(m2m->reason, reason) != 0)
		glint_log(&topic, news ? GLINT_LOG_INFO : GLINT_LOG_DEBUG,
			  "no M2M encoder is used: %s%s%s", found->path, *found->path ? ": " : "",
			  reason);
	m2m->absent = true;
	rest(m2m, reason, hopeful ? glint_now_ns() + pause_ns : UINT64_MAX);
}

void glint_m2m_recovered(struct glint_m2m_backend *m2m)
{
	const struct glint_m2m_started *started = &m2m->started;

	assert(started->way != GLINT_M2M_WAY_NONE);

	glint_log_info(&topic, "'%s' (%s) encodes: %s, quality %u is the driver's %d",
		       started->found.path, started->found.driver,
		       started->way == GLINT_M2M_WAY_IMPORT ? "no copy" : "one copy a frame",
		       m2m->backend.config->quality, started->driver_quality);
	m2m->state = GLINT_M2M_RUNNING;
	m2m->absent = false;
	m2m->reason = "";
}
