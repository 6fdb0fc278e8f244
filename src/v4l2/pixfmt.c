/* SPDX-License-Identifier: MIT */
#include "v4l2/pixfmt.h"

#include <linux/videodev2.h>
#include <stdbool.h>

#include "base/macros.h"
#include "v4l2/colour.h"

static bool is_mplane(const struct v4l2_format *fmt)
{
	return V4L2_TYPE_IS_MULTIPLANAR(fmt->type);
}

static const struct glint_format_info *info_of(uint32_t fourcc)
{
	const struct glint_format_info *info = glint_format_find(fourcc);

	return info ? info : glint_format_other();
}

/* Drivers that know of no fields leave the value at 0 (ANY). */
static enum glint_field field_of(uint32_t field)
{
	switch (field) {
	case V4L2_FIELD_INTERLACED:
	case V4L2_FIELD_INTERLACED_TB:
	case V4L2_FIELD_INTERLACED_BT:
		return GLINT_FIELD_INTERLACED;
	case V4L2_FIELD_ALTERNATE:
		return GLINT_FIELD_ALTERNATE;
	case V4L2_FIELD_SEQ_TB:
	case V4L2_FIELD_SEQ_BT:
		return GLINT_FIELD_SEQUENTIAL;
	case V4L2_FIELD_TOP:
	case V4L2_FIELD_BOTTOM:
		return GLINT_FIELD_ONE;
	default:
		return GLINT_FIELD_PROGRESSIVE;
	}
}

static unsigned planes_of(const struct glint_format *format)
{
	return MIN((unsigned)format->n_planes, GLINT_DMABUF_PLANES + 0u);
}

static uint32_t write_field(const struct glint_format *wish)
{
	switch (wish->field) {
	case GLINT_FIELD_INTERLACED:
		return V4L2_FIELD_INTERLACED;
	case GLINT_FIELD_ALTERNATE:
		return V4L2_FIELD_ALTERNATE;
	default:
		return V4L2_FIELD_ANY;
	}
}

static void write_single(struct v4l2_pix_format *pix, const struct glint_format *wish)
{
	pix->pixelformat = wish->fourcc;
	pix->width = wish->width;
	pix->height = wish->height;
	pix->bytesperline = wish->stride[0];
	pix->sizeimage = wish->size[0];
	pix->field = write_field(wish);
	pix->priv = V4L2_PIX_FMT_PRIV_MAGIC;
}

static void write_mplane(struct v4l2_pix_format_mplane *pix, const struct glint_format *wish)
{
	pix->pixelformat = wish->fourcc;
	pix->width = wish->width;
	pix->height = wish->height;
	pix->num_planes = wish->n_planes;
	pix->field = write_field(wish);
	for (unsigned i = 0; i < planes_of(wish); i++) {
		pix->plane_fmt[i].bytesperline = wish->stride[i];
		pix->plane_fmt[i].sizeimage = wish->size[i];
	}
}

void glint_pixfmt_write(struct v4l2_format *fmt, const struct glint_format *wish)
{
	if (is_mplane(fmt))
		write_mplane(&fmt->fmt.pix_mp, wish);
	else
		write_single(&fmt->fmt.pix, wish);
}

void glint_pixfmt_ask_for_jpegs_colours(struct v4l2_format *fmt)
{
	if (is_mplane(fmt)) {
		fmt->fmt.pix_mp.flags = V4L2_PIX_FMT_FLAG_SET_CSC;
		fmt->fmt.pix_mp.ycbcr_enc = V4L2_YCBCR_ENC_601;
		fmt->fmt.pix_mp.quantization = V4L2_QUANTIZATION_FULL_RANGE;
		return;
	}
	fmt->fmt.pix.flags = V4L2_PIX_FMT_FLAG_SET_CSC;
	fmt->fmt.pix.ycbcr_enc = V4L2_YCBCR_ENC_601;
	fmt->fmt.pix.quantization = V4L2_QUANTIZATION_FULL_RANGE;
}

static void read_single(const struct v4l2_pix_format *pix, struct glint_format *format)
{
	/* Without the magic number the driver did not fill in the last fields. */
	bool extended = pix->priv == V4L2_PIX_FMT_PRIV_MAGIC;

	*format = (struct glint_format){
		.info = info_of(pix->pixelformat),
		.fourcc = pix->pixelformat,
		.width = pix->width,
		.height = pix->height,
		.n_planes = 1,
		.stride = { pix->bytesperline },
		.size = { pix->sizeimage },
		.field = field_of(pix->field),
	};
	glint_colour_set(format, pix->colorspace, extended ? pix->ycbcr_enc : 0,
			 extended ? pix->quantization : 0);
}

static void read_mplane(const struct v4l2_pix_format_mplane *pix, struct glint_format *format)
{
	*format = (struct glint_format){
		.info = info_of(pix->pixelformat),
		.fourcc = pix->pixelformat,
		.width = pix->width,
		.height = pix->height,
		.n_planes = pix->num_planes,
		.field = field_of(pix->field),
	};
	for (unsigned i = 0; i < planes_of(format); i++) {
		format->stride[i] = pix->plane_fmt[i].bytesperline;
		format->size[i] = pix->plane_fmt[i].sizeimage;
	}
	glint_colour_set(format, pix->colorspace, pix->ycbcr_enc, pix->quantization);
}

void glint_pixfmt_read(const struct v4l2_format *fmt, struct glint_format *format)
{
	if (is_mplane(fmt))
		read_mplane(&fmt->fmt.pix_mp, format);
	else
		read_single(&fmt->fmt.pix, format);
}
