/* SPDX-License-Identifier: MIT */
/*
 * Figures for /state: durations in a log-linear histogram (1/16 relative resolution, fixed memory),
 * and rates over a sliding second. Loop thread only.
 */
#ifndef GLINT_CORE_STATS_H
#define GLINT_CORE_STATS_H

#include <stdint.h>

#define GLINT_HISTOGRAM_BUCKETS 640 /* 1/16 up to two hours */

struct glint_histogram {
	uint64_t count;
	uint64_t max_ns;
	uint32_t buckets[GLINT_HISTOGRAM_BUCKETS];
};

void glint_histogram_add(struct glint_histogram *histogram, uint64_t ns);

/* @permille: 0..1000. The result is at most 1/16 above the true value, never below; 0: no values. */
uint64_t glint_histogram_quantile(const struct glint_histogram *histogram, unsigned permille);

#define GLINT_RATE_STAMPS 256

/*
 * The times of the last 256 events. The rate is computed at the request, and so holds at that
 * moment.
 */
struct glint_rate {
	unsigned head, count;
	uint64_t stamps[GLINT_RATE_STAMPS];
};

void glint_rate_add(struct glint_rate *rate, uint64_t now_ns);

/*
 * Return the rate in thousandths of a hertz, from the intervals between the stamps of the last
 * second: 59.94 Hz is 59940, also half a second after the first event. If only one event is in that
 * second, the interval begins at the event before. 0: fewer than two stamps, or none in the last
 * second.
 */
uint32_t glint_rate_millihz(const struct glint_rate *rate, uint64_t now_ns);
#endif
