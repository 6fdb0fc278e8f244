/* SPDX-License-Identifier: MIT */
#include "judge/judge.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "convert/convert.h"
#include "core/alarm.h"
#include "core/fanout.h"
#include "core/report.h"
#include "core/stats.h"
#include "core/upcall.h"
#include "core/workers.h"
#include "judge/cover.h"
#include "judge/meter.h"
#include "mem/dmabuf.h"
#include "pixels/picture.h"
#include "pixels/pixels.h"

static const struct glint_log_topic topic = { "judge" };

struct judged;
struct reading;

/* One condition of a wait. */
struct watch {
	struct glint_list link; /* in its meter, if it needs one */
	struct judged *judged;
	struct glint_meter *meter; /* NULL: the source's state decides, or not decoded yet */
	struct reading *reading;   /* match: until the reference is decoded */
	struct glint_machine machine;
};

/* A wait under way. */
struct judged {
	struct glint_wait *wait;
	bool changed;	   /* a condition has changed since the last judge_evaluate() */
	bool needs_frames; /* counted in n_need_frames */
	unsigned n;
	struct watch watches[];
};

/* A reference picture from a client, before it is a meter's. */
struct reading {
	struct glint_list link; /* of those that are not being decoded yet */
	struct glint_job job;
	struct glint_judge *judge;
	struct watch *watch;	     /* NULL: the wait has ended */
	struct glint_condition what; /* with the bytes */
	struct glint_match *match;   /* the result */
	int err;
};

#define IDLE_NS (5 * GLINT_NSEC_PER_SEC) /* without waits, before the memory for frames is freed */

/* The frame that is being judged, and two that meters compare with. */
#define PLATES 3u

#define WORKERS_MAX 4u
#define LANES_MAX   (WORKERS_MAX + 1) /* of the workers and the loop's thread */
#define PART_BYTES  (256u << 10)      /* of pixels that are worth a part of their own */
#define END_WORK    (256u << 10) /* pixels that the loop's thread may read after the last part */

/* A kind of pixels at one scale, read once for all meters. Lines and columns are reduced ones. */
struct canvas {
	enum glint_pixels_kind kind;
	unsigned scale;
	unsigned bytes;		   /* a pixel */
	struct glint_plate *plate; /* of the frame that is being judged; NULL: no meter needs it */
	struct glint_plate plates[PLATES];
	struct glint_distances distances[LANES_MAX][PLATES]; /* of grey */
	bool fresh; /* the plates' pages were not touched yet */
	struct glint_cover cover;
};

enum { CANVAS_GREY, CANVAS_BGR, CANVAS_KINDS };

#define SCALES	 4u /* 1, 2, 4, 8 */
#define CANVASES (CANVAS_KINDS * SCALES)

struct glint_judge {
	struct glint_loop *loop;
	struct glint_judge_config config;
	struct glint_fanout *frames;
	struct glint_sink sink;
	struct glint_workers *workers; /* NULL before the first wait */
	const struct glint_judge_kernels *kernels;
	struct glint_alarm alarm; /* the next timeout of a wait */
	struct glint_alarm idle;  /* frees the memory for frames */
	struct glint_deferred settle;

	struct glint_workers *readers; /* one thread; NULL: no reference was decoded yet */
	struct glint_list readings;    /* waiting for the thread */
	struct reading *reading;       /* being decoded; or NULL */

	struct glint_list waits;	 /* pending */
	struct glint_list ended;	 /* waits whose done() is to be called */
	unsigned n_waits, n_need_frames; /* pending; of these, how many need frames */

	struct glint_list joining; /* meters that have judged no frame yet */
	struct glint_list meters;  /* in use; do not change while a frame is being judged */
	uint32_t width, height;	   /* of the pictures that the meters are placed for */
	struct canvas *canvases;   /* CANVASES of them; NULL before the first wait */
	unsigned n_lanes;
	uint64_t *scratch;    /* of one lane behind the other */
	bool cover_stale;     /* meters have come, moved, or lost their last watch */
	uint32_t top, bottom; /* the lines that any meter needs */
	size_t cover_bytes;   /* of all pixels that are read of a frame */
	uint64_t end_work;    /* of all meters, see glint_meter_end_work() */
	size_t bytes;	      /* of all meters, and of pictures before they are decoded */

	struct glint_frame *frame;	   /* being judged; NULL: none */
	struct glint_pixels_rules rules;   /* for reading @frame */
	struct glint_convert *convert;	   /* of a format that glint cannot read; or NULL */
	struct glint_format converts;	   /* what @convert takes */
	struct glint_pixels_source source; /* of @frame */
	/* The frame is prepared on a worker if that takes long; then its parts are judged. */
	struct glint_job prepare, parts;
	unsigned n_parts;
	atomic_uint parts_left;
	atomic_uint free_lanes; /* a bit each */
	atomic_int job_err;	/* of any part */
	struct glint_frame *queue[GLINT_JUDGE_QUEUE];
	unsigned n_queue;

	uint64_t n_frames; /* that were read */
	uint64_t begun, met, timed_out, refused, cancelled;
	uint64_t judged, missed, failed; /* frames */
	uint64_t passes;
	bool failure_logged;
	struct glint_histogram latency; /* from the deciding frame to the answer */
};

/* --- On the workers, and on the loop's thread ------------------------------------------ */

