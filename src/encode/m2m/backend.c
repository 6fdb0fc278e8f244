/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "encode/m2m/internal.h"

#define UNSUITED                                                                                   \
	"such frames are left to other encoders: the colours would be wrong, or they are JPEGs"
/* The capture's timeout: well below the one after which the capture counts as stuck. */
#define ANSWER_NS	  (500 * GLINT_NSEC_PER_MSEC)
#define STOP_NS		  (200 * GLINT_NSEC_PER_MSEC) /* destroy waits so long for a stuck device */
#define COPIES_TO_WARM_UP 8
#define COPY_LIMIT_NS	  (300 * GLINT_NSEC_PER_MSEC)
#define START_LIMIT_NS	  (500 * GLINT_NSEC_PER_MSEC) /* to find, open and set up, and one job */

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
					  struct glint_encoder_job *job, uint64_t due_ns,
					  uint64_t limit_ns)
{
	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++) {
		struct glint_m2m_task *task = &m2m->tasks[i];

		if (task->src)
			continue;
		*task = (struct glint_m2m_task){
			.src = glint_frame_ref(src),
			.job = job,
			.trial = !job,
			.begin_ns = glint_now_ns(),
			.due_ns = due_ns,
			.limit_ns = limit_ns,
		};
		return task;
	}
	assert(false); /* m2m_has_room() was asked */
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

	assert(task->src && !task->ordered);

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
			      struct glint_encoder_job *job)
{
	const struct glint_encoder_config *config = m2m->backend.config;

	m2m->refused = m2m->refused && src->info.stream == m2m->stream;
	m2m->stream = src->info.stream;
	m2m->state = job ? GLINT_M2M_STARTING : GLINT_M2M_PROBING;
	m2m->probes++;
	(void)task_create(m2m, src, job, START_LIMIT_NS, START_LIMIT_NS);
	m2m->setup = (struct glint_m2m_setup){
		.frame = src,
		.quality = config->quality,
		.half_chroma = config->chroma == GLINT_CHROMA_420,
		.may_import = !m2m->refused,
	};
	glint_m2m_thread_start(m2m->thread, &m2m->setup);
	glint_m2m_watch(m2m);
}

static void m2m_begin_task(struct glint_m2m_backend *m2m, struct glint_encoder_job *job)
{
	uint64_t due_ns = glint_m2m_health_due(&m2m->health);
	uint64_t limit_ns = glint_m2m_health_limit(&m2m->health);
	struct glint_m2m_task *task;

	assert(m2m->state == GLINT_M2M_RUNNING);

	/* The first copies fault in all pages. */
	if (m2m->started.way == GLINT_M2M_WAY_COPY && m2m->health.good < COPIES_TO_WARM_UP)
		due_ns = limit_ns = MAX(limit_ns, COPY_LIMIT_NS);
	task = task_create(m2m, job->src, job, due_ns, limit_ns);

	glint_m2m_watch(m2m);
	task_order(m2m, task);
}

/* --- The quality ---------------------------------------------------------------------------- */

/* The thread has a session, or is about to start one. */
static bool m2m_has_session(const struct glint_m2m_backend *m2m)
{
	return m2m->state == GLINT_M2M_STARTING || m2m->state == GLINT_M2M_PROBING ||
	       m2m->state == GLINT_M2M_RUNNING;
}

static void m2m_tune(struct glint_m2m_backend *m2m, unsigned quality)
{
	assert(!m2m->tune_runs);

	m2m->tune_runs = true;
	m2m->tune_quality = quality;
	glint_m2m_thread_tune(m2m->thread, quality);
}

/* A change that was given up may have reached the device. */
static void m2m_tune_to_config(struct glint_m2m_backend *m2m)
{
	unsigned quality = m2m->backend.config->quality;

	if (m2m_has_session(m2m) && !m2m->tune_runs && m2m->tuned != quality)
		m2m_tune(m2m, quality);
}

/* --- Started ----------------------------------------------------------------------------- */

