/* SPDX-License-Identifier: MIT */
#include "capture/fields.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "core/workers.h"
#include "mem/dmabuf.h"

#define ALIGNMENT 64u

/* A frame that is made, or that readers keep. */
struct place {
	struct glint_frame frame;
	struct glint_format format;
	struct glint_fields *fields;
	struct glint_job job;
	struct glint_frame *from[2]; /* the earlier field, the later one; or both, NULL */
	bool used;
	int err;
};

/* How the numbers of the driver count; found out by the first pair. */
enum counting { COUNTS_UNKNOWN, COUNTS_FRAMES, COUNTS_FIELDS };

struct glint_fields {
	struct glint_fields_owner *owner;
	struct glint_workers *workers;
	struct glint_format from, format; /* of the buffers, and of the frames */
	enum glint_deinterlace how;
	bool retired;
	unsigned n_used;

	/* Of the fields in buffers of their own. */
	enum counting counting;
	bool has_first, first_is_bottom;
	uint32_t first_seq;
	uint32_t base; /* number of a frame, from which fields are counted */

	struct place places[GLINT_FIELDS_PLACES];
	struct glint_dmabuf buffers[GLINT_FIELDS_PLACES];
	uint8_t *memory;
};

const char *glint_deinterlace_name(enum glint_deinterlace how)
{
	return how == GLINT_DEINTERLACE_BOB ? "bob" : "weave";
}

bool glint_fields_need(const struct glint_format *format, enum glint_deinterlace how)
{
	switch (format->field) {
	case GLINT_FIELD_PROGRESSIVE:
		return false;
	case GLINT_FIELD_INTERLACED:
		return how == GLINT_DEINTERLACE_BOB && glint_fields_can(format);
	default:
		return true;
	}
}

bool glint_fields_can(const struct glint_format *format)
{
	return format->field != GLINT_FIELD_ONE && format->info->layout != GLINT_LAYOUT_JPEG &&
	       format->info->layout != GLINT_LAYOUT_OTHER;
}

/* --- Copying, on the thread -------------------------------------------------------------- */

/* Lines of a component: every @step-th from @first on. */
struct lines {
	uint32_t first, step;
};

/* The place of @line in the memory of @buf, and the @left bytes from there to the end of its plane. */
static uint8_t *place_of(const struct glint_dmabuf *buf, const uint8_t *line, size_t *left)
{
	for (unsigned i = 0; i < buf->n_planes; i++) {
		const struct glint_plane *plane = &buf->planes[i];

		if (line >= plane->map && line < plane->map + plane->size) {
			*left = (size_t)(plane->map + plane->size - line);
			return plane->map + (line - plane->map);
		}
	}
	*left = 0;
	return NULL;
}

/* Copy @count lines; @twice: each to two lines of @to. */
static void copy_lines(const struct glint_dmabuf *to_buf, const struct glint_component *to,
		       struct lines to_lines, const struct glint_dmabuf *from_buf,
		       const struct glint_component *from, struct lines from_lines, uint32_t count,
		       bool twice)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *line = from->base + (size_t)from->stride *
							   (from_lines.first + i * from_lines.step);
		uint32_t at = to_lines.first + i * to_lines.step;
		size_t left, bytes = MIN(from->stride, to->stride);

		if (!place_of(from_buf, line, &left))
			continue;
		bytes = MIN(bytes, left);
		for (uint32_t n = 0; n <= twice && at + n < to->height; n++) {
			const uint8_t *to_line = to->base + (size_t)to->stride * (at + n);
			uint8_t *out = place_of(to_buf, to_line, &left);

			if (out)
				memcpy(out, line, MIN(bytes, left));
		}
	}
}

/* Where the later field of a frame begins in the frame, and the earlier one. */
static uint32_t parity(const struct place *place, bool later)
{
	bool bottom_first = place->frame.info.field_order == GLINT_FIELD_ORDER_BOTTOM_FIRST;

	return bottom_first != later;
}

