/* SPDX-License-Identifier: MIT */
/*
 * Pixels of every layout are those that docs/PIXELS.md defines. The reference here follows that
 * page, one pixel at a time, and shares no code with the service.
 */
#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/macros.h"
#include "harness.h"
#include "pixels/lines.h"
#include "pixels/pixels.h"
#include "random.h"

/* --- A frame in memory that ends where the driver's need not go on ----------------------- */

struct frame {
	struct glint_format format;
	struct glint_dmabuf buf;
};

static void frame_make(struct frame *frame, const struct glint_format_info *info, uint32_t width,
		       uint32_t height, uint32_t padding, struct random *random)
{
	struct glint_format *format = &frame->format;
	uint32_t pairs = (width + 1) / 2 * 2;

	memset(frame, 0, sizeof(*frame));
	*format = (struct glint_format){ .info = info,
					 .fourcc = info->fourcc,
					 .width = width,
					 .height = height,
					 .n_planes = info->mem_planes };
	/* Even strides: planar chroma has half of it. */
	format->stride[0] = pairs * info->bytes_per_pixel + 2 * padding;
	for (unsigned i = 1; i < info->mem_planes; i++)
		format->stride[i] = format->stride[0] *
				    (info->layout == GLINT_LAYOUT_SEMIPLANAR ? 2 : 1) / info->h_sub;
	frame->buf.n_planes = format->n_planes;
	for (unsigned i = 0; i < format->n_planes; i++) {
		size_t size = glint_format_min_size(format, i);

		format->size[i] = (uint32_t)size;
		frame->buf.planes[i] = (struct glint_plane){ .map = malloc(size), .size = size };
		for (size_t k = 0; k < size; k++)
			frame->buf.planes[i].map[k] = (uint8_t)random_below(random, 256);
	}
	CU_ASSERT_EQUAL_FATAL(glint_format_check(format), 0);
}

static void frame_free(struct frame *frame)
{
	for (unsigned i = 0; i < frame->buf.n_planes; i++)
		free(frame->buf.planes[i].map);
}

/* --- The reference ------------------------------------------------------------------------ */

static const int table[3][2][5] = {
	[GLINT_MATRIX_BT601] = { { 8192, 11485, 2819, 5850, 14516 },
				 { 9539, 13075, 3209, 6660, 16525 } },
	[GLINT_MATRIX_BT709] = { { 8192, 12901, 1535, 3835, 15201 },
				 { 9539, 14686, 1747, 4366, 17305 } },
	[GLINT_MATRIX_BT2020] = { { 8192, 12080, 1348, 4681, 15412 },
				  { 9539, 13752, 1535, 5328, 17545 } },
};

struct rgb {
	int r, g, b;
};

