/* SPDX-License-Identifier: MIT */
/* Read files whole, and write files atomically. */
#ifndef GLINT_TOOLS_FILE_H
#define GLINT_TOOLS_FILE_H

#include <stddef.h>
#include <stdint.h>

#define TOOL_FILE_MAX (512u << 20) /* bytes of a file that is read */

/*
 * Read the file at @path; *@bytes is the caller's to free(), also after a failure. -EFBIG: more than
 * TOOL_FILE_MAX bytes; else a negative errno.
 */
int tool_file_read(const char *path, uint8_t **bytes, size_t *size);

/*
 * Write @data to a new file beside @path, which then replace @path. If @path is no regular
 * file (a pipe, /dev/null), writes to it directly; "-" is stdout.
 */
int tool_file_write(const char *path, const void *data, size_t len);
#endif
