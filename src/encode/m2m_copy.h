/* SPDX-License-Identifier: MIT */
#ifndef GLINT_ENCODE_M2M_COPY_H
#define GLINT_ENCODE_M2M_COPY_H

#include "v4l2/format.h"

/*
 * Copies the lines of a mapped frame to memory that is laid out as @to_format has it:
 * other strides, more lines. Both of one fourcc, the target not smaller. Pure but for the
 * pixels; errors are glint_format_view()'s.
 */
int glint_m2m_copy(const struct glint_format *to_format, const struct glint_dmabuf *to,
		   const struct glint_format *from_format, const struct glint_dmabuf *from);
#endif
