/* SPDX-License-Identifier: MIT */
/*
 * A PNG of eight bits a sample, grey or RGB, in strips that threads compress at the same time. Each
 * strip is an IDAT chunk of its own, and the chunks are one zlib stream. Pure; memory for a strip is
 * allocated.
 */
#ifndef GLINT_PIXELS_PNG_H
#define GLINT_PIXELS_PNG_H

#include "pixels/pixels.h"

#define GLINT_PNG_END_MAX 28u /* bytes of glint_png_end() */

struct glint_png_strip {
	uint8_t *data; /* owned: free() */
	size_t size;
	/* For glint_png_end(). */
	uint32_t adler;
	uint64_t filtered; /* bytes before compression */
};

/*
 * How many strips a picture of @wish is worth, at most @most: a strip has at least some 128 KiB of
 * pixels, since each begins without knowledge of the strips above.
 */
unsigned glint_png_strips(const struct glint_pixels_wish *wish, unsigned most);

/*
 * Read and compress strip @index of @count; strips are of about equal height. The first has
 * the file's head before it. @wish->kind is not BGR24. As glint_pixels_read(); -ELIBACC: ISA-L is
 * not installed. @strip is empty after a failure.
 */
int glint_png_strip(struct glint_png_strip *strip, const struct glint_pixels_source *source,
		    const struct glint_pixels_wish *wish, unsigned index, unsigned count);

/* Write what follows the last strip to @out. Returns how many bytes. */
size_t glint_png_end(const struct glint_png_strip *strips, unsigned count,
		     uint8_t out[static GLINT_PNG_END_MAX]);
#endif
