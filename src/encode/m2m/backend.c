/* SPDX-License-Identifier: MIT */
#include "encode/m2m/backend.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "encode/m2m/internal.h"

#define UNSUITED "such frames are left to other encoders: the colours would be wrong, or they are JPEGs"
#define ANSWER_NS (500 * GLINT_NSEC_PER_MSEC)	/* the capture's timeout; well below the one after
						 * which the capture counts as stuck */
#define STOP_NS (200 * GLINT_NSEC_PER_MSEC)	/* destroy waits so long for a stuck device */
#define COPIES_TO_WARM_UP 8
#define COPY_LIMIT_NS	  (300 * GLINT_NSEC_PER_MSEC)
#define START_LIMIT_NS (500 * GLINT_NSEC_PER_MSEC)	/* to find, open and set up, and one job */

/* --- Beginning ------------------------------------------------------------------------- */

unsigned glint_m2m_tasks_busy(const struct glint_m2m_backend *m2m)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++)
		busy += m2m->tasks[i].src != NULL;
	return busy;
}

static bool m2m_is_late(const struct glint_m2m_backend *m2m)
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

/* The frame is mapped only where the thread has to copy it. */
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

static void m2m_begin_session(struct glint_m2m_backend *m2m, struct glint_frame *src,
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

static void m2m_begin_task(struct glint_m2m_backend *m2m, struct glint_work *work)
{
	uint64_t due_ns = glint_m2m_health_due(&m2m->health);
	uint64_t limit_ns = glint_m2m_health_limit(&m2m->health);
	struct glint_m2m_task *task;

	/* The first copies fault in all pages. */
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
	task_drop(task);	/* never handed to the thread, so no ended() follows */
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

/* Copies the JPEG, so that the encoder gets its buffer back at once. */
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

/* The task is of a session that ended or was replaced. */
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

/* The first job of a session, which shows whether the session works. */
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
	/* Free the task first: the encoder may hand over the next frame at once. */
	end = *task;
	task->src = NULL;
	/* Measured like the deadline: from the end of the job before. */
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

static const struct glint_m2m_listener task_listener = {
	.started = on_started,
	.ended = on_ended,
	.stopped = on_stopped,
};

/* --- As a backend ----------------------------------------------------------------- */

/* JPEG means BT.601 in full range, and the hardware does not convert. */
static bool colours_are_right(const struct glint_format *format)
{
	if (format->info->layout == GLINT_LAYOUT_RGB || format->info->layout == GLINT_LAYOUT_RGB565)
		return true;
	if (format->info->layout == GLINT_LAYOUT_GREY)
		return format->range == GLINT_RANGE_FULL;
	return format->range == GLINT_RANGE_FULL && format->matrix == GLINT_MATRIX_BT601;
}

static bool suits(const struct glint_m2m_backend *m2m, const struct glint_frame *src)
{
	enum glint_layout layout = src->format->info->layout;

	if (layout == GLINT_LAYOUT_JPEG || layout == GLINT_LAYOUT_OTHER)
		return false;
	return m2m->backend.config->choice == GLINT_ENCODER_M2M ||
	       m2m->backend.config->keep_range || colours_are_right(src->format);
}

static void m2m_offer(struct glint_backend *backend, struct glint_frame *src)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);

	glint_m2m_health_frame(&m2m->health, src->complete_ns);
	m2m->unsuited = !suits(m2m, src);
	if (m2m->state != GLINT_M2M_RESTING || m2m->unsuited || glint_m2m_tasks_busy(m2m) > 0)
		return;
	if (m2m->absent && src->stream != m2m->stream)
		m2m->state = GLINT_M2M_FRESH;	/* the new stream may suit */
	else if (glint_now_ns() >= m2m->retry_ns)
		m2m_begin_session(m2m, src, NULL);
}

static bool m2m_takes(const struct glint_backend *backend, const struct glint_frame *src)
{
	const struct glint_m2m_backend *m2m =
		container_of(backend, const struct glint_m2m_backend, backend);

	if (!suits(m2m, src))
		return false;
	switch (m2m->state) {
	case GLINT_M2M_FRESH:
	case GLINT_M2M_CLOSING:
		return true;
	case GLINT_M2M_RUNNING:
		return !m2m_is_late(m2m);
	case GLINT_M2M_STARTING:
		return src->stream == m2m->stream;
	default:
		return false;
	}
}

