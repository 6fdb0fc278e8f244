/* SPDX-License-Identifier: MIT */
/*
 * Resolve the "default" values of V4L2 colour fields by the rules of the V4L2 specification.
 * Pure.
 */
#ifndef GLINT_V4L2_COLOUR_H
#define GLINT_V4L2_COLOUR_H

#include <stdint.h>

#include "v4l2/format.h"

/* "full", "limited"; "bt601", "bt709", "bt2020" */
const char *glint_range_name(enum glint_range range);
const char *glint_matrix_name(enum glint_matrix matrix);

/*
 * Set range and matrix of @format, whose info is set, from the fields of struct
 * v4l2_pix_format with the same names. Unknown values count as default.
 */
void glint_colour_set(struct glint_format *format, uint32_t colorspace, uint32_t ycbcr_enc,
		      uint32_t quantization);
#endif
