/* SPDX-License-Identifier: MIT */
#include "pattern/canvas.h"

#include <assert.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/font.h"
#include "base/macros.h"

/* One plane: where it begins, and how many of its bytes two pixels take. */
struct plane {
	size_t offset, stride;
	uint32_t bytes_of_two, v_sub;
};

static unsigned canvas_planes(const struct glint_canvas *canvas, struct plane planes[static 3])
{
	size_t width = canvas->width, luma = width * canvas->height;

	assert(width % 2 == 0 && canvas->height % 2 == 0);

	switch (canvas->fourcc) {
	case V4L2_PIX_FMT_YUYV:
	case V4L2_PIX_FMT_UYVY:
		planes[0] = (struct plane){ 0, 2 * width, 4, 1 };
		return 1;
	case V4L2_PIX_FMT_RGB24:
		planes[0] = (struct plane){ 0, 3 * width, 6, 1 };
		return 1;
	case V4L2_PIX_FMT_GREY:
		planes[0] = (struct plane){ 0, width, 2, 1 };
		return 1;
	case V4L2_PIX_FMT_NV12:
		planes[0] = (struct plane){ 0, width, 2, 1 };
		planes[1] = (struct plane){ luma, width, 2, 2 };
		return 2;
	case V4L2_PIX_FMT_YUV420:
		planes[0] = (struct plane){ 0, width, 2, 1 };
		planes[1] = (struct plane){ luma, width / 2, 1, 2 };
		planes[2] = (struct plane){ luma + luma / 4, width / 2, 1, 2 };
		return 3;
	default:
		return 0;
	}
}

bool glint_canvas_knows(uint32_t fourcc)
{
	struct glint_canvas canvas = { .fourcc = fourcc };
	struct plane planes[3];

	return canvas_planes(&canvas, planes) > 0;
}

uint32_t glint_canvas_stride(uint32_t fourcc, uint32_t width)
{
	struct glint_canvas canvas = { .fourcc = fourcc, .width = width };
	struct plane planes[3] = { 0 };

	canvas_planes(&canvas, planes);
	return (uint32_t)planes[0].stride;
}

size_t glint_canvas_size(uint32_t fourcc, uint32_t width, uint32_t height)
{
	struct glint_canvas canvas = { .fourcc = fourcc, .width = width, .height = height };
	struct plane planes[3];
	size_t size = 0;

	for (unsigned i = 0, n = canvas_planes(&canvas, planes); i < n; i++)
		size += planes[i].stride * (height / planes[i].v_sub);
	return size;
}

static struct glint_rect rect_cut(const struct glint_canvas *canvas, struct glint_rect rect)
{
	assert((rect.x | rect.y | rect.width | rect.height) % 2 == 0);

	rect.x = MIN(rect.x, canvas->width);
	rect.y = MIN(rect.y, canvas->height);
	rect.width = MIN(rect.width, canvas->width - rect.x);
	rect.height = MIN(rect.height, canvas->height - rect.y);
	return rect;
}

static uint8_t clamp(int value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Write the bytes of two pixels in plane @index. */
static void colour_bytes(uint32_t fourcc, unsigned index, struct glint_colour c, uint8_t bytes[6])
{
	int cb = c.cb - 128, cr = c.cr - 128;
	uint8_t r = clamp(c.y + 359 * cr / 256), b = clamp(c.y + 454 * cb / 256);
	uint8_t g = clamp(c.y - (88 * cb + 183 * cr) / 256);

	switch (fourcc) {
	case V4L2_PIX_FMT_YUYV:
		memcpy(bytes, (uint8_t[]){ c.y, c.cb, c.y, c.cr }, 4);
		break;
	case V4L2_PIX_FMT_UYVY:
		memcpy(bytes, (uint8_t[]){ c.cb, c.y, c.cr, c.y }, 4);
		break;
	case V4L2_PIX_FMT_RGB24:
		memcpy(bytes, (uint8_t[]){ r, g, b, r, g, b }, 6);
		break;
	case V4L2_PIX_FMT_NV12:
		memcpy(bytes, index == 0 ? (uint8_t[]){ c.y, c.y } : (uint8_t[]){ c.cb, c.cr }, 2);
		break;
	default:
		bytes[0] = bytes[1] = index == 0 ? c.y : index == 1 ? c.cb : c.cr;
	}
}

static void fill_plane(uint8_t *first, size_t stride, uint32_t lines, size_t line,
		       const uint8_t *bytes, uint32_t unit)
{
	if (lines == 0 || line == 0)
		return;
	for (size_t at = 0; at < line; at += unit)
		memcpy(first + at, bytes, unit);
	for (uint32_t y = 1; y < lines; y++)
		memcpy(first + y * stride, first, line);
}

void glint_canvas_fill(const struct glint_canvas *canvas, struct glint_rect rect,
		       struct glint_colour colour)
{
	struct plane planes[3];
	uint8_t bytes[6];

	rect = rect_cut(canvas, rect);
	for (unsigned i = 0, n = canvas_planes(canvas, planes); i < n; i++) {
		const struct plane *plane = &planes[i];
		uint8_t *first = canvas->base + plane->offset +
				 rect.y / plane->v_sub * plane->stride +
				 rect.x / 2 * (size_t)plane->bytes_of_two;

		colour_bytes(canvas->fourcc, i, colour, bytes);
		fill_plane(first, plane->stride, rect.height / plane->v_sub,
			   rect.width / 2 * (size_t)plane->bytes_of_two, bytes,
			   plane->bytes_of_two);
	}
}

void glint_canvas_copy(const struct glint_canvas *to, const struct glint_canvas *from,
		       struct glint_rect rect)
{
	struct plane planes[3];

	assert(to->fourcc == from->fourcc && to->width == from->width &&
	       to->height == from->height);

	rect = rect_cut(to, rect);
	for (unsigned i = 0, n = canvas_planes(to, planes); i < n; i++) {
		const struct plane *plane = &planes[i];
		size_t at = plane->offset + rect.y / plane->v_sub * plane->stride +
			    rect.x / 2 * (size_t)plane->bytes_of_two;
		size_t line = rect.width / 2 * (size_t)plane->bytes_of_two;

		for (uint32_t y = 0; y < rect.height / plane->v_sub; y++)
			memcpy(to->base + at + y * plane->stride,
			       from->base + at + y * plane->stride, line);
	}
}

static void canvas_glyph(const struct glint_canvas *canvas, uint32_t x, uint32_t y, uint32_t scale,
			 char c, struct glint_colour ink)
{
	for (unsigned row = 0; row < GLINT_FONT_HEIGHT; row++) {
		unsigned from = 0, to;

		while (from < GLINT_FONT_WIDTH) {
			for (to = from; to < GLINT_FONT_WIDTH && glint_font_cell(c, to, row); to++)
				;
			if (to > from)
				glint_canvas_fill(canvas,
						  (struct glint_rect){ x + from * scale,
								       y + row * scale,
								       (to - from) * scale, scale },
						  ink);
			from = to + 1;
		}
	}
}

void glint_canvas_text(const struct glint_canvas *canvas, uint32_t x, uint32_t y, uint32_t scale,
		       const char *text, struct glint_colour ink, struct glint_colour paper)
{
	uint32_t advance = GLINT_FONT_ADVANCE * scale;

	for (; *text && x + advance <= canvas->width; text++, x += advance) {
		glint_canvas_fill(canvas,
				  (struct glint_rect){ x, y, advance, GLINT_FONT_HEIGHT * scale },
				  paper);
		canvas_glyph(canvas, x, y, scale, *text, ink);
	}
}