static int limit(int value)
{
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

static int shift13(int value)
{
	return limit((value + 4096) >= 0 ? (value + 4096) / 8192 : -1);
}

/* Sample @i of a line: a byte, or the highest eight bits of what a word has. */
static int sample_of(const struct glint_format_info *info, const uint8_t *line, size_t i)
{
	unsigned bits = glint_format_bits(info);

	if (bits == 8)
		return line[i];
	/* YCbCr is in the highest bits of a word, grey in the lowest. */
	return (uint8_t)((line[2 * i] + 256u * line[2 * i + 1]) >>
			 (info->layout == GLINT_LAYOUT_GREY ? bits - 8 : 8));
}

/* The samples of a YCbCr pixel, by the layouts of the kernel's documentation. */
static void samples_at(const struct frame *frame, uint32_t x, uint32_t y, int *luma, int *cb,
		       int *cr)
{
	const struct glint_format *f = &frame->format;
	const struct glint_format_info *info = f->info;
	const uint8_t *p0 = frame->buf.planes[0].map;
	bool cr_first = info->order[1] > info->order[2];
	uint32_t cx = x / info->h_sub, cy = y / info->v_sub;
	uint32_t rows = (f->height + info->v_sub - 1) / info->v_sub;

	*cb = *cr = 128;
	if (info->layout == GLINT_LAYOUT_PACKED_YUV) {
		const uint8_t *line = p0 + (size_t)y * f->stride[0];
		size_t pair = x / 2 * 4;

		*luma = sample_of(info, line, pair + info->order[0] + x % 2 * 2);
		*cb = sample_of(info, line, pair + info->order[1]);
		*cr = sample_of(info, line, pair + info->order[3]);
		return;
	}
	*luma = sample_of(info, p0 + (size_t)y * f->stride[0], x);
	if (info->layout == GLINT_LAYOUT_SEMIPLANAR) {
		size_t stride = info->mem_planes > 1 ? f->stride[1] :
						       f->stride[0] * 2u / info->h_sub;
		const uint8_t *c = info->mem_planes > 1 ? frame->buf.planes[1].map :
							  p0 + (size_t)f->stride[0] * f->height;

		*cb = sample_of(info, c + cy * stride, 2 * cx + cr_first);
		*cr = sample_of(info, c + cy * stride, 2 * cx + !cr_first);
	} else if (info->layout == GLINT_LAYOUT_PLANAR) {
		size_t stride = info->mem_planes > 1 ? f->stride[1] : f->stride[0] / info->h_sub;
		const uint8_t *c[2];

		c[0] = info->mem_planes > 1 ? frame->buf.planes[1].map :
					      p0 + (size_t)f->stride[0] * f->height;
		c[1] = info->mem_planes > 1 ? frame->buf.planes[2].map : c[0] + stride * rows;
		*cb = c[cr_first][cy * stride + cx];
		*cr = c[!cr_first][cy * stride + cx];
	}
}

static bool is_rgb(const struct glint_format_info *info)
{
	return info->layout == GLINT_LAYOUT_RGB || info->layout == GLINT_LAYOUT_RGB565;
}

static struct rgb rgb_at(const struct frame *frame, struct glint_pixels_rules rules, uint32_t x,
			 uint32_t y)
{
	const struct glint_format *f = &frame->format;
	const struct glint_format_info *info = f->info;
	const uint8_t *p = frame->buf.planes[0].map + (size_t)y * f->stride[0] +
			   (size_t)x * info->bytes_per_pixel;
	const int *m = table[f->matrix][f->range];
	int black = f->range == GLINT_RANGE_LIMITED ? 16 : 0, luma, cb, cr;
	struct rgb c;

	if (is_rgb(info)) {
		if (info->layout == GLINT_LAYOUT_RGB) {
			c = (struct rgb){ p[info->order[0]], p[info->order[1]], p[info->order[2]] };
		} else {
			int word = p[0] + 256 * p[1];

			c = (struct rgb){ ((word >> 11) * 255 + 15) / 31,
					  ((word / 32 % 64) * 255 + 31) / 63,
					  ((word % 32) * 255 + 15) / 31 };
		}
		return rules.swap_rgb ? (struct rgb){ c.b, c.g, c.r } : c;
	}
	if (rules.keep_range) {
		m = table[GLINT_MATRIX_BT601][GLINT_RANGE_FULL];
		black = 0;
	}
	samples_at(frame, x, y, &luma, &cb, &cr);
	return (struct rgb){
		shift13(m[0] * (luma - black) + m[1] * (cr - 128)),
		shift13(m[0] * (luma - black) - m[2] * (cb - 128) - m[3] * (cr - 128)),
		shift13(m[0] * (luma - black) + m[4] * (cb - 128)),
	};
}

static int grey_at(const struct frame *frame, struct glint_pixels_rules rules, uint32_t x,
		   uint32_t y)
{
	const struct glint_format *f = &frame->format;
	bool limited = f->range == GLINT_RANGE_LIMITED && !rules.keep_range;
	int luma, cb, cr;
	struct rgb c;

	if (is_rgb(f->info)) {
		c = rgb_at(frame, rules, x, y);
		return (19595 * c.r + 38470 * c.g + 7471 * c.b + 32768) / 65536;
	}
	samples_at(frame, x, y, &luma, &cb, &cr);
	return limited ? shift13(9539 * (luma - 16)) : luma;
}

/* Component @k of the result's pixel: the mean of the pixels that its square has. */
static int expected_at(const struct frame *frame, struct glint_pixels_rules rules,
		       const struct glint_pixels_wish *wish, uint32_t x, uint32_t y, unsigned k)
{
	const struct glint_region *r = &wish->region;
	int sum = 0, n = 0;

	for (uint32_t j = y * wish->scale; j < (y + 1) * wish->scale && j < r->height; j++)
		for (uint32_t i = x * wish->scale; i < (x + 1) * wish->scale && i < r->width; i++) {
			struct rgb c = rgb_at(frame, rules, r->x + i, r->y + j);
			int values[3] = { c.r, c.g, c.b };

			sum += wish->kind == GLINT_PIXELS_GREY ?
				       grey_at(frame, rules, r->x + i, r->y + j) :
			       wish->kind == GLINT_PIXELS_RGB24 ? values[k] :
								  values[2 - k];
			n++;
		}
	return (sum + n / 2) / n;
}

/* --- The comparison -------------------------------------------------------------------------- */

static unsigned wrong_by(const struct glint_pixels_engine *engine, const struct frame *frame,
			 struct glint_pixels_rules rules, const struct glint_pixels_wish *wish)
{
	uint32_t width = glint_pixels_width(wish), height = glint_pixels_height(wish);
	unsigned bytes = glint_pixels_bytes(wish->kind), wrong = 0;
	size_t stride = (size_t)width * bytes;
	uint8_t *out = malloc(stride * height);
	struct glint_pixels_source source;
	uint32_t half = height / 2;

	CU_ASSERT_EQUAL_FATAL(glint_pixels_of_frame(&source, &frame->format, &frame->buf, rules),
			      0);
	CU_ASSERT_TRUE_FATAL(glint_pixels_wish_fits(wish, &source));
	/* In two parts, as threads read it. */
	glint_pixels_read_by(engine, &source, wish, half, height - half, out + half * stride,
			     stride);
	glint_pixels_read_by(engine, &source, wish, 0, half, out, stride);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t i = 0; i < stride; i++)
			wrong += out[y * stride + i] !=
				 expected_at(frame, rules, wish, i / bytes, y, i % bytes);
	free(out);
	return wrong;
}

