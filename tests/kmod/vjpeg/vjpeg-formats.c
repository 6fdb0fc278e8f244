// SPDX-License-Identifier: GPL-2.0-only
/* The layout of raw buffers, and their sizes in each family. */
#include <linux/align.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/videodev2.h>

#include "vjpeg.h"

static const struct vjpeg_format formats[] = {
	{ V4L2_PIX_FMT_YUYV, VJPEG_LAYOUT_PACKED, 1, 2, 2, 1, { 0, 1, 3 } },
	{ V4L2_PIX_FMT_YVYU, VJPEG_LAYOUT_PACKED, 1, 2, 2, 1, { 0, 3, 1 } },
	{ V4L2_PIX_FMT_UYVY, VJPEG_LAYOUT_PACKED, 1, 2, 2, 1, { 1, 0, 2 } },
	{ V4L2_PIX_FMT_VYUY, VJPEG_LAYOUT_PACKED, 1, 2, 2, 1, { 1, 2, 0 } },
	{ V4L2_PIX_FMT_NV12, VJPEG_LAYOUT_SEMIPLANAR, 1, 1, 2, 2, { 0, 0, 1 } },
	{ V4L2_PIX_FMT_NV21, VJPEG_LAYOUT_SEMIPLANAR, 1, 1, 2, 2, { 0, 1, 0 } },
	{ V4L2_PIX_FMT_NV16, VJPEG_LAYOUT_SEMIPLANAR, 1, 1, 2, 1, { 0, 0, 1 } },
	{ V4L2_PIX_FMT_NV61, VJPEG_LAYOUT_SEMIPLANAR, 1, 1, 2, 1, { 0, 1, 0 } },
	{ V4L2_PIX_FMT_NV12M, VJPEG_LAYOUT_SEMIPLANAR, 2, 1, 2, 2, { 0, 0, 1 } },
	{ V4L2_PIX_FMT_NV21M, VJPEG_LAYOUT_SEMIPLANAR, 2, 1, 2, 2, { 0, 1, 0 } },
	{ V4L2_PIX_FMT_NV16M, VJPEG_LAYOUT_SEMIPLANAR, 2, 1, 2, 1, { 0, 0, 1 } },
	{ V4L2_PIX_FMT_NV61M, VJPEG_LAYOUT_SEMIPLANAR, 2, 1, 2, 1, { 0, 1, 0 } },
	{ V4L2_PIX_FMT_YUV420, VJPEG_LAYOUT_PLANAR, 1, 1, 2, 2, { 0, 0, 1 } },
	{ V4L2_PIX_FMT_YVU420, VJPEG_LAYOUT_PLANAR, 1, 1, 2, 2, { 0, 1, 0 } },
	{ V4L2_PIX_FMT_YUV420M, VJPEG_LAYOUT_PLANAR, 3, 1, 2, 2, { 0, 0, 1 } },
	{ V4L2_PIX_FMT_GREY, VJPEG_LAYOUT_GREY, 1, 1, 1, 1, { 0 } },
	{ V4L2_PIX_FMT_BGR24, VJPEG_LAYOUT_RGB, 1, 3, 1, 1, { 2, 1, 0 } },
	{ V4L2_PIX_FMT_RGB24, VJPEG_LAYOUT_RGB, 1, 3, 1, 1, { 0, 1, 2 } },
	{ V4L2_PIX_FMT_ABGR32, VJPEG_LAYOUT_RGB, 1, 4, 1, 1, { 2, 1, 0 } },
	{ V4L2_PIX_FMT_RGB565, VJPEG_LAYOUT_RGB, 1, 2, 1, 1, { 0 } },
};

const struct vjpeg_format *vjpeg_format_find(u32 fourcc)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].fourcc == fourcc)
			return &formats[i];
	return NULL;
}

const struct vjpeg_format *vjpeg_format_named(const char *name, size_t length)
{
	if (length != 4)
		return NULL;
	return vjpeg_format_find(v4l2_fourcc(name[0], name[1], name[2], name[3]));
}

/* --- Sizes -------------------------------------------------------------------- */

static u32 chroma_stride(const struct vjpeg_format *format, u32 stride)
{
	return format->layout == VJPEG_LAYOUT_PLANAR ? stride / format->h_sub : stride;
}

static u32 chroma_lines(const struct vjpeg_format *format, u32 height)
{
	return DIV_ROUND_UP(height, format->v_sub);
}