static void copy_component(const struct place *place, const struct glint_component *to,
			   const struct glint_component *from, const struct glint_frame *source,
			   bool later)
{
	const struct glint_fields *fields = place->fields;
	const struct glint_dmabuf *to_buf = place->frame.buf;
	bool bob = fields->how == GLINT_DEINTERLACE_BOB;
	struct lines out = { bob ? 0 : parity(place, later), 2 };
	uint32_t half = from->height / 2;

	switch (fields->from.field) {
	case GLINT_FIELD_ALTERNATE:
		copy_lines(to_buf, to, out, source->buf, from, (struct lines){ 0, 1 }, from->height,
			   bob);
		break;
	case GLINT_FIELD_SEQUENTIAL: /* the earlier field comes first in memory */
		copy_lines(to_buf, to, out, source->buf, from, (struct lines){ 0, 1 }, half, bob);
		if (bob)
			break;
		out.first = parity(place, true);
		copy_lines(to_buf, to, out, source->buf, from, (struct lines){ half, 1 }, half,
			   false);
		break;
	default: /* INTERLACED, to bob */
		if (source->info.field_order == GLINT_FIELD_ORDER_NONE) {
			out = (struct lines){ 0, 1 };
			copy_lines(to_buf, to, out, source->buf, from, out, from->height, false);
			break;
		}
		out = (struct lines){ source->info.field_order == GLINT_FIELD_ORDER_BOTTOM_FIRST,
				      2 };
		copy_lines(to_buf, to, (struct lines){ 0, 2 }, source->buf, from, out,
			   (from->height - out.first + 1) / 2, true);
	}
}

static int copy_field(const struct place *place, const struct glint_frame *source, bool later)
{
	struct glint_view to = { 0 }, from = { 0 };
	int err = glint_format_view(&place->format, place->frame.buf, &to);

	if (err == 0)
		err = glint_format_view(source->format, source->buf, &from);
	if (err == 0)
		err = glint_dmabuf_begin_read(source->buf);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < from.n; i++)
		copy_component(place, &to.comp[i], &from.comp[i], source, later);
	return glint_dmabuf_end_read(source->buf);
}

static void place_run(struct glint_job *job, unsigned part)
{
	struct place *place = container_of(job, struct place, job);

	(void)part;
	place->err = copy_field(place, place->from[0], false);
	if (place->err == 0 && place->from[1])
		place->err = copy_field(place, place->from[1], true);
}

/* --- Places ---------------------------------------------------------------------------------- */

static void fields_free(struct glint_fields *fields)
{
	free(fields->memory);
	free(fields);
}

static void place_release(struct glint_frame *frame)
{
	struct place *place = container_of(frame, struct place, frame);
	struct glint_fields *fields = place->fields;

	assert(place->used && fields->n_used > 0);

	place->used = false;
	fields->n_used--;
	fields->owner->released(fields->owner, frame);
	if (fields->retired && fields->n_used == 0)
		fields_free(fields);
}

static void place_done(struct glint_job *job)
{
	struct place *place = container_of(job, struct place, job);

	for (size_t i = 0; i < ARRAY_SIZE(place->from); i++)
		place->from[i] = glint_frame_unref(place->from[i]);
	if (place->err < 0)
		place->frame.outcome = GLINT_OUTCOME_FAILED;
	if (place->fields->retired)
		glint_frame_unref(&place->frame);
	else
		place->fields->owner->made(place->fields->owner, &place->frame, place->err);
}

/* The frames have the strides of the buffers. */
static void set_format(struct glint_fields *fields)
{
	const struct glint_format *from = &fields->from;
	struct glint_format *format = &fields->format;
	uint32_t factor = from->field == GLINT_FIELD_ALTERNATE ? 2 : 1;

	*format = *from;
	format->height = from->height * factor;
	format->field = fields->how == GLINT_DEINTERLACE_BOB ? GLINT_FIELD_PROGRESSIVE :
							       GLINT_FIELD_INTERLACED;
	for (unsigned i = 0; i < format->n_planes; i++)
		format->size[i] =
			MAX((uint32_t)glint_format_min_size(format, i), from->size[i] * factor);
}

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int allocate(struct glint_fields *fields)
{
	const struct glint_format *format = &fields->format;
	size_t size = 0;
	uint8_t *at;

	for (unsigned i = 0; i < format->n_planes; i++)
		size += aligned(format->size[i]);
	fields->memory = aligned_alloc(ALIGNMENT, size * GLINT_FIELDS_PLACES);
	if (!fields->memory)
		return -ENOMEM;
	at = fields->memory;
	for (unsigned n = 0; n < GLINT_FIELDS_PLACES; n++) {
		struct glint_dmabuf *buf = &fields->buffers[n];

		glint_dmabuf_init(buf);
		buf->n_planes = format->n_planes;
		for (unsigned i = 0; i < format->n_planes; i++) {
			buf->planes[i] = (struct glint_plane){ .fd = -1,
							       .map = at,
							       .size = format->size[i] };
			at += aligned(format->size[i]);
		}
	}
	return 0;
}

int glint_fields_create(struct glint_fields **out, struct glint_workers *workers,
			const struct glint_format *format, enum glint_deinterlace how,
			struct glint_fields_owner *owner)
{
	static const struct glint_frame_ops ops = { .release = place_release };
	struct glint_fields *fields = calloc(1, sizeof(*fields));

	assert(glint_fields_can(format));

