/* SPDX-License-Identifier: MIT */
#include "judge/metric.h"

#include <math.h>
#include <string.h>

#include "base/macros.h"

#define CELL_PIXELS_MIN 4u /* of a cell of 8x8 that luma believes */
#define OPENING		2u /* lines above and below that an opened line depends on */

unsigned glint_metric_bytes(enum glint_metric metric)
{
	return metric == GLINT_METRIC_LUMA ? 1 : 3;
}

/* luma: bits of cells, eight rows of distances, and one of zeroes. */
static size_t luma_row_words(uint32_t width)
{
	return DIV_ROUND_UP((size_t)width, sizeof(uint64_t));
}

size_t glint_metric_scratch(uint32_t width)
{
	size_t luma = glint_bits_pitch(width) + (GLINT_CELL + 1) * luma_row_words(width);

	return MAX(luma, glint_bits_opened_words(width));
}

static const uint64_t *mask_row(const struct glint_measure *measure, uint32_t y)
{
	if (!measure->mask || y < measure->masked_top || y >= measure->masked_end)
		return NULL;
	return measure->mask + y * glint_bits_pitch(measure->width);
}

/* --- luma -------------------------------------------------------------------------- */

static uint8_t *scratch_row(uint64_t *scratch, uint32_t width, unsigned index)
{
	return (uint8_t *)(scratch + glint_bits_pitch(width) + index * luma_row_words(width));
}

/* Clear the values of @row that the mask excludes. */
static void clear_excluded(const uint64_t *mask, uint8_t *row, uint32_t width)
{
	uint32_t begin, length, end = 0;

	for (; glint_bits_next_run(mask, width, end, &begin, &length); end = begin + length)
		memset(row + end, 0, begin - end);
	memset(row + end, 0, width - end);
}

static bool counts_all(const uint64_t *mask, uint32_t width)
{
	uint32_t begin, length;

	return !mask || (glint_bits_next_run(mask, width, 0, &begin, &length) && length == width);
}

/*
 * Point @out to the distances that count: rows with an excluded pixel are copied to @scratch, and a
 * row below the picture becomes one of zeroes.
 */
static void apply_mask(const struct glint_measure *measure, uint32_t y,
		       const uint8_t *const rows[GLINT_CELL], uint64_t *scratch,
		       const uint8_t *out[GLINT_CELL])
{
	for (unsigned i = 0; i < GLINT_CELL; i++) {
		uint8_t *copy = scratch_row(scratch, measure->width, i);

		out[i] = rows[i];
		if (y + i >= measure->height) {
			out[i] = memset(scratch_row(scratch, measure->width, GLINT_CELL), 0,
					measure->width);
			continue;
		}
		if (counts_all(mask_row(measure, y + i), measure->width))
			continue;
		if (copy != rows[i])
			memcpy(copy, rows[i], measure->width);
		clear_excluded(mask_row(measure, y + i), copy, measure->width);
		out[i] = copy;
	}
}

/* Whether any of the believed cells has a value above the threshold in this row. */
static bool row_is_above(const struct glint_measure *measure, const uint8_t *row,
			 const uint64_t *cells)
{
	uint32_t n_cells = DIV_ROUND_UP(measure->width, GLINT_CELL), begin, length;

	for (uint32_t c = 0; glint_bits_next_run(cells, n_cells, c, &begin, &length);
	     c = begin + length) {
		uint32_t end = MIN((begin + length) * GLINT_CELL, measure->width);

		for (uint32_t x = begin * GLINT_CELL; x < end; x++)
			if (row[x] > measure->threshold)
				return true;
	}
	return false;
}

static bool column_is_above(const struct glint_measure *measure,
			    const uint8_t *const rows[GLINT_CELL], uint32_t x)
{
	for (unsigned i = 0; i < GLINT_CELL; i++)
		if (rows[i][x] > measure->threshold)
			return true;
	return false;
}

