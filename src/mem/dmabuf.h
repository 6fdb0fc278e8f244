/* SPDX-License-Identifier: MIT */
/*
 * Memory of one video buffer: up to four planes, each a file descriptor that
 * other devices can import and, where the CPU reads it, a mapping. A dmabuf
 * belongs to its slot for the slot's whole life.
 */
#ifndef GLINT_MEM_DMABUF_H
#define GLINT_MEM_DMABUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_DMABUF_PLANES 4

enum glint_memory {
	GLINT_MEMORY_NONE,
	GLINT_MEMORY_V4L2,	/* the driver's own (V4L2_MEMORY_MMAP), exported with VIDIOC_EXPBUF */
	GLINT_MEMORY_V4L2_NOEXP,/* the same, but the driver cannot export: no fds */
	GLINT_MEMORY_ENCODER,	/* exported by the M2M encoder, imported by both */
	GLINT_MEMORY_HEAP,	/* a dma-heap's */
	GLINT_MEMORY_DUMB,	/* a display driver's */
	GLINT_MEMORY_UDMABUF,	/* our memfd wrapped by /dev/udmabuf */
	GLINT_MEMORY_MEMFD,	/* our memfd; the kernel has no udmabuf, or refuses it to us */
};

struct glint_plane {
	int fd;			/* dma-buf (memfd for GLINT_MEMORY_MEMFD), or -1 */
	/*
	 * Read and write (io_uring cannot register read-only maps). NULL until
	 * glint_dmabuf_map(): what only other devices read is never mapped.
	 */
	uint8_t *map;
	size_t size;		/* bytes, as allocated */
	/*
	 * Where the present frame's data begin (V4L2's data_offset): the producer sets it
	 * for each frame, and it is 0 but for raw frames of a few drivers.
	 */
	uint32_t offset;
};

struct glint_dmabuf {
	enum glint_memory memory;
	unsigned n_planes;
	struct glint_plane planes[GLINT_DMABUF_PLANES];
};

/* "v4l2", "udmabuf", "memfd", as /state shows it. */
const char *glint_memory_name(enum glint_memory memory);

/* All planes absent. */
void glint_dmabuf_init(struct glint_dmabuf *buf);

/* Unmaps and closes whatever there is; init'ed again afterwards. */
void glint_dmabuf_fini(struct glint_dmabuf *buf);

/*
 * Maps what is not mapped yet, for the CPU to read; it stays so. Loop thread, or whoever
 * has the buffer to himself. -EFAULT: a plane has no descriptor to be mapped by.
 */
int glint_dmabuf_map(struct glint_dmabuf *buf);

/* Undoes that, where there is a descriptor to map it by again. */
void glint_dmabuf_unmap(struct glint_dmabuf *buf);

/*
 * Brackets CPU reads (DMA_BUF_IOCTL_SYNC). Needed for memory that the capture imports; the
 * V4L2 core keeps its own buffers coherent in QBUF and DQBUF, so there it does
 * nothing (videobuf2-core.c). Any thread. Negative errno from the ioctl.
 */
int glint_dmabuf_begin_read(const struct glint_dmabuf *buf);
int glint_dmabuf_end_read(const struct glint_dmabuf *buf);
#endif
