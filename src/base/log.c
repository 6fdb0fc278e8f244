/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

#include "base/log_line.h"
#include "base/log_queue.h"

static atomic_int max_level = GLINT_LOG_INFO;

void glint_log_setup(enum glint_log_level level, int color)
{
	atomic_store(&max_level, (int)level);
	glint_log_line_setup(color);
}

/* Who raises the level wants to see each line; without a thread there is nowhere else to go. */
static void line_finish(struct glint_log_line *line, enum glint_log_level level)
{
	glint_log_line_cut(line, GLINT_LOG_TEXT_MAX);
	if (!glint_log_queue_put(line, level <= GLINT_LOG_INFO))
		(void)glint_log_line_write(line);	/* nowhere to complain to when this fails */
}

static bool level_is_shown(enum glint_log_level level)
{
	return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

void glint_log(const struct glint_log_topic *topic, enum glint_log_level level, const char *fmt,
	       ...)
{
	int saved_errno = errno;
	struct glint_log_line line;
	va_list args;

	assert(level <= GLINT_LOG_DEBUG);
	if (!level_is_shown(level))
		return;

	glint_log_line_begin(&line, topic, level);
	va_start(args, fmt);
	glint_log_line_vadd(&line, fmt, args);
	va_end(args);
	line_finish(&line, level);
	errno = saved_errno;
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
	errno = -err;	/* for %m: strerror() is not for threads */
	glint_log_line_add(&line, ": %m");
	line_finish(&line, GLINT_LOG_ERROR);
	errno = saved_errno;
	return err;
}
