/* SPDX-License-Identifier: MIT */
/*
 * The lines on their way to stderr. A thread of its own writes them, for stderr
 * may be a pipe that nobody reads, a terminal after ^S, a file on a slow disk, or
 * the journal. O_NONBLOCK would not do: it belongs to the open file description
 * and would change the terminal or pipe for all processes that share it; and on a
 * file it has no effect.
 *
 * The queue is bounded. A line that finds it full is lost, and counted: the count
 * stands in the log where the lines would.
 *
 * Lines of one kind that come more often than once a second are held back. The
 * last of them appears when the second is over, with its own time, and says how
 * many were left out; lines that were held back keep their order. A kind is level,
 * topic and message, but for the numbers in it.
 */
#ifndef GLINT_BASE_LOG_QUEUE_H
#define GLINT_BASE_LOG_QUEUE_H

#include <stdbool.h>

#include "base/log_line.h"

/*
 * Takes a line that fits. False when no thread runs: then the caller writes it.
 * @limit: hold it back when its kind comes too often. Any thread.
 */
bool glint_log_queue_put(struct glint_log_line *line, bool limit);
#endif
