/* SPDX-License-Identifier: MIT */
#include "encode/m2m_health.h"

#include "base/cleanup.h"
#include "base/clock.h"

#define DUE_MIN_NS   (8 * GLINT_NSEC_PER_MSEC)
#define LIMIT_MIN_NS (60 * GLINT_NSEC_PER_MSEC)
#define LIMIT_MAX_NS (500 * GLINT_NSEC_PER_MSEC)
#define PERIOD_UNKNOWN_NS (33 * GLINT_NSEC_PER_MSEC)
#define PERIOD_MAX_NS (200 * GLINT_NSEC_PER_MSEC)	/* longer is a pause, no rate */
#define PAUSE_MIN_NS GLINT_NSEC_PER_SEC
#define PAUSE_MAX_NS (60 * GLINT_NSEC_PER_SEC)
#define GOOD_MIN 16	/* jobs that it takes at least to forget a failure */

/* An eighth of what is new, so that one late frame is no new rate. */
static uint64_t smooth(uint64_t before, uint64_t now)
{
	return before ? before - before / 8 + now / 8 : now;
}

void glint_m2m_health_frame(struct glint_m2m_health *health, uint64_t stamp_ns)
{
	uint64_t since_ns = stamp_ns - health->last_ns;

	if (health->last_ns && stamp_ns > health->last_ns && since_ns <= PERIOD_MAX_NS)
		health->period_ns = smooth(health->period_ns, since_ns);
	health->last_ns = stamp_ns;
}

void glint_m2m_health_good(struct glint_m2m_health *health, uint64_t took_ns, uint64_t now_ns)
{
	health->took_ns = smooth(health->took_ns, took_ns);
	if (health->good++ == 0)
		health->good_since_ns = now_ns;
	if (health->good >= GOOD_MIN && now_ns - health->good_since_ns >= health->pause_ns)
		health->pause_ns = 0;
}

uint64_t glint_m2m_health_failed(struct glint_m2m_health *health)
{
	health->good = 0;
	health->pause_ns = MIN(MAX(2 * health->pause_ns, PAUSE_MIN_NS), PAUSE_MAX_NS);
	return health->pause_ns;
}

uint64_t glint_m2m_health_due(const struct glint_m2m_health *health)
{
	uint64_t period_ns = health->period_ns ? health->period_ns : PERIOD_UNKNOWN_NS;

	return MIN(health->took_ns + MAX(period_ns - period_ns / 4, DUE_MIN_NS), LIMIT_MAX_NS);
}

uint64_t glint_m2m_health_limit(const struct glint_m2m_health *health)
{
	return MIN(health->took_ns + MAX(2 * health->period_ns, LIMIT_MIN_NS), LIMIT_MAX_NS);
}
