// SPDX-License-Identifier: GPL-2.0-only
/*
 * Controls: each file has its own JPEG controls. The fault controls belong to the device, so that
 * one program can inject a fault while another streams.
 */
#include <linux/module.h>

#include "vjpeg.h"

static bool has_faults = true;
module_param_named(faults, has_faults, bool, 0444);
MODULE_PARM_DESC(faults, "have the controls that order faults, 0 or 1; v4l2-compliance presses them all");

#define VJPEG_CID_BASE (V4L2_CID_USER_BASE | 0xf100)

enum {
	VJPEG_CID_HANG = VJPEG_CID_BASE,
	VJPEG_CID_FAIL_EVERY,
	VJPEG_CID_TRUNCATE,
	VJPEG_CID_NO_EOI,
	VJPEG_CID_WRONG_SIZE,
	VJPEG_CID_DURATION,
	VJPEG_CID_STALL_POLL,
	VJPEG_CID_STALL_IOCTL,
	VJPEG_CID_FAIL_STREAMON,
	VJPEG_CID_FAIL_QBUF,
	VJPEG_CID_FAIL_REQBUFS,
};

/* --- The encoder's ------------------------------------------------------------ */

unsigned int vjpeg_ctrls_quality(const struct vjpeg_ctx *ctx)
{
	const struct vjpeg_quirks *quirks = ctx->dev->quirks;
	int span = quirks->quality_max - quirks->quality_min;
	int value = v4l2_ctrl_g_ctrl(ctx->quality);

	/*
	 * Samsung and Renesas: higher numbers are finer tables, although S5P_JPEG_COMPR_QUAL_BEST
	 * is 0. The first steps of their tables are those of libjpeg at 40, 50, 62 and 75.
	 */
	if (quirks->quality_tables)
		return 40 + (value - quirks->quality_min) * 35 / max(span, 1);
	return clamp(value, 1, 100);
}

bool vjpeg_ctrls_chroma_422(const struct vjpeg_ctx *ctx)
{
	if (!ctx->subsampling)
		return ctx->dev->quirks->subsampling_422;
	return v4l2_ctrl_g_ctrl(ctx->subsampling) == V4L2_JPEG_CHROMA_SUBSAMPLING_422;
}

/* Values are read when a job begins. */
static int encoder_s_ctrl(struct v4l2_ctrl *ctrl)
{
	return 0;
}

static const struct v4l2_ctrl_ops encoder_ctrl_ops = { .s_ctrl = encoder_s_ctrl };

int vjpeg_ctrls_init(struct vjpeg_ctx *ctx)
{
	const struct vjpeg_quirks *quirks = ctx->dev->quirks;
	struct v4l2_ctrl_handler *handler = &ctx->ctrls;
	int err;

	v4l2_ctrl_handler_init(handler, 16);
	ctx->quality = v4l2_ctrl_new_std(handler, &encoder_ctrl_ops,
					 V4L2_CID_JPEG_COMPRESSION_QUALITY, quirks->quality_min,
					 quirks->quality_max, 1, quirks->quality_default);
	if (quirks->restart_max)
		ctx->restart = v4l2_ctrl_new_std(handler, &encoder_ctrl_ops,
						 V4L2_CID_JPEG_RESTART_INTERVAL, 0,
						 quirks->restart_max, 1, 0);
	if (quirks->has_subsampling)
		ctx->subsampling = v4l2_ctrl_new_std_menu(
			handler, &encoder_ctrl_ops, V4L2_CID_JPEG_CHROMA_SUBSAMPLING,
			V4L2_JPEG_CHROMA_SUBSAMPLING_420,
			~(BIT(V4L2_JPEG_CHROMA_SUBSAMPLING_422) |
			  BIT(V4L2_JPEG_CHROMA_SUBSAMPLING_420)),
			quirks->subsampling_422 ? V4L2_JPEG_CHROMA_SUBSAMPLING_422 :
						  V4L2_JPEG_CHROMA_SUBSAMPLING_420);
	if (quirks->min_buffers > 1)
		v4l2_ctrl_new_std(handler, NULL, V4L2_CID_MIN_BUFFERS_FOR_OUTPUT, 1, 32, 1,
				  quirks->min_buffers);
	v4l2_ctrl_add_handler(handler, &ctx->dev->fault_ctrls, NULL, false);

	err = handler->error ?: v4l2_ctrl_handler_setup(handler);
	if (err)
		v4l2_ctrl_handler_free(handler);
	return err;
}

/* --- The faults --------------------------------------------------------------- */

