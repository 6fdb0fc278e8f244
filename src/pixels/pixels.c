/* SPDX-License-Identifier: MIT */
#include "pixels/pixels.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "pixels/jpeg.h"
#include "pixels/lines.h"

static const struct glint_pixels_engine *engine_choose(void)
{
#if defined(__x86_64__) && IS_ENABLED(CONFIG_PIXELS_SIMD)
	if (__builtin_cpu_supports("avx2"))
		return &glint_pixels_avx2;
#endif
	return &glint_pixels_plain;
}

/* Rounded from the weights of red and blue of each matrix; docs/PIXELS.md. */
static const struct glint_pixels_matrix matrices[3][2] = {
	[GLINT_MATRIX_BT601] = {
		[GLINT_RANGE_FULL] = { 8192, 11485, 2819, 5850, 14516, 0 },
		[GLINT_RANGE_LIMITED] = { 9539, 13075, 3209, 6660, 16525, 16 },
	},
	[GLINT_MATRIX_BT709] = {
		[GLINT_RANGE_FULL] = { 8192, 12901, 1535, 3835, 15201, 0 },
		[GLINT_RANGE_LIMITED] = { 9539, 14686, 1747, 4366, 17305, 16 },
	},
	[GLINT_MATRIX_BT2020] = {
		[GLINT_RANGE_FULL] = { 8192, 12080, 1348, 4681, 15412, 0 },
		[GLINT_RANGE_LIMITED] = { 9539, 13752, 1535, 5328, 17545, 16 },
	},
};

static const struct glint_pixels_matrix *matrix_of(const struct glint_pixels_source *source)
{
	if (source->rules.keep_range)
		return &matrices[GLINT_MATRIX_BT601][GLINT_RANGE_FULL];
	return &matrices[source->format->matrix][source->format->range];
}

int glint_pixels_of_frame(struct glint_pixels_source *source, const struct glint_format *format,
			  const struct glint_dmabuf *buf, struct glint_pixels_rules rules)
{
	*source = (struct glint_pixels_source){
		.format = format,
		.width = format->width,
		.height = format->height,
		.rules = rules,
	};
	return glint_format_view(format, buf, &source->view);
}

void glint_pixels_of_view(struct glint_pixels_source *source, const struct glint_format *format,
			  const struct glint_view *view, struct glint_pixels_rules rules)
{
	*source = (struct glint_pixels_source){
		.format = format,
		.width = format->width,
		.height = format->height,
		.view = *view,
		.rules = rules,
	};
}

void glint_pixels_of_jpeg(struct glint_pixels_source *source, const uint8_t *data, size_t size,
			  uint32_t width, uint32_t height)
{
	*source = (struct glint_pixels_source){
		.width = width,
		.height = height,
		.jpeg = data,
		.jpeg_size = size,
	};
}

static const struct glint_format_info rgb_pixels = {
	.layout = GLINT_LAYOUT_RGB,
	.bytes_per_pixel = 3,
	.h_sub = 1,
	.v_sub = 1,
	.order = { 0, 1, 2 },
};
static const struct glint_format_info grey_pixels = {
	.layout = GLINT_LAYOUT_GREY,
	.bytes_per_pixel = 1,
	.h_sub = 1,
	.v_sub = 1,
};

void glint_pixels_of_pixels(struct glint_pixels_source *source, struct glint_format *format,
			    enum glint_pixels_kind kind, const uint8_t *pixels, uint32_t width,
			    uint32_t height)
{
	assert(kind != GLINT_PIXELS_BGR24);

	*format = (struct glint_format){
		.info = kind == GLINT_PIXELS_GREY ? &grey_pixels : &rgb_pixels,
		.width = width,
		.height = height,
	};
	*source = (struct glint_pixels_source){
		.format = format,
		.width = width,
		.height = height,
		.view = { .n = 1,
			  .comp[0] = { .base = pixels,
				       .stride = width * glint_pixels_bytes(kind),
				       .width = width,
				       .height = height } },
	};
}

unsigned glint_pixels_bytes(enum glint_pixels_kind kind)
{
	return kind == GLINT_PIXELS_GREY ? 1 : 3;
}

