/* SPDX-License-Identifier: MIT */
#ifndef GLINT_BASE_WRITE_H
#define GLINT_BASE_WRITE_H

#include <stddef.h>

/* Write all of @bytes to a descriptor that waits. Returns 0 or a negative errno. */
int glint_write_all(int fd, const void *bytes, size_t size);
#endif
