/* SPDX-License-Identifier: MIT */
/*
 * What the device shows: a screen as a lab sees it, with panels, text, gradients, a
 * photograph with noise, and a box that moves. A stamp (pattern/stamp.h) says which
 * frame it is and when it was filled. It lies where it would in a picture of the
 * same width and EMU_STRIP lines, so that a reader has to decode the top only.
 *
 * In MJPEG the pictures are made beforehand, one for each place of the box, and the
 * stamp is a comment: EMU_COMMENT and its four rows, big-endian.
 */
#ifndef V4L2EMU_PICTURE_H
#define V4L2EMU_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "pattern/canvas.h"
#include "pattern/stamp.h"

#define EMU_STRIP 128
#define EMU_WIDTH_MIN 160
#define EMU_HEIGHT_MIN EMU_STRIP
#define EMU_JPEGS 8
#define EMU_COMMENT "glint-stamp:"

struct emu_jpeg {
	uint8_t *data;
	size_t size, stamp;	/* stamp: offset of its four rows */
};

struct emu_picture {
	struct glint_canvas screen;	/* what rests */
	struct emu_jpeg jpegs[EMU_JPEGS];	/* for MJPEG only */
};

/* Once a process. @fourcc: one that glint_canvas_knows(), or MJPEG. -ENOMEM, -EIO. */
int emu_picture_init(struct emu_picture *picture, uint32_t fourcc, uint32_t width, uint32_t height);
size_t emu_picture_size(uint32_t fourcc, uint32_t width, uint32_t height);

/* The first picture of a buffer: what rests, and nothing else. */
void emu_picture_prefill(const struct emu_picture *picture, uint8_t *base);

/*
 * Makes @base, prefilled once, show @stamp. @box_x: where the box was drawn in this
 * very buffer, and is afterwards. Returns the bytes that are used.
 */
size_t emu_picture_draw(const struct emu_picture *picture, uint8_t *base,
			const struct glint_stamp *stamp, uint32_t *box_x);

/* screen.c */
void emu_screen_draw(const struct glint_canvas *canvas);

/* jpeg.c: @canvas is RGB24; out->data is malloc()ed. -EIO; nothing is owned then. */
int emu_jpeg_make(struct emu_jpeg *out, const struct glint_canvas *canvas);
#endif
