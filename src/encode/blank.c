/* SPDX-License-Identifier: MIT */
#include "encode/blank.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/font.h"
#include "core/picture.h"

#define LINES_MAX 6

struct blank {
	struct glint_picture picture;
	uint8_t *jpeg;			/* owned */
};

struct rgb {
	uint8_t r, g, b;
};

static const struct rgb ground = { 24, 26, 32 }, light = { 236, 238, 242 }, dim = { 150, 156, 168 },
			accent = { 232, 160, 52 };

/* --- Drawing ---------------------------------------------------------------------- */

struct canvas {
	uint32_t width, height;
	struct rgb *pixels;
};

static void fill(struct canvas *canvas, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
		 struct rgb colour)
{
	for (uint32_t row = y; row < MIN(y + height, canvas->height); row++)
		for (uint32_t column = x; column < MIN(x + width, canvas->width); column++)
			canvas->pixels[(size_t)row * canvas->width + column] = colour;
}

static void draw_text(struct canvas *canvas, uint32_t x, uint32_t y, unsigned scale,
		      struct rgb colour, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++, x += GLINT_FONT_ADVANCE * scale)
		for (unsigned row = 0; row < GLINT_FONT_HEIGHT; row++)
			for (unsigned cell = 0; cell < GLINT_FONT_WIDTH; cell++)
				if (glint_font_cell(text[i], cell, row))
					fill(canvas, x + cell * scale, y + row * scale, scale,
					     scale, colour);
}

/* Characters of @text that fit on a line, cut between words if there are some. */
static size_t line_length(const char *text, size_t most)
{
	size_t length = strlen(text), cut = most;

	if (length <= most)
		return length;
	while (cut > 0 && text[cut] != ' ')
		cut--;
	return cut > 0 ? cut : most;
}

static void draw_detail(struct canvas *canvas, uint32_t x, uint32_t y, unsigned scale,
			const char *text)
{
	size_t most = MAX((canvas->width - x) / (GLINT_FONT_ADVANCE * scale), 1u);

	for (unsigned line = 0; line < LINES_MAX && *text; line++) {
		size_t length = line_length(text, most);

		draw_text(canvas, x, y, scale, dim, text, length);
		y += (GLINT_FONT_HEIGHT + 3) * scale;
		text += length;
		text += strspn(text, " ");
	}
}

static void draw(struct canvas *canvas, const char *title, const char *detail)
{
	uint32_t margin = canvas->width / 16;
	uint32_t columns = (uint32_t)MAX(strlen(title), (size_t)12) * GLINT_FONT_ADVANCE;
	unsigned large = MAX((canvas->width - 2 * margin) / columns, 1u);
	unsigned small = MAX(MIN(canvas->width / 400, large), 1u);
	uint32_t y = canvas->height * 2 / 5;

	large = MIN(large, MAX(canvas->height / 40, 1u));
	y -= MIN(y, large * GLINT_FONT_HEIGHT / 2);
	fill(canvas, 0, 0, canvas->width, canvas->height, ground);
	fill(canvas, margin, y - MIN(y, 5 * large), large * 12, large, accent);
	draw_text(canvas, margin, y, large, light, title, strlen(title));
	draw_detail(canvas, margin, y + large * (GLINT_FONT_HEIGHT + 4), small, detail);
}

/* --- Compressing --------------------------------------------------------------------- */

struct failing {
	struct jpeg_error_mgr errors;
	jmp_buf failed;
};

static void error_exit(j_common_ptr common)
{
	longjmp(container_of(common->err, struct failing, errors)->failed, 1);
}

static int compress(struct canvas *canvas, uint8_t **jpeg, unsigned long *size)
{
	struct jpeg_compress_struct enc;
	struct failing failing;

	*jpeg = NULL;
	enc.err = jpeg_std_error(&failing.errors);
	failing.errors.error_exit = error_exit;
	if (setjmp(failing.failed)) {
		jpeg_destroy_compress(&enc);
		free(*jpeg);
		return -ENOMEM;
	}
	jpeg_create_compress(&enc);
	jpeg_mem_dest(&enc, jpeg, size);
	enc.image_width = canvas->width;
	enc.image_height = canvas->height;
	enc.input_components = 3;
	enc.in_color_space = JCS_RGB;
	jpeg_set_defaults(&enc);
	jpeg_set_quality(&enc, 90, TRUE);
	jpeg_start_compress(&enc, TRUE);
	while (enc.next_scanline < enc.image_height) {
		JSAMPROW row =
			(JSAMPROW)(canvas->pixels + (size_t)enc.next_scanline * canvas->width);

		jpeg_write_scanlines(&enc, &row, 1);
	}
	jpeg_finish_compress(&enc);
	jpeg_destroy_compress(&enc);
	return 0;
}

/* --- The picture --------------------------------------------------------------------- */

static void blank_release(struct glint_frame *frame)
{
	struct blank *blank = container_of(glint_picture_of(frame), struct blank, picture);

	free(blank->jpeg);
	free(blank);
}

static const struct glint_frame_ops blank_ops = { .release = blank_release };

static void blank_fill_in(struct blank *blank, const struct canvas *canvas, unsigned long size)
{
	struct glint_picture *picture = &blank->picture;
	uint64_t now_ns = glint_now_ns();

	picture->frame.ops = &blank_ops;
	glint_frame_begin(&picture->frame, 0, now_ns);
	picture->frame.complete_ns = picture->frame.dequeue_ns = now_ns;
	picture->encode_begin_ns = picture->encode_end_ns = now_ns;
	picture->parts[0] = (struct iovec){ blank->jpeg, size };
	picture->n_parts = 1;
	picture->size = size;
	picture->width = canvas->width;
	picture->height = canvas->height;
}

int glint_blank_create(struct glint_picture **out, uint32_t width, uint32_t height,
		       const char *title, const char *detail)
{
	struct canvas canvas = { .width = MIN(MAX(width, 160u), 15360u),
				 .height = MIN(MAX(height, 120u), 8640u) };
	struct blank *blank = calloc(1, sizeof(*blank));
	unsigned long size = 0;
	int err = -ENOMEM;

	canvas.pixels = malloc(sizeof(*canvas.pixels) * canvas.width * canvas.height);
	if (!blank || !canvas.pixels)
		goto free_all;
	draw(&canvas, title, detail);
	err = compress(&canvas, &blank->jpeg, &size);
	if (err < 0)
		goto free_all;
	blank_fill_in(blank, &canvas, size);
	free(canvas.pixels);
	*out = &blank->picture;
	return 0;

free_all:
	free(canvas.pixels);
	free(blank);
	return err;
}