static u32 plane_stride(const struct vjpeg_quirks *quirks, const struct vjpeg_format *format,
			u32 width, u32 wished)
{
	u32 least = ALIGN(width * format->bytes, quirks->align_stride);
	u32 most = ALIGN(VJPEG_SIZE_MAX * format->bytes, quirks->align_stride);

	return clamp(ALIGN(wished, quirks->align_stride), least, most);
}

/* Plane 0 includes chroma that follows the luma. */
static u32 plane_bytes(const struct vjpeg_format *format, const struct vjpeg_queue *queue, u32 plane)
{
	u32 luma = queue->stride[0] * queue->height;
	u32 chroma = chroma_stride(format, queue->stride[0]) * chroma_lines(format, queue->height);
	u32 n_chroma = format->layout == VJPEG_LAYOUT_PLANAR ? 2 :
		       format->layout == VJPEG_LAYOUT_SEMIPLANAR ? 1 : 0;

	if (plane > 0)
		return chroma;
	return format->mem_planes > 1 ? luma : luma + n_chroma * chroma;
}

static void layout_raw(const struct vjpeg_quirks *quirks, struct vjpeg_queue *queue,
		       const struct vjpeg_format *format, const u32 *wished_stride,
		       const u32 *wished_size)
{
	queue->n_planes = format->mem_planes;
	queue->stride[0] = plane_stride(quirks, format, queue->width, wished_stride[0]);
	for (u32 p = 1; p < queue->n_planes; p++)
		queue->stride[p] = chroma_stride(format, queue->stride[0]);
	for (u32 p = 0; p < queue->n_planes; p++) {
		u32 least = plane_bytes(format, queue, p) + quirks->extra_size;

		queue->size[p] = clamp(wished_size[p], least, 2 * least);
	}
}

/* As large as the raw frame: noise at quality 100 fits. */
static void layout_jpeg(const struct vjpeg_quirks *quirks, struct vjpeg_queue *queue,
			const u32 *wished_size)
{
	u32 least = ALIGN(queue->width * queue->height * 2 + 1024, quirks->align_size);

	queue->n_planes = 1;
	queue->stride[0] = 0;
	queue->size[0] = clamp(ALIGN(wished_size[0], quirks->align_size), least, 2 * least);
}

void vjpeg_format_layout(const struct vjpeg_quirks *quirks, struct vjpeg_queue *queue,
			 const struct vjpeg_format *format, u32 width, u32 height,
			 const u32 *wished_stride, const u32 *wished_size)
{
	queue->format = format;
	width = clamp(width, quirks->min_w, quirks->max_w);
	height = clamp(height, quirks->min_h, quirks->max_h);
	if (!format) {
		queue->width = width;
		queue->height = height;
		layout_jpeg(quirks, queue, wished_size);
		return;
	}
	queue->width = roundup(width, quirks->align_w);
	queue->height = roundup(height, quirks->align_h);
	layout_raw(quirks, queue, format, wished_stride, wished_size);
}

/* --- Where the samples are ---------------------------------------------------- */

/*
 * Chroma of the JPEG: 4:2:0, or 4:2:2 when requested and present in the source. A 4:2:2
 * source becomes 4:2:0 by averaging two of its lines.
 */
static void set_sampling(struct vjpeg_image *image, const struct vjpeg_format *format,
			 bool chroma_422)
{
	bool halve = format->v_sub == 1 && !chroma_422;

	image->comp[0].h = 2;
	image->comp[0].v = halve || format->v_sub == 2 ? 2 : 1;
	for (unsigned int c = 1; c < 3; c++) {
		image->comp[c].h = 1;
		image->comp[c].v = 1;
		image->comp[c].v_average = halve ? 2 : 1;
	}
}

static void set_component(struct vjpeg_component *comp, const u8 *base, u32 stride, u32 step,
			  u32 width, u32 height)
{
	comp->base = base;
	comp->stride = stride;
	comp->step = step;
	comp->width = width;
	comp->height = height;
	comp->v_average = 1;
}

static void image_packed(const struct vjpeg_queue *raw, const u8 *base, struct vjpeg_image *image)
{
	const u8 *order = raw->format->order;

	set_component(&image->comp[0], base + order[0], raw->stride[0], 2, image->width,
		      image->height);
	for (unsigned int c = 1; c < 3; c++)
		set_component(&image->comp[c], base + order[c], raw->stride[0], 4,
			      DIV_ROUND_UP(image->width, 2), image->height);
}

