/* SPDX-License-Identifier: MIT */
#include "v4l2/vdev.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "v4l2/interval.h"
#include "v4l2/pixfmt.h"
#include "v4l2/role.h"

void glint_vdev_init(struct glint_vdev *vdev)
{
	*vdev = (struct glint_vdev){ .fd = -1, .receiver_fd = -1 };
}

int glint_vdev_open(struct glint_vdev *vdev, struct glint_v4l2_access *access, const char *path)
{
	struct v4l2_capability cap = { 0 };
	int err;

	assert(vdev->fd < 0);

	glint_vdev_init(vdev);
	vdev->access = access;
	vdev->fd = access->ops->open(access, path);
	if (vdev->fd < 0) {
		err = vdev->fd;
		vdev->fd = -1;
		return err;
	}
	err = glint_role_ask(access, vdev->fd, &cap);
	if (err < 0)
		goto close;
	glint_identity_read(&vdev->identity, access, vdev->fd, &cap);

	err = glint_role_of(&cap) == GLINT_ROLE_CAPTURE ? 0 : -ENOTTY;
	if (err < 0)
		goto close;
	vdev->needs_pipeline = glint_role_is_pipeline(&cap);
	glint_vqueue_init(&vdev->queue, access, vdev->fd,
			  glint_role_is_mplane(&cap) ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
						       V4L2_BUF_TYPE_VIDEO_CAPTURE);
	return 0;

close:
	glint_vdev_close(vdev);
	return err;
}

void glint_vdev_close(struct glint_vdev *vdev)
{
	if (vdev->fd >= 0)
		(void)vdev->access->ops->close(vdev->access, vdev->fd);
	if (vdev->receiver_fd >= 0)
		(void)vdev->access->ops->close(vdev->access, vdev->receiver_fd);
	vdev->fd = vdev->receiver_fd = -1;
	vdev->queue.n_buffers = 0;
}

static int set_format(struct glint_vdev *vdev, const struct glint_format *wish, bool as_jpeg)
{
	struct v4l2_format fmt = { .type = vdev->queue.type };
	struct glint_format format;
	int err;

	assert(vdev->fd >= 0);

	/* Drivers convert colours only if the caller passes the present colorspace. */
	err = as_jpeg ? glint_vdev_ioctl(vdev, VIDIOC_G_FMT, &fmt) : 0;
	if (err < 0)
		return err;
	glint_pixfmt_write(&fmt, wish);
	if (as_jpeg)
		glint_pixfmt_ask_for_jpegs_colours(&fmt);
	err = glint_vdev_ioctl(vdev, VIDIOC_S_FMT, &fmt);
	if (err < 0)
		return err;

	glint_pixfmt_read(&fmt, &format);
	err = glint_format_check(&format);
	if (err < 0)
		return err;
	vdev->format = format;
	glint_vqueue_set_planes(&vdev->queue, format.n_planes, format.size);
	memset(vdev->room, 0, sizeof(vdev->room));
	return 0;
}

int glint_vdev_set_format(struct glint_vdev *vdev, uint32_t fourcc, uint32_t width, uint32_t height)
{
	struct glint_format wish = { .fourcc = fourcc, .width = width, .height = height };

	return set_format(vdev, &wish, false);
}

int glint_vdev_read_colours(const struct glint_vdev *vdev, struct glint_format *format)
{
	struct v4l2_format fmt = { .type = vdev->queue.type };
	struct glint_format now;
	int err = glint_vdev_ioctl(vdev, VIDIOC_G_FMT, &fmt);

	if (err < 0)
		return err;
	glint_pixfmt_read(&fmt, &now);
	if (now.fourcc != vdev->format.fourcc || now.width != vdev->format.width ||
	    now.height != vdev->format.height)
		return -ESTALE;
	*format = vdev->format;
	format->range = now.range;
	format->matrix = now.matrix;
	return 0;
}

int glint_vdev_ask_for_frames(struct glint_vdev *vdev)
{
	const struct glint_timings *timings = &vdev->timings;
	struct glint_format wish = {
		.fourcc = vdev->format.fourcc,
		.width = vdev->format.width,
		/* The height of separate fields is that of one. */
		.height = timings->height ? timings->height : vdev->format.height,
		.field = GLINT_FIELD_INTERLACED,
	};
	int err = set_format(vdev, &wish, false);

	/* It takes the height for that of a field, and may have a scaler. */
	if (err < 0 || vdev->format.field != GLINT_FIELD_ALTERNATE || timings->height == 0 ||
	    vdev->format.height == timings->height / 2)
		return err;
	wish.height = timings->height / 2;
	wish.field = GLINT_FIELD_ALTERNATE;
	return set_format(vdev, &wish, false);
}