static int fault_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vjpeg_dev *dev = container_of(ctrl->handler, struct vjpeg_dev, fault_ctrls);
	struct vjpeg_faults *faults = &dev->faults;

	switch (ctrl->id) {
	case VJPEG_CID_HANG:
		WRITE_ONCE(faults->hang, ctrl->val);
		wake_up_all(&dev->wake);
		break;
	case VJPEG_CID_FAIL_EVERY:
		WRITE_ONCE(faults->fail_every, ctrl->val);
		break;
	case VJPEG_CID_TRUNCATE:
		WRITE_ONCE(faults->truncate, ctrl->val);
		break;
	case VJPEG_CID_NO_EOI:
		WRITE_ONCE(faults->no_eoi, ctrl->val);
		break;
	case VJPEG_CID_WRONG_SIZE:
		WRITE_ONCE(faults->wrong_size, ctrl->val);
		break;
	case VJPEG_CID_DURATION:
		WRITE_ONCE(faults->duration_us, ctrl->val);
		break;
	case VJPEG_CID_STALL_POLL:
		WRITE_ONCE(faults->stall_poll_ms, ctrl->val);
		break;
	case VJPEG_CID_STALL_IOCTL:
		WRITE_ONCE(faults->stall_ioctl_ms, ctrl->val);
		break;
	case VJPEG_CID_FAIL_STREAMON:
		WRITE_ONCE(faults->fail_streamon, true);
		break;
	case VJPEG_CID_FAIL_QBUF:
		WRITE_ONCE(faults->fail_qbuf, true);
		break;
	case VJPEG_CID_FAIL_REQBUFS:
		WRITE_ONCE(faults->fail_reqbufs, true);
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

static const struct v4l2_ctrl_ops fault_ctrl_ops = { .s_ctrl = fault_s_ctrl };

#define FAULT_BOOL(cid, text)                                                                     \
	{ .ops = &fault_ctrl_ops, .id = cid, .name = text, .type = V4L2_CTRL_TYPE_BOOLEAN,        \
	  .max = 1, .step = 1 }
/* Setting the same value twice makes two stalls: each stall resets the control. */
#define FAULT_NUMBER(cid, text, most)                                                             \
	{ .ops = &fault_ctrl_ops, .id = cid, .name = text, .type = V4L2_CTRL_TYPE_INTEGER,        \
	  .max = most, .step = 1, .flags = V4L2_CTRL_FLAG_EXECUTE_ON_WRITE }
#define FAULT_BUTTON(cid, text)                                                                   \
	{ .ops = &fault_ctrl_ops, .id = cid, .name = text, .type = V4L2_CTRL_TYPE_BUTTON }

static const struct v4l2_ctrl_config fault_configs[] = {
	FAULT_BOOL(VJPEG_CID_HANG, "Jobs Never Finish"),
	FAULT_NUMBER(VJPEG_CID_FAIL_EVERY, "Fail Every Nth Job", 1000000),
	FAULT_BOOL(VJPEG_CID_TRUNCATE, "Truncate JPEG"),
	FAULT_BOOL(VJPEG_CID_NO_EOI, "Omit EOI"),
	FAULT_BOOL(VJPEG_CID_WRONG_SIZE, "Wrong Size in JPEG"),
	FAULT_NUMBER(VJPEG_CID_DURATION, "Job Duration (us)", 10000000),
	FAULT_NUMBER(VJPEG_CID_STALL_POLL, "Stall Next Poll (ms)", 600000),
	FAULT_NUMBER(VJPEG_CID_STALL_IOCTL, "Stall Next Ioctl (ms)", 600000),
	FAULT_BUTTON(VJPEG_CID_FAIL_STREAMON, "Fail Next STREAMON"),
	FAULT_BUTTON(VJPEG_CID_FAIL_QBUF, "Fail Next QBUF"),
	FAULT_BUTTON(VJPEG_CID_FAIL_REQBUFS, "Fail Next REQBUFS"),
};

int vjpeg_fault_ctrls_init(struct vjpeg_dev *dev)
{
	int err;

	v4l2_ctrl_handler_init(&dev->fault_ctrls, ARRAY_SIZE(fault_configs));
	for (unsigned int i = 0; has_faults && i < ARRAY_SIZE(fault_configs); i++)
		v4l2_ctrl_new_custom(&dev->fault_ctrls, &fault_configs[i], NULL);
	err = dev->fault_ctrls.error;
	if (err)
		v4l2_ctrl_handler_free(&dev->fault_ctrls);
	return err;
}
