/* SPDX-License-Identifier: MIT */
#include "encode/encoder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/frame.h"
#include "core/loop.h"
#include "core/picture.h"
#include "encode/backend.h"
#include "encode/m2m/backend.h"
#include "encode/pace.h"

static const struct glint_log_topic topic = { "encode" };

#define BACKENDS_MAX 4

#define IDLE_NS	    (5 * GLINT_NSEC_PER_SEC)	/* a picture that nobody needed for so long goes */
#define TRIM_GAP_NS (5 * GLINT_NSEC_PER_MSEC)	/* between two that go: each may take half a ms */

/*
 * A backend may do several at once, two of them with a slow one in front; what is done
 * waits its turn. One more place than all that can be under way.
 */
#define WORKS_MAX 8

struct glint_encoder {
	struct glint_loop *loop;
	struct glint_encoder_config config;
	struct glint_fanout *source;
	struct glint_sink sink;			/* in @source, while somebody wants pictures */
	struct glint_fanout pictures;
	struct glint_backend *backends[BACKENDS_MAX];	/* the first that takes a frame gets it */
	unsigned n_backends;
	struct glint_backend *m2m;		/* one of them, or NULL */
	struct glint_backend *current;		/* that had the last frame, or the first of all */

	struct glint_work works[WORKS_MAX];	/* free without a frame */
	struct glint_list line;			/* those with one, in capture order */
	bool running;				/* encoder_run() is under way */
	struct glint_pace pace;
	struct glint_op trim_op;		/* timer, while a pool has pictures */
	bool ending;

	uint64_t encoded, failed, skipped, bytes;
	size_t last_size;
	bool failure_told;			/* one line a series of failures */
	struct glint_rate rate;
	struct glint_histogram wait, encode;
};

/* --- The line ---------------------------------------------------------------------- */

/* @frame gets a reference. NULL: the line is full. */
static struct glint_work *work_create(struct glint_encoder *encoder, struct glint_frame *frame)
{
	for (unsigned i = 0; i < WORKS_MAX; i++) {
		struct glint_work *work = &encoder->works[i];

		if (work->src)
			continue;
		*work = (struct glint_work){ .encoder = encoder, .src = glint_frame_ref(frame) };
		glint_list_append(&encoder->line, &work->link);
		return work;
	}
	return NULL;
}

static void work_destroy(struct glint_work *work)
{
	struct glint_frame *src = work->src;

	glint_list_remove(&work->link);
	work->src = NULL;
	glint_frame_unref(src);
}

static bool work_waits(const struct glint_work *work)
{
	return !work->backend && !work->finished;
}

/* Newest first: what has not begun when a newer frame comes would be late. */
static void encoder_drop_waiting(struct glint_encoder *encoder)
{
	struct glint_work *work;

	glint_list_for_each(work, &encoder->line, link) {
		if (!work_waits(work))
			continue;
		encoder->skipped++;
		work_destroy(work);
	}
}

/* --- Endings ------------------------------------------------------------------------ */

static void picture_take_facts(struct glint_picture *picture, const struct glint_frame *src)
{
	picture->frame.stream = src->stream;
	picture->frame.seq = src->seq;
	picture->frame.capture_ns = src->capture_ns;
	picture->frame.clock = src->clock;
	picture->frame.exposure_ns = src->exposure_ns;
	picture->frame.complete_ns = src->complete_ns;
	picture->frame.dequeue_ns = src->dequeue_ns;
}

static void encoder_deliver(struct glint_encoder *encoder, const struct glint_work *work)
{
	struct glint_picture *picture = work->picture;

	assert(work->src);

	picture_take_facts(picture, work->src);
	picture->encode_begin_ns = work->begin_ns;
	picture->encode_end_ns = glint_now_ns();
	glint_histogram_add(&encoder->encode, picture->encode_end_ns - picture->encode_begin_ns);
	glint_rate_add(&encoder->rate, picture->encode_end_ns);
	encoder->encoded++;
	encoder->bytes += picture->size;
	encoder->last_size = picture->size;
	encoder->failure_told = false;
	if (glint_fanout_push(&encoder->pictures, &picture->frame) > 0)
		work->src->outcome = GLINT_OUTCOME_DELIVERED;
	glint_picture_unref(picture);
}

static void encoder_fail(struct glint_encoder *encoder, const struct glint_work *work)
{
	assert(work->src);

	if (work->err == -ENOBUFS) {
		encoder->skipped++;	/* readers are slow; the frame is SKIPPED as it is */
		return;
	}
	encoder->failed++;
	work->src->outcome = work->err == -EBADMSG ? GLINT_OUTCOME_CORRUPT : GLINT_OUTCOME_FAILED;
	if (!encoder->failure_told)
		glint_log_err(&topic, work->err, "cannot encode frame %u", work->src->seq);
	encoder->failure_told = true;
}

/* Pictures leave in capture order, each as soon as all before it have. */
static void encoder_settle(struct glint_encoder *encoder)
{
	struct glint_work *work;

	while ((work = glint_list_first(&encoder->line, struct glint_work, link)) &&
	       work->finished) {
		if (work->picture)
			encoder_deliver(encoder, work);
		else
			encoder_fail(encoder, work);
		work_destroy(work);
	}
}

