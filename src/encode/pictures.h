/* SPDX-License-Identifier: MIT */
/*
 * Pictures whose data is ours: a bounded pool, so that readers who hold some
 * cannot make it grow without end. A picture keeps its memory when it returns.
 * Loop thread only, but for the bytes, which a worker fills before the picture
 * is shown to anyone.
 */
#ifndef GLINT_ENCODE_PICTURES_H
#define GLINT_ENCODE_PICTURES_H

#include "base/list.h"
#include "core/picture.h"
#include "encode/bytes.h"
#include "jpeg/header.h"

#define GLINT_SLICES_MAX 32

struct glint_pictures;

struct glint_pool_picture {
	struct glint_picture picture;
	struct glint_pictures *pool;
	struct glint_list link;			/* free list */
	uint8_t header[GLINT_JPEG_HEADER_MAX];
	struct glint_bytes slices[GLINT_SLICES_MAX];
};

struct glint_pictures {
	unsigned most, made, held;
	struct glint_list free;
};

void glint_pictures_init(struct glint_pictures *pool, unsigned most);

/* All must have come back. */
void glint_pictures_fini(struct glint_pictures *pool);

/*
 * An unused picture, the caller's, with one reference and without parts; NULL when
 * readers hold all there may be, or memory is short.
 */
struct glint_pool_picture *glint_pictures_take(struct glint_pictures *pool);
#endif
