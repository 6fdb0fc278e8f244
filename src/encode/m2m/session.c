/* SPDX-License-Identifier: MIT */
#include "encode/m2m/session.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <string.h>

#include "base/macros.h"
#include "jpeg/inspect.h"
#include "v4l2/codec.h"

#define OUTPUTS_WANTED 6 /* four for readers, and two that the encoder writes to */

void glint_m2m_session_init(struct glint_m2m_session *session,
			    struct glint_m2m_negotiation *negotiation,
			    const struct glint_m2m_session_ops *ops, void *ctx)
{
	*session = (struct glint_m2m_session){ .negotiation = negotiation, .ops = ops, .ctx = ctx };
	glint_codec_init(&session->codec);
}

static bool session_is_open(const struct glint_m2m_session *session)
{
	return session->codec.fd >= 0;
}

/* --- Copies -------------------------------------------------------------------- */

/* Bytes of a line of component @i that carry pixels. */
static size_t line_bytes(const struct glint_format *format, const struct glint_component *comp,
			 unsigned i)
{
	const struct glint_format_info *info = format->info;

	if (info->layout == GLINT_LAYOUT_PACKED_YUV)
		return ((size_t)comp->width + 1) / 2 * 4 * glint_format_sample_bytes(info);
	if (info->layout == GLINT_LAYOUT_SEMIPLANAR && i > 0)
		return (size_t)comp->width * 2 * glint_format_sample_bytes(info);
	return (size_t)comp->width * (i == 0 ? info->bytes_per_pixel : 1);
}

static void copy_component(const struct glint_component *to, const struct glint_component *from,
			   size_t bytes)
{
	uint8_t *target = (uint8_t *)to->base;
	const uint8_t *source = from->base;

	for (uint32_t line = 0; line < from->height; line++) {
		memcpy(target, source, bytes);
		target += to->stride;
		source += from->stride;
	}
}

static int session_copy(const struct glint_format *to_format, const struct glint_dmabuf *to,
			const struct glint_format *from_format, const struct glint_dmabuf *from)
{
	struct glint_view target = { 0 }, source = { 0 };
	int err = glint_format_view(to_format, to, &target);

	/* glint_codec_set_formats() refuses what a driver makes smaller. */
	assert(to_format->fourcc == from_format->fourcc && to_format->width >= from_format->width &&
	       to_format->height >= from_format->height);

	if (err == 0)
		err = glint_format_view(from_format, from, &source);
	if (err == 0)
		err = glint_dmabuf_begin_read(from);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < source.n; i++)
		copy_component(&target.comp[i], &source.comp[i],
			       line_bytes(from_format, &source.comp[i], i));
	return glint_dmabuf_end_read(from);
}

/* --- Memory ---------------------------------------------------------------------------- */

/* Errors that concern the memory; any other error is the encoder's failure. */
static bool is_refusal(int err)
{
	return err == -EFAULT || err == -EINVAL || err == -ENOTTY || err == -EOPNOTSUPP ||
	       err == -EBADF;
}

/*
 * Copy what does not change during the stream. The loop writes the offsets of a slot when it
 * takes the slot from the driver, so offsets are read only from the frame under way.
 */
static struct glint_dmabuf memory_of_slot(const struct glint_dmabuf *slot)
{
	struct glint_dmabuf memory = { .memory = slot->memory, .n_planes = slot->n_planes };

	for (unsigned i = 0; i < slot->n_planes; i++) {
		memory.planes[i].fd = slot->planes[i].fd;
		memory.planes[i].size = slot->planes[i].size;
	}
	return memory;
}

/* Give each buffer of the stream a place of its own, which it keeps. */
static int session_import(struct glint_m2m_session *session, const struct glint_frame *frame)
{
	struct glint_dmabuf *slots = frame->buf - frame->slot;
	struct glint_vqueue *raw = &session->codec.raw;
	int n = glint_vqueue_import(raw, frame->n_slots);
	int err = n;

	if (n >= 0)
		err = (unsigned)n < frame->n_slots ? -EINVAL : 0;
	for (unsigned i = 0; i < frame->n_slots && err == 0; i++) {
		struct glint_dmabuf buf = memory_of_slot(&slots[i]);

		err = glint_vqueue_prepare(
			raw, i, &(struct glint_vqueue_entry){ .buf = &buf, .filled = true });
		if (err == -ENOTTY) /* no PREPARE_BUF: the first frame will tell */
			return 0;
	}
	if (err < 0)
		(void)glint_vqueue_free(raw);
	return err;
}