/* Read those pixels of lines @first to before @end of the canvas that meters need. */
static int canvas_read(struct canvas *canvas, const struct glint_pixels_source *source,
		       uint32_t first, uint32_t end)
{
	struct glint_plate *plate = canvas->plate;
	struct glint_region box = { 0 };
	unsigned n = canvas->cover.n;

	/* A JPEG is decoded once, whatever the number of parts is. */
	for (unsigned i = 0; i < n && source->jpeg; i++)
		glint_region_include(&box, &canvas->cover.parts[i]);
	n = source->jpeg ? MIN(n, 1u) : n;
	assert(plate || n == 0); /* judge_plan() allocates the plates of a canvas that has parts */
	for (unsigned i = 0; i < n; i++) {
		const struct glint_region *part = source->jpeg ? &box : &canvas->cover.parts[i];
		uint32_t top = MAX(part->y, first), bottom = MIN(part->y + part->height, end);
		struct glint_pixels_wish wish = {
			.kind = canvas->kind,
			.region = glint_meter_source(part, canvas->scale, source->width,
						     source->height),
			.scale = canvas->scale,
			.decode_reduced = canvas->scale > 1,
		};
		int err;

		if (top >= bottom)
			continue;
		err = glint_pixels_read(source, &wish, top - part->y, bottom - top,
					plate->base + top * plate->stride +
						(size_t)part->x * canvas->bytes,
					plate->stride);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool canvas_has_plates(const struct canvas *canvas)
{
	return canvas->plates[0].base != NULL;
}

/* The plate that the next frame is read to: an unused one, else the oldest. */
static struct glint_plate *canvas_next(struct canvas *canvas)
{
	struct glint_plate *next = &canvas->plates[0];

	for (unsigned i = 0; i < PLATES; i++) {
		struct glint_plate *plate = &canvas->plates[i];

		if (next->refs > 0 && (plate->refs == 0 || plate->since < next->since))
			next = plate;
	}
	return next;
}

/*
 * Choose the plate that the frame is read to. When meters have all of them as references, those
 * of the oldest plate keep copies instead.
 */
static void canvas_choose(struct glint_judge *judge, struct canvas *canvas)
{
	struct glint_plate *plate = canvas_next(canvas);
	struct glint_meter *meter;

	canvas->plate = NULL;
	if (!canvas_has_plates(canvas))
		return;
	for (unsigned i = 0; i < PLATES; i++) {
		if (canvas->fresh)
			glint_plate_touch(&canvas->plates[i]);
		canvas->plates[i].wanted.width = 0;
		canvas->plates[i].threshold = UINT8_MAX;
	}
	canvas->fresh = false;
	if (plate->refs > 0)
		glint_list_for_each(meter, &judge->meters, link)
			if (meter->plate == plate)
				glint_meter_leave_plate(meter);
	assert(plate->refs == 0);
	plate->since = ++judge->n_frames;
	canvas->plate = plate;
}

static bool formats_equal(const struct glint_format *a, const struct glint_format *b)
{
	return a->fourcc == b->fourcc && a->width == b->width && a->height == b->height &&
	       a->stride[0] == b->stride[0] && a->size[0] == b->size[0] && a->range == b->range &&
	       a->matrix == b->matrix;
}

/* A source of a converted frame is valid until the next one. */
static int source_of(const struct glint_judge *judge, const struct glint_frame *frame,
		     struct glint_pixels_source *source)
{
	struct glint_view view;
	int err;

	if (IS_ENABLED(CONFIG_LIBV4LCONVERT) && judge->convert &&
	    formats_equal(frame->format, &judge->converts)) {
		err = glint_convert_run(judge->convert, frame->buf, frame->used, &view);
		if (err == 0)
			glint_pixels_of_view(source, glint_convert_format(judge->convert), &view,
					     judge->rules);
		return err;
	}
	if (!frame->jpeg)
		return glint_pixels_of_frame(source, frame->format, frame->buf, judge->rules);
	glint_pixels_of_jpeg(source, frame->buf->planes[0].map + frame->buf->planes[0].offset,
			     frame->used, frame->info.width, frame->info.height);
	return 0;
}

/* Read the frame that the client has named. A frame that cannot be read counts as different. */
static void judge_read_given(const struct glint_judge *judge, struct glint_meter *meter)
{
	const struct glint_frame *given = meter->what.reference;
	struct glint_pixels_wish wish = {
		.kind = glint_meter_bytes(meter) == 1 ? GLINT_PIXELS_GREY : GLINT_PIXELS_BGR24,
		.region = glint_meter_source(&meter->region, meter->what.scale, judge->width,
					     judge->height),
		.scale = meter->what.scale,
		.decode_reduced = meter->what.scale > 1,
	};
	struct glint_pixels_source source;
	bool fits = given->info.width == judge->width && given->info.height == judge->height &&
		    glint_dmabuf_begin_read(given->buf) == 0;
	size_t row = (size_t)meter->region.width * glint_meter_bytes(meter);

	if (fits) {
		fits = source_of(judge, given, &source) == 0 &&
		       glint_pixels_read(&source, &wish, 0, meter->region.height, meter->reference,
					 row) == 0;
		(void)glint_dmabuf_end_read(given->buf);
	}
	glint_meter_take(meter, fits);
}

static struct canvas *canvas_of(struct glint_judge *judge, const struct glint_meter *meter)
{
	unsigned kind = glint_meter_bytes(meter) == 1 ? CANVAS_GREY : CANVAS_BGR;

	return &judge->canvases[(unsigned)__builtin_ctz(meter->what.scale) * CANVAS_KINDS + kind];
}

static void judge_begin_meters(struct glint_judge *judge)
{
	struct glint_meter *meter;

	glint_list_for_each(meter, &judge->meters, link) {
		if (glint_meter_wants(meter))
			judge_read_given(judge, meter);
		glint_meter_begin(meter, &judge->frame->info);
		/* Only luma needs the distances of a plate. */
		if (!meter->by_lines || !meter->plate || meter->what.metric != GLINT_METRIC_LUMA)
			continue;
		glint_region_include(&meter->plate->wanted, &meter->region);
		meter->plate->threshold = MIN(meter->plate->threshold, meter->measure.threshold);
	}
}

/* Whether judge_prepare_frame() takes longer than the loop's thread should. */
static bool judge_prepares_long(struct glint_judge *judge)
{
	struct glint_meter *meter;

	if (judge->convert)
		return true;
	for (unsigned i = 0; i < CANVASES; i++) {
		struct canvas *canvas = &judge->canvases[i];

		if (canvas_has_plates(canvas) && (canvas->fresh || canvas_next(canvas)->refs > 0))
			return true;
	}
	glint_list_for_each(meter, &judge->meters, link)
		if (glint_meter_wants(meter))
			return true;
	return false;
}

/* All that has to be done before parts of the frame can be judged. */
static void judge_prepare_frame(struct glint_judge *judge)
{
	for (unsigned i = 0; i < CANVASES; i++)
		canvas_choose(judge, &judge->canvases[i]);
	judge_begin_meters(judge);
	/* After the frames that clients have named: a converter has one result at a time. */
	judge->job_err = source_of(judge, judge->frame, &judge->source);
}

/* What a thread works with while it judges a part. */
static unsigned lane_take(struct glint_judge *judge)
{
	unsigned free = atomic_load(&judge->free_lanes), lane;

	do {
		assert(free); /* there are as many as threads */
		lane = (unsigned)__builtin_ctz(free);
	} while (!atomic_compare_exchange_weak(&judge->free_lanes, &free, free & ~(1u << lane)));
	return lane;
}

static void lane_give(struct glint_judge *judge, unsigned lane)
{
	atomic_fetch_or(&judge->free_lanes, 1u << lane);
}

/* Compare lines @first to before @end of the canvas with the references that meters share. */
static void canvas_compare(struct canvas *canvas, const struct glint_judge_kernels *kernels,
			   unsigned lane, uint32_t first, uint32_t end)
{
	for (unsigned i = 0; i < PLATES; i++)
		if (canvas->plates[i].wanted.width > 0)
			glint_plate_compare(&canvas->plates[i], &canvas->distances[lane][i],
					    kernels, canvas->plate, first, end);
}

/* Add the lines of the picture down to @end to what @meter has of @part. */
static void judge_add(struct glint_judge *judge, struct glint_meter *meter, unsigned lane,
		      unsigned part, uint32_t end)
{
	const struct canvas *canvas = canvas_of(judge, meter);
	const struct glint_meter_step step = {
		.picture = canvas->plate,
		.distances = meter->plate ?
				     &canvas->distances[lane][meter->plate - canvas->plates] :
				     NULL,
		.end = DIV_ROUND_UP(end, meter->what.scale),
		.scratch = judge->scratch + lane * glint_metric_scratch(judge->width),
	};

	glint_meter_add(meter, judge->kernels, part, &step);
}

/*
 * Read and compare lines @first to before @end of the frame, a part or a band of it. @first is a
 * multiple of a band, and so of each scale.
 */
static int judge_band(struct glint_judge *judge, unsigned lane, unsigned part, uint32_t first,
		      uint32_t end)
{
	struct glint_meter *meter;
	int err = 0;

	for (unsigned i = 0; i < CANVASES && err == 0; i++) {
		struct canvas *canvas = &judge->canvases[i];

		err = canvas_read(canvas, &judge->source, first / canvas->scale,
				  DIV_ROUND_UP(end, canvas->scale));
	}
	if (err < 0)
		return err;
	for (; first < end; first += GLINT_PLATE_BAND) {
		uint32_t below = MIN(first + GLINT_PLATE_BAND, end);

		for (unsigned i = 0; i < CANVASES; i++) {
			struct canvas *canvas = &judge->canvases[i];

			canvas_compare(canvas, judge->kernels, lane, first / canvas->scale,
				       DIV_ROUND_UP(below, canvas->scale));
		}
		glint_list_for_each(meter, &judge->meters, link)
			judge_add(judge, meter, lane, part, below);
	}
	return 0;
}

/* The first line of @part, and the end of the part before it. */
static uint32_t part_line(const struct glint_judge *judge, unsigned part)
{
	uint32_t bands = DIV_ROUND_UP(judge->bottom, GLINT_PLATE_BAND);
	uint32_t above = judge->top / GLINT_PLATE_BAND;

	return MIN((above + (bands - above) * part / judge->n_parts) * GLINT_PLATE_BAND,
		   judge->height);
}

/*
 * A band of lines after the other, so that its lines are in the processor's cache when they are
 * compared. A JPEG is decoded from its top by each call, so it is read as a whole.
 */
static int judge_part(struct glint_judge *judge, unsigned lane, unsigned part)
{
	uint32_t first = part_line(judge, part), end = part_line(judge, part + 1);
	uint32_t step = judge->frame->jpeg ? judge->height : GLINT_PLATE_BAND;
	struct glint_meter *meter;
	int err = 0;

	glint_list_for_each(meter, &judge->meters, link)
		glint_meter_begin_part(meter, part, DIV_ROUND_UP(first, meter->what.scale));
	for (uint32_t y = first; y < end && err == 0; y += step)
		err = judge_band(judge, lane, part, y, MIN(y + step, end));
	return err;
}

/* All parts have ended. */
static void judge_join(struct glint_judge *judge)
{
	struct glint_meter *meter;

	if (judge->job_err < 0)
		return;
	glint_list_for_each(meter, &judge->meters, link)
		glint_meter_end(meter, judge->kernels, judge->n_parts,
				canvas_of(judge, meter)->plate, judge->scratch);
}

static void parts_run(struct glint_job *job, unsigned part)
{
	struct glint_judge *judge = container_of(job, struct glint_judge, parts);
	unsigned lane = lane_take(judge);
	int err = 0;

	if (judge->job_err == 0)
		err = judge_part(judge, lane, part);
	if (err < 0)
		judge->job_err = err;
	lane_give(judge, lane);
	if (atomic_fetch_sub(&judge->parts_left, 1) == 1)
		judge_join(judge);
}

static void prepare_run(struct glint_job *job, unsigned part)
{
	(void)part;
	judge_prepare_frame(container_of(job, struct glint_judge, prepare));
}

/* --- Waits that end -------------------------------------------------------------------- */

static bool judged_has_meter(const struct judged *judged)
{
	for (unsigned i = 0; i < judged->n; i++)
		if (judged->watches[i].meter)
			return true;
	return false;
}

static void meter_free(struct glint_judge *judge, struct glint_meter *meter)
{
	judge->bytes -= meter->held;
	judge->cover_stale = true;
	glint_list_remove(&meter->link);
	glint_meter_destroy(meter);
}

static void reading_free(struct glint_judge *judge, struct reading *reading)
{
	judge->bytes -= reading->what.picture_size;
	glint_list_remove(&reading->link);
	free(reading->what.picture);
	free(reading);
}

static void reading_cancel(struct glint_judge *judge, struct reading *reading)
{
	if (reading == judge->reading)
		reading->watch = NULL; /* a thread uses the memory */
	else
		reading_free(judge, reading);
}

static void judged_free(struct glint_judge *judge, struct judged *judged)
{
	/* The worker or a caller may use the meters: judge_free_unused() and judge_tidy() free them. */
	for (unsigned i = 0; i < judged->n; i++) {
		glint_list_remove(&judged->watches[i].link);
		if (judged->watches[i].reading)
			reading_cancel(judge, judged->watches[i].reading);
	}
	judge->cover_stale = true;
	judged->wait->judged = NULL;
	free(judged);
}

static void judge_drop_queue(struct glint_judge *judge)
{
	while (judge->n_queue > 0)
		glint_frame_unref(judge->queue[--judge->n_queue]);
}

/* No meter refers to a plate of @canvas. */
static void canvas_drop(struct canvas *canvas)
{
	for (unsigned i = 0; i < PLATES; i++) {
		assert(canvas->plates[i].refs == 0);
		glint_plate_fini(&canvas->plates[i]);
		for (unsigned lane = 0; lane < LANES_MAX; lane++)
			glint_distances_fini(&canvas->distances[lane][i]);
	}
}

static int canvas_allocate(struct canvas *canvas, unsigned n_lanes, uint32_t width, uint32_t height)
{
	unsigned with_distances = canvas->kind == GLINT_PIXELS_GREY ? n_lanes : 0;
	int err = 0;

	for (unsigned i = 0; i < PLATES && err == 0; i++) {
		err = glint_plate_init(&canvas->plates[i], width, height, canvas->bytes);
		for (unsigned lane = 0; lane < with_distances && err == 0; lane++)
			err = glint_distances_init(&canvas->distances[lane][i], width);
	}
	if (err < 0)
		canvas_drop(canvas);
	canvas->fresh = err == 0;
	return err;
}

static void meters_free(struct glint_judge *judge, struct glint_list *meters)
{
	struct glint_meter *meter;

	while ((meter = glint_list_first(meters, struct glint_meter, link)))
		meter_free(judge, meter);
}

static void judge_free_meters(struct glint_judge *judge)
{
	meters_free(judge, &judge->joining);
	meters_free(judge, &judge->meters);
}

static void judge_free_memory(struct glint_judge *judge)
{
	judge_free_meters(judge);
	for (unsigned i = 0; judge->canvases && i < CANVASES; i++)
		canvas_drop(&judge->canvases[i]);
	free(judge->scratch);
	judge->scratch = NULL;
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		glint_convert_destroy(judge->convert);
	judge->convert = NULL;
	judge->width = judge->height = 0;
}

/*
 * Free the memory of waits that have ended. The memory for frames stays for a while when no wait
 * is left: a script waits again and again. Not while a caller iterates over the meters.
 */
static void judge_free_unused(struct glint_judge *judge)
{
	struct glint_meter *meter;

	glint_list_for_each(meter, &judge->joining, link)
		if (glint_list_empty(&meter->watches))
			meter_free(judge, meter);
	if (judge->n_need_frames > 0 || judge->frame)
		return;
	judge_free_meters(judge);
	if (judge->scratch)
		glint_alarm_set(&judge->idle, glint_now_ns() + IDLE_NS);
}

static void judge_on_idle(struct glint_alarm *alarm)
{
	struct glint_judge *judge = container_of(alarm, struct glint_judge, idle);

	if (judge->n_need_frames == 0 && !judge->frame)
		judge_free_memory(judge);
}

/* Remove the wait from the pending ones; its meters stay. The caller calls judge_free_unused() later. */
static void wait_leave(struct glint_judge *judge, struct glint_wait *wait)
{
	struct judged *judged = wait->judged;
	bool needed_frames = judged->needs_frames;

	glint_list_remove(&wait->link);
	judge->n_waits--;
	judged_free(judge, judged);
	if (!needed_frames || --judge->n_need_frames > 0)
		return;
	glint_fanout_detach(judge->frames, &judge->sink);
	judge_drop_queue(judge);
}

/* The result is final; done() is called from the loop's top level. */
static void wait_end(struct glint_judge *judge, struct glint_wait *wait,
		     enum glint_wait_outcome outcome)
{
	uint64_t complete_ns = wait->verdicts[wait->decided_by].decided.complete_ns;
	bool by_frame;

	wait_leave(judge, wait);
	wait->outcome = outcome;
	wait->converted = judge->convert ? judge->converts.info->name : NULL;
	wait->decided_ns = glint_now_ns();
	wait->source_reason = judge->config.source(judge->config.ctx).reason;
	glint_list_append(&judge->ended, &wait->link);
	by_frame = wait->verdicts[wait->decided_by].seen > 0;
	if (outcome == GLINT_WAIT_MET && by_frame)
		glint_histogram_add(&judge->latency, wait->decided_ns - complete_ns);
	judge->met += outcome == GLINT_WAIT_MET;
	judge->timed_out += outcome == GLINT_WAIT_TIMEOUT;
	judge->refused += outcome == GLINT_WAIT_REFUSED;
}

static void wait_refuse(struct glint_wait *wait, unsigned status, const char *reason,
			const char *message)
{
	wait->status = status;
	wait->reason = reason;
	wait->message = message;
}

/* From the loop's top level. */
static void judge_call_done(struct glint_judge *judge)
{
	struct glint_wait *wait;

	glint_upcall_assert();
	while ((wait = glint_list_first(&judge->ended, struct glint_wait, link))) {
		glint_list_remove(&wait->link);
		wait->done(wait);
	}
}

static void judge_settle_later(struct glint_judge *judge)
{
	if (!glint_list_empty(&judge->ended))
		glint_loop_defer(judge->loop, &judge->settle);
}

static void judge_on_settle(struct glint_deferred *deferred)
{
	judge_call_done(container_of(deferred, struct glint_judge, settle));
}

/* --- Evaluating ----------------------------------------------------------------------- */

/* Whether the wait's conditions, taken together, are decided. */
static bool wait_is_decided(struct glint_wait *wait, enum glint_wait_outcome *outcome)
{
	unsigned met = 0, failed = 0;
	uint64_t since_ns = 0;

	for (unsigned i = 0; i < wait->n_conditions; i++) {
		const struct glint_verdict *verdict = &wait->verdicts[i];
		bool is_met = verdict->state == GLINT_VERDICT_MET;

		/* Of all, the condition that came last; of any, the first in the request. */
		if (is_met && (met == 0 || (wait->all && verdict->met_ns > since_ns))) {
			wait->decided_by = i;
			since_ns = verdict->met_ns;
		}
		met += is_met;
		failed += verdict->state == GLINT_VERDICT_FAILED;
	}
	*outcome = GLINT_WAIT_MET;
	if (met >= (wait->all ? wait->n_conditions : 1))
		return true;
	*outcome = GLINT_WAIT_TIMEOUT;
	return failed >= (wait->all ? 1 : wait->n_conditions);
}

static uint64_t wait_due_ns(const struct glint_wait *wait)
{
	const struct judged *judged = wait->judged;
	uint64_t due_ns = wait->deadline_ns;

	for (unsigned i = 0; i < judged->n; i++)
		due_ns = MIN(due_ns, glint_machine_due_ns(&judged->watches[i].machine));
	return due_ns;
}

/*
 * End the waits that are decided, and set the alarm for the others. Not while a caller iterates over
 * the meters.
 */
static void judge_evaluate(struct glint_judge *judge)
{
	uint64_t next_ns = GLINT_ALARM_NEVER;
	struct glint_wait *wait;

	glint_list_for_each(wait, &judge->waits, link) {
		struct judged *judged = wait->judged;
		enum glint_wait_outcome outcome;

		if (judged->changed && wait_is_decided(wait, &outcome)) {
			wait_end(judge, wait, outcome);
			continue;
		}
		judged->changed = false;
		next_ns = MIN(next_ns, wait_due_ns(wait));
	}
	if (next_ns != judge->alarm.due_ns)
		glint_alarm_set(&judge->alarm, next_ns);
	judge_free_unused(judge);
}

static void judge_on_alarm(struct glint_alarm *alarm)
{
	struct glint_judge *judge = container_of(alarm, struct glint_judge, alarm);
	uint64_t now_ns = glint_now_ns();
	struct glint_wait *wait;

	glint_list_for_each(wait, &judge->waits, link) {
		struct judged *judged = wait->judged;

		for (unsigned i = 0; i < judged->n; i++)
			glint_machine_tick(&judged->watches[i].machine, now_ns);
		judged->changed = true;
		if (wait->deadline_ns <= now_ns)
			wait_end(judge, wait, GLINT_WAIT_TIMEOUT);
	}
	judge_evaluate(judge);
	judge_call_done(judge);
}

/* --- Meters --------------------------------------------------------------------------- */

/* @other judges the same as @meter from now on: move the watches of @other to @meter. */
static void meter_merge(struct glint_meter *meter, struct glint_meter *other)
{
	struct watch *watch;

	glint_list_for_each(watch, &other->watches, link)
		watch->meter = meter;
	glint_list_take(&meter->watches, &other->watches);
}

/* End the waits that depend on @meter. */
static void meter_refuse(struct glint_judge *judge, struct glint_meter *meter, unsigned status,
			 const char *reason, const char *message)
{
	struct watch *watch;

	while ((watch = glint_list_first(&meter->watches, struct watch, link))) {
		struct glint_wait *wait = watch->judged->wait;

		wait_refuse(wait, status, reason, message);
		wait_end(judge, wait, GLINT_WAIT_REFUSED);
	}
}

static const char no_room[] = "other waits have all memory for reference pictures; end some";

/* Place @meter for pictures of the present size, within the bound on memory. */
static void meter_place(struct glint_judge *judge, struct glint_meter *meter)
{
	int err;

	judge->bytes -= meter->held; /* a match keeps its own */
	err = glint_meter_place(meter, judge->width, judge->height,
				GLINT_JUDGE_BYTES_MAX - judge->bytes);
	judge->bytes += meter->held;
	judge->cover_stale = true;
	if (err == -E2BIG)
		meter_refuse(
			judge, meter, 400, "bad-margin",
			"the search would take too long on each frame: margin must be smaller, "
			"or the reference");
	else if (err < 0)
		meter_refuse(judge, meter, 503, "too-many-waits", no_room);
}

/* A reference that does not lie within the first picture is a mistake of the client: end its wait. */
static bool match_fits(struct glint_judge *judge, struct glint_meter *meter)
{
	const struct glint_region *place = &meter->match->place;
	struct watch *watch = glint_list_first(&meter->watches, struct watch, link);
	char *text = watch->judged->wait->text;

	if (glint_region_fits(place, judge->width, judge->height))
		return true;
	snprintf(text, sizeof(watch->judged->wait->text),
		 "the reference of %ux%u pixels at %u+%u does not lie within the picture, which is "
		 "%ux%u",
		 place->width, place->height, place->x, place->y, judge->width, judge->height);
	meter_refuse(judge, meter, 409, "reference-size", text);
	return false;
}

static bool meter_region_fits(const struct glint_judge *judge, const struct glint_meter *meter)
{
	return meter->what.region.width == 0 ||
	       glint_region_fits(&meter->what.region, judge->width, judge->height);
}

static const char outside[] = "the region does not lie within the picture; see /state for its size";

/*
 * Admit the meters whose waits began before @frame was complete. Equal meters are merged.
 */
static void judge_admit(struct glint_judge *judge, const struct glint_frame *frame)
{
	struct glint_meter *meter, *other;

	glint_list_for_each(meter, &judge->joining, link) {
		if (glint_list_empty(&meter->watches)) {
			meter_free(judge, meter);
			continue;
		}
		if (frame->info.complete_ns < meter->since_ns)
			continue;
		glint_list_remove(&meter->link);
		glint_list_append(&judge->meters, &meter->link);
		if (meter->match && !match_fits(judge, meter))
			continue;
		if (!meter_region_fits(judge, meter)) {
			meter_refuse(judge, meter, 400, "bad-region", outside);
			continue;
		}
		/* Not with a meter that has no watch: it may have been refused for want of memory. */
		glint_list_for_each(other, &judge->meters, link)
			if (other != meter && !glint_list_empty(&other->watches) &&
			    !other->has_reference && !other->size_changed &&
			    glint_meter_equals(other, meter)) {
				meter_merge(other, meter);
				break;
			}
		if (!glint_list_empty(&meter->watches))
			meter_place(judge, meter);
	}
}

/* Free meters that no wait needs, and merge those whose references have become the same. */
static void judge_tidy(struct glint_judge *judge)
{
	struct glint_meter *meter, *other;

	glint_list_for_each(meter, &judge->meters, link) {
		if (meter->replaced)
			glint_list_for_each(other, &judge->meters, link)
				if (other != meter && other->replaced &&
				    !glint_list_empty(&other->watches) &&
				    glint_meter_equals(meter, other))
					meter_merge(meter, other);
		meter->replaced = false;
	}
	glint_list_for_each(meter, &judge->meters, link)
		if (glint_list_empty(&meter->watches))
			meter_free(judge, meter);
}

/* --- Frames --------------------------------------------------------------------------- */

static void judge_start(struct glint_judge *judge, struct glint_frame *frame);

/* The pictures have another size. */
static int judge_resize(struct glint_judge *judge, uint32_t width, uint32_t height)
{
	size_t words = glint_metric_scratch(width);
	uint64_t *scratch = malloc(judge->n_lanes * words * sizeof(*scratch));
	struct glint_meter *meter;

	if (!scratch)
		return -ENOMEM; /* the next frame tries again */
	free(judge->scratch);
	judge->scratch = scratch;
	judge->width = width;
	judge->height = height;
	glint_list_for_each(meter, &judge->meters, link)
		meter_place(judge, meter);
	for (unsigned i = 0; i < CANVASES; i++)
		canvas_drop(&judge->canvases[i]);
	return 0;
}

static void judge_measure_cover(struct glint_judge *judge, const struct canvas *canvas)
{
	for (unsigned i = 0; i < canvas->cover.n; i++) {
		const struct glint_region *part = &canvas->cover.parts[i];

		judge->top = MIN(judge->top, part->y * canvas->scale);
		judge->bottom = MAX(judge->bottom, (part->y + part->height) * canvas->scale);
		judge->cover_bytes += (size_t)part->width * part->height * canvas->bytes;
	}
	judge->bottom = MIN(judge->bottom, judge->height);
}

/* Find out which pixels to read, when the meters have changed. */
static int judge_plan(struct glint_judge *judge)
{
	struct glint_region regions[GLINT_CONDITIONS_MAX * GLINT_JUDGE_WAITS_MAX];
	struct glint_meter *meter;

	if (!judge->cover_stale)
		return 0;
	judge_tidy(judge);
	judge->end_work = 0;
	glint_list_for_each(meter, &judge->meters, link)
		judge->end_work += glint_meter_end_work(meter);
	judge->top = judge->height;
	judge->bottom = 0;
	judge->cover_bytes = 0;
	for (unsigned i = 0; i < CANVASES; i++) {
		struct canvas *canvas = &judge->canvases[i];
		unsigned n = 0;

		glint_list_for_each(meter, &judge->meters, link)
			if (canvas_of(judge, meter) == canvas && meter->region.width > 0)
				regions[n++] = meter->region;
		glint_cover_make(&canvas->cover, regions, n);
		judge_measure_cover(judge, canvas);
		if (n == 0 || canvas_has_plates(canvas))
			continue;
		if (canvas_allocate(canvas, judge->n_lanes,
				    DIV_ROUND_UP(judge->width, canvas->scale),
				    DIV_ROUND_UP(judge->height, canvas->scale)) < 0)
			return -ENOMEM;
	}
	judge->top = MIN(judge->top, judge->bottom); /* of no pixels at all */
	judge->cover_stale = false;
	return 0;
}

static void judge_refuse_all(struct glint_judge *judge, const char *reason, const char *message)
{
	struct glint_meter *meter;

	glint_list_for_each(meter, &judge->meters, link)
		meter_refuse(judge, meter, 503, reason, message);
}

/*
 * The frame cannot be judged. The next verdicts count it as missed, unless no other frame can be judged
 * either: then the waits end.
 */
static void judge_fail(struct glint_judge *judge, int err)
{
	judge->failed++;
	if (!judge->failure_logged)
		glint_log_err(&topic, err, "cannot judge a frame");
	judge->failure_logged = true;
	if (err == -ELIBACC)
		judge_refuse_all(
			judge, "library-missing",
			"the library that reads the device's pixel format is not installed "
			"beside glintd, whose log names it");
}

/* Take the next frame of the queue. */
static void judge_next(struct glint_judge *judge)
{
	while (!judge->frame && judge->n_queue > 0) {
		struct glint_frame *frame = judge->queue[0];

		judge->n_queue--;
		for (unsigned i = 0; i < judge->n_queue; i++)
			judge->queue[i] = judge->queue[i + 1];
		judge_start(judge, frame);
		glint_frame_unref(frame);
	}
}

/* Make the converter for @format, if it takes one. */
static int judge_convert(struct glint_judge *judge, const struct glint_format *format)
{
	int err;

	if (!IS_ENABLED(CONFIG_LIBV4LCONVERT))
		return 0;
	if (judge->convert && formats_equal(format, &judge->converts))
		return 0;
	glint_convert_destroy(judge->convert);
	judge->convert = NULL;
	if (!format->info->becomes)
		return 0;
	err = glint_convert_create(&judge->convert, format);
	judge->converts = *format;
	return err;
}

/*
 * A frame of many pixels is judged in several parts, so that a thread that gets no processor for a
 * while delays one of them only. A JPEG is one part, because its lines are decoded one after the other.
 */
static void judge_start_parts(struct glint_judge *judge)
{
	size_t n = judge->frame->jpeg ? 1 : judge->cover_bytes / PART_BYTES + 1;

	judge->n_parts = (unsigned)MIN(n, GLINT_METER_PARTS_MAX);
	judge->parts_left = judge->n_parts;
	/* What a search costs depends on the picture: the last frame does not tell. */
	if (judge->end_work > END_WORK)
		glint_workers_submit(judge->workers, &judge->parts, judge->n_parts);
	else
		glint_workers_submit_shared(judge->workers, &judge->parts, judge->n_parts);
}

static void judge_start(struct glint_judge *judge, struct glint_frame *frame)
{
	struct glint_judge_source source = judge->config.source(judge->config.ctx);
	int err = 0;

	assert(!judge->frame);

	if (frame->info.width != judge->width || frame->info.height != judge->height)
		err = judge_resize(judge, frame->info.width, frame->info.height);
	if (err == 0) {
		judge_admit(judge, frame);
		err = judge_plan(judge);
	}
	judge_settle_later(judge);
	if (err == 0 && glint_list_empty(&judge->meters)) {
		judge_free_unused(judge); /* all waits were refused, or began after this frame */
		return;
	}
	if (err == 0)
		err = judge_convert(judge, frame->format);
	if (err == 0)
		err = glint_dmabuf_map(frame->buf);
	if (err == 0)
		err = glint_dmabuf_begin_read(frame->buf); /* judge_end() ends it */
	if (err < 0) {
		judge_fail(judge, err);
		judge_settle_later(judge);
		judge_free_unused(judge);
		return;
	}
	judge->rules = (struct glint_pixels_rules){
		.swap_rgb = source.swap_rgb,
		.keep_range = source.keep_range,
	};
	judge->frame = glint_frame_ref(frame);
	if (judge_prepares_long(judge)) {
		glint_workers_submit(judge->workers, &judge->prepare, 1);
		return;
	}
	judge_prepare_frame(judge);
	judge_start_parts(judge);
}

static void feed(struct watch *watch, const struct glint_meter *meter)
{
	struct glint_sample sample = glint_meter_sample(meter, watch->machine.condition);

	glint_machine_feed(&watch->machine, &sample);
}

static void meter_feed(struct glint_meter *meter)
{
	bool given = meter->given && meter->what.reference;
	struct watch *watch;

	glint_list_for_each(watch, &meter->watches, link) {
		if (given)
			glint_machine_refer(&watch->machine, &meter->what.reference->info);
		if (meter->referred)
			glint_machine_refer(&watch->machine, &meter->reference_info);
		else
			feed(watch, meter);
		watch->judged->changed = true;
	}
	if (given) /* the meter has its pixels */
		meter->what.reference = glint_frame_unref(meter->what.reference);
}

/* The frame has been judged, or cannot be. */
static void judge_end(struct glint_judge *judge)
{
	struct glint_frame *frame = judge->frame;
	struct glint_meter *meter;

	(void)glint_dmabuf_end_read(frame->buf);
	judge->frame = NULL;
	if (judge->job_err == 0) {
		judge->judged++;
		judge->passes++;
		if (IS_ENABLED(CONFIG_LIBV4LCONVERT) && judge->convert)
			judge->passes += glint_convert_passes(judge->convert);
		judge->failure_logged = false;
		glint_list_for_each(meter, &judge->meters, link)
			meter_feed(meter);
		judge_evaluate(judge);
		judge_tidy(judge);
	} else {
		judge_fail(judge, judge->job_err);
		if (judge->job_err == -EINVAL)
			judge_refuse_all(judge, "unreadable-format",
					 "the device's pixel format cannot be judged");
	}
	glint_frame_unref(frame);
	judge_free_unused(judge);
	judge_next(judge);
	judge_call_done(judge);
}

static void parts_done(struct glint_job *job)
{
	judge_end(container_of(job, struct glint_judge, parts));
}

static void prepare_done(struct glint_job *job)
{
	judge_start_parts(container_of(job, struct glint_judge, prepare));
}

static bool judge_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	struct glint_judge *judge = container_of(sink, struct glint_judge, sink);

	if (!judge->frame) {
		judge_start(judge, frame);
		return true;
	}
	if (judge->n_queue == GLINT_JUDGE_QUEUE || judge->config.spare(judge->config.ctx) == 0) {
		judge->missed++;
		return false;
	}
	judge->queue[judge->n_queue++] = glint_frame_ref(frame);
	return true;
}

/* --- References from clients ------------------------------------------------------------- */

static void reading_run(struct glint_job *job, unsigned part)
{
	struct reading *reading = container_of(job, struct reading, job);
	struct glint_picture picture;

	(void)part;
	reading->err = glint_picture_read(&picture, reading->what.picture,
					  reading->what.picture_size, GLINT_JUDGE_PICTURE_MAX);
	if (reading->err < 0)
		return;
	reading->err = glint_match_create(&reading->match, &reading->what, &picture);
	glint_picture_fini(&picture);
}

static void reading_refuse(struct glint_judge *judge, struct watch *watch, int err)
{
	struct glint_wait *wait = watch->judged->wait;

	switch (err) {
	case -ENOTSUP:
		wait_refuse(wait, 400, "bad-reference",
			    IS_ENABLED(CONFIG_PIXELS_PNG) ?
				    "the reference is no PNG, JPEG, PPM or PGM of 8 bits a sample" :
				    "the reference is no JPEG, PPM or PGM of 8 bits a sample; this "
				    "glintd was built without PNG");
		break;
	case -ELIBACC:
		wait_refuse(wait, 503, "library-missing",
			    "the library that reads PNGs is not installed beside glintd, whose "
			    "log names it; send a JPEG, PPM or PGM");
		break;
	case -EBADMSG:
		wait_refuse(wait, 400, "bad-reference", "the reference is damaged");
		break;
	case -EMSGSIZE:
		wait_refuse(wait, 413, "reference-too-large",
			    "the reference may have 9437184 pixels at most");
		break;
	case -ERANGE:
		wait_refuse(wait, 400, "reference-size",
			    "a region does not lie within the reference picture, at its place");
		break;
	case -ENODATA:
		wait_refuse(
			wait, 400, "reference-empty",
			"no pixel of the reference, or of a region, counts: all are transparent "
			"or excluded");
		break;
	case -ENOBUFS:
		wait_refuse(wait, 503, "too-many-waits", no_room);
		break;
	default:
		wait_refuse(wait, 503, "no-memory", "there is no memory for the reference");
		break;
	}
	wait_end(judge, wait, GLINT_WAIT_REFUSED);
}

/* The wait needs frames from now on, if it has a meter. */
static void judged_request_frames(struct glint_judge *judge, struct judged *judged)
{
	if (judged->needs_frames || !judged_has_meter(judged))
		return;
	judged->needs_frames = true;
	if (judge->n_need_frames++ == 0)
		glint_fanout_attach(judge->frames, &judge->sink);
}

/* Take over @match, also on failure. */
static int watch_match(struct glint_judge *judge, struct watch *watch,
		       const struct glint_condition *what, struct glint_match *match)
{
	const struct glint_wait *wait = watch->judged->wait;
	int err = match->held > GLINT_JUDGE_BYTES_MAX - judge->bytes ? -ENOBUFS : 0;

	if (err == 0) {
		watch->meter = glint_meter_create_match(what, wait->since_ns, match);
		err = watch->meter ? 0 : -ENOMEM;
	}
	if (err < 0) {
		glint_match_destroy(match);
		return err;
	}
	judge->bytes += watch->meter->held;
	glint_list_append(&watch->meter->watches, &watch->link);
	glint_list_append(&judge->joining, &watch->meter->link);
	judged_request_frames(judge, watch->judged);
	return 0;
}

static void reading_next(struct glint_judge *judge)
{
	if (judge->reading || glint_list_empty(&judge->readings))
		return;
	judge->reading = glint_list_first(&judge->readings, struct reading, link);
	glint_list_remove(&judge->reading->link);
	glint_workers_submit(judge->readers, &judge->reading->job, 1);
}

static void reading_done(struct glint_job *job)
{
	struct reading *reading = container_of(job, struct reading, job);
	struct glint_judge *judge = reading->judge;
	struct glint_match *match = reading->match;
	struct glint_condition what = reading->what;
	struct watch *watch = reading->watch;
	int err = reading->err;

	judge->reading = NULL;
	reading_free(judge, reading);
	what.picture = NULL;
	if (!watch) {
		glint_match_destroy(match);
	} else {
		watch->reading = NULL;
		if (err == 0)
			err = watch_match(judge, watch, &what, match);
		if (err < 0)
			reading_refuse(judge, watch, err);
	}
	judge_free_unused(judge);
	reading_next(judge);
	judge_call_done(judge);
}

/* Take over the picture of @condition. */
static int watch_read(struct glint_judge *judge, struct watch *watch,
		      struct glint_condition *condition)
{
	struct reading *reading;
	int err = 0;

	if (condition->picture_size > GLINT_JUDGE_BYTES_MAX - judge->bytes)
		return -ENOBUFS;
	if (!judge->readers)
		err = glint_workers_create(&judge->readers, judge->loop, "pictures", 1);
	if (err < 0)
		return -ENOMEM;
	reading = calloc(1, sizeof(*reading));
	if (!reading)
		return -ENOMEM;
	reading->judge = judge;
	reading->watch = watch;
	reading->job.run = reading_run;
	reading->job.done = reading_done;
	reading->what = *condition;
	condition->picture = NULL;
	judge->bytes += reading->what.picture_size;
	glint_list_append(&judge->readings, &reading->link);
	watch->reading = reading;
	return 0;
}

/* --- Waits that begin -------------------------------------------------------------------- */

static int check_regions(struct glint_wait *wait, const struct glint_judge_source *source)
{
	for (unsigned i = 0; i < wait->n_conditions; i++) {
		const struct glint_region *region = &wait->conditions[i].region;

		if (source->online && source->width > 0 && region->width > 0 &&
		    !glint_region_fits(region, source->width, source->height)) {
			wait_refuse(wait, 400, "bad-region", outside);
			return -EINVAL;
		}
	}
	return 0;
}

/* Allocate what the first wait needs. What was allocated stays after a failure. */
static int judge_prepare(struct glint_judge *judge)
{
	unsigned n_workers =
		(unsigned)MIN(MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L), (long)WORKERS_MAX);
	int err;

	if (judge->canvases)
		return 0;
	if (!judge->workers) {
		err = glint_workers_create(&judge->workers, judge->loop, "judge", n_workers);
		if (err < 0)
			return err;
		judge->n_lanes = n_workers + 1;
		judge->free_lanes = (1u << judge->n_lanes) - 1;
	}
	judge->canvases = calloc(CANVASES, sizeof(*judge->canvases));
	if (!judge->canvases)
		return -ENOMEM;
	for (unsigned i = 0; i < CANVASES; i++) {
		bool grey = i % CANVAS_KINDS == CANVAS_GREY;

		judge->canvases[i].kind = grey ? GLINT_PIXELS_GREY : GLINT_PIXELS_BGR24;
		judge->canvases[i].bytes = grey ? 1 : 3;
		judge->canvases[i].scale = 1u << i / CANVAS_KINDS;
	}
	return 0;
}

