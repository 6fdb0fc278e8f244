/* SPDX-License-Identifier: MIT */
#include "encode/jpegenc_format.h"

#include <assert.h>
#include <string.h>

static bool layout_of(const struct glint_format_info *info, enum glint_jpegenc_layout *layout)
{
	switch (info->layout) {
	case GLINT_LAYOUT_PACKED_YUV:
		*layout = GLINT_JPEGENC_PACKED;
		return true;
	case GLINT_LAYOUT_SEMIPLANAR:
		*layout = GLINT_JPEGENC_SEMIPLANAR;
		return true;
	case GLINT_LAYOUT_PLANAR:
		*layout = GLINT_JPEGENC_PLANAR;
		return true;
	case GLINT_LAYOUT_GREY:
		*layout = GLINT_JPEGENC_GREY;
		return true;
	case GLINT_LAYOUT_RGB:
		*layout = GLINT_JPEGENC_RGB;
		return true;
	default:
		return false;
	}
}

enum glint_jpegenc_matrix glint_jpegenc_matrix_of(enum glint_matrix matrix)
{
	static const enum glint_jpegenc_matrix matrices[] = {
		[GLINT_MATRIX_BT601] = GLINT_JPEGENC_BT601,
		[GLINT_MATRIX_BT709] = GLINT_JPEGENC_BT709,
		[GLINT_MATRIX_BT2020] = GLINT_JPEGENC_BT2020,
	};

	assert((size_t)matrix < sizeof(matrices) / sizeof(matrices[0]));
	return matrices[matrix];
}

bool glint_jpegenc_describe(struct glint_jpegenc_config *config, const struct glint_format *format,
			    enum glint_sampling sampling, bool swap_rgb, bool keep_range)
{
	static const enum glint_jpegenc_sampling samplings[] = {
		[GLINT_SAMPLING_GREY] = GLINT_JPEGENC_SAMPLING_GREY,
		[GLINT_SAMPLING_420] = GLINT_JPEGENC_420,
		[GLINT_SAMPLING_422] = GLINT_JPEGENC_422,
		[GLINT_SAMPLING_444] = GLINT_JPEGENC_444,
	};
	const struct glint_format_info *info = format->info;

	assert((size_t)sampling < sizeof(samplings) / sizeof(samplings[0]));

	*config = (struct glint_jpegenc_config){
		.width = format->width,
		.height = format->height,
		.pixel_bytes = info->bytes_per_pixel,
		.h_sub = info->h_sub,
		.v_sub = info->v_sub,
		.sampling = samplings[sampling],
		.limited = !keep_range && format->range == GLINT_RANGE_LIMITED,
		.matrix = keep_range ? GLINT_JPEGENC_BT601 :
				       glint_jpegenc_matrix_of(format->matrix),
	};
	memcpy(config->order, info->order, sizeof(config->order));
	if (info->shift || !layout_of(info, &config->layout))
		return false;
	if (config->layout == GLINT_JPEGENC_RGB && swap_rgb) {
		config->order[0] = info->order[2];
		config->order[2] = info->order[0];
	}
	return true;
}

struct glint_jpegenc_source glint_jpegenc_source_of(const struct glint_view *view)
{
	struct glint_jpegenc_source source = { 0 };

	assert(view->n <= sizeof(source.plane) / sizeof(source.plane[0]));

	for (unsigned i = 0; i < view->n; i++) {
		source.plane[i] = view->comp[i].base;
		source.stride[i] = view->comp[i].stride;
	}
	return source;
}
