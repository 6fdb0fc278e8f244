/* SPDX-License-Identifier: MIT */
/*
 * The downstream device reads the frames of a capture device: an M2M encoder. The two devices must
 * agree on format, strides and sizes before memory is allocated. The capture asks on its device's
 * thread. Each answer comes within a bounded time, even if the downstream device is stuck.
 */
#ifndef GLINT_V4L2_DOWNSTREAM_H
#define GLINT_V4L2_DOWNSTREAM_H

#include <stdint.h>

#include "v4l2/format.h"

#define GLINT_DOWNSTREAM_FORMATS_MAX 48

struct glint_downstream;

struct glint_downstream_ops {
	/*
	 * List the raw formats that the device prefers for frames of about this size. Returns how
	 * many; 0 or negative: the device is not there now.
	 */
	int (*formats)(struct glint_downstream *downstream, uint32_t width, uint32_t height,
		       uint32_t fourccs[static GLINT_DOWNSTREAM_FORMATS_MAX]);
	/* Get the layout that the device wants for frames like @have. Negative: none. */
	int (*layout)(struct glint_downstream *downstream, const struct glint_format *have,
		      struct glint_format *need);
	/* Ask whether the device can read memory like @buf. -EFAULT, -EINVAL: no; others: unknown. */
	int (*reads)(struct glint_downstream *downstream, const struct glint_format *format,
		     const struct glint_dmabuf *buf);
	/* Allocate @n buffers of the device's own memory, unmapped. The caller owns them. */
	int (*lend)(struct glint_downstream *downstream, const struct glint_format *format,
		    unsigned n, struct glint_dmabuf *bufs);
	/* Make waiting requests return at once, and later requests fail. Any thread. */
	void (*close)(struct glint_downstream *downstream);
};

struct glint_downstream {
	const struct glint_downstream_ops *ops;
};
#endif
