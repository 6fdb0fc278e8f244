/* SPDX-License-Identifier: MIT */
/*
 * How long an encoder may take for a job, and when one that has failed is tried again.
 * Pure: it goes by the times that it is told.
 */
#ifndef GLINT_ENCODE_M2M_HEALTH_H
#define GLINT_ENCODE_M2M_HEALTH_H

#include <stdint.h>

struct glint_m2m_health {
	uint64_t period_ns;	/* between frames, smoothed; 0: unknown */
	uint64_t last_ns;	/* stamp of the last frame */
	uint64_t took_ns;	/* for a good job, smoothed; 0: unknown */
	uint64_t pause_ns;	/* the last one; 0: no failure is remembered */
	unsigned good;		/* jobs since then */
	uint64_t good_since_ns;	/* the first of them */
};

/* A frame was captured at @stamp_ns. */
void glint_m2m_health_frame(struct glint_m2m_health *health, uint64_t stamp_ns);

/* A job has ended well at @now_ns. A failure is forgotten when it has worked as long as it rested. */
void glint_m2m_health_good(struct glint_m2m_health *health, uint64_t took_ns, uint64_t now_ns);

/* It has failed. Returns for how long to leave it alone: 1 s, or twice as long as the last time. */
uint64_t glint_m2m_health_failed(struct glint_m2m_health *health);

/*
 * How long a job may take before another had better do the frame: what it takes as a rule and
 * three quarters of a frame, 8 ms at least. The last quarter is for the other, so that nobody
 * waits longer than a frame more.
 */
uint64_t glint_m2m_health_due(const struct glint_m2m_health *health);

/*
 * How long until it counts as a failure: two frames more than as a rule, and not less than
 * what a busy machine takes to wake a thread. Not below what glint_m2m_health_due() says.
 */
uint64_t glint_m2m_health_limit(const struct glint_m2m_health *health);
#endif