static bool m2m_room(const struct glint_backend *backend)
{
	const struct glint_m2m_backend *m2m =
		container_of(backend, const struct glint_m2m_backend, backend);
	const struct glint_encoder_config *config = backend->config;
	unsigned busy = glint_m2m_tasks_busy(m2m);

	if (m2m->state == GLINT_M2M_FRESH)
		return busy == 0;
	if (m2m->state != GLINT_M2M_RUNNING || busy == GLINT_M2M_DEPTH)
		return false;
	/* A second frame must leave the driver two buffers. */
	return busy == 0 || !config->spare || config->spare(config->spare_ctx) > 0;
}

static void m2m_begin(struct glint_backend *backend, struct glint_work *work)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);

	if (m2m->state == GLINT_M2M_FRESH || work->src->stream != m2m->stream)
		m2m_begin_session(m2m, work->src, work);
	else
		m2m_begin_task(m2m, work);
}

static void m2m_give(struct glint_m2m_outputs_owner *owner, struct glint_m2m_outputs *outputs,
		     unsigned index)
{
	struct glint_m2m_backend *m2m = container_of(owner, struct glint_m2m_backend, owner);

	glint_m2m_thread_give(m2m->thread, outputs, index);
}

/* --- Requests of the capture, on the capture device's thread ----------------------------- */

static int partner_formats(struct glint_partner *partner, uint32_t width, uint32_t height,
			   uint32_t fourccs[static GLINT_PARTNER_FORMATS_MAX])
{
	struct glint_m2m_backend *m2m = container_of(partner, struct glint_m2m_backend, partner);

	static_assert(GLINT_PARTNER_FORMATS_MAX == GLINT_CODEC_FORMATS_MAX, "");
	return glint_m2m_thread_formats(m2m->thread, m2m->backend.config->m2m_device, width, height,
					fourccs, glint_now_ns() + ANSWER_NS);
}

static int partner_layout(struct glint_partner *partner, const struct glint_format *have,
			  struct glint_format *need)
{
	struct glint_m2m_backend *m2m = container_of(partner, struct glint_m2m_backend, partner);
	struct glint_m2m_found found;
	int err = glint_m2m_thread_find(m2m->thread, m2m->backend.config->m2m_device, have, &found,
					glint_now_ns() + ANSWER_NS);

	if (err < 0)
		return err;
	if (!glint_m2m_fit_is_usable(found.fit))
		return -EMEDIUMTYPE;
	*need = found.raw;
	return 0;
}

static int partner_reads(struct glint_partner *partner, const struct glint_format *format,
			 const struct glint_dmabuf *buf)
{
	struct glint_m2m_backend *m2m = container_of(partner, struct glint_m2m_backend, partner);

	return glint_m2m_thread_reads(m2m->thread, m2m->backend.config->m2m_device, format, buf,
				      glint_now_ns() + ANSWER_NS);
}

static int partner_lend(struct glint_partner *partner, const struct glint_format *format,
			unsigned n, struct glint_dmabuf *bufs)
{
	struct glint_m2m_backend *m2m = container_of(partner, struct glint_m2m_backend, partner);

	return glint_m2m_thread_lend(m2m->thread, m2m->backend.config->m2m_device, format, n, bufs,
				     glint_now_ns() + ANSWER_NS);
}

static const struct glint_partner_ops partner_ops = {
	.formats = partner_formats,
	.layout = partner_layout,
	.reads = partner_reads,
	.lend = partner_lend,
};

struct glint_partner *glint_m2m_partner(struct glint_backend *backend)
{
	return &glint_m2m_backend_of(backend)->partner;
}

void glint_m2m_close_partner(struct glint_backend *backend)
{
	glint_m2m_thread_close_mailbox(glint_m2m_backend_of(backend)->thread);
}

/* --- Status ------------------------------------------------------------------------- */