static void on_started(struct glint_m2m_listener *listener, const struct glint_m2m_started *started)
{
	struct glint_m2m_backend *m2m = container_of(listener, struct glint_m2m_backend, listener);
	bool given_up = m2m->state == GLINT_M2M_STOPPING || m2m->ending;
	struct glint_m2m_task *task = NULL;

	for (unsigned i = 0; i < GLINT_M2M_DEPTH && !task; i++)
		if (m2m->tasks[i].src && !m2m->tasks[i].ordered)
			task = &m2m->tasks[i];
	assert(task); /* a session starts for a task */

	glint_m2m_outputs_retire(m2m->outputs);
	m2m->outputs = started->outputs;
	if (m2m->outputs)
		m2m->outputs->owner = &m2m->owner;
	if (started->err == 0 && !given_up) {
		m2m->started = *started;
		/* A change may have come after the session was ordered. */
		m2m->tuned = m2m->setup.quality;
		m2m_tune_to_config(m2m);
		task_order(m2m, task);
		return;
	}
	if (!given_up && started->err == -ENODEV && !glint_m2m_fit_is_usable(started->found.fit))
		glint_m2m_miss(m2m, &started->found);
	else if (!given_up)
		glint_m2m_quarantine(m2m, started->err);
	task_drop(task); /* never handed to the thread, so no ended() follows */
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

/* NULL: readers hold all packets. */
static struct glint_packet *packet_create(struct glint_m2m_backend *m2m,
					  const struct glint_m2m_ended *ended)
{
	const struct glint_m2m_output *output = &m2m->outputs->items[ended->output];
	struct glint_packet *packet;

	if (glint_m2m_outputs_spare(m2m->outputs))
		return glint_m2m_outputs_lease(m2m->outputs, ended->output, ended->size);
	/* A copy, so that the encoder gets its buffer back at once. */
	packet = glint_packet_pool_copy(&m2m->backend.pool, output->buf.planes[0].map, ended->size);
	glint_m2m_thread_give(m2m->thread, m2m->outputs, ended->output);
	return packet;
}

/* The task is of a session that ended or was replaced. */
static bool is_over(const struct glint_m2m_backend *m2m, const struct glint_m2m_task *task)
{
	return m2m->ending || m2m->state == GLINT_M2M_STOPPING ||
	       task->src->info.stream != m2m->stream;
}

static void task_fail(struct glint_m2m_backend *m2m, struct glint_m2m_task *task, int err)
{
	struct glint_encoder_job *job = task->job;

	if (!is_over(m2m, task)) {
		m2m->refused |= m2m->started.way == GLINT_M2M_WAY_IMPORT &&
				(err == -EFAULT || err == -EINVAL);
		glint_m2m_quarantine(m2m, err);
		return;
	}
	task->job = NULL;
	if (job)
		glint_encoder_return(job);
}

static void on_ended(struct glint_m2m_listener *listener, const struct glint_m2m_ended *ended)
{
	struct glint_m2m_backend *m2m = container_of(listener, struct glint_m2m_backend, listener);
	struct glint_m2m_task *task = ended->cookie, end;
	uint64_t before_ns = m2m->last_end_ns;

	assert(task->src && task->ordered); /* a task ends once */

	m2m->last_end_ns = glint_now_ns();
	if (ended->err < 0) {
		task_fail(m2m, task, ended->err);
		task_drop(task);
		return;
	}
	/* Only a session that runs has a JPEG, and its outputs live until it has stopped. */
	assert(m2m->outputs && ended->output < m2m->outputs->n);
	/* Free the task first: the encoder may hand over the next frame at once. */
	end = *task;
	task->src = NULL;
	/* Measured like the deadline: from the end of the job before. */
	glint_m2m_health_good(&m2m->health, m2m->last_end_ns - MAX(end.ordered_ns, before_ns),
			      m2m->last_end_ns);
	if (!end.trial && m2m->state != GLINT_M2M_STOPPING)
		m2m->seen = true;
	if (!end.job)
		glint_m2m_thread_give(m2m->thread, m2m->outputs, ended->output);
	/* The first job of a session shows that the session works. */
	if (end.src->info.stream == m2m->stream &&
	    (m2m->state == GLINT_M2M_STARTING || m2m->state == GLINT_M2M_PROBING))
		glint_m2m_recovered(m2m);
	glint_m2m_watch(m2m);
	if (end.job) {
		struct glint_packet *packet = packet_create(m2m, ended);

		glint_encoder_finish(end.job, packet, packet ? 0 : -ENOBUFS);
	}
	glint_frame_unref(end.src);
}

/* --- Changes of the quality ------------------------------------------------------------------ */

static void on_tuned(struct glint_m2m_listener *listener, int err, int32_t driver_quality)
{
	struct glint_m2m_backend *m2m = container_of(listener, struct glint_m2m_backend, listener);
	struct glint_prepare *prepare = m2m->prepare;

	assert(m2m->tune_runs);

	m2m->tune_runs = false;
	m2m->prepare = NULL;
	if (err == -ENODEV)
		err = 0; /* the encoder is gone, and the next session has the new quality */
	if (err == 0)
		m2m->tuned = m2m->tune_quality;
	if (driver_quality >= 0)
		m2m->started.driver_quality = driver_quality;
	if (prepare)
		prepare->done(prepare, err);
	else if (err == 0 && !m2m->ending)
		m2m_tune_to_config(m2m);
}

/* Chroma is set up with the session. */
static int m2m_prepare(struct glint_encoder_backend *backend,
		       const struct glint_encoder_config *wanted, struct glint_prepare *prepare,
		       enum glint_holds *holds)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);

	if (!m2m_has_session(m2m))
		return 0;
	if (wanted->chroma != backend->config->chroma)
		glint_holds_raise(holds, GLINT_HOLDS_NEXT_STREAM);
	if (wanted->quality == backend->config->quality)
		return 0;
	if (m2m->tune_runs)
		return -EBUSY;
	m2m->prepare = prepare;
	m2m_tune(m2m, wanted->quality);
	return -EINPROGRESS;
}

