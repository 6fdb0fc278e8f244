/* SPDX-License-Identifier: MIT */
#include "core/frame.h"

#include <assert.h>
#include <stddef.h>

#include "base/macros.h"
#include "core/upcall.h"

_Thread_local unsigned glint_upcall_forbidden;

const char *glint_field_order_name(enum glint_field_order order)
{
	static const char *const names[] = {
		[GLINT_FIELD_ORDER_NONE] = "progressive",
		[GLINT_FIELD_ORDER_TOP_FIRST] = "top-first",
		[GLINT_FIELD_ORDER_BOTTOM_FIRST] = "bottom-first",
	};

	return names[order];
}

const char *glint_clock_name(enum glint_clock clock)
{
	static const char *const names[] = {
		[GLINT_CLOCK_MONOTONIC] = "monotonic",
		[GLINT_CLOCK_ARRIVAL] = "arrival",
	};

	assert((size_t)clock < ARRAY_SIZE(names));
	return names[clock];
}

void glint_frame_begin(struct glint_frame *frame, uint32_t seq)
{
	assert(frame->refs == 0); /* a leased slot must not be filled again */
	assert(frame->ops);

	frame->refs = 1;
	frame->outcome = GLINT_OUTCOME_SKIPPED;
	frame->info.seq = seq;
}

struct glint_frame *glint_frame_ref(struct glint_frame *frame)
{
	assert(frame->refs > 0); /* without a lease the driver owns the slot */

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
