/* SPDX-License-Identifier: MIT */
#include "judge/match.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "pixels/picture.h"

#define OPAQUE 128u /* alpha of a pixel that counts, and above */

/* --- The measure ---------------------------------------------------------------------- */

/* The line beyond the edge is the one before it. */
static uint32_t mirrored(uint32_t at, int step, uint32_t n)
{
	if (n == 1)
		return 0;
	if (step < 0)
		return at == 0 ? 1 : at - 1;
	return at == n - 1 ? n - 2 : at + 1;
}

static void blur_row(const struct glint_judge_kernels *kernels, uint8_t *out, const uint8_t *above,
		     const uint8_t *here, const uint8_t *below, uint32_t width, uint16_t *sums)
{
	kernels->add_rows(sums + 1, above, here, below, width);
	sums[0] = sums[mirrored(0, -1, width) + 1];
	sums[width + 1] = sums[mirrored(width - 1, 1, width) + 1];
	kernels->blend(out, sums, width);
}

void glint_match_blur(const struct glint_judge_kernels *kernels, uint8_t *out, const uint8_t *in,
		      uint32_t width, uint32_t height, uint16_t *row)
{
	for (uint32_t y = 0; y < height; y++)
		blur_row(kernels, out + (size_t)y * width,
			 in + (size_t)mirrored(y, -1, height) * width, in + (size_t)y * width,
			 in + (size_t)mirrored(y, 1, height) * width, width, row);
}

double glint_match_similarity(uint64_t steps, uint64_t counted)
{
	double error = (double)(steps * 256) / (double)counted;

	return MIN(MAX(0.9 + (40 - error) / 380, 0.0), 1.0);
}

/* --- Making --------------------------------------------------------------------------- */

static size_t area_pixels(const struct glint_match_area *area)
{
	return (size_t)area->place.width * area->place.height;
}

static const uint64_t *area_row(const struct glint_match_area *area, uint32_t y)
{
	return area->mask ? area->mask + y * glint_bits_pitch(area->place.width) : NULL;
}

/* Clear what does not count: transparent pixels, and those of excluded regions. */
static void area_fill_mask(struct glint_match_area *area, const struct glint_condition *condition,
			   const struct glint_picture *picture, const struct glint_region *in)
{
	struct glint_bits bits = { area->mask, in->width, in->height };

	glint_bits_exclude(&bits, &area->place, condition->excluded, condition->n_excluded);
	for (uint32_t y = 0; picture->alpha && y < in->height; y++) {
		const uint8_t *alpha =
			picture->alpha + (size_t)(in->y + y) * picture->width + in->x;
		uint64_t *row = glint_bits_row(&bits, y);

		for (uint32_t x = 0; x < in->width; x++)
			if (alpha[x] < OPAQUE)
				row[x / 64] &= ~(UINT64_C(1) << x % 64);
	}
}

/* Set to 0 what does not count in row @y, so that no pixel beside it is blurred with it. */
static void area_paint(const struct glint_match_area *area, uint32_t y, uint8_t *row)
{
	const uint64_t *mask = area_row(area, y);

	for (uint32_t x = 0; mask && x < area->place.width; x++)
		if (!(mask[x / 64] >> x % 64 & 1))
			row[x] = 0;
}

static void area_read(struct glint_match_area *area, const struct glint_picture *picture,
		      const struct glint_region *in)
{
	for (uint32_t y = 0; y < in->height; y++) {
		const uint8_t *rgb =
			picture->rgb + ((size_t)(in->y + y) * picture->width + in->x) * 3;
		uint8_t *to = area->grey + (size_t)y * in->width;

		for (uint32_t x = 0; x < in->width; x++, rgb += 3) {
			const uint8_t bgr[3] = { rgb[2], rgb[1], rgb[0] };

			glint_judge_kernels_plain.grey(&to[x], bgr, 1);
		}
		area_paint(area, y, to);
	}
}

static size_t area_mask_size(const struct glint_match_area *area,
			     const struct glint_condition *condition,
			     const struct glint_picture *picture)
{
	const struct glint_region *place = &area->place;

	if (!picture->alpha && condition->n_excluded == 0)
		return 0;
	return glint_bits_pitch(place->width) * place->height * sizeof(uint64_t);
}

