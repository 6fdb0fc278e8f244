/* SPDX-License-Identifier: MIT */
/*
 * Memory of a display driver: DRM's "dumb buffers". On boards whose kernel has no dma-heap
 * they are the contiguous memory that a program can have.
 */
#ifndef GLINT_MEM_DUMB_H
#define GLINT_MEM_DUMB_H

#include <stddef.h>

#include "mem/dmabuf.h"

/* The display devices that are tried; NULL past the last. */
const char *glint_dumb_name(unsigned index);

/*
 * Allocates one plane of @size bytes (rounded up to 64 KiB), not mapped, from that
 * device, and adds it to @buf, whose memory becomes GLINT_MEMORY_DUMB. The device is open
 * only meanwhile, so that nobody is kept from the display. On failure @buf is as it was:
 * -ENOENT (no such device), -EACCES, -EOPNOTSUPP (a device without such buffers, or no libdrm
 * here), -ENOMEM, -EMFILE, -ENOSPC (no plane left).
 */
int glint_dumb_add_plane(const char *device, struct glint_dmabuf *buf, size_t size);
#endif