/* Make the meters of @judged. */
static int judged_prepare(struct glint_judge *judge, struct judged *judged)
{
	struct glint_wait *wait = judged->wait;

	for (unsigned i = 0; i < judged->n; i++) {
		struct watch *watch = &judged->watches[i];
		const struct glint_frame *reference = wait->conditions[i].reference;

		if (!glint_condition_needs_frames(wait->conditions[i].kind))
			continue;
		/* The worker reads the reference later, and may not map memory. */
		if (reference && glint_dmabuf_map(reference->buf) < 0)
			return -ENOMEM;
		if (wait->conditions[i].kind == GLINT_CONDITION_MATCH) {
			int err = watch_read(judge, watch, &wait->conditions[i]);

			if (err < 0)
				return err;
			continue;
		}
		watch->meter = glint_meter_create(&wait->conditions[i], wait->since_ns);
		if (!watch->meter)
			return -ENOMEM;
		glint_list_append(&watch->meter->watches, &watch->link);
		glint_list_append(&judge->joining, &watch->meter->link);
	}
	return 0;
}

static struct judged *judged_create(struct glint_wait *wait)
{
	struct judged *judged =
		calloc(1, sizeof(*judged) + wait->n_conditions * sizeof(judged->watches[0]));

	if (!judged)
		return NULL;
	judged->wait = wait;
	judged->n = wait->n_conditions;
	judged->changed = true;
	for (unsigned i = 0; i < judged->n; i++) {
		struct watch *watch = &judged->watches[i];

		glint_list_init(&watch->link);
		watch->judged = judged;
		glint_machine_init(&watch->machine, &wait->conditions[i], &wait->verdicts[i],
				   wait->since_ns);
	}
	return judged;
}

