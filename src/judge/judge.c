/* SPDX-License-Identifier: MIT */
#include "judge/judge.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "convert/convert.h"
#include "core/report.h"
#include "judge/internal.h"
#include "judge/match.h"
#include "mem/dmabuf.h"

#define IDLE_NS (5 * GLINT_NSEC_PER_SEC) /* without waits, before the memory for frames is freed */

#define PART_BYTES (256u << 10) /* of pixels that are worth a part of their own */
#define END_WORK   (256u << 10) /* pixels that the loop's thread may read after the last part */

static const struct glint_log_topic topic = { "judge" };

/* --- Memory -------------------------------------------------------------------------------------- */

static void meter_free(struct glint_judge *judge, struct glint_meter *meter)
{
	judge->bytes -= meter->held;
	judge->cover_stale = true;
	glint_list_remove(&meter->link);
	glint_meter_destroy(meter);
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
	for (unsigned i = 0; judge->canvases && i < GLINT_JUDGE_CANVASES; i++)
		glint_canvas_drop(&judge->canvases[i]);
	free(judge->scratch);
	judge->scratch = NULL;
	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		glint_convert_destroy(judge->convert);
	judge->convert = NULL;
	judge->width = judge->height = 0;
}

void glint_judge_free_unused(struct glint_judge *judge)
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

void glint_judge_drop_queue(struct glint_judge *judge)
{
	while (judge->n_queue > 0)
		glint_frame_unref(judge->queue[--judge->n_queue]);
}

int glint_judge_prepare(struct glint_judge *judge)
{
	unsigned n_workers = (unsigned)MIN(MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L),
					   (long)GLINT_JUDGE_WORKERS_MAX);
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
	judge->canvases = calloc(GLINT_JUDGE_CANVASES, sizeof(*judge->canvases));
	if (!judge->canvases)
		return -ENOMEM;
	for (unsigned i = 0; i < GLINT_JUDGE_CANVASES; i++) {
		bool grey = i % GLINT_JUDGE_CANVAS_KINDS == GLINT_JUDGE_CANVAS_GREY;

		judge->canvases[i].kind = grey ? GLINT_PIXELS_GREY : GLINT_PIXELS_BGR24;
		judge->canvases[i].bytes = grey ? 1 : 3;
		judge->canvases[i].scale = 1u << i / GLINT_JUDGE_CANVAS_KINDS;
	}
	return 0;
}

/* --- Meters -------------------------------------------------------------------------------------- */

/* @other judges the same as @meter from now on: move the watches of @other to @meter. */
static void meter_merge(struct glint_meter *meter, struct glint_meter *other)
{
	struct glint_watch *watch;

	glint_list_for_each(watch, &other->watches, link)
		watch->meter = meter;
	glint_list_take(&meter->watches, &other->watches);
}

/* End the waits that depend on @meter. */
static void meter_refuse(struct glint_judge *judge, struct glint_meter *meter, unsigned status,
			 const char *reason, const char *message)
{
	struct glint_watch *watch;

	while ((watch = glint_list_first(&meter->watches, struct glint_watch, link))) {
		struct glint_wait *wait = watch->judged->wait;

		glint_wait_refuse(wait, status, reason, message);
		glint_wait_end(judge, wait, GLINT_WAIT_REFUSED);
	}
}

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
		meter_refuse(judge, meter, 503, "too-many-waits", glint_judge_no_room);
}

/* A reference that does not lie within the first picture is a mistake of the client: end its wait. */
static bool match_fits(struct glint_judge *judge, struct glint_meter *meter)
{
	const struct glint_region *place = &meter->match->place;
	struct glint_watch *watch = glint_list_first(&meter->watches, struct glint_watch, link);
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
			meter_refuse(judge, meter, 400, "bad-region", glint_judge_outside);
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

/* --- Frames -------------------------------------------------------------------------------------- */

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
	for (unsigned i = 0; i < GLINT_JUDGE_CANVASES; i++)
		glint_canvas_drop(&judge->canvases[i]);
	return 0;
}

static void judge_measure_cover(struct glint_judge *judge, const struct glint_canvas *canvas)
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
	for (unsigned i = 0; i < GLINT_JUDGE_CANVASES; i++) {
		struct glint_canvas *canvas = &judge->canvases[i];
		unsigned n = 0;

		glint_list_for_each(meter, &judge->meters, link)
			if (glint_canvas_of(judge, meter) == canvas && meter->region.width > 0)
				regions[n++] = meter->region;
		glint_cover_make(&canvas->cover, regions, n);
		judge_measure_cover(judge, canvas);
		if (n == 0 || glint_canvas_has_plates(canvas))
			continue;
		if (glint_canvas_allocate(canvas, judge->n_lanes,
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
	glint_judge_settle_later(judge);
	if (err == 0 && glint_list_empty(&judge->meters)) {
		glint_judge_free_unused(
			judge); /* all waits were refused, or began after this frame */
		return;
	}
	if (err == 0)
		err = glint_judge_convert(judge, frame->format);
	if (err == 0)
		err = glint_dmabuf_map(frame->buf);
	if (err == 0)
		err = glint_dmabuf_begin_read(frame->buf); /* judge_end() ends it */
	if (err < 0) {
		judge_fail(judge, err);
		glint_judge_settle_later(judge);
		glint_judge_free_unused(judge);
		return;
	}
	judge->rules = (struct glint_pixels_rules){
		.swap_rgb = source.swap_rgb,
		.keep_range = source.keep_range,
	};
	judge->frame = glint_frame_ref(frame);
	if (glint_judge_prepares_long(judge)) {
		glint_workers_submit(judge->workers, &judge->prepare, 1);
		return;
	}
	glint_judge_prepare_frame(judge);
	judge_start_parts(judge);
}

static void feed(struct glint_watch *watch, const struct glint_meter *meter)
{
	struct glint_sample sample = glint_meter_sample(meter, watch->machine.condition);

	glint_machine_feed(&watch->machine, &sample);
}

static void meter_feed(struct glint_meter *meter)
{
	bool given = meter->given && meter->what.reference;
	struct glint_watch *watch;

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
		glint_judge_evaluate(judge);
		judge_tidy(judge);
	} else {
		judge_fail(judge, judge->job_err);
		if (judge->job_err == -EINVAL)
			judge_refuse_all(judge, "unreadable-format",
					 "the device's pixel format cannot be judged");
	}
	glint_frame_unref(frame);
	glint_judge_free_unused(judge);
	judge_next(judge);
	glint_judge_call_done(judge);
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

static bool awake_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	(void)sink;
	(void)frame;
	return false;
}

/* --- Life ---------------------------------------------------------------------------------------- */

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
	judge->awake.push_frame = awake_on_frame;
	glint_list_init(&judge->awake.link);
	judge->kernels = glint_judge_kernels_choose();
	glint_alarm_init(&judge->idle, loop, judge_on_idle);
	glint_list_init(&judge->joining);
	glint_list_init(&judge->meters);
	judge->prepare.done = prepare_done;
	judge->parts.done = parts_done;
	glint_judge_waits_init(judge);
	glint_judge_pass_init(judge);
	*out = judge;
	return 0;
}

bool glint_judge_destroy(struct glint_judge *judge, uint64_t deadline_ns)
{
	if (!judge)
		return true;
	assert(glint_list_empty(&judge->waits));

	glint_judge_drop_queue(judge);
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
	for (unsigned i = 0; judge->canvases && i < GLINT_JUDGE_CANVASES; i++)
		for (unsigned k = 0; k < GLINT_JUDGE_PLATES; k++)
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