static void m2m_apply(struct glint_encoder_backend *backend)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);

	m2m->prepare = NULL;
	m2m_tune_to_config(m2m);
}

static const struct glint_m2m_listener task_listener = {
	.started = on_started,
	.ended = on_ended,
	.stopped = on_stopped,
	.tuned = on_tuned,
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

static void m2m_offer(struct glint_encoder_backend *backend, struct glint_frame *src)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);

	glint_m2m_health_frame(&m2m->health, src->info.complete_ns);
	m2m->unsuited = !suits(m2m, src);
	if (m2m->state != GLINT_M2M_RESTING || m2m->unsuited || glint_m2m_tasks_busy(m2m) > 0)
		return;
	if (m2m->absent && src->info.stream != m2m->stream)
		m2m->state = GLINT_M2M_FRESH; /* the new stream may suit */
	else if (glint_now_ns() >= m2m->retry_ns)
		m2m_begin_session(m2m, src, NULL);
}

static bool m2m_takes(const struct glint_encoder_backend *backend, const struct glint_frame *src)
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
		return src->info.stream == m2m->stream;
	default:
		return false;
	}
}

static bool m2m_has_room(const struct glint_encoder_backend *backend)
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

static void m2m_begin(struct glint_encoder_backend *backend, struct glint_encoder_job *job)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);

	if (m2m->state == GLINT_M2M_FRESH || job->src->info.stream != m2m->stream)
		m2m_begin_session(m2m, job->src, job);
	else
		m2m_begin_task(m2m, job);
}

static void m2m_give(struct glint_m2m_outputs_owner *owner, struct glint_m2m_outputs *outputs,
		     unsigned index)
{
	struct glint_m2m_backend *m2m = container_of(owner, struct glint_m2m_backend, owner);

	glint_m2m_thread_give(m2m->thread, outputs, index);
}

/* --- Requests of the capture, on the capture device's thread ----------------------------- */

static int downstream_formats(struct glint_downstream *downstream, uint32_t width, uint32_t height,
			      uint32_t fourccs[static GLINT_DOWNSTREAM_FORMATS_MAX])
{
	struct glint_m2m_backend *m2m =
		container_of(downstream, struct glint_m2m_backend, downstream);

	static_assert(GLINT_DOWNSTREAM_FORMATS_MAX == GLINT_CODEC_FORMATS_MAX, "");
	return glint_m2m_thread_formats(m2m->thread, width, height, fourccs,
					glint_now_ns() + ANSWER_NS);
}

static int downstream_layout(struct glint_downstream *downstream, const struct glint_format *have,
			     struct glint_format *need)
{
	struct glint_m2m_backend *m2m =
		container_of(downstream, struct glint_m2m_backend, downstream);
	struct glint_m2m_found found;
	int err = glint_m2m_thread_find(m2m->thread, have, &found, glint_now_ns() + ANSWER_NS);

	if (err < 0)
		return err;
	if (!glint_m2m_fit_is_usable(found.fit))
		return -EMEDIUMTYPE;
	*need = found.raw;
	return 0;
}

static int downstream_reads(struct glint_downstream *downstream, const struct glint_format *format,
			    const struct glint_dmabuf *buf)
{
	struct glint_m2m_backend *m2m =
		container_of(downstream, struct glint_m2m_backend, downstream);

	return glint_m2m_thread_reads(m2m->thread, format, buf, glint_now_ns() + ANSWER_NS);
}

static int downstream_lend(struct glint_downstream *downstream, const struct glint_format *format,
			   unsigned n, struct glint_dmabuf *bufs)
{
	struct glint_m2m_backend *m2m =
		container_of(downstream, struct glint_m2m_backend, downstream);

	return glint_m2m_thread_lend(m2m->thread, format, n, bufs, glint_now_ns() + ANSWER_NS);
}

