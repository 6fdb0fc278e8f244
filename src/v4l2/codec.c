/* SPDX-License-Identifier: MIT */
#include "v4l2/codec.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/macros.h"
#include "v4l2/interval.h"
#include "v4l2/pixfmt.h"
#include "v4l2/role.h"

const struct glint_coding glint_coding_jpeg = {
	.fourccs = { V4L2_PIX_FMT_JPEG, V4L2_PIX_FMT_MJPEG },
	.quality_cid = V4L2_CID_JPEG_COMPRESSION_QUALITY,
};

void glint_codec_init(struct glint_codec *codec)
{
	*codec = (struct glint_codec){ .fd = -1 };
}

static int codec_ioctl(const struct glint_codec *codec, unsigned long request, void *arg)
{
	assert(codec->fd >= 0);

	return glint_v4l2_ioctl(codec->access, codec->fd, request, arg);
}

/* --- Opening ------------------------------------------------------------------------ */

/* Return the preferred one of the coding's fourccs that the driver offers; 0: none. */
static uint32_t find_coded(const struct glint_codec *codec, const struct glint_coding *coding)
{
	size_t best = ARRAY_SIZE(coding->fourccs);

	for (uint32_t i = 0; i < GLINT_ENUMERATE_MAX && best > 0; i++) {
		struct v4l2_fmtdesc desc = { .type = codec->coded.type, .index = i };

		if (codec_ioctl(codec, VIDIOC_ENUM_FMT, &desc) < 0)
			break;
		for (size_t k = 0; k < best; k++)
			if (coding->fourccs[k] && desc.pixelformat == coding->fourccs[k])
				best = k;
	}
	return best < ARRAY_SIZE(coding->fourccs) ? coding->fourccs[best] : 0;
}

static int codec_identify(struct glint_codec *codec, const struct glint_coding *coding)
{
	struct v4l2_capability cap = { 0 };
	int err = glint_role_ask(codec->access, codec->fd, &cap);
	bool mplane;

	if (err < 0)
		return err;
	GLINT_ROLE_TEXT(codec->driver, cap.driver);
	GLINT_ROLE_TEXT(codec->card, cap.card);
	GLINT_ROLE_TEXT(codec->bus, cap.bus_info);
	if (glint_role_of(&cap) != GLINT_ROLE_M2M)
		return -ENOTTY;
	mplane = glint_role_is_m2m_mplane(&cap);
	glint_vqueue_init(&codec->raw, codec->access, codec->fd,
			  mplane ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT);
	glint_vqueue_init(&codec->coded, codec->access, codec->fd,
			  mplane ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
				   V4L2_BUF_TYPE_VIDEO_CAPTURE);
	codec->fourcc = find_coded(codec, coding);
	return codec->fourcc ? 0 : -EMEDIUMTYPE;
}

int glint_codec_open(struct glint_codec *codec, struct glint_v4l2_access *access, const char *path,
		     const struct glint_coding *coding)
{
	int err;

	assert(codec->fd < 0);

	glint_codec_init(codec);
	codec->access = access;
	err = access->ops->open(access, path);
	if (err < 0)
		return err;
	codec->fd = err;
	err = codec_identify(codec, coding);
	if (err < 0)
		glint_codec_close(codec);
	return err;
}

void glint_codec_close(struct glint_codec *codec)
{
	if (codec->fd >= 0)
		(void)codec->access->ops->close(codec->access, codec->fd);
	codec->fd = -1;
	codec->raw.n_buffers = codec->coded.n_buffers = 0;
}

/* --- Formats -------------------------------------------------------------------------- */

unsigned glint_codec_formats(const struct glint_codec *codec,
			     uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX])
{
	unsigned n = 0;

	for (uint32_t i = 0; i < GLINT_ENUMERATE_MAX && n < GLINT_CODEC_FORMATS_MAX; i++) {
		struct v4l2_fmtdesc desc = { .type = codec->raw.type, .index = i };
		const struct glint_format_info *info;

		if (codec_ioctl(codec, VIDIOC_ENUM_FMT, &desc) < 0)
			break;
		info = glint_format_find(desc.pixelformat);
		if (info && info->layout != GLINT_LAYOUT_JPEG && info->layout != GLINT_LAYOUT_OTHER)
			fourccs[n++] = desc.pixelformat;
	}
	return n;
}

