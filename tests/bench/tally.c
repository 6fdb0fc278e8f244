/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>

void tally_add(struct tally *tally, uint64_t value)
{
	if (tally->count == tally->room) {
		tally->room = tally->room ? 2 * tally->room : 4096;
		tally->values = realloc(tally->values, tally->room * sizeof(*tally->values));
		if (!tally->values) {
			perror("tally");
			exit(2);
		}
	}
	tally->values[tally->count++] = value;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

uint64_t tally_percentile(struct tally *tally, unsigned percent)
{
	size_t rank;

	if (tally->count == 0)
		return 0;
	qsort(tally->values, tally->count, sizeof(*tally->values), compare);
	rank = (tally->count * percent + 99) / 100;
	return tally->values[rank > 0 ? rank - 1 : 0];
}

void tally_fini(struct tally *tally)
{
	free(tally->values);
	*tally = (struct tally){ 0 };
}
