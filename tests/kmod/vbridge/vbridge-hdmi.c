// SPDX-License-Identifier: GPL-2.0-only
/*
 * The receiver: a subdevice with EDID, DV timings and events. A test chooses the signal by the
 * control "Source". Without an EDID there is no signal, since a source sends nothing to a display
 * that it does not see.
 */
#include <linux/media-bus-format.h>
#include <linux/module.h>
#include <linux/v4l2-dv-timings.h>
#include <media/v4l2-dv-timings.h>
#include <media/v4l2-event.h>

#include "vbridge.h"

#define CID_SOURCE (V4L2_CID_USER_BASE | 0xf200)

enum { SOURCE_NONE, SOURCE_NO_LOCK, SOURCE_OUT_OF_RANGE, SOURCE_SIGNALS };

static const char *const sources[] = {
	"No Signal",   "No Lock",     "Out of Range", "640x480p59",
	"1280x720p60", "1920x1080p60", "1280x720p50",  NULL,
};

/* The signals behind SOURCE_SIGNALS. */
static const struct v4l2_dv_timings signals[] = {
	V4L2_DV_BT_CEA_640X480P59_94,
	V4L2_DV_BT_CEA_1280X720P60,
	V4L2_DV_BT_CEA_1920X1080P60,
	V4L2_DV_BT_CEA_1280X720P50,
};

static const struct v4l2_dv_timings_cap capabilities = {
	.type = V4L2_DV_BT_656_1120,
	.reserved = { 0 },
	V4L2_INIT_BT_TIMINGS(640, 1920, 350, 1200, 13000000, 165000000,
			     V4L2_DV_BT_STD_CEA861 | V4L2_DV_BT_STD_DMT | V4L2_DV_BT_STD_CVT,
			     V4L2_DV_BT_CAP_PROGRESSIVE)
};

static struct vbridge_hdmi *hdmi_of(struct v4l2_subdev *sd)
{
	return container_of(sd, struct vbridge_hdmi, sd);
}

/* --- The signal ----------------------------------------------------------------- */

static int hdmi_detect(const struct vbridge_hdmi *hdmi, struct v4l2_dv_timings *timings)
{
	if (!hdmi->blocks || hdmi->source == SOURCE_NONE)
		return -ENOLINK;
	if (hdmi->source == SOURCE_NO_LOCK)
		return -ENOLCK;
	if (hdmi->source == SOURCE_OUT_OF_RANGE)
		return -ERANGE;
	*timings = signals[hdmi->source - SOURCE_SIGNALS];
	return 0;
}

static bool hdmi_matches(const struct vbridge_hdmi *hdmi)
{
	struct v4l2_dv_timings signal;

	return !hdmi_detect(hdmi, &signal) &&
	       v4l2_match_dv_timings(&signal, &hdmi->timings, 0, false);
}

static void hdmi_notify(struct vbridge_hdmi *hdmi)
{
	static const struct v4l2_event event = {
		.type = V4L2_EVENT_SOURCE_CHANGE,
		.u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION,
	};

	if (hdmi->sd.devnode)
		v4l2_subdev_notify_event(&hdmi->sd, &event);
}

bool vbridge_hdmi_sends(struct vbridge_hdmi *hdmi, u64 *frame_ns)
{
	struct v4l2_fract time;
	bool sends;

	mutex_lock(&hdmi->lock);
	sends = hdmi->sending;
	time = v4l2_calc_timeperframe(&hdmi->timings);
	mutex_unlock(&hdmi->lock);
	*frame_ns = div_u64((u64)time.numerator * NSEC_PER_SEC, time.denominator ?: 1);
	return sends;
}

static int hdmi_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vbridge_hdmi *hdmi = container_of(ctrl->handler, struct vbridge_hdmi, ctrls);

	if (ctrl->id != CID_SOURCE)
		return 0;
	mutex_lock(&hdmi->lock);
	hdmi->source = ctrl->val;
	hdmi->sending &= hdmi_matches(hdmi);
	mutex_unlock(&hdmi->lock);
	__v4l2_ctrl_s_ctrl(hdmi->power, ctrl->val != SOURCE_NONE);
	hdmi_notify(hdmi);
	return 0;
}

static const struct v4l2_ctrl_ops ctrl_ops = { .s_ctrl = hdmi_s_ctrl };

static const struct v4l2_ctrl_config source_ctrl = {
	.ops = &ctrl_ops,
	.id = CID_SOURCE,
	.name = "Source",
	.type = V4L2_CTRL_TYPE_MENU,
	.max = ARRAY_SIZE(sources) - 2,
	.def = SOURCE_NONE,
	.qmenu = sources,
};

static int hdmi_subscribe(struct v4l2_subdev *sd, struct v4l2_fh *fh,
			  struct v4l2_event_subscription *subscription)
{
	switch (subscription->type) {
	case V4L2_EVENT_SOURCE_CHANGE:
		return v4l2_src_change_event_subdev_subscribe(sd, fh, subscription);
	case V4L2_EVENT_CTRL:
		return v4l2_ctrl_subdev_subscribe_event(sd, fh, subscription);
	default:
		return -EINVAL;
	}
}

