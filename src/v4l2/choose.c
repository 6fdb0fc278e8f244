/* SPDX-License-Identifier: MIT */
#include "v4l2/choose.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fourcc.h"
#include "base/macros.h"
#include "v4l2/interval.h"
#include "v4l2/size.h"
#include "v4l2/vdev.h"

struct candidate {
	const struct glint_format_info *info;
	uint64_t distance; /* from the wished size */
	struct glint_choice choice;
	bool fast;     /* reaches the best rate at its size */
	bool emulated; /* converted from another format by libv4l */
	bool preferred;
};

/* --- Formats -------------------------------------------------------------------- */

static bool is_jpeg(uint32_t fourcc)
{
	return fourcc == V4L2_PIX_FMT_MJPEG || fourcc == V4L2_PIX_FMT_JPEG;
}

bool glint_choose_is_same(uint32_t a, uint32_t b)
{
	return a == b || (is_jpeg(a) && is_jpeg(b));
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
	struct v4l2_fmtdesc desc = { .type = vdev->queue.type, .mbus_code = wish->mbus_code };
	unsigned count = 0;
	int err;

	for (; desc.index < GLINT_ENUMERATE_MAX && count < GLINT_CHOICES_MAX; desc.index++) {
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
		candidate->emulated = desc.flags & V4L2_FMT_FLAG_EMULATED;
		candidate->preferred = is_preferred(desc.pixelformat, wish);
		candidate->choice.wished = wish->fourcc &&
					   glint_choose_is_same(desc.pixelformat, wish->fourcc);
		count++;
	}
	return (int)count;
}

static void find_size_and_rate(const struct glint_vdev *vdev, const struct glint_wish *wish,
			       struct candidate *candidate)
{
	struct glint_size size = { wish->width, wish->height };
	struct glint_choice *choice = &candidate->choice;
	struct glint_interval interval;

	size = glint_size_nearest(vdev, choice->fourcc, size, &candidate->distance);
	interval = glint_interval_find(vdev, choice->fourcc, size.width, size.height,
				       wish->rate_millihz);
	choice->width = size.width;
	choice->height = size.height;
	choice->interval_num = interval.num;
	choice->interval_den = interval.den;
	choice->rate_millihz = interval.rate_millihz;
}

static bool any_wished(const struct candidate *candidates, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (candidates[i].choice.wished)
			return true;
	return false;
}

/*
 * If the device offers the wished format, the sizes of other formats are not enumerated: the others
 * are used only if the driver refuses the wished format, and a driver may have eighty formats.
 */
static void find_sizes_and_rates(const struct glint_vdev *vdev, const struct glint_wish *wish,
				 struct candidate *candidates, unsigned count)
{
	bool wished = any_wished(candidates, count);

	for (unsigned i = 0; i < count; i++) {
		if (!wished || candidates[i].choice.wished) {
			find_size_and_rate(vdev, wish, &candidates[i]);
			continue;
		}
		candidates[i].distance = UINT64_MAX;
		candidates[i].choice.width = wish->width;
		candidates[i].choice.height = wish->height;
	}
}

/* Mark the formats that reach the best rate at the nearest size; an unknown rate reaches it. */
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
	if (a->emulated != b->emulated)
		return a->emulated ? 1 : -1;
	if (a->preferred != b->preferred)
		return a->preferred ? -1 : 1;
	if (a->info->cost != b->info->cost)
		return a->info->cost < b->info->cost ? -1 : 1;
	/* A fixed order for ties: the order of the table, then the fourcc. */
	if (a->info != b->info)
		return a->info < b->info ? -1 : 1;
	return (a->choice.fourcc > b->choice.fourcc) - (a->choice.fourcc < b->choice.fourcc);
}

static bool is_native(const struct candidate *candidate)
{
	return !candidate->emulated && candidate->info->layout != GLINT_LAYOUT_OTHER;
}

bool glint_choose_offers(const struct glint_vdev *vdev, uint32_t fourcc,
			 char offers[GLINT_CHOOSE_OFFERS])
{
	struct v4l2_fmtdesc desc = { .type = vdev->queue.type };
	char text[5];
	size_t used = 0;

	*offers = '\0';
	for (; desc.index < GLINT_ENUMERATE_MAX; desc.index++) {
		if (glint_vdev_ioctl(vdev, VIDIOC_ENUM_FMT, &desc) < 0)
			break;
		if (glint_choose_is_same(desc.pixelformat, fourcc))
			return true;
		if (used + sizeof(text) + 2 < GLINT_CHOOSE_OFFERS)
			used += (size_t)snprintf(offers + used, GLINT_CHOOSE_OFFERS - used, "%s%s",
						 used > 0 ? ", " : "",
						 glint_fourcc_text(desc.pixelformat, text));
	}
	return false;
}

/* Formats whose conversion costs a pass over each frame count only if there are no others. */
int glint_choose_size(const struct glint_vdev *vdev, struct glint_wish *wish)
{
	struct candidate candidates[GLINT_CHOICES_MAX];
	uint32_t fourccs[GLINT_CHOICES_MAX];
	bool wished, native = false;
	struct glint_size size;
	unsigned n = 0;
	int count = find_candidates(vdev, wish, candidates);

	if (count < 0)
		return count;
	wished = any_wished(candidates, (unsigned)count);
	for (int i = 0; i < count; i++)
		native |= is_native(&candidates[i]);
	for (int i = 0; i < count; i++)
		if (wished ? candidates[i].choice.wished : is_native(&candidates[i]) || !native)
			fourccs[n++] = candidates[i].choice.fourcc;
	size = glint_size_best(vdev, fourccs, n, wish->fps);
	wish->width = size.width;
	wish->height = size.height;
	return 0;
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
