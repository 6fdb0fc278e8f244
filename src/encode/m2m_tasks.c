/* SPDX-License-Identifier: MIT */
/* Frames on their way through the device's thread, and what comes of them. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "encode/m2m_internal.h"

#define COPIES_TO_WARM_UP 8
#define COPY_LIMIT_NS	  (300 * GLINT_NSEC_PER_MSEC)
#define START_LIMIT_NS (500 * GLINT_NSEC_PER_MSEC)	/* to find, open and set up, and for one job */

/* --- Beginning ------------------------------------------------------------------------- */

unsigned glint_m2m_tasks_busy(const struct glint_m2m_backend *m2m)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++)
		busy += m2m->tasks[i].src != NULL;
	return busy;
}

bool glint_m2m_is_late(const struct glint_m2m_backend *m2m)
{
	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++)
		if (m2m->tasks[i].src && m2m->tasks[i].late)
			return true;
	return false;
}

static struct glint_m2m_task *task_create(struct glint_m2m_backend *m2m, struct glint_frame *src,
					  struct glint_work *work, uint64_t due_ns,
					  uint64_t limit_ns)
{
	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++) {
		struct glint_m2m_task *task = &m2m->tasks[i];

		if (task->src)
			continue;
		*task = (struct glint_m2m_task){
			.src = glint_frame_ref(src),
			.work = work,
			.trial = !work,
			.begin_ns = glint_now_ns(),
			.due_ns = due_ns,
			.limit_ns = limit_ns,
		};
		return task;
	}
	assert(false);	/* room() was asked */
	return NULL;
}

static void task_drop(struct glint_m2m_task *task)
{
	struct glint_frame *src = task->src;

	task->src = NULL;
	glint_frame_unref(src);
}

/* The thread reads the frame through its map only where it has to copy it. */
static void task_order(struct glint_m2m_backend *m2m, struct glint_m2m_task *task)
{
	int err = 0;

	if (m2m->started.way == GLINT_M2M_WAY_COPY) {
		err = glint_dmabuf_map(task->src->buf);
		m2m->backend.copies++;
	}
	if (err < 0) {
		glint_m2m_quarantine(m2m, err);
		task_drop(task);
		return;
	}
	task->ordered = true;
	task->ordered_ns = glint_now_ns();
	glint_m2m_thread_encode(m2m->thread, task, task->src->slot, task->src->buf);
}

void glint_m2m_begin_session(struct glint_m2m_backend *m2m, struct glint_frame *src,
			     struct glint_work *work)
{
	const struct glint_encoder_config *config = m2m->backend.config;

	m2m->refused = m2m->refused && src->stream == m2m->stream;
	m2m->stream = src->stream;
	m2m->state = work ? GLINT_M2M_STARTING : GLINT_M2M_PROBING;
	m2m->probes++;
	(void)task_create(m2m, src, work, START_LIMIT_NS, START_LIMIT_NS);
	m2m->setup = (struct glint_m2m_setup){
		.device = config->m2m_device,
		.frame = src,
		.quality = config->quality,
		.half_chroma = config->chroma == GLINT_CHROMA_420,
		.may_import = !m2m->refused,
	};
	glint_m2m_thread_start(m2m->thread, &m2m->setup);
	glint_m2m_watch(m2m);
}

void glint_m2m_begin_task(struct glint_m2m_backend *m2m, struct glint_work *work)
{
	uint64_t due_ns = glint_m2m_health_due(&m2m->health);
	uint64_t limit_ns = glint_m2m_health_limit(&m2m->health);
	struct glint_m2m_task *task;

	/* The first copies have to map and touch all that memory. */
	if (m2m->started.way == GLINT_M2M_WAY_COPY && m2m->health.good < COPIES_TO_WARM_UP)
		due_ns = limit_ns = MAX(limit_ns, COPY_LIMIT_NS);
	task = task_create(m2m, work->src, work, due_ns, limit_ns);

	glint_m2m_watch(m2m);
	task_order(m2m, task);
}

/* --- Started ----------------------------------------------------------------------------- */

static struct glint_m2m_task *first_task(struct glint_m2m_backend *m2m)
{
	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++)
		if (m2m->tasks[i].src && !m2m->tasks[i].ordered)
			return &m2m->tasks[i];
	return NULL;
}

static void on_started(struct glint_m2m_listener *listener, const struct glint_m2m_started *started)
{
	struct glint_m2m_backend *m2m = container_of(listener, struct glint_m2m_backend, listener);
	struct glint_m2m_task *task = first_task(m2m);
	bool given_up = m2m->state == GLINT_M2M_STOPPING || m2m->ending;

	glint_m2m_outputs_retire(m2m->outputs);
	m2m->outputs = started->outputs;
	if (m2m->outputs)
		m2m->outputs->owner = &m2m->owner;
	if (started->err == 0 && !given_up) {
		m2m->started = *started;
		task_order(m2m, task);
		return;
	}
	if (!given_up && started->err == -ENODEV && !glint_m2m_fit_is_usable(started->found.fit))
		glint_m2m_miss(m2m, &started->found);
	else if (!given_up)
		glint_m2m_quarantine(m2m, started->err);
	task_drop(task);	/* the thread has never seen it, and will not end it */
}

