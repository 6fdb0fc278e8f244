/* SPDX-License-Identifier: MIT */
/*
 * The machine-readable stamp in the test pattern: which frame it is and when it
 * was drawn, as 4 rows of 32 black or white cells, with a checksum. Cells are
 * multiples of 4 pixels and lie on that grid, so they survive JPEG at quality 30
 * with 4:2:0. Where the stamp lies follows from the picture's size alone. Pure.
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
	uint64_t ns;		/* CLOCK_MONOTONIC */
};

struct glint_stamp_place {
	uint32_t x, y;		/* upper left corner, pixels */
	uint32_t cell;		/* side of a cell; 0: the picture is too small for a stamp */
};

/* Lower left corner, for pictures of at least 160x120. */
struct glint_stamp_place glint_stamp_place(uint32_t width, uint32_t height);

/* Rows of bits, the leftmost cell in the highest bit; a set bit is white. */
void glint_stamp_encode(const struct glint_stamp *stamp, uint32_t rows[static GLINT_STAMP_ROWS]);

/* -EBADMSG: the checksum says that this is no stamp, or was damaged. */
int glint_stamp_decode(struct glint_stamp *stamp, const uint32_t rows[static GLINT_STAMP_ROWS]);

/*
 * Reads the stamp from a luma plane of 8 bit, of either range, decoded from whatever
 * compression. -EBADMSG as above, -EINVAL: the picture is too small for one.
 */
int glint_stamp_read(struct glint_stamp *stamp, const uint8_t *luma, size_t stride, uint32_t width,
		     uint32_t height);
#endif
