/* SPDX-License-Identifier: MIT */
#include "v4l2/vdev.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/cleanup.h"
#include "v4l2/pixfmt.h"
#include "v4l2/role.h"

void glint_vdev_init(struct glint_vdev *vdev)
{
	*vdev = (struct glint_vdev){ .fd = -1 };
}

int glint_vdev_open(struct glint_vdev *vdev, struct glint_v4l2_access *access, const char *path)
{
	struct v4l2_capability cap = { 0 };
	int err;

	assert(vdev->fd < 0);

	glint_vdev_init(vdev);
	vdev->access = access;
	vdev->fd = access->ops->open(access, path);
	if (vdev->fd < 0) {
		err = vdev->fd;
		vdev->fd = -1;
		return err;
	}
	err = glint_role_ask(access, vdev->fd, &cap);
	if (err < 0)
		goto close;
	GLINT_ROLE_TEXT(vdev->driver, cap.driver);
	GLINT_ROLE_TEXT(vdev->card, cap.card);
	GLINT_ROLE_TEXT(vdev->bus, cap.bus_info);

	err = glint_role_of(&cap) == GLINT_ROLE_CAPTURE ? 0 : -ENOTTY;
	if (err < 0)
		goto close;
	vdev->mplane = glint_role_is_mplane(&cap);
	return 0;

close:
	glint_vdev_close(vdev);
	return err;
}

void glint_vdev_close(struct glint_vdev *vdev)
{
	if (vdev->fd >= 0)
		(void)vdev->access->ops->close(vdev->access, vdev->fd);
	vdev->fd = -1;
	vdev->n_buffers = 0;
	vdev->buffers = NULL;
}

uint32_t glint_vdev_type(const struct glint_vdev *vdev)
{
	return vdev->mplane ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

static int set_format(struct glint_vdev *vdev, const struct glint_format *wish, bool as_jpeg)
{
	struct v4l2_format fmt = { .type = glint_vdev_type(vdev) };
	struct glint_format format;
	int err;

	/* Colours are only converted for who names a colorspace, and that is to stay. */
	err = as_jpeg ? glint_vdev_ioctl(vdev, VIDIOC_G_FMT, &fmt) : 0;
	if (err < 0)
		return err;
	glint_pixfmt_write(&fmt, wish);
	if (as_jpeg)
		glint_pixfmt_ask_for_jpegs_colours(&fmt);
	err = glint_vdev_ioctl(vdev, VIDIOC_S_FMT, &fmt);
	if (err < 0)
		return err;

	glint_pixfmt_read(&fmt, &format);
	err = glint_format_check(&format);
	if (err < 0)
		return err;
	vdev->format = format;
	memset(vdev->room, 0, sizeof(vdev->room));
	return 0;
}

int glint_vdev_set_format(struct glint_vdev *vdev, uint32_t fourcc, uint32_t width, uint32_t height)
{
	struct glint_format wish = { .fourcc = fourcc, .width = width, .height = height };

	return set_format(vdev, &wish, false);
}

int glint_vdev_set_layout(struct glint_vdev *vdev, const struct glint_format *wish)
{
	return set_format(vdev, wish, true);
}

static uint32_t interval_to_millihz(const struct v4l2_fract *interval)
{
	uint64_t millihz;

	if (interval->numerator == 0 || interval->denominator == 0)
		return 0;
	millihz = (uint64_t)interval->denominator * 1000 / interval->numerator;
	return (uint32_t)MIN(millihz, (uint64_t)UINT32_MAX);
}

int glint_vdev_set_interval(struct glint_vdev *vdev, uint32_t interval_num, uint32_t interval_den)
{
	struct v4l2_streamparm parm = { .type = glint_vdev_type(vdev) };
	struct v4l2_captureparm *capture = &parm.parm.capture;
	int err = glint_vdev_ioctl(vdev, VIDIOC_G_PARM, &parm);

	if (err < 0)
		return err;
	vdev->rate_millihz = interval_to_millihz(&capture->timeperframe);
	if (!(capture->capability & V4L2_CAP_TIMEPERFRAME))
		return -ENOTTY;

	capture->timeperframe.numerator = interval_num;
	capture->timeperframe.denominator = interval_den;
	err = glint_vdev_ioctl(vdev, VIDIOC_S_PARM, &parm);
	if (err < 0)
		return err;
	vdev->rate_millihz = interval_to_millihz(&capture->timeperframe);
	return 0;
}

int glint_vdev_stream(struct glint_vdev *vdev, bool on)
{
	int type = (int)glint_vdev_type(vdev);

	return glint_vdev_ioctl(vdev, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}
