/* SPDX-License-Identifier: MIT */
/* Convert between struct v4l2_format (single- or multi-planar) and struct glint_format. Pure. */
#ifndef GLINT_V4L2_PIXFMT_H
#define GLINT_V4L2_PIXFMT_H

#include <stdint.h>

#include "v4l2/format.h"

struct v4l2_format;

/*
 * Write @wish's fourcc, size, strides and plane sizes (0: the driver's choice) to @fmt, whose
 * type is set.
 */
void glint_pixfmt_write(struct v4l2_format *fmt, const struct glint_format *wish);

/*
 * Request BT.601 in full range (JPEG's colours) of a capture driver that can convert
 * (V4L2_PIX_FMT_FLAG_SET_CSC). @fmt must still have the colorspace that the driver reported.
 */
void glint_pixfmt_ask_for_jpegs_colours(struct v4l2_format *fmt);

/* Read the driver's answer, without checking it; at most GLINT_DMABUF_PLANES planes are read. */
void glint_pixfmt_read(const struct v4l2_format *fmt, struct glint_format *format);
#endif