static unsigned wrong_pixels(const struct frame *frame, struct glint_pixels_rules rules,
			     const struct glint_pixels_wish *wish)
{
	unsigned wrong = wrong_by(&glint_pixels_plain, frame, rules, wish);

#if defined(__x86_64__) && IS_ENABLED(CONFIG_PIXELS_SIMD)
	if (__builtin_cpu_supports("avx2"))
		wrong += wrong_by(&glint_pixels_avx2, frame, rules, wish);
#endif
	return wrong;
}

static struct glint_region random_region(struct random *random, uint32_t width, uint32_t height)
{
	struct glint_region region;

	region.width = 1 + random_below(random, width);
	region.height = 1 + random_below(random, height);
	region.x = random_below(random, width - region.width + 1);
	region.y = random_below(random, height - region.height + 1);
	return region;
}

static void check_format(const struct glint_format_info *info, struct random *random)
{
	for (unsigned i = 0; i < 12; i++) {
		static const unsigned scales[] = { 1, 2, 4, 8 };
		uint32_t width = 1 + random_below(random, 75);
		uint32_t height = 1 + random_below(random, 21);
		struct glint_pixels_rules rules = { random_below(random, 2),
						    random_below(random, 4) == 0 };
		struct glint_pixels_wish wish = {
			.kind = (enum glint_pixels_kind)random_below(random, 3),
			.region = { 0, 0, width, height },
			.scale = scales[random_below(random, 4)],
		};
		struct frame frame;
		unsigned wrong;

		frame_make(&frame, info, width, height, random_below(random, 9), random);
		if (!is_rgb(info)) {
			frame.format.matrix = (enum glint_matrix)random_below(random, 3);
			frame.format.range = (enum glint_range)random_below(random, 2);
		}
		if (i > 2)
			wish.region = random_region(random, width, height);
		wrong = wrong_pixels(&frame, rules, &wish);
		if (wrong)
			printf("# %s %ux%u matrix %d range %d: %ux%u+%u+%u 1/%u kind %d: %u wrong\n",
			       info->name, width, height, frame.format.matrix, frame.format.range,
			       wish.region.width, wish.region.height, wish.region.x, wish.region.y,
			       wish.scale, wish.kind, wrong);
		CU_ASSERT_EQUAL(wrong, 0);
		frame_free(&frame);
	}
}

