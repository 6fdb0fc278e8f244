/* SPDX-License-Identifier: MIT */
#include "encode/m2m_session.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "base/cleanup.h"
#include "encode/jpeg.h"
#include "encode/m2m_copy.h"
#include "encode/m2m_quality.h"

#define OUTPUTS_WANTED 6	/* four with readers, and two for the encoder to write to */

void glint_m2m_session_init(struct glint_m2m_session *session, struct glint_v4l2_access *access,
			    const struct glint_m2m_session_ops *ops, void *ctx)
{
	*session = (struct glint_m2m_session){ .access = access, .ops = ops, .ctx = ctx };
	glint_m2m_init(&session->m2m);
}

static bool session_is_open(const struct glint_m2m_session *session)
{
	return session->m2m.fd >= 0;
}

/* --- Memory ---------------------------------------------------------------------------- */

/* The memory itself cannot be read; anything else is the encoder's own trouble. */
static bool is_refusal(int err)
{
	return err == -EFAULT || err == -EINVAL || err == -ENOTTY || err == -EOPNOTSUPP ||
	       err == -EBADF;
}

/* A place for each buffer of the stream, so that buffer and place stay together. */
static int session_import(struct glint_m2m_session *session, const struct glint_frame *frame)
{
	struct glint_dmabuf *slots = frame->buf - frame->slot;
	int n = glint_m2m_alloc(&session->m2m, GLINT_M2M_RAW, frame->n_slots, true);
	int err = n;

	if (n >= 0)
		err = (unsigned)n < frame->n_slots ? -EINVAL : 0;
	for (unsigned i = 0; i < frame->n_slots && err == 0; i++) {
		err = glint_m2m_attach(&session->m2m, i, &slots[i]);
		if (err == -ENOTTY)	/* no PREPARE_BUF: the first frame will tell */
			return 0;
	}
	if (err < 0)
		(void)glint_m2m_free(&session->m2m, GLINT_M2M_RAW);
	return err;
}

static int session_make_copies(struct glint_m2m_session *session)
{
	int n = glint_m2m_alloc(&session->m2m, GLINT_M2M_RAW, GLINT_M2M_JOBS_MAX, false), err = 0;

	if (n < 0)
		return n;
	session->n_copies = MIN((unsigned)n, GLINT_M2M_JOBS_MAX + 0u);
	for (unsigned i = 0; i < session->n_copies; i++)
		glint_dmabuf_init(&session->copies[i]);
	for (unsigned i = 0; i < session->n_copies && err == 0; i++)
		err = glint_m2m_map(&session->m2m, GLINT_M2M_RAW, i, &session->copies[i]);
	return err;
}

static void session_free_copies(struct glint_m2m_session *session)
{
	for (unsigned i = 0; i < session->n_copies; i++)
		glint_dmabuf_fini(&session->copies[i]);
	session->n_copies = 0;
}

static bool slots_have_descriptors(const struct glint_frame *frame)
{
	for (unsigned i = 0; i < frame->buf->n_planes; i++)
		if (frame->buf->planes[i].fd < 0)
			return false;
	return frame->stream != 0 && frame->n_slots <= GLINT_M2M_BUFFERS_MAX;
}

