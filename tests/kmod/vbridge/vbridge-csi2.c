// SPDX-License-Identifier: GPL-2.0-only
/* The CSI-2 port: a subdevice whose source pad has the format of its sink pad. */
#include <linux/media-bus-format.h>
#include <linux/minmax.h>
#include <linux/module.h>

#include "vbridge.h"

#define SINK   0
#define SOURCE 1

static int csi2_init_state(struct v4l2_subdev *sd, struct v4l2_subdev_state *state)
{
	const struct v4l2_mbus_framefmt initial = {
		.code = MEDIA_BUS_FMT_UYVY8_1X16,
		.width = 640,
		.height = 480,
		.field = V4L2_FIELD_NONE,
		.colorspace = V4L2_COLORSPACE_SRGB,
	};

	*v4l2_subdev_state_get_format(state, SINK) = initial;
	*v4l2_subdev_state_get_format(state, SOURCE) = initial;
	return 0;
}

static int csi2_set_fmt(struct v4l2_subdev *sd, struct v4l2_subdev_state *state,
			struct v4l2_subdev_format *wanted)
{
	struct vbridge *dev = container_of(sd, struct vbridge, csi2.sd);
	struct v4l2_mbus_framefmt *sink = v4l2_subdev_state_get_format(state, SINK);

	if (wanted->pad == SINK) {
		if (wanted->which == V4L2_SUBDEV_FORMAT_ACTIVE &&
		    vb2_is_streaming(&dev->capture.queue))
			return -EBUSY;
		if (vbridge_format_of_code(wanted->format.code))
			sink->code = wanted->format.code;
		sink->width = clamp(wanted->format.width, 16u, 4096u) & ~1u;
		sink->height = clamp(wanted->format.height, 16u, 2160u);
		*v4l2_subdev_state_get_format(state, SOURCE) = *sink;
	}
	wanted->format = *sink;
	return 0;
}

static int csi2_enum_code(struct v4l2_subdev *sd, struct v4l2_subdev_state *state,
			  struct v4l2_subdev_mbus_code_enum *code)
{
	const struct vbridge_format *format = vbridge_format_at(code->index);

	if (!format)
		return -EINVAL;
	code->code = format->code;
	return 0;
}

static const struct v4l2_subdev_pad_ops pad_ops = {
	.get_fmt = v4l2_subdev_get_fmt,
	.set_fmt = csi2_set_fmt,
	.enum_mbus_code = csi2_enum_code,
	.link_validate = v4l2_subdev_link_validate_default,
};

static const struct v4l2_subdev_ops csi2_ops = { .pad = &pad_ops };
static const struct v4l2_subdev_internal_ops internal_ops = { .init_state = csi2_init_state };
static const struct media_entity_operations entity_ops = {
	.link_validate = v4l2_subdev_link_validate,
};

int vbridge_csi2_register(struct vbridge *dev)
{
	struct v4l2_subdev *sd = &dev->csi2.sd;
	struct media_pad *pads = dev->csi2.pads;
	int err;

	v4l2_subdev_init(sd, &csi2_ops);
	sd->internal_ops = &internal_ops;
	sd->flags = V4L2_SUBDEV_FL_HAS_DEVNODE;
	sd->owner = THIS_MODULE;
	sd->dev = dev->dev;
	strscpy(sd->name, "vbridge csi2", sizeof(sd->name));
	sd->entity.function = MEDIA_ENT_F_VID_IF_BRIDGE;
	sd->entity.ops = &entity_ops;
	pads[SINK].flags = MEDIA_PAD_FL_SINK;
	pads[SOURCE].flags = MEDIA_PAD_FL_SOURCE;
	err = media_entity_pads_init(&sd->entity, 2, pads);
	if (err)
		return err;
	err = v4l2_subdev_init_finalize(sd);
	if (err)
		goto cleanup_entity;
	err = v4l2_device_register_subdev(&dev->v4l2, sd);
	if (!err)
		return 0;
	v4l2_subdev_cleanup(sd);
cleanup_entity:
	media_entity_cleanup(&sd->entity);
	return err;
}

void vbridge_csi2_unregister(struct vbridge *dev)
{
	v4l2_device_unregister_subdev(&dev->csi2.sd);
}

void vbridge_csi2_free(struct vbridge *dev)
{
	v4l2_subdev_cleanup(&dev->csi2.sd);
	media_entity_cleanup(&dev->csi2.sd.entity);
}
