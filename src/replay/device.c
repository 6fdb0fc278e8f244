/* SPDX-License-Identifier: MIT */
/* The system calls of the device that a recording is. */
#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "replay/internal.h"

static const struct glint_log_topic topic = { "replay" };

static struct glint_replay *replay_of(struct glint_v4l2_access *access)
{
	return container_of(access, struct glint_replay, access);
}

/* --- The device: what it is -------------------------------------------------------------------- */

static int querycap(const struct glint_replay *replay, struct v4l2_capability *cap)
{
	*cap = (struct v4l2_capability){
		.driver = "glint-replay",
		.bus_info = "glint:replay",
		.capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_DEVICE_CAPS,
		.device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
	};
	snprintf((char *)cap->card, sizeof(cap->card), "Recording %.20s", replay->track.head.name);
	return 0;
}

static int enum_fmt(const struct glint_replay *replay, struct v4l2_fmtdesc *desc)
{
	if (desc->index > 0)
		return -EINVAL;
	desc->pixelformat = replay->track.info->fourcc;
	desc->flags = 0;
	return 0;
}

static int enum_framesizes(const struct glint_replay *replay, struct v4l2_frmsizeenum *size)
{
	if (size->index > 0 || size->pixel_format != replay->track.info->fourcc)
		return -EINVAL;
	size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
	size->discrete.width = replay->track.head.width;
	size->discrete.height = replay->track.head.height;
	return 0;
}

static struct v4l2_fract interval(const struct glint_replay *replay)
{
	return (struct v4l2_fract){ (uint32_t)replay->track.frame_ns, GLINT_NSEC_PER_SEC };
}

static int enum_frameintervals(const struct glint_replay *replay, struct v4l2_frmivalenum *entry)
{
	if (entry->index > 0 || entry->pixel_format != replay->track.info->fourcc)
		return -EINVAL;
	entry->type = V4L2_FRMIVAL_TYPE_DISCRETE;
	entry->discrete = interval(replay);
	return 0;
}

static int enum_input(struct glint_replay *replay, struct v4l2_input *input)
{
	bool lost;

	if (input->index > 0)
		return -EINVAL;
	*input = (struct v4l2_input){ .name = "Recording", .type = V4L2_INPUT_TYPE_CAMERA };
	pthread_mutex_lock(&replay->lock);
	lost = glint_now_ns() < replay->no_signal_until_ns;
	pthread_mutex_unlock(&replay->lock);
	if (lost)
		input->status = V4L2_IN_ST_NO_SIGNAL;
	return 0;
}

/* A recording has one format, whatever is asked for. */
static int s_fmt(const struct glint_replay *replay, struct v4l2_pix_format *pix)
{
	const struct glint_clip_head *head = &replay->track.head;

	if (replay->buffers.n > 0)
		return -EBUSY;
	*pix = (struct v4l2_pix_format){
		.width = head->width,
		.height = head->height,
		.pixelformat = replay->track.info->fourcc,
		.field = V4L2_FIELD_NONE,
		.bytesperline = glint_track_stride(&replay->track),
		.sizeimage = (uint32_t)replay->track.frame_bytes,
		.colorspace = head->matrix == 9 ? V4L2_COLORSPACE_BT2020 :
			      head->matrix == 1 ? V4L2_COLORSPACE_REC709 :
						  V4L2_COLORSPACE_SMPTE170M,
		.quantization = head->limited ? V4L2_QUANTIZATION_LIM_RANGE :
						V4L2_QUANTIZATION_FULL_RANGE,
		.ycbcr_enc = head->matrix == 9 ? V4L2_YCBCR_ENC_BT2020 :
			     head->matrix == 1 ? V4L2_YCBCR_ENC_709 :
						 V4L2_YCBCR_ENC_601,
		.priv = V4L2_PIX_FMT_PRIV_MAGIC,
	};
	return 0;
}

static int report_rate(const struct glint_replay *replay, struct v4l2_streamparm *parm)
{
	parm->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
	parm->parm.capture.timeperframe = interval(replay);
	return 0;
}

/* --- The device: streaming ---------------------------------------------------------------------- */

static int qbuf(struct glint_replay *replay, const struct v4l2_buffer *buffer)
{
	int err;

	pthread_mutex_lock(&replay->lock);
	err = glint_soft_buffers_queue(&replay->buffers, buffer);
	if (err == 0 && replay->held == GLINT_REPLAY_NO_BUFFER)
		pthread_cond_signal(&replay->wake);
	pthread_mutex_unlock(&replay->lock);
	return err;
}

static int take_done(struct glint_replay *replay, struct glint_replay_done *done)
{
	eventfd_t ignored;

	if (!replay->streaming)
		return -EINVAL;
	if (replay->n_done > 0) {
		*done = replay->done[0];
		memmove(replay->done, replay->done + 1, --replay->n_done * sizeof(replay->done[0]));
		return 0;
	}
	(void)eventfd_read(replay->fd, &ignored);
	/* Until the next STREAMON: frames of the time between would be lost by STREAMOFF. */
	return replay->signal_lost ? -ENOLINK : -EAGAIN;
}