static void test_pixels_of_every_layout_are_those_of_the_definition(void)
{
	struct random random = random_begin();
	unsigned checked = 0;

	for (unsigned i = 0; glint_format_at(i); i++) {
		const struct glint_format_info *info = glint_format_at(i);

		if (info->layout == GLINT_LAYOUT_JPEG || info->layout == GLINT_LAYOUT_OTHER)
			continue;
		check_format(info, &random);
		checked++;
	}
	CU_ASSERT_EQUAL(checked, 46);
}

/* Lines are worked on in pieces: where two of them meet, nothing may be lost. */
static void test_lines_longer_than_a_piece_are_whole(void)
{
	struct random random = random_begin();
	const uint32_t formats[] = { V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_BGR24 };

	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
		for (unsigned scale = 1; scale <= 8; scale *= 2) {
			struct glint_pixels_wish wish = {
				.kind = GLINT_PIXELS_RGB24,
				.region = { 1, 1, 2 * GLINT_PIXELS_PIECE + 3, 9 },
				.scale = scale,
			};
			struct frame frame;

			frame_make(&frame, glint_format_find(formats[i]),
				   2 * GLINT_PIXELS_PIECE + 5, 11, 3, &random);
			CU_ASSERT_EQUAL(
				wrong_pixels(&frame, (struct glint_pixels_rules){ 0 }, &wish), 0);
			frame_free(&frame);
		}
}

/* Without colour, the three are equal to the grey value; and black is 0, white 255. */
static void test_grey_is_what_rgb_is_without_colour(void)
{
	struct random random = random_begin();
	struct frame frame;
	uint8_t rgb[256 * 3], grey[256];
	struct glint_pixels_wish wish = { .region = { 0, 0, 256, 1 }, .scale = 1 };
	struct glint_pixels_source source;

	frame_make(&frame, glint_format_find(V4L2_PIX_FMT_YUYV), 256, 1, 0, &random);
	for (unsigned i = 0; i < 256; i++) {
		frame.buf.planes[0].map[2 * i] = (uint8_t)i;
		frame.buf.planes[0].map[2 * i + 1] = 128;
	}
	for (int matrix = 0; matrix < 3; matrix++)
		for (int range = 0; range < 2; range++) {
			frame.format.matrix = (enum glint_matrix)matrix;
			frame.format.range = (enum glint_range)range;
			CU_ASSERT_EQUAL_FATAL(
				glint_pixels_of_frame(&source, &frame.format, &frame.buf,
						      (struct glint_pixels_rules){ 0 }),
				0);
			wish.kind = GLINT_PIXELS_GREY;
			CU_ASSERT_EQUAL(glint_pixels_read(&source, &wish, 0, 1, grey, 256), 0);
			wish.kind = GLINT_PIXELS_RGB24;
			CU_ASSERT_EQUAL(glint_pixels_read(&source, &wish, 0, 1, rgb, 768), 0);
			for (unsigned i = 0; i < 256; i++) {
				CU_ASSERT_EQUAL(rgb[3 * i], grey[i]);
				CU_ASSERT_EQUAL(rgb[3 * i + 1], grey[i]);
				CU_ASSERT_EQUAL(rgb[3 * i + 2], grey[i]);
			}
			CU_ASSERT_EQUAL(grey[range ? 16 : 0], 0);
			CU_ASSERT_EQUAL(grey[range ? 235 : 255], 255);
		}
	frame_free(&frame);
}

