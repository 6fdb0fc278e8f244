/* SPDX-License-Identifier: MIT */
/*
 * Draws each line right before the line is compressed: the largest picture would need
 * 400 MB as pixels.
 */
#include "encode/blank.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/clock.h"
#include "base/font.h"
#include "base/macros.h"
#include "core/packet.h"
#include "encode/bytes.h"
#include "v4l2/format.h"

#define WIDTH_MIN    160u /* below these the text has no room */
#define HEIGHT_MIN   120u
#define DETAIL_LINES 6
#define BYTES_FIRST  (64u << 10)

struct blank {
	struct glint_packet packet;
	struct glint_bytes jpeg; /* owned */
};

struct rgb {
	uint8_t r, g, b;
};

static const struct rgb ground = { 24, 26, 32 }, light = { 236, 238, 242 }, dim = { 150, 156, 168 },
			accent = { 232, 160, 52 };

/* --- Layout ----------------------------------------------------------------------- */

struct text_line {
	uint32_t x, y;
	unsigned scale; /* pixels of a cell of the font */
	struct rgb colour;
	const char *text;
	size_t length;
};

struct layout {
	uint32_t width, height;
	uint32_t bar_x, bar_y, bar_width, bar_height;
	unsigned n_lines;
	struct text_line lines[1 + DETAIL_LINES];
};

/* How many characters of @text fit on a line; cut between words where possible. */
static size_t line_length(const char *text, size_t most)
{
	size_t length = strlen(text), cut = most;

	if (length <= most)
		return length;
	while (cut > 0 && text[cut] != ' ')
		cut--;
	return cut > 0 ? cut : most;
}

static void layout_add_detail(struct layout *layout, uint32_t x, uint32_t y, unsigned scale,
			      const char *text)
{
	size_t most = MAX((layout->width - x) / (GLINT_FONT_ADVANCE * scale), 1u);

	while (layout->n_lines < ARRAY_SIZE(layout->lines) && *text) {
		size_t length = line_length(text, most);

		layout->lines[layout->n_lines++] =
			(struct text_line){ x, y, scale, dim, text, length };
		y += (GLINT_FONT_HEIGHT + 3) * scale;
		text += length;
		text += strspn(text, " ");
	}
}

static void layout_make(struct layout *layout, uint32_t width, uint32_t height, const char *title,
			const char *detail)
{
	uint32_t margin = width / 16;
	uint32_t columns = (uint32_t)MAX(strlen(title), (size_t)12) * GLINT_FONT_ADVANCE;
	unsigned large = MAX((width - 2 * margin) / columns, 1u);
	unsigned small = MAX(MIN(width / 400, large), 1u);
	uint32_t y = height * 2 / 5;

	large = MIN(large, MAX(height / 40, 1u));
	y -= MIN(y, large * GLINT_FONT_HEIGHT / 2);
	*layout = (struct layout){
		.width = width,
		.height = height,
		.bar_x = margin,
		.bar_y = y - MIN(y, 5 * large),
		.bar_width = large * 12,
		.bar_height = large,
		.n_lines = 1,
		.lines = { { margin, y, large, light, title, strlen(title) } },
	};
	layout_add_detail(layout, margin, y + large * (GLINT_FONT_HEIGHT + 4), small, detail);
}

/* --- Drawing ---------------------------------------------------------------------- */

static void fill(struct rgb *row, uint32_t row_width, uint32_t x, uint32_t width, struct rgb colour)
{
	for (uint32_t end = MIN(x + width, row_width); x < end; x++)
		row[x] = colour;
}

static void draw_text(struct rgb *row, uint32_t row_width, const struct text_line *line, uint32_t y)
{
	uint32_t advance = GLINT_FONT_ADVANCE * line->scale, x = line->x;

	if (y < line->y || y >= line->y + GLINT_FONT_HEIGHT * line->scale)
		return;
	for (size_t i = 0; i < line->length; i++, x += advance)
		for (unsigned cell = 0; cell < GLINT_FONT_WIDTH; cell++)
			if (glint_font_cell(line->text[i], cell, (y - line->y) / line->scale))
				fill(row, row_width, x + cell * line->scale, line->scale,
				     line->colour);
}

static void draw_row(struct rgb *row, const struct layout *layout, uint32_t y)
{
	fill(row, layout->width, 0, layout->width, ground);
	if (y >= layout->bar_y && y < layout->bar_y + layout->bar_height)
		fill(row, layout->width, layout->bar_x, layout->bar_width, accent);
	for (unsigned i = 0; i < layout->n_lines; i++)
		draw_text(row, layout->width, &layout->lines[i], y);
}

/* --- Compressing --------------------------------------------------------------------- */

struct compressor {
	struct jpeg_compress_struct enc;
	struct jpeg_error_mgr errors;
	struct jpeg_destination_mgr dest;
	struct glint_bytes *out;
	jmp_buf failed;
};

static struct compressor *compressor_of(j_common_ptr common)
{
	return container_of((struct jpeg_compress_struct *)common, struct compressor, enc);
}

