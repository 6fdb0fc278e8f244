/* SPDX-License-Identifier: MIT */
/*
 * A line reads "-- ERROR [12.345 capture] message": level, seconds on the
 * monotonic clock (the one of all stamps that clients see), topic.
 */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define LINE_MAX_BYTES 1024	/* with the line's end: one that a pipe takes whole, too */
#define ELLIPSIS "\xe2\x80\xa6"	/* U+2026 */

static const struct {
	const char *name, *color;
} levels[] = {
	[GLINT_LOG_ERROR] = { "ERROR", "\x1b[31m" },	/* red */
	[GLINT_LOG_WARN] = { "WARN ", "\x1b[33m" },	/* yellow */
	[GLINT_LOG_INFO] = { "INFO ", "\x1b[32m" },	/* green */
	[GLINT_LOG_PERF] = { "PERF ", "\x1b[36m" },	/* cyan */
	[GLINT_LOG_VERBOSE] = { "VERB ", "\x1b[34m" },	/* blue */
	[GLINT_LOG_DEBUG] = { "DEBUG", "\x1b[90m" },	/* grey */
};

static atomic_int max_level = GLINT_LOG_INFO;
static atomic_int use_color = 0;

/* What is written so far; @length goes beyond the room when the text did not fit. */
struct line {
	char text[LINE_MAX_BYTES];
	size_t length;
};

#define LINE_ROOM (LINE_MAX_BYTES - strlen("\n"))

void glint_log_setup(enum glint_log_level level, int color)
{
	atomic_store(&max_level, (int)level);
	atomic_store(&use_color, color < 0 ? isatty(STDERR_FILENO) : color);
}

static void __attribute__((format(printf, 2, 0)))
line_vadd(struct line *line, const char *fmt, va_list args)
{
	int length;

	if (line->length >= LINE_ROOM)
		return;
	length = vsnprintf(line->text + line->length, LINE_ROOM + 1 - line->length, fmt, args);
	if (length > 0)
		line->length += (size_t)length;
}

static void __attribute__((format(printf, 2, 3))) line_add(struct line *line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_vadd(line, fmt, args);
	va_end(args);
}

static void line_begin(struct line *line, const struct glint_log_topic *topic,
		       enum glint_log_level level)
{
	uint64_t ms = glint_now_ns() / GLINT_NSEC_PER_MSEC;
	bool color = atomic_load_explicit(&use_color, memory_order_relaxed);

	line->length = 0;
	line_add(line, "-- %s%s%s [%llu.%03u %s] ", color ? levels[level].color : "",
		 levels[level].name, color ? "\x1b[0m" : "", (unsigned long long)(ms / 1000),
		 (unsigned)(ms % 1000), topic->name);
}

/* Names and paths come from clients and drivers: they must not forge lines or drive terminals. */
static void line_disarm(struct line *line, size_t from)
{
	for (size_t i = from; i < MIN(line->length, LINE_ROOM); i++)
		if ((unsigned char)line->text[i] < ' ' || line->text[i] == 0x7f)
			line->text[i] = '?';
}

/* Marks a line that was cut, not within a character. */
static void line_cut(struct line *line)
{
	size_t length = LINE_ROOM - strlen(ELLIPSIS);

	while (length > 0 && ((unsigned char)line->text[length] & 0xc0) == 0x80)
		length--;
	memcpy(line->text + length, ELLIPSIS, strlen(ELLIPSIS));
	line->length = length + strlen(ELLIPSIS);
}

static void line_write(struct line *line)
{
	ssize_t ignored;

	if (line->length > LINE_ROOM)
		line_cut(line);
	line->text[line->length++] = '\n';

	/* Nowhere to complain to when this fails. */
	do {
		ignored = write(STDERR_FILENO, line->text, line->length);
	} while (ignored < 0 && errno == EINTR);
}

static bool level_is_shown(enum glint_log_level level)
{
	return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

void glint_log(const struct glint_log_topic *topic, enum glint_log_level level, const char *fmt,
	       ...)
{
	int saved_errno = errno;
	struct line line;
	size_t message;
	va_list args;

	assert(level < ARRAY_SIZE(levels));
	if (!level_is_shown(level))
		return;

	line_begin(&line, topic, level);
	message = line.length;
	va_start(args, fmt);
	line_vadd(&line, fmt, args);
	va_end(args);
	line_disarm(&line, message);
	line_write(&line);
	errno = saved_errno;
}

int glint_log_err(const struct glint_log_topic *topic, int err, const char *fmt, ...)
{
	int saved_errno = errno;
	struct line line;
	size_t message;
	va_list args;

	assert(err < 0);

	line_begin(&line, topic, GLINT_LOG_ERROR);
	message = line.length;
	va_start(args, fmt);
	line_vadd(&line, fmt, args);
	va_end(args);
	errno = -err;	/* for %m: strerror() is not for threads */
	line_add(&line, ": %m");
	line_disarm(&line, message);
	line_write(&line);
	errno = saved_errno;
	return err;
}
