/* SPDX-License-Identifier: MIT */
/*
 * The device's picture: a screen as a lab sees it, with panels, text, gradients, a photograph with
 * noise, and a box that moves. A stamp (pattern/stamp.h) holds the frame's number and the time when
 * the frame was filled. The stamp is placed as in a picture of the same width and EMU_STRIP lines,
 * so that a reader decodes the top only.
 *
 * MJPEG pictures are encoded beforehand, one for each position of the box. Their stamp is a
 * comment: EMU_COMMENT and the stamp's four rows, big-endian.
 */
#ifndef V4L2EMU_PICTURE_H
#define V4L2EMU_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "pattern/canvas.h"
#include "pattern/stamp.h"
#include "settings.h"

#define EMU_STRIP      128
#define EMU_WIDTH_MIN  160
#define EMU_HEIGHT_MIN EMU_STRIP
#define EMU_JPEGS      8
#define EMU_COMMENT    "glint-stamp:"

struct emu_jpeg {
	uint8_t *data;
	size_t size, stamp; /* stamp: offset of its four rows */
};

struct emu_picture {
	struct glint_canvas screen; /* all but the box and the stamp */
	uint32_t fourcc;	    /* the device's */
	uint8_t *drawn;		    /* of a format of pack.c: the whole picture; else NULL */
	uint32_t drawn_box_x;
	enum emu_change change;
	struct glint_stamp shown;	  /* EMU_CHANGE_BLINK: since the cursor's last change */
	struct emu_jpeg jpegs[EMU_JPEGS]; /* for MJPEG only */
};

/* Once a process. -ENOMEM, -EIO. */
int emu_picture_init(struct emu_picture *picture, const struct emu_settings *settings);

/* Bytes of a line; 0 of a JPEG. */
uint32_t emu_picture_stride(uint32_t fourcc, uint32_t width);

size_t emu_picture_size(uint32_t fourcc, uint32_t width, uint32_t height);

/* Draws the screen into buffer @index, without box and stamp. */
void emu_picture_prefill(const struct emu_picture *picture, uint8_t *base, unsigned index);

/*
 * Draws @stamp and the box into @base, which has been prefilled. @box_x: the box's position in this
 * buffer, before and after the call. Returns the number of bytes used.
 */
size_t emu_picture_draw(struct emu_picture *picture, uint8_t *base, const struct glint_stamp *stamp,
			uint32_t *box_x);

/* pack.c: the format in which a picture of @fourcc is drawn; 0: a canvas has @fourcc itself. */
uint32_t emu_pack_drawn(uint32_t fourcc);

/* Bytes of a line of the first plane, and of a frame, of a format that is packed. */
uint32_t emu_pack_stride(uint32_t fourcc, uint32_t width);
size_t emu_pack_size(uint32_t fourcc, uint32_t width, uint32_t height);

/* @out: emu_pack_size() bytes. */
void emu_pack(uint32_t fourcc, const struct glint_canvas *drawn, uint8_t *out);

/* screen.c */
void emu_screen_draw(const struct glint_canvas *canvas);
/* scene.c's pictures; EMU_SCREEN is emu_screen_draw(). */
void emu_picture_paint(const struct glint_canvas *canvas, enum emu_scene scene);

/* jpeg.c: @canvas is RGB24; out->data is malloc()ed. -EIO; nothing is owned then. */
int emu_jpeg_make(struct emu_jpeg *out, const struct glint_canvas *canvas);
#endif
