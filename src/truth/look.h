/* SPDX-License-Identifier: MIT */
/*
 * A look at a picture: some of its lines, each as the mean brightness of 64 pieces. Looks of one size
 * tell whether a picture has changed; thumbs, which are made of looks of any size, tell whether two
 * pictures show the same. Pure.
 */
#ifndef GLINT_TRUTH_LOOK_H
#define GLINT_TRUTH_LOOK_H

#include <stdbool.h>
#include <stdint.h>

struct glint_pixels_source;

#define GLINT_LOOK_PIECES    64u
#define GLINT_LOOK_LINES_MAX 136u /* every eighth line at 1080p: no line of text is missed */
#define GLINT_THUMB_WIDTH    32u
#define GLINT_THUMB_HEIGHT   17u

struct glint_look {
	uint32_t width, height; /* of the picture; 0: no look yet */
	unsigned n_lines;
	uint8_t mean[GLINT_LOOK_LINES_MAX][GLINT_LOOK_PIECES];
};

struct glint_thumb {
	uint8_t mean[GLINT_THUMB_HEIGHT][GLINT_THUMB_WIDTH];
};

/* Room for one line of the widest picture. */
#define GLINT_LOOK_LINE_MAX 15360u

/*
 * Look at @source. @line has GLINT_LOOK_LINE_MAX bytes. -EINVAL: the picture is smaller than 64x17
 * or wider than @line; else as glint_pixels_read().
 */
int glint_look_take(struct glint_look *look, const struct glint_pixels_source *source,
		    uint8_t *line);

/* Returns whether a piece differs by more than @noise, or the size does. */
bool glint_look_differs(const struct glint_look *a, const struct glint_look *b, unsigned noise);

/* Returns whether no piece is brighter than @level. */
bool glint_look_is_dark(const struct glint_look *look, unsigned level);

void glint_thumb_make(struct glint_thumb *thumb, const struct glint_look *look);

/*
 * Returns whether both show the same: the mean difference is at most @tolerance, and no place
 * differs by more than four times as much.
 */
bool glint_thumb_matches(const struct glint_thumb *a, const struct glint_thumb *b,
			 unsigned tolerance);
#endif
