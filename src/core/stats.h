/* SPDX-License-Identifier: MIT */
/*
 * Figures for /state: durations kept as a log-linear histogram (1/16 relative
 * resolution, fixed memory, no allocation), and rates over a sliding second.
 * Loop thread only.
 */
#ifndef GLINT_CORE_STATS_H
#define GLINT_CORE_STATS_H

#include <stdint.h>

#define GLINT_HISTOGRAM_BUCKETS 640	/* 1/16 up to two hours */

struct glint_histogram {
	uint64_t count;
	uint64_t max_ns;
	uint32_t buckets[GLINT_HISTOGRAM_BUCKETS];
};

void glint_histogram_add(struct glint_histogram *histogram, uint64_t ns);

/* @permille 0..1000. 0 when nothing was added; else at most 1/16 above the true value, never below. */
uint64_t glint_histogram_quantile(const struct glint_histogram *histogram, unsigned permille);

#define GLINT_RATE_STAMPS 256

/*
 * When the last events were. The rate is computed when it is asked for, so it is
 * right at that moment; of fast events the last 256 are what counts.
 */
struct glint_rate {
	unsigned head, count;
	uint64_t stamps[GLINT_RATE_STAMPS];
};

void glint_rate_add(struct glint_rate *rate, uint64_t now_ns);

/*
 * Events a second in thousandths: intervals between the stamps within the last
 * second, so 59.94 reads 59940 and a first half second is not a half rate. An
 * event alone in that second is measured from the one before it. 0 with fewer
 * than two stamps, and when the last stamp is older than a second.
 */
uint32_t glint_rate_millihz(const struct glint_rate *rate, uint64_t now_ns);
#endif
