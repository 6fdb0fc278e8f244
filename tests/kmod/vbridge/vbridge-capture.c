// SPDX-License-Identifier: GPL-2.0-only
/*
 * The video node, and the frames: a grey ramp, and on top of it the sequence number as 32 cells of
 * 16x16 pixels, the highest bit first, white for 1.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <media/v4l2-event.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/v4l2-mc.h>
#include <media/videobuf2-vmalloc.h>

#include "vbridge.h"

#define CELL 16u

struct buffer {
	struct vb2_v4l2_buffer vb;
	struct list_head link;
};

static struct vbridge *vbridge_of(struct vbridge_capture *capture)
{
	return container_of(capture, struct vbridge, capture);
}

/* --- Frames --------------------------------------------------------------------- */

static void put_pixel(u8 *line, u32 x, unsigned int bytes, u8 grey)
{
	memset(line + x * bytes, grey, bytes);
	if (bytes == 2)		/* UYVY */
		line[x * 2] = 0x80;
}

static void paint(const struct v4l2_pix_format *format, u8 *data, u32 sequence)
{
	unsigned int bytes = vbridge_format_of_fourcc(format->pixelformat)->bytes;
	u8 *ramp = data + (size_t)format->bytesperline * (format->height - 1);
	u32 x, y;

	for (x = 0; x < format->width; x++)
		put_pixel(ramp, x, bytes, 32 + x * 192 / format->width);
	for (y = 0; y < format->height - 1; y++)
		memcpy(data + (size_t)format->bytesperline * y, ramp, format->bytesperline);
	for (x = 0; x < min(format->width, 32 * CELL); x++)
		put_pixel(data, x, bytes, sequence >> (31 - x / CELL) & 1 ? 235 : 16);
	for (y = 1; y < min(format->height, CELL); y++)
		memcpy(data + (size_t)format->bytesperline * y, data,
		       min(format->width, 32 * CELL) * bytes);
}

static void return_buffers(struct vbridge_capture *capture, enum vb2_buffer_state state)
{
	struct buffer *buffer, *next;

	spin_lock(&capture->buffers_lock);
	list_for_each_entry_safe(buffer, next, &capture->buffers, link) {
		list_del(&buffer->link);
		vb2_buffer_done(&buffer->vb.vb2_buf, state);
	}
	spin_unlock(&capture->buffers_lock);
}

static void deliver(struct vbridge_capture *capture, u64 now_ns)
{
	const struct v4l2_pix_format *format = &capture->format;
	struct buffer *buffer;

	spin_lock(&capture->buffers_lock);
	buffer = list_first_entry_or_null(&capture->buffers, struct buffer, link);
	if (buffer)
		list_del(&buffer->link);
	spin_unlock(&capture->buffers_lock);
	if (buffer) {
		paint(format, vb2_plane_vaddr(&buffer->vb.vb2_buf, 0), capture->sequence);
		buffer->vb.sequence = capture->sequence;
		buffer->vb.field = V4L2_FIELD_NONE;
		buffer->vb.vb2_buf.timestamp = now_ns;
		vb2_set_plane_payload(&buffer->vb.vb2_buf, 0, format->sizeimage);
		vb2_buffer_done(&buffer->vb.vb2_buf, VB2_BUF_STATE_DONE);
	}
	capture->sequence++;
}

static void capture_tick(struct work_struct *work)
{
	struct vbridge_capture *capture = container_of(work, struct vbridge_capture, tick.work);
	u64 now_ns = ktime_get_ns(), frame_ns;
	bool sends = vbridge_hdmi_sends(&vbridge_of(capture)->hdmi, &frame_ns);

	/* The timer counts whole jiffies, so it may end before the frame is due. */
	if (now_ns >= capture->due_ns) {
		frame_ns = max(frame_ns, (u64)NSEC_PER_MSEC);
		capture->due_ns +=
			(div64_u64(now_ns - capture->due_ns, frame_ns) + 1) * frame_ns;
		if (sends)
			deliver(capture, now_ns);
	}
	schedule_delayed_work(&capture->tick, nsecs_to_jiffies(capture->due_ns - now_ns) + 1);
}

/* --- The queue ---------------------------------------------------------------------- */