static const char *state_name(const struct glint_m2m_backend *m2m)
{
	if (m2m->unsuited)
		return "absent";
	switch (m2m->state) {
	case GLINT_M2M_RUNNING:
	case GLINT_M2M_CLOSING:
		return "ok";
	case GLINT_M2M_STOPPING:
	case GLINT_M2M_RESTING:
		return m2m->absent ? "absent" : "quarantined";
	case GLINT_M2M_FRESH:
		return m2m->seen ? "ok" : "probing";
	default:
		return "probing";
	}
}

static const char *way_name(const struct glint_m2m_started *started)
{
	if (started->way != GLINT_M2M_WAY_IMPORT)
		return started->way == GLINT_M2M_WAY_COPY ? "copy" : "";
	switch (started->memory) {
	case GLINT_MEMORY_ENCODER:
		return "export";
	case GLINT_MEMORY_HEAP:
		return "shared:dma-heap";
	case GLINT_MEMORY_DUMB:
		return "shared:drm-dumb";
	case GLINT_MEMORY_UDMABUF:
		return "shared:udmabuf";
	default:
		return "import";
	}
}

void glint_m2m_status(const struct glint_backend *backend, struct glint_encoder_status *status)
{
	const struct glint_m2m_backend *m2m =
		container_of(backend, const struct glint_m2m_backend, backend);

	status->m2m.state = state_name(m2m);
	status->m2m.reason = m2m->unsuited ? UNSUITED : m2m->reason;
	status->m2m.path = m2m->started.found.path;
	status->m2m.driver = m2m->started.found.driver;
	status->m2m.memory = way_name(&m2m->started);
	status->m2m.driver_quality = m2m->started.driver_quality;
	status->m2m.faults = m2m->faults;
	status->m2m.probes = m2m->probes;
	status->m2m.late = m2m->late;
	status->m2m.leased = glint_m2m_tasks_busy(m2m);
}

static void m2m_fill_status(const struct glint_backend *backend,
			    struct glint_encoder_status *status)
{
	const struct glint_m2m_backend *m2m =
		container_of(backend, const struct glint_m2m_backend, backend);

	status->quality = backend->config->quality;
	status->subsampling = "";
	status->pictures += m2m->outputs ? m2m->outputs->n : 0;
	status->pictures_held += m2m->outputs ? m2m->outputs->held : 0;
}

/* --- Life ------------------------------------------------------------------------------------ */

static bool m2m_destroy(struct glint_backend *backend)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);
	uint64_t deadline_ns = glint_now_ns() + STOP_NS;

	m2m->ending = true;
	glint_loop_cancel(backend->loop, &m2m->timer_op);
	while (glint_op_busy(&m2m->timer_op) &&
	       glint_loop_run_once(backend->loop, deadline_ns) == 0)
		;
	if (!glint_m2m_thread_destroy(m2m->thread, deadline_ns))
		return false;
	glint_m2m_outputs_retire(m2m->outputs);
	glint_pictures_fini(&m2m->backend.pictures);
	free(m2m);
	return true;
}

static const struct glint_backend_ops m2m_ops = {
	.type = "HW",
	.name = "m2m",
	.offer = m2m_offer,
	.takes = m2m_takes,
	.room = m2m_room,
	.begin = m2m_begin,
	.status = m2m_fill_status,
	.destroy = m2m_destroy,
};

int glint_m2m_create(struct glint_backend **out, struct glint_loop *loop,
		     const struct glint_encoder_config *config, struct glint_encoder *encoder)
{
	struct glint_m2m_backend *m2m = calloc(1, sizeof(*m2m));
	struct glint_v4l2_access *access = config->m2m_access ? config->m2m_access :
								glint_v4l2_kernel();
	int err;

	if (!m2m)
		return -ENOMEM;
	m2m->backend = (struct glint_backend){ .ops = &m2m_ops, .encoder = encoder,
					       .config = config, .loop = loop };
	m2m->listener = task_listener;
	m2m->owner.give = m2m_give;
	m2m->partner.ops = &partner_ops;
	m2m->timer_op.done = glint_m2m_on_timer;
	m2m->started.driver_quality = -1;
	m2m->reason = "";
	glint_pictures_init(&m2m->backend.pictures, encoder, config->pictures);
	err = glint_m2m_thread_create(&m2m->thread, loop, access, &m2m->listener);
	if (err < 0) {
		free(m2m);
		return err;
	}
	*out = &m2m->backend;
	return 0;
}
