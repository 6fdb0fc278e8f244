/* SPDX-License-Identifier: MIT */
/*
 * Draw the test pattern. The background is drawn once, and copied into each buffer at its first use.
 * Later only the parts that differ from the buffer's last frame are drawn: a few digits, a box, the
 * stamp.
 */
#ifndef GLINT_PATTERN_DRAW_H
#define GLINT_PATTERN_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "pattern/canvas.h"
#include "pattern/stamp.h"

#define GLINT_PATTERN_DIGITS 10 /* "0000012345" */
#define GLINT_PATTERN_CLOCK  12 /* "12:34:56.789" */

/* The moving parts at one moment. Pure data. */
struct glint_pattern_moment {
	struct glint_stamp stamp;
	char digits[GLINT_PATTERN_DIGITS + 1];
	char clock[GLINT_PATTERN_CLOCK + 1];
	uint32_t box_x;
};

struct glint_pattern_picture {
	struct glint_canvas background; /* its memory is the caller's */
	uint32_t rate_millihz;
	long utc_offset_s; /* of the local time */
};

/* Draw the background; its format, size and memory are set. */
void glint_pattern_draw_background(struct glint_pattern_picture *picture);

/* Compute the moving parts of frame @stamp->seq at @stamp->ns and @wall_ns (CLOCK_REALTIME). */
void glint_pattern_moment(const struct glint_pattern_picture *picture,
			  const struct glint_stamp *stamp, uint64_t wall_ns,
			  struct glint_pattern_moment *moment);

/*
 * Draw @now into @canvas. @before: the moment that @canvas shows; NULL: unknown.
 */
void glint_pattern_draw(const struct glint_pattern_picture *picture,
			const struct glint_canvas *canvas,
			const struct glint_pattern_moment *before,
			const struct glint_pattern_moment *now);
#endif