/* Grow the box to the left and to the right, from the outermost believed cells of a strip. */
static void grow_sideways(struct glint_luma *luma, const struct glint_measure *measure,
			  const uint8_t *const rows[GLINT_CELL], const uint64_t *cells)
{
	size_t first = 0, last = glint_bits_pitch(DIV_ROUND_UP(measure->width, GLINT_CELL)) - 1;
	uint32_t left, right;

	while (!cells[first])
		first++;
	while (!cells[last])
		last--;
	left = (uint32_t)(first * 64 + (unsigned)__builtin_ctzll(cells[first])) * GLINT_CELL;
	right = (uint32_t)(last * 64 + 64 - (unsigned)__builtin_clzll(cells[last])) * GLINT_CELL;
	right = MIN(right, measure->width);
	while (left < luma->left && !column_is_above(measure, rows, left))
		left++;
	while (right > luma->right && !column_is_above(measure, rows, right - 1))
		right--;
	luma->left = MIN(luma->left, left);
	luma->right = MAX(luma->right, right);
}

void glint_luma_begin(struct glint_luma *luma, const struct glint_measure *measure, uint32_t line)
{
	uint32_t first = DIV_ROUND_UP(line, GLINT_CELL) * GLINT_CELL;

	*luma = (struct glint_luma){ .first = first, .end = first, .left = measure->width };
}

void glint_luma_strip(struct glint_luma *luma, const struct glint_judge_kernels *kernels,
		      const struct glint_measure *measure, uint32_t y,
		      const uint8_t *const rows[GLINT_CELL], uint64_t *scratch)
{
	const uint8_t *counted[GLINT_CELL];
	uint64_t count;

	apply_mask(measure, y, rows, scratch, counted);
	count = kernels->cells(counted, measure->width, (unsigned)measure->threshold,
			       CELL_PIXELS_MIN, scratch);
	if (count == 0)
		return;
	if (luma->count == 0) {
		luma->top = y;
		while (!row_is_above(measure, counted[luma->top - y], scratch))
			luma->top++;
	}
	grow_sideways(luma, measure, counted, scratch);
	luma->count += count;
	luma->last = y;
}

/* Compute the distances of a strip into @scratch. */
static void compute_strip(const struct glint_judge_kernels *kernels,
			  const struct glint_measure *measure,
			  const struct glint_judge_pixels *picture,
			  const struct glint_judge_pixels *reference, uint32_t y, uint64_t *scratch,
			  const uint8_t *rows[GLINT_CELL])
{
	for (unsigned i = 0; i < GLINT_CELL; i++) {
		uint8_t *row = scratch_row(scratch, measure->width, i);

		rows[i] = row;
		if (y + i < measure->height)
			kernels->distance(row, picture->base + (y + i) * picture->stride,
					  reference->base + (y + i) * reference->stride,
					  measure->width);
	}
}

void glint_luma_compare_strip(struct glint_luma *luma, const struct glint_judge_kernels *kernels,
			      const struct glint_measure *measure,
			      const struct glint_judge_pixels *picture,
			      const struct glint_judge_pixels *reference, uint32_t y,
			      uint64_t *scratch)
{
	const uint8_t *rows[GLINT_CELL];

	compute_strip(kernels, measure, picture, reference, y, scratch, rows);
	glint_luma_strip(luma, kernels, measure, y, rows, scratch);
}

/* @below has what was found below the lines of @luma. */
static void luma_join(struct glint_luma *luma, const struct glint_luma *below)
{
	if (below->count == 0)
		return;
	luma->top = luma->count > 0 ? luma->top : below->top;
	luma->last = below->last;
	luma->left = MIN(luma->left, below->left);
	luma->right = MAX(luma->right, below->right);
	luma->count += below->count;
}

void glint_luma_end(const struct glint_luma *parts, unsigned n,
		    const struct glint_judge_kernels *kernels, const struct glint_measure *measure,
		    const struct glint_judge_pixels *picture,
		    const struct glint_judge_pixels *reference, uint64_t *scratch,
		    struct glint_difference *difference)
{
	const uint8_t *rows[GLINT_CELL];
	unsigned lines = GLINT_CELL;
	struct glint_luma all, *luma = &all;