/* Set or try a raw format. The driver decides on plane sizes; it may take the wished stride. */
static int raw_format(const struct glint_codec *codec, unsigned long request,
		      const struct glint_format *wish, struct glint_format *got)
{
	struct v4l2_format fmt = { .type = codec->raw.type };
	struct glint_format asked = *wish;
	int err;

	memset(asked.size, 0, sizeof(asked.size));
	glint_pixfmt_write(&fmt, &asked);
	if (V4L2_TYPE_IS_MULTIPLANAR(fmt.type))
		fmt.fmt.pix_mp.colorspace = V4L2_COLORSPACE_JPEG;
	else
		fmt.fmt.pix.colorspace = V4L2_COLORSPACE_JPEG;
	err = codec_ioctl(codec, request, &fmt);
	if (err < 0)
		return err == -EINVAL ? -EMEDIUMTYPE : err;
	glint_pixfmt_read(&fmt, got);
	if (got->fourcc != wish->fourcc)
		return -EMEDIUMTYPE;
	if (got->width < wish->width || got->height < wish->height)
		return -ERANGE;
	return glint_format_check(got);
}

int glint_codec_try(const struct glint_codec *codec, const struct glint_format *wish,
		    struct glint_format *got)
{
	return raw_format(codec, VIDIOC_TRY_FMT, wish, got);
}

const char *glint_codec_layout_differs(const struct glint_format *have,
				       const struct glint_format *raw)
{
	bool chroma_follows_luma = have->info->mem_planes == 1 &&
				   (have->info->layout == GLINT_LAYOUT_SEMIPLANAR ||
				    have->info->layout == GLINT_LAYOUT_PLANAR);

	if (have->fourcc != raw->fourcc || have->n_planes != raw->n_planes)
		return "format";
	assert(have->n_planes <= GLINT_DMABUF_PLANES);
	for (unsigned i = 0; i < have->n_planes; i++)
		if (have->stride[i] != raw->stride[i])
			return "stride";
	if (chroma_follows_luma && have->height != raw->height)
		return "padded height";
	return NULL;
}

/* Crop the padding up to the coded size. The check of each JPEG's size detects a failure. */
static void set_visible(const struct glint_codec *codec)
{
	struct v4l2_selection selection = {
		.type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
		.target = V4L2_SEL_TGT_CROP,
		.r = { .width = codec->width, .height = codec->height },
	};

	(void)codec_ioctl(codec, VIDIOC_S_SELECTION, &selection);
}

static int coded_format(struct glint_codec *codec, unsigned long request)
{
	struct v4l2_format fmt = { .type = codec->coded.type };
	struct glint_format format = { .fourcc = codec->fourcc,
				       .n_planes = 1,
				       .width = codec->width,
				       .height = codec->height };
	int err;

	glint_pixfmt_write(&fmt, &format);
	err = codec_ioctl(codec, request, &fmt);
	if (err < 0)
		return err;
	glint_pixfmt_read(&fmt, &format);
	if (format.fourcc != codec->fourcc || format.n_planes != 1 || format.size[0] == 0)
		return -EPROTO;
	glint_vqueue_set_planes(&codec->coded, 1, format.size);
	return 0;
}

/*
 * The coded format goes first: hantro resets its raw format when the coded one is set. The
 * coded size is read back last: with other drivers it follows the raw frame's size.
 */
int glint_codec_set_formats(struct glint_codec *codec, const struct glint_format *wish)
{
	int err;

	assert(codec->fd >= 0 && codec->raw.n_buffers == 0 && codec->coded.n_buffers == 0);

	codec->width = wish->width;
	codec->height = wish->height;
	err = coded_format(codec, VIDIOC_S_FMT);
	if (err == 0)
		err = raw_format(codec, VIDIOC_S_FMT, wish, &codec->format);
	if (err < 0)
		return err;
	glint_vqueue_set_planes(&codec->raw, codec->format.n_planes, codec->format.size);
	set_visible(codec);
	return coded_format(codec, VIDIOC_G_FMT);
}

/* --- Controls ---------------------------------------------------------------------- */

int glint_codec_control_range(const struct glint_codec *codec, uint32_t id,
			      struct glint_codec_range *range)
{
	struct v4l2_queryctrl query = { .id = id };
	int err = codec_ioctl(codec, VIDIOC_QUERYCTRL, &query);

	*range = (struct glint_codec_range){ 0 };
	if (err < 0 || query.flags & V4L2_CTRL_FLAG_DISABLED)
		return -ENOTTY;
	if (query.minimum < 0 || query.maximum <= query.minimum)
		return -EPROTO;
	*range = (struct glint_codec_range){
		.min = query.minimum,
		.max = query.maximum,
		.step = query.step > 0 ? query.step : 1,
		.initial = query.default_value,
	};
	return 0;
}

int glint_codec_set_control(const struct glint_codec *codec, uint32_t id, int32_t value)
{
	struct v4l2_control control = { .id = id, .value = value };

	return codec_ioctl(codec, VIDIOC_S_CTRL, &control);
}
