/* SPDX-License-Identifier: MIT */
/* The capture's figures in /state. */
#include "base/clock.h"
#include "base/fourcc.h"
#include "base/macros.h"
#include "capture/internal.h"
#include "core/report.h"
#include "v4l2/colour.h"
#include "v4l2/timings.h"

static void report_planes(struct glint_report *report, const char *name, const uint32_t values[4],
			  unsigned n)
{
	glint_report_list(report, name);
	for (unsigned i = 0; i < MIN(n, 4u); i++)
		glint_report_uint(report, NULL, values[i]);
	glint_report_end(report);
}

static void report_media(const struct glint_media_shown *media, struct glint_report *report)
{
	glint_report_object(report, "media");
	glint_report_text(report, "device", media->device);
	glint_report_list(report, "path");
	for (unsigned i = 0; i < media->n; i++)
		glint_report_text(report, NULL, media->names[i]);
	glint_report_end(report);
	glint_report_text(report, "problem", media->problem);
	glint_report_end(report);
}

static const char *field_name(enum glint_field field)
{
	static const char *const names[] = {
		[GLINT_FIELD_PROGRESSIVE] = "progressive",
		[GLINT_FIELD_INTERLACED] = "interlaced",
		[GLINT_FIELD_ALTERNATE] = "alternate",
		[GLINT_FIELD_SEQUENTIAL] = "sequential",
		[GLINT_FIELD_ONE] = "one",
	};

	return names[field];
}

void glint_timings_report(const struct glint_timings *timings, struct glint_report *report)
{
	char text[GLINT_TIMINGS_TEXT];

	glint_report_text(report, "name", glint_timings_text(timings, text));
	glint_report_uint(report, "width", timings->width);
	glint_report_uint(report, "height", timings->height);
	glint_report_rate(report, "fps", timings->rate_millihz);
	glint_report_bool(report, "interlaced", timings->interlaced);
	glint_report_uint(report, "pixelclock_hz", timings->pixelclock);
}

/* Report the DV timings that the device is set to; for other inputs the members are empty. */
static void report_timings(const struct glint_timings *timings, struct glint_report *report)
{
	glint_report_object(report, "timings");
	glint_timings_report(timings, report);
	glint_report_bool(report, "forced", timings->forced);
	glint_report_end(report);
}

/* What is done with the two fields of a frame. */
static const char *deinterlace_name(const struct glint_capture *capture)
{
	if (capture->shown.field == GLINT_FIELD_PROGRESSIVE)
		return "";
	/* Only frames whose lines are in turn already are left as they are. */
	return glint_deinterlace_name(capture->fields ? glint_fields_how(capture->fields) :
							GLINT_DEINTERLACE_WEAVE);
}

/* Report the format of the frames; before the first stream its members are empty. */
static void report_format(const struct glint_capture *capture, struct glint_report *report)
{
	const struct glint_format *format = &capture->shown.format;
	bool known = format->info != NULL;
	char fourcc[5] = "";

	if (known)
		glint_fourcc_text(format->fourcc, fourcc);
	glint_report_object(report, "format");
	glint_report_text(report, "fourcc", fourcc);
	glint_report_uint(report, "width", known ? format->width : 0);
	glint_report_uint(report, "height", known ? format->height : 0);
	report_planes(report, "stride", format->stride, known ? format->n_planes : 0);
	report_planes(report, "size", format->size, known ? format->n_planes : 0);
	glint_report_uint(report, "bits", known ? glint_format_bits(format->info) : 0);
	glint_report_text(report, "range", known ? glint_range_name(format->range) : "");
	glint_report_text(report, "matrix", known ? glint_matrix_name(format->matrix) : "");
	glint_report_text(report, "field", known ? field_name(capture->shown.field) : "");
	glint_report_text(report, "deinterlace", known ? deinterlace_name(capture) : "");
	glint_report_end(report);
}

