/* SPDX-License-Identifier: MIT */
/*
 * Memory of this process: a sealed memfd, wrapped into a dma-buf by /dev/udmabuf where the kernel
 * has it and permits it (drivers/dma-buf/udmabuf.c).
 *
 * Linux 6.12 maps such memory for a driver that writes by the CPU as if each folio had one page: of
 * a frame on huge pages all but one page in each folio stay as they were, and no call fails. So the
 * memory has ordinary pages, and glint_udmabuf_mark() and glint_udmabuf_is_marked() show whether a
 * driver has filled it.
 */
#ifndef GLINT_MEM_UDMABUF_H
#define GLINT_MEM_UDMABUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem/dmabuf.h"

/*
 * Allocate one plane of @size bytes (rounded up to whole pages), mapped and zeroed, and
 * add it to @buf, whose memory becomes GLINT_MEMORY_UDMABUF, or GLINT_MEMORY_MEMFD where
 * udmabuf is missing or refused. On failure @buf is unchanged: -ENOMEM, -EMFILE, -ENOSPC (no
 * plane left).
 */
int glint_udmabuf_add_plane(struct glint_dmabuf *buf, size_t size);

#define GLINT_UDMABUF_PATH "/dev/udmabuf"

/* Like glint_udmabuf_add_plane(), with GLINT_UDMABUF_PATH opened as @device; -1: it is missing. */
int glint_udmabuf_add_plane_from(int device, struct glint_dmabuf *buf, size_t size);

/*
 * Create a memfd of @size bytes, whole pages, that udmabuf takes: one that cannot shrink. Returns
 * its descriptor; -ENOMEM, -EMFILE.
 */
int glint_udmabuf_memfd(const char *name, uint64_t size);

/* Map all of a memfd, with ordinary pages. NULL: there is no memory. */
uint8_t *glint_udmabuf_map(int memfd, uint64_t size);

/* Make a DMABUF of a part of a memfd, in whole pages. Returns its descriptor, or the errno. */
int glint_udmabuf_wrap(int device, int memfd, uint64_t offset, uint64_t size);

/* Write a mark into each page of @size mapped bytes, before a device fills them. */
void glint_udmabuf_mark(uint8_t *map, size_t size);

/* Returns whether most pages of @size bytes still have their marks: the device has not filled them. */
bool glint_udmabuf_is_marked(const uint8_t *map, size_t size);
#endif
