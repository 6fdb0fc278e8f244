/* SPDX-License-Identifier: MIT */
#include "encode/m2m_quality.h"

#include <assert.h>

#include "base/cleanup.h"
#include "v4l2/codec.h"

#define BEST 100

int32_t glint_m2m_quality(unsigned quality, const struct glint_codec_range *range)
{
	int64_t span = (int64_t)range->max - range->min, step = MAX(range->step, 1);
	int64_t above;

	/* glint_codec_control_range() refuses a driver's range that is none. */
	assert(quality >= 1 && quality <= BEST && span >= 0);

	above = ((int64_t)(quality - 1) * span * 2 + (BEST - 1)) / (2 * (BEST - 1));
	above = (above + step / 2) / step * step;
	if (above > span)
		above = span / step * step;
	return (int32_t)(range->min + above);
}