static void tell_source(struct judged *judged, const struct glint_judge_source *source)
{
	const struct glint_frame_info *last = source->last.complete_ns ? &source->last : NULL;
	enum glint_machine_signal signal = GLINT_SIGNAL_OFFLINE;

	if (source->online)
		signal = GLINT_SIGNAL_LIVE;
	else if (strcmp(source->reason, "opening") == 0)
		signal = GLINT_SIGNAL_OPENING;
	for (unsigned i = 0; i < judged->n; i++)
		glint_machine_source(&judged->watches[i].machine, signal, last);
	judged->changed = true;
}

int glint_judge_begin(struct glint_judge *judge, struct glint_wait *wait)
{
	struct glint_judge_source source = judge->config.source(judge->config.ctx);
	struct judged *judged;
	int err;

	assert(wait->n_conditions > 0 && wait->n_conditions <= GLINT_CONDITIONS_MAX);

	wait->judged = NULL;
	glint_list_init(&wait->link);
	if (judge->n_waits == GLINT_JUDGE_WAITS_MAX) {
		judge->refused++;
		wait_refuse(wait, 503, "too-many-waits", "64 waits are under way; end some");
		return -EBUSY;
	}
	if (check_regions(wait, &source) < 0) {
		judge->refused++;
		return -EINVAL;
	}
	judged = judged_create(wait);
	err = judged ? judge_prepare(judge) : -ENOMEM;
	if (err == 0)
		err = judged_prepare(judge, judged);
	if (err < 0) {
		if (judged)
			judged_free(judge, judged);
		judge_free_unused(judge);
		judge->refused++;
		if (err == -ENOBUFS)
			wait_refuse(wait, 503, "too-many-waits", no_room);
		else
			wait_refuse(wait, 503, "no-memory", "there is no memory for another wait");
		return err;
	}
	wait->judged = judged;
	glint_list_append(&judge->waits, &wait->link);
	judge->n_waits++;
	judge->begun++;
	judged_request_frames(judge, judged);
	reading_next(judge);
	tell_source(judged, &source);
	judge_evaluate(judge);
	judge_settle_later(judge);
	return 0;
}

