/* SPDX-License-Identifier: MIT */
/*
 * How long a job may take, and how long a failed encoder rests. Pure: the caller passes the
 * time.
 */
#ifndef GLINT_ENCODE_M2M_WATCHDOG_H
#define GLINT_ENCODE_M2M_WATCHDOG_H

#include <stdint.h>

struct glint_m2m_health {
	uint64_t period_ns;	/* between frames, smoothed; 0: unknown */
	uint64_t last_ns;	/* stamp of the last frame */
	uint64_t took_ns;	/* duration of good jobs, smoothed; 0: unknown */
	uint64_t pause_ns;	/* the last rest; 0: no recent failure */
	unsigned good;		/* good jobs since the failure */
	uint64_t good_since_ns; /* the first of those */
};

/* A frame was captured at @stamp_ns. */
void glint_m2m_health_frame(struct glint_m2m_health *health, uint64_t stamp_ns);

/* A job has succeeded at @now_ns. A failure is forgotten after as much good work as rest. */
void glint_m2m_health_good(struct glint_m2m_health *health, uint64_t took_ns, uint64_t now_ns);

/*
 * The encoder has failed. Returns how long it rests: 1 s, then twice as long each time, up to
 * 60 s.
 */
uint64_t glint_m2m_health_failed(struct glint_m2m_health *health);

/*
 * How long a job may take before another backend takes over the frame: the usual duration
 * plus three quarters of a frame time, at least 8 ms. The last quarter is for the other
 * backend, so that a client waits at most one frame time more.
 */
uint64_t glint_m2m_health_due(const struct glint_m2m_health *health);

/*
 * How long a job may take before the encoder has failed: the usual duration plus two frame
 * times, at least the 60 ms that a busy machine may take to wake a thread. Never less than
 * glint_m2m_health_due().
 */
uint64_t glint_m2m_health_limit(const struct glint_m2m_health *health);
#endif
