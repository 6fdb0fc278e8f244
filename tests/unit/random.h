/* SPDX-License-Identifier: MIT */
/* Random input that can be had again: the seed is printed, and GLINT_TEST_SEED sets it. */
#ifndef GLINT_TESTS_RANDOM_H
#define GLINT_TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
/*
 * One answer of a driver in @one_in is spoiled, in up to three places of what @request gives
 * back at @arg; true then. Which requests a driver cannot spoil, the caller knows.
 */
static inline bool random_spoil(struct random *random, unsigned one_in, unsigned long request,
				void *arg)
{
	unsigned words = _IOC_SIZE(request) / sizeof(uint32_t);

	if (!(_IOC_DIR(request) & _IOC_READ) || words == 0 || random_below(random, one_in) != 0)
		return false;
	for (unsigned n = 1 + random_below(random, 3); n > 0; n--) {
		uint32_t number = random_number(random);

		memcpy((uint8_t *)arg + random_below(random, words) * sizeof(number), &number,
		       sizeof(number));
	}
	return true;
}
#endif
