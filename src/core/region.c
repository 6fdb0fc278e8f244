/* SPDX-License-Identifier: MIT */
#include "core/region.h"

#include <errno.h>
#include <stdio.h>

#include "base/macros.h"

#define NUMBER_MAX 65535u

/* Read a number that ends with @end, and step over both. */
static int number_parse(const char **at, char end, uint32_t *number)
{
	const char *from = *at;
	uint32_t value = 0;

	for (; *from >= '0' && *from <= '9'; from++) {
		value = value * 10 + (uint32_t)(*from - '0');
		if (value > NUMBER_MAX)
			return -EINVAL;
	}
	if (from == *at || *from != end)
		return -EINVAL;
	*number = value;
	*at = from + (end != '\0');
	return 0;
}

int glint_region_parse(const char *text, struct glint_region *region)
{
	struct glint_region parsed;

	if (number_parse(&text, 'x', &parsed.width) < 0 ||
	    number_parse(&text, '+', &parsed.height) < 0 ||
	    number_parse(&text, '+', &parsed.x) < 0 || number_parse(&text, '\0', &parsed.y) < 0)
		return -EINVAL;
	if (parsed.width == 0 || parsed.height == 0)
		return -EINVAL;
	*region = parsed;
	return 0;
}

void glint_region_text(const struct glint_region *region, char text[GLINT_REGION_TEXT_MAX])
{
	snprintf(text, GLINT_REGION_TEXT_MAX, "%ux%u+%u+%u", region->width, region->height,
		 region->x, region->y);
}

bool glint_region_fits(const struct glint_region *region, uint32_t width, uint32_t height)
{
	return region->x <= width && region->width <= width - region->x && region->y <= height &&
	       region->height <= height - region->y;
}

bool glint_region_clip(struct glint_region *region, uint32_t width, uint32_t height)
{
	if (region->x >= width || region->y >= height)
		return false;
	region->width = MIN(region->width, width - region->x);
	region->height = MIN(region->height, height - region->y);
	return region->width > 0 && region->height > 0;
}

bool glint_region_move_into(struct glint_region *region, const struct glint_region *frame)
{
	uint32_t right = region->x + region->width, bottom = region->y + region->height;

	region->x = region->x > frame->x ? region->x - frame->x : 0;
	region->y = region->y > frame->y ? region->y - frame->y : 0;
	region->width = right > frame->x + region->x ? right - frame->x - region->x : 0;
	region->height = bottom > frame->y + region->y ? bottom - frame->y - region->y : 0;
	return glint_region_clip(region, frame->width, frame->height);
}

void glint_region_include(struct glint_region *region, const struct glint_region *other)
{
	uint32_t right, bottom;

	if (region->width == 0) {
		*region = *other;
		return;
	}
	right = MAX(region->x + region->width, other->x + other->width);
	bottom = MAX(region->y + region->height, other->y + other->height);
	region->x = MIN(region->x, other->x);
	region->y = MIN(region->y, other->y);
	region->width = right - region->x;
	region->height = bottom - region->y;
}

bool glint_region_equals(const struct glint_region *region, const struct glint_region *other)
{
	return region->x == other->x && region->y == other->y && region->width == other->width &&
	       region->height == other->height;
}
