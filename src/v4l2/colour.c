/* SPDX-License-Identifier: MIT */
#include "v4l2/colour.h"

#include <assert.h>
#include <linux/videodev2.h>
#include <stdbool.h>

#include "v4l2/format.h"

static enum glint_matrix matrix_of(uint32_t ycbcr_enc)
{
	switch (ycbcr_enc) {
	case V4L2_YCBCR_ENC_709:
	case V4L2_YCBCR_ENC_XV709:
	case V4L2_YCBCR_ENC_SMPTE240M: /* differs from BT.709 by at most two levels of 8 bits */
		return GLINT_MATRIX_BT709;
	case V4L2_YCBCR_ENC_BT2020:
	case V4L2_YCBCR_ENC_BT2020_CONST_LUM:
		return GLINT_MATRIX_BT2020;
	default:
		return GLINT_MATRIX_BT601;
	}
}

static bool is_ycbcr(const struct glint_format_info *info)
{
	enum glint_layout layout = info->layout;

	return info->becomes == V4L2_PIX_FMT_YUV420 || layout == GLINT_LAYOUT_PACKED_YUV ||
	       layout == GLINT_LAYOUT_SEMIPLANAR || layout == GLINT_LAYOUT_PLANAR ||
	       layout == GLINT_LAYOUT_GREY;
}

static bool is_grey(const struct glint_format_info *info)
{
	switch (info->fourcc) {
	/* Those that libv4lconvert reads. */
	case V4L2_PIX_FMT_Y4:
	case V4L2_PIX_FMT_Y6:
	case V4L2_PIX_FMT_Y10BPACK:
	case V4L2_PIX_FMT_Y16_BE:
		return true;
	default:
		return info->layout == GLINT_LAYOUT_GREY;
	}
}

void glint_colour_set(struct glint_format *format, uint32_t colorspace, uint32_t ycbcr_enc,
		      uint32_t quantization)
{
	assert(format->info);

	if (ycbcr_enc == V4L2_YCBCR_ENC_DEFAULT)
		ycbcr_enc = V4L2_MAP_YCBCR_ENC_DEFAULT(colorspace);
	format->matrix = matrix_of(ycbcr_enc);

	/*
	 * By V4L2's rule, luma without chroma has limited range. But the devices that deliver such
	 * formats use the full range: monochrome sensors, and vivid.
	 */
	if (quantization != V4L2_QUANTIZATION_FULL_RANGE &&
	    quantization != V4L2_QUANTIZATION_LIM_RANGE)
		quantization = is_grey(format->info) ?
				       V4L2_QUANTIZATION_FULL_RANGE :
				       V4L2_MAP_QUANTIZATION_DEFAULT(false, colorspace, ycbcr_enc);
	format->range = GLINT_RANGE_FULL;
	if (is_ycbcr(format->info) && quantization == V4L2_QUANTIZATION_LIM_RANGE)
		format->range = GLINT_RANGE_LIMITED;
}

const char *glint_range_name(enum glint_range range)
{
	return range == GLINT_RANGE_LIMITED ? "limited" : "full";
}

const char *glint_matrix_name(enum glint_matrix matrix)
{
	static const char *const names[] = {
		[GLINT_MATRIX_BT601] = "bt601",
		[GLINT_MATRIX_BT709] = "bt709",
		[GLINT_MATRIX_BT2020] = "bt2020",
	};

	return names[matrix];
}