static void error_exit(j_common_ptr common)
{
	longjmp(compressor_of(common)->failed, 1);
}

static void be_quiet(j_common_ptr common)
{
	(void)common; /* the caller logs */
}

static void dest_init(j_compress_ptr enc)
{
	(void)enc;
}

/* Grows the buffer, which may be empty, and goes on behind its data. */
static boolean dest_grow(j_compress_ptr enc)
{
	struct compressor *compressor = compressor_of((j_common_ptr)enc);
	struct glint_bytes *out = compressor->out;
	size_t used = out->capacity;

	if (!glint_bytes_reserve(out, used > 0 ? used * 2 : BYTES_FIRST))
		longjmp(compressor->failed, 1);
	compressor->dest.next_output_byte = out->data + used;
	compressor->dest.free_in_buffer = out->capacity - used;
	return TRUE;
}

static void dest_term(j_compress_ptr enc)
{
	struct compressor *compressor = compressor_of((j_common_ptr)enc);

	compressor->out->size = compressor->out->capacity - compressor->dest.free_in_buffer;
}

static int compress(struct compressor *compressor, const struct layout *layout, struct rgb *row,
		    const atomic_bool *stop)
{
	struct jpeg_compress_struct *enc = &compressor->enc;
	JSAMPROW lines = (JSAMPROW)row;

	enc->err = jpeg_std_error(&compressor->errors);
	compressor->errors.error_exit = error_exit;
	compressor->errors.output_message = be_quiet;
	if (setjmp(compressor->failed)) {
		jpeg_destroy_compress(enc);
		return -ENOMEM;
	}
	jpeg_create_compress(enc);
	compressor->dest.init_destination = dest_init;
	compressor->dest.empty_output_buffer = dest_grow;
	compressor->dest.term_destination = dest_term;
	enc->dest = &compressor->dest;
	dest_grow(enc);
	enc->image_width = layout->width;
	enc->image_height = layout->height;
	enc->input_components = 3;
	enc->in_color_space = JCS_RGB;
	jpeg_set_defaults(enc);
	jpeg_set_quality(enc, 90, TRUE);
	jpeg_start_compress(enc, TRUE);
	while (enc->next_scanline < enc->image_height && !atomic_load(stop)) {
		draw_row(row, layout, enc->next_scanline);
		jpeg_write_scanlines(enc, &lines, 1);
	}
	if (enc->next_scanline < enc->image_height) {
		jpeg_destroy_compress(enc);
		return -ECANCELED;
	}
	jpeg_finish_compress(enc);
	jpeg_destroy_compress(enc);
	return 0;
}

/* --- The picture --------------------------------------------------------------------- */

static void blank_release(struct glint_packet *packet)
{
	struct blank *blank = container_of(packet, struct blank, packet);

	glint_bytes_fini(&blank->jpeg);
	free(blank);
}

static const struct glint_packet_ops blank_ops = { .release = blank_release };

static void blank_fill_in(struct blank *blank, const struct layout *layout)
{
	struct glint_packet *packet = &blank->packet;
	uint64_t now_ns = glint_now_ns();

	packet->ops = &blank_ops;
	glint_packet_begin(packet, GLINT_CODEC_JPEG, true);
	packet->info = (struct glint_frame_info){
		.width = layout->width,
		.height = layout->height,
		.capture_ns = now_ns,
		.complete_ns = now_ns,
		.dequeue_ns = now_ns,
	};
	packet->encode_begin_ns = packet->encode_end_ns = now_ns;
	packet->parts[0] = (struct iovec){ blank->jpeg.data, blank->jpeg.size };
	packet->n_parts = 1;
	packet->size = blank->jpeg.size;
}

int glint_blank_create(struct glint_packet **out, const struct glint_blank_wish *wish,
		       const atomic_bool *stop)
{
	struct blank *blank = calloc(1, sizeof(*blank));
	struct compressor *compressor = calloc(1, sizeof(*compressor));
	struct layout layout;
	struct rgb *row = NULL;
	int err = -ERANGE;

	if (wish->width > GLINT_FORMAT_WIDTH_MAX || wish->height > GLINT_FORMAT_HEIGHT_MAX)
		goto free_all;
	layout_make(&layout, MAX(wish->width, WIDTH_MIN), MAX(wish->height, HEIGHT_MIN),
		    wish->title, wish->detail);
	row = malloc(sizeof(*row) * layout.width);
	err = -ENOMEM;
	if (!blank || !compressor || !row)
		goto free_all;
	compressor->out = &blank->jpeg;
	err = compress(compressor, &layout, row, stop);
	if (err < 0)
		goto free_all;
	blank_fill_in(blank, &layout);
	free(row);
	free(compressor);
	*out = &blank->packet;
	return 0;

free_all:
	free(row);
	free(compressor);
	if (blank)
		glint_bytes_fini(&blank->jpeg);
	free(blank);
	return err;
}
