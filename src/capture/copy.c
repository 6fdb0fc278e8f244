/* SPDX-License-Identifier: MIT */
#include "capture/copy.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "core/frame.h"
#include "jpeg/inspect.h"
#include "mem/dmabuf.h"
#include "v4l2/format.h"

#define ALIGNMENT 64u /* of each plane; SIMD code is faster on whole cache lines */

struct copy {
	struct glint_frame frame;
	struct glint_dmabuf buf;
	struct glint_format format;
	struct glint_jpeg_info jpeg;
	uint8_t *bytes;
};

/* Bytes behind the frame's data are not copied. */
static size_t plane_bytes(const struct glint_frame *frame, unsigned plane)
{
	const struct glint_plane *memory = &frame->buf->planes[plane];
	size_t there = memory->size - MIN(memory->offset, memory->size);
	size_t wanted = frame->format->size[plane];

	if (frame->format->info->layout == GLINT_LAYOUT_JPEG)
		wanted = plane == 0 ? frame->used : 0;
	return MIN(there, wanted);
}

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t glint_frame_copy_size(const struct glint_frame *frame)
{
	size_t size = 0;

	for (unsigned i = 0; i < frame->buf->n_planes; i++)
		size += aligned(plane_bytes(frame, i));
	return size;
}

static void copy_release(struct glint_frame *frame)
{
	struct copy *copy = container_of(frame, struct copy, frame);

	free(copy->bytes);
	free(copy);
}

int glint_frame_copy_begin(struct glint_frame *src, struct glint_frame **out)
{
	static const struct glint_frame_ops ops = { .release = copy_release };
	int err = glint_dmabuf_map(src->buf);
	struct copy *copy;
	uint8_t *at;

	if (err < 0)
		return err;
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	copy->bytes = aligned_alloc(ALIGNMENT, MAX(glint_frame_copy_size(src), (size_t)ALIGNMENT));
	if (!copy->bytes) {
		free(copy);
		return -ENOMEM;
	}
	glint_dmabuf_init(&copy->buf);
	copy->buf.n_planes = src->buf->n_planes;
	at = copy->bytes;
	for (unsigned i = 0; i < src->buf->n_planes; i++) {
		size_t size = plane_bytes(src, i);

		copy->buf.planes[i] = (struct glint_plane){ .fd = -1, .map = at, .size = size };
		at += aligned(size);
	}
	copy->format = *src->format;
	if (src->jpeg)
		copy->jpeg = *src->jpeg;
	copy->frame = (struct glint_frame){
		.ops = &ops,
		.buf = &copy->buf,
		.format = &copy->format,
		.jpeg = src->jpeg ? &copy->jpeg : NULL,
		.n_slots = 1,
	};
	glint_frame_begin(&copy->frame, src->info.seq);
	copy->frame.info = src->info;
	copy->frame.used = src->used;
	*out = &copy->frame;
	return 0;
}

int glint_frame_copy_run(struct glint_frame *copy, const struct glint_frame *src)
{
	int err = glint_dmabuf_begin_read(src->buf);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < copy->buf->n_planes; i++)
		memcpy(copy->buf->planes[i].map,
		       src->buf->planes[i].map + src->buf->planes[i].offset,
		       copy->buf->planes[i].size);
	return glint_dmabuf_end_read(src->buf);
}
