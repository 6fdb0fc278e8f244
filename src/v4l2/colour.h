/* SPDX-License-Identifier: MIT */
/* Resolves the "default" values of V4L2 colour fields by the rules of the V4L2 specification. Pure. */
#ifndef GLINT_V4L2_COLOUR_H
#define GLINT_V4L2_COLOUR_H

#include <stdint.h>

struct glint_format;

/*
 * Sets range and matrix of @format, whose info is set, from the fields of struct
 * v4l2_pix_format with the same names. Unknown values count as default.
 */
void glint_colour_set(struct glint_format *format, uint32_t colorspace, uint32_t ycbcr_enc,
		      uint32_t quantization);
#endif
