/* SPDX-License-Identifier: MIT */
#include "base/similar.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/macros.h"

#define WORD_MAX 31u

/*
 * Return the number of letters that are missing, too many, wrong, or swapped with their neighbour
 * (optimal string alignment). Both words have at most WORD_MAX letters.
 */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	assert(a_length <= WORD_MAX && b_length <= WORD_MAX);

	for (unsigned j = 0; j <= b_length; j++)
		above[j] = j;
	for (unsigned i = 1; i <= a_length; i++) {
		unsigned *last = before;

		row[0] = i;
		for (unsigned j = 1; j <= b_length; j++) {
			bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				       a[i - 2] == b[j - 1];

			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = MIN(row[j], above[j] + 1);
			row[j] = MIN(row[j], row[j - 1] + 1);
			if (swapped)
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = last;
	}
	return above[b_length];
}

void glint_similar_begin(struct glint_similar *similar, const char *word, size_t length)
{
	*similar = (struct glint_similar){
		.word = word,
		.length = length,
		/* A third of the letters may be wrong; one letter of a short word. */
		.best_distance = (length < 6 ? 1 : (unsigned)MIN(length, WORD_MAX) / 3) + 1,
	};
}

void glint_similar_try(struct glint_similar *similar, const char *candidate)
{
	size_t length = candidate ? strlen(candidate) : 0;
	unsigned found;

	if (similar->length < 2 || similar->length > WORD_MAX || length < 2 || length > WORD_MAX)
		return;
	found = distance(similar->word, similar->length, candidate, length);
	if (found >= similar->best_distance)
		return;
	similar->best_distance = found;
	similar->best = candidate;
}
