/* SPDX-License-Identifier: MIT */
#include "pixels/picture.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if IS_ENABLED(CONFIG_PIXELS_PNG)
#include <spng.h>
#endif

#include "base/dlopen_note.h"
#include "base/library.h"
#include "base/macros.h"
#include "jpeg/inspect.h"
#include "pixels/pixels.h"

#define CHUNK_MAX (1u << 20) /* bytes of a chunk that is not needed, such as a text */

static int picture_allocate(struct glint_picture *picture, uint32_t width, uint32_t height,
			    size_t pixels_max)
{
	assert(!picture->rgb);

	if (width == 0 || height == 0)
		return -EBADMSG;
	if (width > pixels_max / height)
		return -EMSGSIZE;
	picture->width = width;
	picture->height = height;
	picture->rgb = malloc((size_t)width * height * 3);
	return picture->rgb ? 0 : -ENOMEM;
}

void glint_picture_fini(struct glint_picture *picture)
{
	free(picture->rgb);
	free(picture->alpha);
	*picture = (struct glint_picture){ 0 };
}

/* --- PNG ---------------------------------------------------------------------------------- */

#if IS_ENABLED(CONFIG_PIXELS_PNG)
#define LIBRARY "libspng.so.0"
#define FUNCTIONS(X)                                                                               \
	X(spng_ctx_free)                                                                           \
	X(spng_ctx_new)                                                                            \
	X(spng_decode_image)                                                                       \
	X(spng_get_ihdr)                                                                           \
	X(spng_set_chunk_limits)                                                                   \
	X(spng_set_png_buffer)

GLINT_DLOPEN_NOTE("png-reading", "PNGs as references", "recommended", LIBRARY);
GLINT_LIBRARY(spng, FUNCTIONS, LIBRARY, "no PNG can be read")

static int spng_error(int err)
{
	return err == 0 ? 0 : err == SPNG_EMEM ? -ENOMEM : -EBADMSG;
}

/* Split RGBA; opaque pictures have no alpha. */
static int picture_split(struct glint_picture *picture, const uint8_t *rgba)
{
	size_t n = (size_t)picture->width * picture->height;
	uint8_t opaque = 255;

	picture->alpha = malloc(n);
	if (!picture->alpha)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		memcpy(picture->rgb + 3 * i, rgba + 4 * i, 3);
		picture->alpha[i] = rgba[4 * i + 3];
		opaque &= picture->alpha[i];
	}
	if (opaque == 255) {
		free(picture->alpha);
		picture->alpha = NULL;
	}
	return 0;
}

static int png_decode(struct glint_picture *picture, spng_ctx *png, size_t pixels_max)
{
	struct spng_ihdr head;
	size_t size;
	uint8_t *rgba;
	int err = spng_error(spng.spng_get_ihdr(png, &head));

	if (err == 0)
		err = picture_allocate(picture, head.width, head.height, pixels_max);
	if (err < 0)
		return err;
	size = (size_t)head.width * head.height * 4;
	rgba = malloc(size);
	if (!rgba)
		return -ENOMEM;
	err = spng_error(spng.spng_decode_image(png, rgba, size, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS));
	if (err == 0)
		err = picture_split(picture, rgba);
	free(rgba);
	return err;
}

static int read_png(struct glint_picture *picture, const uint8_t *bytes, size_t size,
		    size_t pixels_max)
{
	spng_ctx *png;
	int err;

	if (!spng_load())
		return -ELIBACC;
	png = spng.spng_ctx_new(0);
	if (!png)
		return -ENOMEM;
	err = spng_error(spng.spng_set_chunk_limits(png, CHUNK_MAX, 2 * CHUNK_MAX));
	if (err == 0)
		err = spng_error(spng.spng_set_png_buffer(png, bytes, size));
	if (err == 0)
		err = png_decode(picture, png, pixels_max);
	spng.spng_ctx_free(png);
	return err;
}
#else
static int read_png(struct glint_picture *picture, const uint8_t *bytes, size_t size,
		    size_t pixels_max)
{
	(void)picture;
	(void)bytes;
	(void)size;
	(void)pixels_max;
	return -ENOTSUP;
}
#endif

/* --- JPEG --------------------------------------------------------------------------------- */

static int read_jpeg(struct glint_picture *picture, const uint8_t *bytes, size_t size,
		     size_t pixels_max)
{
	struct glint_pixels_wish wish = { .kind = GLINT_PIXELS_RGB24, .scale = 1 };
	struct glint_pixels_source source;
	struct glint_jpeg_info info;
	int err = glint_jpeg_inspect(bytes, size, &info);

	if (err == 0)
		err = picture_allocate(picture, info.width, info.height, pixels_max);
	if (err < 0)
		return err == -ENODATA ? -EBADMSG : err;
	wish.region.width = info.width;
	wish.region.height = info.height;
	glint_pixels_of_jpeg(&source, bytes, info.size, info.width, info.height);
	return glint_pixels_read(&source, &wish, 0, info.height, picture->rgb,
				 (size_t)info.width * 3);
}

/* --- PPM and PGM --------------------------------------------------------------------------- */

/* Read a number behind white space and comments. False: there is none, or it is too large. */
static bool pnm_number(const uint8_t *bytes, size_t size, size_t *at, uint32_t *number)
{
	bool comment = false, digits = false;

	for (; *at < size; (*at)++) {
		uint8_t c = bytes[*at];

		if (comment)
			comment = c != '\n';
		else if (c == '#')
			comment = true;
		else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			break;
	}
	*number = 0;
	for (; *at < size && bytes[*at] >= '0' && bytes[*at] <= '9'; (*at)++) {
		*number = *number * 10 + (bytes[*at] - '0');
		if (*number > 1000000)
			return false;
		digits = true;
	}
	return digits;
}

static int read_pnm(struct glint_picture *picture, const uint8_t *bytes, size_t size,
		    size_t pixels_max)
{
	bool grey = bytes[1] == '5';
	uint32_t width, height, most;
	size_t at = 2, n;
	int err;

	if (!pnm_number(bytes, size, &at, &width) || !pnm_number(bytes, size, &at, &height) ||
	    !pnm_number(bytes, size, &at, &most) || at == size)
		return -EBADMSG;
	if (most != 255)
		return -ENOTSUP;
	at++; /* one white space */
	err = picture_allocate(picture, width, height, pixels_max);
	if (err < 0)
		return err;
	picture->grey = grey;
	n = (size_t)width * height * (grey ? 1 : 3);
	if (size - at < n)
		return -EBADMSG;
	if (grey)
		for (size_t i = 0; i < n; i++)
			memset(picture->rgb + 3 * i, bytes[at + i], 3);
	else
		memcpy(picture->rgb, bytes + at, n);
	return 0;
}

int glint_picture_read(struct glint_picture *picture, const uint8_t *bytes, size_t size,
		       size_t pixels_max)
{
	int err = -ENOTSUP;

	*picture = (struct glint_picture){ 0 };
	if (size < 8)
		return -EBADMSG;
	if (memcmp(bytes, "\x89PNG", 4) == 0)
		err = read_png(picture, bytes, size, pixels_max);
	else if (bytes[0] == 0xff && bytes[1] == 0xd8)
		err = read_jpeg(picture, bytes, size, pixels_max);
	else if (bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6'))
		err = read_pnm(picture, bytes, size, pixels_max);
	if (err < 0)
		glint_picture_fini(picture);
	return err;
}
