/* SPDX-License-Identifier: MIT */
/*
 * Memory for two devices that cannot import each other's memory: of the kernel's dma-heaps (heap.c),
 * or of a display driver (dumb.c).
 */
#ifndef GLINT_MEM_HEAP_H
#define GLINT_MEM_HEAP_H

#include <stddef.h>

#include "mem/dmabuf.h"

/* Returns the path of a heap to try, by index, contiguous memory first; NULL past the last. */
const char *glint_heap_path(unsigned index);

/*
 * Allocate one plane of @size bytes (rounded up to whole pages), not mapped, from the open
 * @heap and add it to @buf, whose memory becomes GLINT_MEMORY_HEAP. On failure @buf is
 * unchanged: -ENOTTY (not a heap), -ENOMEM, -EMFILE, -ENOSPC (no plane left).
 */
int glint_heap_add_plane(int heap, struct glint_dmabuf *buf, size_t size);

/* Returns the path of a display device to try, by index; NULL past the last. */
const char *glint_dumb_path(unsigned index);

/*
 * Allocate one plane of @size bytes (rounded up to 64 KiB), not mapped, from the open display
 * device @card and add it to @buf, whose memory becomes GLINT_MEMORY_DUMB. The plane stays when
 * @card is closed; close it soon, so that other programs can use the display. After a failure @buf
 * is unchanged: -EOPNOTSUPP (a device without such buffers, or libdrm is missing), -ENOMEM, -EMFILE,
 * -ENOSPC (no plane left).
 */
int glint_dumb_add_plane(int card, struct glint_dmabuf *buf, size_t size);
#endif