static void on_stopped(struct glint_m2m_listener *listener)
{
	struct glint_m2m_backend *m2m = container_of(listener, struct glint_m2m_backend, listener);
	bool closed = m2m->state == GLINT_M2M_CLOSING;

	glint_m2m_outputs_retire(m2m->outputs);
	m2m->outputs = NULL;
	m2m->state = closed ? GLINT_M2M_FRESH : GLINT_M2M_RESTING;
	if (closed && !m2m->ending)
		glint_encoder_continue(m2m->backend.encoder);
}

/* --- Ended -------------------------------------------------------------------------------- */

/* The bytes move to memory of ours, and the encoder has its buffer back at once. */
static struct glint_picture *picture_copy(struct glint_m2m_backend *m2m,
					  const struct glint_m2m_ended *ended)
{
	struct glint_pool_picture *copy = glint_pictures_take(&m2m->backend.pictures);
	struct glint_bytes *bytes;

	if (!copy)
		return NULL;
	bytes = &copy->slices[0];
	if (!glint_bytes_reserve(bytes, ended->size)) {
		glint_picture_unref(&copy->picture);
		return NULL;
	}
	glint_pictures_count(copy);
	memcpy(bytes->data, m2m->outputs->items[ended->output].buf.planes[0].map, ended->size);
	copy->picture.parts[0] = (struct iovec){ bytes->data, ended->size };
	copy->picture.n_parts = 1;
	copy->picture.size = ended->size;
	return &copy->picture;
}

static struct glint_picture *picture_create(struct glint_m2m_backend *m2m,
					    const struct glint_m2m_ended *ended)
{
	struct glint_picture *picture;

	if (glint_m2m_outputs_spare(m2m->outputs))
		return glint_m2m_outputs_lease(m2m->outputs, ended->output, ended->size);
	picture = picture_copy(m2m, ended);
	glint_m2m_thread_give(m2m->thread, m2m->outputs, ended->output);
	return picture;
}

static void task_succeed(struct glint_m2m_backend *m2m, const struct glint_m2m_task *task,
			 const struct glint_m2m_ended *ended)
{
	struct glint_picture *picture = picture_create(m2m, ended);

	if (picture) {
		picture->width = task->src->format->width;
		picture->height = task->src->format->height;
		picture->live = true;
	}
	glint_encoder_finish(task->work, picture, picture ? 0 : -ENOBUFS);
}

/* Of a session that another has replaced, or that has been given up. */
static bool is_over(const struct glint_m2m_backend *m2m, const struct glint_m2m_task *task)
{
	return m2m->ending || m2m->state == GLINT_M2M_STOPPING || task->src->stream != m2m->stream;
}

static void task_fail(struct glint_m2m_backend *m2m, struct glint_m2m_task *task, int err)
{
	struct glint_work *work = task->work;

	if (!is_over(m2m, task)) {
		m2m->refused |= m2m->started.way == GLINT_M2M_WAY_IMPORT &&
				(err == -EFAULT || err == -EINVAL);
		glint_m2m_quarantine(m2m, err);
		return;
	}
	task->work = NULL;
	if (work)
		glint_encoder_return(work);
}

/* The job that shows that the session works. */
static bool is_first(const struct glint_m2m_backend *m2m, const struct glint_m2m_task *task)
{
	return task->src->stream == m2m->stream &&
	       (m2m->state == GLINT_M2M_STARTING || m2m->state == GLINT_M2M_PROBING);
}

static void on_ended(struct glint_m2m_listener *listener, const struct glint_m2m_ended *ended)
{
	struct glint_m2m_backend *m2m = container_of(listener, struct glint_m2m_backend, listener);
	struct glint_m2m_task *task = ended->cookie, end;
	uint64_t before_ns = m2m->last_end_ns;

	m2m->last_end_ns = glint_now_ns();
	if (ended->err < 0) {
		task_fail(m2m, task, ended->err);
		task_drop(task);
		return;
	}
	/* Its place is free before the encoder hears of it, and may have the next frame for it. */
	end = *task;
	task->src = NULL;
	/* As the deadline counts it: from its own turn on. */
	glint_m2m_health_good(&m2m->health, m2m->last_end_ns - MAX(end.ordered_ns, before_ns),
			      m2m->last_end_ns);
	if (!end.trial && m2m->state != GLINT_M2M_STOPPING)
		m2m->seen = true;
	if (!end.work)
		glint_m2m_thread_give(m2m->thread, m2m->outputs, ended->output);
	if (is_first(m2m, &end))
		glint_m2m_recovered(m2m);
	glint_m2m_watch(m2m);
	if (end.work)
		task_succeed(m2m, &end, ended);
	glint_frame_unref(end.src);
}

const struct glint_m2m_listener glint_m2m_task_listener = {
	.started = on_started,
	.ended = on_ended,
	.stopped = on_stopped,
};
