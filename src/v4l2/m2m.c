/* SPDX-License-Identifier: MIT */
/* An encoder's names, and the formats that it takes and makes. */
#include "v4l2/m2m.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/cleanup.h"
#include "v4l2/pixfmt.h"
#include "v4l2/role.h"

#define ENUM_MAX 256	/* formats that are asked for: a driver may never say that it is done */

void glint_m2m_init(struct glint_m2m *m2m)
{
	*m2m = (struct glint_m2m){ .fd = -1 };
}

uint32_t glint_m2m_type(const struct glint_m2m *m2m, enum glint_m2m_side side)
{
	if (side == GLINT_M2M_RAW)
		return m2m->mplane ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT;
	return m2m->mplane ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

/* --- Opening ------------------------------------------------------------------------ */

static uint32_t find_jpeg(const struct glint_m2m *m2m)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < ENUM_MAX; i++) {
		struct v4l2_fmtdesc desc = { .type = glint_m2m_type(m2m, GLINT_M2M_JPEG),
					     .index = i };

		if (glint_m2m_ioctl(m2m, VIDIOC_ENUM_FMT, &desc) < 0)
			break;
		if (desc.pixelformat == V4L2_PIX_FMT_JPEG)
			return desc.pixelformat;
		if (desc.pixelformat == V4L2_PIX_FMT_MJPEG)
			found = desc.pixelformat;
	}
	return found;
}

static int m2m_identify(struct glint_m2m *m2m)
{
	struct v4l2_capability cap = { 0 };
	int err = glint_role_ask(m2m->access, m2m->fd, &cap);

	if (err < 0)
		return err;
	GLINT_ROLE_TEXT(m2m->driver, cap.driver);
	GLINT_ROLE_TEXT(m2m->card, cap.card);
	GLINT_ROLE_TEXT(m2m->bus, cap.bus_info);
	if (glint_role_of(&cap) != GLINT_ROLE_M2M)
		return -ENOTTY;
	m2m->mplane = glint_role_is_m2m_mplane(&cap);
	m2m->jpeg_fourcc = find_jpeg(m2m);
	return m2m->jpeg_fourcc ? 0 : -EMEDIUMTYPE;
}

int glint_m2m_open(struct glint_m2m *m2m, struct glint_v4l2_access *access, const char *path)
{
	int err;

	assert(m2m->fd < 0);

	glint_m2m_init(m2m);
	m2m->access = access;
	err = access->ops->open(access, path);
	if (err < 0)
		return err;
	m2m->fd = err;
	err = m2m_identify(m2m);
	if (err < 0)
		glint_m2m_close(m2m);
	return err;
}

void glint_m2m_close(struct glint_m2m *m2m)
{
	if (m2m->fd >= 0)
		(void)m2m->access->ops->close(m2m->access, m2m->fd);
	m2m->fd = -1;
	m2m->n[GLINT_M2M_RAW] = m2m->n[GLINT_M2M_JPEG] = 0;
}

/* --- Formats -------------------------------------------------------------------------- */

static bool is_raw(uint32_t fourcc)
{
	const struct glint_format_info *info = glint_format_find(fourcc);

	return info && info->layout != GLINT_LAYOUT_JPEG && info->layout != GLINT_LAYOUT_OTHER;
}

unsigned glint_m2m_formats(const struct glint_m2m *m2m,
			   uint32_t fourccs[static GLINT_M2M_FORMATS_MAX])
{
	unsigned n = 0;

	for (uint32_t i = 0; i < ENUM_MAX && n < GLINT_M2M_FORMATS_MAX; i++) {
		struct v4l2_fmtdesc desc = { .type = glint_m2m_type(m2m, GLINT_M2M_RAW),
					     .index = i };

		if (glint_m2m_ioctl(m2m, VIDIOC_ENUM_FMT, &desc) < 0)
			break;
		if (is_raw(desc.pixelformat))
			fourccs[n++] = desc.pixelformat;
	}
	return n;
}

