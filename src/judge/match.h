/* SPDX-License-Identifier: MIT */
/*
 * Whether a picture shows a reference picture, at its place or near it: openQA's measure of
 * similarity, as docs/WAITING.md defines it. Pure; allocates when a match is made. Any thread, one
 * at a time.
 */
#ifndef GLINT_JUDGE_MATCH_H
#define GLINT_JUDGE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/condition.h"
#include "judge/metric.h"

#define GLINT_MATCH_WORK_MAX (1u << 28) /* pixels that are compared in a frame at most */

struct glint_picture;

/* A part of the reference that is found, or not, by itself. */
struct glint_match_area {
	struct glint_region place;  /* in the picture */
	struct glint_region window; /* the part of the picture that it is looked for in */
	uint64_t counted;	    /* pixels that count, 1 or more */
	uint64_t *mask;		    /* rows of bits: these pixels; NULL: all */
	uint8_t *grey;		    /* the reference; 0 where a pixel does not count */
	uint8_t *blurred;	    /* the same, blurred */
};

struct glint_match {
	bool luma;		    /* looks at the frame's own luma, else at BGR */
	struct glint_region place;  /* of the whole reference, in the picture */
	struct glint_region window; /* around all windows; no width: not placed */
	uint32_t margin;
	unsigned n_areas;
	struct glint_match_area areas[GLINT_CONDITION_AREAS_MAX];
	uint8_t *scratch; /* for one area, and the window around it */
	size_t scratch_size;
	size_t held;   /* bytes, of all */
	uint64_t work; /* pixels that are compared in a frame at most; 0: not placed */
};

struct glint_match_result {
	double similarity;	 /* of the area that is the least similar, 0 to 1 */
	struct glint_region box; /* where the areas are most similar: around all of them */
};

/*
 * Make the match of @condition out of its reference @picture, which the caller keeps. -ERANGE: an
 * area does not lie within the reference; -ENODATA: no pixel of an area counts; -ENOBUFS: it would
 * need more than @room bytes; -ENOMEM.
 */
int glint_match_create(struct glint_match **out, const struct glint_condition *condition,
		       const struct glint_picture *picture, size_t room);
void glint_match_destroy(struct glint_match *match); /* NULL is fine */

/*
 * The pictures have this size. -ERANGE: the reference does not lie within them; -E2BIG: the search
 * would compare more than GLINT_MATCH_WORK_MAX pixels in a frame; -ENOMEM: there is no memory, or
 * the match would need more than @room bytes. After a failure the match is not placed, and holds no
 * more bytes than before.
 */
int glint_match_place(struct glint_match *match, uint32_t width, uint32_t height, size_t room);

/*
 * Look at one picture. @pixels begins with the upper left pixel of the match's window: luma, or BGR.
 * The match is placed.
 */
void glint_match_look(struct glint_match *match, const struct glint_judge_kernels *kernels,
		      const struct glint_judge_pixels *pixels, struct glint_match_result *result);

/* --- Parts, for tests ------------------------------------------------------------------ */

/*
 * Blur with 1 2 1 in both directions, rounded; the picture is mirrored at its edges, without the
 * edge itself. Rows are without padding. @row has room for @width + 2 numbers.
 */
void glint_match_blur(const struct glint_judge_kernels *kernels, uint8_t *out, const uint8_t *in,
		      uint32_t width, uint32_t height, uint16_t *row);

/* @steps: the sum of squared differences, in steps of 16. */
double glint_match_similarity(uint64_t steps, uint64_t counted);
#endif