	if (!fields)
		return -ENOMEM;
	fields->owner = owner;
	fields->workers = workers;
	fields->how = how;
	fields->from = *format;
	set_format(fields);
	if (allocate(fields) < 0) {
		free(fields);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < GLINT_FIELDS_PLACES; i++) {
		struct place *place = &fields->places[i];

		place->fields = fields;
		place->job.run = place_run;
		place->job.done = place_done;
		place->frame.ops = &ops;
		place->frame.buf = &fields->buffers[i];
		place->frame.format = &place->format;
		place->frame.slot = i;
		place->frame.n_slots = GLINT_FIELDS_PLACES;
	}
	*out = fields;
	return 0;
}

const struct glint_format *glint_fields_format(const struct glint_fields *fields)
{
	return &fields->format;
}

enum glint_deinterlace glint_fields_how(const struct glint_fields *fields)
{
	return fields->how;
}

void glint_fields_set_colours(struct glint_fields *fields, const struct glint_format *format)
{
	fields->format.range = format->range;
	fields->format.matrix = format->matrix;
}

unsigned glint_fields_spare(const struct glint_fields *fields)
{
	/* One is for the frame that is made while readers keep the others. */
	return MAX(GLINT_FIELDS_PLACES - fields->n_used, 1u) - 1;
}

void glint_fields_retire(struct glint_fields *fields)
{
	if (!fields)
		return;
	fields->retired = true;
	if (fields->n_used == 0)
		fields_free(fields);
}

/* --- Pairs ------------------------------------------------------------------------------------ */

static enum glint_fields_part begin_pair(struct glint_fields *fields, const struct glint_vbuf *vbuf,
					 uint32_t *number)
{
	fields->has_first = true;
	fields->first_seq = vbuf->seq;
	fields->first_is_bottom = vbuf->field == GLINT_BUFFER_BOTTOM;
	if (fields->counting == COUNTS_UNKNOWN)
		fields->base = vbuf->seq;
	*number = fields->counting == COUNTS_FIELDS ?
			  fields->base + (uint32_t)((int32_t)(vbuf->seq - fields->base) / 2) :
			  vbuf->seq;
	return GLINT_FIELDS_FIRST;
}

/*
 * The two fields of a frame have one number (the V4L2 specification), or two that follow each other
 * (drivers that count buffers). By one number alone the earlier field may be either.
 */
enum glint_fields_part glint_fields_part(struct glint_fields *fields, const struct glint_vbuf *vbuf,
					 uint32_t *number)
{
	bool is_bottom = vbuf->field == GLINT_BUFFER_BOTTOM;
	bool other = fields->has_first && is_bottom != fields->first_is_bottom;

	if (fields->from.field != GLINT_FIELD_ALTERNATE) {
		*number = vbuf->seq;
		return GLINT_FIELDS_BOTH;
	}
	if (other && vbuf->seq == fields->first_seq)
		fields->counting = COUNTS_FRAMES;
	else if (other && vbuf->seq == fields->first_seq + 1 && is_bottom != vbuf->bottom_first &&
		 fields->counting != COUNTS_FRAMES)
		fields->counting = COUNTS_FIELDS;
	else
		return begin_pair(fields, vbuf, number);
	fields->has_first = false;
	*number = 0;
	return GLINT_FIELDS_SECOND;
}

enum glint_field_order glint_fields_order(const struct glint_fields *fields, bool interlaced,
					  bool bottom_first)
{
	bool bottom = fields->from.field == GLINT_FIELD_ALTERNATE ? fields->first_is_bottom :
								    bottom_first;

	if (!interlaced || fields->how == GLINT_DEINTERLACE_BOB)
		return GLINT_FIELD_ORDER_NONE;
	return bottom ? GLINT_FIELD_ORDER_BOTTOM_FIRST : GLINT_FIELD_ORDER_TOP_FIRST;
}

bool glint_fields_make(struct glint_fields *fields, struct glint_frame *earlier,
		       struct glint_frame *later, const struct glint_frame_info *info)
{
	struct place *place = fields->places;

	while (place < fields->places + GLINT_FIELDS_PLACES && place->used)
		place++;
	if (place == fields->places + GLINT_FIELDS_PLACES || glint_dmabuf_map(earlier->buf) < 0 ||
	    (later && glint_dmabuf_map(later->buf) < 0))
		return false;
	place->used = true;
	fields->n_used++;
	place->format = fields->format;
	glint_frame_begin(&place->frame, info->seq);
	place->frame.info = *info;
	place->frame.used = fields->format.size[0];
	place->from[0] = glint_frame_ref(earlier);
	place->from[1] = later && fields->how == GLINT_DEINTERLACE_WEAVE ? glint_frame_ref(later) :
									   NULL;
	glint_workers_submit(fields->workers, &place->job, 1);
	return true;
}
