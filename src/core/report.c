/* SPDX-License-Identifier: MIT */
#include "core/report.h"

#include "base/macros.h"
#include "core/stats.h"

void glint_report_object(struct glint_report *report, const char *name)
{
	report->ops->begin(report, name, GLINT_REPORT_OBJECT);
}

void glint_report_list(struct glint_report *report, const char *name)
{
	report->ops->begin(report, name, GLINT_REPORT_LIST);
}

void glint_report_end(struct glint_report *report)
{
	report->ops->end(report);
}

void glint_report_int(struct glint_report *report, const char *name, int64_t value)
{
	report->ops->integer(report, name, value);
}

void glint_report_uint(struct glint_report *report, const char *name, uint64_t value)
{
	report->ops->integer(report, name, (int64_t)MIN(value, (uint64_t)INT64_MAX));
}

void glint_report_real(struct glint_report *report, const char *name, double value)
{
	report->ops->real(report, name, value);
}

void glint_report_bool(struct glint_report *report, const char *name, bool value)
{
	report->ops->boolean(report, name, value);
}

void glint_report_text(struct glint_report *report, const char *name, const char *value)
{
	if (value)
		report->ops->text(report, name, value);
	else
		report->ops->null(report, name);
}

void glint_report_null(struct glint_report *report, const char *name)
{
	report->ops->null(report, name);
}

void glint_report_rate(struct glint_report *report, const char *name, uint32_t millihz)
{
	glint_report_real(report, name, (double)millihz / 1000);
}

void glint_report_rounded_rate(struct glint_report *report, const char *name, uint32_t millihz)
{
	glint_report_uint(report, name, ((uint64_t)millihz + 500) / 1000);
}

void glint_report_latency(struct glint_report *report, const char *name,
			  const struct glint_histogram *histogram)
{
	glint_report_object(report, name);
	glint_report_uint(report, "p50", glint_histogram_quantile(histogram, 500));
	glint_report_uint(report, "p90", glint_histogram_quantile(histogram, 900));
	glint_report_uint(report, "p99", glint_histogram_quantile(histogram, 990));
	glint_report_uint(report, "max", histogram->max_ns);
	glint_report_uint(report, "count", histogram->count);
	glint_report_end(report);
}