uint32_t glint_pixels_width(const struct glint_pixels_wish *wish)
{
	return DIV_ROUND_UP(wish->region.width, wish->scale);
}

uint32_t glint_pixels_height(const struct glint_pixels_wish *wish)
{
	return DIV_ROUND_UP(wish->region.height, wish->scale);
}

bool glint_pixels_wish_fits(const struct glint_pixels_wish *wish,
			    const struct glint_pixels_source *source)
{
	const struct glint_region *region = &wish->region;
	unsigned scale = wish->scale;

	return (scale == 1 || scale == 2 || scale == 4 || scale == 8) && region->width > 0 &&
	       region->height > 0 && glint_region_fits(region, source->width, source->height);
}

struct reading {
	const struct glint_pixels_source *source;
	const struct glint_pixels_wish *wish;
	const struct glint_pixels_engine *engine;
	const struct glint_pixels_matrix *matrix;
	bool grey;
};

/* @n pixels of the source, from column @x, as a piece of @n / scale, rounded up. */
static void read_scaled(const struct reading *reading, uint32_t x, uint32_t y, unsigned n,
			unsigned lines, struct glint_pixels_piece *piece)
{
	uint16_t sums[3][GLINT_PIXELS_PIECE];
	unsigned planes = reading->grey ? 1 : 3;

	for (unsigned p = 0; p < planes; p++)
		memset(sums[p], 0, n * sizeof(sums[p][0]));
	for (unsigned i = 0; i < lines; i++) {
		reading->engine->read(reading->source, reading->matrix, reading->grey, x, y + i, n,
				      piece);
		for (unsigned p = 0; p < planes; p++)
			reading->engine->add(sums[p], piece->plane[p], n);
	}
	for (unsigned p = 0; p < planes; p++)
		reading->engine->average(piece->plane[p], sums[p], n, reading->wish->scale, lines);
}

static void write_piece(const struct reading *reading, const struct glint_pixels_piece *piece,
			unsigned n, uint8_t *out)
{
	if (reading->grey)
		memcpy(out, piece->plane[0], n);
	else if (reading->wish->kind == GLINT_PIXELS_RGB24)
		reading->engine->join(out, piece->plane[0], piece->plane[1], piece->plane[2], n);
	else
		reading->engine->join(out, piece->plane[2], piece->plane[1], piece->plane[0], n);
}

/* Line @line of the result. @top: the source's first line is line @top of the frame. */
static void read_line(const struct reading *reading, uint32_t line, uint32_t top, uint8_t *out)
{
	const struct glint_region *region = &reading->wish->region;
	unsigned scale = reading->wish->scale;
	uint32_t y = line * scale, lines = MIN((uint32_t)scale, region->height - y);
	unsigned bytes = glint_pixels_bytes(reading->wish->kind);
	bool luma = reading->grey && scale == 1 &&
		    reading->source->format->info->layout != GLINT_LAYOUT_RGB &&
		    reading->source->format->info->layout != GLINT_LAYOUT_RGB565;
	struct glint_pixels_piece piece;

	y += region->y - top;
	for (uint32_t x = 0; x < region->width; x += GLINT_PIXELS_PIECE) {
		unsigned n = MIN(GLINT_PIXELS_PIECE, region->width - x);

		if (luma) {
			reading->engine->luma(reading->source, reading->matrix, region->x + x, y, n,
					      out);
			out += n;
			continue;
		}
		if (scale == 1)
			reading->engine->read(reading->source, reading->matrix, reading->grey,
					      region->x + x, y, n, &piece);
		else
			read_scaled(reading, region->x + x, y, n, lines, &piece);
		n = DIV_ROUND_UP(n, scale);
		write_piece(reading, &piece, n, out);
		out += (size_t)n * bytes;
	}
}

/* --- JPEGs: some lines at a time, which are then a raw frame --------------------------- */

struct decoding {
	const struct glint_pixels_wish *wish;
	uint32_t first, count;
	uint8_t *out;
	size_t stride;
};

