/* SPDX-License-Identifier: MIT */
#include "encode/pace.h"

#include "base/clock.h"
#include "base/macros.h"

#define ONE_FRAME ((int64_t)GLINT_NSEC_PER_SEC)

/*
 * Time adds credit, and each kept frame costs one. The kept frame is the one nearest
 * to the moment when the credit is full: it may come up to half a frame time early, so
 * stamps that jitter around that moment make no difference. A frame that is kept
 * early leaves a debt. Nothing is rounded, so there is no drift. At most one frame of
 * credit survives a pause; otherwise a burst would follow the pause.
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
