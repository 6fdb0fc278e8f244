/* SPDX-License-Identifier: MIT */
#include "truth/look.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "pixels/jpeg.h"
#include "pixels/pixels.h"

#define CACHE_LINE 64u

static uint32_t line_of(const struct glint_look *look, unsigned index)
{
	return (uint32_t)((2 * (uint64_t)index + 1) * look->height / (2 * look->n_lines));
}

/* @grey: one line of the picture. */
static void add_line(struct glint_look *look, unsigned index, const uint8_t *grey)
{
	for (unsigned piece = 0; piece < GLINT_LOOK_PIECES; piece++) {
		uint32_t x = (uint32_t)((uint64_t)piece * look->width / GLINT_LOOK_PIECES);
		uint32_t end = (uint32_t)((uint64_t)(piece + 1) * look->width / GLINT_LOOK_PIECES);
		uint32_t n = end - x, sum = 0;

		assert(n > 0); /* the picture has at least 64 columns */
		for (; x < end; x++)
			sum += grey[x];
		look->mean[index][piece] = (uint8_t)(sum / n);
	}
}

/*
 * Begin to read line @index. A look's lines are far apart in memory, so that the processor does not
 * foresee the next one, and few of their pages are in a cache of the page table.
 */
static void prefetch_line(const struct glint_look *look, unsigned index,
			  const struct glint_pixels_source *source)
{
	const struct glint_component *first = &source->view.comp[0];
	const uint8_t *line = first->base + (size_t)line_of(look, index) * first->stride;

	for (size_t at = 0; at < first->stride; at += CACHE_LINE)
		__builtin_prefetch(line + at);
}

static int take_raw(struct glint_look *look, const struct glint_pixels_source *source,
		    uint8_t *line)
{
	int err = 0;

	for (unsigned i = 0; i < look->n_lines && err == 0; i++) {
		const struct glint_pixels_wish wish = {
			.kind = GLINT_PIXELS_GREY,
			.region = { 0, line_of(look, i), look->width, 1 },
			.scale = 1,
		};

		if (i + 1 < look->n_lines)
			prefetch_line(look, i + 1, source);
		err = glint_pixels_read(source, &wish, 0, 1, line, look->width);
		if (err == 0)
			add_line(look, i, line);
	}
	return err;
}

struct decoding {
	struct glint_look *look;
	unsigned next; /* line of the look */
};

static void on_decoded(void *ctx, const uint8_t *line, uint32_t width, uint32_t top)
{
	struct decoding *decoding = ctx;
	struct glint_look *look = decoding->look;

	(void)width;
	while (decoding->next < look->n_lines && line_of(look, decoding->next) == top)
		add_line(look, decoding->next++, line);
}

static int take_jpeg(struct glint_look *look, const struct glint_pixels_source *source)
{
	struct decoding decoding = { .look = look };
	const struct glint_pixels_jpeg jpeg = {
		.data = source->jpeg,
		.size = source->jpeg_size,
		.width = source->width,
		.height = source->height,
		.grey = true,
		.scale = 1,
		.end = source->height,
		.band = 1,
		.decoded = on_decoded,
		.ctx = &decoding,
	};

	return glint_pixels_decode(&jpeg);
}

int glint_look_take(struct glint_look *look, const struct glint_pixels_source *source,
		    uint8_t *line)
{
	look->width = look->height = 0;
	if (source->width < GLINT_LOOK_PIECES || source->height < GLINT_THUMB_HEIGHT ||
	    source->width > GLINT_LOOK_LINE_MAX)
		return -EINVAL;
	look->width = source->width;
	look->height = source->height;
	look->n_lines = MIN(source->height, GLINT_LOOK_LINES_MAX);
	return source->jpeg ? take_jpeg(look, source) : take_raw(look, source, line);
}

bool glint_look_differs(const struct glint_look *a, const struct glint_look *b, unsigned noise)
{
	const uint8_t *in_a = &a->mean[0][0], *in_b = &b->mean[0][0];
	size_t n = (size_t)a->n_lines * GLINT_LOOK_PIECES;
	unsigned most = 0;

	if (a->width != b->width || a->height != b->height)
		return true;
	for (size_t i = 0; i < n; i++)
		most = MAX(most, (unsigned)abs(in_a[i] - in_b[i]));
	return most > noise;
}

bool glint_look_is_dark(const struct glint_look *look, unsigned level)
{
	const uint8_t *mean = &look->mean[0][0];
	size_t n = (size_t)look->n_lines * GLINT_LOOK_PIECES;
	unsigned most = 0;

	for (size_t i = 0; i < n; i++)
		most = MAX(most, (unsigned)mean[i]);
	return most <= level;
}

static uint8_t thumb_mean(const struct glint_look *look, unsigned x, unsigned y)
{
	unsigned top = y * look->n_lines / GLINT_THUMB_HEIGHT;
	unsigned end = (y + 1) * look->n_lines / GLINT_THUMB_HEIGHT;
	unsigned wide = GLINT_LOOK_PIECES / GLINT_THUMB_WIDTH, sum = 0;

	assert(end > top); /* a look has at least 17 lines */
	for (unsigned line = top; line < end; line++)
		for (unsigned i = 0; i < wide; i++)
			sum += look->mean[line][x * wide + i];
	return (uint8_t)(sum / ((end - top) * wide));
}

void glint_thumb_make(struct glint_thumb *thumb, const struct glint_look *look)
{
	for (unsigned y = 0; y < GLINT_THUMB_HEIGHT; y++)
		for (unsigned x = 0; x < GLINT_THUMB_WIDTH; x++)
			thumb->mean[y][x] = thumb_mean(look, x, y);
}

bool glint_thumb_matches(const struct glint_thumb *a, const struct glint_thumb *b,
			 unsigned tolerance)
{
	const uint8_t *in_a = &a->mean[0][0], *in_b = &b->mean[0][0];
	unsigned sum = 0, most = 0;

	for (size_t i = 0; i < sizeof(a->mean); i++) {
		unsigned difference = (unsigned)abs(in_a[i] - in_b[i]);

		sum += difference;
		most = MAX(most, difference);
	}
	return sum <= tolerance * sizeof(a->mean) && most <= 4 * tolerance;
}