	glint_luma_begin(luma, measure, 0);
	for (unsigned i = 0; i <= n; i++) {
		uint32_t next = i < n ? parts[i].first : measure->height;

		if (i < n && parts[i].first >= parts[i].end)
			continue;
		for (; luma->end < next; luma->end += GLINT_CELL)
			glint_luma_compare_strip(luma, kernels, measure, picture, reference,
						 luma->end, scratch);
		if (i == n)
			break;
		luma_join(luma, &parts[i]);
		luma->end = parts[i].end;
	}
	*difference = (struct glint_difference){ 0 };
	if (luma->count == 0)
		return;
	/* The lowest line is sought in the last strip alone: its distances are computed again. */
	compute_strip(kernels, measure, picture, reference, luma->last, scratch, rows);
	apply_mask(measure, luma->last, rows, scratch, rows);
	kernels->cells(rows, measure->width, (unsigned)measure->threshold, CELL_PIXELS_MIN,
		       scratch);
	while (!row_is_above(measure, rows[lines - 1], scratch))
		lines--;
	difference->score = (double)luma->count;
	difference->box = (struct glint_region){
		.x = luma->left,
		.y = luma->top,
		.width = luma->right - luma->left,
		.height = luma->last + lines - luma->top,
	};
	difference->differs = difference->box.width >= measure->min_width &&
			      difference->box.height >= measure->min_height;
}

/* --- stbt -------------------------------------------------------------------------- */

static void stbt_add(const struct glint_judge_kernels *kernels, const struct glint_measure *measure,
		     const uint8_t *picture, const uint8_t *reference, uint32_t y, uint64_t *row)
{
	double limit = ceil(3 * measure->threshold * measure->threshold);
	const uint64_t *mask = mask_row(measure, y);
	uint64_t found = kernels->differ_bgr(picture, reference, measure->width,
					     (unsigned)measure->threshold,
					     (uint32_t)MAX(limit, 1.0), row);

	for (size_t i = 0; found && mask && i < glint_bits_pitch(measure->width); i++)
		row[i] &= mask[i];
}

/* Open the lines of the part above @end whose neighbours, up to two lines away, are known. */
static void stbt_open(struct glint_tally *tally, const struct glint_measure *measure, uint32_t end,
		      uint64_t *changed, uint64_t *scratch)
{
	const struct glint_bits bits = { changed, measure->width, measure->height };

	end = end == measure->height ? end : end - MIN(end, OPENING);
	if (end <= tally->end)
		return;
	glint_bits_measure_opened(&bits, tally->end, end, scratch, &tally->opened);
	tally->end = end;
}

static void stbt_end(const struct glint_tally *parts, unsigned n,
		     const struct glint_measure *measure, uint64_t *changed, uint64_t *scratch,
		     struct glint_difference *difference)
{
	const struct glint_bits bits = { changed, measure->width, measure->height };
	struct glint_bits_extent extent = { 0 };
	uint32_t y = 0;

	for (unsigned i = 0; i < n; i++) {
		if (parts[i].first >= parts[i].end)
			continue;
		glint_bits_measure_opened(&bits, y, parts[i].first, scratch, &extent);
		extent.count += parts[i].opened.count;
		if (parts[i].opened.count > 0)
			glint_region_include(&extent.box, &parts[i].opened.box);
		y = parts[i].end;
	}
	glint_bits_measure_opened(&bits, y, measure->height, scratch, &extent);
	difference->score = (double)extent.count;
	difference->box = extent.box;
	difference->differs = extent.count > 0 && extent.box.width >= measure->min_width &&
			      extent.box.height >= measure->min_height;
}

/* --- Peak signal-to-noise ratio ------------------------------------------------------- */

static void psnr_add(struct glint_tally *tally, const struct glint_judge_kernels *kernels,
		     const struct glint_measure *measure, const uint8_t *picture,
		     const uint8_t *reference, uint32_t y)
{
	const uint64_t *mask = mask_row(measure, y);
	uint32_t begin, length;

	for (uint32_t x = 0; glint_bits_next_run(mask, measure->width, x, &begin, &length);
	     x = begin + length) {
		tally->noise += kernels->squares(picture + (size_t)begin * 3,
						 reference + (size_t)begin * 3, length * 3);
		tally->pixels += length;
	}
}