static int hdmi_s_stream(struct v4l2_subdev *sd, int on)
{
	struct vbridge_hdmi *hdmi = hdmi_of(sd);

	mutex_lock(&hdmi->lock);
	hdmi->sending = on && hdmi_matches(hdmi);
	mutex_unlock(&hdmi->lock);
	return 0;
}

/* --- Timings ------------------------------------------------------------------------ */

static int hdmi_g_timings(struct v4l2_subdev *sd, unsigned int pad,
			  struct v4l2_dv_timings *timings)
{
	struct vbridge_hdmi *hdmi = hdmi_of(sd);

	if (pad)
		return -EINVAL;
	mutex_lock(&hdmi->lock);
	*timings = hdmi->timings;
	mutex_unlock(&hdmi->lock);
	return 0;
}

/* The format follows the timings. */
static int hdmi_s_timings(struct v4l2_subdev *sd, unsigned int pad,
			  struct v4l2_dv_timings *timings)
{
	struct vbridge_hdmi *hdmi = hdmi_of(sd);
	struct v4l2_subdev_state *state;
	struct v4l2_mbus_framefmt *format;

	if (pad)
		return -EINVAL;
	if (!v4l2_valid_dv_timings(timings, &capabilities, NULL, NULL))
		return -ERANGE;
	memset(timings->bt.reserved, 0, sizeof(timings->bt.reserved));
	mutex_lock(&hdmi->lock);
	if (v4l2_match_dv_timings(timings, &hdmi->timings, 0, false)) {
		mutex_unlock(&hdmi->lock);
		return 0;
	}
	hdmi->timings = *timings;
	hdmi->sending = false;
	mutex_unlock(&hdmi->lock);

	state = v4l2_subdev_lock_and_get_active_state(sd);
	format = v4l2_subdev_state_get_format(state, 0);
	format->width = timings->bt.width;
	format->height = timings->bt.height;
	v4l2_subdev_unlock_state(state);
	return 0;
}

static int hdmi_query_timings(struct v4l2_subdev *sd, unsigned int pad,
			      struct v4l2_dv_timings *timings)
{
	struct vbridge_hdmi *hdmi = hdmi_of(sd);
	int err;

	if (pad)
		return -EINVAL;
	mutex_lock(&hdmi->lock);
	err = hdmi_detect(hdmi, timings);
	mutex_unlock(&hdmi->lock);
	return err;
}

static int hdmi_enum_timings(struct v4l2_subdev *sd, struct v4l2_enum_dv_timings *timings)
{
	if (timings->pad)
		return -EINVAL;
	return v4l2_enum_dv_timings_cap(timings, &capabilities, NULL, NULL);
}

static int hdmi_timings_cap(struct v4l2_subdev *sd, struct v4l2_dv_timings_cap *cap)
{
	if (cap->pad)
		return -EINVAL;
	*cap = capabilities;
	return 0;
}

/* --- EDID ----------------------------------------------------------------------------- */

static int hdmi_get_edid(struct v4l2_subdev *sd, struct v4l2_subdev_edid *edid)
{
	struct vbridge_hdmi *hdmi = hdmi_of(sd);
	int err = 0;

	memset(edid->reserved, 0, sizeof(edid->reserved));
	if (edid->pad)
		return -EINVAL;
	mutex_lock(&hdmi->lock);
	if (!edid->start_block && !edid->blocks) {
		edid->blocks = hdmi->blocks;
	} else if (!hdmi->blocks) {
		err = -ENODATA;
	} else if (edid->start_block >= hdmi->blocks || !edid->blocks) {
		err = -EINVAL;
	} else {
		edid->blocks = min(edid->blocks, hdmi->blocks - edid->start_block);
		memcpy(edid->edid, hdmi->edid + edid->start_block * 128, edid->blocks * 128);
	}
	mutex_unlock(&hdmi->lock);
	return err;
}

/* A new EDID is hotplug low, then high: the source goes away and comes back. */
static int hdmi_set_edid(struct v4l2_subdev *sd, struct v4l2_subdev_edid *edid)
{
	struct vbridge_hdmi *hdmi = hdmi_of(sd);

	memset(edid->reserved, 0, sizeof(edid->reserved));
	if (edid->pad || edid->start_block)
		return -EINVAL;
	if (edid->blocks > VBRIDGE_EDID_BLOCKS) {
		edid->blocks = VBRIDGE_EDID_BLOCKS;
		return -E2BIG;
	}
	mutex_lock(&hdmi->lock);
	hdmi->blocks = 0;
	hdmi->sending = false;
	mutex_unlock(&hdmi->lock);
	hdmi_notify(hdmi);
	if (!edid->blocks)
		return 0;
	mutex_lock(&hdmi->lock);
	memcpy(hdmi->edid, edid->edid, edid->blocks * 128);
	hdmi->blocks = edid->blocks;
	mutex_unlock(&hdmi->lock);
	hdmi_notify(hdmi);
	return 0;
}

/* --- Formats ----------------------------------------------------------------------------- */

