/* SPDX-License-Identifier: MIT */
/*
 * One memory-to-memory JPEG encoder: raw frames go in at its OUTPUT queue ("raw"
 * here), JPEGs come out at its CAPTURE queue. Thin like vdev.h: an ioctl or the few
 * that belong together, every answer checked. Any call may block in the kernel for
 * as long as a driver likes, qbuf and dqbuf included, so all of them are for the
 * encoder's own thread. It logs nothing.
 *
 * All return 0 or more, or the driver's errno, or one of ours where it says so.
 */
#ifndef GLINT_V4L2_M2M_H
#define GLINT_V4L2_M2M_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/dmabuf.h"
#include "v4l2/access.h"
#include "v4l2/format.h"

#define GLINT_M2M_BUFFERS_MAX 32
#define GLINT_M2M_FORMATS_MAX 48

enum glint_m2m_side { GLINT_M2M_RAW, GLINT_M2M_JPEG };

struct glint_m2m {
	struct glint_v4l2_access *access;	/* borrowed */
	int fd;					/* -1: closed */
	bool mplane;				/* the multi-planar API */
	char driver[17], card[33], bus[33];
	uint32_t jpeg_fourcc;			/* that it makes: JPEG, or MJPEG */
	uint32_t width, height;			/* of the picture; raw has the coded size */
	struct glint_format raw;		/* as the encoder sees it */
	uint32_t jpeg_size;			/* bytes that it wants for a JPEG */
	bool imports;				/* raw frames are DMABUFs of others */
	unsigned n[2];				/* buffers of each side */
};

/* The range of a control; min == max == 0 where there is none. */
struct glint_m2m_range {
	int32_t min, max, step, initial;
};

/* What was dequeued. Only the index is checked: the map's size is the caller's to know. */
struct glint_m2m_done {
	unsigned index;		/* < n[side] */
	uint64_t stamp;		/* the job's, as it was queued, where the driver copies it */
	uint32_t used;		/* bytes of the JPEG, as the driver says */
	bool error;		/* V4L2_BUF_FLAG_ERROR */
};

/* Closed, with nothing known. */
void glint_m2m_init(struct glint_m2m *m2m);

/* -ENOTTY: no M2M device; -EMEDIUMTYPE: one that makes no JPEGs. Both with its names, if it has any. */
int glint_m2m_open(struct glint_m2m *m2m, struct glint_v4l2_access *access, const char *path);

/* Fine when closed. The driver forgets all buffers; mappings and descriptors stay valid. */
void glint_m2m_close(struct glint_m2m *m2m);

static inline int glint_m2m_ioctl(const struct glint_m2m *m2m, unsigned long request, void *arg)
{
	return m2m->access->ops->ioctl(m2m->access, m2m->fd, request, arg);
}

/* enum v4l2_buf_type of one of its queues. */
uint32_t glint_m2m_type(const struct glint_m2m *m2m, enum glint_m2m_side side);

/* The raw formats that it takes and we know, in its order. Returns how many. */
unsigned glint_m2m_formats(const struct glint_m2m *m2m,
			   uint32_t fourccs[static GLINT_M2M_FORMATS_MAX]);

/*
 * What the encoder would make of frames like @wish: its coded size, strides and sizes,
 * in @got. -EMEDIUMTYPE: it does not take the format; -ERANGE: nor the size.
 */
int glint_m2m_try(const struct glint_m2m *m2m, const struct glint_format *wish,
		  struct glint_format *got);

/*
 * Why frames laid out as @have cannot be read as the encoder has them, or NULL when
 * they can: its stride is another, or it looks for chroma elsewhere. Buffers that are
 * only too short are no reason: they can be allocated larger. Pure.
 */
const char *glint_m2m_layout_differs(const struct glint_format *have,
				     const struct glint_format *raw);

/* Sets both formats and the visible part. The same errors as try. No buffers are allocated. */
int glint_m2m_set_formats(struct glint_m2m *m2m, const struct glint_format *wish);

/* 0, or -ENOTTY where the encoder has no such control. */
int glint_m2m_quality_range(const struct glint_m2m *m2m, struct glint_m2m_range *range);
int glint_m2m_set_quality(const struct glint_m2m *m2m, int32_t value);

/* 4:2:0 in the JPEG, or as the source has it; and no restart markers. Encoders without that are fine. */
void glint_m2m_set_chroma(const struct glint_m2m *m2m, bool half_height);

/* Whether it takes DMABUFs at all. Before anything is allocated. */
bool glint_m2m_imports(const struct glint_m2m *m2m);

/*
 * Allocates about @count buffers; of the raw side they are places for DMABUFs with
 * @import, else memory of the driver. Returns how many. -EINVAL: it cannot import.
 */
int glint_m2m_alloc(struct glint_m2m *m2m, enum glint_m2m_side side, unsigned count, bool import);
int glint_m2m_free(struct glint_m2m *m2m, enum glint_m2m_side side);

/* Maps buffer @index of the driver's memory into @buf, or with @export makes descriptors for it. */
int glint_m2m_map(const struct glint_m2m *m2m, enum glint_m2m_side side, unsigned index,
		  struct glint_dmabuf *buf);
int glint_m2m_export(const struct glint_m2m *m2m, enum glint_m2m_side side, unsigned index,
		     struct glint_dmabuf *buf);

/* Attaches @buf to place @index without encoding it: -EFAULT and others when it cannot be read. */
int glint_m2m_attach(const struct glint_m2m *m2m, unsigned index, const struct glint_dmabuf *buf);

/*
 * A raw frame, with @stamp to know it by. @buf: what is imported into that place, always
 * the same; or NULL, when the memory is the driver's. -EINVAL: its data begin at an offset
 * that the single-planar API cannot tell.
 */
int glint_m2m_queue_raw(const struct glint_m2m *m2m, unsigned index, const struct glint_dmabuf *buf,
			uint64_t stamp);
int glint_m2m_queue_jpeg(const struct glint_m2m *m2m, unsigned index);

/* -EAGAIN: none is ready. -EPROTO: the driver names a buffer that there is not. */
int glint_m2m_dequeue(const struct glint_m2m *m2m, enum glint_m2m_side side,
		      struct glint_m2m_done *done);

int glint_m2m_stream(const struct glint_m2m *m2m, enum glint_m2m_side side, bool on);
#endif
