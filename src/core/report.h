/* SPDX-License-Identifier: MIT */
/*
 * A report of figures to a visitor. Each module has a function that calls these functions for its
 * objects and members; the service calls the modules one after the other. The visitor decides what
 * happens to the figures: one writes the JSON of /state, another records them for tests. Loop thread
 * only.
 *
 * A member of an object has a name; the name of a list's element is NULL. Names and texts are used
 * during the call only.
 */
#ifndef GLINT_CORE_REPORT_H
#define GLINT_CORE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct glint_histogram;
struct glint_report;

enum glint_report_container { GLINT_REPORT_OBJECT, GLINT_REPORT_LIST };

/* The functions of a visitor. A visitor records its failure; modules do not learn of it. */
struct glint_report_ops {
	void (*begin)(struct glint_report *report, const char *name,
		      enum glint_report_container container);
	void (*end)(struct glint_report *report);
	void (*integer)(struct glint_report *report, const char *name, int64_t value);
	void (*real)(struct glint_report *report, const char *name, double value);
	void (*boolean)(struct glint_report *report, const char *name, bool value);
	void (*text)(struct glint_report *report, const char *name, const char *value);
	void (*null)(struct glint_report *report, const char *name);
};

struct glint_report {
	const struct glint_report_ops *ops;
	bool every_stream; /* list all streams of clients, else only the newest ones */
};

/* Each object and list is ended once, the innermost first. */
void glint_report_object(struct glint_report *report, const char *name);
void glint_report_list(struct glint_report *report, const char *name);
void glint_report_end(struct glint_report *report);

void glint_report_int(struct glint_report *report, const char *name, int64_t value);
/* A value above INT64_MAX is reported as INT64_MAX. */
void glint_report_uint(struct glint_report *report, const char *name, uint64_t value);
void glint_report_real(struct glint_report *report, const char *name, double value);
void glint_report_bool(struct glint_report *report, const char *name, bool value);
/* Any bytes are fine, also those of drivers and clients. NULL is reported as null. */
void glint_report_text(struct glint_report *report, const char *name, const char *value);
void glint_report_null(struct glint_report *report, const char *name);

/* Report a rate, given in thousandths of a hertz, in hertz: as a real, or rounded. */
void glint_report_rate(struct glint_report *report, const char *name, uint32_t millihz);
void glint_report_rounded_rate(struct glint_report *report, const char *name, uint32_t millihz);

/* An object: p50, p90, p99 and max in nanoseconds, and count. */
void glint_report_latency(struct glint_report *report, const char *name,
			  const struct glint_histogram *histogram);
#endif