static int session_make_copies(struct glint_m2m_session *session)
{
	struct glint_vqueue *raw = &session->codec.raw;
	int n = glint_vqueue_alloc(raw, GLINT_M2M_JOBS_MAX, NULL), err = 0;

	if (n < 0)
		return n;
	session->n_copies = MIN((unsigned)n, GLINT_M2M_JOBS_MAX + 0u);
	for (unsigned i = 0; i < session->n_copies; i++)
		glint_dmabuf_init(&session->copies[i]);
	for (unsigned i = 0; i < session->n_copies && err == 0; i++)
		err = glint_vqueue_take(raw, i, GLINT_VQUEUE_MAP, &session->copies[i]);
	return err;
}

static bool slots_have_descriptors(const struct glint_frame *frame)
{
	for (unsigned i = 0; i < frame->buf->n_planes; i++)
		if (frame->buf->planes[i].fd < 0)
			return false;
	return frame->info.stream != 0 && frame->n_slots <= GLINT_VQUEUE_BUFFERS_MAX;
}

static int session_choose_way(struct glint_m2m_session *session,
			      const struct glint_m2m_setup *setup)
{
	int err = -EINVAL;

	if (setup->may_import && slots_have_descriptors(setup->frame) &&
	    !glint_codec_layout_differs(setup->frame->format, &session->codec.format))
		err = session_import(session, setup->frame);
	if (err == 0) {
		session->way = GLINT_M2M_WAY_IMPORT;
		return 0;
	}
	if (!is_refusal(err))
		return err;
	session->way = GLINT_M2M_WAY_COPY;
	return session_make_copies(session);
}

/* --- Quality ------------------------------------------------------------------- */

int32_t glint_m2m_quality(unsigned quality, const struct glint_codec_range *range)
{
	int64_t span = (int64_t)range->max - range->min, step = MAX(range->step, 1);
	int64_t above;

	/* glint_codec_control_range() refuses a driver's range that is none. */
	assert(quality >= 1 && quality <= 100 && span >= 0);

	above = ((int64_t)(quality - 1) * span * 2 + (100 - 1)) / (2 * (100 - 1));
	above = (above + step / 2) / step * step;
	if (above > span)
		above = span / step * step;
	return (int32_t)(range->min + above);
}

/* --- Starting --------------------------------------------------------------------------- */

static int session_set_quality(const struct glint_m2m_session *session, unsigned quality,
			       int32_t *driver_quality)
{
	const struct glint_codec *codec = &session->codec;
	uint32_t id = glint_coding_jpeg.quality_cid;
	struct glint_codec_range range;
	int32_t value;
	int err = glint_codec_control_range(codec, id, &range);

	*driver_quality = -1;
	if (err < 0)
		return err;
	value = glint_m2m_quality(quality, &range);
	err = glint_codec_set_control(codec, id, value);
	if (err == 0)
		*driver_quality = value;
	return err;
}

/* Encoders without these controls are fine. */
static void session_set_chroma(const struct glint_m2m_session *session, bool half_chroma)
{
	const struct glint_codec *codec = &session->codec;

	if (half_chroma)
		(void)glint_codec_set_control(codec, V4L2_CID_JPEG_CHROMA_SUBSAMPLING,
					      V4L2_JPEG_CHROMA_SUBSAMPLING_420);
	(void)glint_codec_set_control(codec, V4L2_CID_JPEG_RESTART_INTERVAL, 0);
}

static int session_queue_output(struct glint_m2m_session *session, unsigned index)
{
	int err;

	assert(index < session->outputs->n && !(session->outputs_queued & 1u << index));

	err = glint_vqueue_queue(&session->codec.coded, index, &(struct glint_vqueue_entry){ 0 });
	if (err == 0)
		session->outputs_queued |= 1u << index;
	return err;
}

static int session_stream(struct glint_m2m_session *session)
{
	int err = 0;

	session->outputs_queued = 0;
	for (unsigned i = 0; i < session->outputs->n && err == 0; i++)
		err = session_queue_output(session, i);
	if (err == 0)
		err = glint_vqueue_stream(&session->codec.raw, true);
	if (err == 0)
		err = glint_vqueue_stream(&session->codec.coded, true);
	return err;
}

void glint_m2m_session_start(struct glint_m2m_session *session, const struct glint_m2m_setup *setup,
			     struct glint_m2m_started *started)
{
	int err;

