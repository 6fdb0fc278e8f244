/* SPDX-License-Identifier: MIT */
/*
 * Memory of our own: a sealed memfd, wrapped into a dma-buf by /dev/udmabuf where the kernel
 * has it and permits it (drivers/dma-buf/udmabuf.c).
 */
#ifndef GLINT_MEM_UDMABUF_H
#define GLINT_MEM_UDMABUF_H

#include <stddef.h>

#include "mem/dmabuf.h"

/*
 * Allocates one plane of @size bytes (rounded up to whole pages), mapped and zeroed, and
 * adds it to @buf, whose memory becomes GLINT_MEMORY_UDMABUF, or GLINT_MEMORY_MEMFD where
 * udmabuf is missing or refused. On failure @buf is unchanged: -ENOMEM, -EMFILE, -ENOSPC (no
 * plane left).
 */
int glint_udmabuf_add_plane(struct glint_dmabuf *buf, size_t size);
#endif