static int area_make(const struct glint_match *match, struct glint_match_area *area,
		     const struct glint_condition *condition, const struct glint_picture *picture)
{
	struct glint_region in = area->place; /* within the reference */
	size_t pixels = area_pixels(area), mask = area_mask_size(area, condition, picture);
	struct glint_bits_extent extent = { .count = pixels };
	uint16_t *row;

	in.x -= match->place.x;
	in.y -= match->place.y;
	area->grey = malloc(pixels);
	area->blurred = malloc(pixels);
	area->mask = mask > 0 ? malloc(mask) : NULL;
	row = malloc((in.width + 2) * sizeof(*row));
	if (!area->grey || !area->blurred || (mask > 0 && !area->mask) || !row) {
		free(row);
		return -ENOMEM;
	}
	if (area->mask) {
		struct glint_bits bits = { area->mask, in.width, in.height };

		area_fill_mask(area, condition, picture, &in);
		glint_bits_measure(&bits, &extent);
	}
	area->counted = extent.count;
	area_read(area, picture, &in);
	glint_match_blur(glint_judge_kernels_choose(), area->blurred, area->grey, in.width,
			 in.height, row);
	free(row);
	return area->counted > 0 ? 0 : -ENODATA;
}

/*
 * The reference lies where the client says; without that, at the place of the only region when it
 * has its size, else in the upper left corner.
 */
static void match_find_place(struct glint_match *match, const struct glint_condition *condition,
			     const struct glint_picture *picture)
{
	const struct glint_region *only = &condition->areas[0];

	match->place.width = picture->width;
	match->place.height = picture->height;
	if (condition->has_at) {
		match->place.x = condition->at_x;
		match->place.y = condition->at_y;
	} else if (condition->n_areas == 1 && only->width == picture->width &&
		   only->height == picture->height) {
		match->place.x = only->x;
		match->place.y = only->y;
	}
}

/* Also says what they will need: a client may name the whole reference many times. */
static int match_place_areas(struct glint_match *match, const struct glint_condition *condition,
			     const struct glint_picture *picture)
{
	unsigned n = MAX(condition->n_areas, 1u);

	for (unsigned i = 0; i < n; i++) {
		struct glint_match_area *area = &match->areas[i];
		struct glint_region in;

		area->place = in = condition->n_areas > 0 ? condition->areas[i] : match->place;
		if (in.x < match->place.x || in.y < match->place.y)
			return -ERANGE;
		in.x -= match->place.x;
		in.y -= match->place.y;
		if (!glint_region_fits(&in, picture->width, picture->height))
			return -ERANGE;
		match->held += 2 * area_pixels(area) + area_mask_size(area, condition, picture);
	}
	match->n_areas = n;
	return 0;
}

static int match_make_areas(struct glint_match *match, const struct glint_condition *condition,
			    const struct glint_picture *picture)
{
	int err = 0;

	for (unsigned i = 0; i < match->n_areas && err == 0; i++)
		err = area_make(match, &match->areas[i], condition, picture);
	return err;
}

int glint_match_create(struct glint_match **out, const struct glint_condition *condition,
		       const struct glint_picture *picture, size_t room)
{
	struct glint_match *match = calloc(1, sizeof(*match));
	int err;

	if (!match)
		return -ENOMEM;
	match->luma = picture->grey;
	match->margin = condition->margin;
	match_find_place(match, condition, picture);
	err = match_place_areas(match, condition, picture);
	if (err == 0 && match->held > room)
		err = -ENOBUFS;
	if (err == 0)
		err = match_make_areas(match, condition, picture);
	if (err < 0) {
		glint_match_destroy(match);
		return err;
	}
	*out = match;
	return 0;
}

void glint_match_destroy(struct glint_match *match)
{
	if (!match)
		return;
	for (unsigned i = 0; i < match->n_areas; i++) {
		free(match->areas[i].mask);
		free(match->areas[i].grey);
		free(match->areas[i].blurred);
	}
	free(match->scratch);
	free(match);
}

/* --- Placing -------------------------------------------------------------------------- */

