/* SPDX-License-Identifier: MIT */
/* Keeps all measured values, so that a percentile is one of them and not an estimate. */
#ifndef GLINT_BENCH_TALLY_H
#define GLINT_BENCH_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally {
	uint64_t *values; /* malloc()ed */
	size_t count, room;
};

void tally_add(struct tally *tally, uint64_t value);

/* Returns the smallest value that @percent of the values do not exceed; 0 without values. Sorts. */
uint64_t tally_percentile(struct tally *tally, unsigned percent);
void tally_fini(struct tally *tally);
#endif
