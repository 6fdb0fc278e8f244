/* SPDX-License-Identifier: MIT */
/* Watches the encoder: deadlines, what happens after a missed one, and recovery. */
#include "encode/m2m/watchdog.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "encode/m2m/internal.h"

static const struct glint_log_topic topic = { "m2m" };

#define IDLE_NS (5 * GLINT_NSEC_PER_SEC)	/* then other programs may use the device */
#define STUCK_NS GLINT_NSEC_PER_SEC

/* --- Pace and pauses: pure ------------------------------------------------------ */

#define DUE_MIN_NS   (8 * GLINT_NSEC_PER_MSEC)
#define LIMIT_MIN_NS (60 * GLINT_NSEC_PER_MSEC)
#define LIMIT_MAX_NS (500 * GLINT_NSEC_PER_MSEC)
#define PERIOD_UNKNOWN_NS (33 * GLINT_NSEC_PER_MSEC)
#define PERIOD_MAX_NS (200 * GLINT_NSEC_PER_MSEC)	/* a longer gap is a pause, not a rate */
#define PAUSE_MIN_NS GLINT_NSEC_PER_SEC
#define PAUSE_MAX_NS (60 * GLINT_NSEC_PER_SEC)
#define GOOD_MIN 16	/* fewest good jobs that make a failure forgotten */

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

/* --- The timer ------------------------------------------------------------------------------- */

static void wake_at(struct glint_m2m_backend *m2m, uint64_t when_ns)
{
	m2m->timer_ns = when_ns;
	if (!glint_op_busy(&m2m->timer_op)) {
		m2m->armed_ns = when_ns;
		glint_loop_timer(m2m->backend.loop, &m2m->timer_op, when_ns);
	} else if (when_ns < m2m->armed_ns) {
		glint_loop_cancel(m2m->backend.loop, &m2m->timer_op);	/* on_timer() arms it again */
	}
}

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
	if (!task->work || task->alone)
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
		return MIN(first(m2m, task_deadline), m2m->last_end_ns + IDLE_NS);
	case GLINT_M2M_STOPPING:
		return m2m->stuck_told ? UINT64_MAX : m2m->stop_ns + STUCK_NS;
	default:
		return UINT64_MAX;
	}
}

void glint_m2m_watch(struct glint_m2m_backend *m2m)
{
	uint64_t when_ns = next_look(m2m);

	if (m2m->state == GLINT_M2M_RUNNING)
		when_ns = MIN(when_ns, first(m2m, task_due));

	if (when_ns != UINT64_MAX && !m2m->ending)
		wake_at(m2m, when_ns);
}

/*
 * Hands overdue frames to another backend. The encoder may still finish the job: the job is
 * late, but has not failed.
 */
static void pass_on_overdue(struct glint_m2m_backend *m2m, uint64_t now_ns)
{
	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++) {
		struct glint_m2m_task *task = &m2m->tasks[i];
		struct glint_work *work = task->work;

		if (!task->src || task_due(m2m, task) > now_ns)
			continue;
		task->work = NULL;
		task->late = true;	/* before pass_on(), so that this backend takes no new frame */
		if (glint_encoder_pass_on(work)) {
			m2m->late++;
			continue;
		}
		task->work = work;
		task->late = false;
		task->alone = true;
	}
}

/* Releases the device for other programs, and the imported memory. */
static void close_idle(struct glint_m2m_backend *m2m)
{
	m2m->state = GLINT_M2M_CLOSING;
	glint_m2m_thread_stop(m2m->thread);
}

static void tell_stuck(struct glint_m2m_backend *m2m)
{
	m2m->stuck_told = true;
	m2m->reason = "a call into its driver does not return";
	glint_log_error(&topic, "'%s': a call into its driver does not return",
			m2m->started.found.path);
}

void glint_m2m_on_timer(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_m2m_backend *m2m = container_of(op, struct glint_m2m_backend, timer_op);
	uint64_t now_ns = glint_now_ns();

	(void)flags;
	if (m2m->ending)
		return;
	/* If the loop was late, the event may be waiting already. */
	if (res == 0)
		glint_m2m_thread_deliver(m2m->thread);
	if (res == 0 && m2m->state == GLINT_M2M_RUNNING)
		pass_on_overdue(m2m, now_ns);
	if (res == 0 && next_look(m2m) <= now_ns) {
		if (m2m->state == GLINT_M2M_STOPPING)
			tell_stuck(m2m);
		else if (glint_m2m_tasks_busy(m2m) == 0)
			close_idle(m2m);
		else
			glint_m2m_quarantine(m2m, -ETIMEDOUT);
	}
	if (!glint_op_busy(op))
		glint_m2m_watch(m2m);
}

/* --- Quarantine -------------------------------------------------------------------------------- */

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
		return "its driver says what cannot be";
	case -EBUSY:
		return "another process uses it";
	default:
		return NULL;
	}
}

/* Returns the frames to the encoder, oldest first. All are taken out before the first call. */
static void return_works(struct glint_m2m_backend *m2m)
{
	struct glint_work *works[GLINT_M2M_DEPTH];
	unsigned n = 0;

	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++) {
		if (!m2m->tasks[i].work || !m2m->tasks[i].src)
			continue;
		works[n++] = m2m->tasks[i].work;
		m2m->tasks[i].work = NULL;
	}
	if (n == 2 && works[0]->src->complete_ns > works[1]->src->complete_ns) {
		struct glint_work *later = works[0];

		works[0] = works[1];
		works[1] = later;
	}
	for (unsigned i = 0; i < n; i++)
		glint_encoder_return(works[i]);
}

static const char *path_of(const struct glint_m2m_backend *m2m)
{
	const char *device = m2m->backend.config->m2m_device;

	return *m2m->started.found.path ? m2m->started.found.path : device ? device : "/dev/video*";
}

static void rest(struct glint_m2m_backend *m2m, const char *reason, uint64_t retry_ns)
{
	m2m->state = GLINT_M2M_STOPPING;
	m2m->reason = reason;
	m2m->retry_ns = retry_ns;
	m2m->stop_ns = glint_now_ns();
	m2m->stuck_told = false;
	glint_m2m_thread_stop(m2m->thread);
	glint_m2m_watch(m2m);
	return_works(m2m);
}

void glint_m2m_quarantine(struct glint_m2m_backend *m2m, int err)
{
	uint64_t pause_ns = glint_m2m_health_failed(&m2m->health);
	const char *reason = reason_of(err);

	m2m->faults++;
	m2m->absent = false;
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
	/* Most computers have none. */
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

	glint_log_info(&topic, "'%s' (%s) encodes: %s, quality %u is %d there", started->found.path,
		       started->found.driver,
		       started->way == GLINT_M2M_WAY_IMPORT ? "no copy" : "one copy a frame",
		       m2m->backend.config->quality, started->driver_quality);
	m2m->state = GLINT_M2M_RUNNING;
	m2m->absent = false;
	m2m->reason = "";
}
