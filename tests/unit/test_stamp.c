/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness.h"
#include "pattern/stamp.h"

#if IS_ENABLED(CONFIG_ENCODE_CPU)
#include <jpeglib.h>
#endif

static const struct glint_stamp stamp = { .seq = 0xfffffff0, .ns = 0x0123456789abcdef };

static void draw(uint8_t *luma, uint32_t width, uint32_t height, uint8_t black, uint8_t white)
{
	struct glint_stamp_place place = glint_stamp_place(width, height);
	uint32_t rows[GLINT_STAMP_ROWS];

	memset(luma, 90, (size_t)width * height);
	glint_stamp_encode(&stamp, rows);
	for (uint32_t y = 0; y < GLINT_STAMP_ROWS * place.cell; y++)
		for (uint32_t x = 0; x < GLINT_STAMP_COLUMNS * place.cell; x++)
			luma[(place.y + y) * width + place.x + x] =
				rows[y / place.cell] >> (31 - x / place.cell) & 1 ? white : black;
}

static const struct {
	uint32_t width, height;
} sizes[] = { { 160, 120 },   { 320, 240 },   { 640, 480 },  { 641, 481 }, { 1280, 720 },
	      { 1920, 1080 }, { 3840, 2160 }, { 160, 8640 }, { 4096, 120 } };

static void test_what_is_drawn_is_read_at_every_size(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t *luma = malloc((size_t)sizes[i].width * sizes[i].height);
		struct glint_stamp read = { 0 };

		draw(luma, sizes[i].width, sizes[i].height, 16, 235);
		CU_ASSERT_EQUAL(glint_stamp_read(&read, luma, sizes[i].width, sizes[i].width,
						 sizes[i].height),
				0);
		CU_ASSERT_EQUAL(read.seq, stamp.seq);
		CU_ASSERT_EQUAL(read.ns, stamp.ns);
		free(luma);
	}
}

static void test_the_stamp_lies_within_the_picture_and_on_the_grid(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct glint_stamp_place place = glint_stamp_place(sizes[i].width, sizes[i].height);

		CU_ASSERT_TRUE(place.cell >= 4 && place.cell % 4 == 0);
		CU_ASSERT_TRUE(place.x + 32 * place.cell <= sizes[i].width);
		CU_ASSERT_TRUE(place.y + 4 * place.cell <= sizes[i].height);
		CU_ASSERT_EQUAL(place.x % 8 + place.y % 8, 0);
	}
	CU_ASSERT_EQUAL(glint_stamp_place(159, 120).cell, 0);
	CU_ASSERT_EQUAL(glint_stamp_place(160, 119).cell, 0);
}

static void test_low_contrast_and_either_range_are_read(void)
{
	static uint8_t luma[640 * 480];
	struct glint_stamp read = { 0 };

	draw(luma, 640, 480, 0, 255);
	CU_ASSERT_EQUAL(glint_stamp_read(&read, luma, 640, 640, 480), 0);
	draw(luma, 640, 480, 100, 140);
	CU_ASSERT_EQUAL(glint_stamp_read(&read, luma, 640, 640, 480), 0);
	CU_ASSERT_EQUAL(read.ns, stamp.ns);
}

static void test_each_damaged_cell_is_noticed(void)
{
	uint32_t rows[GLINT_STAMP_ROWS];
	struct glint_stamp read;

	for (unsigned bit = 0; bit < 128; bit++) {
		glint_stamp_encode(&stamp, rows);
		rows[bit / 32] ^= 1u << bit % 32;
		CU_ASSERT_EQUAL(glint_stamp_decode(&read, rows), -EBADMSG);
	}
}

static void test_a_picture_without_a_stamp_has_none(void)
{
	static uint8_t luma[320 * 240];
	struct glint_stamp read;

	CU_ASSERT_EQUAL(glint_stamp_read(&read, luma, 320, 320, 240), -EBADMSG);
	memset(luma, 255, sizeof(luma));
	CU_ASSERT_EQUAL(glint_stamp_read(&read, luma, 320, 320, 240), -EBADMSG);
	CU_ASSERT_EQUAL(glint_stamp_read(&read, luma, 320, 100, 100), -EINVAL);
}

#if IS_ENABLED(CONFIG_ENCODE_CPU)
static unsigned char *compress(const uint8_t *luma, uint32_t width, uint32_t height, int quality,
			       unsigned long *size)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr error;
	unsigned char *out = NULL, *line = malloc(3 * width);

	jpeg.err = jpeg_std_error(&error);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &out, size);
	jpeg.image_width = width;
	jpeg.image_height = height;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_YCbCr;
	jpeg_set_defaults(&jpeg); /* 4:2:0 */
	jpeg_set_quality(&jpeg, quality, TRUE);
	jpeg_start_compress(&jpeg, TRUE);
	while (jpeg.next_scanline < height) {
		for (uint32_t x = 0; x < width; x++) {
			line[3 * x] = luma[jpeg.next_scanline * width + x];
			line[3 * x + 1] = line[3 * x + 2] = 128;
		}
		jpeg_write_scanlines(&jpeg, &line, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	free(line);
	return out;
}

static void decompress(const unsigned char *data, unsigned long size, uint8_t *luma, uint32_t width)
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr error;

	jpeg.err = jpeg_std_error(&error);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, data, size);
	jpeg_read_header(&jpeg, TRUE);
	jpeg.out_color_space = JCS_GRAYSCALE;
	jpeg_start_decompress(&jpeg);
	while (jpeg.output_scanline < jpeg.output_height) {
		JSAMPROW line = luma + jpeg.output_scanline * width;

		jpeg_read_scanlines(&jpeg, &line, 1);
	}
	jpeg_finish_decompress(&jpeg);
	jpeg_destroy_decompress(&jpeg);
}

static void test_a_stamp_survives_jpeg_at_quality_10_and_up(void)
{
	for (int quality = 10; quality <= 100; quality += 10)
		for (size_t i = 0; i < ARRAY_SIZE(sizes) - 3; i++) {
			uint32_t width = sizes[i].width, height = sizes[i].height;
			uint8_t *luma = malloc((size_t)width * height);
			struct glint_stamp read = { 0 };
			unsigned long size = 0;
			unsigned char *data;

			draw(luma, width, height, 16, 235);
			data = compress(luma, width, height, quality, &size);
			memset(luma, 0, (size_t)width * height);
			decompress(data, size, luma, width);
			CU_ASSERT_EQUAL(glint_stamp_read(&read, luma, width, width, height), 0);
			CU_ASSERT_EQUAL(read.seq, stamp.seq);
			CU_ASSERT_EQUAL(read.ns, stamp.ns);
			free(data);
			free(luma);
		}
}
#else
static void test_a_stamp_survives_jpeg_at_quality_10_and_up(void)
{
	GLINT_SKIP("no libjpeg in this configuration");
}
#endif

/* clang-format off */
GLINT_TESTS("stamp",
	GLINT_TEST(test_what_is_drawn_is_read_at_every_size),
	GLINT_TEST(test_the_stamp_lies_within_the_picture_and_on_the_grid),
	GLINT_TEST(test_low_contrast_and_either_range_are_read),
	GLINT_TEST(test_each_damaged_cell_is_noticed),
	GLINT_TEST(test_a_picture_without_a_stamp_has_none),
	GLINT_TEST(test_a_stamp_survives_jpeg_at_quality_10_and_up),
)
