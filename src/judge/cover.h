/* SPDX-License-Identifier: MIT */
/* The pixels of several regions, each once. Pure. */
#ifndef GLINT_JUDGE_COVER_H
#define GLINT_JUDGE_COVER_H

#include "core/region.h"

#define GLINT_COVER_MAX		256u
#define GLINT_COVER_REGIONS_MAX 64u

struct glint_cover {
	unsigned n;
	struct glint_region parts[GLINT_COVER_MAX];
};

/*
 * Fill @cover with rectangles that do not overlap and together have the pixels of all @n regions.
 * When that would be more than GLINT_COVER_MAX, or @n is above
 * GLINT_COVER_REGIONS_MAX, it is the one rectangle around all.
 */
void glint_cover_make(struct glint_cover *cover, const struct glint_region *regions, unsigned n);
#endif