/* The window of the area: @margin around its place, cut at the edges of the picture. */
static void area_place(struct glint_match_area *area, uint32_t margin, uint32_t width,
		       uint32_t height)
{
	const struct glint_region *place = &area->place;
	uint32_t left = MIN(place->x, margin), top = MIN(place->y, margin);
	uint32_t right = MIN(width - place->x - place->width, margin);
	uint32_t bottom = MIN(height - place->y - place->height, margin);

	area->window = (struct glint_region){
		.x = place->x - left,
		.y = place->y - top,
		.width = left + place->width + right,
		.height = top + place->height + bottom,
	};
}

static uint64_t area_work(const struct glint_match_area *area)
{
	uint64_t places = (uint64_t)(area->window.width - area->place.width + 1) *
			  (area->window.height - area->place.height + 1);

	return places * area_pixels(area);
}

/* Sums, three rows of grey and a blurred one; and the window, if there is a choice of places. */
static size_t area_scratch(const struct glint_match_area *area)
{
	size_t window = (size_t)area->window.width * area->window.height;
	size_t width = area->place.width;

	return (width + 2) * sizeof(uint16_t) + 4 * width +
	       (window > area_pixels(area) ? window : 0);
}

int glint_match_place(struct glint_match *match, uint32_t width, uint32_t height, size_t room)
{
	struct glint_region around = { 0 };
	uint64_t work = 0;
	size_t scratch = 0;

	match->window = around;
	match->work = 0;
	if (!glint_region_fits(&match->place, width, height))
		return -ERANGE;
	for (unsigned i = 0; i < match->n_areas; i++) {
		struct glint_match_area *area = &match->areas[i];

		area_place(area, match->margin, width, height);
		glint_region_include(&around, &area->window);
		work += area_work(area);
		scratch = MAX(scratch, area_scratch(area));
	}
	if (work > GLINT_MATCH_WORK_MAX)
		return -E2BIG;
	free(match->scratch);
	match->held -= match->scratch_size;
	match->scratch_size = 0;
	assert(scratch > 0);
	match->scratch = match->held + scratch <= room ? malloc(scratch) : NULL;
	if (!match->scratch)
		return -ENOMEM;
	match->scratch_size = scratch;
	match->held += scratch;
	match->window = around;
	match->work = work;
	return 0;
}

/* --- Looking -------------------------------------------------------------------------- */

/* A place that the area may be at, in the window. */
struct place {
	uint32_t x, y;
	uint64_t squares;  /* of the differences of grey */
	uint64_t distance; /* squared, from where the area should be */
};

/* The squared differences at a place of the window, or more than @limit as soon as it is. */
static uint64_t area_squares(const struct glint_match_area *area,
			     const struct glint_judge_kernels *kernels, const uint8_t *window,
			     uint32_t left, uint32_t top, uint64_t limit)
{
	uint32_t width = area->place.width, begin, length;
	uint64_t sum = 0;

	for (uint32_t y = 0; y < area->place.height && sum <= limit; y++) {
		const uint8_t *a = window + (size_t)(top + y) * area->window.width + left;
		const uint8_t *b = area->grey + (size_t)y * width;
		const uint64_t *mask = area_row(area, y);

		for (uint32_t x = 0; glint_bits_next_run(mask, width, x, &begin, &length);
		     x = begin + length)
			sum += kernels->squares(a + begin, b + begin, length);
	}
	return sum;
}

/* The place with the smallest difference; of equal ones the nearest, then the uppermost. */
static struct place area_search(const struct glint_match_area *area,
				const struct glint_judge_kernels *kernels, const uint8_t *window)
{
	uint32_t right = area->window.width - area->place.width;
	uint32_t bottom = area->window.height - area->place.height;
	struct place best = { area->place.x - area->window.x, area->place.y - area->window.y, 0,
			      0 };
	const struct place should = best;

	best.squares = area_squares(area, kernels, window, best.x, best.y, UINT64_MAX);
	for (uint32_t y = 0; y <= bottom && best.squares + best.distance > 0; y++) {
		for (uint32_t x = 0; x <= right; x++) {
			int64_t dx = (int64_t)x - should.x, dy = (int64_t)y - should.y;
			struct place at = { x, y, 0, (uint64_t)(dx * dx + dy * dy) };

			at.squares = area_squares(area, kernels, window, x, y, best.squares);
			if (at.squares < best.squares ||
			    (at.squares == best.squares && at.distance < best.distance))
				best = at;
		}
	}
	return best;
}

