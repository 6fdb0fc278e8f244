/* SPDX-License-Identifier: MIT */
/*
 * From a frame's lines to the rows of samples that a JPEG is made of: components
 * taken apart, chroma brought to the JPEG's sampling, range and matrix to JFIF's
 * (full range, BT.601). Rows that are right as they lie are used in place. Pure;
 * a reader belongs to one thread, the view may be shared.
 */
#ifndef GLINT_ENCODE_ROWS_H
#define GLINT_ENCODE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "jpeg/header.h"
#include "v4l2/format.h"

#define GLINT_ROWS_MAX 16 /* lines of the tallest MCU */

/* What the samples need, worked out once for a format. */
struct glint_colour_map {
	bool expand;		    /* limited range to full */
	bool rotate;		    /* matrix to BT.601 */
	int16_t y[2], cb[2], cr[2]; /* Q9: from (Cb, Cr), what is added to each */
};

struct glint_rows {
	const struct glint_format *format;
	enum glint_sampling sampling;
	struct glint_colour_map map;
	bool swap_rgb;
	uint32_t width;	  /* of a luma row with its padding, samples */
	uint8_t *scratch; /* owned */
	/* One MCU row, filled by glint_rows_read(): luma, Cb, Cr. */
	uint8_t *luma[GLINT_ROWS_MAX], *cb[8], *cr[8];
	/* Where each row is put if it cannot be used in place. */
	uint8_t *own_luma[GLINT_ROWS_MAX], *own_cb[8], *own_cr[8];
	uint8_t *line[2][2]; /* chroma of two lines at the source's resolution */
	int16_t *addends;    /* that a line of chroma makes to luma */
};

/* What becomes of @format: its own sampling, or 4:2:0. */
enum glint_sampling glint_rows_sampling(const struct glint_format_info *info, bool keep);

/*
 * @format is borrowed. @keep_range: range and matrix stay the frame's, whatever JFIF says.
 * -ENOMEM.
 */
int glint_rows_init(struct glint_rows *rows, const struct glint_format *format,
		    enum glint_sampling sampling, bool swap_rgb, bool keep_range);
void glint_rows_fini(struct glint_rows *rows);

/* Fills in MCU row @mcu_row of the picture, 0 at the top. Edges are repeated. */
void glint_rows_read(struct glint_rows *rows, const struct glint_view *view, uint32_t mcu_row);
#endif