/* --- Beginnings ------------------------------------------------------------------------ */

/* From the one at @first on. */
static struct glint_backend *encoder_choose(struct glint_encoder *encoder,
					    const struct glint_frame *frame, unsigned first)
{
	for (unsigned i = first; i < encoder->n_backends; i++)
		if (encoder->backends[i]->ops->takes(encoder->backends[i], frame))
			return encoder->backends[i];
	return NULL;
}

static void work_begin(struct glint_work *work, struct glint_backend *backend)
{
	struct glint_encoder *encoder = work->encoder;

	assert(work->src);

	if (!work->begin_ns) {	/* else another backend has returned it */
		work->begin_ns = glint_now_ns();
		glint_histogram_add(&encoder->wait, work->begin_ns - work->src->complete_ns);
	}
	encoder->current = backend;
	work->backend = backend;
	backend->ops->begin(backend, work);
}

static struct glint_work *encoder_first_waiting(struct glint_encoder *encoder)
{
	struct glint_list *node;

	for (node = encoder->line.next; node && node != &encoder->line; node = node->next) {
		struct glint_work *work = glint_list_entry(node, struct glint_work, link);

		if (work_waits(work))
			return work;
	}
	return NULL;
}

/* The oldest that waits, if somebody has room for it. */
static bool encoder_begin_next(struct glint_encoder *encoder)
{
	struct glint_work *work = encoder_first_waiting(encoder);
	struct glint_backend *backend;

	if (!work)
		return false;
	backend = encoder_choose(encoder, work->src, work->first);
	if (!backend) {
		work->finished = true;
		work->err = -ENOTSUP;
		return true;
	}
	if (!backend->ops->room(backend))
		return false;
	work_begin(work, backend);
	return true;
}

/* A backend may end a frame from within its beginning: that is for the loop here. */
static void encoder_run(struct glint_encoder *encoder)
{
	if (encoder->running)
		return;
	encoder->running = true;
	do
		encoder_settle(encoder);
	while (encoder_begin_next(encoder));
	encoder->running = false;
}

void glint_encoder_finish(struct glint_work *work, struct glint_picture *picture, int err)
{
	assert(work->src && work->backend && !work->finished && (picture || err < 0));

	work->finished = true;
	work->picture = picture;
	work->err = err;
	encoder_run(work->encoder);
}

void glint_encoder_return(struct glint_work *work)
{
	assert(work->src && work->backend && !work->finished);

	work->backend = NULL;
	encoder_run(work->encoder);
}

bool glint_encoder_pass_on(struct glint_work *work)
{
	struct glint_encoder *encoder = work->encoder;
	unsigned next = 1;

	assert(work->src && work->backend && !work->finished);

	while (encoder->backends[next - 1] != work->backend)
		next++;
	if (!encoder_choose(encoder, work->src, next))
		return false;
	work->first = next;
	work->backend = NULL;
	encoder_run(encoder);
	return true;
}

void glint_encoder_continue(struct glint_encoder *encoder)
{
	encoder_run(encoder);
}

static bool encoder_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	struct glint_encoder *encoder = container_of(sink, struct glint_encoder, sink);

	if (!glint_fanout_wants(&encoder->pictures, frame))
		return false;
	if (!glint_pace_take(&encoder->pace, frame->complete_ns))
		return false;
	for (unsigned i = 0; i < encoder->n_backends; i++)
		if (encoder->backends[i]->ops->offer)
			encoder->backends[i]->ops->offer(encoder->backends[i], frame);
	encoder_drop_waiting(encoder);
	if (!work_create(encoder, frame)) {
		encoder->skipped++;
		return false;
	}
	encoder_run(encoder);
	return true;
}

static void encoder_on_demand(struct glint_fanout *fanout, bool wanted)
{
	struct glint_encoder *encoder = container_of(fanout, struct glint_encoder, pictures);

	if (wanted) {
		encoder->pace = (struct glint_pace){ .fps = encoder->config.desired_fps };
		glint_fanout_attach(encoder->source, &encoder->sink);
		return;
	}
	glint_fanout_detach(encoder->source, &encoder->sink);
	encoder_drop_waiting(encoder);
}

/* --- Giving memory back ------------------------------------------------------------- */

static void encoder_trim_at(struct glint_encoder *encoder, uint64_t from_now_ns)
{
	if (!encoder->ending && !glint_op_busy(&encoder->trim_op))
		glint_loop_timer(encoder->loop, &encoder->trim_op, glint_now_ns() + from_now_ns);
}

void glint_encoder_trim_later(struct glint_encoder *encoder)
{
	encoder_trim_at(encoder, IDLE_NS);
}

