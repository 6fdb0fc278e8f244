/* SPDX-License-Identifier: MIT */
#include "service_events.h"

#include <string.h>

#include "base/fourcc.h"
#include "core/events.h"
#include "v4l2/colour.h"

static void tell_source(struct glint_source_told *told, struct glint_events *events,
			const struct glint_capture_status *capture)
{
	struct glint_report *report;

	if (told->begun && told->reason == capture->reason && told->stream == capture->stream)
		return;
	told->begun = true;
	told->reason = capture->reason;
	told->stream = capture->stream;
	report = glint_events_begin(events, GLINT_EVENT_SOURCE);
	glint_report_bool(report, "online", capture->online);
	glint_report_text(report, "reason", glint_reason_name(capture->reason));
	glint_report_text(report, "device", capture->path);
	if (*capture->message)
		glint_report_text(report, "message", capture->message);
	glint_events_commit(events);
}

static void tell_format(struct glint_source_told *told, struct glint_events *events,
			const struct glint_capture_status *capture)
{
	const typeof(told->format) format = {
		.width = capture->width,
		.height = capture->height,
		.fourcc = capture->format.fourcc,
		.millihz = capture->nominal_millihz,
		.memory = capture->memory,
		.range = capture->format.range,
		.matrix = capture->format.matrix,
	};
	struct glint_report *report;
	char fourcc[5];

	if (!capture->online || memcmp(&told->format, &format, sizeof(format)) == 0)
		return;
	told->format = format;
	report = glint_events_begin(events, GLINT_EVENT_FORMAT);
	glint_report_uint(report, "width", format.width);
	glint_report_uint(report, "height", format.height);
	glint_report_text(report, "fourcc", glint_fourcc_text(format.fourcc, fourcc));
	glint_report_rate(report, "nominal_fps", format.millihz);
	glint_report_text(report, "memory", glint_memory_name(format.memory));
	glint_report_uint(report, "buffers", capture->buffers);
	glint_report_text(report, "range", glint_range_name(format.range));
	glint_report_text(report, "matrix", glint_matrix_name(format.matrix));
	glint_events_commit(events);
}

void glint_source_tell(struct glint_source_told *told, struct glint_events *events,
		       const struct glint_capture_status *capture)
{
	tell_source(told, events, capture);
	tell_format(told, events, capture);
}