int glint_vdev_set_layout(struct glint_vdev *vdev, const struct glint_format *wish, bool as_jpeg)
{
	return set_format(vdev, wish, as_jpeg);
}

int glint_vdev_set_interval(struct glint_vdev *vdev, uint32_t interval_num, uint32_t interval_den)
{
	struct v4l2_streamparm parm = { .type = vdev->queue.type };
	struct v4l2_captureparm *capture = &parm.parm.capture;
	int err = glint_vdev_ioctl(vdev, VIDIOC_G_PARM, &parm);

	if (err < 0)
		return err;
	vdev->rate_millihz = glint_interval_millihz(&capture->timeperframe);
	if (!(capture->capability & V4L2_CAP_TIMEPERFRAME))
		return -ENOTTY;

	capture->timeperframe.numerator = interval_num;
	capture->timeperframe.denominator = interval_den;
	err = glint_vdev_ioctl(vdev, VIDIOC_S_PARM, &parm);
	if (err < 0)
		return err;
	vdev->rate_millihz = glint_interval_millihz(&capture->timeperframe);
	return 0;
}

/* --- Buffers --------------------------------------------------------------------- */

int glint_vdev_alloc(struct glint_vdev *vdev, unsigned count,
		     struct glint_dmabuf buffers[static GLINT_VQUEUE_BUFFERS_MAX])
{
	/*
	 * Raw planes with a descriptor are mapped when the CPU first reads them, which may never
	 * happen. A JPEG is always inspected.
	 */
	enum glint_vqueue_access access = vdev->format.info->layout == GLINT_LAYOUT_JPEG ?
						  GLINT_VQUEUE_EXPORT_AND_MAP :
						  GLINT_VQUEUE_EXPORT;
	int n = glint_vqueue_alloc(&vdev->queue, count, vdev->room), err;

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		glint_dmabuf_init(&buffers[i]);
		err = glint_vqueue_take(&vdev->queue, (unsigned)i, access, &buffers[i]);
		if (err < 0) {
			while (i-- > 0)
				glint_dmabuf_fini(&buffers[i]);
			(void)glint_vqueue_free(&vdev->queue);
			return err;
		}
	}
	for (int i = 0; i < n; i++)
		vdev->buffers[i] = &buffers[i];
	return n;
}

int glint_vdev_import(struct glint_vdev *vdev, unsigned count, const struct glint_dmabuf *buffers)
{
	int err = glint_vdev_import_any(vdev, count, &buffers[0]);

	for (unsigned i = 0; i < count && err == 0; i++)
		vdev->buffers[i] = &buffers[i];
	return err;
}

int glint_vdev_import_any(struct glint_vdev *vdev, unsigned count, const struct glint_dmabuf *like)
{
	int n;

	assert(count > 0 && like->n_planes >= vdev->format.n_planes);

	for (unsigned i = 0; i < vdev->format.n_planes; i++)
		if (like->planes[i].size < vdev->format.size[i])
			return -EINVAL;
	n = like->memory == GLINT_MEMORY_USERPTR ? glint_vqueue_import_mapped(&vdev->queue, count) :
						   glint_vqueue_import(&vdev->queue, count);
	if (n < 0)
		return n;
	if (n < (int)count) {
		(void)glint_vqueue_free(&vdev->queue);
		return -ENOMEM;
	}
	vdev->queue.n_buffers = count;
	return 0;
}

int glint_vdev_free(struct glint_vdev *vdev)
{
	return glint_vqueue_free(&vdev->queue);
}

int glint_vdev_stream(struct glint_vdev *vdev, bool on)
{
	return glint_vqueue_stream(&vdev->queue, on);
}

int glint_vdev_qbuf(struct glint_vdev *vdev, unsigned index)
{
	struct glint_vqueue_entry entry = {
		.buf = vdev->queue.imports ? vdev->buffers[index] : NULL,
	};

	assert(index < vdev->queue.n_buffers);

	return glint_vqueue_queue(&vdev->queue, index, &entry);
}

int glint_vdev_qbuf_with(struct glint_vdev *vdev, unsigned index, const struct glint_dmabuf *buf)
{
	assert(vdev->queue.imports && index < vdev->queue.n_buffers);

	vdev->buffers[index] = buf;
	return glint_vdev_qbuf(vdev, index);
}

