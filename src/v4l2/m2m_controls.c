/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/videodev2.h>

#include "v4l2/m2m.h"

static int set_control(const struct glint_m2m *m2m, uint32_t id, int32_t value)
{
	struct v4l2_control control = { .id = id, .value = value };

	return glint_m2m_ioctl(m2m, VIDIOC_S_CTRL, &control);
}

int glint_m2m_quality_range(const struct glint_m2m *m2m, struct glint_m2m_range *range)
{
	struct v4l2_queryctrl query = { .id = V4L2_CID_JPEG_COMPRESSION_QUALITY };
	int err = glint_m2m_ioctl(m2m, VIDIOC_QUERYCTRL, &query);

	*range = (struct glint_m2m_range){ 0 };
	if (err < 0 || query.flags & V4L2_CTRL_FLAG_DISABLED)
		return -ENOTTY;
	if (query.minimum < 0 || query.maximum <= query.minimum)
		return -EPROTO;
	*range = (struct glint_m2m_range){
		.min = query.minimum,
		.max = query.maximum,
		.step = query.step > 0 ? query.step : 1,
		.initial = query.default_value,
	};
	return 0;
}

int glint_m2m_set_quality(const struct glint_m2m *m2m, int32_t value)
{
	return set_control(m2m, V4L2_CID_JPEG_COMPRESSION_QUALITY, value);
}

void glint_m2m_set_chroma(const struct glint_m2m *m2m, bool half_height)
{
	if (half_height)
		(void)set_control(m2m, V4L2_CID_JPEG_CHROMA_SUBSAMPLING,
				  V4L2_JPEG_CHROMA_SUBSAMPLING_420);
	(void)set_control(m2m, V4L2_CID_JPEG_RESTART_INTERVAL, 0);
}
