/* SPDX-License-Identifier: MIT */
/*
 * The machine-readable stamp in the test pattern: frame number, time of drawing and a
 * checksum, as 4 rows of 32 black or white cells. Cells are multiples of 4 pixels and lie on
 * that grid, so that they survive JPEG at quality 30 with 4:2:0. The picture's size alone
 * determines where the stamp is. Pure.
 */
#ifndef GLINT_PATTERN_STAMP_H
#define GLINT_PATTERN_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_STAMP_COLUMNS 32
#define GLINT_STAMP_ROWS    4

struct glint_stamp {
	uint32_t seq;
	uint64_t ns; /* CLOCK_MONOTONIC */
};

struct glint_stamp_place {
	uint32_t x, y; /* upper left corner, pixels */
	uint32_t cell; /* side of a cell; 0: the picture is too small for a stamp */
};

/* Returns the place in the lower left corner; pictures need at least 160x120. */
struct glint_stamp_place glint_stamp_place(uint32_t width, uint32_t height);

/* Encode rows of bits: the highest bit is the leftmost cell, a set bit is white. */
void glint_stamp_encode(const struct glint_stamp *stamp, uint32_t rows[static GLINT_STAMP_ROWS]);

/* -EBADMSG: no stamp, or a damaged one, by its checksum. */
int glint_stamp_decode(struct glint_stamp *stamp, const uint32_t rows[static GLINT_STAMP_ROWS]);

/*
 * Read the stamp from a decoded 8-bit luma plane of either range. -EBADMSG as above;
 * -EINVAL: the picture is too small for a stamp.
 */
int glint_stamp_read(struct glint_stamp *stamp, const uint8_t *luma, size_t stride, uint32_t width,
		     uint32_t height);
#endif
