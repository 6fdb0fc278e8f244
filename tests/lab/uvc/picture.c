/* SPDX-License-Identifier: MIT */
/* The camera's picture: vivid's colour bars at 75 %, and a number in the top stripe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "camera.h"

#define LEVEL  191
#define STRIPE 16 /* lines */
#define JPEGS  8

struct rgb {
	uint8_t r, g, b;
};

/* Sixteen bits, the lowest first, in the top stripe; bars below. */
static struct rgb colour(const struct mode *mode, unsigned x, unsigned y, unsigned number)
{
	unsigned bar = x * 8 / mode->width;

	if (y < STRIPE) {
		uint8_t level = number >> (x * 16 / mode->width) & 1 ? 235 : 16;

		return (struct rgb){ level, level, level };
	}
	return (struct rgb){ bar & 2 ? 0 : LEVEL, bar & 4 ? 0 : LEVEL, bar & 1 ? 0 : LEVEL };
}

/* --- YUYV, BT.601, limited range --- */

static uint8_t clip(double value)
{
	return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)(value + 0.5);
}

static void draw_yuyv_line(uint8_t *line, const struct mode *mode, unsigned y, unsigned number)
{
	for (unsigned x = 0; x < mode->width; x++) {
		struct rgb c = colour(mode, x, y, number);

		line[2 * x] = clip(16 + 0.257 * c.r + 0.504 * c.g + 0.098 * c.b);
		line[2 * x + 1] = x % 2 ? clip(128 + 0.439 * c.r - 0.368 * c.g - 0.071 * c.b) :
					  clip(128 - 0.148 * c.r - 0.291 * c.g + 0.439 * c.b);
	}
}

static struct picture make_yuyv(const struct mode *mode, unsigned number)
{
	static uint8_t *pixels;
	static struct mode drawn;
	size_t stride = mode->width * 2u;

	if (drawn.width != mode->width || drawn.height != mode->height) {
		pixels = realloc(pixels, stride * mode->height);
		draw_yuyv_line(pixels + STRIPE * stride, mode, STRIPE, 0);
		for (unsigned y = STRIPE + 1; y < mode->height; y++)
			memcpy(pixels + y * stride, pixels + STRIPE * stride, stride);
		drawn = *mode;
	}
	draw_yuyv_line(pixels, mode, 0, number);
	for (unsigned y = 1; y < STRIPE; y++)
		memcpy(pixels + y * stride, pixels, stride);
	return (struct picture){ pixels, stride * mode->height };
}

/* --- MJPEG --- */

static void encode(struct picture *picture, const struct mode *mode, unsigned number)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	uint8_t *line = malloc(mode->width * 3u), *data = NULL;
	unsigned long size = 0;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &data, &size);
	jpeg.image_width = mode->width;
	jpeg.image_height = mode->height;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_RGB;
	jpeg_set_defaults(&jpeg);
	jpeg_set_quality(&jpeg, 85, TRUE);
	jpeg_start_compress(&jpeg, TRUE);
	while (jpeg.next_scanline < jpeg.image_height) {
		for (unsigned x = 0; x < mode->width; x++) {
			struct rgb c = colour(mode, x, jpeg.next_scanline, number);

			memcpy(line + 3 * x, &c, 3);
		}
		jpeg_write_scanlines(&jpeg, &line, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	free(line);
	*picture = (struct picture){ data, size };
}

static struct picture make_jpeg(const struct mode *mode, unsigned number)
{
	static struct picture cache[JPEGS];
	static struct mode encoded;

	if (encoded.width != mode->width || encoded.height != mode->height) {
		for (unsigned i = 0; i < JPEGS; i++) {
			free((void *)cache[i].data);
			encode(&cache[i], mode, i);
		}
		encoded = *mode;
	}
	return cache[number % JPEGS];
}

struct picture picture_make(const struct mode *mode, unsigned number)
{
	return mode->format == FORMAT_MJPEG ? make_jpeg(mode, number) : make_yuyv(mode, number);
}
