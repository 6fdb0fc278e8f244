// SPDX-License-Identifier: GPL-2.0-only
/* Formats, sizes, the visible rectangle. v4l2-mem2mem implements buffers and streaming. */
#include <linux/delay.h>
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "vjpeg.h"

static struct vjpeg_ctx *ctx_of(struct file *file)
{
	return vjpeg_ctx_of(file->private_data);
}

static int querycap(struct file *file, void *fh, struct v4l2_capability *cap)
{
	strscpy(cap->driver, VJPEG_NAME, sizeof(cap->driver));
	strscpy(cap->card, "vjpeg virtual JPEG encoder", sizeof(cap->card));
	snprintf(cap->bus_info, sizeof(cap->bus_info), "platform:%s", dev_name(ctx_of(file)->dev->dev));
	return 0;
}

/* --- Formats ------------------------------------------------------------------ */

/* The table of ioctls has both APIs; each device answers only the ioctls of its own. */
static bool type_is_ours(const struct vjpeg_ctx *ctx, u32 type)
{
	return V4L2_TYPE_IS_MULTIPLANAR(type) == ctx->dev->quirks->mplane;
}

static const struct vjpeg_format *choose_format(const struct vjpeg_quirks *quirks, u32 fourcc)
{
	for (unsigned int i = 0; i < quirks->n_formats; i++)
		if (quirks->formats[i]->fourcc == fourcc)
			return quirks->formats[i];
	return quirks->formats[0];
}

static int enum_fmt(struct file *file, void *fh, struct v4l2_fmtdesc *desc)
{
	struct vjpeg_ctx *ctx = ctx_of(file);
	const struct vjpeg_quirks *quirks = ctx->dev->quirks;

	if (!type_is_ours(ctx, desc->type))
		return -EINVAL;
	if (!V4L2_TYPE_IS_OUTPUT(desc->type)) {
		desc->pixelformat = V4L2_PIX_FMT_JPEG;
		return desc->index ? -EINVAL : 0;
	}
	if (desc->index >= quirks->n_formats)
		return -EINVAL;
	desc->pixelformat = quirks->formats[desc->index]->fourcc;
	return 0;
}

static u32 queue_fourcc(const struct vjpeg_queue *queue)
{
	return queue->format ? queue->format->fourcc : V4L2_PIX_FMT_JPEG;
}

static void queue_to_user(const struct vjpeg_queue *queue, struct v4l2_format *f)
{
	struct v4l2_pix_format_mplane *mp = &f->fmt.pix_mp;
	struct v4l2_pix_format *pix = &f->fmt.pix;

	if (!V4L2_TYPE_IS_MULTIPLANAR(f->type)) {
		*pix = (struct v4l2_pix_format){
			.width = queue->width, .height = queue->height,
			.pixelformat = queue_fourcc(queue), .field = V4L2_FIELD_NONE,
			.bytesperline = queue->stride[0], .sizeimage = queue->size[0],
			.colorspace = queue->colorspace, .ycbcr_enc = queue->ycbcr_enc,
			.quantization = queue->quantization, .xfer_func = queue->xfer_func,
			.priv = V4L2_PIX_FMT_PRIV_MAGIC,
		};
		return;
	}
	*mp = (struct v4l2_pix_format_mplane){
		.width = queue->width, .height = queue->height,
		.pixelformat = queue_fourcc(queue), .field = V4L2_FIELD_NONE,
		.colorspace = queue->colorspace, .ycbcr_enc = queue->ycbcr_enc,
		.quantization = queue->quantization, .xfer_func = queue->xfer_func,
		.num_planes = queue->n_planes,
	};
	for (u32 p = 0; p < queue->n_planes; p++) {
		mp->plane_fmt[p].bytesperline = queue->stride[p];
		mp->plane_fmt[p].sizeimage = queue->size[p];
	}
}

/* What V4L2_COLORSPACE_JPEG stands for, in full. */
static void default_colour(struct vjpeg_queue *queue)
{
	queue->colorspace = V4L2_COLORSPACE_SRGB;
	queue->ycbcr_enc = V4L2_YCBCR_ENC_601;
	queue->quantization = V4L2_QUANTIZATION_FULL_RANGE;
	queue->xfer_func = V4L2_XFER_FUNC_SRGB;
}

static void copy_colour(struct vjpeg_queue *queue, const struct vjpeg_queue *from)
{
	queue->colorspace = from->colorspace;
	queue->ycbcr_enc = from->ycbcr_enc;
	queue->quantization = from->quantization;
	queue->xfer_func = from->xfer_func;
}

static void colour_from_user(struct vjpeg_queue *queue, const struct v4l2_format *f)
{
	bool mplane = V4L2_TYPE_IS_MULTIPLANAR(f->type);

	queue->colorspace = mplane ? f->fmt.pix_mp.colorspace : f->fmt.pix.colorspace;
	queue->ycbcr_enc = mplane ? f->fmt.pix_mp.ycbcr_enc : f->fmt.pix.ycbcr_enc;
	queue->quantization = mplane ? f->fmt.pix_mp.quantization : f->fmt.pix.quantization;
	queue->xfer_func = mplane ? f->fmt.pix_mp.xfer_func : f->fmt.pix.xfer_func;
	if (queue->colorspace == V4L2_COLORSPACE_DEFAULT)
		default_colour(queue);
}

