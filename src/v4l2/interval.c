/* SPDX-License-Identifier: MIT */
#include "v4l2/interval.h"

#include <linux/videodev2.h>
#include <stdbool.h>

#include "base/macros.h"
#include "v4l2/vdev.h"

uint32_t glint_interval_millihz(const struct v4l2_fract *interval)
{
	if (interval->numerator == 0 || interval->denominator == 0)
		return 0;
	return (uint32_t)MIN((uint64_t)interval->denominator * 1000 / interval->numerator,
			     (uint64_t)UINT32_MAX);
}

/* Above the useful maximum, the lower rate is better. */
static bool rate_is_better(uint32_t rate, uint32_t than, uint32_t useful)
{
	uint32_t limit = useful ? useful + useful / 100 : UINT32_MAX;

	if (rate > limit || than > limit)
		return than == 0 || (rate < than && rate > 0);
	return rate > than;
}

static void consider(struct glint_interval *best, uint32_t useful,
		     const struct v4l2_fract *interval)
{
	uint32_t rate = glint_interval_millihz(interval);

	if (rate == 0 || !rate_is_better(rate, best->rate_millihz, useful))
		return;
	*best = (struct glint_interval){ interval->numerator, interval->denominator, rate };
}

/* A range has every rate between its ends: consider the useful rate, or else the nearest end. */
static void consider_range(struct glint_interval *best, uint32_t useful,
			   const struct v4l2_frmival_stepwise *range)
{
	struct v4l2_fract exact = { .numerator = 1000, .denominator = useful };

	if (useful > glint_interval_millihz(&range->max) &&
	    useful < glint_interval_millihz(&range->min))
		consider(best, useful, &exact);
	else if (useful && useful <= glint_interval_millihz(&range->max))
		consider(best, useful, &range->max);
	else
		consider(best, useful, &range->min);
}

struct glint_interval glint_interval_find(const struct glint_vdev *vdev, uint32_t fourcc,
					  uint32_t width, uint32_t height, uint32_t useful_millihz)
{
	struct v4l2_frmivalenum interval = {
		.pixel_format = fourcc,
		.width = width,
		.height = height,
	};
	struct glint_interval best = { 0 };

	for (; interval.index < GLINT_ENUMERATE_MAX; interval.index++) {
		if (glint_vdev_ioctl(vdev, VIDIOC_ENUM_FRAMEINTERVALS, &interval) < 0)
			break;
		if (interval.type != V4L2_FRMIVAL_TYPE_DISCRETE) {
			consider_range(&best, useful_millihz, &interval.stepwise);
			break;
		}
		consider(&best, useful_millihz, &interval.discrete);
	}
	return best;
}
