/* SPDX-License-Identifier: MIT */
/* Where the components of a format lie in its planes, and whether the driver's sizes have room for them. */
#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "v4l2/format.h"

#define WIDTH_MAX 15360
#define HEIGHT_MAX 8640
#define PLANE_SIZE_MAX (1u << 30)	/* twice the largest RGB32 frame */

static uint32_t divide_up(uint32_t value, uint32_t by)
{
	return (value + by - 1) / by;
}

static unsigned format_components(const struct glint_format_info *info)
{
	switch (info->layout) {
	case GLINT_LAYOUT_PLANAR:
		return 3;
	case GLINT_LAYOUT_SEMIPLANAR:
		return 2;
	case GLINT_LAYOUT_PACKED_YUV:
	case GLINT_LAYOUT_GREY:
	case GLINT_LAYOUT_RGB:
	case GLINT_LAYOUT_RGB565:
		return 1;
	case GLINT_LAYOUT_OTHER:
		return info->becomes ? 1 : 0;
	default:
		return 0;
	}
}

/*
 * A component as a rectangle of bytes, in the order of memory: for planar formats
 * with Cr first, number 1 is Cr.
 */
struct extent {
	unsigned plane;		/* memory plane */
	uint64_t offset;	/* in that plane */
	uint64_t stride;
	uint32_t line;		/* bytes that carry pixels */
	uint32_t height;
};

static uint64_t extent_end(const struct extent *extent)
{
	return extent->offset + extent->stride * (extent->height - 1) + extent->line;
}

static uint32_t luma_line(const struct glint_format *format)
{
	const struct glint_format_info *info = format->info;

	/* An odd width still stores the whole last pair of pixels. */
	if (info->layout == GLINT_LAYOUT_PACKED_YUV)
		return divide_up(format->width, 2) * 4;
	if (info->layout == GLINT_LAYOUT_OTHER)
		return divide_up(format->width * info->bits_per_pixel, 8);
	return format->width * info->bytes_per_pixel;
}

/* Chroma lines in the luma plane have the luma lines' padding, in proportion. */
static uint64_t chroma_stride(const struct glint_format *format, unsigned plane)
{
	const struct glint_format_info *info = format->info;

	if (info->mem_planes > 1)
		return format->stride[plane];
	if (info->layout == GLINT_LAYOUT_SEMIPLANAR)
		return (uint64_t)format->stride[0] * 2 / info->h_sub;
	return format->stride[0] / info->h_sub;
}

static struct extent format_extent(const struct glint_format *format, unsigned component)
{
	const struct glint_format_info *info = format->info;
	struct extent extent = { 0 };

	extent.stride = format->stride[0];
	extent.line = luma_line(format);
	extent.height = format->height;
	if (info->in_blocks) {
		extent.stride = extent.line *= extent.height;
		extent.height = 1;
	}
	if (component == 0)
		return extent;

	extent.plane = info->mem_planes > 1 ? component : 0;
	extent.stride = chroma_stride(format, extent.plane);
	extent.line = divide_up(format->width, info->h_sub);
	if (info->layout == GLINT_LAYOUT_SEMIPLANAR)
		extent.line *= 2;
	extent.height = divide_up(format->height, info->v_sub);
	if (extent.plane == 0)
		extent.offset = (uint64_t)format->stride[0] * format->height +
				extent.stride * extent.height * (component - 1);
	return extent;
}

size_t glint_format_min_size(const struct glint_format *format, unsigned plane)
{
	uint64_t end = 0;

	assert(plane < GLINT_DMABUF_PLANES);

	for (unsigned i = 0; i < format_components(format->info); i++) {
		struct extent extent = format_extent(format, i);

		if (extent.plane == plane)
			end = MAX(end, extent_end(&extent));
	}
	return end;
}

struct glint_lines glint_format_lines(const struct glint_format *format)
{
	struct extent extent = format_extent(format, 0);

	assert(format->info->becomes);

	return (struct glint_lines){
		.bytes = extent.line,
		.stride = (uint32_t)extent.stride,
		.count = extent.height,
	};
}

static bool plane_fits(const struct glint_format *format, unsigned plane)
{
	uint32_t size = format->size[plane];

	return size > 0 && size <= PLANE_SIZE_MAX && size >= glint_format_min_size(format, plane);
}

/* libv4lconvert writes whole blocks, and reads the neighbours of a Bayer pixel. */
static bool size_is_convertible(const struct glint_format *format)
{
	if (format->info->in_blocks)
		return format->width % 16 == 0 && format->height % 8 == 0;
	return format->width >= 8 && format->height >= 4 &&
	       format->width * format->info->bits_per_pixel % 8 == 0;
}

int glint_format_check(const struct glint_format *format)
{
	if (format->width < 1 || format->width > WIDTH_MAX || format->height < 1 ||
	    format->height > HEIGHT_MAX)
		return -EPROTO;
	if (format->info->becomes && !size_is_convertible(format))
		return -EPROTO;
	if (format->n_planes != format->info->mem_planes)
		return -EPROTO;
	for (unsigned i = 0; i < format_components(format->info); i++) {
		struct extent extent = format_extent(format, i);

		if (extent.stride < extent.line)
			return -EPROTO;
	}
	for (unsigned i = 0; i < format->n_planes; i++)
		if (!plane_fits(format, i))
			return -EPROTO;
	return 0;
}

static bool cr_comes_first(const struct glint_format_info *info)
{
	return info->layout == GLINT_LAYOUT_PLANAR && info->order[1] > info->order[2];
}

static struct glint_component component_at(const struct glint_format *format,
					   const struct extent *extent, unsigned component,
					   const struct glint_dmabuf *buf)
{
	const struct glint_format_info *info = format->info;
	uint32_t h_sub = component > 0 ? info->h_sub : 1;

	return (struct glint_component){
		.base = buf->planes[extent->plane].map + buf->planes[extent->plane].offset +
			extent->offset,
		.stride = (uint32_t)extent->stride,
		.width = divide_up(format->width, h_sub),
		.height = extent->height,
	};
}

int glint_format_view(const struct glint_format *format, const struct glint_dmabuf *buf,
		      struct glint_view *view)
{
	view->n = format_components(format->info);
	if (view->n == 0 || format->info->layout == GLINT_LAYOUT_OTHER)
		return -EINVAL;
	if (buf->n_planes < format->n_planes)
		return -EPROTO;

	for (unsigned i = 0; i < view->n; i++) {
		struct extent extent = format_extent(format, i);
		const struct glint_plane *plane = &buf->planes[extent.plane];
		unsigned to = i > 0 && cr_comes_first(format->info) ? 3 - i : i;

		if (!plane->map)
			return -EFAULT;
		if (plane->offset + extent_end(&extent) > plane->size)
			return -EPROTO;
		view->comp[to] = component_at(format, &extent, i, buf);
	}
	return 0;
}
