/* SPDX-License-Identifier: MIT */
#include "capture/controls.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "capture/source.h"

static const struct glint_log_topic topic = { "capture" };

struct control {
	const char *name;
	uint32_t id;
	uint32_t auto_id;	/* 0: it has no automatic mode */
};

static const struct control controls[GLINT_CONTROL_COUNT] = {
	[GLINT_CONTROL_BRIGHTNESS] = { "brightness", V4L2_CID_BRIGHTNESS, V4L2_CID_AUTOBRIGHTNESS },
	[GLINT_CONTROL_CONTRAST] = { "contrast", V4L2_CID_CONTRAST, 0 },
	[GLINT_CONTROL_SATURATION] = { "saturation", V4L2_CID_SATURATION, 0 },
	[GLINT_CONTROL_HUE] = { "hue", V4L2_CID_HUE, V4L2_CID_HUE_AUTO },
	[GLINT_CONTROL_GAMMA] = { "gamma", V4L2_CID_GAMMA, 0 },
	[GLINT_CONTROL_SHARPNESS] = { "sharpness", V4L2_CID_SHARPNESS, 0 },
	[GLINT_CONTROL_BACKLIGHT] = { "backlight compensation", V4L2_CID_BACKLIGHT_COMPENSATION, 0 },
	[GLINT_CONTROL_WHITE_BALANCE] = { "white balance", V4L2_CID_WHITE_BALANCE_TEMPERATURE,
					  V4L2_CID_AUTO_WHITE_BALANCE },
	[GLINT_CONTROL_GAIN] = { "gain", V4L2_CID_GAIN, V4L2_CID_AUTOGAIN },
	[GLINT_CONTROL_COLOR_EFFECT] = { "color effect", V4L2_CID_COLORFX, 0 },
	[GLINT_CONTROL_ROTATE] = { "rotate", V4L2_CID_ROTATE, 0 },
	[GLINT_CONTROL_FLIP_V] = { "vertical flip", V4L2_CID_VFLIP, 0 },
	[GLINT_CONTROL_FLIP_H] = { "horizontal flip", V4L2_CID_HFLIP, 0 },
};

static int control_query(const struct glint_source *source, uint32_t id,
			 struct v4l2_queryctrl *query)
{
	int err;

	*query = (struct v4l2_queryctrl){ .id = id };
	err = glint_vdev_ioctl(&source->vdev, VIDIOC_QUERYCTRL, query);
	if (err < 0)
		return err;
	return query->flags & V4L2_CTRL_FLAG_DISABLED ? -EINVAL : 0;
}

static int control_write(const struct glint_source *source, uint32_t id, int32_t value)
{
	struct v4l2_control control = { .id = id, .value = value };

	return glint_vdev_ioctl(&source->vdev, VIDIOC_S_CTRL, &control);
}

static int control_default(const struct glint_source *source, uint32_t id)
{
	struct v4l2_queryctrl query;
	int err = control_query(source, id, &query);

	return err < 0 ? err : control_write(source, id, query.default_value);
}

static int control_value(const struct glint_source *source, const struct control *control,
			 int32_t value)
{
	struct v4l2_queryctrl query;
	int err = control_query(source, control->id, &query);

	if (err < 0)
		return err;
	if (value < query.minimum || value > query.maximum)
		return -ERANGE;
	/* As long as it is automatic, a value is refused or overwritten. */
	if (control->auto_id)
		(void)control_write(source, control->auto_id, 0);
	return control_write(source, control->id, value);
}

static int control_apply(const struct glint_source *source, const struct control *control,
			 const struct glint_control_setting *setting)
{
	struct v4l2_queryctrl query;
	int err;

	switch (setting->mode) {
	case GLINT_CONTROL_VALUE:
		return control_value(source, control, setting->value);
	case GLINT_CONTROL_DEFAULT:
		return control_default(source, control->id);
	case GLINT_CONTROL_AUTO:
		err = control->auto_id ? control_query(source, control->auto_id, &query) : -EINVAL;
		return err < 0 ? err : control_write(source, control->auto_id, 1);
	default:
		return 0;
	}
}

static void control_tell(struct glint_source *source, unsigned index, int err)
{
	const char *name = controls[index].name;

	/* Again with every opening it would only fill the log. */
	if (source->controls_told & 1u << index)
		return;
	source->controls_told |= 1u << index;
	if (err == -EINVAL || err == -ENOTTY)
		glint_log_warn(&topic, "'%s' has no such control: %s", source->path, name);
	else if (err == -ERANGE)
		glint_log_warn(&topic, "'%s': %s %d is out of the control's range", source->path,
			       name, source->config->controls[index].value);
	else
		glint_log_err(&topic, err, "'%s': cannot set the %s", source->path, name);
}

void glint_controls_set(struct glint_source *source)
{
	const struct glint_capture_config *config = source->config;

	static_assert(GLINT_CONTROL_COUNT <= 32, "");
	/* Not all that a driver has: among those are buttons, and faults of test drivers. */
	for (unsigned i = 0; config->controls_reset && i < GLINT_CONTROL_COUNT; i++) {
		(void)control_default(source, controls[i].id);
		if (controls[i].auto_id)
			(void)control_default(source, controls[i].auto_id);
	}
	for (unsigned i = 0; i < GLINT_CONTROL_COUNT; i++) {
		int err = control_apply(source, &controls[i], &config->controls[i]);

		if (err < 0)
			control_tell(source, i, err);
	}
}

void glint_controls_set_jpeg_quality(struct glint_source *source)
{
	int32_t quality = (int32_t)source->config->jpeg_quality;
	struct v4l2_jpegcompression compression = { 0 };

	if (control_write(source, V4L2_CID_JPEG_COMPRESSION_QUALITY, quality) >= 0)
		return;
	if (glint_vdev_ioctl(&source->vdev, VIDIOC_G_JPEGCOMP, &compression) < 0)
		return;
	compression.quality = quality;
	(void)glint_vdev_ioctl(&source->vdev, VIDIOC_S_JPEGCOMP, &compression);
}
