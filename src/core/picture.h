/* SPDX-License-Identifier: MIT */
/*
 * A picture is a frame that holds one complete JPEG, as a vector of parts that
 * are sent from where they lie: header, then slices, or the device's own buffer.
 * Its stamps are those of the frame that it was made from.
 */
#ifndef GLINT_CORE_PICTURE_H
#define GLINT_CORE_PICTURE_H

#include <stddef.h>
#include <sys/uio.h>

#include "core/frame.h"

#define GLINT_PICTURE_PARTS_MAX 66

struct glint_picture {
	struct glint_frame frame;	/* ops->release() belongs to the encoder that made it */
	unsigned n_parts;
	struct iovec parts[GLINT_PICTURE_PARTS_MAX];
	size_t size;			/* sum of the parts, bytes */
	uint32_t width, height;		/* pixels */
	bool live;			/* false: made by us to say that there is no video */
	uint64_t encode_begin_ns;	/* CLOCK_MONOTONIC */
	uint64_t encode_end_ns;
};

static inline struct glint_picture *glint_picture_of(struct glint_frame *frame)
{
	return (struct glint_picture *)frame;
}

static inline struct glint_picture *glint_picture_ref(struct glint_picture *picture)
{
	glint_frame_ref(&picture->frame);
	return picture;
}

/* NULL is fine, and is what it returns. */
static inline struct glint_picture *glint_picture_unref(struct glint_picture *picture)
{
	glint_frame_unref(picture ? &picture->frame : NULL);
	return NULL;
}
#endif