/* Lines @top .. of the JPEG, which are all that line @top / scale of the result needs. */
static void decoded(void *ctx, const uint8_t *lines, uint32_t width, uint32_t top)
{
	const struct decoding *decoding = ctx;
	const struct glint_pixels_wish *wish = decoding->wish;
	enum glint_pixels_kind kind = wish->kind == GLINT_PIXELS_GREY ? GLINT_PIXELS_GREY :
									GLINT_PIXELS_RGB24;
	struct glint_format format;
	struct glint_pixels_source source;
	struct reading reading = { .source = &source,
				   .wish = wish,
				   .engine = engine_choose(),
				   .grey = kind == GLINT_PIXELS_GREY };
	uint32_t line = (top - wish->region.y) / wish->scale;

	glint_pixels_of_pixels(&source, &format, kind, lines, width, wish->scale);
	reading.matrix = matrix_of(&source);
	read_line(&reading, line, top,
		  decoding->out + (size_t)(line - decoding->first) * decoding->stride);
}

/* @decoding is in use until the JPEG is decoded. The lines and the scale are still to be set. */
static struct glint_pixels_jpeg jpeg_of(const struct glint_pixels_source *source,
					struct decoding *decoding)
{
	return (struct glint_pixels_jpeg){
		.data = source->jpeg,
		.size = source->jpeg_size,
		.width = source->width,
		.height = source->height,
		.grey = decoding->wish->kind == GLINT_PIXELS_GREY,
		.decoded = decoded,
		.ctx = decoding,
	};
}

/* The JPEG is decoded to lines that are reduced already. */
static int read_reduced(const struct glint_pixels_source *source,
			const struct glint_pixels_wish *wish, uint32_t first, uint32_t count,
			uint8_t *out, size_t stride)
{
	const struct glint_pixels_wish reduced = {
		.kind = wish->kind,
		.region = { wish->region.x / wish->scale, wish->region.y / wish->scale,
			    glint_pixels_width(wish), glint_pixels_height(wish) },
		.scale = 1,
	};
	struct decoding decoding = { &reduced, first, count, out, stride };
	struct glint_pixels_jpeg jpeg = jpeg_of(source, &decoding);

	jpeg.scale = wish->scale;
	jpeg.top = reduced.region.y + first;
	jpeg.end = jpeg.top + count;
	jpeg.band = 1;

	assert(wish->region.x % wish->scale == 0 && wish->region.y % wish->scale == 0);

	return glint_pixels_decode(&jpeg);
}

static int read_jpeg(const struct glint_pixels_source *source, const struct glint_pixels_wish *wish,
		     uint32_t first, uint32_t count, uint8_t *out, size_t stride)
{
	struct decoding decoding = { wish, first, count, out, stride };
	struct glint_pixels_jpeg jpeg = jpeg_of(source, &decoding);

	jpeg.scale = 1;
	jpeg.top = wish->region.y + first * wish->scale;
	jpeg.end = MIN(jpeg.top + count * wish->scale, wish->region.y + wish->region.height);
	jpeg.band = wish->scale;

	return glint_pixels_decode(&jpeg);
}

void glint_pixels_read_by(const struct glint_pixels_engine *engine,
			  const struct glint_pixels_source *source,
			  const struct glint_pixels_wish *wish, uint32_t first, uint32_t count,
			  uint8_t *out, size_t stride)
{
	struct reading reading = {
		.source = source,
		.wish = wish,
		.engine = engine,
		.matrix = matrix_of(source),
		.grey = wish->kind == GLINT_PIXELS_GREY,
	};

	for (uint32_t i = 0; i < count; i++)
		read_line(&reading, first + i, 0, out + i * stride);
}

int glint_pixels_read(const struct glint_pixels_source *source,
		      const struct glint_pixels_wish *wish, uint32_t first, uint32_t count,
		      uint8_t *out, size_t stride)
{
	assert(glint_pixels_wish_fits(wish, source));
	assert(first + count <= glint_pixels_height(wish));

	if (source->jpeg && wish->decode_reduced)
		return read_reduced(source, wish, first, count, out, stride);
	if (source->jpeg)
		return read_jpeg(source, wish, first, count, out, stride);
	glint_pixels_read_by(engine_choose(), source, wish, first, count, out, stride);
	return 0;
}
