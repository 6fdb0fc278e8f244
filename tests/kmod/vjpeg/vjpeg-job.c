// SPDX-License-Identifier: GPL-2.0-only
/* One job encodes a raw frame, with the injected fault. */
#include <linux/delay.h>
#include <linux/ktime.h>

#include "vjpeg.h"

static bool job_may_go_on(struct vjpeg_ctx *ctx)
{
	return !READ_ONCE(ctx->dev->faults.hang) || READ_ONCE(ctx->aborting);
}

/*
 * Waits for slow hardware, or without end for a hang. In idle state, so that the kernel does not
 * report a hung task.
 */
static void job_delay(struct vjpeg_ctx *ctx, ktime_t begin)
{
	u32 duration = READ_ONCE(ctx->dev->faults.duration_us);
	s64 left = duration - ktime_us_delta(ktime_get(), begin);

	if (left > 0)
		usleep_range(left, left + 50);
	wait_event_idle(ctx->dev->wake, job_may_go_on(ctx));
}

static size_t job_encode(struct vjpeg_ctx *ctx, struct vb2_buffer *src, struct vb2_buffer *dst)
{
	const u8 *planes[VJPEG_PLANES_MAX] = { NULL };
	struct vjpeg_settings settings = {
		.quality = vjpeg_ctrls_quality(ctx),
		.restart = ctx->restart ? v4l2_ctrl_g_ctrl(ctx->restart) : 0,
		.header = ctx->dev->quirks->header,
	};
	struct vjpeg_image image;
	u8 *out = vb2_plane_vaddr(dst, 0);

	for (u32 p = 0; p < ctx->raw.n_planes; p++) {
		planes[p] = vb2_plane_vaddr(src, p);
		if (!planes[p] || vb2_get_plane_payload(src, p) > vb2_plane_size(src, p))
			return 0;
		planes[p] += src->planes[p].data_offset;
	}
	if (!out)
		return 0;
	vjpeg_format_image(&ctx->raw, planes, &ctx->crop, vjpeg_ctrls_chroma_422(ctx),
			   ctx->scratch, &image);
	if (READ_ONCE(ctx->dev->faults.wrong_size)) {
		image.width = max(image.width / 2, 1u);
		image.height = max(image.height / 2, 1u);
	}
	return vjpeg_encode(&ctx->encoder, &image, &settings, out, vb2_plane_size(dst, 0));
}

/* Returns the length that the injected damage leaves of @length bytes. */
static size_t job_damage(const struct vjpeg_faults *faults, size_t length)
{
	if (READ_ONCE(faults->truncate))
		return length / 2;
	if (READ_ONCE(faults->no_eoi) && length > 2)
		return length - 2;
	return length;
}

static bool job_fails(struct vjpeg_dev *dev)
{
	u32 every = READ_ONCE(dev->faults.fail_every);

	return ++dev->jobs && every && dev->jobs % every == 0;
}

void vjpeg_job_work(struct work_struct *work)
{
	struct vjpeg_ctx *ctx = container_of(work, struct vjpeg_ctx, work);
	struct vb2_v4l2_buffer *src = v4l2_m2m_next_src_buf(ctx->fh.m2m_ctx);
	struct vb2_v4l2_buffer *dst = v4l2_m2m_next_dst_buf(ctx->fh.m2m_ctx);
	ktime_t begin = ktime_get();
	size_t length;
	bool failed;

	length = job_encode(ctx, &src->vb2_buf, &dst->vb2_buf);
	job_delay(ctx, begin);
	failed = !length || job_fails(ctx->dev) || READ_ONCE(ctx->aborting);

	v4l2_m2m_buf_copy_metadata(src, dst, true);
	src->sequence = ctx->raw.sequence++;
	dst->sequence = ctx->jpeg.sequence++;
	dst->field = V4L2_FIELD_NONE;
	dst->flags |= V4L2_BUF_FLAG_KEYFRAME;
	vjpeg_drain_job(ctx, src, dst);
	vb2_set_plane_payload(&dst->vb2_buf, 0, failed ? 0 : job_damage(&ctx->dev->faults, length));
	v4l2_m2m_buf_done_and_job_finish(ctx->dev->m2m, ctx->fh.m2m_ctx,
					 failed ? VB2_BUF_STATE_ERROR : VB2_BUF_STATE_DONE);
}

static void device_run(void *priv)
{
	struct vjpeg_ctx *ctx = priv;

	queue_work(ctx->dev->queue, &ctx->work);
}

/* STREAMOFF or close during a job: the job ends with an error, even if it hangs. */
static void job_abort(void *priv)
{
	struct vjpeg_ctx *ctx = priv;

	WRITE_ONCE(ctx->aborting, true);
	wake_up_all(&ctx->dev->wake);
}

const struct v4l2_m2m_ops vjpeg_m2m_ops = {
	.device_run = device_run,
	.job_abort = job_abort,
};
