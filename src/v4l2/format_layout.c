/* SPDX-License-Identifier: MIT */
/*
 * The places of a format's components in its planes, and whether they fit into the driver's sizes.
 */
#include <assert.h>
#include <errno.h>

#include "base/macros.h"
#include "v4l2/format.h"

#define PLANE_SIZE_MAX (1u << 30) /* twice the largest RGB32 frame */

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
	unsigned plane;	 /* memory plane */
	uint64_t offset; /* in that plane */
	uint64_t stride;
	uint32_t line; /* bytes that carry pixels */
	uint32_t height;
};

static uint64_t extent_end(const struct extent *extent)
{
	assert(extent->height > 0);

	return extent->offset + extent->stride * (extent->height - 1) + extent->line;
}

/* Return the bytes of pixels in a line of the first component. */
static uint32_t luma_line(const struct glint_format *format)
{
	const struct glint_format_info *info = format->info;

	/* A line of odd width ends with a whole pair of pixels. */
	if (info->layout == GLINT_LAYOUT_PACKED_YUV)
		return DIV_ROUND_UP(format->width, 2) * 4 * glint_format_sample_bytes(info);
	if (info->layout == GLINT_LAYOUT_OTHER)
		return DIV_ROUND_UP(format->width * info->bits_per_pixel, 8);
	return format->width * info->bytes_per_pixel;
}

/* Chroma lines in the luma plane have padding in proportion to that of the luma lines. */
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

	assert(component < format_components(info));

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
	extent.line = DIV_ROUND_UP(format->width, info->h_sub) * glint_format_sample_bytes(info);
	if (info->layout == GLINT_LAYOUT_SEMIPLANAR)
		extent.line *= 2;
	extent.height = DIV_ROUND_UP(format->height, info->v_sub);
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

bool glint_format_is_packed(const struct glint_format *format)
{
	const struct glint_format_info *info = format->info;
	unsigned n = format_components(info);
	uint64_t end = 0;

	if (info->layout == GLINT_LAYOUT_OTHER || n == 0 ||
	    (info->layout == GLINT_LAYOUT_PLANAR && info->order[1] > info->order[2]))
		return false;
	for (unsigned i = 0; i < n; i++) {
		struct extent extent = format_extent(format, i);

		if (extent.plane != 0 || extent.stride != extent.line || extent.offset != end)
			return false;
		end += extent.stride * extent.height;
	}
	return true;
}

unsigned glint_format_packed_lines(const struct glint_format_info *info, uint32_t width,
				   uint32_t height, struct glint_lines lines[static 3])
{
	const struct glint_format format = { .info = info, .width = width, .height = height };
	unsigned n = info->layout == GLINT_LAYOUT_OTHER ? 0 : format_components(info);

	for (unsigned i = 0; i < n; i++) {
		struct extent extent = format_extent(&format, i);

		lines[i] = (struct glint_lines){
			.bytes = extent.line,
			.stride = extent.line,
			.count = extent.height,
		};
	}
	return n;
}

struct glint_lines glint_format_lines(const struct glint_format *format)
{
	struct extent extent;

	assert(format->info->becomes);

	extent = format_extent(format, 0);
	return (struct glint_lines){
		.bytes = extent.line,
		.stride = (uint32_t)extent.stride,
		.count = extent.height,
	};
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
	if (format->width < 1 || format->width > GLINT_FORMAT_WIDTH_MAX || format->height < 1 ||
	    format->height > GLINT_FORMAT_HEIGHT_MAX)
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
	for (unsigned i = 0; i < format->n_planes; i++) {
		uint32_t size = format->size[i];

		if (size == 0 || size > PLANE_SIZE_MAX || size < glint_format_min_size(format, i))
			return -EPROTO;
	}
	return 0;
}

int glint_format_view(const struct glint_format *format, const struct glint_dmabuf *buf,
		      struct glint_view *view)
{
	const struct glint_format_info *info = format->info;
	bool cr_comes_first = info->layout == GLINT_LAYOUT_PLANAR &&
			      info->order[1] > info->order[2];

	view->n = format_components(info);
	if (view->n == 0 || info->layout == GLINT_LAYOUT_OTHER)
		return -EINVAL;
	if (buf->n_planes < format->n_planes)
		return -EPROTO;

	for (unsigned i = 0; i < view->n; i++) {
		struct extent extent = format_extent(format, i);
		const struct glint_plane *plane = &buf->planes[extent.plane];
		unsigned to = i > 0 && cr_comes_first ? 3 - i : i;

		if (!plane->map)
			return -EFAULT;
		if (plane->offset + extent_end(&extent) > plane->size)
			return -EPROTO;
		view->comp[to] = (struct glint_component){
			.base = plane->map + plane->offset + extent.offset,
			.stride = (uint32_t)extent.stride,
			.width = DIV_ROUND_UP(format->width, i > 0 ? info->h_sub : 1),
			.height = extent.height,
		};
	}
	return 0;
}
