/* SPDX-License-Identifier: MIT */
/*
 * One frame as a picture of exact pixels, or as checksums of them, for one reader. http asks,
 * src/stills makes, and the service ties the two. Loop thread only.
 */
#ifndef GLINT_CORE_STILL_H
#define GLINT_CORE_STILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "core/region.h"

#define GLINT_STILL_CROPS_MAX  16u
#define GLINT_STILL_LAYOUT_MAX 512u

struct glint_frame_info;
struct glint_packet;

enum glint_still_format {
	GLINT_STILL_JPEG,
	GLINT_STILL_PNG,
	GLINT_STILL_PPM,
	GLINT_STILL_PGM,
	GLINT_STILL_RAW, /* the driver's bytes: whole frames only */
	GLINT_STILL_Y4M, /* the frame's own planes: whole frames only */
	GLINT_STILL_HASH,
};

struct glint_still_wish {
	enum glint_still_format format;
	unsigned n_crops; /* 0: the whole picture, as one image */
	struct glint_region crops[GLINT_STILL_CROPS_MAX];
	unsigned scale; /* 1, 2, 4, 8 */
};

/* One image of the answer: some parts of the packet. */
struct glint_still_image {
	uint32_t width, height;
	unsigned first, count; /* parts */
	size_t size;	       /* bytes of them */
};

struct glint_still_hash {
	uint64_t exact[2];  /* XXH3 of 128 bits: high, low */
	uint64_t perceived; /* average hash of 8 x 8, the upper left bit first */
	size_t bytes;	    /* that @exact covers */
};

/* Embedded in its reader, which sets the first members; the rest is set before done(). */
struct glint_still {
	struct glint_still_wish wish;
	/* Whether the frame with these facts will do. */
	bool (*wants)(const struct glint_still *still, const struct glint_frame_info *info);
	/*
	 * From the loop's top level, once. 0: the results are set, and @packet is the reader's. Or
	 * NULL and -ERANGE: the crop is not within the picture, whose size is set; -ENOTSUP: the
	 * source's pixel format has no such picture; -EBADMSG: the picture is damaged; -ELIBACC: a
	 * library is not installed; -ENOBUFS: pictures of others take the memory that there is for
	 * them; -ENOMEM.
	 */
	void (*done)(struct glint_still *still, int err);

	struct glint_packet *packet; /* facts of the frame, and the bytes; none of a hash */
	uint32_t width, height;	     /* of the frame */
	unsigned n_images;
	struct glint_still_image images[GLINT_STILL_CROPS_MAX];
	struct glint_still_hash hash;
	const char *converted; /* the format that libv4lconvert has read; NULL: read directly */
	char layout[GLINT_STILL_LAYOUT_MAX]; /* of RAW: a JSON object */

	struct glint_list link; /* private to src/stills */
	void *job;		/* likewise */
};

/* Whether @format is the frame's own samples: there is no crop, scale or offline picture of them. */
static inline bool glint_still_is_whole(enum glint_still_format format)
{
	return format == GLINT_STILL_RAW || format == GLINT_STILL_Y4M;
}

/* Whether @format was built in. */
static inline bool glint_still_knows(enum glint_still_format format)
{
	return format == GLINT_STILL_PNG  ? IS_ENABLED(CONFIG_PIXELS_PNG) :
	       format == GLINT_STILL_HASH ? IS_ENABLED(CONFIG_PIXELS_HASH) :
					    true;
}
#endif
