/* SPDX-License-Identifier: MIT */
/* RGB lines become the samples that JFIF's equations make of each pixel, in every order. */
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>

#include "encode/rows.h"
#include "harness.h"
#include "random.h"

#if IS_ENABLED(CONFIG_ENCODE_CPU)
#define WIDTH  83
#define HEIGHT 19

struct pixel {
	unsigned r, g, b;
};

static struct pixel pixel_at(const struct glint_format_info *info, const uint8_t *p, bool swap)
{
	struct pixel c = { p[info->order[0]], p[info->order[1]], p[info->order[2]] };

	if (info->layout == GLINT_LAYOUT_RGB565) {
		unsigned word = p[0] | (unsigned)p[1] << 8;

		c = (struct pixel){ ((word >> 11) * 255 + 15) / 31,
				    ((word >> 5 & 63) * 255 + 31) / 63,
				    ((word & 31) * 255 + 15) / 31 };
	}
	return swap ? (struct pixel){ c.b, c.g, c.r } : c;
}

/* JFIF's equations, with libjpeg's rounding. */
static void expect_pixel(struct pixel c, uint8_t y, uint8_t cb, uint8_t cr)
{
	const unsigned middle = (128u << 16) + 32767;

	CU_ASSERT_EQUAL(y, (19595 * c.r + 38470 * c.g + 7471 * c.b + 32768) >> 16);
	CU_ASSERT_EQUAL(cb, (middle + 32768 * c.b - 11059 * c.r - 21709 * c.g) >> 16);
	CU_ASSERT_EQUAL(cr, (middle + 32768 * c.r - 27439 * c.g - 5329 * c.b) >> 16);
}

static void check_order(const struct glint_format_info *info, bool swap, struct random *random)
{
	struct glint_format format = { .info = info,
				       .fourcc = info->fourcc,
				       .width = WIDTH,
				       .height = HEIGHT,
				       .n_planes = 1,
				       .stride = { WIDTH * info->bytes_per_pixel } };
	size_t size = (size_t)format.stride[0] * HEIGHT;
	uint8_t *pixels = malloc(size);
	struct glint_view view = { 1, { { pixels, format.stride[0], WIDTH, HEIGHT } } };
	struct glint_rows rows;

	for (size_t i = 0; i < size; i++)
		pixels[i] = (uint8_t)random_below(random, 256);
	CU_ASSERT_EQUAL_FATAL(glint_rows_init(&rows, &format, GLINT_SAMPLING_444, swap, false), 0);
	for (unsigned y = 0; y < (HEIGHT + 7) / 8 * 8; y++) {
		if (y % 8 == 0)
			glint_rows_read(&rows, &view, y / 8);
		for (unsigned x = 0; x < rows.width; x++) {
			const uint8_t *line =
				pixels + (size_t)format.stride[0] * (y < HEIGHT ? y : HEIGHT - 1);
			unsigned column = x < WIDTH ? x : WIDTH - 1;

			expect_pixel(pixel_at(info, line + column * info->bytes_per_pixel, swap),
				     rows.luma[y % 8][x], rows.cb[y % 8][x], rows.cr[y % 8][x]);
		}
	}
	glint_rows_fini(&rows);
	free(pixels);
}

static void test_rgb_of_every_order_becomes_jfif_samples(void)
{
	struct random random = random_begin();
	unsigned checked = 0;

	for (unsigned i = 0; glint_format_at(i); i++) {
		const struct glint_format_info *info = glint_format_at(i);

		if (info->layout != GLINT_LAYOUT_RGB && info->layout != GLINT_LAYOUT_RGB565)
			continue;
		check_order(info, false, &random);
		check_order(info, true, &random);
		checked++;
	}
	CU_ASSERT_EQUAL(checked, 13);
}

/* A frame of random bytes, whose memory the caller frees. */
static uint8_t *frame_make(struct glint_format *format, struct glint_dmabuf *buf, uint32_t fourcc,
			   struct random *random)
{
	const struct glint_format_info *info = glint_format_find(fourcc);
	uint8_t *bytes;
	size_t size;

	*format = (struct glint_format){ .info = info,
					 .fourcc = fourcc,
					 .width = WIDTH,
					 .height = HEIGHT,
					 .n_planes = 1,
					 .stride = { (WIDTH + 1) * info->bytes_per_pixel } };
	size = glint_format_min_size(format, 0);
	bytes = malloc(size);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)random_below(random, 256);
	*buf = (struct glint_dmabuf){ .n_planes = 1, .planes = { { .map = bytes, .size = size } } };
	return bytes;
}