	glint_m2m_session_stop(session);
	*started = (struct glint_m2m_started){ .driver_quality = -1 };
	session->format = *setup->frame->format;
	err = glint_m2m_negotiation_take(session->negotiation, setup->frame->format,
					 &started->found, &session->codec);
	if (err == 0)
		err = glint_codec_set_formats(&session->codec, setup->frame->format);
	if (err < 0)
		goto fail;
	/* An encoder without this control is fine. */
	(void)session_set_quality(session, setup->quality, &started->driver_quality);
	session_set_chroma(session, setup->half_chroma);
	err = session_choose_way(session, setup);
	if (err == 0)
		err = glint_vqueue_alloc(&session->codec.coded, OUTPUTS_WANTED, NULL);
	if (err >= 0)
		err = glint_m2m_outputs_create(&session->outputs, &session->codec.coded);
	if (err == 0)
		err = session_stream(session);
	if (err < 0)
		goto fail;
	started->way = session->way;
	started->memory = setup->frame->buf->memory;
	started->outputs = session->outputs;
	return;

fail:
	started->err = err;
	glint_m2m_outputs_retire(session->outputs);
	glint_m2m_session_stop(session);
}

int glint_m2m_session_tune(struct glint_m2m_session *session, unsigned quality,
			   int32_t *driver_quality)
{
	*driver_quality = -1;
	if (!session_is_open(session))
		return 0;
	return session_set_quality(session, quality, driver_quality);
}

/* --- Jobs ------------------------------------------------------------------------------- */

static void job_end(struct glint_m2m_session *session, struct glint_m2m_job *job, int err)
{
	struct glint_m2m_ended end = job->end;

	assert(job->cookie);

	end.cookie = job->cookie;
	end.err = err;
	job->cookie = NULL;
	session->ops->ended(session->ctx, &end);
}

static bool place_is_taken(const struct glint_m2m_session *session, unsigned place)
{
	for (unsigned i = 0; i < GLINT_M2M_JOBS_MAX; i++)
		if (session->jobs[i].cookie && session->jobs[i].place == place)
			return true;
	return false;
}

/* The buffer's own place, or any free one for a copy. */
static unsigned session_place(const struct glint_m2m_session *session, unsigned slot)
{
	if (session->way == GLINT_M2M_WAY_IMPORT)
		return slot;
	for (unsigned i = 0; i < session->n_copies; i++)
		if (!place_is_taken(session, i))
			return i;
	return GLINT_VQUEUE_BUFFERS_MAX;
}

static int session_queue(struct glint_m2m_session *session, struct glint_m2m_job *job,
			 const struct glint_dmabuf *buf)
{
	struct glint_vqueue_entry entry = { .filled = true, .stamp_us = job->number };
	int err = 0;

	if (session->broken)
		return session->broken;
	if (job->place >= session->codec.raw.n_buffers)
		return -ENOBUFS;
	if (session->way == GLINT_M2M_WAY_IMPORT)
		entry.buf = buf;
	else
		err = session_copy(&session->codec.format, &session->copies[job->place],
				   &session->format, buf);
	return err < 0 ? err : glint_vqueue_queue(&session->codec.raw, job->place, &entry);
}

void glint_m2m_session_encode(struct glint_m2m_session *session, void *cookie, unsigned slot,
			      const struct glint_dmabuf *buf)
{
	struct glint_m2m_job *job = NULL;
	unsigned place = session_place(session, slot);
	int err;

	for (unsigned i = 0; i < GLINT_M2M_JOBS_MAX && !job; i++)
		if (!session->jobs[i].cookie)
			job = &session->jobs[i];
	assert(job); /* the loop has at most GLINT_M2M_DEPTH jobs here, and each ends once */

	*job = (struct glint_m2m_job){ .cookie = cookie,
				       .place = place,
				       .number = ++session->n_begun };
	err = session_is_open(session) ? session_queue(session, job, buf) : -ECANCELED;
	if (err < 0)
		job_end(session, job, err);
}

int glint_m2m_session_fd(const struct glint_m2m_session *session)
{
	for (unsigned i = 0; i < GLINT_M2M_JOBS_MAX; i++)
		if (session->jobs[i].cookie)
			return session->codec.fd;
	return -1;
}

/* --- Endings ------------------------------------------------------------------------------ */

static struct glint_m2m_job *job_at_place(struct glint_m2m_session *session, unsigned place)
{
	for (unsigned i = 0; i < GLINT_M2M_JOBS_MAX; i++)
		if (session->jobs[i].cookie && session->jobs[i].place == place &&
		    !session->jobs[i].read)
			return &session->jobs[i];
	return NULL;
}

/* Find the job by the stamp that the driver copied; the oldest, if the driver copies none. */
static struct glint_m2m_job *job_of_jpeg(struct glint_m2m_session *session, uint64_t stamp)
{
	struct glint_m2m_job *oldest = NULL;

