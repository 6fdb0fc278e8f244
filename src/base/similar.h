/* SPDX-License-Identifier: MIT */
/* Which word was probably meant by one that is mistyped. */
#ifndef GLINT_BASE_SIMILAR_H
#define GLINT_BASE_SIMILAR_H

#include <stddef.h>

struct glint_similar {
	const char *word;	/* not terminated: @length bytes */
	size_t length;
	const char *best;	/* NULL: none is near enough */
	unsigned best_distance;
};

/* @length is bounded: nothing is similar to a word of more than 31 bytes. */
void glint_similar_begin(struct glint_similar *similar, const char *word, size_t length);

/* Takes @candidate if it is nearer than those before. NULL is fine. */
void glint_similar_try(struct glint_similar *similar, const char *candidate);
#endif