/* Read @n grey values of the picture. */
static void read_grey(const struct glint_match *match, const struct glint_judge_kernels *kernels,
		      const struct glint_judge_pixels *pixels, uint32_t x, uint32_t y, uint8_t *to,
		      uint32_t n)
{
	const uint8_t *row = pixels->base + (y - match->window.y) * pixels->stride +
			     (size_t)(x - match->window.x) * (match->luma ? 1 : 3);

	if (match->luma)
		memcpy(to, row, n);
	else
		kernels->grey(to, row, n);
}

/* Row @y of the area, which lies at @found. */
static void area_read_row(const struct glint_match *match, const struct glint_match_area *area,
			  const struct glint_judge_kernels *kernels,
			  const struct glint_judge_pixels *pixels, const struct glint_region *found,
			  uint32_t y, uint8_t *to)
{
	read_grey(match, kernels, pixels, found->x, found->y + y, to, found->width);
	area_paint(area, y, to);
}

/* The picture is blurred and compared row by row, so that all stays in the processor's cache. */
static double area_similarity(const struct glint_match *match, const struct glint_match_area *area,
			      const struct glint_judge_kernels *kernels,
			      const struct glint_judge_pixels *pixels,
			      const struct glint_region *found)
{
	uint32_t width = area->place.width, height = area->place.height, begin, length;
	uint16_t *sums = (uint16_t *)(void *)match->scratch; /* malloc() aligns it */
	uint8_t *rows = (uint8_t *)(sums + width + 2), *blurred = rows + 3 * (size_t)width;
	uint64_t steps = 0;

	area_read_row(match, area, kernels, pixels, found, 0, rows);
	for (uint32_t y = 0; y < height; y++) {
		const uint64_t *mask = area_row(area, y);
		const uint8_t *wanted = area->blurred + (size_t)y * width;

		/* The rows before and behind it are there, too. */
		if (y + 1 < height)
			area_read_row(match, area, kernels, pixels, found, y + 1,
				      rows + (size_t)((y + 1) % 3) * width);
		blur_row(kernels, blurred, rows + (size_t)(mirrored(y, -1, height) % 3) * width,
			 rows + (size_t)(y % 3) * width,
			 rows + (size_t)(mirrored(y, 1, height) % 3) * width, width, sums);
		for (uint32_t x = 0; glint_bits_next_run(mask, width, x, &begin, &length);
		     x = begin + length)
			steps += kernels->steps(blurred + begin, wanted + begin, length);
	}
	return glint_match_similarity(steps, area->counted);
}

/* Where the area is most similar. */
static void area_find(const struct glint_match *match, const struct glint_match_area *area,
		      const struct glint_judge_kernels *kernels,
		      const struct glint_judge_pixels *pixels, struct glint_region *found)
{
	const struct glint_region *from = &area->window;
	uint8_t *window = match->scratch + (area->place.width + 2) * sizeof(uint16_t) +
			  4 * (size_t)area->place.width;
	struct place best;

	*found = area->place;
	if (from->width == found->width && from->height == found->height)
		return;
	for (uint32_t y = 0; y < from->height; y++)
		read_grey(match, kernels, pixels, from->x, from->y + y,
			  window + (size_t)y * from->width, from->width);
	best = area_search(area, kernels, window);
	found->x = from->x + best.x;
	found->y = from->y + best.y;
}

void glint_match_look(struct glint_match *match, const struct glint_judge_kernels *kernels,
		      const struct glint_judge_pixels *pixels, struct glint_match_result *result)
{
	assert(match->window.width > 0);

	*result = (struct glint_match_result){ .similarity = 1 };
	for (unsigned i = 0; i < match->n_areas; i++) {
		struct glint_region found;
		double similarity;

		area_find(match, &match->areas[i], kernels, pixels, &found);
		similarity = area_similarity(match, &match->areas[i], kernels, pixels, &found);
		result->similarity = MIN(result->similarity, similarity);
		glint_region_include(&result->box, &found);
	}
}
