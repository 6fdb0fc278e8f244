/* SPDX-License-Identifier: MIT */
/*
 * Decodes a JPEG by libjpeg-turbo, line by line: the exact inverse transform and smooth
 * upsampling, which are the defaults of libjpeg's users. A JPEG from outside costs memory in
 * proportion to its size in pixels, and time in proportion to its bytes and pixels.
 */
#ifndef GLINT_PIXELS_JPEG_H
#define GLINT_PIXELS_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glint_pixels_jpeg {
	const uint8_t *data;
	size_t size;
	uint32_t width, height; /* must be the JPEG's own */
	bool grey;		/* luma alone; otherwise RGB24 */
	unsigned scale;		/* 1, 2, 4 or 8: blocks are decoded to 8 / scale pixels a side */
	uint32_t top, end;	/* lines wanted, of the reduced picture */
	unsigned band; /* so many lines, 1 to 8, are handed over at once; fewer at the end */
	/* @lines, without padding, are those from line @top on. */
	void (*decoded)(void *ctx, const uint8_t *lines, uint32_t width, uint32_t top);
	void *ctx;
};

struct glint_pixels_source;
struct glint_y4m;

/* As glint_pixels_read(). The lines before a fault are handed over. */
int glint_pixels_decode(const struct glint_pixels_jpeg *jpeg);

/* The planes of the JPEG that @source is, as they were before upsampling; see pixels/write.h. */
int glint_pixels_planes(const struct glint_pixels_source *source, struct glint_y4m *y4m,
			uint8_t **out, size_t *size);

/* Compress RGB24 without padding. *@out is the caller's: free(). -ENOMEM, -ENOTSUP. */
int glint_pixels_encode(const uint8_t *rgb, uint32_t width, uint32_t height, unsigned quality,
			uint8_t **out, size_t *size);
#endif
