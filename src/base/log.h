/* SPDX-License-Identifier: MIT */
/*
 * One line a message on stderr: what happened, to which device or client, and
 * what to do about it. Each file names its topic once; the line carries it.
 * Any thread; a line is written with one write(2), so lines never mix. It is cut
 * at 1 KiB, and control characters in the message become '?'.
 */
#ifndef GLINT_BASE_LOG_H
#define GLINT_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

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