static void image_planes(const struct vjpeg_queue *raw, const u8 *const planes[VJPEG_PLANES_MAX],
			 const struct v4l2_rect *crop, struct vjpeg_image *image)
{
	const struct vjpeg_format *format = raw->format;
	bool planar = format->layout == VJPEG_LAYOUT_PLANAR;
	u32 stride = chroma_stride(format, raw->stride[0]);
	u32 plane_size = stride * chroma_lines(format, raw->height);
	u32 step = planar ? 1 : 2;
	const u8 *chroma = format->mem_planes > 1 ? planes[1] :
						    planes[0] + raw->stride[0] * raw->height;

	set_component(&image->comp[0], planes[0] + crop->top * raw->stride[0] + crop->left,
		      raw->stride[0], 1, image->width, image->height);
	chroma += crop->top / format->v_sub * stride + crop->left / format->h_sub * step;
	for (unsigned int c = 1; c < 3; c++) {
		const u8 *base = format->mem_planes == 3 ? planes[format->order[c] + 1] :
				 chroma + format->order[c] * (planar ? plane_size : 1);

		set_component(&image->comp[c], base, stride, step,
			      DIV_ROUND_UP(image->width, format->h_sub),
			      DIV_ROUND_UP(image->height, format->v_sub));
	}
}

static void read_rgb(const struct vjpeg_format *format, const u8 *p, int rgb[3])
{
	if (format->fourcc == V4L2_PIX_FMT_RGB565) {
		unsigned int word = p[0] | p[1] << 8;

		rgb[0] = (word >> 11) * 255 / 31;
		rgb[1] = (word >> 5 & 63) * 255 / 63;
		rgb[2] = (word & 31) * 255 / 31;
		return;
	}
	for (unsigned int i = 0; i < 3; i++)
		rgb[i] = p[format->order[i]];
}

/* JFIF's matrix (BT.601, full range), 16 bits of fraction. */
static void rgb_to_ycbcr(const int rgb[3], u8 *y, u8 *cb, u8 *cr)
{
	*y = (19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16;
	*cb = min((-11059 * rgb[0] - 21709 * rgb[1] + 32768 * rgb[2] + (128 << 16) + 32768) >> 16, 255);
	*cr = min((32768 * rgb[0] - 27439 * rgb[1] - 5329 * rgb[2] + (128 << 16) + 32768) >> 16, 255);
}

/* Three full planes in @scratch; the chroma is taken from every other pixel. */
static void image_rgb(const struct vjpeg_queue *raw, const u8 *base, u8 *scratch,
		      struct vjpeg_image *image)
{
	size_t plane = (size_t)raw->width * raw->height;
	int rgb[3];

	for (u32 y = 0; y < image->height; y++)
		for (u32 x = 0; x < image->width; x++) {
			u8 *out = scratch + (size_t)y * raw->width + x;

			read_rgb(raw->format, base + y * raw->stride[0] + x * raw->format->bytes, rgb);
			rgb_to_ycbcr(rgb, out, out + plane, out + 2 * plane);
		}
	set_component(&image->comp[0], scratch, raw->width, 1, image->width, image->height);
	for (unsigned int c = 1; c < 3; c++)
		set_component(&image->comp[c], scratch + c * plane, raw->width, 2,
			      DIV_ROUND_UP(image->width, 2), image->height);
}

size_t vjpeg_format_scratch(const struct vjpeg_queue *raw)
{
	return raw->format->layout == VJPEG_LAYOUT_RGB ? (size_t)raw->width * raw->height * 3 : 0;
}

void vjpeg_format_image(const struct vjpeg_queue *raw, const u8 *const planes[VJPEG_PLANES_MAX],
			const struct v4l2_rect *crop, bool chroma_422, u8 *scratch,
			struct vjpeg_image *image)
{
	const struct vjpeg_format *format = raw->format;
	const u8 *first = planes[0] + crop->top * raw->stride[0] + crop->left * format->bytes;

	image->width = crop->width;
	image->height = crop->height;
	image->n = 3;
	switch (format->layout) {
	case VJPEG_LAYOUT_PACKED:
		image_packed(raw, first, image);
		break;
	case VJPEG_LAYOUT_SEMIPLANAR:
	case VJPEG_LAYOUT_PLANAR:
		image_planes(raw, planes, crop, image);
		break;
	case VJPEG_LAYOUT_RGB:
		image_rgb(raw, first, scratch, image);
		break;
	case VJPEG_LAYOUT_GREY:
		image->n = 1;
		set_component(&image->comp[0], first, raw->stride[0], 1, image->width, image->height);
		image->comp[0].h = 1;
		image->comp[0].v = 1;
		return;
	}
	set_sampling(image, format, chroma_422);
}
