/* SPDX-License-Identifier: MIT */
/* Ioctls that describe the device: one input, one format, one size, one rate. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/macros.h"
#include "emu.h"

static int querycap(struct emu_handle *handle, void *arg)
{
	struct v4l2_capability *cap = arg;

	(void)handle;
	*cap = (struct v4l2_capability){
		.driver = "v4l2emu",
		.card = "Emulated capture device",
		.bus_info = "platform:v4l2emu",
		.version = 6 << 16 | 1 << 8,
		.device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING |
			       V4L2_CAP_EXT_PIX_FORMAT,
	};
	cap->capabilities = cap->device_caps | V4L2_CAP_DEVICE_CAPS;
	return 0;
}

/* The kernel's description of each format; v4l2-compliance compares it. */
static const char *description(uint32_t fourcc)
{
	switch (fourcc) {
	case V4L2_PIX_FMT_YUYV:
		return "YUYV 4:2:2";
	case V4L2_PIX_FMT_UYVY:
		return "UYVY 4:2:2";
	case V4L2_PIX_FMT_NV12:
		return "Y/CbCr 4:2:0";
	case V4L2_PIX_FMT_RGB24:
		return "24-bit RGB 8-8-8";
	case V4L2_PIX_FMT_NV16:
		return "Y/CbCr 4:2:2";
	case V4L2_PIX_FMT_NV24:
		return "Y/CbCr 4:4:4";
	case v4l2_fourcc('P', '0', '1', '0'):
		return "10-bit Y/CbCr 4:2:0";
	case v4l2_fourcc('Y', '2', '1', '0'):
		return "10-bit YUYV Packed";
	case V4L2_PIX_FMT_SRGGB8:
		return "8-bit Bayer RGRG/GBGB";
	case V4L2_PIX_FMT_SRGGB10P:
		return "10-bit Bayer RGRG/GBGB Packed";
	case V4L2_PIX_FMT_SRGGB12P:
		return "12-bit Bayer RGRG/GBGB Packed";
	default:
		return "Motion-JPEG";
	}
}

