/* SPDX-License-Identifier: MIT */
/* Random input that can be had again: the seed is printed, and GLINT_TEST_SEED sets it. */
#ifndef GLINT_TESTS_RANDOM_H
#define GLINT_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* One for each thread that draws from it. */
struct random {
	uint32_t state;
};

static inline struct random random_begin(void)
{
	const char *seed = getenv("GLINT_TEST_SEED");
	struct random random = { seed ? (uint32_t)strtoul(seed, NULL, 0) : (uint32_t)time(NULL) };

	printf("# seed: GLINT_TEST_SEED=%u\n", random.state);
	return random;
}

/* 0 up to, but not, @limit. */
static inline unsigned random_below(struct random *random, unsigned limit)
{
	random->state = random->state * 1664525u + 1013904223u;
	return (random->state >> 8) % limit;
}

/* Half of the time of the kind that breaks arithmetic. */
static inline uint32_t random_number(struct random *random)
{
	static const uint32_t edges[] = { 0,	      1,	  2,	     3,	    16,
					  255,	      4096,	  65535,     65536, 0x7fffffff,
					  0x80000000, 0xfffffff0, 0xffffffff };

	if (random_below(random, 2) == 0)
		return edges[random_below(random, sizeof(edges) / sizeof(edges[0]))];
	return random_below(random, 1u << 24) << random_below(random, 9);
}
#endif
