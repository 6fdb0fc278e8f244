/* SPDX-License-Identifier: MIT */
#include "v4l2/size.h"

#include <assert.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/macros.h"
#include "v4l2/format.h"
#include "v4l2/interval.h"
#include "v4l2/vdev.h"

/* Limits of sizes. The upper end of a range has a lower limit, because it may be a scaler's. */
#define SIDE_MIN     16u
#define RANGE_WIDTH  7680u
#define RANGE_HEIGHT 4320u

#define SIZES_MAX   GLINT_ENUMERATE_MAX
#define QUERIES_MAX 1024 /* sizes whose rates are enumerated */

/* Candidates within a range. */
static const struct glint_size usual_sizes[] = {
	{ 7680, 4320 }, { 5120, 2880 }, { 4096, 2160 }, { 3840, 2160 }, { 2560, 1600 },
	{ 2560, 1440 }, { 1920, 1200 }, { 1920, 1080 }, { 1600, 1200 }, { 1280, 1024 },
	{ 1280, 960 },	{ 1280, 720 },	{ 1024, 768 },	{ 800, 600 },	{ 720, 576 },
	{ 720, 480 },	{ 640, 480 },	{ 640, 360 },	{ 320, 240 },	{ 160, 120 },
};

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

static struct glint_size nearest_in_range(const struct v4l2_frmsize_stepwise *range,
					  struct glint_size wished)
{
	return (struct glint_size){
		nearest_step(wished.width, range->min_width, range->max_width, range->step_width),
		nearest_step(wished.height, range->min_height, range->max_height,
			     range->step_height),
	};
}

/* --- The size nearest to a wish ------------------------------------------------------ */

struct glint_size glint_size_nearest(const struct glint_vdev *vdev, uint32_t fourcc,
				     struct glint_size wished, uint64_t *distance)
{
	struct v4l2_frmsizeenum offer = { .pixel_format = fourcc };
	struct glint_size nearest = wished;
	bool found = false;

	*distance = 0;
	for (; offer.index < GLINT_ENUMERATE_MAX; offer.index++) {
		struct glint_size size;
		uint64_t here;

		if (glint_vdev_ioctl(vdev, VIDIOC_ENUM_FRAMESIZES, &offer) < 0)
			break;
		if (offer.type == V4L2_FRMSIZE_TYPE_DISCRETE)
			size = (struct glint_size){ offer.discrete.width, offer.discrete.height };
		else
			size = nearest_in_range(&offer.stepwise, wished);
		here = (uint64_t)apart(size.width, wished.width) +
		       apart(size.height, wished.height);
		if (size.width > 0 && size.height > 0 && (!found || here < *distance)) {
			found = true;
			nearest = size;
			*distance = here;
		}
		if (offer.type != V4L2_FRMSIZE_TYPE_DISCRETE)
			break;
	}
	return nearest;
}

/* --- The best size ------------------------------------------------------------------- */

struct search {
	const struct glint_vdev *vdev;
	unsigned fps;		/* rate that a size must reach */
	unsigned queries;	/* sizes whose rates have been enumerated */
	struct glint_size best; /* 0x0: none yet */
	unsigned best_fps;	/* at most @fps, because a higher rate is no better */
};

static uint64_t area_of(struct glint_size size)
{
	return (uint64_t)size.width * size.height;
}

/* Order sizes, the largest first. */
static int compare_sizes(const void *one, const void *other)
{
	const struct glint_size *a = one, *b = other;

	if (area_of(*a) != area_of(*b))
		return area_of(*a) > area_of(*b) ? -1 : 1;
	return (a->width < b->width) - (a->width > b->width);
}

static bool is_possible(struct glint_size size)
{
	return size.width >= SIDE_MIN && size.width <= GLINT_FORMAT_WIDTH_MAX &&
	       size.height >= SIDE_MIN && size.height <= GLINT_FORMAT_HEIGHT_MAX;
}

/* Return the size of the analogue signal; 0x0 if the input has no TV standard. */
static struct glint_size standard_size(const struct glint_vdev *vdev)
{
	v4l2_std_id standard = 0;

	if (glint_vdev_ioctl(vdev, VIDIOC_G_STD, &standard) < 0)
		return (struct glint_size){ 0 };
	if (standard & V4L2_STD_625_50)
		return (struct glint_size){ 720, 576 };
	if (standard & V4L2_STD_525_60)
		return (struct glint_size){ 720, 480 };
	return (struct glint_size){ 0 };
}

