/* SPDX-License-Identifier: MIT */
/*
 * Draw rectangles into a picture in one of the test pattern's pixel formats. Coordinates
 * are multiples of two pixels, so that rectangles never share a chroma sample. Rectangles are
 * clipped to the picture. Pure.
 */
#ifndef GLINT_PATTERN_CANVAS_H
#define GLINT_PATTERN_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glint_canvas {
	uint32_t fourcc;	/* one that glint_canvas_knows() */
	uint32_t width, height; /* even */
	uint8_t *base;		/* glint_canvas_size() bytes */
};

/* YCbCr of BT.601, full range. */
struct glint_colour {
	uint8_t y, cb, cr;
};

struct glint_rect {
	uint32_t x, y, width, height; /* all even */
};

bool glint_canvas_knows(uint32_t fourcc);
uint32_t glint_canvas_stride(uint32_t fourcc, uint32_t width);
size_t glint_canvas_size(uint32_t fourcc, uint32_t width, uint32_t height);

void glint_canvas_fill(const struct glint_canvas *canvas, struct glint_rect rect,
		       struct glint_colour colour);

/* Copy @rect; both canvases have the same format and size. */
void glint_canvas_copy(const struct glint_canvas *to, const struct glint_canvas *from,
		       struct glint_rect rect);

/* Draw @text; a dot of a character is @scale (even) pixels. Omits characters that do not fit. */
void glint_canvas_text(const struct glint_canvas *canvas, uint32_t x, uint32_t y, uint32_t scale,
		       const char *text, struct glint_colour ink, struct glint_colour paper);
#endif
