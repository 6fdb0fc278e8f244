/* SPDX-License-Identifier: MIT */
/*
 * The log on stderr, one line per message: what happened, to which device or client, and what to do
 * about it. Each source file has a topic, which is part of the line. A line is cut at 1 KiB, and
 * control characters in the message become '?'. In the journal a line has the priority of its level.
 *
 * Any thread. Between glint_log_start() and glint_log_stop() no call waits for stderr; see
 * base/log_queue.c. Before and after, a line is written at once.
 */
#ifndef GLINT_BASE_LOG_H
#define GLINT_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum glint_log_level {
	GLINT_LOG_ERROR,
	GLINT_LOG_WARN,
	GLINT_LOG_INFO,	   /* --log-level 0, the default */
	GLINT_LOG_PERF,	   /* 1 */
	GLINT_LOG_VERBOSE, /* 2 */
	GLINT_LOG_DEBUG,   /* 3 */
};

struct glint_log_topic {
	const char *name;
};

/* Messages above @level are not formatted. @color: 0, 1; -1: colours if stderr is a terminal. */
void glint_log_setup(enum glint_log_level level, int color);

/*
 * Returns the start of a line that is written without glint_log(): "<3>" for an error in the
 * journal, elsewhere "".
 */
const char *glint_log_priority(enum glint_log_level level);

/* Start the thread that writes. Errors: those of pthread_create(). */
int glint_log_start(void);

/* Write the queued lines and end the thread. At @deadline_ns, return with lines unwritten. */
void glint_log_stop(uint64_t deadline_ns);

/* Wait until all lines are written, except those held back. Async-signal-safe. */
void glint_log_flush(uint64_t deadline_ns);

/* Log "message: strerror(-err)". Returns @err, for "return glint_log_err(...)". @err < 0. */
int glint_log_err(const struct glint_log_topic *topic, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void glint_log(const struct glint_log_topic *topic, enum glint_log_level level, const char *fmt,
	       ...) __attribute__((format(printf, 3, 4)));

/*
 * Like glint_log(), for events that a client can cause at will: all lines of one call site are of
 * one kind, whatever their text, and base/log_queue.c limits their rate.
 */
void glint_log_limited(const struct glint_log_topic *topic, enum glint_log_level level,
		       const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define glint_log_error(topic, ...)   glint_log(topic, GLINT_LOG_ERROR, __VA_ARGS__)
#define glint_log_warn(topic, ...)    glint_log(topic, GLINT_LOG_WARN, __VA_ARGS__)
#define glint_log_info(topic, ...)    glint_log(topic, GLINT_LOG_INFO, __VA_ARGS__)
#define glint_log_verbose(topic, ...) glint_log(topic, GLINT_LOG_VERBOSE, __VA_ARGS__)
#define glint_log_debug(topic, ...)   glint_log(topic, GLINT_LOG_DEBUG, __VA_ARGS__)
#endif
