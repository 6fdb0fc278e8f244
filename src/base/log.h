/* SPDX-License-Identifier: MIT */
/*
 * One line a message on stderr: what happened, to which device or client, and
 * what to do about it. Each file names its topic once; the line carries it. It is
 * cut at 1 KiB, and control characters in the message become '?'. In the journal
 * a line has the priority of its level.
 *
 * Any thread. Between glint_log_start() and glint_log_stop() no call waits for
 * stderr; see base/log_queue.h. Before and after, a line is written at once.
 */
#ifndef GLINT_BASE_LOG_H
#define GLINT_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum glint_log_level {
	GLINT_LOG_ERROR,
	GLINT_LOG_WARN,
	GLINT_LOG_INFO,		/* --log-level 0, the default */
	GLINT_LOG_PERF,		/* 1 */
	GLINT_LOG_VERBOSE,	/* 2 */
	GLINT_LOG_DEBUG,	/* 3 */
};

struct glint_log_topic {
	const char *name;
};

/* Messages above @level are not formatted. @color: -1 asks the terminal, else forced off or on. */
void glint_log_setup(enum glint_log_level level, int color);

/* What a line that is written without glint_log() begins with: "<3>" in the journal, else nothing. */
const char *glint_log_priority(enum glint_log_level level);

/* Starts the thread that writes. -EAGAIN, ... */
int glint_log_start(void);

/* Writes what there is, and ends the thread; at @deadline_ns what is left is left. */
void glint_log_stop(uint64_t deadline_ns);

/* Waits until all lines but those held back are written. Async-signal-safe. */
void glint_log_flush(uint64_t deadline_ns);

/* Logs "message: strerror(-err)" and returns @err, so a function can end with it. @err < 0. */
int glint_log_err(const struct glint_log_topic *topic, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void glint_log(const struct glint_log_topic *topic, enum glint_log_level level, const char *fmt,
	       ...) __attribute__((format(printf, 3, 4)));

#define glint_log_error(topic, ...)   glint_log(topic, GLINT_LOG_ERROR, __VA_ARGS__)
#define glint_log_warn(topic, ...)    glint_log(topic, GLINT_LOG_WARN, __VA_ARGS__)
#define glint_log_info(topic, ...)    glint_log(topic, GLINT_LOG_INFO, __VA_ARGS__)
#define glint_log_verbose(topic, ...) glint_log(topic, GLINT_LOG_VERBOSE, __VA_ARGS__)
#define glint_log_debug(topic, ...)   glint_log(topic, GLINT_LOG_DEBUG, __VA_ARGS__)
#endif
