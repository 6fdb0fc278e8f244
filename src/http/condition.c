/* SPDX-License-Identifier: MIT */
#include "http/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/region.h"

const char *const glint_reference_types[] = { "image/png", "image/jpeg", "image/x-portable-pixmap",
					      "image/x-portable-graymap", NULL };

bool glint_read_point(const char *text, uint32_t *x, uint32_t *y)
{
	char region[GLINT_REGION_TEXT_MAX];
	struct glint_region point;

	snprintf(region, sizeof(region), "1x1+%.19s", text);
	for (char *at = region; *at; at++)
		*at = *at == ' ' ? '+' : *at;
	if (glint_region_parse(region, &point) < 0)
		return false;
	*x = point.x;
	*y = point.y;
	return true;
}

bool glint_read_hash(const char *text, uint64_t hash[2])
{
	char half[17];

	if (strlen(text) != 32 || text[strspn(text, "0123456789abcdefABCDEF")])
		return false;
	snprintf(half, sizeof(half), "%.16s", text);
	hash[0] = strtoull(half, NULL, 16);
	hash[1] = strtoull(text + 16, NULL, 16);
	return true;
}
