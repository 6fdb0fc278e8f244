/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <stdbool.h>
#include <stddef.h>

const char *const emu_scene_names[EMU_SCENES] = { "busy", "photo", "ui" };

/* A pseudo-random number for a position. */
static uint32_t hash(uint32_t x, uint32_t y, uint32_t salt)
{
	uint32_t h = x * 0x9e3779b1u ^ y * 0x85ebca6bu ^ salt * 0xc2b2ae35u;

	h = (h ^ h >> 15) * 0x2c1b3c6du;
	h = (h ^ h >> 12) * 0x297a2d39u;
	return h ^ h >> 15;
}

static uint8_t limited(int value, int top)
{
	return (uint8_t)(value < 16 ? 16 : value > top ? top : value);
}

/* The sum of four numbers is close to a normal distribution. @sigma is in tenths. */
static int noise(uint32_t x, uint32_t y, uint32_t salt, int sigma)
{
	uint32_t h = hash(x, y, salt);
	int sum = (int)(h & 255) + (int)(h >> 8 & 255) + (int)(h >> 16 & 255) + (int)(h >> 24);

	return (sum - 510) * sigma / 1480;
}

/* Glyphs use five of six columns and eleven of sixteen lines of a cell. */
static bool is_ink(uint32_t x, uint32_t y)
{
	uint32_t column = x % 9, line = y % 18;

	if (column > 6 || line < 3 || line > 14 || hash(x / 9, y / 18, 7) % 6 == 0)
		return false;
	return hash(x / 9 * 4 + column / 2, y / 18 * 8 + line / 2, 9) % 5 < 2;
}

static void busy_pixel(uint32_t x, uint32_t y, uint8_t out[3])
{
	uint32_t panel = hash(x / 240, y / 180, 1);

	/* Three of eight windows of 240 by 180. */
	if ((x / 240 + y / 180 * 3) % 8 < 3) {
		out[0] = hash(x / 2, y, 3) % 4 == 0 ? 108 : 200;
		out[1] = 124;
		out[2] = 130;
		return;
	}
	out[0] = (uint8_t)(60 + panel % 140);
	out[1] = (uint8_t)(110 + panel / 256 % 36);
	out[2] = (uint8_t)(110 + panel / 65536 % 36);
}

static void photo_pixel(uint32_t x, uint32_t y, uint8_t out[3])
{
	out[0] = limited((int)(40 + x / 16 + y / 20) + noise(x, y, 1, 64), 235);
	out[1] = limited((int)(100 + x / 60) + noise(x, y, 2, 40), 240);
	out[2] = limited((int)(150 - y / 40) + noise(x, y, 3, 40), 240);
}

static void ui_pixel(uint32_t x, uint32_t y, uint8_t out[3])
{
	uint32_t window = hash(x / 480, y / 360, 5), line = y % 360, column = x % 480;

	out[1] = (uint8_t)(120 + window / 256 % 16);
	out[2] = (uint8_t)(120 + window / 65536 % 16);
	out[0] = 225;
	if (line < 26)
		out[0] = 90;
	else if (column < 6 || column > 473 || line > 353)
		out[0] = 150;
	else if (line > 40 && line < 184 && column > 20 && column < 200 + window % 100 &&
		 line / 18 % 2 == 0 && is_ink(x, y))
		out[0] = 35;
}

void emu_scene_pixel(enum emu_scene scene, uint32_t x, uint32_t y, uint8_t out[3])
{
	if (scene == EMU_BUSY)
		busy_pixel(x, y, out);
	else if (scene == EMU_PHOTO)
		photo_pixel(x, y, out);
	else
		ui_pixel(x, y, out);
}

void emu_scene_yuyv(enum emu_scene scene, uint32_t width, uint32_t height, uint8_t *out)
{
	uint8_t pixel[3];

	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++, out += 2) {
			emu_scene_pixel(scene, x, y, pixel);
			out[0] = pixel[0];
			out[1] = pixel[1 + x % 2];
		}
}

void emu_scene_nv12(enum emu_scene scene, uint32_t width, uint32_t height, uint8_t *out)
{
	uint8_t pixel[3];

	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++) {
			emu_scene_pixel(scene, x, y, pixel);
			out[(size_t)y * width + x] = pixel[0];
			if (y % 2 == 0)
				out[(size_t)(height + y / 2) * width + x] = pixel[1 + x % 2];
		}
}

static uint8_t clamped(int value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void emu_scene_rgb24(enum emu_scene scene, uint32_t width, uint32_t height, uint8_t *out)
{
	uint8_t pixel[3];

	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++, out += 3) {
			int luma, cb, cr;

			emu_scene_pixel(scene, x, y, pixel);
			luma = 298 * (pixel[0] - 16);
			cb = pixel[1] - 128;
			cr = pixel[2] - 128;
			out[0] = clamped((luma + 409 * cr + 128) >> 8);
			out[1] = clamped((luma - 100 * cb - 208 * cr + 128) >> 8);
			out[2] = clamped((luma + 516 * cb + 128) >> 8);
		}
}
