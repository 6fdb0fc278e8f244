/* SPDX-License-Identifier: MIT */
/* Memory of the kernel's dma-heaps, for two devices that cannot import each other's memory. */
#ifndef GLINT_MEM_HEAP_H
#define GLINT_MEM_HEAP_H

#include <stddef.h>

#include "mem/dmabuf.h"

/* The heaps to try, by index, contiguous memory first; NULL past the last. */
const char *glint_heap_name(unsigned index);

/*
 * Allocates one plane of @size bytes (rounded up to whole pages), not mapped, from @heap and
 * adds it to @buf, whose memory becomes GLINT_MEMORY_HEAP. On failure @buf is unchanged:
 * -ENOENT (no such heap), -EACCES, -ENOMEM, -EMFILE, -ENOSPC (no plane left).
 */
int glint_heap_add_plane(const char *heap, struct glint_dmabuf *buf, size_t size);
#endif
