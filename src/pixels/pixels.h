/* SPDX-License-Identifier: MIT */
/*
 * From a frame to pixels: full-range grey, or RGB of eight bits, of a region, at full size or
 * reduced. The result is exact: docs/PIXELS.md defines each value with integers, and every build
 * and processor computes the same ones. Pure. Any thread; the source may be shared.
 */
#ifndef GLINT_PIXELS_PIXELS_H
#define GLINT_PIXELS_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/region.h"
#include "v4l2/format.h"

enum glint_pixels_kind {
	GLINT_PIXELS_GREY,  /* one byte a pixel: the frame's own luma, 0..255 */
	GLINT_PIXELS_RGB24, /* three bytes a pixel: R, G, B */
	GLINT_PIXELS_BGR24,
};

/* How the service reads frames; the same as for its JPEGs. */
struct glint_pixels_rules {
	bool swap_rgb;	 /* the device has R and B the wrong way round (--format-swap-rgb) */
	bool keep_range; /* YCbCr counts as BT.601 of full range, whatever the driver says */
};

/* The pixels of one frame, where they lie. A value; what it points to is borrowed. */
struct glint_pixels_source {
	const struct glint_format *format;
	uint32_t width, height; /* of a JPEG: its own */
	struct glint_view view; /* of a raw frame */
	const uint8_t *jpeg;	/* NULL: a raw frame */
	size_t jpeg_size;
	struct glint_pixels_rules rules;
};

/* What a caller wants of a source. */
struct glint_pixels_wish {
	enum glint_pixels_kind kind;
	struct glint_region region; /* of the source, not empty, within it */
	unsigned scale;		    /* 1, 2, 4 or 8: squares of so many pixels become one */
	/*
	 * A JPEG is decoded at the scale, as docs/PIXELS.md says, which is faster than to take means
	 * of its pixels. The region begins at multiples of the scale.
	 */
	bool decode_reduced;
};

/*
 * Point @source to the raw frame in @buf, which is mapped and stays as it is for as long as the
 * source is read. -EINVAL: the layout is compressed, or only libv4lconvert knows it;
 * otherwise as glint_format_view().
 */
int glint_pixels_of_frame(struct glint_pixels_source *source, const struct glint_format *format,
			  const struct glint_dmabuf *buf, struct glint_pixels_rules rules);

/* Point @source to the samples that @view shows, of a raw frame of @format. */
void glint_pixels_of_view(struct glint_pixels_source *source, const struct glint_format *format,
			  const struct glint_view *view, struct glint_pixels_rules rules);

/* Point @source to a JPEG of @width x @height (see jpeg/inspect.h). Nothing is read yet. */
void glint_pixels_of_jpeg(struct glint_pixels_source *source, const uint8_t *data, size_t size,
			  uint32_t width, uint32_t height);

/*
 * Point @source to pixels without padding that glint_pixels_read() has written, of GREY or RGB24.
 * @format is the caller's memory, for as long as the source is read.
 */
void glint_pixels_of_pixels(struct glint_pixels_source *source, struct glint_format *format,
			    enum glint_pixels_kind kind, const uint8_t *pixels, uint32_t width,
			    uint32_t height);

/* Bytes of a pixel: 1 or 3. */
unsigned glint_pixels_bytes(enum glint_pixels_kind kind);

/* The size of the result: that of the region, divided by the scale and rounded up. */
uint32_t glint_pixels_width(const struct glint_pixels_wish *wish);
uint32_t glint_pixels_height(const struct glint_pixels_wish *wish);

/* @scale is 1, 2, 4 or 8, and @region lies within @source. For what a client has sent. */
bool glint_pixels_wish_fits(const struct glint_pixels_wish *wish,
			    const struct glint_pixels_source *source);

/*
 * Write lines @first .. @first + @count - 1 of the result to @out, every @stride bytes. Threads
 * may read parts of one raw frame at the same time; a JPEG is decoded from its top by each call.
 * A raw frame needs no memory and never fails. A JPEG: -ENOMEM; -EBADMSG: its data are
 * damaged, or it is larger or smaller than the source says; -ENOTSUP: it has four components.
 */
int glint_pixels_read(const struct glint_pixels_source *source,
		      const struct glint_pixels_wish *wish, uint32_t first, uint32_t count,
		      uint8_t *out, size_t stride);
#endif
