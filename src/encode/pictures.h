/* SPDX-License-Identifier: MIT */
/*
 * Pictures whose data is ours: a bounded pool, so that readers who hold some
 * cannot make it grow without end. A picture keeps its memory when it returns; what
 * was not needed for some seconds, the encoder gives back (glint_pictures_trim()).
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

struct glint_encoder;
struct glint_pictures;

struct glint_pool_picture {
	struct glint_picture picture;
	struct glint_pictures *pool;
	struct glint_list link;			/* free list */
	size_t counted;				/* bytes of it in the pool's figure */
	uint8_t header[GLINT_JPEG_HEADER_MAX];
	struct glint_bytes slices[GLINT_SLICES_MAX];
};

struct glint_pictures {
	struct glint_encoder *encoder;	/* told when the pool grows */
	unsigned most, made, held;
	unsigned spare;			/* pictures that nobody took since the last look of trim */
	size_t bytes;			/* memory of all pictures' data */
	struct glint_list free;		/* used last: first */
};

void glint_pictures_init(struct glint_pictures *pool, struct glint_encoder *encoder, unsigned most);

/* All must have come back. */
void glint_pictures_fini(struct glint_pictures *pool);

/*
 * An unused picture, the caller's, with one reference and without parts; NULL when
 * readers hold all there may be, or memory is short.
 */
struct glint_pool_picture *glint_pictures_take(struct glint_pictures *pool);

/* The data of @picture may have grown: counts its memory. */
void glint_pictures_count(struct glint_pool_picture *picture);

enum glint_pictures_rest {
	GLINT_PICTURES_NONE,	/* the pool is empty */
	GLINT_PICTURES_SOME,	/* look again after the idle time */
	GLINT_PICTURES_SPARE,	/* more can be given back now */
};

/*
 * For a timer whose period is the idle time: frees one picture that nobody needed for a
 * period, at most one because giving large memory back takes its time.
 */
enum glint_pictures_rest glint_pictures_trim(struct glint_pictures *pool);
#endif