/* Sizes are the driver's to say; a stride is worth asking for. */
static int raw_format(const struct glint_m2m *m2m, unsigned long request,
		      const struct glint_format *wish, struct glint_format *got)
{
	struct v4l2_format fmt = { .type = glint_m2m_type(m2m, GLINT_M2M_RAW) };
	struct glint_format asked = *wish;
	int err;

	memset(asked.size, 0, sizeof(asked.size));
	glint_pixfmt_write(&fmt, &asked);
	if (m2m->mplane)
		fmt.fmt.pix_mp.colorspace = V4L2_COLORSPACE_JPEG;
	else
		fmt.fmt.pix.colorspace = V4L2_COLORSPACE_JPEG;
	err = glint_m2m_ioctl(m2m, request, &fmt);
	if (err < 0)
		return err == -EINVAL ? -EMEDIUMTYPE : err;
	glint_pixfmt_read(&fmt, got);
	if (got->fourcc != wish->fourcc)
		return -EMEDIUMTYPE;
	if (got->width < wish->width || got->height < wish->height)
		return -ERANGE;
	return glint_format_check(got);
}

int glint_m2m_try(const struct glint_m2m *m2m, const struct glint_format *wish,
		  struct glint_format *got)
{
	return raw_format(m2m, VIDIOC_TRY_FMT, wish, got);
}

static bool chroma_follows_luma(const struct glint_format_info *info)
{
	return info->mem_planes == 1 &&
	       (info->layout == GLINT_LAYOUT_SEMIPLANAR || info->layout == GLINT_LAYOUT_PLANAR);
}

const char *glint_m2m_layout_differs(const struct glint_format *have,
				     const struct glint_format *raw)
{
	if (have->fourcc != raw->fourcc || have->n_planes != raw->n_planes)
		return "format";
	for (unsigned i = 0; i < have->n_planes; i++)
		if (have->stride[i] != raw->stride[i])
			return "stride";
	if (chroma_follows_luma(have->info) && have->height != raw->height)
		return "padded height";
	return NULL;
}

/* Without it the padding up to the coded size would be in the picture; the JPEG's check tells. */
static void set_visible(const struct glint_m2m *m2m)
{
	struct v4l2_selection selection = {
		.type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
		.target = V4L2_SEL_TGT_CROP,
		.r = { .width = m2m->width, .height = m2m->height },
	};

	(void)glint_m2m_ioctl(m2m, VIDIOC_S_SELECTION, &selection);
}

static int jpeg_format(struct glint_m2m *m2m, unsigned long request)
{
	struct v4l2_format fmt = { .type = glint_m2m_type(m2m, GLINT_M2M_JPEG) };
	struct glint_format jpeg = { .fourcc = m2m->jpeg_fourcc, .n_planes = 1,
				     .width = m2m->width, .height = m2m->height };
	int err;

	glint_pixfmt_write(&fmt, &jpeg);
	err = glint_m2m_ioctl(m2m, request, &fmt);
	if (err < 0)
		return err;
	glint_pixfmt_read(&fmt, &jpeg);
	if (jpeg.fourcc != m2m->jpeg_fourcc || jpeg.n_planes != 1 || jpeg.size[0] == 0)
		return -EPROTO;
	m2m->jpeg_size = jpeg.size[0];
	return 0;
}

/*
 * The JPEG first: hantro sets its raw format back when the coded one is set. And its
 * size is asked for at the end, because with others it follows the raw frame's.
 */
int glint_m2m_set_formats(struct glint_m2m *m2m, const struct glint_format *wish)
{
	int err;

	m2m->width = wish->width;
	m2m->height = wish->height;
	err = jpeg_format(m2m, VIDIOC_S_FMT);
	if (err == 0)
		err = raw_format(m2m, VIDIOC_S_FMT, wish, &m2m->raw);
	if (err < 0)
		return err;
	set_visible(m2m);
	return jpeg_format(m2m, VIDIOC_G_FMT);
}