static int queue_setup(struct vb2_queue *queue, unsigned int *count, unsigned int *planes,
		       unsigned int sizes[], struct device *devices[])
{
	struct vbridge_capture *capture = vb2_get_drv_priv(queue);

	if (*planes)
		return sizes[0] < capture->format.sizeimage ? -EINVAL : 0;
	*planes = 1;
	sizes[0] = capture->format.sizeimage;
	return 0;
}

static int buf_prepare(struct vb2_buffer *vb)
{
	struct vbridge_capture *capture = vb2_get_drv_priv(vb->vb2_queue);

	return vb2_plane_size(vb, 0) < capture->format.sizeimage ? -EINVAL : 0;
}

static void buf_queue(struct vb2_buffer *vb)
{
	struct vbridge_capture *capture = vb2_get_drv_priv(vb->vb2_queue);
	struct buffer *buffer = container_of(to_vb2_v4l2_buffer(vb), struct buffer, vb);

	spin_lock(&capture->buffers_lock);
	list_add_tail(&buffer->link, &capture->buffers);
	spin_unlock(&capture->buffers_lock);
}

static int start_streaming(struct vb2_queue *queue, unsigned int count)
{
	struct vbridge_capture *capture = vb2_get_drv_priv(queue);
	int err = video_device_pipeline_start(&capture->vdev, &capture->pipe);

	if (err) {
		return_buffers(capture, VB2_BUF_STATE_QUEUED);
		return err;
	}
	capture->sequence = 0;
	capture->due_ns = ktime_get_ns();
	v4l2_subdev_call(&vbridge_of(capture)->hdmi.sd, video, s_stream, 1);
	schedule_delayed_work(&capture->tick, 1);
	return 0;
}

static void stop_streaming(struct vb2_queue *queue)
{
	struct vbridge_capture *capture = vb2_get_drv_priv(queue);

	cancel_delayed_work_sync(&capture->tick);
	v4l2_subdev_call(&vbridge_of(capture)->hdmi.sd, video, s_stream, 0);
	video_device_pipeline_stop(&capture->vdev);
	return_buffers(capture, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops queue_ops = {
	.queue_setup = queue_setup,
	.buf_prepare = buf_prepare,
	.buf_queue = buf_queue,
	.start_streaming = start_streaming,
	.stop_streaming = stop_streaming,
	.wait_prepare = vb2_ops_wait_prepare,
	.wait_finish = vb2_ops_wait_finish,
};

/* --- ioctls ------------------------------------------------------------------------- */

static void complete_format(struct v4l2_pix_format *pix)
{
	const struct vbridge_format *format = vbridge_format_of_fourcc(pix->pixelformat);

	if (!format)
		format = vbridge_format_at(0);
	pix->pixelformat = format->fourcc;
	pix->width = clamp(pix->width, 16u, 4096u) & ~1u;
	pix->height = clamp(pix->height, 16u, 2160u);
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = pix->width * format->bytes;
	pix->sizeimage = pix->bytesperline * pix->height;
	pix->colorspace = V4L2_COLORSPACE_SRGB;
	pix->ycbcr_enc = V4L2_YCBCR_ENC_DEFAULT;
	pix->quantization = V4L2_QUANTIZATION_DEFAULT;
	pix->xfer_func = V4L2_XFER_FUNC_DEFAULT;
}

static int capture_querycap(struct file *file, void *priv, struct v4l2_capability *cap)
{
	strscpy(cap->driver, VBRIDGE_NAME, sizeof(cap->driver));
	strscpy(cap->card, VBRIDGE_NAME, sizeof(cap->card));
	return 0;
}

static int capture_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *desc)
{
	const struct vbridge_format *format;

	if (desc->mbus_code) {
		format = desc->index ? NULL : vbridge_format_of_code(desc->mbus_code);
	} else {
		format = vbridge_format_at(desc->index);
	}
	if (!format)
		return -EINVAL;
	desc->pixelformat = format->fourcc;
	return 0;
}

static int capture_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *size)
{
	if (size->index || !vbridge_format_of_fourcc(size->pixel_format))
		return -EINVAL;
	size->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	size->stepwise = (struct v4l2_frmsize_stepwise){
		.min_width = 16, .max_width = 4096, .step_width = 2,
		.min_height = 16, .max_height = 2160, .step_height = 1,
	};
	return 0;
}

static int capture_g_fmt(struct file *file, void *priv, struct v4l2_format *format)
{
	struct vbridge *dev = video_drvdata(file);

	format->fmt.pix = dev->capture.format;
	return 0;
}