/* Report the last frame; before the first frame the object has no members. */
static void report_frame(const struct glint_capture *capture, struct glint_report *report,
			 uint64_t now_ns)
{
	uint64_t capture_ns = capture->last.capture_ns;

	glint_report_object(report, "frame");
	if (capture->last.complete_ns > 0) {
		glint_report_uint(report, "sequence", capture->last.seq);
		glint_report_uint(report, "timestamp_ns", capture_ns);
		glint_report_text(report, "clock", glint_clock_name(capture->last.clock));
		glint_report_text(report, "moment",
				  capture->last.start_of_exposure ? "start-of-exposure" :
								    "end-of-frame");
		glint_report_text(report, "field_order",
				  glint_field_order_name(capture->last.field_order));
		glint_report_uint(report, "age_ns", now_ns > capture_ns ? now_ns - capture_ns : 0);
	}
	glint_report_end(report);
}

/* Frames that are made of the buffers' fields have memory of their own. */
static void report_buffers(const struct glint_capture *capture, struct glint_report *report)
{
	const struct glint_pool *pool = capture->pool;
	bool makes = pool && capture->fields;

	glint_report_object(report, "buffers");
	glint_report_text(report, "kind", glint_memory_name(capture->shown.memory));
	glint_report_uint(report, "count", pool ? pool->n_buffers : 0);
	glint_report_uint(report, "driver", pool ? pool->with_driver : 0);
	glint_report_uint(report, "leased", makes ? pool->leased : capture->leased);
	glint_report_uint(report, "made", makes ? capture->leased : 0);
	glint_report_uint(report, "cancelled", capture->cancelled);
	glint_report_end(report);
}

void glint_capture_report(const struct glint_capture *capture, struct glint_report *report)
{
	const struct glint_capture_shown *shown = &capture->shown;
	uint64_t now_ns = glint_now_ns();

	glint_report_object(report, "source");
	glint_report_text(report, "kind", glint_capture_kind(capture));
	glint_report_text(report, "reason", glint_reason_name(capture->reason));
	glint_report_text(report, "verdict", glint_reason_verdict(capture->reason));
	glint_report_text(report, "rests_on", glint_reason_rests_on(capture->reason));
	glint_report_rate(report, "fps", glint_rate_millihz(&capture->rate, now_ns));
	glint_report_rate(report, "nominal_fps", shown->nominal_millihz);
	glint_report_uint(report, "first_frame_ns", capture->first_frame_ns);
	glint_report_uint(report, "idle_stops", capture->idle.stops);
	glint_report_end(report);

	glint_report_object(report, "device");
	glint_report_text(report, "path", glint_capture_path(capture));
	glint_report_text(report, "wanted", capture->device ? capture->device : "auto");
	glint_report_text(report, "driver", shown->identity.driver);
	glint_report_text(report, "card", shown->identity.card);
	glint_report_text(report, "bus", shown->identity.bus);
	glint_report_text(report, "vendor", shown->identity.vendor);
	glint_report_text(report, "product", shown->identity.product);
	glint_report_text(report, "serial", shown->identity.serial);
	glint_report_text(report, "message", shown->message);
	glint_report_end(report);

	report_media(&shown->media, report);
	report_timings(&shown->timings, report);
	report_format(capture, report);
	report_frame(capture, report, now_ns);

	glint_report_object(report, "ledger");
	glint_ledger_report(&capture->ledger, report);
	glint_report_end(report);

	report_buffers(capture, report);

	glint_report_object(report, "device_jobs");
	glint_report_uint(report, "pending", capture->jobs.n_clients);
	glint_report_uint(report, "ran", capture->jobs.ran);
	glint_report_uint(report, "refused", capture->jobs.refused);
	glint_report_uint(report, "timed_out", capture->jobs.timed_out);
	glint_report_end(report);

	glint_report_object(report, "controls");
	glint_report_uint(report, "count", capture->watched.n);
	glint_report_uint(report, "changed_by_others", capture->changed_by_others);
	glint_report_end(report);
}

void glint_capture_report_latencies(const struct glint_capture *capture,
				    struct glint_report *report)
{
	glint_report_latency(report, "device_job", &capture->jobs.took);
	glint_report_latency(report, "dequeue", &capture->dequeue);
	glint_report_latency(report, "first_frame", &capture->first_frame);
}
