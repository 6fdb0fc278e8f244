/* SPDX-License-Identifier: MIT */
#include "encode/m2m.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "encode/m2m_internal.h"

#define UNSUITED "not for such frames: their colours would be wrong, or they are JPEGs"
#define ANSWER_NS (500 * GLINT_NSEC_PER_MSEC)	/* most that the capture waits for; several times less than
						 * what makes it count as stuck */
#define STOP_NS (200 * GLINT_NSEC_PER_MSEC)	/* for a stuck device, at the end */

/* --- What it does ----------------------------------------------------------------------- */

/* JPEG's colours are BT.601 in full range; the hardware takes the values as they are. */
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
	return m2m->backend.config->choice == GLINT_ENCODER_M2M || colours_are_right(src->format);
}

static void m2m_offer(struct glint_backend *backend, struct glint_frame *src)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);

	glint_m2m_health_frame(&m2m->health, src->complete_ns);
	m2m->unsuited = !suits(m2m, src);
	if (m2m->state != GLINT_M2M_RESTING || m2m->unsuited || glint_m2m_tasks_busy(m2m) > 0)
		return;
	if (m2m->absent && src->stream != m2m->stream)
		m2m->state = GLINT_M2M_FRESH;	/* another format, another chance */
	else if (glint_now_ns() >= m2m->retry_ns)
		glint_m2m_begin_session(m2m, src, NULL);
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
		return !glint_m2m_is_late(m2m);
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
	/* A second one must not be one of the driver's last two buffers. */
	return busy == 0 || !config->spare || config->spare(config->spare_ctx) > 0;
}

static void m2m_begin(struct glint_backend *backend, struct glint_work *work)
{
	struct glint_m2m_backend *m2m = glint_m2m_backend_of(backend);

	if (m2m->state == GLINT_M2M_FRESH || work->src->stream != m2m->stream)
		glint_m2m_begin_session(m2m, work->src, work);
	else
		glint_m2m_begin_task(m2m, work);
}

static void m2m_give(struct glint_m2m_outputs_owner *owner, struct glint_m2m_outputs *outputs,
		     unsigned index)
{
	struct glint_m2m_backend *m2m = container_of(owner, struct glint_m2m_backend, owner);

	glint_m2m_thread_give(m2m->thread, outputs, index);
}

/* --- What the capture asks, on its device's thread ------------------------------------------- */

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
	glint_m2m_thread_close_questions(glint_m2m_backend_of(backend)->thread);
}

/* --- What it says ------------------------------------------------------------------------- */

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
	m2m->listener = glint_m2m_task_listener;
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