static int capture_try_fmt(struct file *file, void *priv, struct v4l2_format *format)
{
	complete_format(&format->fmt.pix);
	return 0;
}

static int capture_s_fmt(struct file *file, void *priv, struct v4l2_format *format)
{
	struct vbridge *dev = video_drvdata(file);

	if (vb2_is_busy(&dev->capture.queue))
		return -EBUSY;
	complete_format(&format->fmt.pix);
	dev->capture.format = format->fmt.pix;
	return 0;
}

static const struct v4l2_ioctl_ops ioctl_ops = {
	.vidioc_querycap = capture_querycap,
	.vidioc_enum_fmt_vid_cap = capture_enum_fmt,
	.vidioc_enum_framesizes = capture_enum_framesizes,
	.vidioc_g_fmt_vid_cap = capture_g_fmt,
	.vidioc_s_fmt_vid_cap = capture_s_fmt,
	.vidioc_try_fmt_vid_cap = capture_try_fmt,
	.vidioc_reqbufs = vb2_ioctl_reqbufs,
	.vidioc_create_bufs = vb2_ioctl_create_bufs,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_prepare_buf = vb2_ioctl_prepare_buf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
};

static const struct v4l2_file_operations file_ops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
	.unlocked_ioctl = video_ioctl2,
};

/* --- Registration ------------------------------------------------------------------------ */

static int link_validate(struct media_link *link)
{
	struct video_device *vdev = media_entity_to_video_device(link->sink->entity);
	struct vbridge_capture *capture = container_of(vdev, struct vbridge_capture, vdev);
	struct v4l2_subdev_format source = {
		.which = V4L2_SUBDEV_FORMAT_ACTIVE,
		.pad = link->source->index,
	};
	struct vbridge *dev = vbridge_of(capture);
	int err = v4l2_subdev_call_state_active(&dev->csi2.sd, pad, get_fmt, &source);

	if (err)
		return err;
	if (source.format.width != capture->format.width ||
	    source.format.height != capture->format.height ||
	    source.format.code != vbridge_format_of_fourcc(capture->format.pixelformat)->code)
		return -EPIPE;
	return 0;
}

static const struct media_entity_operations entity_ops = { .link_validate = link_validate };

int vbridge_capture_register(struct vbridge *dev)
{
	struct vbridge_capture *capture = &dev->capture;
	struct video_device *vdev = &capture->vdev;
	struct vb2_queue *queue = &capture->queue;
	int err;

	mutex_init(&capture->lock);
	spin_lock_init(&capture->buffers_lock);
	INIT_LIST_HEAD(&capture->buffers);
	INIT_DELAYED_WORK(&capture->tick, capture_tick);
	capture->format.width = 640;
	capture->format.height = 480;
	complete_format(&capture->format);

	queue->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	queue->io_modes = VB2_MMAP | VB2_DMABUF;
	queue->drv_priv = capture;
	queue->buf_struct_size = sizeof(struct buffer);
	queue->ops = &queue_ops;
	queue->mem_ops = &vb2_vmalloc_memops;
	queue->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	queue->min_queued_buffers = 2;
	queue->lock = &capture->lock;
	queue->dev = dev->dev;
	err = vb2_queue_init(queue);
	if (err)
		return err;

	strscpy(vdev->name, "vbridge capture", sizeof(vdev->name));
	vdev->fops = &file_ops;
	vdev->ioctl_ops = &ioctl_ops;
	vdev->lock = &capture->lock;
	vdev->queue = queue;
	vdev->v4l2_dev = &dev->v4l2;
	vdev->release = video_device_release_empty;	/* part of struct vbridge */
	vdev->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_IO_MC;
	vdev->entity.ops = &entity_ops;
	video_set_drvdata(vdev, dev);
	capture->pad.flags = MEDIA_PAD_FL_SINK | MEDIA_PAD_FL_MUST_CONNECT;
	err = media_entity_pads_init(&vdev->entity, 1, &capture->pad);
	if (err)
		return err;
	err = video_register_device(vdev, VFL_TYPE_VIDEO, -1);
	if (err)
		media_entity_cleanup(&vdev->entity);
	return err;
}

void vbridge_capture_unregister(struct vbridge *dev)
{
	vb2_video_unregister_device(&dev->capture.vdev);
}

void vbridge_capture_free(struct vbridge *dev)
{
	media_entity_cleanup(&dev->capture.vdev.entity);
}
