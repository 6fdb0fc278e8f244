/* SPDX-License-Identifier: MIT */
/* One line of the log, and its way to write(2). Private to log.c, log_line.c and log_queue.c. */
#ifndef GLINT_BASE_LOG_LINE_H
#define GLINT_BASE_LOG_LINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"

#define GLINT_LOG_LINE_MAX 1024 /* with the newline; below PIPE_BUF, so a pipe takes it whole */
#define GLINT_LOG_TEXT_MAX (GLINT_LOG_LINE_MAX - 1)

/* Without the newline. @length is above GLINT_LOG_TEXT_MAX if the text does not fit. */
struct glint_log_line {
	const void *site; /* lines of one site are of one kind; NULL: the kind follows from @text */
	size_t length;
	char text[GLINT_LOG_LINE_MAX];
};

/* Set the use of colours and of priorities. @color: as for glint_log_setup(). */
void glint_log_line_setup(int color);

/* Begin @line with level, time and topic. */
void glint_log_line_begin(struct glint_log_line *line, const struct glint_log_topic *topic,
			  enum glint_log_level level);

/* Control characters become '?', so that names and paths cannot forge lines or drive terminals. */
void glint_log_line_vadd(struct glint_log_line *line, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));
void glint_log_line_add(struct glint_log_line *line, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Cut a text of more than @size bytes between two characters, and mark the cut. */
void glint_log_line_cut(struct glint_log_line *line, size_t size);

/* Write the line and a newline. Returns a negative errno if any of it is lost. */
int glint_log_line_write(struct glint_log_line *line);

/*
 * Queue a line that has been cut to GLINT_LOG_TEXT_MAX. Returns false if no thread runs: the caller
 * writes the line. @limit: hold the line back if its kind comes too often. Any thread.
 */
bool glint_log_queue_put(struct glint_log_line *line, bool limit);
#endif
