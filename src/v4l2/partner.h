/* SPDX-License-Identifier: MIT */
/*
 * The device that is to read what a capture device writes: an M2M encoder. The two
 * must agree on format, strides and sizes before memory is allocated, once. The capture
 * asks, on its device's thread; whoever answers is done within a bounded time, also if the
 * other device is stuck.
 */
#ifndef GLINT_V4L2_PARTNER_H
#define GLINT_V4L2_PARTNER_H

#include <stdint.h>

#include "v4l2/format.h"

#define GLINT_PARTNER_FORMATS_MAX 48

struct glint_partner;

struct glint_partner_ops {
	/*
	 * The raw formats that it would rather have frames of about that size in. Returns how many;
	 * 0 or negative: there is no partner now.
	 */
	int (*formats)(struct glint_partner *partner, uint32_t width, uint32_t height,
		       uint32_t fourccs[static GLINT_PARTNER_FORMATS_MAX]);
	/* How it would have frames like @have laid out. Negative: it does not want them. */
	int (*layout)(struct glint_partner *partner, const struct glint_format *have,
		      struct glint_format *need);
	/* Whether it can read memory like @buf. -EFAULT, -EINVAL: not that; others: unknown. */
	int (*reads)(struct glint_partner *partner, const struct glint_format *format,
		     const struct glint_dmabuf *buf);
	/* Makes @n buffers of its own memory, the caller's, unmapped. */
	int (*lend)(struct glint_partner *partner, const struct glint_format *format, unsigned n,
		    struct glint_dmabuf *bufs);
};

struct glint_partner {
	const struct glint_partner_ops *ops;
};
#endif
