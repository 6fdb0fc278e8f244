/* SPDX-License-Identifier: MIT */
#include "core/frame.h"

#include <assert.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "core/upcall.h"

_Thread_local unsigned glint_upcall_forbidden;

const char *glint_clock_name(enum glint_clock clock)
{
	static const char *const names[] = {
		[GLINT_CLOCK_MONOTONIC] = "monotonic",
		[GLINT_CLOCK_ARRIVAL] = "arrival",
	};

	assert((size_t)clock < ARRAY_SIZE(names));
	return names[clock];
}

void glint_frame_begin(struct glint_frame *frame, uint32_t seq, uint64_t capture_ns)
{
	assert(frame->refs == 0);	/* else the slot was filled while somebody read it */

	frame->refs = 1;
	frame->outcome = GLINT_OUTCOME_SKIPPED;
	frame->seq = seq;
	frame->capture_ns = capture_ns;
}

struct glint_frame *glint_frame_ref(struct glint_frame *frame)
{
	assert(frame->refs > 0);	/* without a lease the slot is the driver's */

	frame->refs++;
	return frame;
}

struct glint_frame *glint_frame_unref(struct glint_frame *frame)
{
	if (!frame)
		return NULL;
	assert(frame->refs > 0);

	if (--frame->refs > 0)
		return NULL;
	glint_upcall_forbid();
	frame->ops->release(frame);
	glint_upcall_allow();
	return NULL;
}
