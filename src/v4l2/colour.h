/* SPDX-License-Identifier: MIT */
/* What a driver says about colour, which is mostly "default", resolved as V4L2 defines it. Pure. */
#ifndef GLINT_V4L2_COLOUR_H
#define GLINT_V4L2_COLOUR_H

#include <stdint.h>

struct glint_format;

/*
 * Sets range and matrix of @format, whose info is set, from the members of
 * struct v4l2_pix_format of the same names. Unknown values count as default.
 */
void glint_colour_set(struct glint_format *format, uint32_t colorspace, uint32_t ycbcr_enc,
		      uint32_t quantization);
#endif
