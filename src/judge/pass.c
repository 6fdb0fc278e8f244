/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "base/macros.h"
#include "convert/convert.h"
#include "judge/internal.h"
#include "mem/dmabuf.h"

/* --- Memory -------------------------------------------------------------------------------------- */

void glint_canvas_drop(struct glint_canvas *canvas)
{
	for (unsigned i = 0; i < GLINT_JUDGE_PLATES; i++) {
		assert(canvas->plates[i].refs == 0);
		glint_plate_fini(&canvas->plates[i]);
		for (unsigned lane = 0; lane < GLINT_JUDGE_LANES_MAX; lane++)
			glint_distances_fini(&canvas->distances[lane][i]);
	}
}

int glint_canvas_allocate(struct glint_canvas *canvas, unsigned n_lanes, uint32_t width,
			  uint32_t height)
{
	unsigned with_distances = canvas->kind == GLINT_PIXELS_GREY ? n_lanes : 0;
	int err = 0;

	for (unsigned i = 0; i < GLINT_JUDGE_PLATES && err == 0; i++) {
		err = glint_plate_init(&canvas->plates[i], width, height, canvas->bytes);
		for (unsigned lane = 0; lane < with_distances && err == 0; lane++)
			err = glint_distances_init(&canvas->distances[lane][i], width);
	}
	if (err < 0)
		glint_canvas_drop(canvas);
	canvas->fresh = err == 0;
	return err;
}

/* --- Reading and comparing ----------------------------------------------------------------------- */

/* Read those pixels of lines @first to before @end of the canvas that meters need. */
static int canvas_read(struct glint_canvas *canvas, const struct glint_pixels_source *source,
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

bool glint_canvas_has_plates(const struct glint_canvas *canvas)
{
	return canvas->plates[0].base != NULL;
}

/* The plate that the next frame is read to: an unused one, else the oldest. */
static struct glint_plate *canvas_next(struct glint_canvas *canvas)
{
	struct glint_plate *next = &canvas->plates[0];

	for (unsigned i = 0; i < GLINT_JUDGE_PLATES; i++) {
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
static void canvas_choose(struct glint_judge *judge, struct glint_canvas *canvas)
{
	struct glint_plate *plate = canvas_next(canvas);
	struct glint_meter *meter;

	canvas->plate = NULL;
	if (!glint_canvas_has_plates(canvas))
		return;
	for (unsigned i = 0; i < GLINT_JUDGE_PLATES; i++) {
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

struct glint_canvas *glint_canvas_of(struct glint_judge *judge, const struct glint_meter *meter)
{
	unsigned kind = glint_meter_bytes(meter) == 1 ? GLINT_JUDGE_CANVAS_GREY :
							GLINT_JUDGE_CANVAS_BGR;

	return &judge->canvases[(unsigned)__builtin_ctz(meter->what.scale) *
					GLINT_JUDGE_CANVAS_KINDS +
				kind];
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

bool glint_judge_prepares_long(struct glint_judge *judge)
{
	struct glint_meter *meter;

	if (judge->convert)
		return true;
	for (unsigned i = 0; i < GLINT_JUDGE_CANVASES; i++) {
		struct glint_canvas *canvas = &judge->canvases[i];

		if (glint_canvas_has_plates(canvas) &&
		    (canvas->fresh || canvas_next(canvas)->refs > 0))
			return true;
	}
	glint_list_for_each(meter, &judge->meters, link)
		if (glint_meter_wants(meter))
			return true;
	return false;
}

void glint_judge_prepare_frame(struct glint_judge *judge)
{
	for (unsigned i = 0; i < GLINT_JUDGE_CANVASES; i++)
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
static void canvas_compare(struct glint_canvas *canvas, const struct glint_judge_kernels *kernels,
			   unsigned lane, uint32_t first, uint32_t end)
{
	for (unsigned i = 0; i < GLINT_JUDGE_PLATES; i++)
		if (canvas->plates[i].wanted.width > 0)
			glint_plate_compare(&canvas->plates[i], &canvas->distances[lane][i],
					    kernels, canvas->plate, first, end);
}

/* Add the lines of the picture down to @end to what @meter has of @part. */
static void judge_add(struct glint_judge *judge, struct glint_meter *meter, unsigned lane,
		      unsigned part, uint32_t end)
{
	const struct glint_canvas *canvas = glint_canvas_of(judge, meter);
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

	for (unsigned i = 0; i < GLINT_JUDGE_CANVASES && err == 0; i++) {
		struct glint_canvas *canvas = &judge->canvases[i];

		err = canvas_read(canvas, &judge->source, first / canvas->scale,
				  DIV_ROUND_UP(end, canvas->scale));
	}
	if (err < 0)
		return err;
	for (; first < end; first += GLINT_PLATE_BAND) {
		uint32_t below = MIN(first + GLINT_PLATE_BAND, end);

		for (unsigned i = 0; i < GLINT_JUDGE_CANVASES; i++) {
			struct glint_canvas *canvas = &judge->canvases[i];

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
				glint_canvas_of(judge, meter)->plate, judge->scratch);
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
	glint_judge_prepare_frame(container_of(job, struct glint_judge, prepare));
}

/* --- For the loop's thread ----------------------------------------------------------------------- */

int glint_judge_convert(struct glint_judge *judge, const struct glint_format *format)
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

void glint_judge_pass_init(struct glint_judge *judge)
{
	judge->prepare.run = prepare_run;
	judge->parts.run = parts_run;
}
