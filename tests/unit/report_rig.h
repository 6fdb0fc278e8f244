/* SPDX-License-Identifier: MIT */
/*
 * A visitor that records what a module tells, one line a figure: "path type value".
 * An element of a list has its number as its name. Allocates nothing.
 */
#ifndef GLINT_TESTS_REPORT_RIG_H
#define GLINT_TESTS_REPORT_RIG_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "core/report.h"
#include "harness.h"

#define RECORD_DEPTH 16

static struct record {
	struct glint_report report;
	unsigned depth;
	bool is_list[RECORD_DEPTH];
	unsigned n[RECORD_DEPTH];    /* members told so far */
	size_t length[RECORD_DEPTH]; /* of each container's path; the root's is 0 */
	char path[512];		     /* of the last member */
	size_t used;
	char lines[32 << 10];
} record;

__attribute__((format(printf, 1, 2))) static inline void record_put(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(record.lines + record.used, sizeof(record.lines) - record.used, format, args);
	va_end(args);
	CU_ASSERT_TRUE_FATAL(n >= 0 && record.used + (size_t)n < sizeof(record.lines));
	record.used += (size_t)n;
}

/* Returns the path of the next member of the open container. */
static inline const char *record_path(const char *name)
{
	size_t length = record.length[record.depth], size = sizeof(record.path) - length;
	unsigned i = record.n[record.depth]++;
	const char *dot = length > 0 ? "." : "";

	CU_ASSERT_EQUAL_FATAL(!name, record.is_list[record.depth]);
	if (name)
		snprintf(record.path + length, size, "%s%s", dot, name);
	else
		snprintf(record.path + length, size, "%s%u", dot, i);
	return record.path;
}

static inline void record_on_begin(struct glint_report *report, const char *name,
				   enum glint_report_container container)
{
	(void)report;
	record_put("%s object\n", record_path(name));
	CU_ASSERT_TRUE_FATAL(record.depth + 1 < RECORD_DEPTH);
	record.depth++;
	record.length[record.depth] = strlen(record.path);
	record.is_list[record.depth] = container == GLINT_REPORT_LIST;
	record.n[record.depth] = 0;
}

static inline void record_on_end(struct glint_report *report)
{
	(void)report;
	CU_ASSERT_TRUE_FATAL(record.depth > 0);
	record.depth--;
}

static inline void record_on_integer(struct glint_report *report, const char *name, int64_t value)
{
	(void)report;
	record_put("%s int %" PRId64 "\n", record_path(name), value);
}

static inline void record_on_real(struct glint_report *report, const char *name, double value)
{
	(void)report;
	record_put("%s real %.17g\n", record_path(name), value);
}

static inline void record_on_boolean(struct glint_report *report, const char *name, bool value)
{
	(void)report;
	record_put("%s bool %d\n", record_path(name), value);
}

static inline void record_on_text(struct glint_report *report, const char *name, const char *value)
{
	(void)report;
	record_put("%s text %s\n", record_path(name), value);
}

static inline void record_on_null(struct glint_report *report, const char *name)
{
	(void)report;
	record_put("%s null -\n", record_path(name));
}

/* An empty record. */
static inline struct glint_report *record_begin(void)
{
	static const struct glint_report_ops ops = {
		.begin = record_on_begin,
		.end = record_on_end,
		.integer = record_on_integer,
		.real = record_on_real,
		.boolean = record_on_boolean,
		.text = record_on_text,
		.null = record_on_null,
	};

	memset(&record, 0, offsetof(struct record, lines));
	record.lines[0] = '\0';
	record.report.ops = &ops;
	return &record.report;
}

/*
 * The value of the figure at @path, up to the line's end in a static place; NULL: none of that
 * @type.
 */
static inline const char *record_find(const char *path, const char *type)
{
	static char value[512];
	char line[256];
	const char *at = record.lines;
	size_t length = (size_t)snprintf(line, sizeof(line), "%s %s ", path, type);

	CU_ASSERT_EQUAL(record.depth, 0); /* each container has ended */
	while (at && strncmp(at, line, length) != 0) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return NULL;
	at += length;
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
	return value;
}

static inline const char *record_text(const char *path)
{
	const char *value = record_find(path, "text");

	if (!value)
		printf("# no text is told as '%s'\n", path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

static inline int64_t record_int(const char *path)
{
	const char *value = record_find(path, "int");

	if (!value)
		printf("# no integer is told as '%s'\n", path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value ? strtoll(value, NULL, 10) : 0;
}

static inline double record_real(const char *path)
{
	const char *value = record_find(path, "real");

	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value ? strtod(value, NULL) : 0;
}

static inline bool record_boolean(const char *path)
{
	const char *value = record_find(path, "bool");

	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value && *value == '1';
}

/* The value at @path in the report of glint_@module_report(@object). */
#define REPORTED(type, module, object, path)                                                       \
	(glint_##module##_report(object, record_begin()), record_##type(path))
#endif
