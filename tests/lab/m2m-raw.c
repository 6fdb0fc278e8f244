/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "m2m-raw.h"

static const struct raw_format formats[] = {
	{ "YUYV", RAW_PACKED, 1, 3, 2, 2, 1, { 0, 1, 3 } },
	{ "YVYU", RAW_PACKED, 1, 3, 2, 2, 1, { 0, 3, 1 } },
	{ "UYVY", RAW_PACKED, 1, 3, 2, 2, 1, { 1, 0, 2 } },
	{ "VYUY", RAW_PACKED, 1, 3, 2, 2, 1, { 1, 2, 0 } },
	{ "GREY", RAW_PACKED, 1, 1, 1, 1, 1, { 0 } },
	{ "NV12", RAW_SEMIPLANAR, 1, 3, 1, 2, 2, { 0, 0, 1 } },
	{ "NV21", RAW_SEMIPLANAR, 1, 3, 1, 2, 2, { 0, 1, 0 } },
	{ "NV16", RAW_SEMIPLANAR, 1, 3, 1, 2, 1, { 0, 0, 1 } },
	{ "NV61", RAW_SEMIPLANAR, 1, 3, 1, 2, 1, { 0, 1, 0 } },
	{ "NM12", RAW_SEMIPLANAR, 2, 3, 1, 2, 2, { 0, 0, 1 } },
	{ "NM21", RAW_SEMIPLANAR, 2, 3, 1, 2, 2, { 0, 1, 0 } },
	{ "NM16", RAW_SEMIPLANAR, 2, 3, 1, 2, 1, { 0, 0, 1 } },
	{ "NM61", RAW_SEMIPLANAR, 2, 3, 1, 2, 1, { 0, 1, 0 } },
	{ "YU12", RAW_PLANAR, 1, 3, 1, 2, 2, { 0, 0, 1 } },
	{ "YV12", RAW_PLANAR, 1, 3, 1, 2, 2, { 0, 1, 0 } },
	{ "YM12", RAW_PLANAR, 3, 3, 1, 2, 2, { 0, 0, 1 } },
	{ "RGB3", RAW_RGB, 1, 3, 3, 1, 1, { 0, 1, 2 } },
	{ "BGR3", RAW_RGB, 1, 3, 3, 1, 1, { 2, 1, 0 } },
	{ "AR24", RAW_RGB, 1, 3, 4, 1, 1, { 2, 1, 0 } },
	{ "RGBP", RAW_RGB, 1, 3, 2, 1, 1, { 0 } },
};

const struct raw_format *raw_format_named(const char *name)
{
	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

uint32_t raw_format_fourcc(const struct raw_format *format)
{
	uint32_t fourcc = 0;

	for (unsigned i = 0; i < 4; i++)
		fourcc |= (uint32_t)(uint8_t)format->name[i] << 8 * i;
	return fourcc;
}

/* --- Where a sample lies ------------------------------------------------------ */

static uint8_t *chroma_plane(const struct raw_frame *frame, unsigned which, unsigned stride)
{
	const struct raw_format *format = frame->format;
	uint8_t *behind = frame->plane[0] + (size_t)frame->stride * frame->lines;
	size_t size = (size_t)stride * ((frame->lines + format->v_sub - 1) / format->v_sub);

	if (format->planes > 1)
		return frame->plane[1 + (format->planes > 2 ? which : 0)];
	return behind + (format->kind == RAW_PLANAR ? which * size : 0);
}

/* Component @c of the pixel at @x, @y. */
static uint8_t *sample(const struct raw_frame *frame, unsigned c, unsigned x, unsigned y)
{
	const struct raw_format *format = frame->format;
	unsigned stride = frame->stride, which = format->order[c];

	if (format->kind == RAW_RGB)
		return frame->plane[0] + (size_t)y * stride + x * format->step + which;
	if (format->kind == RAW_PACKED)
		return frame->plane[0] + (size_t)y * stride + which +
		       (c ? x / format->h_sub * 2 * format->step : x * format->step);
	if (!c)
		return frame->plane[0] + (size_t)y * stride + x;
	x /= format->h_sub;
	y /= format->v_sub;
	if (format->kind == RAW_PLANAR) {
		stride /= format->h_sub;
		return chroma_plane(frame, which, stride) + (size_t)y * stride + x;
	}
	return chroma_plane(frame, which, stride) + (size_t)y * stride + 2 * x + which;
}

static bool is_565(const struct raw_format *format)
{
	return format->kind == RAW_RGB && format->step == 2;
}

/* --- Drawing ------------------------------------------------------------------- */

/* Gradients, and squares in the first component; the frame's number shifts all of them. */
static uint8_t drawn(unsigned c, unsigned x, unsigned y, unsigned number)
{
	unsigned square = (x / 40 + y / 30 + number) % 2 * 40;

	switch (c) {
	case 0:
		return (uint8_t)(30 + (x + 3 * number) / 8 % 80 + y / 8 % 80 + square);
	case 1:
		return (uint8_t)(80 + (y + number) / 4 % 90);
	default:
		return (uint8_t)(90 + (x + y + number) / 8 % 80);
	}
}

static void draw_565(const struct raw_frame *frame, unsigned x, unsigned y, unsigned number)
{
	unsigned word = drawn(0, x, y, number) >> 3 << 11 | drawn(1, x, y, number) >> 2 << 5 |
			drawn(2, x, y, number) >> 3;
	uint8_t *p = sample(frame, 0, x, y);

	p[0] = (uint8_t)word;
	p[1] = (uint8_t)(word >> 8);
}

void raw_draw(const struct raw_frame *frame, unsigned number)
{
	for (unsigned y = 0; y < frame->height; y++)
		for (unsigned x = 0; x < frame->width; x++) {
			if (is_565(frame->format)) {
				draw_565(frame, x, y, number);
				continue;
			}
			for (unsigned c = 0; c < frame->format->components; c++)
				*sample(frame, c, x, y) = drawn(c, x, y, number);
		}
}

/* --- Reading back --------------------------------------------------------------- */

static void read_rgb(const struct raw_frame *frame, unsigned x, unsigned y, double rgb[3])
{
	if (is_565(frame->format)) {
		const uint8_t *p = sample(frame, 0, x, y);
		unsigned word = p[0] | (unsigned)p[1] << 8;

		rgb[0] = (word >> 11) * 255 / 31.0;
		rgb[1] = (word >> 5 & 63) * 255 / 63.0;
		rgb[2] = (word & 31) * 255 / 31.0;
		return;
	}
	for (unsigned c = 0; c < 3; c++)
		rgb[c] = *sample(frame, c, x, y);
}

/* JFIF's: BT.601, full range. */
static void rgb_to_ycbcr(const double rgb[3], uint8_t out[3])
{
	double y = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];

	out[0] = (uint8_t)lround(y);
	out[1] = (uint8_t)fmin(lround((rgb[2] - y) / 1.772 + 128), 255);
	out[2] = (uint8_t)fmin(lround((rgb[0] - y) / 1.402 + 128), 255);
}

void raw_read(const struct raw_frame *frame, uint8_t *pixels)
{
	for (unsigned y = 0; y < frame->height; y++)
		for (unsigned x = 0; x < frame->width; x++, pixels += 3) {
			double rgb[3];

			if (frame->format->kind == RAW_RGB) {
				read_rgb(frame, x, y, rgb);
				rgb_to_ycbcr(rgb, pixels);
				continue;
			}
			for (unsigned c = 0; c < 3; c++)
				pixels[c] = c < frame->format->components ?
						    *sample(frame, c, x, y) :
						    128;
		}
}
