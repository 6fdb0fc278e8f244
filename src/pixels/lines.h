/* SPDX-License-Identifier: MIT */
/*
 * Pieces of lines, in plain loops that the compiler makes vector code of. The same code is compiled
 * once for the processors that every build supports, and once for AVX2.
 */
#ifndef GLINT_PIXELS_LINES_H
#define GLINT_PIXELS_LINES_H

#include "pixels/pixels.h"

#define GLINT_PIXELS_PIECE 1024u /* pixels; a multiple of each scale */

/* What a frame's samples are multiplied with, in 1/8192; docs/PIXELS.md has the table. */
struct glint_pixels_matrix {
	int16_t y, cr_r, cb_g, cr_g, cb_b;
	int16_t black; /* 16, or 0 */
};

/* Red, green and blue; or grey and nothing. */
struct glint_pixels_piece {
	_Alignas(64) uint8_t plane[3][GLINT_PIXELS_PIECE];
};

struct glint_pixels_engine {
	/* Read @n pixels of line @y, from column @x: into all planes, or grey into the first. */
	void (*read)(const struct glint_pixels_source *source,
		     const struct glint_pixels_matrix *matrix, bool grey, uint32_t x, uint32_t y,
		     unsigned n, struct glint_pixels_piece *piece);
	/* The same for grey of a frame that has luma; @n is at most GLINT_PIXELS_PIECE. */
	void (*luma)(const struct glint_pixels_source *source,
		     const struct glint_pixels_matrix *matrix, uint32_t x, uint32_t y, unsigned n,
		     uint8_t *out);
	/* sums[i] += samples[i] */
	void (*add)(uint16_t *sums, const uint8_t *samples, unsigned n);
	/*
	 * Each mean of @scale sums of @lines samples each; the last mean may be of fewer. @n: sums.
	 */
	void (*average)(uint8_t *out, const uint16_t *sums, unsigned n, unsigned scale,
			unsigned lines);
	/* Three planes become one of three bytes a pixel. */
	void (*join)(uint8_t *out, const uint8_t *a, const uint8_t *b, const uint8_t *c,
		     unsigned n);
};

extern const struct glint_pixels_engine glint_pixels_plain, glint_pixels_avx2;

/* Read a raw frame with one engine, for tests and benchmarks. */
void glint_pixels_read_by(const struct glint_pixels_engine *engine,
			  const struct glint_pixels_source *source,
			  const struct glint_pixels_wish *wish, uint32_t first, uint32_t count,
			  uint8_t *out, size_t stride);
#endif