static void queue_from_user(const struct vjpeg_ctx *ctx, struct vjpeg_queue *queue,
			    const struct v4l2_format *f)
{
	const struct vjpeg_quirks *quirks = ctx->dev->quirks;
	const struct v4l2_pix_format_mplane *mp = &f->fmt.pix_mp;
	const struct v4l2_pix_format *pix = &f->fmt.pix;
	u32 stride[VJPEG_PLANES_MAX] = { 0 }, size[VJPEG_PLANES_MAX] = { 0 };
	bool mplane = V4L2_TYPE_IS_MULTIPLANAR(f->type);
	u32 fourcc = mplane ? mp->pixelformat : pix->pixelformat;

	if (!mplane) {
		stride[0] = pix->bytesperline;
		size[0] = pix->sizeimage;
	}
	for (u32 p = 0; mplane && p < min_t(u32, mp->num_planes, VJPEG_PLANES_MAX); p++) {
		stride[p] = mp->plane_fmt[p].bytesperline;
		size[p] = mp->plane_fmt[p].sizeimage;
	}
	vjpeg_format_layout(quirks, queue,
			    V4L2_TYPE_IS_OUTPUT(f->type) ? choose_format(quirks, fourcc) : NULL,
			    mplane ? mp->width : pix->width, mplane ? mp->height : pix->height,
			    stride, size);
	if (V4L2_TYPE_IS_OUTPUT(f->type))
		colour_from_user(queue, f);
	else
		copy_colour(queue, &ctx->raw);
}

static int g_fmt(struct file *file, void *fh, struct v4l2_format *f)
{
	struct vjpeg_ctx *ctx = ctx_of(file);

	if (!type_is_ours(ctx, f->type))
		return -EINVAL;
	queue_to_user(vjpeg_ctx_queue(ctx, f->type), f);
	return 0;
}

static int try_fmt(struct file *file, void *fh, struct v4l2_format *f)
{
	struct vjpeg_ctx *ctx = ctx_of(file);
	struct vjpeg_queue queue = { 0 };

	if (!type_is_ours(ctx, f->type))
		return -EINVAL;
	queue_from_user(ctx, &queue, f);
	queue_to_user(&queue, f);
	return 0;
}

/* The JPEG follows the raw frame's size and colours. */
static void follow_raw(struct vjpeg_ctx *ctx)
{
	const u32 none[VJPEG_PLANES_MAX] = { 0 };
	u32 sequence = ctx->jpeg.sequence;

	ctx->crop = (struct v4l2_rect){ .width = ctx->raw.width, .height = ctx->raw.height };
	vjpeg_format_layout(ctx->dev->quirks, &ctx->jpeg, NULL, ctx->raw.width, ctx->raw.height,
			    none, none);
	ctx->jpeg.sequence = sequence;
	copy_colour(&ctx->jpeg, &ctx->raw);
}

/* A smaller JPEG shows the frame's top left part. Clients use this to remove the padding. */
static void follow_jpeg(struct vjpeg_ctx *ctx)
{
	ctx->jpeg.width = min(ctx->jpeg.width, ctx->raw.width);
	ctx->jpeg.height = min(ctx->jpeg.height, ctx->raw.height);
	ctx->crop = (struct v4l2_rect){ .width = ctx->jpeg.width, .height = ctx->jpeg.height };
}

static int s_fmt(struct file *file, void *fh, struct v4l2_format *f)
{
	struct vjpeg_ctx *ctx = ctx_of(file);
	struct vjpeg_queue *queue = vjpeg_ctx_queue(ctx, f->type);
	bool output = V4L2_TYPE_IS_OUTPUT(f->type);

	if (!type_is_ours(ctx, f->type))
		return -EINVAL;
	if (vb2_is_busy(v4l2_m2m_get_vq(ctx->fh.m2m_ctx, f->type)))
		return -EBUSY;
	/* The JPEG's format follows, which it cannot while that queue has buffers. */
	if (output && vb2_is_busy(v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx)))
		return -EBUSY;
	queue_from_user(ctx, queue, f);
	if (output)
		follow_raw(ctx);
	else
		follow_jpeg(ctx);
	queue_to_user(queue, f);
	return 0;
}

void vjpeg_ioctl_defaults(struct vjpeg_ctx *ctx)
{
	const u32 none[VJPEG_PLANES_MAX] = { 0 };

	vjpeg_format_layout(ctx->dev->quirks, &ctx->raw, ctx->dev->quirks->formats[0], 640, 480, none,
			    none);
	default_colour(&ctx->raw);
	follow_raw(ctx);
}

