/* SPDX-License-Identifier: MIT */
/* Find the known word that is nearest to a mistyped word. */
#ifndef GLINT_BASE_SIMILAR_H
#define GLINT_BASE_SIMILAR_H

#include <stddef.h>

struct glint_similar {
	const char *word; /* @length bytes, not terminated */
	size_t length;
	const char *best; /* the nearest candidate so far; NULL: none is near enough */
	unsigned best_distance;
};

/* Words of more than 31 bytes are similar to nothing. */
void glint_similar_begin(struct glint_similar *similar, const char *word, size_t length);

/* Keep @candidate if it is nearer than all candidates before. NULL is fine. */
void glint_similar_try(struct glint_similar *similar, const char *candidate);
#endif
