/* SPDX-License-Identifier: MIT */
/* One line of the log, from its head to write(2). For log.c and log_queue.c. */
#ifndef GLINT_BASE_LOG_LINE_H
#define GLINT_BASE_LOG_LINE_H

#include <stdarg.h>
#include <stddef.h>

#include "base/log.h"

#define GLINT_LOG_LINE_MAX 1024	/* with its end: a pipe takes it whole */
#define GLINT_LOG_TEXT_MAX (GLINT_LOG_LINE_MAX - 1)

/* Without its end. @length goes beyond GLINT_LOG_TEXT_MAX while the text does not fit. */
struct glint_log_line {
	size_t length;
	char text[GLINT_LOG_LINE_MAX];
};

/* @color: -1 asks the terminal. Looks whether stderr is the journal, too. */
void glint_log_line_setup(int color);

/* Level, time and topic. */
void glint_log_line_begin(struct glint_log_line *line, const struct glint_log_topic *topic,
			  enum glint_log_level level);

/* Control characters become '?': names and paths must not forge lines or drive terminals. */
void glint_log_line_vadd(struct glint_log_line *line, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));
void glint_log_line_add(struct glint_log_line *line, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Cuts what is longer than @room, between characters, and marks it. */
void glint_log_line_cut(struct glint_log_line *line, size_t room);

/* Writes the line and its end. 0, or a negative errno when some of it is lost. */
int glint_log_line_write(struct glint_log_line *line);
#endif