static void downstream_close(struct glint_downstream *downstream)
{
	struct glint_m2m_backend *m2m =
		container_of(downstream, struct glint_m2m_backend, downstream);

	glint_m2m_thread_close_mailbox(m2m->thread);
}

static const struct glint_downstream_ops downstream_ops = {
	.formats = downstream_formats,
	.layout = downstream_layout,
	.reads = downstream_reads,
	.lend = downstream_lend,
	.close = downstream_close,
};

static struct glint_downstream *m2m_downstream(struct glint_encoder_backend *backend)
{
	return &glint_m2m_backend_of(backend)->downstream;
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

static void m2m_device_status(const struct glint_encoder_backend *backend,
			      struct glint_encoder_device_status *status)
{
	const struct glint_m2m_backend *m2m =
		container_of(backend, const struct glint_m2m_backend, backend);

	*status = (struct glint_encoder_device_status){
		.state = state_name(m2m),
		.reason = m2m->unsuited ? UNSUITED : m2m->reason,
		.path = m2m->started.found.path,
		.driver = m2m->started.found.driver,
		.memory = way_name(&m2m->started),
		.driver_quality = m2m->started.driver_quality,
		.faults = m2m->faults,
		.probes = m2m->probes,
		.late = m2m->late,
		.leased = glint_m2m_tasks_busy(m2m),
	};
}

static void m2m_status(const struct glint_encoder_backend *backend,
		       struct glint_encoder_backend_status *status)
{
	const struct glint_m2m_backend *m2m =
		container_of(backend, const struct glint_m2m_backend, backend);

	status->quality = backend->config->quality;
	status->pictures = m2m->outputs ? m2m->outputs->n : 0;
	status->pictures_held = m2m->outputs ? m2m->outputs->held : 0;
}

/* --- Life ------------------------------------------------------------------------------------ */

static bool m2m_wanted(const struct glint_encoder_config *config)
{
	return config->choice != GLINT_ENCODER_CPU;
}

static bool m2m_destroy(struct glint_encoder_backend *backend)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);
	uint64_t deadline_ns = glint_now_ns() + STOP_NS;

	m2m->ending = true;
	glint_alarm_end(&m2m->alarm);
	while (glint_alarm_busy(&m2m->alarm) &&
	       glint_loop_run_once(backend->loop, deadline_ns) == 0)
		;
	if (!glint_m2m_thread_destroy(m2m->thread, deadline_ns))
		return false;
	glint_m2m_outputs_retire(m2m->outputs);
	glint_packet_pool_fini(&m2m->backend.pool);
	free(m2m);
	return true;
}

static int m2m_create(struct glint_encoder_backend **out, struct glint_loop *loop,
		      const struct glint_encoder_config *config, struct glint_encoder *encoder)
{
	struct glint_m2m_backend *m2m = calloc(1, sizeof(*m2m));
	struct glint_v4l2_access *access = config->m2m_access ? config->m2m_access :
								glint_v4l2_kernel();
	int err;

	if (!m2m)
		return -ENOMEM;
	m2m->backend = (struct glint_encoder_backend){
		.ops = &glint_m2m_backend, .encoder = encoder, .config = config, .loop = loop
	};
	m2m->listener = task_listener;
	m2m->owner.give = m2m_give;
	m2m->downstream.ops = &downstream_ops;
	glint_alarm_init(&m2m->alarm, loop, glint_m2m_on_alarm);
	m2m->started.driver_quality = -1;
	m2m->reason = "";
	glint_packet_pool_init(&m2m->backend.pool, encoder, GLINT_CODEC_JPEG, config->packets);
	err = glint_m2m_thread_create(&m2m->thread, loop, access, config->m2m_device,
				      &m2m->listener);
	if (err < 0) {
		free(m2m);
		return err;
	}
	*out = &m2m->backend;
	return 0;
}

const struct glint_encoder_backend_ops glint_m2m_backend = {
	.type = "HW",
	.name = "m2m",
	.wanted = m2m_wanted,
	.create = m2m_create,
	.offer = m2m_offer,
	.takes = m2m_takes,
	.has_room = m2m_has_room,
	.begin = m2m_begin,
	.downstream = m2m_downstream,
	.prepare = m2m_prepare,
	.apply = m2m_apply,
	.status = m2m_status,
	.device_status = m2m_device_status,
	.destroy = m2m_destroy,
};
