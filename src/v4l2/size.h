/* SPDX-License-Identifier: MIT */
/* The sizes that a capture device offers: the nearest to a wish, and the best without one. */
#ifndef GLINT_V4L2_SIZE_H
#define GLINT_V4L2_SIZE_H

#include <stdint.h>

struct glint_vdev;

struct glint_size {
	uint32_t width, height;
};

/*
 * Returns the size of @fourcc that is nearest to @wished, and in @distance the difference of both
 * sides in pixels. A driver that enumerates no sizes supports all of them.
 */
struct glint_size glint_size_nearest(const struct glint_vdev *vdev, uint32_t fourcc,
				     struct glint_size wished, uint64_t *distance);

/*
 * Returns the size with the largest area that reaches @fps frames a second in one of @fourccs.
 *  - An unknown rate reaches @fps.
 *  - If no size reaches @fps, the highest rate wins, then the largest area.
 *  - Of equal areas, the wider size wins.
 *  - Of a range of sizes, the largest, the smallest and the usual sizes between them are
 *    candidates.
 *  - A range of an input with a TV standard, or with unknown rates, is what the driver can scale
 *    to, and not what it captures. The candidate is the size of the standard, or else the size that
 *    the device is set to.
 *  - Without candidates the result is the size of the standard, or else the size that the device is
 *    set to.
 */
struct glint_size glint_size_best(const struct glint_vdev *vdev, const uint32_t *fourccs,
				  unsigned count, unsigned fps);
#endif
