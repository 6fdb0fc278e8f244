/* SPDX-License-Identifier: MIT */
/* A rectangle of a picture, in pixels. Pure. */
#ifndef GLINT_CORE_REGION_H
#define GLINT_CORE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_REGION_TEXT_MAX 24u /* bytes, with the end: four numbers of five digits */

struct glint_region {
	uint32_t x, y; /* of the upper left pixel */
	uint32_t width, height;
};

/*
 * Read "WxH+X+Y", as X11 writes it: 640x360+0+120. Each number is at most 65535, so sums do not
 * overflow. -EINVAL: another text, or an empty region. @region is set on success only.
 */
int glint_region_parse(const char *text, struct glint_region *region);

/* Write "WxH+X+Y". */
void glint_region_text(const struct glint_region *region, char text[GLINT_REGION_TEXT_MAX]);

/* The whole of @region lies in a picture of @width x @height. */
bool glint_region_fits(const struct glint_region *region, uint32_t width, uint32_t height);

/* Cut what lies outside of a picture of @width x @height. False: nothing is left. */
bool glint_region_clip(struct glint_region *region, uint32_t width, uint32_t height);

/*
 * Make @region relative to @frame, another region of the same picture, and cut what lies outside of
 * @frame. False: nothing is left.
 */
bool glint_region_move_into(struct glint_region *region, const struct glint_region *frame);

/* Grow @region to the smallest that has @other, too. Without width it becomes @other. */
void glint_region_include(struct glint_region *region, const struct glint_region *other);

/* Whether both cover the same pixels. */
bool glint_region_equals(const struct glint_region *region, const struct glint_region *other);
#endif
