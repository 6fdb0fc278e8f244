/* SPDX-License-Identifier: MIT */
/* What an encoder can do for memory, tried out beside its session: on the encoder's thread. */
#ifndef GLINT_ENCODE_M2M_MEMORY_H
#define GLINT_ENCODE_M2M_MEMORY_H

#include "encode/m2m_find.h"

/* Whether it could read frames of @format from memory like @buf: 0, or why not. */
int glint_m2m_memory_reads(struct glint_v4l2_access *access, const char *device,
			   const struct glint_format *format, const struct glint_dmabuf *buf);

/*
 * Makes @n buffers for frames of @format of the encoder's memory, in @bufs; the caller's. It
 * knows nothing of them any more: it imports them like anybody's.
 */
int glint_m2m_memory_lend(struct glint_v4l2_access *access, const char *device,
			  const struct glint_format *format, unsigned n, struct glint_dmabuf *bufs);
#endif