static void test_wishes_outside_of_the_picture_do_not_fit(void)
{
	struct glint_pixels_source source = { .width = 640, .height = 480 };
	static const struct {
		struct glint_pixels_wish wish;
		bool fits;
	} cases[] = {
		{ { 0, { 0, 0, 640, 480 }, 1 }, true },
		{ { 0, { 639, 479, 1, 1 }, 8 }, true },
		{ { 0, { 0, 0, 640, 480 }, 3 }, false },
		{ { 0, { 0, 0, 640, 480 }, 0 }, false },
		{ { 0, { 0, 0, 640, 480 }, 16 }, false },
		{ { 0, { 0, 0, 641, 480 }, 1 }, false },
		{ { 0, { 1, 0, 640, 480 }, 1 }, false },
		{ { 0, { 0, 1, 640, 480 }, 1 }, false },
		{ { 0, { 0, 0, 0, 480 }, 1 }, false },
		{ { 0, { 0, 0, 640, 0 }, 1 }, false },
		{ { 0, { UINT32_MAX, 0, 640, 480 }, 1 }, false },
		{ { 0, { 0, UINT32_MAX, 640, 480 }, 1 }, false },
		{ { 0, { 2, 2, UINT32_MAX, UINT32_MAX }, 1 }, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		CU_ASSERT_EQUAL(glint_pixels_wish_fits(&cases[i].wish, &source), cases[i].fits);
}

static void test_frames_that_are_not_read_directly_are_refused(void)
{
	struct glint_format format = { .info = glint_format_find(V4L2_PIX_FMT_SRGGB8),
				       .width = 64,
				       .height = 48,
				       .n_planes = 1 };
	struct glint_dmabuf buf = { .n_planes = 1 };
	struct glint_pixels_source source;

	CU_ASSERT_EQUAL(glint_pixels_of_frame(&source, &format, &buf,
					      (struct glint_pixels_rules){ 0 }),
			-EINVAL);
	format.info = glint_format_find(V4L2_PIX_FMT_MJPEG);
	CU_ASSERT_EQUAL(glint_pixels_of_frame(&source, &format, &buf,
					      (struct glint_pixels_rules){ 0 }),
			-EINVAL);
	format.info = glint_format_find(V4L2_PIX_FMT_YUYV);
	CU_ASSERT_EQUAL(glint_pixels_of_frame(&source, &format, &buf,
					      (struct glint_pixels_rules){ 0 }),
			-EFAULT);
}

/* --- JPEGs ----------------------------------------------------------------------------------- */

#define JPEG_WIDTH  61
#define JPEG_HEIGHT 37

struct jpeg {
	uint8_t *data;
	unsigned long size;
	uint8_t rgb[JPEG_HEIGHT][JPEG_WIDTH][3]; /* as libjpeg decodes it, in one go */
	uint8_t grey[JPEG_HEIGHT][JPEG_WIDTH];
};

static void jpeg_decode(const struct jpeg *jpeg, J_COLOR_SPACE space, uint8_t *out, size_t stride)
{
	struct jpeg_decompress_struct dec;
	struct jpeg_error_mgr errors;

	dec.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&dec);
	jpeg_mem_src(&dec, jpeg->data, jpeg->size);
	jpeg_read_header(&dec, TRUE);
	dec.out_color_space = space;
	jpeg_start_decompress(&dec);
	while (dec.output_scanline < dec.output_height) {
		JSAMPROW row = out + dec.output_scanline * stride;

		jpeg_read_scanlines(&dec, &row, 1);
	}
	jpeg_finish_decompress(&dec);
	jpeg_destroy_decompress(&dec);
}

static void jpeg_make(struct jpeg *jpeg, int components, bool progressive, struct random *random)
{
	struct jpeg_compress_struct enc;
	struct jpeg_error_mgr errors;
	uint8_t line[JPEG_WIDTH * 4];
	JSAMPROW row = line;

	memset(jpeg, 0, sizeof(*jpeg));
	enc.err = jpeg_std_error(&errors);
	jpeg_create_compress(&enc);
	jpeg_mem_dest(&enc, &jpeg->data, &jpeg->size);
	enc.image_width = JPEG_WIDTH;
	enc.image_height = JPEG_HEIGHT;
	enc.input_components = components;
	enc.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
	jpeg_set_defaults(&enc);
	if (progressive)
		jpeg_simple_progression(&enc);
	jpeg_start_compress(&enc, TRUE);
	for (unsigned y = 0; y < JPEG_HEIGHT; y++) {
		for (unsigned i = 0; i < sizeof(line); i++)
			line[i] = (uint8_t)(4 * i + 3 * y + random_below(random, 40));
		jpeg_write_scanlines(&enc, &row, 1);
	}
	jpeg_finish_compress(&enc);
	jpeg_destroy_compress(&enc);
	if (components > 3)
		return;
	jpeg_decode(jpeg, JCS_EXT_RGB, jpeg->rgb[0][0], sizeof(jpeg->rgb[0]));
	jpeg_decode(jpeg, JCS_GRAYSCALE, jpeg->grey[0], sizeof(jpeg->grey[0]));
}

static int jpeg_value(const struct jpeg *jpeg, const struct glint_pixels_wish *wish, uint32_t x,
		      uint32_t y, unsigned k)
{
	const struct glint_region *r = &wish->region;
	int sum = 0, n = 0;

	for (uint32_t j = y * wish->scale; j < (y + 1) * wish->scale && j < r->height; j++)
		for (uint32_t i = x * wish->scale; i < (x + 1) * wish->scale && i < r->width; i++) {
			sum += wish->kind == GLINT_PIXELS_GREY ?
				       jpeg->grey[r->y + j][r->x + i] :
			       wish->kind == GLINT_PIXELS_RGB24 ?
				       jpeg->rgb[r->y + j][r->x + i][k] :
				       jpeg->rgb[r->y + j][r->x + i][2 - k];
			n++;
		}
	return (sum + n / 2) / n;
}

static int jpeg_read(const struct jpeg *jpeg, const struct glint_pixels_wish *wish, uint8_t *out)
{
	struct glint_pixels_source source;

	glint_pixels_of_jpeg(&source, jpeg->data, jpeg->size, JPEG_WIDTH, JPEG_HEIGHT);
	return glint_pixels_read(&source, wish, 0, glint_pixels_height(wish), out,
				 (size_t)glint_pixels_width(wish) * glint_pixels_bytes(wish->kind));
}

static void test_pixels_of_a_jpeg_are_those_that_libjpeg_decodes(void)
{
	struct random random = random_begin();

	for (unsigned i = 0; i < 60; i++) {
		uint8_t out[JPEG_WIDTH * JPEG_HEIGHT * 3];
		struct glint_pixels_wish wish = {
			.kind = (enum glint_pixels_kind)random_below(&random, 3),
			.region = random_region(&random, JPEG_WIDTH, JPEG_HEIGHT),
			.scale = 1u << random_below(&random, 4),
		};
		unsigned bytes = glint_pixels_bytes(wish.kind), wrong = 0;
		uint32_t line = glint_pixels_width(&wish) * bytes;
		struct jpeg jpeg;

		jpeg_make(&jpeg, i % 4 == 0 ? 1 : 3, i % 5 == 0, &random);
		CU_ASSERT_EQUAL_FATAL(jpeg_read(&jpeg, &wish, out), 0);
		for (uint32_t y = 0; y < glint_pixels_height(&wish); y++)
			for (uint32_t x = 0; x < line; x++)
				wrong += out[y * line + x] !=
					 jpeg_value(&jpeg, &wish, x / bytes, y, x % bytes);
		CU_ASSERT_EQUAL(wrong, 0);
		free(jpeg.data);
	}
}

/* The whole JPEG at a scale, by libjpeg in one go. */
static void jpeg_decode_reduced(const struct jpeg *jpeg, unsigned scale,
				enum glint_pixels_kind kind, uint8_t *out)
{
	struct jpeg_decompress_struct dec;
	struct jpeg_error_mgr errors;

	dec.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&dec);
	jpeg_mem_src(&dec, jpeg->data, jpeg->size);
	jpeg_read_header(&dec, TRUE);
	dec.scale_num = 1;
	dec.scale_denom = scale;
	dec.out_color_space = kind == GLINT_PIXELS_GREY	 ? JCS_GRAYSCALE :
			      kind == GLINT_PIXELS_RGB24 ? JCS_EXT_RGB :
							   JCS_EXT_BGR;
	jpeg_start_decompress(&dec);
	while (dec.output_scanline < dec.output_height) {
		JSAMPROW row = out + (size_t)dec.output_scanline * dec.output_width *
					     glint_pixels_bytes(kind);

		jpeg_read_scanlines(&dec, &row, 1);
	}
	jpeg_finish_decompress(&dec);
	jpeg_destroy_decompress(&dec);
}

