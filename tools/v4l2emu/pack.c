/* SPDX-License-Identifier: MIT */
/*
 * Formats that no canvas has. A picture is drawn in a format with the same samples, and each frame is
 * packed. The lowest bits of samples of more than eight bits are noise: a reader of eight bits must
 * ignore them.
 */
#include <assert.h>
#include <linux/videodev2.h>
#include <stddef.h>

#include "base/macros.h"
#include "picture.h"

/* Newer than the oldest headers. */
#define FOURCC_P010 v4l2_fourcc('P', '0', '1', '0')
#define FOURCC_Y210 v4l2_fourcc('Y', '2', '1', '0')

static void pack_words(const struct glint_canvas *drawn, uint8_t *out);
static void pack_nv16(const struct glint_canvas *drawn, uint8_t *out);
static void pack_nv24(const struct glint_canvas *drawn, uint8_t *out);
static void pack_bayer8(const struct glint_canvas *drawn, uint8_t *out);
static void pack_bayer10(const struct glint_canvas *drawn, uint8_t *out);
static void pack_bayer12(const struct glint_canvas *drawn, uint8_t *out);

static const struct packing {
	uint32_t fourcc, drawn;
	uint32_t line_bits, frame_bits; /* for each pixel, of the first plane and of all */
	void (*pack)(const struct glint_canvas *drawn, uint8_t *out);
} packings[] = {
	{ FOURCC_P010, V4L2_PIX_FMT_NV12, 16, 24, pack_words },
	{ FOURCC_Y210, V4L2_PIX_FMT_YUYV, 32, 32, pack_words },
	{ V4L2_PIX_FMT_NV16, V4L2_PIX_FMT_YUYV, 8, 16, pack_nv16 },
	{ V4L2_PIX_FMT_NV24, V4L2_PIX_FMT_RGB24, 8, 24, pack_nv24 },
	{ V4L2_PIX_FMT_SRGGB8, V4L2_PIX_FMT_RGB24, 8, 8, pack_bayer8 },
	{ V4L2_PIX_FMT_SRGGB10P, V4L2_PIX_FMT_RGB24, 10, 10, pack_bayer10 },
	{ V4L2_PIX_FMT_SRGGB12P, V4L2_PIX_FMT_RGB24, 12, 12, pack_bayer12 },
};

static const struct packing *packing_of(uint32_t fourcc)
{
	for (size_t i = 0; i < ARRAY_SIZE(packings); i++)
		if (packings[i].fourcc == fourcc)
			return &packings[i];
	return NULL;
}

static uint8_t noise(size_t place)
{
	return (uint8_t)((uint32_t)place * 0x9e3779b1u >> 24);
}

/* Words of which the highest ten bits count, little-endian. */
static void pack_words(const struct glint_canvas *drawn, uint8_t *out)
{
	size_t samples = glint_canvas_size(drawn->fourcc, drawn->width, drawn->height);

	for (size_t i = 0; i < samples; i++) {
		out[2 * i] = noise(i) & 0xc0;
		out[2 * i + 1] = drawn->base[i];
	}
}

static void pack_nv16(const struct glint_canvas *drawn, uint8_t *out)
{
	size_t pixels = (size_t)drawn->width * drawn->height;

	for (size_t i = 0; i < pixels; i++) {
		out[i] = drawn->base[2 * i];
		out[pixels + i] = drawn->base[2 * i + 1];
	}
}

static uint8_t clamped(int value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* BT.601 in full range, the weights times 256. */
static void pack_nv24(const struct glint_canvas *drawn, uint8_t *out)
{
	size_t pixels = (size_t)drawn->width * drawn->height;

	for (size_t i = 0; i < pixels; i++) {
		const uint8_t *rgb = drawn->base + 3 * i;
		int r = rgb[0], g = rgb[1], b = rgb[2];

		out[i] = clamped((77 * r + 150 * g + 29 * b + 128) / 256);
		out[pixels + 2 * i] = clamped(128 + (-43 * r - 85 * g + 128 * b) / 256);
		out[pixels + 2 * i + 1] = clamped(128 + (128 * r - 107 * g - 21 * b) / 256);
	}
}

/* --- Bayer --------------------------------------------------------------------------------- */

/* Each pixel keeps one colour: red and green, and in the next line green and blue. */
static uint8_t bayer_sample(const struct glint_canvas *drawn, size_t pixel)
{
	size_t x = pixel % drawn->width, y = pixel / drawn->width;

	return drawn->base[3 * pixel + x % 2 + y % 2];
}

static void pack_bayer8(const struct glint_canvas *drawn, uint8_t *out)
{
	for (size_t i = 0, pixels = (size_t)drawn->width * drawn->height; i < pixels; i++)
		out[i] = bayer_sample(drawn, i);
}

/* The highest bits of four pixels, and the lowest two of each. */
static void pack_bayer10(const struct glint_canvas *drawn, uint8_t *out)
{
	for (size_t i = 0, pixels = (size_t)drawn->width * drawn->height; i < pixels; i += 4) {
		for (unsigned k = 0; k < 4; k++)
			*out++ = bayer_sample(drawn, i + k);
		*out++ = noise(i);
	}
}

/* The highest bits of two pixels, and the lowest four of each. */
static void pack_bayer12(const struct glint_canvas *drawn, uint8_t *out)
{
	for (size_t i = 0, pixels = (size_t)drawn->width * drawn->height; i < pixels; i += 2) {
		for (unsigned k = 0; k < 2; k++)
			*out++ = bayer_sample(drawn, i + k);
		*out++ = noise(i);
	}
}

/* --- Use ----------------------------------------------------------------------------------- */

uint32_t emu_pack_drawn(uint32_t fourcc)
{
	const struct packing *packing = packing_of(fourcc);

	return packing ? packing->drawn : 0;
}

uint32_t emu_pack_stride(uint32_t fourcc, uint32_t width)
{
	const struct packing *packing = packing_of(fourcc);

	return packing ? width * packing->line_bits / 8 : 0;
}

size_t emu_pack_size(uint32_t fourcc, uint32_t width, uint32_t height)
{
	const struct packing *packing = packing_of(fourcc);

	return packing ? (size_t)width * height * packing->frame_bits / 8 : 0;
}

void emu_pack(uint32_t fourcc, const struct glint_canvas *drawn, uint8_t *out)
{
	const struct packing *packing = packing_of(fourcc);

	assert(packing && packing->drawn == drawn->fourcc);
	packing->pack(drawn, out);
}