static void encoder_on_trim(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_encoder *encoder = container_of(op, struct glint_encoder, trim_op);
	enum glint_pictures_rest rest = GLINT_PICTURES_NONE;

	(void)flags;
	if (encoder->ending)
		return;
	for (unsigned i = 0; i < encoder->n_backends && res == 0; i++)
		rest = MAX(rest, glint_pictures_trim(&encoder->backends[i]->pictures));
	/* A timer that could not be had (-ENOMEM) is tried again. */
	if (rest == GLINT_PICTURES_SPARE)
		encoder_trim_at(encoder, TRIM_GAP_NS);
	else if (rest == GLINT_PICTURES_SOME || res < 0)
		encoder_trim_at(encoder, IDLE_NS);
}

/* --- Life -------------------------------------------------------------------------- */

typedef int backend_create_fn(struct glint_backend **, struct glint_loop *,
			      const struct glint_encoder_config *, struct glint_encoder *);

static int encoder_add_backend(struct glint_encoder *encoder, backend_create_fn *create)
{
	int err = create(&encoder->backends[encoder->n_backends], encoder->loop, &encoder->config,
			 encoder);

	encoder->n_backends += err == 0;
	return err;
}

/* In the order in which they are asked. */
static int encoder_add_backends(struct glint_encoder *encoder)
{
	int err = encoder_add_backend(encoder, glint_passthrough_create);

	if (err == 0 && encoder->config.choice != GLINT_ENCODER_CPU) {
		err = encoder_add_backend(encoder, glint_m2m_create);
		encoder->m2m = err == 0 ? encoder->backends[encoder->n_backends - 1] : NULL;
	}
	if (err == 0 && IS_ENABLED(CONFIG_ENCODE_CPU))
		err = encoder_add_backend(encoder, glint_cpu_create);
	return err;
}

static bool encoder_destroy_backends(struct glint_encoder *encoder)
{
	bool clean = true;

	while (encoder->n_backends > 0) {
		struct glint_backend *backend = encoder->backends[--encoder->n_backends];

		clean = backend->ops->destroy(backend) && clean;
	}
	return clean;
}

int glint_encoder_create(struct glint_encoder **out, struct glint_loop *loop,
			 struct glint_fanout *source, const struct glint_encoder_config *config)
{
	struct glint_encoder *encoder = calloc(1, sizeof(*encoder));
	int err;

	if (!encoder)
		return -ENOMEM;
	encoder->loop = loop;
	encoder->config = *config;
	encoder->source = source;
	encoder->sink.push = encoder_on_frame;
	encoder->trim_op.done = encoder_on_trim;
	glint_list_init(&encoder->sink.link);
	glint_list_init(&encoder->line);
	glint_fanout_init(&encoder->pictures, encoder_on_demand);

	err = encoder_add_backends(encoder);
	if (err < 0) {
		(void)encoder_destroy_backends(encoder);
		free(encoder);
		return err;
	}
	/* Before the first frame: who is there in any case. */
	encoder->current = encoder->backends[encoder->n_backends - 1];
	*out = encoder;
	return 0;
}

bool glint_encoder_destroy(struct glint_encoder *encoder)
{
	bool clean;

	if (!encoder)
		return true;
	glint_fanout_detach(encoder->source, &encoder->sink);
	encoder_drop_waiting(encoder);
	encoder->ending = true;
	glint_loop_cancel(encoder->loop, &encoder->trim_op);
	while ((!glint_list_empty(&encoder->line) || glint_op_busy(&encoder->trim_op)) &&
	       glint_loop_run_once(encoder->loop, UINT64_MAX) == 0)
		;
	clean = encoder_destroy_backends(encoder);
	if (clean)	/* else a stuck thread may still come back to it */
		free(encoder);
	return clean;
}

struct glint_partner *glint_encoder_partner(struct glint_encoder *encoder)
{
	return encoder->m2m ? glint_m2m_partner(encoder->m2m) : NULL;
}

void glint_encoder_close_partner(struct glint_encoder *encoder)
{
	if (encoder->m2m)
		glint_m2m_close_partner(encoder->m2m);
}

struct glint_fanout *glint_encoder_pictures(struct glint_encoder *encoder)
{
	return &encoder->pictures;
}

void glint_encoder_status(const struct glint_encoder *encoder, struct glint_encoder_status *status)
{
	const struct glint_backend *backend = encoder->current;

	*status = (struct glint_encoder_status){
		.type = backend->ops->type,
		.name = backend->ops->name,
		.encoded = encoder->encoded,
		.failed = encoder->failed,
		.skipped = encoder->skipped,
		.bytes = encoder->bytes,
		.last_size = encoder->last_size,
		.rate_millihz = glint_rate_millihz(&encoder->rate, glint_now_ns()),
		.wait = encoder->wait,
		.encode = encoder->encode,
	};
	for (unsigned i = 0; i < encoder->n_backends; i++) {
		const struct glint_pictures *pool = &encoder->backends[i]->pictures;

		status->copies += encoder->backends[i]->copies;
		status->pictures += pool->made;
		status->pictures_held += pool->held;
		status->pictures_bytes += pool->bytes;
	}
	backend->ops->status(backend, status);
	status->m2m.state = status->m2m.reason = status->m2m.path = status->m2m.driver =
		status->m2m.memory = "";
	if (encoder->m2m)
		glint_m2m_status(encoder->m2m, status);
}