static void test_a_jpeg_decoded_at_a_scale_is_as_libjpeg_decodes_it(void)
{
	struct random random = random_begin();

	for (unsigned i = 0; i < 90; i++) {
		uint8_t out[JPEG_WIDTH * JPEG_HEIGHT * 3], whole[JPEG_WIDTH * JPEG_HEIGHT * 3];
		unsigned scale = 2u << i % 3, wrong = 0, bytes;
		struct glint_pixels_wish wish = {
			.kind = (enum glint_pixels_kind)random_below(&random, 3),
			.region = random_region(&random, JPEG_WIDTH, JPEG_HEIGHT),
			.scale = scale,
			.decode_reduced = true,
		};
		uint32_t x = wish.region.x / scale, y = wish.region.y / scale, line, width;
		struct jpeg jpeg;

		wish.region.width += wish.region.x - x * scale;
		wish.region.height += wish.region.y - y * scale;
		wish.region.x = x * scale;
		wish.region.y = y * scale;
		bytes = glint_pixels_bytes(wish.kind);
		line = glint_pixels_width(&wish) * bytes;
		width = DIV_ROUND_UP(JPEG_WIDTH, scale) * bytes;
		jpeg_make(&jpeg, i % 4 == 0 ? 1 : 3, i % 5 == 0, &random);
		jpeg_decode_reduced(&jpeg, scale, wish.kind, whole);
		CU_ASSERT_EQUAL_FATAL(jpeg_read(&jpeg, &wish, out), 0);
		for (uint32_t k = 0; k < glint_pixels_height(&wish); k++)
			wrong += memcmp(out + k * line, whole + (y + k) * width + x * bytes,
					line) != 0;
		CU_ASSERT_EQUAL(wrong, 0);
		free(jpeg.data);
	}
}

