/* SPDX-License-Identifier: MIT */
#include "v4l2/choose.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "v4l2/vdev.h"

/* Enumerations end by an error; a driver that never gives one must not hold us up. */
#define ENUMERATE_MAX 256

struct candidate {
	const struct glint_format_info *info;
	uint64_t distance;	/* from the wished size */
	struct glint_choice choice;
	bool fast;		/* reaches the best rate at its size */
	bool preferred;
};

/* --- Sizes --------------------------------------------------------------------- */

static uint32_t apart(uint32_t one, uint32_t other)
{
	return one > other ? one - other : other - one;
}

static uint32_t nearest_step(uint32_t wished, uint32_t min, uint32_t max, uint32_t step)
{
	if (wished <= min || max < min)
		return min;
	if (wished >= max)
		return max;
	return wished - (step > 1 ? (wished - min) % step : 0);
}

static void consider_size(struct candidate *candidate, const struct glint_wish *wish,
			  uint32_t width, uint32_t height)
{
	uint64_t distance = (uint64_t)apart(width, wish->width) + apart(height, wish->height);

	if (width == 0 || height == 0 || distance >= candidate->distance)
		return;
	candidate->distance = distance;
	candidate->choice.width = width;
	candidate->choice.height = height;
}

/* A driver that enumerates nothing takes, as far as we know, what it is asked for. */
static void find_size(const struct glint_vdev *vdev, const struct glint_wish *wish,
		      struct candidate *candidate)
{
	struct v4l2_frmsizeenum size = { .pixel_format = candidate->choice.fourcc };

	candidate->distance = UINT64_MAX;
	for (; size.index < ENUMERATE_MAX; size.index++) {
		if (glint_vdev_ioctl(vdev, VIDIOC_ENUM_FRAMESIZES, &size) < 0)
			break;
		if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
			const struct v4l2_frmsize_stepwise *range = &size.stepwise;

			consider_size(candidate, wish,
				      nearest_step(wish->width, range->min_width, range->max_width,
						   range->step_width),
				      nearest_step(wish->height, range->min_height,
						   range->max_height, range->step_height));
			break;
		}
		consider_size(candidate, wish, size.discrete.width, size.discrete.height);
	}
	if (candidate->distance == UINT64_MAX)
		consider_size(candidate, wish, wish->width, wish->height);
}

/* --- Rates ---------------------------------------------------------------------- */

static uint32_t rate_of(const struct v4l2_fract *interval)
{
	if (interval->numerator == 0 || interval->denominator == 0)
		return 0;
	return (uint32_t)MIN((uint64_t)interval->denominator * 1000 / interval->numerator,
			     (uint64_t)UINT32_MAX);
}

/* More than is of use is the next best after as much as is of use. */
static bool rate_is_better(uint32_t rate, uint32_t than, uint32_t of_use)
{
	uint32_t limit = of_use ? of_use + of_use / 100 : UINT32_MAX;

	if (rate > limit || than > limit)
		return than == 0 || (rate < than && rate > 0);
	return rate > than;
}

static void consider_interval(struct candidate *candidate, const struct glint_wish *wish,
			      const struct v4l2_fract *interval)
{
	struct glint_choice *choice = &candidate->choice;
	uint32_t rate = rate_of(interval);

	if (rate == 0 || !rate_is_better(rate, choice->rate_millihz, wish->rate_millihz))
		return;
	choice->rate_millihz = rate;
	choice->interval_num = interval->numerator;
	choice->interval_den = interval->denominator;
}

/* Any rate in a range: the one that is of use if it lies in it, else its nearest end. */
static void consider_range(struct candidate *candidate, const struct glint_wish *wish,
			   const struct v4l2_frmival_stepwise *range)
{
	struct v4l2_fract useful = { .numerator = 1000, .denominator = wish->rate_millihz };

	if (wish->rate_millihz > rate_of(&range->max) && wish->rate_millihz < rate_of(&range->min))
		consider_interval(candidate, wish, &useful);
	else if (wish->rate_millihz && wish->rate_millihz <= rate_of(&range->max))
		consider_interval(candidate, wish, &range->max);
	else
		consider_interval(candidate, wish, &range->min);
}

static void find_rate(const struct glint_vdev *vdev, const struct glint_wish *wish,
		      struct candidate *candidate)
{
	struct v4l2_frmivalenum interval = {
		.pixel_format = candidate->choice.fourcc,
		.width = candidate->choice.width,
		.height = candidate->choice.height,
	};

	for (; interval.index < ENUMERATE_MAX; interval.index++) {
		if (glint_vdev_ioctl(vdev, VIDIOC_ENUM_FRAMEINTERVALS, &interval) < 0)
			return;
		if (interval.type != V4L2_FRMIVAL_TYPE_DISCRETE) {
			consider_range(candidate, wish, &interval.stepwise);
			return;
		}
		consider_interval(candidate, wish, &interval.discrete);
	}
}

