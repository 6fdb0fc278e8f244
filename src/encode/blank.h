/* SPDX-License-Identifier: MIT */
/*
 * The picture that says why there is no video: readable, of the size that the
 * video had or was asked for, and marked as not live.
 */
#ifndef GLINT_ENCODE_BLANK_H
#define GLINT_ENCODE_BLANK_H

#include <stdint.h>

struct glint_picture;

/*
 * Draws @title large ("NO SIGNAL") and @detail small below it, wrapped, on a dark
 * ground, as a JPEG of @width x @height (clamped to 160..15360 x 120..8640). The
 * caller owns one reference to *@out; it is freed with the last. -ENOMEM. A few
 * milliseconds at 1080p: not for the frame path.
 */
int glint_blank_create(struct glint_picture **out, uint32_t width, uint32_t height,
		       const char *title, const char *detail);
#endif
