/* SPDX-License-Identifier: MIT */
#include "judge/plate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"

#define SMALL_PAGE 4096u

void glint_plate_touch(struct glint_plate *plate)
{
	for (size_t at = 0; at < plate->size; at += SMALL_PAGE)
		plate->base[at] = 0;
}

int glint_plate_init(struct glint_plate *plate, uint32_t width, uint32_t height, unsigned bytes)
{
	*plate = (struct glint_plate){ .stride = (size_t)width * bytes };
	plate->size = plate->stride * height;
	/*
	 * Without MADV_HUGEPAGE: hypervisors take large pages away from time to time, and the frame
	 * that comes next then takes ten times as long. The first writes come at a time of our choice.
	 */
	plate->base = malloc(plate->size);
	return plate->base ? 0 : -ENOMEM;
}

void glint_plate_fini(struct glint_plate *plate)
{
	free(plate->base);
	*plate = (struct glint_plate){ 0 };
}

int glint_distances_init(struct glint_distances *distances, uint32_t width)
{
	*distances = (struct glint_distances){ .stride = width };
	distances->lines = calloc(GLINT_PLATE_LINES + 1, width);
	return distances->lines ? 0 : -ENOMEM;
}

void glint_distances_fini(struct glint_distances *distances)
{
	free(distances->lines);
	*distances = (struct glint_distances){ 0 };
}

size_t glint_distances_bytes(const struct glint_distances *distances)
{
	return distances->stride * (GLINT_PLATE_LINES + 1);
}

/* The largest distance of line @y. To keep no distances is faster, if they are not needed. */
static uint8_t compare_line(const struct glint_plate *plate, struct glint_distances *distances,
			    const struct glint_judge_kernels *kernels,
			    const struct glint_plate *picture, uint32_t y)
{
	const struct glint_region *wanted = &plate->wanted;
	const uint8_t *here = picture->base + y * plate->stride + wanted->x;
	const uint8_t *there = plate->base + y * plate->stride + wanted->x;
	uint8_t most = UINT8_MAX;

	if (!distances->far)
		most = kernels->furthest(here, there, wanted->width);
	if (most > plate->threshold)
		most = kernels->distance(
			distances->lines + (y % GLINT_PLATE_LINES) * distances->stride + wanted->x,
			here, there, wanted->width);
	distances->far = most > plate->threshold;
	return most;
}

void glint_plate_compare(const struct glint_plate *plate, struct glint_distances *distances,
			 const struct glint_judge_kernels *kernels,
			 const struct glint_plate *picture, uint32_t first, uint32_t end)
{
	const struct glint_region *wanted = &plate->wanted;

	first = MAX(first, wanted->y);
	end = MIN(end, wanted->y + wanted->height);
	for (uint32_t y = first; y < end; y++) {
		uint8_t *most = &distances->most[y % GLINT_PLATE_LINES];

		most[0] = most[GLINT_PLATE_LINES] =
			compare_line(plate, distances, kernels, picture, y);
	}
}