static int hdmi_init_state(struct v4l2_subdev *sd, struct v4l2_subdev_state *state)
{
	struct vbridge_hdmi *hdmi = hdmi_of(sd);

	*v4l2_subdev_state_get_format(state, 0) = (struct v4l2_mbus_framefmt){
		.code = MEDIA_BUS_FMT_UYVY8_1X16,
		.width = hdmi->timings.bt.width,
		.height = hdmi->timings.bt.height,
		.field = V4L2_FIELD_NONE,
		.colorspace = V4L2_COLORSPACE_SRGB,
	};
	return 0;
}

/* The size is that of the timings; only the code can be chosen. */
static int hdmi_set_fmt(struct v4l2_subdev *sd, struct v4l2_subdev_state *state,
			struct v4l2_subdev_format *wanted)
{
	struct v4l2_mbus_framefmt *format = v4l2_subdev_state_get_format(state, 0);
	struct vbridge_hdmi *hdmi = hdmi_of(sd);

	if (vbridge_format_of_code(wanted->format.code))
		format->code = wanted->format.code;
	wanted->format = *format;
	if (wanted->which == V4L2_SUBDEV_FORMAT_ACTIVE) {
		mutex_lock(&hdmi->lock);
		hdmi->sending = false;
		mutex_unlock(&hdmi->lock);
	}
	return 0;
}

static int hdmi_enum_code(struct v4l2_subdev *sd, struct v4l2_subdev_state *state,
			  struct v4l2_subdev_mbus_code_enum *code)
{
	const struct vbridge_format *format = vbridge_format_at(code->index);

	if (!format)
		return -EINVAL;
	code->code = format->code;
	return 0;
}

static const struct v4l2_subdev_core_ops core_ops = {
	.subscribe_event = hdmi_subscribe,
	.unsubscribe_event = v4l2_event_subdev_unsubscribe,
};

static const struct v4l2_subdev_video_ops video_ops = { .s_stream = hdmi_s_stream };

static const struct v4l2_subdev_pad_ops pad_ops = {
	.get_fmt = v4l2_subdev_get_fmt,
	.set_fmt = hdmi_set_fmt,
	.enum_mbus_code = hdmi_enum_code,
	.g_dv_timings = hdmi_g_timings,
	.s_dv_timings = hdmi_s_timings,
	.query_dv_timings = hdmi_query_timings,
	.enum_dv_timings = hdmi_enum_timings,
	.dv_timings_cap = hdmi_timings_cap,
	.get_edid = hdmi_get_edid,
	.set_edid = hdmi_set_edid,
};

static const struct v4l2_subdev_ops hdmi_ops = {
	.core = &core_ops,
	.video = &video_ops,
	.pad = &pad_ops,
};

static const struct v4l2_subdev_internal_ops internal_ops = { .init_state = hdmi_init_state };

/* --- Registration --------------------------------------------------------------------------- */

int vbridge_hdmi_register(struct vbridge *dev)
{
	struct vbridge_hdmi *hdmi = &dev->hdmi;
	struct v4l2_subdev *sd = &hdmi->sd;
	int err;

	mutex_init(&hdmi->lock);
	hdmi->timings = signals[0];
	v4l2_subdev_init(sd, &hdmi_ops);
	sd->internal_ops = &internal_ops;
	sd->flags = V4L2_SUBDEV_FL_HAS_DEVNODE | V4L2_SUBDEV_FL_HAS_EVENTS;
	sd->owner = THIS_MODULE;
	sd->dev = dev->dev;
	strscpy(sd->name, "vbridge hdmi", sizeof(sd->name));
	sd->entity.function = MEDIA_ENT_F_DV_DECODER;
	hdmi->pad.flags = MEDIA_PAD_FL_SOURCE;
	err = media_entity_pads_init(&sd->entity, 1, &hdmi->pad);
	if (err)
		return err;
	v4l2_ctrl_handler_init(&hdmi->ctrls, 2);
	hdmi->power = v4l2_ctrl_new_std(&hdmi->ctrls, NULL, V4L2_CID_DV_RX_POWER_PRESENT, 0, 1, 0,
					0);
	v4l2_ctrl_new_custom(&hdmi->ctrls, &source_ctrl, NULL);
	sd->ctrl_handler = &hdmi->ctrls;
	err = hdmi->ctrls.error;
	if (err)
		goto free_ctrls;
	err = v4l2_subdev_init_finalize(sd);
	if (err)
		goto free_ctrls;
	err = v4l2_device_register_subdev(&dev->v4l2, sd);
	if (!err)
		return 0;
	v4l2_subdev_cleanup(sd);
free_ctrls:
	v4l2_ctrl_handler_free(&hdmi->ctrls);
	media_entity_cleanup(&sd->entity);
	return err;
}

void vbridge_hdmi_unregister(struct vbridge *dev)
{
	v4l2_device_unregister_subdev(&dev->hdmi.sd);
}

void vbridge_hdmi_free(struct vbridge *dev)
{
	v4l2_subdev_cleanup(&dev->hdmi.sd);
	v4l2_ctrl_handler_free(&dev->hdmi.ctrls);
	media_entity_cleanup(&dev->hdmi.sd.entity);
}