static int enum_fmt(struct emu_handle *handle, void *arg)
{
	struct v4l2_fmtdesc *desc = arg;
	uint32_t fourcc = emu_device()->settings.fourcc;

	(void)handle;
	if (desc->index > 0 || desc->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	*desc = (struct v4l2_fmtdesc){
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.flags = fourcc == V4L2_PIX_FMT_MJPEG ? V4L2_FMT_FLAG_COMPRESSED : 0,
		.pixelformat = fourcc,
	};
	snprintf((char *)desc->description, sizeof(desc->description), "%s", description(fourcc));
	return 0;
}

static int enum_framesizes(struct emu_handle *handle, void *arg)
{
	const struct emu_settings *settings = &emu_device()->settings;
	struct v4l2_frmsizeenum *size = arg;

	(void)handle;
	if (size->index > 0 || size->pixel_format != settings->fourcc)
		return -EINVAL;
	*size = (struct v4l2_frmsizeenum){
		.pixel_format = settings->fourcc,
		.type = V4L2_FRMSIZE_TYPE_DISCRETE,
		.discrete = { settings->width, settings->height },
	};
	return 0;
}

static int enum_frameintervals(struct emu_handle *handle, void *arg)
{
	const struct emu_settings *settings = &emu_device()->settings;
	struct v4l2_frmivalenum *interval = arg;

	(void)handle;
	if (interval->index > 0 || interval->pixel_format != settings->fourcc ||
	    interval->width != settings->width || interval->height != settings->height)
		return -EINVAL;
	*interval = (struct v4l2_frmivalenum){
		.pixel_format = settings->fourcc,
		.width = settings->width,
		.height = settings->height,
		.type = V4L2_FRMIVAL_TYPE_DISCRETE,
		.discrete = settings->interval,
	};
	return 0;
}

static bool is_ycbcr(uint32_t fourcc)
{
	switch (fourcc) {
	case V4L2_PIX_FMT_MJPEG:
	case V4L2_PIX_FMT_RGB24:
	case V4L2_PIX_FMT_SRGGB8:
	case V4L2_PIX_FMT_SRGGB10P:
	case V4L2_PIX_FMT_SRGGB12P:
		return false;
	default:
		return true;
	}
}

/* Returns the device's only format, whatever the program has requested. */
static int format(struct emu_handle *handle, void *arg)
{
	const struct emu_settings *settings = &emu_device()->settings;
	bool jpeg = settings->fourcc == V4L2_PIX_FMT_MJPEG;
	struct v4l2_format *out = arg;

	(void)handle;
	if (out->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	out->fmt.pix = (struct v4l2_pix_format){
		.width = settings->width,
		.height = settings->height,
		.pixelformat = settings->fourcc,
		.field = V4L2_FIELD_NONE,
		.bytesperline = emu_picture_stride(settings->fourcc, settings->width),
		.sizeimage = (uint32_t)emu_picture_size(settings->fourcc, settings->width,
							settings->height),
		.colorspace = jpeg ? V4L2_COLORSPACE_JPEG : V4L2_COLORSPACE_SRGB,
		.priv = V4L2_PIX_FMT_PRIV_MAGIC,
		.ycbcr_enc = V4L2_YCBCR_ENC_601,
		.quantization = settings->limited && is_ycbcr(settings->fourcc) ?
					V4L2_QUANTIZATION_LIM_RANGE :
					V4L2_QUANTIZATION_FULL_RANGE,
		.xfer_func = V4L2_XFER_FUNC_SRGB,
	};
	return 0;
}

static int set_format(struct emu_handle *handle, void *arg)
{
	struct emu_device *device = emu_device();

	if (device->n_buffers > 0 && device->owner)
		return -EBUSY;
	return format(handle, arg);
}

static int parm(struct emu_handle *handle, void *arg)
{
	struct v4l2_streamparm *out = arg;

	(void)handle;
	if (out->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;
	out->parm.capture = (struct v4l2_captureparm){
		.capability = V4L2_CAP_TIMEPERFRAME,
		.timeperframe = emu_device()->settings.interval,
	};
	return 0;
}

static int enuminput(struct emu_handle *handle, void *arg)
{
	struct v4l2_input *input = arg;

	(void)handle;
	if (input->index > 0)
		return -EINVAL;
	*input = (struct v4l2_input){
		.name = "Emulated",
		.type = V4L2_INPUT_TYPE_CAMERA,
		.status = emu_has_signal(emu_device()) ? 0 : V4L2_IN_ST_NO_SIGNAL,
	};
	return 0;
}

static int get_number(struct emu_handle *handle, void *arg)
{
	(void)handle;
	*(int *)arg = 0;
	return 0;
}

static int set_input(struct emu_handle *handle, void *arg)
{
	(void)handle;
	return *(const int *)arg == 0 ? 0 : -EINVAL;
}

static int get_priority(struct emu_handle *handle, void *arg)
{
	const struct emu_device *device = emu_device();
	uint32_t highest = V4L2_PRIORITY_UNSET;

	(void)handle;
	for (unsigned i = 0; i < EMU_HANDLES; i++)
		if (device->handles[i].fd >= 0)
			highest = MAX(highest, device->handles[i].priority);
	*(uint32_t *)arg = highest;
	return 0;
}

static int set_priority(struct emu_handle *handle, void *arg)
{
	uint32_t wanted = *(const uint32_t *)arg, highest;

	if (wanted < V4L2_PRIORITY_BACKGROUND || wanted > V4L2_PRIORITY_RECORD)
		return -EINVAL;
	get_priority(handle, &highest);
	if (handle->priority < highest)
		return -EBUSY;
	handle->priority = wanted;
	return 0;
}

static const struct answer {
	unsigned long request;
	int (*answer)(struct emu_handle *handle, void *arg);
	bool control; /* serialised by the device's `control` lock */
} answers[] = {
	/* The ioctls of each frame come first: the search is linear. */
	{ VIDIOC_DQBUF, emu_dqbuf, false },
	{ VIDIOC_QBUF, emu_qbuf, false },
	{ VIDIOC_QUERYCAP, querycap, false },
	{ VIDIOC_ENUM_FMT, enum_fmt, false },
	{ VIDIOC_ENUM_FRAMESIZES, enum_framesizes, false },
	{ VIDIOC_ENUM_FRAMEINTERVALS, enum_frameintervals, false },
	{ VIDIOC_G_FMT, format, false },
	{ VIDIOC_TRY_FMT, format, false },
	{ VIDIOC_S_FMT, set_format, true },
	{ VIDIOC_G_PARM, parm, false },
	{ VIDIOC_S_PARM, parm, false },
	{ VIDIOC_ENUMINPUT, enuminput, false },
	{ VIDIOC_G_INPUT, get_number, false },
	{ VIDIOC_S_INPUT, set_input, false },
	{ VIDIOC_G_PRIORITY, get_priority, true },
	{ VIDIOC_S_PRIORITY, set_priority, true },
	{ VIDIOC_QUERY_EXT_CTRL, emu_query_ext_ctrl, true },
	{ VIDIOC_QUERYCTRL, emu_queryctrl, true },
	{ VIDIOC_QUERYMENU, emu_querymenu, false },
	{ VIDIOC_G_CTRL, emu_g_ctrl, true },
	{ VIDIOC_S_CTRL, emu_s_ctrl, true },
	{ VIDIOC_G_EXT_CTRLS, emu_g_ext_ctrls, true },
	{ VIDIOC_S_EXT_CTRLS, emu_s_ext_ctrls, true },
	{ VIDIOC_TRY_EXT_CTRLS, emu_try_ext_ctrls, true },
	{ VIDIOC_REQBUFS, emu_reqbufs, true },
	{ VIDIOC_QUERYBUF, emu_querybuf, false },
	{ VIDIOC_EXPBUF, emu_expbuf, false },
	{ VIDIOC_STREAMON, emu_streamon, true },
	{ VIDIOC_STREAMOFF, emu_streamoff, true },
};

static int answer(const struct answer *entry, struct emu_handle *handle, void *arg)
{
	struct emu_device *device = emu_device();
	int err;

	if (!arg)
		return -EFAULT;
	if (!entry->control)
		return entry->answer(handle, arg);
	pthread_mutex_lock(&device->control);
	err = entry->answer(handle, arg);
	pthread_mutex_unlock(&device->control);
	return err;
}

int emu_ioctl(struct emu_handle *handle, unsigned long request, void *arg)
{
	/* Some programs keep the request in an int, whose sign is extended. */
	request &= UINT32_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (answers[i].request == request)
			return answer(&answers[i], handle, arg);
	return -ENOTTY;
}