/* Return the size of the standard, or else the size that is set. */
static struct glint_size current_size(const struct glint_vdev *vdev)
{
	struct v4l2_format format = { .type = vdev->queue.type };
	struct glint_size size = standard_size(vdev);

	if (size.width == 0 && glint_vdev_ioctl(vdev, VIDIOC_G_FMT, &format) == 0) {
		if (V4L2_TYPE_IS_MULTIPLANAR(format.type))
			size = (struct glint_size){ format.fmt.pix_mp.width,
						    format.fmt.pix_mp.height };
		else
			size = (struct glint_size){ format.fmt.pix.width, format.fmt.pix.height };
	}
	return is_possible(size) ? size : (struct glint_size){ 640, 480 };
}

/*
 * Rates are compared in whole frames a second: 29.97 is 30. An unknown rate reaches the required
 * rate.
 */
static unsigned rate_at(struct search *search, uint32_t fourcc, struct glint_size size)
{
	struct glint_interval interval =
		glint_interval_find(search->vdev, fourcc, size.width, size.height, 0);

	if (interval.rate_millihz == 0)
		return search->fps;
	return MIN((unsigned)(((uint64_t)interval.rate_millihz + 500) / 1000), search->fps);
}

/* List @range's candidates in @sizes and return how many. */
static unsigned list_range(struct search *search, uint32_t fourcc,
			   const struct v4l2_frmsize_stepwise *range,
			   struct glint_size sizes[static SIZES_MAX])
{
	struct glint_size limit = { RANGE_WIDTH, RANGE_HEIGHT };
	struct glint_interval interval;
	unsigned count = 0;

	limit = nearest_in_range(range, limit);
	interval = glint_interval_find(search->vdev, fourcc, limit.width, limit.height, 0);
	if (interval.rate_millihz == 0 || standard_size(search->vdev).width > 0) {
		sizes[0] = nearest_in_range(range, current_size(search->vdev));
		return 1;
	}
	sizes[count++] = limit;
	sizes[count++] = (struct glint_size){ range->min_width, range->min_height };
	static_assert(ARRAY_SIZE(usual_sizes) + 2 <= SIZES_MAX, "");
	for (unsigned i = 0; i < ARRAY_SIZE(usual_sizes); i++)
		if (usual_sizes[i].width <= range->max_width &&
		    usual_sizes[i].height <= range->max_height)
			sizes[count++] = nearest_in_range(range, usual_sizes[i]);
	return count;
}

/* List the sizes of @fourcc in @sizes, the largest first, and return how many. */
static unsigned list_sizes(struct search *search, uint32_t fourcc,
			   struct glint_size sizes[static SIZES_MAX])
{
	struct v4l2_frmsizeenum offer = { .pixel_format = fourcc };
	unsigned listed = 0, count = 0;

	for (; offer.index < SIZES_MAX; offer.index++) {
		if (glint_vdev_ioctl(search->vdev, VIDIOC_ENUM_FRAMESIZES, &offer) < 0)
			break;
		if (offer.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
			listed = list_range(search, fourcc, &offer.stepwise, sizes);
			break;
		}
		sizes[listed++] =
			(struct glint_size){ offer.discrete.width, offer.discrete.height };
	}
	for (unsigned i = 0; i < listed; i++)
		if (is_possible(sizes[i]))
			sizes[count++] = sizes[i];
	qsort(sizes, count, sizeof(sizes[0]), compare_sizes);
	return count;
}

/* The rates of sizes that cannot win are not enumerated: vivid has eighty formats. */
static void search_format(struct search *search, uint32_t fourcc)
{
	struct glint_size sizes[SIZES_MAX];
	unsigned count = list_sizes(search, fourcc, sizes);

	for (unsigned i = 0; i < count && search->queries < QUERIES_MAX; i++) {
		bool larger = compare_sizes(&sizes[i], &search->best) < 0;
		unsigned fps;

		if (!larger && search->best_fps == search->fps)
			break;
		search->queries++;
		fps = rate_at(search, fourcc, sizes[i]);
		if (fps < search->best_fps || (fps == search->best_fps && !larger))
			continue;
		search->best = sizes[i];
		search->best_fps = fps;
	}
}

struct glint_size glint_size_best(const struct glint_vdev *vdev, const uint32_t *fourccs,
				  unsigned count, unsigned fps)
{
	struct search search = { .vdev = vdev, .fps = fps };

	for (unsigned i = 0; i < count; i++)
		search_format(&search, fourccs[i]);
	return search.best.width > 0 ? search.best : current_size(vdev);
}