/* @wide has the samples of @narrow as the highest of its bits. */
static void check_deep(uint32_t narrow, uint32_t wide, struct random *random)
{
	struct glint_format a, b;
	struct glint_dmabuf buf_a, buf_b;
	struct glint_view view_a, view_b;
	struct glint_rows rows_a, rows_b;
	uint8_t *bytes_a = frame_make(&a, &buf_a, narrow, random);
	uint8_t *bytes_b = frame_make(&b, &buf_b, wide, random);
	enum glint_sampling sampling = glint_rows_sampling(a.info, true);
	unsigned lines = glint_sampling_mcu_height(sampling);
	unsigned shift = b.info->layout == GLINT_LAYOUT_GREY ? glint_format_bits(b.info) - 8 : 8;

	CU_ASSERT_EQUAL_FATAL(buf_b.planes[0].size, 2 * buf_a.planes[0].size);
	for (size_t i = 0; i < buf_a.planes[0].size; i++) {
		unsigned word = (unsigned)bytes_a[i] << shift |
				((bytes_b[2 * i] | (unsigned)bytes_b[2 * i + 1] << 8) &
				 ((1u << shift) - 1));

		bytes_b[2 * i] = (uint8_t)word;
		bytes_b[2 * i + 1] = (uint8_t)(word >> 8);
	}
	CU_ASSERT_EQUAL_FATAL(glint_format_view(&a, &buf_a, &view_a), 0);
	CU_ASSERT_EQUAL_FATAL(glint_format_view(&b, &buf_b, &view_b), 0);
	CU_ASSERT_EQUAL_FATAL(glint_rows_init(&rows_a, &a, sampling, false, false), 0);
	CU_ASSERT_EQUAL_FATAL(glint_rows_init(&rows_b, &b, sampling, false, false), 0);
	for (unsigned row = 0; row * lines < HEIGHT; row++) {
		glint_rows_read(&rows_a, &view_a, row);
		glint_rows_read(&rows_b, &view_b, row);
		for (unsigned i = 0; i < lines; i++)
			CU_ASSERT_EQUAL(memcmp(rows_a.luma[i], rows_b.luma[i], rows_a.width), 0);
		for (unsigned i = 0; i < 8 && sampling != GLINT_SAMPLING_GREY; i++) {
			CU_ASSERT_EQUAL(memcmp(rows_a.cb[i], rows_b.cb[i], rows_a.width / 2), 0);
			CU_ASSERT_EQUAL(memcmp(rows_a.cr[i], rows_b.cr[i], rows_a.width / 2), 0);
		}
	}
	glint_rows_fini(&rows_a);
	glint_rows_fini(&rows_b);
	free(bytes_a);
	free(bytes_b);
}

static void test_more_bits_become_the_rows_of_their_upper_eight(void)
{
	struct random random = random_begin();

	check_deep(V4L2_PIX_FMT_NV12, v4l2_fourcc('P', '0', '1', '0'), &random);
	check_deep(V4L2_PIX_FMT_NV12, v4l2_fourcc('P', '0', '1', '2'), &random);
	check_deep(V4L2_PIX_FMT_YUYV, v4l2_fourcc('Y', '2', '1', '0'), &random);
	check_deep(V4L2_PIX_FMT_YUYV, v4l2_fourcc('Y', '2', '1', '6'), &random);
	check_deep(V4L2_PIX_FMT_GREY, V4L2_PIX_FMT_Y10, &random);
	check_deep(V4L2_PIX_FMT_GREY, V4L2_PIX_FMT_Y12, &random);
	check_deep(V4L2_PIX_FMT_GREY, V4L2_PIX_FMT_Y14, &random);
	check_deep(V4L2_PIX_FMT_GREY, V4L2_PIX_FMT_Y16, &random);
}

#else
static void test_more_bits_become_the_rows_of_their_upper_eight(void)
{
	GLINT_SKIP("built without the CPU encoder");
}

static void test_rgb_of_every_order_becomes_jfif_samples(void)
{
	GLINT_SKIP("built without the CPU encoder");
}
#endif

/* clang-format off */
GLINT_TESTS("rows",
	GLINT_TEST(test_rgb_of_every_order_becomes_jfif_samples),
	GLINT_TEST(test_more_bits_become_the_rows_of_their_upper_eight),
)