void glint_judge_cancel(struct glint_judge *judge, struct glint_wait *wait)
{
	if (wait->judged) {
		judge->cancelled++;
		wait_leave(judge, wait);
		judge_free_unused(judge);
	}
	glint_list_remove(&wait->link); /* an ended wait is in the list of these */
}

void glint_judge_source_changed(struct glint_judge *judge)
{
	struct glint_judge_source source = judge->config.source(judge->config.ctx);
	struct glint_wait *wait;

	glint_list_for_each(wait, &judge->waits, link)
		tell_source(wait->judged, &source);
	judge_evaluate(judge);
	judge_call_done(judge);
}

/* --- Life ------------------------------------------------------------------------------- */

int glint_judge_create(struct glint_judge **out, struct glint_loop *loop,
		       struct glint_fanout *frames, const struct glint_judge_config *config)
{
	struct glint_judge *judge = calloc(1, sizeof(*judge));

	if (!judge)
		return -ENOMEM;
	judge->loop = loop;
	judge->config = *config;
	judge->frames = frames;
	judge->sink.push_frame = judge_on_frame;
	glint_list_init(&judge->sink.link);
	judge->kernels = glint_judge_kernels_choose();
	glint_alarm_init(&judge->alarm, loop, judge_on_alarm);
	glint_alarm_init(&judge->idle, loop, judge_on_idle);
	judge->settle.run = judge_on_settle;
	glint_list_init(&judge->settle.link);
	glint_list_init(&judge->readings);
	glint_list_init(&judge->waits);
	glint_list_init(&judge->ended);
	glint_list_init(&judge->joining);
	glint_list_init(&judge->meters);
	judge->prepare.run = prepare_run;
	judge->prepare.done = prepare_done;
	judge->parts.run = parts_run;
	judge->parts.done = parts_done;
	*out = judge;
	return 0;
}

