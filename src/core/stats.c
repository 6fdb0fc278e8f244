/* SPDX-License-Identifier: MIT */
#include "core/stats.h"

#include "base/clock.h"
#include "base/macros.h"

/*
 * Each value below 16 has a bucket. Above, each power of two is divided into 16 buckets, so a bucket
 * is never wider than 1/16 of its lowest value.
 */
#define SUB_BITS  4
#define SUB_COUNT (1u << SUB_BITS)

static unsigned bucket_of(uint64_t ns)
{
	unsigned power;

	if (ns < SUB_COUNT)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns);
	return MIN((power - SUB_BITS + 1) * SUB_COUNT +
			   (unsigned)(ns >> (power - SUB_BITS)) % SUB_COUNT,
		   GLINT_HISTOGRAM_BUCKETS - 1u);
}

static uint64_t bucket_highest(unsigned bucket)
{
	unsigned shift;

	if (bucket < SUB_COUNT)
		return bucket;
	shift = bucket / SUB_COUNT - 1;
	return ((uint64_t)(SUB_COUNT + bucket % SUB_COUNT + 1) << shift) - 1;
}

void glint_histogram_add(struct glint_histogram *histogram, uint64_t ns)
{
	uint32_t *bucket = &histogram->buckets[bucket_of(ns)];

	if (*bucket == UINT32_MAX) { /* after years; halving all buckets keeps the proportions */
		for (unsigned i = 0; i < GLINT_HISTOGRAM_BUCKETS; i++)
			histogram->buckets[i] /= 2;
	}
	(*bucket)++;
	histogram->count++;
	histogram->max_ns = MAX(histogram->max_ns, ns);
}

uint64_t glint_histogram_quantile(const struct glint_histogram *histogram, unsigned permille)
{
	uint64_t total = 0, rank, passed = 0;

	for (unsigned i = 0; i < GLINT_HISTOGRAM_BUCKETS; i++)
		total += histogram->buckets[i];
	rank = MAX((total * MIN(permille, 1000u) + 999) / 1000, (uint64_t)1);

	for (unsigned i = 0; i < GLINT_HISTOGRAM_BUCKETS - 1; i++) {
		passed += histogram->buckets[i];
		if (passed >= rank)
			return MIN(bucket_highest(i), histogram->max_ns);
	}
	return histogram->max_ns; /* the last bucket has no upper end */
}

void glint_rate_add(struct glint_rate *rate, uint64_t now_ns)
{
	rate->stamps[rate->head] = now_ns;
	rate->head = (rate->head + 1) % GLINT_RATE_STAMPS;
	rate->count = MIN(rate->count + 1, (unsigned)GLINT_RATE_STAMPS);
}

/* Return the stamp of the event @back events ago; 0: the last event. */
static uint64_t rate_stamp(const struct glint_rate *rate, unsigned back)
{
	return rate->stamps[(rate->head + GLINT_RATE_STAMPS - 1 - back) % GLINT_RATE_STAMPS];
}

uint32_t glint_rate_millihz(const struct glint_rate *rate, uint64_t now_ns)
{
	unsigned recent = 0, intervals;
	uint64_t span_ns;

	while (recent < rate->count && rate_stamp(rate, recent) + GLINT_NSEC_PER_SEC >= now_ns)
		recent++;
	if (recent == 0 || rate->count < 2)
		return 0;

	/* With a single event, the interval begins at the event before. */
	intervals = MAX(recent - 1, 1u);
	span_ns = rate_stamp(rate, 0) - rate_stamp(rate, intervals);
	if (span_ns == 0)
		return 0;
	return (uint32_t)MIN(intervals * 1000 * GLINT_NSEC_PER_SEC / span_ns, (uint64_t)UINT32_MAX);
}