/* --- Formats -------------------------------------------------------------------- */

static bool is_jpeg(uint32_t fourcc)
{
	return fourcc == V4L2_PIX_FMT_MJPEG || fourcc == V4L2_PIX_FMT_JPEG;
}

static bool is_wished(uint32_t fourcc, uint32_t wished)
{
	return fourcc == wished || (is_jpeg(fourcc) && is_jpeg(wished));
}

static bool is_preferred(uint32_t fourcc, const struct glint_wish *wish)
{
	for (unsigned i = 0; i < wish->n_preferred; i++)
		if (wish->preferred[i] == fourcc)
			return true;
	return false;
}

static int find_candidates(const struct glint_vdev *vdev, const struct glint_wish *wish,
			   struct candidate candidates[static GLINT_CHOICES_MAX])
{
	struct v4l2_fmtdesc desc = { .type = vdev->queue.type };
	unsigned count = 0;
	int err;

	for (; desc.index < ENUMERATE_MAX && count < GLINT_CHOICES_MAX; desc.index++) {
		struct candidate *candidate = &candidates[count];

		err = glint_vdev_ioctl(vdev, VIDIOC_ENUM_FMT, &desc);
		if (err == -EINVAL)
			break;
		if (err < 0)
			return err;
		*candidate = (struct candidate){ .choice.fourcc = desc.pixelformat };
		candidate->info = glint_format_find(desc.pixelformat);
		if (!candidate->info ||
		    !glint_format_is_usable(candidate->info, wish->raw, wish->other))
			continue;
		candidate->preferred = is_preferred(desc.pixelformat, wish);
		candidate->choice.wished = wish->fourcc &&
					   is_wished(desc.pixelformat, wish->fourcc);
		count++;
	}
	return (int)count;
}

/* Where the wished format is there, the others only stand by: to ask about 80 of them takes its time. */
static void find_sizes_and_rates(const struct glint_vdev *vdev, const struct glint_wish *wish,
				 struct candidate *candidates, unsigned count)
{
	bool wished = false;

	for (unsigned i = 0; i < count; i++)
		wished |= candidates[i].choice.wished;
	for (unsigned i = 0; i < count; i++) {
		if (wished && !candidates[i].choice.wished)
			continue;
		find_size(vdev, wish, &candidates[i]);
		find_rate(vdev, wish, &candidates[i]);
	}
}

/* Among those of the nearest size. An unknown rate counts as good enough. */
static void mark_fast(const struct glint_wish *wish, struct candidate *candidates, unsigned count)
{
	uint64_t nearest = UINT64_MAX;
	uint32_t best = 0;

	for (unsigned i = 0; i < count; i++)
		nearest = MIN(nearest, candidates[i].distance);
	for (unsigned i = 0; i < count; i++)
		if (candidates[i].distance == nearest)
			best = MAX(best, candidates[i].choice.rate_millihz);
	if (wish->rate_millihz)
		best = MIN(best, wish->rate_millihz);
	for (unsigned i = 0; i < count; i++) {
		uint32_t rate = candidates[i].choice.rate_millihz;

		candidates[i].fast = rate == 0 || rate >= best - best / 100;
	}
}

static int compare(const void *one, const void *other)
{
	const struct candidate *a = one, *b = other;

	if (a->choice.wished != b->choice.wished)
		return a->choice.wished ? -1 : 1;
	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	if (a->fast != b->fast)
		return a->fast ? -1 : 1;
	if (a->preferred != b->preferred)
		return a->preferred ? -1 : 1;
	if (a->info->cost != b->info->cost)
		return a->info->cost < b->info->cost ? -1 : 1;
	/* Else the same on every machine: as the table has them, then as the codes are. */
	if (a->info != b->info)
		return a->info < b->info ? -1 : 1;
	return (a->choice.fourcc > b->choice.fourcc) - (a->choice.fourcc < b->choice.fourcc);
}

int glint_choose(const struct glint_vdev *vdev, const struct glint_wish *wish,
		 struct glint_choice choices[static GLINT_CHOICES_MAX])
{
	struct candidate candidates[GLINT_CHOICES_MAX];
	int count = find_candidates(vdev, wish, candidates);

	if (count <= 0)
		return count;
	find_sizes_and_rates(vdev, wish, candidates, (unsigned)count);
	mark_fast(wish, candidates, (unsigned)count);
	qsort(candidates, (size_t)count, sizeof(candidates[0]), compare);
	for (int i = 0; i < count; i++)
		choices[i] = candidates[i].choice;
	return count;
}
