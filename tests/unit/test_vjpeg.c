/* SPDX-License-Identifier: MIT */
/* The virtual encoder's JPEGs, beside libjpeg-turbo's of the same frame at the same quality. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "harness.h"

/* Part of a kernel module, so no archive has it. */
#include "../kmod/vjpeg/vjpeg-jpeg.c"

#define WIDTH	 333 /* no multiple of an MCU, either way */
#define HEIGHT	 217
#define CAPACITY (1u << 20)

static uint8_t luma[WIDTH * HEIGHT], chroma[WIDTH * HEIGHT];
static uint8_t jpeg[CAPACITY];

/* Slopes, edges, and a little noise. */
static void draw_frame(void)
{
	uint32_t noise = 1;

	for (unsigned y = 0; y < HEIGHT; y++)
		for (unsigned x = 0; x < WIDTH; x++) {
			noise = noise * 1664525 + 1013904223;
			luma[y * WIDTH + x] = (uint8_t)(x / 2 + y / 4 + (x / 40 + y / 30) % 2 * 30 +
							(noise >> 28));
			chroma[y * WIDTH + x] = (uint8_t)(100 + y / 4);
		}
}

static struct vjpeg_image image_of_frame(unsigned v)
{
	struct vjpeg_image image = { .width = WIDTH, .height = HEIGHT, .n = 3 };

	image.comp[0] = (struct vjpeg_component){ .base = luma,
						  .stride = WIDTH,
						  .step = 1,
						  .width = WIDTH,
						  .height = HEIGHT,
						  .h = 2,
						  .v = (u8)v,
						  .v_average = 1 };
	for (unsigned c = 1; c < 3; c++)
		image.comp[c] = (struct vjpeg_component){ .base = chroma,
							  .stride = WIDTH,
							  .step = 1,
							  .width = (WIDTH + 1) / 2,
							  .height = (HEIGHT + v - 1) / v,
							  .h = 1,
							  .v = 1,
							  .v_average = 1 };
	return image;
}

/* Sum of the squared errors of the luma; libjpeg must not warn. */
static double error_of(const uint8_t *data, size_t size)
{
	struct jpeg_decompress_struct dec;
	struct jpeg_error_mgr errors;
	uint8_t row[WIDTH], *rows[1] = { row };
	double sum = 0;

	dec.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&dec);
	jpeg_mem_src(&dec, data, size);
	jpeg_read_header(&dec, TRUE);
	dec.out_color_space = JCS_GRAYSCALE;
	jpeg_start_decompress(&dec);
	CU_ASSERT_EQUAL_FATAL(dec.output_width, WIDTH);
	CU_ASSERT_EQUAL_FATAL(dec.output_height, HEIGHT);
	for (unsigned y = 0; y < HEIGHT; y++) {
		jpeg_read_scanlines(&dec, rows, 1);
		for (unsigned x = 0; x < WIDTH; x++) {
			double error = row[x] - luma[y * WIDTH + x];

			sum += error * error;
		}
	}
	jpeg_finish_decompress(&dec);
	CU_ASSERT_EQUAL(errors.num_warnings, 0);
	jpeg_destroy_decompress(&dec);
	return sum;
}

static double error_of_libjpeg(unsigned quality)
{
	struct jpeg_compress_struct enc;
	struct jpeg_error_mgr errors;
	unsigned char *data = NULL;
	unsigned long size = 0;
	double error;

	enc.err = jpeg_std_error(&errors);
	jpeg_create_compress(&enc);
	jpeg_mem_dest(&enc, &data, &size);
	enc.image_width = WIDTH;
	enc.image_height = HEIGHT;
	enc.input_components = 1;
	enc.in_color_space = JCS_GRAYSCALE;
	jpeg_set_defaults(&enc);
	jpeg_set_quality(&enc, (int)quality, TRUE);
	jpeg_start_compress(&enc, TRUE);
	for (unsigned y = 0; y < HEIGHT; y++) {
		uint8_t *rows[1] = { luma + y * WIDTH };

		jpeg_write_scanlines(&enc, rows, 1);
	}
	jpeg_finish_compress(&enc);
	jpeg_destroy_compress(&enc);
	error = error_of(data, size);
	free(data);
	return error;
}

static size_t encode(unsigned v, const struct vjpeg_settings *settings, size_t capacity)
{
	static struct vjpeg_encoder encoder;
	struct vjpeg_image image = image_of_frame(v);

	vjpeg_encoder_init(&encoder);
	return vjpeg_encode(&encoder, &image, settings, jpeg, capacity);
}

static void test_it_is_as_good_as_libjpeg_at_every_quality(void)
{
	draw_frame();
	for (unsigned quality = 1; quality <= 100; quality += 3) {
		struct vjpeg_settings settings = { .quality = quality };

		for (unsigned v = 1; v <= 2; v++) {
			size_t size = encode(v, &settings, CAPACITY);

			CU_ASSERT_FATAL(size > 0);
			/* 0.2 dB */
			CU_ASSERT(error_of(jpeg, size) <= 1.05 * error_of_libjpeg(quality));
		}
	}
}

static void test_restart_markers_and_headers_do_not_change_the_picture(void)
{
	struct vjpeg_settings plain = { .quality = 80 };
	double error;

	draw_frame();
	error = error_of(jpeg, encode(2, &plain, CAPACITY));
	for (unsigned restart = 1; restart <= 30; restart += 7)
		for (int header = VJPEG_HEADER_JFIF; header <= VJPEG_HEADER_COMMENT; header++) {
			struct vjpeg_settings settings = { .quality = 80,
							   .restart = restart,
							   .header = (enum vjpeg_header)header };

			CU_ASSERT_EQUAL(error_of(jpeg, encode(2, &settings, CAPACITY)), error);
		}
}

static void test_a_picture_that_does_not_fit_is_refused_and_nothing_is_written_behind_the_end(void)
{
	struct vjpeg_settings settings = { .quality = 90 };
	size_t size;

	draw_frame();
	size = encode(2, &settings, CAPACITY);
	CU_ASSERT_EQUAL(encode(2, &settings, size), size);
	for (size_t capacity = 0; capacity < size; capacity += 1 + size / 50) {
		jpeg[capacity] = 0xa5;
		CU_ASSERT_EQUAL(encode(2, &settings, capacity), 0);
		CU_ASSERT_EQUAL(jpeg[capacity], 0xa5);
	}
}

/* clang-format off */
GLINT_TESTS("vjpeg",
	GLINT_TEST(test_it_is_as_good_as_libjpeg_at_every_quality),
	GLINT_TEST(test_restart_markers_and_headers_do_not_change_the_picture),
	GLINT_TEST(test_a_picture_that_does_not_fit_is_refused_and_nothing_is_written_behind_the_end),
)