	for (unsigned i = 0; i < GLINT_M2M_JOBS_MAX; i++) {
		struct glint_m2m_job *job = &session->jobs[i];

		if (!job->cookie || job->written)
			continue;
		if (job->number == stamp)
			return job;
		if (!oldest || job->number < oldest->number)
			oldest = job;
	}
	return oldest;
}

static int session_check(const struct glint_m2m_session *session,
			 const struct glint_vqueue_done *done, size_t *size)
{
	const struct glint_plane *plane = &session->outputs->items[done->index].buf.planes[0];
	struct glint_jpeg_info info;
	int err;

	if (done->flags & V4L2_BUF_FLAG_ERROR)
		return -EIO;
	if (done->used[0] > plane->size)
		return -EPROTO;
	err = glint_jpeg_inspect(plane->map, done->used[0], &info);
	if (err < 0)
		return err;
	if (info.width != session->codec.width || info.height != session->codec.height ||
	    !info.has_huffman)
		return -EBADMSG;
	*size = info.size;
	return 0;
}

static int session_take_frame(struct glint_m2m_session *session)
{
	struct glint_vqueue_done done;
	struct glint_m2m_job *job;
	int err = glint_vqueue_dequeue(&session->codec.raw, &done);

	if (err < 0)
		return err;
	job = job_at_place(session, done.index);
	if (!job)
		return -EPROTO; /* the driver did not have that buffer */
	job->read = true;
	if (job->written)
		job_end(session, job, job->end.err);
	return 0;
}

static int session_take_jpeg(struct glint_m2m_session *session)
{
	struct glint_vqueue_done done;
	struct glint_m2m_job *job;
	int err = glint_vqueue_dequeue(&session->codec.coded, &done);

	if (err < 0)
		return err;
	job = job_of_jpeg(session, glint_vqueue_stamp_us(&done));
	if (!job || !(session->outputs_queued & 1u << done.index))
		return -EPROTO; /* no job, or a buffer that the driver did not have */
	session->outputs_queued &= ~(1u << done.index);
	job->written = true;
	job->end.output = done.index;
	job->end.err = session_check(session, &done, &job->end.size);
	if (job->end.err < 0)
		(void)session_queue_output(session, done.index);
	if (job->read)
		job_end(session, job, job->end.err);
	return 0;
}

/* End all jobs, after STREAMOFF has taken their buffers from the driver. */
static void session_end_jobs(struct glint_m2m_session *session, int err)
{
	(void)glint_vqueue_stream(&session->codec.raw, false);
	(void)glint_vqueue_stream(&session->codec.coded, false);
	for (unsigned i = 0; i < GLINT_M2M_JOBS_MAX; i++)
		if (session->jobs[i].cookie)
			job_end(session, &session->jobs[i], err);
}

/* End the jobs under way with @err; later ones fail with it, too. */
static void session_break(struct glint_m2m_session *session, int err)
{
	session->broken = err;
	session_end_jobs(session, err);
}

/* A refused buffer breaks the session: after a few lost buffers every job would wait for ever. */
void glint_m2m_session_give(struct glint_m2m_session *session,
			    const struct glint_m2m_outputs *outputs, unsigned index)
{
	int err;

	if (!session_is_open(session) || outputs != session->outputs)
		return;
	err = session_queue_output(session, index);
	if (err < 0)
		session_break(session, err);
}

static int drain(struct glint_m2m_session *session, int (*take)(struct glint_m2m_session *))
{
	int err = 0;

	for (unsigned i = 0; i <= GLINT_VQUEUE_BUFFERS_MAX && err == 0; i++)
		err = take(session);
	return err;
}

void glint_m2m_session_ready(struct glint_m2m_session *session, bool broken)
{
	uint64_t before = session->n_begun;
	int err = drain(session, session_take_frame);

	if (err == -EAGAIN)
		err = drain(session, session_take_jpeg);
	if (err == -EAGAIN && broken && glint_m2m_session_fd(session) >= 0)
		err = -EIO;
	assert(session->n_begun == before); /* ended() only queues an event */
	if (err < 0 && err != -EAGAIN)
		session_break(session, err);
}

void glint_m2m_session_stop(struct glint_m2m_session *session)
{
	if (session_is_open(session)) {
		session_end_jobs(session, -ECANCELED);
		(void)glint_vqueue_free(&session->codec.raw);
		(void)glint_vqueue_free(&session->codec.coded);
	}
	for (unsigned i = 0; i < session->n_copies; i++)
		glint_dmabuf_fini(&session->copies[i]);
	session->n_copies = 0;
	glint_codec_close(&session->codec);
	session->outputs = NULL;
	session->broken = 0;
	session->way = GLINT_M2M_WAY_NONE;
}
