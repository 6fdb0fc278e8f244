/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

#include "base/log_line.h"

static atomic_int max_level = GLINT_LOG_INFO;

void glint_log_setup(enum glint_log_level level, int color)
{
	atomic_store(&max_level, (int)level);
	glint_log_line_setup(color);
}

/* Queue the line. Above the level info each line is wanted, so the rate is not limited. */
static void line_finish(struct glint_log_line *line, enum glint_log_level level)
{
	glint_log_line_cut(line, GLINT_LOG_TEXT_MAX);
	if (!glint_log_queue_put(line, level <= GLINT_LOG_INFO))
		(void)glint_log_line_write(line); /* a failure cannot be reported anywhere */
}

/* @site: as in struct glint_log_line. */
__attribute__((format(printf, 4, 0))) static void log_line(const struct glint_log_topic *topic,
							   enum glint_log_level level,
							   const void *site, const char *fmt,
							   va_list args)
{
	int saved_errno = errno;
	struct glint_log_line line;

	assert(level <= GLINT_LOG_DEBUG);
	if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
		return;

	glint_log_line_begin(&line, topic, level);
	line.site = site;
	glint_log_line_vadd(&line, fmt, args);
	line_finish(&line, level);
	errno = saved_errno;
}

void glint_log(const struct glint_log_topic *topic, enum glint_log_level level, const char *fmt,
	       ...)
{
	va_list args;

	va_start(args, fmt);
	log_line(topic, level, NULL, fmt, args);
	va_end(args);
}

void glint_log_limited(const struct glint_log_topic *topic, enum glint_log_level level,
		       const char *fmt, ...)
{
	va_list args;

	/* The address of the format stands for the call site. */
	va_start(args, fmt);
	log_line(topic, level, fmt, fmt, args);
	va_end(args);
}

int glint_log_err(const struct glint_log_topic *topic, int err, const char *fmt, ...)
{
	int saved_errno = errno;
	struct glint_log_line line;
	va_list args;

	assert(err < 0);

	glint_log_line_begin(&line, topic, GLINT_LOG_ERROR);
	va_start(args, fmt);
	glint_log_line_vadd(&line, fmt, args);
	va_end(args);
	errno = -err; /* for %m; strerror() is not thread-safe */
	glint_log_line_add(&line, ": %m");
	line_finish(&line, GLINT_LOG_ERROR);
	errno = saved_errno;
	return err;
}