static int dqbuf(struct glint_replay *replay, struct v4l2_buffer *buffer)
{
	struct glint_replay_done done;
	int err;

	pthread_mutex_lock(&replay->lock);
	err = take_done(replay, &done);
	pthread_mutex_unlock(&replay->lock);
	if (err < 0)
		return err;
	buffer->index = done.buffer;
	buffer->sequence = done.seq;
	buffer->bytesused = done.used;
	buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	if (done.exposure_start)
		buffer->flags |= V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
	if (done.corrupt)
		buffer->flags |= V4L2_BUF_FLAG_ERROR;
	buffer->timestamp.tv_sec = (time_t)(done.ns / GLINT_NSEC_PER_SEC);
	buffer->timestamp.tv_usec = (long)(done.ns % GLINT_NSEC_PER_SEC / GLINT_NSEC_PER_USEC);
	return 0;
}

static int stream_on(struct glint_replay *replay)
{
	if (replay->buffers.n == 0)
		return -EINVAL;
	pthread_mutex_lock(&replay->lock);
	replay->streaming = true;
	replay->anchored = false;
	replay->signal_lost = false;
	pthread_cond_signal(&replay->wake);
	pthread_mutex_unlock(&replay->lock);
	return 0;
}

/* A live change of settings restarts the stream; no frame of the clip is lost by it. */
static int stream_off(struct glint_replay *replay)
{
	pthread_mutex_lock(&replay->lock);
	replay->streaming = false;
	while (replay->reads)
		pthread_cond_wait(&replay->idle, &replay->lock);
	replay->held = GLINT_REPLAY_NO_BUFFER;
	replay->filled = false;
	glint_replay_take_back(replay);
	glint_soft_buffers_reset(&replay->buffers);
	glint_replay_settle(replay);
	pthread_mutex_unlock(&replay->lock);
	return 0;
}

static int reqbufs(struct glint_replay *replay, struct v4l2_requestbuffers *request)
{
	if (replay->streaming)
		return -EBUSY;
	return glint_soft_buffers_request(&replay->buffers, request, replay->track.frame_bytes);
}

static void *replay_mmap(struct glint_v4l2_access *access, int fd, size_t length, long offset)
{
	(void)fd;
	return glint_soft_buffers_map(&replay_of(access)->buffers, length, offset);
}

/* --- The device: its table ------------------------------------------------------------------------ */

/* Answer all requests: the device cannot be opened, so no frame comes for them. */
static int refuse(struct glint_replay *replay, int err)
{
	pthread_mutex_lock(&replay->lock);
	glint_replay_settle(replay);
	pthread_mutex_unlock(&replay->lock);
	return err;
}

static int replay_open(struct glint_v4l2_access *access, const char *path)
{
	struct glint_replay *replay = replay_of(access);
	int err = 0, fd;

	(void)path;
	if (replay->fd >= 0)
		return -EBUSY;
	if (!replay->track.frames) {
		err = glint_track_read(&replay->track);
		if (err == 0 && *replay->track.damage)
			glint_log_warn(&topic, "'%s' is damaged: %s", replay->path,
				       replay->track.damage);
	}
	if (err < 0)
		return refuse(replay, err);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return refuse(replay, -errno);
	pthread_mutex_lock(&replay->lock);
	replay->known = true;
	replay->fd = fd;
	pthread_mutex_unlock(&replay->lock);
	return fd;
}

static int replay_close(struct glint_v4l2_access *access, int fd)
{
	struct glint_replay *replay = replay_of(access);

	assert(fd == replay->fd);

	stream_off(replay);
	glint_soft_buffers_free(&replay->buffers);
	pthread_mutex_lock(&replay->lock);
	glint_close(&replay->fd);
	pthread_mutex_unlock(&replay->lock);
	return 0;
}

static int replay_ioctl(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg)
{
	struct glint_replay *replay = replay_of(access);
	struct v4l2_format *format = arg;

	(void)fd;
	switch (request) {
	case VIDIOC_QUERYCAP:
		return querycap(replay, arg);
	case VIDIOC_ENUM_FMT:
		return enum_fmt(replay, arg);
	case VIDIOC_ENUM_FRAMESIZES:
		return enum_framesizes(replay, arg);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return enum_frameintervals(replay, arg);
	case VIDIOC_ENUMINPUT:
		return enum_input(replay, arg);
	case VIDIOC_S_INPUT:
		return *(int *)arg == 0 ? 0 : -EINVAL;
	case VIDIOC_S_FMT:
		return s_fmt(replay, &format->fmt.pix);
	case VIDIOC_G_PARM:
	case VIDIOC_S_PARM:
		return report_rate(replay, arg);
	case VIDIOC_REQBUFS:
		return reqbufs(replay, arg);
	case VIDIOC_QUERYBUF:
		return glint_soft_buffers_query(&replay->buffers, arg);
	case VIDIOC_EXPBUF:
		return glint_soft_buffers_export(&replay->buffers, arg);
	case VIDIOC_QBUF:
		return qbuf(replay, arg);
	case VIDIOC_DQBUF:
		return dqbuf(replay, arg);
	case VIDIOC_STREAMON:
		return stream_on(replay);
	case VIDIOC_STREAMOFF:
		return stream_off(replay);
	default:
		return -ENOTTY;
	}
}

const struct glint_v4l2_access_ops glint_replay_ops = {
	.open = replay_open,
	.close = replay_close,
	.ioctl = replay_ioctl,
	.mmap = replay_mmap,
};