static int session_choose_way(struct glint_m2m_session *session,
			      const struct glint_m2m_setup *setup)
{
	int err = -EINVAL;

	if (setup->may_import && slots_have_descriptors(setup->frame) &&
	    !glint_m2m_layout_differs(setup->frame->format, &session->m2m.raw))
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

/* --- Starting --------------------------------------------------------------------------- */

static int32_t session_set_quality(const struct glint_m2m_session *session, unsigned quality)
{
	struct glint_m2m_range range;
	int32_t value;

	if (glint_m2m_quality_range(&session->m2m, &range) < 0)
		return -1;
	value = glint_m2m_quality(quality, &range);
	return glint_m2m_set_quality(&session->m2m, value) < 0 ? -1 : value;
}

static int session_open(struct glint_m2m_session *session, const struct glint_m2m_setup *setup,
			struct glint_m2m_found *found)
{
	int err;

	glint_m2m_find(session->access, setup->device, setup->frame->format, found);
	if (!glint_m2m_fit_is_usable(found->fit))
		return found->fit == GLINT_M2M_FAILS ? -EIO : -ENODEV;
	err = glint_m2m_open(&session->m2m, session->access, found->path);
	if (err == 0)
		err = glint_m2m_set_formats(&session->m2m, setup->frame->format);
	return err;
}

static int session_make_outputs(struct glint_m2m_session *session)
{
	int err = glint_m2m_alloc(&session->m2m, GLINT_M2M_JPEG, OUTPUTS_WANTED, false);

	return err < 0 ? err : glint_m2m_outputs_create(&session->outputs, &session->m2m);
}

static int session_stream(struct glint_m2m_session *session)
{
	int err = 0;

	for (unsigned i = 0; i < session->outputs->n && err == 0; i++)
		err = glint_m2m_queue_jpeg(&session->m2m, i);
	if (err == 0)
		err = glint_m2m_stream(&session->m2m, GLINT_M2M_RAW, true);
	if (err == 0)
		err = glint_m2m_stream(&session->m2m, GLINT_M2M_JPEG, true);
	return err;
}

void glint_m2m_session_start(struct glint_m2m_session *session, const struct glint_m2m_setup *setup,
			     struct glint_m2m_started *started)
{
	int err;

	glint_m2m_session_stop(session);
	*started = (struct glint_m2m_started){ .driver_quality = -1 };
	session->format = *setup->frame->format;
	err = session_open(session, setup, &started->found);
	if (err < 0)
		goto fail;
	started->driver_quality = session_set_quality(session, setup->quality);
	glint_m2m_set_chroma(&session->m2m, setup->half_chroma);
	err = session_choose_way(session, setup);
	if (err == 0)
		err = session_make_outputs(session);
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

/* --- Jobs ------------------------------------------------------------------------------- */

static void job_end(struct glint_m2m_session *session, struct glint_m2m_job *job, int err)
{
	struct glint_m2m_ended end = job->end;

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

/* The buffer's own place, or any for a copy. */
static unsigned session_place(const struct glint_m2m_session *session, unsigned slot)
{
	if (session->way == GLINT_M2M_WAY_IMPORT)
		return slot;
	for (unsigned i = 0; i < session->n_copies; i++)
		if (!place_is_taken(session, i))
			return i;
	return GLINT_M2M_BUFFERS_MAX;
}

static int session_queue(struct glint_m2m_session *session, struct glint_m2m_job *job,
			 const struct glint_dmabuf *buf)
{
	int err = 0;

	if (session->broken)
		return session->broken;
	if (job->place >= session->m2m.n[GLINT_M2M_RAW])
		return -ENOBUFS;
	if (session->way == GLINT_M2M_WAY_COPY)
		err = glint_m2m_copy(&session->m2m.raw, &session->copies[job->place],
				     &session->format, buf);
	if (err < 0)
		return err;
	return glint_m2m_queue_raw(&session->m2m, job->place,
				   session->way == GLINT_M2M_WAY_IMPORT ? buf : NULL, job->number);
}

static struct glint_m2m_job *session_free_job(struct glint_m2m_session *session)
{
	for (unsigned i = 0; i < GLINT_M2M_JOBS_MAX; i++)
		if (!session->jobs[i].cookie)
			return &session->jobs[i];
	return NULL;
}

void glint_m2m_session_encode(struct glint_m2m_session *session, void *cookie, unsigned slot,
			      const struct glint_dmabuf *buf)
{
	struct glint_m2m_job *job = session_free_job(session);
	unsigned place = session_place(session, slot);
	int err;

	assert(job);	/* whoever asks counts them */

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
			return session->m2m.fd;
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

/* By the stamp that it brings along; of drivers that carry none, the oldest. */
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

static int session_check(const struct glint_m2m_session *session, const struct glint_m2m_done *done,
			 size_t *size)
{
	const struct glint_plane *plane = &session->outputs->items[done->index].buf.planes[0];
	struct glint_jpeg_info info;
	int err;

	if (done->error)
		return -EIO;
	if (done->used > plane->size)
		return -EPROTO;
	err = glint_jpeg_inspect(plane->map, done->used, &info);
	if (err < 0)
		return err;
	if (info.width != session->m2m.width || info.height != session->m2m.height ||
	    !info.has_huffman)
		return -EBADMSG;
	*size = info.size;
	return 0;
}

static int session_take_frame(struct glint_m2m_session *session)
{
	struct glint_m2m_done done;
	struct glint_m2m_job *job;
	int err = glint_m2m_dequeue(&session->m2m, GLINT_M2M_RAW, &done);

	if (err < 0)
		return err;
	job = job_at_place(session, done.index);
	if (!job)
		return -EPROTO;	/* it did not have that one */
	job->read = true;
	if (job->written)
		job_end(session, job, job->end.err);
	return 0;
}

static int session_take_jpeg(struct glint_m2m_session *session)
{
	struct glint_m2m_done done;
	struct glint_m2m_job *job;
	int err = glint_m2m_dequeue(&session->m2m, GLINT_M2M_JPEG, &done);

	if (err < 0)
		return err;
	job = job_of_jpeg(session, done.stamp);
	if (!job || done.index >= session->outputs->n)
		return -EPROTO;
	job->written = true;
	job->end.output = done.index;
	job->end.err = session_check(session, &done, &job->end.size);
	if (job->end.err < 0)
		(void)glint_m2m_queue_jpeg(&session->m2m, done.index);
	if (job->read)
		job_end(session, job, job->end.err);
	return 0;
}

/* Ends all jobs: first the device lets go of their frames. */
static void session_end_jobs(struct glint_m2m_session *session, int err)
{
	(void)glint_m2m_stream(&session->m2m, GLINT_M2M_RAW, false);
	(void)glint_m2m_stream(&session->m2m, GLINT_M2M_JPEG, false);
	for (unsigned i = 0; i < GLINT_M2M_JOBS_MAX; i++)
		if (session->jobs[i].cookie)
			job_end(session, &session->jobs[i], err);
}

/* What is under way ends with @err, or else the next one does. */
static void session_break(struct glint_m2m_session *session, int err)
{
	session->broken = err;
	session_end_jobs(session, err);
}

/* A buffer that the driver does not take back is lost, and after a few of them all would wait. */
void glint_m2m_session_give(struct glint_m2m_session *session,
			    const struct glint_m2m_outputs *outputs, unsigned index)
{
	int err;

	if (!session_is_open(session) || outputs != session->outputs)
		return;
	err = glint_m2m_queue_jpeg(&session->m2m, index);
	if (err < 0)
		session_break(session, err);
}

static int drain(struct glint_m2m_session *session, int (*take)(struct glint_m2m_session *))
{
	int err = 0;

	for (unsigned i = 0; i <= GLINT_M2M_BUFFERS_MAX && err == 0; i++)
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
	assert(session->n_begun == before);
	if (err < 0 && err != -EAGAIN)
		session_break(session, err);
}

void glint_m2m_session_stop(struct glint_m2m_session *session)
{
	if (session_is_open(session)) {
		session_end_jobs(session, -ECANCELED);
		(void)glint_m2m_free(&session->m2m, GLINT_M2M_RAW);
		(void)glint_m2m_free(&session->m2m, GLINT_M2M_JPEG);
	}
	session_free_copies(session);
	glint_m2m_close(&session->m2m);
	session->outputs = NULL;
	session->broken = 0;
	session->way = GLINT_M2M_WAY_NONE;
}
