/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. A target is a program with libFuzzer's main(): it gets
 * bytes, and must neither crash, hang, leak, nor fail an assert.
 *
 * An input begins with a line that is its plan, so that inputs can be written by hand:
 * the first character sets switches, a bit each ('@' sets none, 'A' the first, 'B' the
 * second, 'C' both), and each other character is the length of a piece: up to '?' its
 * code plus 1, from '@' on 64 bytes for each step. The pieces of the rest of the input
 * have these lengths in turn, again and again. What is left after PIECES_MAX of them is one
 * piece, and so is all of it without such a character.
 */
#ifndef GLINT_TESTS_FUZZ_H
#define GLINT_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

#define PIECES_MAX 64	/* more would only be slow */

struct plan {
	unsigned switches;
	const uint8_t *lengths;
	size_t n_lengths, next;
	const uint8_t *bytes;		/* behind the line */
	size_t size;
};

static inline struct plan plan_of(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	struct plan plan = { .bytes = data, .size = size };

	if (!end)
		return plan;
	plan.bytes = end + 1;
	plan.size = size - (size_t)(plan.bytes - data);
	if (end > data) {
		plan.switches = data[0] & 0x3f;
		plan.lengths = data + 1;
		plan.n_lengths = (size_t)(end - plan.lengths);
	}
	return plan;
}

static inline bool plan_switch(const struct plan *plan, unsigned number)
{
	return plan->switches >> number & 1;
}

/* Returns the length of the next piece, which is *@piece, or 0 at the end. */
static inline size_t plan_piece(struct plan *plan, const uint8_t **piece)
{
	size_t length = plan->size;

	if (plan->n_lengths > 0 && plan->next < PIECES_MAX) {
		uint8_t code = plan->lengths[plan->next++ % plan->n_lengths] & 0x7f;

		length = code < '@' ? code + 1u : (code - '@' + 1u) * 64;
		length = MIN(length, plan->size);
	}
	*piece = plan->bytes;
	plan->bytes += length;
	plan->size -= length;
	return length;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#endif