/* Return 0 for a clock of the driver's own, or no time at all. */
static uint64_t stamp_of(const struct glint_vqueue_done *done)
{
	uint64_t seconds = (uint64_t)done->stamp.tv_sec;
	uint64_t micros = (uint64_t)done->stamp.tv_usec;

	if ((done->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
		return 0;
	if (seconds > INT32_MAX || micros > 999999)
		return 0;
	return seconds * GLINT_NSEC_PER_SEC + micros * GLINT_NSEC_PER_USEC;
}

/*
 * Take the driver's figures. Returns false if they contradict each other. The data of a plane
 * without a minimum size (compressed data, metadata) must begin at its start, because readers begin
 * there.
 */
static bool take_plane(const struct glint_vdev *vdev, const struct glint_vqueue_done *done,
		       unsigned plane, struct glint_vbuf *vbuf)
{
	size_t needed = glint_format_min_size(&vdev->format, plane);
	uint32_t used = done->used[plane], offset = done->offset[plane];

	if (used > vdev->buffers[done->index]->planes[plane].size || offset > used)
		return false;
	if (needed == 0 && offset > 0)
		return false;
	if (plane == 0)
		vbuf->used = used - offset;
	vbuf->offset[plane] = offset;
	vbuf->short_data |= used - offset < needed;
	return true;
}

/* Take which field the buffer has. False: it has not one field, though that was agreed on. */
static bool take_one_field(const struct glint_vdev *vdev, uint32_t field, struct glint_vbuf *vbuf)
{
	vbuf->interlaced = true;
	vbuf->bottom_first = vdev->bottom_first;
	vbuf->field = field == V4L2_FIELD_BOTTOM ? GLINT_BUFFER_BOTTOM : GLINT_BUFFER_TOP;
	return field == V4L2_FIELD_TOP || field == V4L2_FIELD_BOTTOM;
}

/*
 * Take the order of the fields. False: the lines lie otherwise than was agreed on.
 */
static bool take_field(const struct glint_vdev *vdev, uint32_t field, struct glint_vbuf *vbuf)
{
	switch (vdev->format.field) {
	case GLINT_FIELD_ALTERNATE:
		return take_one_field(vdev, field, vbuf);
	case GLINT_FIELD_SEQUENTIAL:
		vbuf->interlaced = true;
		vbuf->bottom_first = field == V4L2_FIELD_SEQ_BT;
		return field == V4L2_FIELD_SEQ_TB || field == V4L2_FIELD_SEQ_BT;
	case GLINT_FIELD_INTERLACED:
		break;
	default:
		return true;
	}
	switch (field) {
	case V4L2_FIELD_TOP:
	case V4L2_FIELD_BOTTOM:
	case V4L2_FIELD_ALTERNATE:
	case V4L2_FIELD_SEQ_TB:
	case V4L2_FIELD_SEQ_BT:
		return false;
	case V4L2_FIELD_NONE: /* this one is progressive */
		return true;
	default:
		vbuf->interlaced = true;
		vbuf->bottom_first = field == V4L2_FIELD_INTERLACED_BT ||
				     (field != V4L2_FIELD_INTERLACED_TB && vdev->bottom_first);
		return true;
	}
}

/*
 * A driver whose transfer fails returns buffers that it has not filled; uvcvideo returns all queued
 * buffers after one failed URB. videobuf2 clears number and time when a buffer is queued, so both
 * are 0. The length proves nothing, because many drivers set it before they fill the buffer. A
 * damaged frame has a time, and so has the frame whose number is 0.
 */
static bool is_cancelled(const struct glint_vqueue_done *done)
{
	return (done->flags & V4L2_BUF_FLAG_ERROR) && done->seq == 0 && done->stamp.tv_sec == 0 &&
	       done->stamp.tv_usec == 0;
}

int glint_vdev_dqbuf(struct glint_vdev *vdev, struct glint_vbuf *vbuf)
{
	struct glint_vqueue_done done;
	int err = glint_vqueue_dequeue(&vdev->queue, &done);

	if (err < 0)
		return err;
	assert(vdev->buffers[done.index]); /* the queue has checked the index */
	*vbuf = (struct glint_vbuf){
		.index = done.index,
		.seq = done.seq,
		.timestamp_ns = stamp_of(&done),
		.start_of_exposure = (done.flags & V4L2_BUF_FLAG_TSTAMP_SRC_MASK) ==
				     V4L2_BUF_FLAG_TSTAMP_SRC_SOE,
		.error = done.flags & V4L2_BUF_FLAG_ERROR,
		.cancelled = is_cancelled(&done),
	};
	if (!take_field(vdev, done.field, vbuf))
		vbuf->error = true;
	for (unsigned i = 0; i < vdev->format.n_planes; i++)
		if (!take_plane(vdev, &done, i, vbuf))
			vbuf->error = true;
	return 0;
}
