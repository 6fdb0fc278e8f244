/* SPDX-License-Identifier: MIT */
/*
 * Pictures of one bit a pixel: which pixels differ. Bit 0 of a word is the leftmost pixel, and
 * the bits behind a row's last pixel are 0. Pure.
 */
#ifndef GLINT_JUDGE_BITS_H
#define GLINT_JUDGE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/region.h"

struct glint_bits {
	uint64_t *words; /* borrowed */
	uint32_t width, height;
};

static inline size_t glint_bits_pitch(uint32_t width)
{
	return ((size_t)width + 63) / 64;
}

static inline uint64_t *glint_bits_row(const struct glint_bits *bits, uint32_t y)
{
	return bits->words + y * glint_bits_pitch(bits->width);
}

/* The pixels of the last word of a row. */
static inline uint64_t glint_bits_tail(uint32_t width)
{
	return width % 64 ? (UINT64_C(1) << width % 64) - 1 : ~UINT64_C(0);
}

/* Set all pixels, or those of @region, which lies within @bits, to @value. */
void glint_bits_fill(const struct glint_bits *bits, bool value);
void glint_bits_fill_region(const struct glint_bits *bits, const struct glint_region *region,
			    bool value);

/*
 * Set all pixels but those of the @n regions @out of a picture, of which @bits is the part @frame.
 */
void glint_bits_exclude(const struct glint_bits *bits, const struct glint_region *frame,
			const struct glint_region *out, unsigned n);

struct glint_bits_extent {
	uint64_t count;		 /* of set pixels */
	struct glint_region box; /* the smallest that has all of them; no width without any */
};

void glint_bits_measure(const struct glint_bits *bits, struct glint_bits_extent *extent);

/* Words of scratch memory for glint_bits_measure_opened(). */
static inline size_t glint_bits_opened_words(uint32_t width)
{
	return 4 * glint_bits_pitch(width);
}

/*
 * Open with a cross of 3x3 pixels, and add lines @first to before @end of the result to @extent.
 * As OpenCV does, what lies outside of the picture is set for the erosion, and clear for the
 * dilation. @bits does not change; two lines above @first and two from @end on are read.
 */
void glint_bits_measure_opened(const struct glint_bits *bits, uint32_t first, uint32_t end,
			       uint64_t *scratch, struct glint_bits_extent *extent);

/*
 * Find the next run of set pixels of a row at or behind @from. False: there is none. @row NULL:
 * all pixels are set.
 */
bool glint_bits_next_run(const uint64_t *row, uint32_t width, uint32_t from, uint32_t *begin,
			 uint32_t *length);
#endif