bool glint_judge_destroy(struct glint_judge *judge, uint64_t deadline_ns)
{
	if (!judge)
		return true;
	assert(glint_list_empty(&judge->waits));

	judge_drop_queue(judge);
	if (!glint_workers_destroy(judge->readers, deadline_ns) ||
	    !glint_workers_destroy(judge->workers, deadline_ns))
		return false;
	glint_deferred_cancel(&judge->settle);
	glint_alarm_end(&judge->alarm);
	glint_alarm_end(&judge->idle);
	while ((glint_alarm_busy(&judge->alarm) || glint_alarm_busy(&judge->idle)) &&
	       glint_time_left_ns(deadline_ns) > 0)
		if (glint_loop_run_once(judge->loop, deadline_ns) < 0)
			break;
	if (glint_alarm_busy(&judge->alarm) || glint_alarm_busy(&judge->idle))
		return false;
	judge_free_memory(judge);
	free(judge->canvases);
	free(judge);
	return true;
}

/* What is kept for the pixels of frames, whatever the number of waits is. */
static size_t judge_frame_bytes(const struct glint_judge *judge)
{
	size_t bytes = 0;

	if (judge->scratch)
		bytes += judge->n_lanes * glint_metric_scratch(judge->width) * sizeof(uint64_t);
	for (unsigned i = 0; judge->canvases && i < CANVASES; i++)
		for (unsigned k = 0; k < PLATES; k++)
			bytes += judge->canvases[i].plates[k].size +
				 judge->n_lanes *
					 glint_distances_bytes(&judge->canvases[i].distances[0][k]);
	return bytes;
}

void glint_judge_report(const struct glint_judge *judge, struct glint_report *report)
{
	glint_report_object(report, "waits");
	glint_report_uint(report, "pending", judge->n_waits);
	glint_report_uint(report, "most", GLINT_JUDGE_WAITS_MAX);
	glint_report_uint(report, "begun", judge->begun);
	glint_report_uint(report, "met", judge->met);
	glint_report_uint(report, "timed_out", judge->timed_out);
	glint_report_uint(report, "refused", judge->refused);
	glint_report_uint(report, "cancelled", judge->cancelled);
	glint_report_uint(report, "frames_judged", judge->judged);
	glint_report_uint(report, "frames_missed", judge->missed);
	glint_report_uint(report, "frames_failed", judge->failed);
	glint_report_uint(report, "bytes", judge->bytes);
	glint_report_uint(report, "frame_bytes", judge_frame_bytes(judge));
	glint_report_text(report, "kernels", judge->kernels->name);
	glint_report_end(report);
}

void glint_judge_report_latencies(const struct glint_judge *judge, struct glint_report *report)
{
	glint_report_latency(report, "answer", &judge->latency);
}

uint64_t glint_judge_copies(const struct glint_judge *judge)
{
	return judge->passes;
}
