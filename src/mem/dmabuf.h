/* SPDX-License-Identifier: MIT */
/*
 * The memory of one video buffer: up to four planes, each with a file descriptor that other
 * devices can import and, where the CPU reads it, a map. A dmabuf belongs to its slot for
 * the slot's whole life.
 */
#ifndef GLINT_MEM_DMABUF_H
#define GLINT_MEM_DMABUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_DMABUF_PLANES 4

enum glint_memory {
	GLINT_MEMORY_NONE,
	GLINT_MEMORY_V4L2, /* the driver's own (V4L2_MEMORY_MMAP), exported with VIDIOC_EXPBUF */
	GLINT_MEMORY_V4L2_NOEXP, /* the same, but the driver cannot export: no fds */
	GLINT_MEMORY_ENCODER,	 /* of the M2M encoder, imported by the capture device */
	GLINT_MEMORY_HEAP,	 /* of a dma-heap */
	GLINT_MEMORY_DUMB,	 /* of a display driver */
	GLINT_MEMORY_UDMABUF,	 /* a memfd wrapped by /dev/udmabuf */
	GLINT_MEMORY_MEMFD,	 /* a memfd; /dev/udmabuf is missing, or may not be opened */
	GLINT_MEMORY_USERPTR,	 /* a memfd that devices get by its address: no fds */
};

struct glint_plane {
	int fd; /* dma-buf (memfd for GLINT_MEMORY_MEMFD), or -1 */
	/*
	 * Readable and writable, because io_uring cannot register read-only maps. NULL until
	 * glint_dmabuf_map(): memory that only devices read is never mapped.
	 */
	uint8_t *map;
	size_t size; /* bytes, as allocated */
	/*
	 * Start of the present frame's data (V4L2's data_offset): 0 except for raw frames of a few
	 * drivers. The producer sets it for each frame. The holder of the frame may read it; while
	 * the driver has the buffer, only the producer's thread may.
	 */
	uint32_t offset;
};

struct glint_dmabuf {
	enum glint_memory memory;
	unsigned n_planes;
	struct glint_plane planes[GLINT_DMABUF_PLANES];
};

/* Returns the name in /state: "v4l2", "udmabuf", "memfd" and so on. */
const char *glint_memory_name(enum glint_memory memory);

/* Make an empty buffer without planes. */
void glint_dmabuf_init(struct glint_dmabuf *buf);

/* Unmap and close all planes; @buf is empty again. */
void glint_dmabuf_fini(struct glint_dmabuf *buf);

/*
 * Map the planes that are not mapped yet, for the CPU to read; the maps stay. Loop thread,
 * or the buffer's only user. -EFAULT: a plane has neither map nor descriptor.
 */
int glint_dmabuf_map(struct glint_dmabuf *buf);

/* Unmap the planes that a descriptor can map again. */
void glint_dmabuf_unmap(struct glint_dmabuf *buf);

/*
 * Bracket CPU reads (DMA_BUF_IOCTL_SYNC). Needed for memory that the capture imports; for
 * V4L2's own buffers both do nothing, because QBUF and DQBUF keep those coherent
 * (videobuf2-core.c). Any thread. Return the ioctl's negative errno.
 */
int glint_dmabuf_begin_read(const struct glint_dmabuf *buf);
int glint_dmabuf_end_read(const struct glint_dmabuf *buf);
#endif