static void test_a_damaged_jpeg_has_no_pixels(void)
{
	struct random random = random_begin();
	const struct glint_pixels_wish wish = { GLINT_PIXELS_RGB24,
						{ 0, 0, JPEG_WIDTH, JPEG_HEIGHT },
						1 };
	uint8_t out[JPEG_WIDTH * JPEG_HEIGHT * 3];
	struct glint_pixels_source source;
	struct jpeg jpeg;

	jpeg_make(&jpeg, 3, false, &random);
	glint_pixels_of_jpeg(&source, jpeg.data, jpeg.size, JPEG_WIDTH + 1, JPEG_HEIGHT);
	CU_ASSERT_EQUAL(glint_pixels_read(&source, &wish, 0, JPEG_HEIGHT, out, JPEG_WIDTH * 3),
			-EBADMSG);
	jpeg.size = jpeg.size * 2 / 3;
	CU_ASSERT_EQUAL(jpeg_read(&jpeg, &wish, out), -EBADMSG);
	jpeg.size = 10;
	CU_ASSERT_EQUAL(jpeg_read(&jpeg, &wish, out), -EBADMSG);
	free(jpeg.data);

	jpeg_make(&jpeg, 4, false, &random);
	CU_ASSERT_EQUAL(jpeg_read(&jpeg, &wish, out), -ENOTSUP);
	free(jpeg.data);
}

static void test_bytes_of_any_kind_do_no_harm_as_a_jpeg(void)
{
	struct random random = random_begin();
	const struct glint_pixels_wish wish = { GLINT_PIXELS_RGB24, { 3, 5, 40, 30 }, 2 };
	uint8_t out[20 * 15 * 3];

	for (unsigned i = 0; i < 400; i++) {
		struct jpeg jpeg;
		int err;

		jpeg_make(&jpeg, i % 4 == 0 ? 1 : 3, i % 5 == 0, &random);
		for (unsigned k = 1 + random_below(&random, 4); k > 0; k--)
			jpeg.data[random_below(&random, (unsigned)jpeg.size)] =
				(uint8_t)random_below(&random, 256);
		err = jpeg_read(&jpeg, &wish, out);
		CU_ASSERT_TRUE(err == 0 || err == -EBADMSG || err == -ENOTSUP);
		free(jpeg.data);
	}
}

/* clang-format off */
GLINT_TESTS("pixels",
	GLINT_TEST(test_pixels_of_every_layout_are_those_of_the_definition),
	GLINT_TEST(test_lines_longer_than_a_piece_are_whole),
	GLINT_TEST(test_grey_is_what_rgb_is_without_colour),
	GLINT_TEST(test_wishes_outside_of_the_picture_do_not_fit),
	GLINT_TEST(test_frames_that_are_not_read_directly_are_refused),
	GLINT_TEST(test_pixels_of_a_jpeg_are_those_that_libjpeg_decodes),
	GLINT_TEST(test_a_jpeg_decoded_at_a_scale_is_as_libjpeg_decodes_it),
	GLINT_TEST(test_a_damaged_jpeg_has_no_pixels),
	GLINT_TEST(test_bytes_of_any_kind_do_no_harm_as_a_jpeg),
)
