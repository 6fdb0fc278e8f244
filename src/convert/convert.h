/* SPDX-License-Identifier: MIT */
/*
 * Converts formats that glint cannot read itself (Bayer, formats of old webcams), through
 * libv4lconvert. The library gets frames and no device. It assumes frames without padding and of
 * full length, so it gets only such frames.
 */
#ifndef GLINT_CONVERT_CONVERT_H
#define GLINT_CONVERT_CONVERT_H

#include "mem/dmabuf.h"
#include "v4l2/format.h"

struct glint_convert;

/*
 * For frames of @from, a LAYOUT_OTHER whose info->becomes is set. -ENOMEM;
 * -EPROTO: a size that the result cannot have; -ELIBACC: libv4lconvert is not installed. Nothing is
 * owned then.
 */
int glint_convert_create(struct glint_convert **out, const struct glint_format *from);
void glint_convert_destroy(struct glint_convert *convert); /* NULL is fine */

/* What comes out; as long-lived as @convert. */
const struct glint_format *glint_convert_format(const struct glint_convert *convert);

/* How often the CPU goes over a frame for it. */
unsigned glint_convert_passes(const struct glint_convert *convert);

/*
 * Converts the first @used bytes of @buf's plane 0, which is mapped. Any thread, one
 * at a time. @view shows the result until the next call. -EPROTO: damaged data, or
 * too little.
 */
int glint_convert_run(struct glint_convert *convert, const struct glint_dmabuf *buf, size_t used,
		      struct glint_view *view);
#endif
