/* SPDX-License-Identifier: MIT */
#include "encode/m2m_copy.h"

#include <assert.h>
#include <string.h>

/* Bytes of a line of component @i that carry pixels. */
static size_t line_bytes(const struct glint_format *format, const struct glint_component *comp,
			 unsigned i)
{
	const struct glint_format_info *info = format->info;

	if (info->layout == GLINT_LAYOUT_PACKED_YUV)
		return ((size_t)comp->width + 1) / 2 * 4;
	if (info->layout == GLINT_LAYOUT_SEMIPLANAR && i > 0)
		return (size_t)comp->width * 2;
	return (size_t)comp->width * (i == 0 ? info->bytes_per_pixel : 1);
}

static void copy_component(const struct glint_component *to, const struct glint_component *from,
			   size_t bytes)
{
	uint8_t *target = (uint8_t *)to->base;
	const uint8_t *source = from->base;

	for (uint32_t line = 0; line < from->height; line++) {
		memcpy(target, source, bytes);
		target += to->stride;
		source += from->stride;
	}
}

int glint_m2m_copy(const struct glint_format *to_format, const struct glint_dmabuf *to,
		   const struct glint_format *from_format, const struct glint_dmabuf *from)
{
	struct glint_view target = { 0 }, source = { 0 };
	int err = glint_format_view(to_format, to, &target);

	/* glint_codec_set_formats() refuses what a driver makes smaller. */
	assert(to_format->fourcc == from_format->fourcc && to_format->width >= from_format->width &&
	       to_format->height >= from_format->height);

	if (err == 0)
		err = glint_format_view(from_format, from, &source);
	if (err == 0)
		err = glint_dmabuf_begin_read(from);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < source.n; i++)
		copy_component(&target.comp[i], &source.comp[i],
			       line_bytes(from_format, &source.comp[i], i));
	return glint_dmabuf_end_read(from);
}
