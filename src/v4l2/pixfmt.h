/* SPDX-License-Identifier: MIT */
/* Between struct v4l2_format, of either API, and struct glint_format. Pure. */
#ifndef GLINT_V4L2_PIXFMT_H
#define GLINT_V4L2_PIXFMT_H

#include <stdint.h>

#include "v4l2/format.h"

struct v4l2_format;

/* Asks for @wish's fourcc, size, strides and plane sizes (0: the driver's) in @fmt, whose type is set. */
void glint_pixfmt_write(struct v4l2_format *fmt, const struct glint_format *wish);

/*
 * And for BT.601 in full range, of a capture driver that can convert (SET_CSC). Only where
 * @fmt has the colorspace that the driver said.
 */
void glint_pixfmt_ask_for_jpegs_colours(struct v4l2_format *fmt);

/* What a driver has answered, unchecked but for the number of planes that is read. */
void glint_pixfmt_read(const struct v4l2_format *fmt, struct glint_format *format);
#endif
