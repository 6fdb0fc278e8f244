/* SPDX-License-Identifier: MIT */
#include "v4l2/role.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdint.h>

#define CAPTURE (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE)
#define OUTPUT	(V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_OUTPUT_MPLANE)
#define M2M	(V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE)

int glint_role_ask(struct glint_v4l2_access *access, int fd, struct v4l2_capability *cap)
{
	int err = glint_v4l2_ioctl(access, fd, VIDIOC_QUERYCAP, cap);

	/* Other character devices, pipes and files answer with one of these errors. */
	return err == -EINVAL || err == -ENOTTY ? -ENOTTY : err;
}

/* Return the capabilities of this node, not those of the whole device. */
static uint32_t node_caps(const struct v4l2_capability *cap)
{
	return cap->capabilities & V4L2_CAP_DEVICE_CAPS ? cap->device_caps : cap->capabilities;
}

enum glint_role glint_role_of(const struct v4l2_capability *cap)
{
	uint32_t caps = node_caps(cap);

	/* Older M2M drivers report CAPTURE and OUTPUT instead. */
	if (caps & M2M || (caps & CAPTURE && caps & OUTPUT))
		return GLINT_ROLE_M2M;
	if (caps & V4L2_CAP_TOUCH || !(caps & CAPTURE) || !(caps & V4L2_CAP_STREAMING))
		return GLINT_ROLE_OTHER;
	return GLINT_ROLE_CAPTURE;
}

bool glint_role_is_mplane(const struct v4l2_capability *cap)
{
	return !(node_caps(cap) & V4L2_CAP_VIDEO_CAPTURE);
}

bool glint_role_is_m2m_mplane(const struct v4l2_capability *cap)
{
	uint32_t single = V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_CAPTURE;

	return !(node_caps(cap) & single);
}

bool glint_role_is_pipeline(const struct v4l2_capability *cap)
{
	return node_caps(cap) & V4L2_CAP_IO_MC;
}
