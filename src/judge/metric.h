/* SPDX-License-Identifier: MIT */
/*
 * Whether two pictures of the same size differ, by the metric that a client has chosen.
 * docs/WAITING.md defines the metrics. Pure; the scratch memory is the caller's.
 */
#ifndef GLINT_JUDGE_METRIC_H
#define GLINT_JUDGE_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/condition.h"
#include "judge/bits.h"
#include "judge/kernels.h"

#define GLINT_CELL	 8u	   /* pixels: luma's cells have that side */
#define GLINT_PSNR_EQUAL 1000000.0 /* dB, of equal pictures: openQA's number */

/* Grey, a byte a pixel, or BGR, three. */
struct glint_judge_pixels {
	const uint8_t *base;
	size_t stride;
};

struct glint_measure {
	enum glint_metric metric;
	double threshold;
	uint32_t min_width, min_height;
	uint32_t width, height;		 /* of the pictures */
	const uint64_t *mask;		 /* rows of bits: the pixels that count; NULL: all */
	uint32_t masked_top, masked_end; /* of other lines all pixels count */
};

struct glint_difference {
	bool differs;
	/* luma, stbt: the number of pixels that have changed. psnr: dB. */
	double score;
	struct glint_region box; /* of what has changed, within the picture; no width: unknown */
};

/* Bytes a pixel of the pictures that @metric compares. */
unsigned glint_metric_bytes(enum glint_metric metric);

/* Words of scratch memory for pictures of this width. */
size_t glint_metric_scratch(uint32_t width);

/* Compare whole pictures. @scratch: glint_tally_words() more. */
void glint_metric_compare(const struct glint_judge_kernels *kernels,
			  const struct glint_measure *measure,
			  const struct glint_judge_pixels *picture,
			  const struct glint_judge_pixels *reference, uint64_t *scratch,
			  struct glint_difference *difference);

/* --- luma, a strip of cells after the other ------------------------------------------------- */

/*
 * What has been found of a comparison by luma. A caller that has the distances of many pictures
 * and regions at hand passes them in strips of GLINT_CELL lines, from the top, each once; a strip
 * without a distance above the threshold may be left out. Threads may compare parts of a picture at
 * the same time, each with a struct glint_luma of its own; glint_luma_end() gets all of them.
 */
struct glint_luma {
	uint32_t first, end;	   /* the lines of the strips that were passed, or left out */
	uint64_t count;		   /* pixels of cells that are believed; 0: no such cell yet */
	uint32_t left, right, top; /* the box around them, as far as it is known */
	uint32_t last;		   /* the first line of the last strip that has any */
};

/* Begin a part of the picture: the first strip whose lines lie at or below line @line. */
void glint_luma_begin(struct glint_luma *luma, const struct glint_measure *measure, uint32_t line);

/* @rows: the distances of line @y and of those below it; NULL: a line below the picture. */
void glint_luma_strip(struct glint_luma *luma, const struct glint_judge_kernels *kernels,
		      const struct glint_measure *measure, uint32_t y,
		      const uint8_t *const rows[GLINT_CELL], uint64_t *scratch);

/* The distances are computed here. */
void glint_luma_compare_strip(struct glint_luma *luma, const struct glint_judge_kernels *kernels,
			      const struct glint_measure *measure,
			      const struct glint_judge_pixels *picture,
			      const struct glint_judge_pixels *reference, uint32_t y,
			      uint64_t *scratch);

/*
 * The result of the @n parts, from the top. Strips that lie in no part, because it ended within
 * them, are compared now.
 */
void glint_luma_end(const struct glint_luma *parts, unsigned n,
		    const struct glint_judge_kernels *kernels, const struct glint_measure *measure,
		    const struct glint_judge_pixels *picture,
		    const struct glint_judge_pixels *reference, uint64_t *scratch,
		    struct glint_difference *difference);

/* --- stbt and psnr, some lines after the other ---------------------------------------------- */

/* What has been found in a part of the picture. */
struct glint_tally {
	uint32_t first, end; /* stbt: the lines that were opened */
	struct glint_bits_extent opened;
	uint64_t pixels, noise; /* psnr: that count, and the sum of their squared differences */
};

/* Begin a part of the picture that has line @line as its first. */
void glint_tally_begin(struct glint_tally *tally, uint32_t line);

/* Words of the bits of changed pixels, which the caller keeps from the first line to the end. */
size_t glint_tally_words(const struct glint_measure *measure);

/*
 * Compare lines @first to before @end, from the top of the part, each once. Threads may compare
 * parts of a picture at the same time; they share @changed.
 */
void glint_tally_add(struct glint_tally *tally, const struct glint_judge_kernels *kernels,
		     const struct glint_measure *measure, const struct glint_judge_pixels *picture,
		     const struct glint_judge_pixels *reference, uint32_t first, uint32_t end,
		     uint64_t *changed, uint64_t *scratch);

/*
 * The result of the @n parts, from the top, to which all lines were added. The lines whose
 * neighbours belong to another part are opened now.
 */
void glint_tally_end(const struct glint_tally *parts, unsigned n,
		     const struct glint_measure *measure, uint64_t *changed, uint64_t *scratch,
		     struct glint_difference *difference);

/* The largest grey value of the pixels that count in lines @first to before @end. */
uint8_t glint_metric_brightest(const struct glint_judge_kernels *kernels,
			       const struct glint_measure *measure,
			       const struct glint_judge_pixels *picture, uint32_t first,
			       uint32_t end);
#endif