static int enum_framesizes(struct file *file, void *fh, struct v4l2_frmsizeenum *sizes)
{
	const struct vjpeg_quirks *quirks = ctx_of(file)->dev->quirks;
	bool raw = choose_format(quirks, sizes->pixel_format)->fourcc == sizes->pixel_format;

	if (sizes->index || (!raw && sizes->pixel_format != V4L2_PIX_FMT_JPEG))
		return -EINVAL;
	sizes->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	sizes->stepwise = (struct v4l2_frmsize_stepwise){
		.min_width = quirks->min_w, .max_width = quirks->max_w,
		.step_width = raw ? quirks->align_w : 1,
		.min_height = quirks->min_h, .max_height = quirks->max_h,
		.step_height = raw ? quirks->align_h : 1,
	};
	return 0;
}

/* --- The visible part --------------------------------------------------------- */

static int g_selection(struct file *file, void *fh, struct v4l2_selection *sel)
{
	struct vjpeg_ctx *ctx = ctx_of(file);

	if (sel->type != V4L2_BUF_TYPE_VIDEO_OUTPUT)
		return -EINVAL;
	switch (sel->target) {
	case V4L2_SEL_TGT_CROP:
		sel->r = ctx->crop;
		return 0;
	case V4L2_SEL_TGT_CROP_DEFAULT:
	case V4L2_SEL_TGT_CROP_BOUNDS:
		sel->r = (struct v4l2_rect){ .width = ctx->raw.width, .height = ctx->raw.height };
		return 0;
	default:
		return -EINVAL;
	}
}

static int s_selection(struct file *file, void *fh, struct v4l2_selection *sel)
{
	struct vjpeg_ctx *ctx = ctx_of(file);

	if (sel->type != V4L2_BUF_TYPE_VIDEO_OUTPUT || sel->target != V4L2_SEL_TGT_CROP)
		return -EINVAL;
	if (vb2_is_streaming(v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx)))
		return -EBUSY;
	sel->r.left = 0;
	sel->r.top = 0;
	sel->r.width = clamp(sel->r.width, 1u, ctx->raw.width);
	sel->r.height = clamp(sel->r.height, 1u, ctx->raw.height);
	ctx->crop = sel->r;
	ctx->jpeg.width = sel->r.width;
	ctx->jpeg.height = sel->r.height;
	return 0;
}

/* --- Streaming, with faults --------------------------------------- */

static void stall(struct file *file)
{
	unsigned int ms = vjpeg_fault_take(ctx_of(file)->dev->faults.stall_ioctl_ms);

	if (ms)
		msleep(ms);
}

static int qbuf(struct file *file, void *fh, struct v4l2_buffer *buf)
{
	stall(file);
	return v4l2_m2m_ioctl_qbuf(file, fh, buf);
}

static int dqbuf(struct file *file, void *fh, struct v4l2_buffer *buf)
{
	stall(file);
	return v4l2_m2m_ioctl_dqbuf(file, fh, buf);
}

static int streamoff(struct file *file, void *fh, enum v4l2_buf_type type)
{
	stall(file);
	return v4l2_m2m_ioctl_streamoff(file, fh, type);
}

const struct v4l2_ioctl_ops vjpeg_ioctl_ops = {
	.vidioc_querycap = querycap,
	.vidioc_enum_fmt_vid_cap = enum_fmt,
	.vidioc_enum_fmt_vid_out = enum_fmt,
	.vidioc_g_fmt_vid_cap = g_fmt,
	.vidioc_g_fmt_vid_out = g_fmt,
	.vidioc_g_fmt_vid_cap_mplane = g_fmt,
	.vidioc_g_fmt_vid_out_mplane = g_fmt,
	.vidioc_try_fmt_vid_cap = try_fmt,
	.vidioc_try_fmt_vid_out = try_fmt,
	.vidioc_try_fmt_vid_cap_mplane = try_fmt,
	.vidioc_try_fmt_vid_out_mplane = try_fmt,
	.vidioc_s_fmt_vid_cap = s_fmt,
	.vidioc_s_fmt_vid_out = s_fmt,
	.vidioc_s_fmt_vid_cap_mplane = s_fmt,
	.vidioc_s_fmt_vid_out_mplane = s_fmt,
	.vidioc_enum_framesizes = enum_framesizes,
	.vidioc_g_selection = g_selection,
	.vidioc_s_selection = s_selection,
	.vidioc_reqbufs = v4l2_m2m_ioctl_reqbufs,
	.vidioc_querybuf = v4l2_m2m_ioctl_querybuf,
	.vidioc_qbuf = qbuf,
	.vidioc_dqbuf = dqbuf,
	.vidioc_prepare_buf = v4l2_m2m_ioctl_prepare_buf,
	.vidioc_create_bufs = v4l2_m2m_ioctl_create_bufs,
	.vidioc_expbuf = v4l2_m2m_ioctl_expbuf,
	.vidioc_streamon = v4l2_m2m_ioctl_streamon,
	.vidioc_streamoff = streamoff,
	.vidioc_encoder_cmd = vjpeg_drain_cmd,
	.vidioc_try_encoder_cmd = v4l2_m2m_ioctl_try_encoder_cmd,
	.vidioc_subscribe_event = vjpeg_drain_subscribe,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};
