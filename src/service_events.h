/* SPDX-License-Identifier: MIT */
/* The service's own events: what the source and its format have become. Loop thread only. */
#ifndef GLINT_SERVICE_EVENTS_H
#define GLINT_SERVICE_EVENTS_H

#include "capture/capture.h"

struct glint_events;

/* What the last events have told; all zero at the start. */
struct glint_source_told {
	bool begun;
	enum glint_reason reason;
	uint64_t stream;
	struct {
		uint32_t width, height, fourcc, millihz;
		enum glint_memory memory;
		enum glint_range range;
		enum glint_matrix matrix;
	} format;
};

/* Add events for what differs from @told. */
void glint_source_tell(struct glint_source_told *told, struct glint_events *events,
		       const struct glint_capture_status *capture);
#endif
