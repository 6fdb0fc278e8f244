/* SPDX-License-Identifier: MIT */
/* The rates that a capture device offers at one size of one format. */
#ifndef GLINT_V4L2_INTERVAL_H
#define GLINT_V4L2_INTERVAL_H

#include <stdint.h>

/* A driver ends an enumeration with an error. This limit ends that of a faulty driver. */
#define GLINT_ENUMERATE_MAX 256

struct glint_vdev;
struct v4l2_fract;

struct glint_interval {
	uint32_t num, den;     /* seconds a frame; den 0: unknown */
	uint32_t rate_millihz; /* 0: unknown */
};

/* Returns the rate of a driver's seconds a frame; 0: they make no rate. */
uint32_t glint_interval_millihz(const struct v4l2_fract *interval);

/*
 * Find the best rate for @fourcc at that size. Rates up to @useful_millihz (0: no limit) count
 * as better the higher they are. If all rates are above the limit, the lowest is the best.
 */
struct glint_interval glint_interval_find(const struct glint_vdev *vdev, uint32_t fourcc,
					  uint32_t width, uint32_t height, uint32_t useful_millihz);
#endif
