/* SPDX-License-Identifier: MIT */
/*
 * The test pattern's picture. What rests is drawn once into a background; a buffer
 * gets a copy of it the first time, and from then on only what has changed since
 * that very buffer was last drawn: a few digits, a box, the stamp.
 */
#ifndef GLINT_PATTERN_DRAW_H
#define GLINT_PATTERN_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "pattern/canvas.h"
#include "pattern/stamp.h"

#define GLINT_PATTERN_DIGITS 10		/* "0000012345" */
#define GLINT_PATTERN_CLOCK  12		/* "12:34:56.789" */

/* What moves, at one moment. Pure data. */
struct glint_pattern_moment {
	struct glint_stamp stamp;
	char digits[GLINT_PATTERN_DIGITS + 1];
	char clock[GLINT_PATTERN_CLOCK + 1];
	uint32_t box_x;
};

struct glint_pattern_picture {
	struct glint_canvas background;	/* its memory is the caller's */
	uint32_t rate_millihz;
	long utc_offset_s;		/* of the local time */
};

/* Draws the background; its format, size and memory are set. */
void glint_pattern_draw_background(struct glint_pattern_picture *picture);

/* What picture number @stamp->seq shows at @stamp->ns and @wall_ns (CLOCK_REALTIME). */
void glint_pattern_moment(const struct glint_pattern_picture *picture,
			  const struct glint_stamp *stamp, uint64_t wall_ns,
			  struct glint_pattern_moment *moment);

/*
 * Makes @canvas show @now. @before: what it shows so far, NULL when anything.
 */
void glint_pattern_draw(const struct glint_pattern_picture *picture,
			const struct glint_canvas *canvas,
			const struct glint_pattern_moment *before,
			const struct glint_pattern_moment *now);
#endif
