/* SPDX-License-Identifier: MIT */
/*
 * Reads a picture from a client, a file or the body of a request: PNG, JPEG, PPM or PGM. The bytes
 * may be hostile: memory and time are bounded by @pixels_max and the size of the file. Values are taken
 * as they stand; gamma and colour profiles are ignored. Pure; allocates.
 */
#ifndef GLINT_PIXELS_PICTURE_H
#define GLINT_PIXELS_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glint_picture {
	uint32_t width, height;
	bool grey;	/* a PGM: R, G and B are its grey values */
	uint8_t *rgb;	/* three bytes a pixel, no padding */
	uint8_t *alpha; /* one byte a pixel, 255: opaque; NULL: all of it is */
};

/*
 * -ENOTSUP: another kind of file, or PNG was not built in; -ELIBACC: a PNG, and libspng is not
 * installed; -EBADMSG: broken; -EMSGSIZE: more than @pixels_max pixels; -ENOMEM. @picture is empty
 * after a failure.
 */
int glint_picture_read(struct glint_picture *picture, const uint8_t *bytes, size_t size,
		       size_t pixels_max);

void glint_picture_fini(struct glint_picture *picture);
#endif
