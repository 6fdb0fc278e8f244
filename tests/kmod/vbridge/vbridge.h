/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vbridge poses as a board whose HDMI receiver sends its video over CSI-2:
 *
 *	"vbridge hdmi" -> "vbridge csi2" -> "vbridge capture"
 *
 * The receiver has EDID, DV timings and events, as tc358743 has. The video node knows formats
 * alone: STREAMON needs an enabled link and equal formats on both ends of every link, and without
 * the signal that the timings describe no frame comes.
 */
#ifndef VBRIDGE_H
#define VBRIDGE_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <media/media-device.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/v4l2-subdev.h>
#include <media/videobuf2-v4l2.h>

#define VBRIDGE_NAME "vbridge"
#define VBRIDGE_EDID_BLOCKS 2

/* What the receiver can send, and what the node makes of it. */
struct vbridge_format {
	u32 code;
	u32 fourcc;
	unsigned int bytes;	/* of a pixel */
};

/* The receiver. Subdevice "vbridge hdmi". */
struct vbridge_hdmi {
	struct v4l2_subdev sd;
	struct media_pad pad;
	struct v4l2_ctrl_handler ctrls;
	struct v4l2_ctrl *power;

	struct mutex lock;	/* of the members below; taken last */
	int source;		/* item of the control "Source" */
	struct v4l2_dv_timings timings;
	unsigned int blocks;	/* of the EDID; 0: none, and the source sees no display */
	u8 edid[VBRIDGE_EDID_BLOCKS * 128];
	bool sending;		/* ends with each change of the signal, as tc358743's stream */
};

/* The CSI-2 port. Subdevice "vbridge csi2". */
struct vbridge_csi2 {
	struct v4l2_subdev sd;
	struct media_pad pads[2];
};

/* The node "vbridge capture". */
struct vbridge_capture {
	struct video_device vdev;
	struct media_pad pad;
	struct media_pipeline pipe;
	struct mutex lock;	/* of the node and its queue */
	struct vb2_queue queue;
	struct v4l2_pix_format format;
	spinlock_t buffers_lock;
	struct list_head buffers;
	struct delayed_work tick;
	u64 due_ns;		/* the next frame */
	u32 sequence;
};

struct vbridge {
	struct device *dev;
	struct media_device media;
	struct v4l2_device v4l2;
	struct vbridge_hdmi hdmi;
	struct vbridge_csi2 csi2;
	struct vbridge_capture capture;
};

/* vbridge-core.c: NULL for another code or fourcc. */
const struct vbridge_format *vbridge_format_of_code(u32 code);
const struct vbridge_format *vbridge_format_of_fourcc(u32 fourcc);
const struct vbridge_format *vbridge_format_at(unsigned int index);

/* The functions that register leave nothing behind after a failure. */
int vbridge_hdmi_register(struct vbridge *dev);
void vbridge_hdmi_unregister(struct vbridge *dev);
void vbridge_hdmi_free(struct vbridge *dev);
/* Whether the receiver sends frames now, and the time of a frame. */
bool vbridge_hdmi_sends(struct vbridge_hdmi *hdmi, u64 *frame_ns);

int vbridge_csi2_register(struct vbridge *dev);
void vbridge_csi2_unregister(struct vbridge *dev);
void vbridge_csi2_free(struct vbridge *dev);

int vbridge_capture_register(struct vbridge *dev);
void vbridge_capture_unregister(struct vbridge *dev);
void vbridge_capture_free(struct vbridge *dev);
#endif
