/* SPDX-License-Identifier: MIT */
/*
 * A line reads "-- ERROR [12.345 capture] message": level, seconds on CLOCK_MONOTONIC, which is also
 * the clock of all times that clients get, and topic.
 */
#include "base/log_line.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026 */

/* The priorities are syslog's, as the journal expects them: sd-daemon(3). */
static const struct {
	const char *name, *color, *priority;
} levels[] = {
	[GLINT_LOG_ERROR] = { "ERROR", "\x1b[31m", "<3>" },   /* red */
	[GLINT_LOG_WARN] = { "WARN ", "\x1b[33m", "<4>" },    /* yellow */
	[GLINT_LOG_INFO] = { "INFO ", "\x1b[32m", "<6>" },    /* green */
	[GLINT_LOG_PERF] = { "PERF ", "\x1b[36m", "<6>" },    /* cyan */
	[GLINT_LOG_VERBOSE] = { "VERB ", "\x1b[34m", "<7>" }, /* blue */
	[GLINT_LOG_DEBUG] = { "DEBUG", "\x1b[90m", "<7>" },   /* grey */
};

static atomic_bool use_color, use_priority;

/* stderr may have been redirected after systemd has set the variable, so compare the file. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void glint_log_line_setup(int color)
{
	const char *term = getenv("TERM");
	bool is_color_terminal = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);

	atomic_store(&use_color, color < 0 ? is_color_terminal : color);
	atomic_store(&use_priority, stderr_is_journal());
}

const char *glint_log_priority(enum glint_log_level level)
{
	return atomic_load_explicit(&use_priority, memory_order_relaxed) ? levels[level].priority :
									   "";
}

void glint_log_line_vadd(struct glint_log_line *line, const char *fmt, va_list args)
{
	size_t from = line->length;
	int length;

	if (from >= GLINT_LOG_TEXT_MAX)
		return;
	length = vsnprintf(line->text + from, GLINT_LOG_TEXT_MAX + 1 - from, fmt, args);
	if (length > 0)
		line->length += (size_t)length;
	for (char *c = line->text + from; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

void glint_log_line_add(struct glint_log_line *line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	glint_log_line_vadd(line, fmt, args);
	va_end(args);
}

void glint_log_line_begin(struct glint_log_line *line, const struct glint_log_topic *topic,
			  enum glint_log_level level)
{
	uint64_t ms = glint_now_ns() / GLINT_NSEC_PER_MSEC;
	bool color = atomic_load_explicit(&use_color, memory_order_relaxed);

	line->site = NULL;
	line->length = (size_t)snprintf(line->text, sizeof(line->text),
					"%s-- %s%s%s [%llu.%03u %s] ", glint_log_priority(level),
					color ? levels[level].color : "", levels[level].name,
					color ? "\x1b[0m" : "", (unsigned long long)(ms / 1000),
					(unsigned)(ms % 1000), topic->name);
}

void glint_log_line_cut(struct glint_log_line *line, size_t size)
{
	size_t length = size - strlen(ELLIPSIS);

	assert(size > strlen(ELLIPSIS) && size <= GLINT_LOG_TEXT_MAX);

	if (line->length <= size)
		return;
	while (length > 0 && ((unsigned char)line->text[length] & 0xc0) == 0x80)
		length--;
	memcpy(line->text + length, ELLIPSIS, strlen(ELLIPSIS));
	line->length = length + strlen(ELLIPSIS);
}

/* Usually one write(2), so that the lines of several processes do not mix. */
int glint_log_line_write(struct glint_log_line *line)
{
	struct pollfd pollfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	const char *text = line->text;
	size_t left = line->length + 1;
	ssize_t n;

	assert(line->length <= GLINT_LOG_TEXT_MAX);

	line->text[line->length] = '\n';
	while (left > 0) {
		n = write(STDERR_FILENO, text, left);
		if (n >= 0) {
			text += n;
			left -= (size_t)n;
		} else if (errno == EAGAIN) { /* another process has made stderr non-blocking */
			if (poll(&pollfd, 1, -1) < 0 && errno != EINTR)
				return -errno;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}