static void psnr_end(const struct glint_tally *parts, unsigned n,
		     const struct glint_measure *measure, struct glint_difference *difference)
{
	uint64_t pixels = 0, noise = 0;

	for (unsigned i = 0; i < n; i++) {
		pixels += parts[i].pixels;
		noise += parts[i].noise;
	}
	difference->score = GLINT_PSNR_EQUAL;
	if (noise > 0)
		difference->score = 10 * log10(255.0 * 255.0 * 3 * (double)pixels / (double)noise);
	difference->differs = difference->score < measure->threshold;
}

/* --- Both ------------------------------------------------------------------------------- */

size_t glint_tally_words(const struct glint_measure *measure)
{
	if (measure->metric != GLINT_METRIC_STBT)
		return 0;
	return glint_bits_pitch(measure->width) * measure->height;
}

void glint_tally_begin(struct glint_tally *tally, uint32_t line)
{
	uint32_t first = line > 0 ? line + OPENING : 0;

	*tally = (struct glint_tally){ .first = first, .end = first };
}

void glint_tally_add(struct glint_tally *tally, const struct glint_judge_kernels *kernels,
		     const struct glint_measure *measure, const struct glint_judge_pixels *picture,
		     const struct glint_judge_pixels *reference, uint32_t first, uint32_t end,
		     uint64_t *changed, uint64_t *scratch)
{
	for (uint32_t y = first; y < end; y++) {
		const uint8_t *a = picture->base + y * picture->stride;
		const uint8_t *b = reference->base + y * reference->stride;

		if (measure->metric == GLINT_METRIC_STBT)
			stbt_add(kernels, measure, a, b, y,
				 changed + y * glint_bits_pitch(measure->width));
		else
			psnr_add(tally, kernels, measure, a, b, y);
	}
	if (measure->metric == GLINT_METRIC_STBT)
		stbt_open(tally, measure, end, changed, scratch);
}

void glint_tally_end(const struct glint_tally *parts, unsigned n,
		     const struct glint_measure *measure, uint64_t *changed, uint64_t *scratch,
		     struct glint_difference *difference)
{
	*difference = (struct glint_difference){ 0 };
	if (measure->metric == GLINT_METRIC_STBT)
		stbt_end(parts, n, measure, changed, scratch, difference);
	else
		psnr_end(parts, n, measure, difference);
}

void glint_metric_compare(const struct glint_judge_kernels *kernels,
			  const struct glint_measure *measure,
			  const struct glint_judge_pixels *picture,
			  const struct glint_judge_pixels *reference, uint64_t *scratch,
			  struct glint_difference *difference)
{
	uint64_t *changed = scratch + glint_metric_scratch(measure->width);
	struct glint_tally tally;

	if (measure->metric == GLINT_METRIC_LUMA) {
		glint_luma_end(NULL, 0, kernels, measure, picture, reference, scratch, difference);
		return;
	}
	glint_tally_begin(&tally, 0);
	glint_tally_add(&tally, kernels, measure, picture, reference, 0, measure->height, changed,
			scratch);
	glint_tally_end(&tally, 1, measure, changed, scratch, difference);
}

uint8_t glint_metric_brightest(const struct glint_judge_kernels *kernels,
			       const struct glint_measure *measure,
			       const struct glint_judge_pixels *picture, uint32_t first,
			       uint32_t end)
{
	uint8_t most = 0;
	uint32_t begin, length;

	for (uint32_t y = first; y < end && most < UINT8_MAX; y++) {
		const uint64_t *mask = mask_row(measure, y);

		for (uint32_t x = 0; glint_bits_next_run(mask, measure->width, x, &begin, &length);
		     x = begin + length)
			most = MAX(most,
				   kernels->largest(picture->base + y * picture->stride + begin,
						    length));
	}
	return most;
}
