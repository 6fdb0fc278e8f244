/* SPDX-License-Identifier: MIT */
#include "judge/cover.h"

#include "base/macros.h"

/* The next edge below @y: a top or a bottom. UINT32_MAX: there is none. */
static uint32_t next_edge(const struct glint_region *regions, unsigned n, uint32_t y, bool first)
{
	uint32_t next = UINT32_MAX;

	for (unsigned i = 0; i < n; i++) {
		uint32_t top = regions[i].y, bottom = top + regions[i].height;

		if (top > y || (first && top == y))
			next = MIN(next, top);
		if (bottom > y)
			next = MIN(next, bottom);
	}
	return next;
}

/*
 * The leftmost run of pixels of line @y, from @from on, that regions have. False: there is none.
 */
static bool next_run(const struct glint_region *regions, unsigned n, uint32_t y, uint32_t from,
		     struct glint_region *run)
{
	uint32_t begin = UINT32_MAX, end = 0;
	bool grown;

	for (unsigned i = 0; i < n; i++)
		if (y >= regions[i].y && y - regions[i].y < regions[i].height &&
		    regions[i].x + regions[i].width > from)
			begin = MIN(begin, MAX(regions[i].x, from));
	if (begin == UINT32_MAX)
		return false;
	end = begin;
	do {
		grown = false;
		for (unsigned i = 0; i < n; i++) {
			uint32_t right = regions[i].x + regions[i].width;

			if (y >= regions[i].y && y - regions[i].y < regions[i].height &&
			    regions[i].x <= end && right > end) {
				end = right;
				grown = true;
			}
		}
	} while (grown);
	*run = (struct glint_region){ .x = begin, .width = end - begin };
	return true;
}

static void cover_box(struct glint_cover *cover, const struct glint_region *regions, unsigned n)
{
	struct glint_region box = { 0 };

	for (unsigned i = 0; i < n; i++)
		glint_region_include(&box, &regions[i]);
	cover->n = 1;
	cover->parts[0] = box;
}

void glint_cover_make(struct glint_cover *cover, const struct glint_region *regions, unsigned n)
{
	uint32_t y, below;

	cover->n = 0;
	if (n > GLINT_COVER_REGIONS_MAX) {
		cover_box(cover, regions, n);
		return;
	}
	y = next_edge(regions, n, 0, true);
	for (; y != UINT32_MAX; y = below) {
		struct glint_region run;
		uint32_t x = 0;

		below = next_edge(regions, n, y, false);
		while (next_run(regions, n, y, x, &run)) {
			if (cover->n == GLINT_COVER_MAX) {
				cover_box(cover, regions, n);
				return;
			}
			run.y = y;
			run.height = below - y;
			cover->parts[cover->n++] = run;
			x = run.x + run.width;
		}
	}
}
