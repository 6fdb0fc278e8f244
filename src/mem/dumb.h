/* SPDX-License-Identifier: MIT */
/*
 * Memory of a display driver: DRM's "dumb buffers". On boards whose kernel has no dma-heap
 * they are the only contiguous memory that a program can allocate.
 */
#ifndef GLINT_MEM_DUMB_H
#define GLINT_MEM_DUMB_H

#include <stddef.h>

#include "mem/dmabuf.h"

/* The display devices to try, by index; NULL past the last. */
const char *glint_dumb_name(unsigned index);

/*
 * Allocates one plane of @size bytes (rounded up to 64 KiB), not mapped, from @device and
 * adds it to @buf, whose memory becomes GLINT_MEMORY_DUMB. The device is closed before the
 * function returns, so that the display stays free for other programs. On failure @buf is
 * unchanged: -ENOENT (no such device), -EACCES, -EOPNOTSUPP (a device without such buffers,
 * or libdrm is missing), -ENOMEM, -EMFILE, -ENOSPC (no plane left).
 */
int glint_dumb_add_plane(const char *device, struct glint_dmabuf *buf, size_t size);
#endif
