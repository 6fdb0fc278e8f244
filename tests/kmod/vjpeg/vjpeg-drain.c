// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a stream: after ENCODER_CMD STOP, queued frames are still encoded, the last JPEG gets
 * the LAST flag, and an event is sent.
 */
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "vjpeg.h"

static void announce_end(struct vjpeg_ctx *ctx)
{
	static const struct v4l2_event end = { .type = V4L2_EVENT_EOS };

	v4l2_event_queue_fh(&ctx->fh, &end);
}

int vjpeg_drain_cmd(struct file *file, void *fh, struct v4l2_encoder_cmd *cmd)
{
	struct vjpeg_ctx *ctx = vjpeg_ctx_of(file->private_data);
	struct v4l2_m2m_ctx *m2m = ctx->fh.m2m_ctx;
	int err = v4l2_m2m_ioctl_try_encoder_cmd(file, fh, cmd);

	if (err)
		return err;
	if (!vb2_is_streaming(v4l2_m2m_get_src_vq(m2m)) ||
	    !vb2_is_streaming(v4l2_m2m_get_dst_vq(m2m)))
		return 0;	/* nothing to drain, nothing to resume */
	err = v4l2_m2m_ioctl_encoder_cmd(file, fh, cmd);
	if (err)
		return err;
	if (cmd->cmd == V4L2_ENC_CMD_STOP && v4l2_m2m_has_stopped(m2m))
		announce_end(ctx);
	if (cmd->cmd == V4L2_ENC_CMD_START)
		vb2_clear_last_buffer_dequeued(v4l2_m2m_get_dst_vq(m2m));
	return 0;
}

int vjpeg_drain_subscribe(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	if (sub->type == V4L2_EVENT_EOS)
		return v4l2_event_subscribe(fh, sub, 0, NULL);
	return v4l2_ctrl_subscribe_event(fh, sub);
}

bool vjpeg_drain_takes(struct vjpeg_ctx *ctx, struct vb2_v4l2_buffer *vbuf)
{
	struct v4l2_m2m_ctx *m2m = ctx->fh.m2m_ctx;

	if (V4L2_TYPE_IS_OUTPUT(vbuf->vb2_buf.type) ||
	    !vb2_is_streaming(vbuf->vb2_buf.vb2_queue) || !v4l2_m2m_dst_buf_is_last(m2m))
		return false;
	vbuf->sequence = ctx->jpeg.sequence++;
	vbuf->field = V4L2_FIELD_NONE;
	v4l2_m2m_last_buffer_done(m2m, vbuf);
	announce_end(ctx);
	return true;
}

void vjpeg_drain_job(struct vjpeg_ctx *ctx, struct vb2_v4l2_buffer *src, struct vb2_v4l2_buffer *dst)
{
	if (!v4l2_m2m_is_last_draining_src_buf(ctx->fh.m2m_ctx, src))
		return;
	dst->flags |= V4L2_BUF_FLAG_LAST;
	v4l2_m2m_mark_stopped(ctx->fh.m2m_ctx);
	announce_end(ctx);
}
