/* SPDX-License-Identifier: MIT */
/* Files that are whole or not there at all. */
#ifndef GLINT_TOOLS_FILE_H
#define GLINT_TOOLS_FILE_H

#include <stddef.h>

/*
 * Puts @data at @path: into a new file beside it, which then takes its place. What is
 * no ordinary file (a pipe, /dev/null) is written to as it is; "-" is stdout.
 */
int tool_file_write(const char *path, const void *data, size_t len);
#endif
