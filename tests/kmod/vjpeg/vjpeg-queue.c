// SPDX-License-Identifier: GPL-2.0-only
/* The two videobuf2 queues of a context. */
#include <linux/delay.h>
#include <linux/vmalloc.h>
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-vmalloc.h>

#include "vjpeg.h"

static int queue_setup(struct vb2_queue *vq, unsigned int *n_buffers, unsigned int *n_planes,
		       unsigned int sizes[], struct device *alloc_devs[])
{
	struct vjpeg_ctx *ctx = vb2_get_drv_priv(vq);
	const struct vjpeg_queue *queue = vjpeg_ctx_queue(ctx, vq->type);

	if (vjpeg_fault_take(ctx->dev->faults.fail_reqbufs))
		return -ENOMEM;

	if (*n_planes) {	/* CREATE_BUFS: the caller's sizes, if they suffice */
		if (*n_planes != queue->n_planes)
			return -EINVAL;
		for (u32 p = 0; p < queue->n_planes; p++)
			if (sizes[p] < queue->size[p])
				return -EINVAL;
		return 0;
	}
	*n_planes = queue->n_planes;
	for (u32 p = 0; p < queue->n_planes; p++)
		sizes[p] = queue->size[p];
	return 0;
}

static int buf_out_validate(struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);

	if (vbuf->field == V4L2_FIELD_ANY)
		vbuf->field = V4L2_FIELD_NONE;
	return vbuf->field == V4L2_FIELD_NONE ? 0 : -EINVAL;
}

static int buf_prepare(struct vb2_buffer *vb)
{
	struct vjpeg_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);
	const struct vjpeg_queue *queue = vjpeg_ctx_queue(ctx, vb->vb2_queue->type);
	bool output = V4L2_TYPE_IS_OUTPUT(vb->vb2_queue->type);

	for (u32 p = 0; p < queue->n_planes; p++) {
		size_t offset = output ? vb->planes[p].data_offset : 0;

		/* videobuf2 permits an offset that leaves less than a frame. */
		if (vb2_plane_size(vb, p) < queue->size[p] + offset)
			return -EINVAL;
		if (!output)
			vb2_set_plane_payload(vb, p, 0);
	}
	return vjpeg_fault_take(ctx->dev->faults.fail_qbuf) ? -EIO : 0;
}

static void buf_queue(struct vb2_buffer *vb)
{
	struct vjpeg_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	if (!vjpeg_drain_takes(ctx, to_vb2_v4l2_buffer(vb)))
		v4l2_m2m_buf_queue(ctx->fh.m2m_ctx, to_vb2_v4l2_buffer(vb));
}

static void return_buffers(struct vjpeg_ctx *ctx, u32 type, enum vb2_buffer_state state)
{
	struct vb2_v4l2_buffer *vbuf;

	for (;;) {
		vbuf = V4L2_TYPE_IS_OUTPUT(type) ? v4l2_m2m_src_buf_remove(ctx->fh.m2m_ctx) :
						   v4l2_m2m_dst_buf_remove(ctx->fh.m2m_ctx);
		if (!vbuf)
			return;
		v4l2_m2m_buf_done(vbuf, state);
	}
}

static int start_streaming(struct vb2_queue *vq, unsigned int count)
{
	struct vjpeg_ctx *ctx = vb2_get_drv_priv(vq);
	size_t scratch = vjpeg_format_scratch(&ctx->raw);
	int err = -EIO;

	if (vjpeg_fault_take(ctx->dev->faults.fail_streamon))
		goto give_back;
	if (V4L2_TYPE_IS_OUTPUT(vq->type) && scratch) {
		err = -ENOMEM;
		ctx->scratch = vmalloc(scratch);
		if (!ctx->scratch)
			goto give_back;
	}
	vjpeg_ctx_queue(ctx, vq->type)->sequence = 0;
	ctx->aborting = false;
	v4l2_m2m_update_start_streaming_state(ctx->fh.m2m_ctx, vq);
	return 0;

give_back:
	return_buffers(ctx, vq->type, VB2_BUF_STATE_QUEUED);
	return err;
}

/*
 * v4l2_m2m_streamoff() has waited for the last job. But the job's work item may still be running,
 * and v4l2-mem2mem accesses the context at its end.
 */
static void stop_streaming(struct vb2_queue *vq)
{
	struct vjpeg_ctx *ctx = vb2_get_drv_priv(vq);

	flush_work(&ctx->work);
	v4l2_m2m_update_stop_streaming_state(ctx->fh.m2m_ctx, vq);
	return_buffers(ctx, vq->type, VB2_BUF_STATE_ERROR);
	if (V4L2_TYPE_IS_OUTPUT(vq->type)) {
		vfree(ctx->scratch);
		ctx->scratch = NULL;
	}
}

static const struct vb2_ops queue_ops = {
	.queue_setup = queue_setup,
	.buf_out_validate = buf_out_validate,
	.buf_prepare = buf_prepare,
	.buf_queue = buf_queue,
	.start_streaming = start_streaming,
	.stop_streaming = stop_streaming,
	.wait_prepare = vb2_ops_wait_prepare,
	.wait_finish = vb2_ops_wait_finish,
};

static int init_one(struct vjpeg_ctx *ctx, struct vb2_queue *vq, u32 type)
{
	const struct vjpeg_quirks *quirks = ctx->dev->quirks;

	vq->type = type;
	vq->io_modes = VB2_MMAP | (quirks->dmabuf ? VB2_DMABUF : 0) |
		       /* Without an IOMMU the pages of a process are not contiguous. */
		       (quirks->userptr && !quirks->contig ? VB2_USERPTR : 0);
	vq->drv_priv = ctx;
	vq->buf_struct_size = sizeof(struct v4l2_m2m_buffer);
	vq->ops = &queue_ops;
	vq->mem_ops = quirks->contig ? &vb2_dma_contig_memops : &vb2_vmalloc_memops;
	vq->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	vq->lock = &ctx->dev->lock;
	vq->dev = ctx->dev->dev;
	vq->min_queued_buffers = V4L2_TYPE_IS_OUTPUT(type) ? quirks->min_buffers : 1;
	return vb2_queue_init(vq);
}

int vjpeg_queue_init(void *priv, struct vb2_queue *src, struct vb2_queue *dst)
{
	struct vjpeg_ctx *ctx = priv;
	bool mplane = ctx->dev->quirks->mplane;
	int err;

	err = init_one(ctx, src, mplane ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
					  V4L2_BUF_TYPE_VIDEO_OUTPUT);
	return err ?: init_one(ctx, dst, mplane ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
						  V4L2_BUF_TYPE_VIDEO_CAPTURE);
}
