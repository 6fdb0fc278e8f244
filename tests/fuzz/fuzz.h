/* SPDX-License-Identifier: MIT */
/*
 * Shared by the fuzz targets. A target is a program with libFuzzer's main(): it gets bytes, and
 * must not crash, hang, leak, or fail an assert.
 *
 * The first line of an input is its plan, so that inputs can be written by hand: the first
 * character sets switches, a bit each ('@' sets none, 'A' the first, 'B' the second, 'C' both), and
 * each other character is the length of a piece: up to '?' its code plus 1, from '@' on 64 bytes
 * for each step. The rest of the input is cut into pieces of these lengths, cyclically. After
 * PIECES_MAX pieces the remainder is one piece. Without lengths all of it is one piece.
 *
 * After that line, each DEL (0x7f) repeats the byte before it STRETCH times, so that a small input
 * reaches bounds of kilobytes.
 */
#ifndef GLINT_TESTS_FUZZ_H
#define GLINT_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define PIECES_MAX	   64 /* more would only be slow */
#define STRETCH		   4000
#define SIZE_MAX_STRETCHED 100000

struct plan {
	unsigned switches;
	const uint8_t *lengths;
	size_t n_lengths, next;
	uint8_t *rest;	      /* after the line, stretched; plan_fini() frees it */
	const uint8_t *bytes; /* the remaining bytes */
	size_t size;
};

static inline void plan_set_rest(struct plan *plan, const uint8_t *data, size_t size)
{
	plan->rest = malloc(size + SIZE_MAX_STRETCHED);
	plan->bytes = plan->rest;
	for (size_t i = 0; i < size; i++) {
		if (data[i] != 0x7f || plan->size == 0) {
			plan->rest[plan->size++] = data[i];
		} else if (plan->size <= SIZE_MAX_STRETCHED - STRETCH) {
			memset(plan->rest + plan->size, plan->rest[plan->size - 1], STRETCH);
			plan->size += STRETCH;
		}
	}
}

static inline struct plan plan_of(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t line = end ? (size_t)(end - data) + 1 : 0;
	struct plan plan = { 0 };

	if (line > 1) {
		plan.switches = data[0] & 0x3f;
		plan.lengths = data + 1;
		plan.n_lengths = line - 2;
	}
	plan_set_rest(&plan, data + line, size - line);
	return plan;
}

static inline void plan_fini(struct plan *plan)
{
	free(plan->rest);
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
