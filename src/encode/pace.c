/* SPDX-License-Identifier: MIT */
#include "encode/pace.h"

#include "base/cleanup.h"
#include "base/clock.h"

#define ONE_FRAME ((int64_t)GLINT_NSEC_PER_SEC)

/*
 * Time adds credit, a frame costs one. The frame that is taken is the one nearest
 * to the moment when the credit is full, that is one which comes at most half a
 * frame's time too early: so stamps that jitter around that moment make no
 * difference, and what is taken too early is still owed. Nothing is rounded, so
 * there is no drift. No more than one frame of credit survives a pause, else a
 * burst would follow it.
 */
bool glint_pace_take(struct glint_pace *pace, uint64_t capture_ns)
{
	int64_t gained;

	if (pace->fps == 0)
		return true;

	if (!pace->started || capture_ns < pace->last_ns) {
		pace->started = true;
		pace->credit = ONE_FRAME;
		gained = 0;
	} else {
		gained = (int64_t)MIN(capture_ns - pace->last_ns, GLINT_NSEC_PER_SEC) * pace->fps;
	}
	pace->last_ns = capture_ns;
	pace->credit += gained;
	if (pace->credit + MIN(gained, ONE_FRAME) / 2 < ONE_FRAME)
		return false;

	pace->credit = MIN(pace->credit - ONE_FRAME, ONE_FRAME);
	return true;
}
