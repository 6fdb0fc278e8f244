/* SPDX-License-Identifier: MIT */
#include "pattern/pattern.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "pattern/draw.h"
#include "v4l2/access.h"
#include "v4l2/format.h"
#include "v4l2/soft_buffers.h"

#define WIDTH_MIN    160u
#define HEIGHT_MIN   120u
#define RATE_MIN     1000u
#define RATE_MAX     5000000u
#define RATE_DEFAULT 30000u

struct glint_pattern {
	struct glint_v4l2_access access;
	int fd; /* a timer, which polls like a device with frames */
	uint32_t fourcc, width, height, rate_millihz;
	struct glint_pattern_picture picture; /* its background is allocated with the buffers */
	struct glint_soft_buffers buffers;
	struct {
		bool drawn; /* the buffer shows @shown */
		struct glint_pattern_moment shown;
	} pictures[GLINT_SOFT_BUFFERS_MAX];
	bool streaming;
	uint32_t seq;	  /* of the next frame */
	uint64_t next_ns; /* time of the next frame */
};

static const uint32_t fourccs[] = { V4L2_PIX_FMT_YUYV,	 V4L2_PIX_FMT_UYVY,  V4L2_PIX_FMT_NV12,
				    V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_RGB24, V4L2_PIX_FMT_GREY };

static struct glint_pattern *pattern_of(struct glint_v4l2_access *access)
{
	return container_of(access, struct glint_pattern, access);
}

static uint64_t pattern_period(const struct glint_pattern *pattern)
{
	return 1000 * GLINT_NSEC_PER_SEC / pattern->rate_millihz;
}

static size_t pattern_size(const struct glint_pattern *pattern)
{
	return glint_canvas_size(pattern->fourcc, pattern->width, pattern->height);
}

/* --- Enumerations ------------------------------------------------------------------- */

static int querycap(struct v4l2_capability *cap)
{
	*cap = (struct v4l2_capability){
		.driver = "glint",
		.card = "Test pattern",
		.bus_info = "glint:pattern",
		.capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_DEVICE_CAPS,
		.device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
	};
	return 0;
}

static int enum_fmt(struct v4l2_fmtdesc *desc)
{
	if (desc->index >= ARRAY_SIZE(fourccs))
		return -EINVAL;
	desc->pixelformat = fourccs[desc->index];
	desc->flags = 0;
	return 0;
}

static int enum_framesizes(struct v4l2_frmsizeenum *size)
{
	if (size->index > 0 || !glint_canvas_knows(size->pixel_format))
		return -EINVAL;
	size->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	size->stepwise = (struct v4l2_frmsize_stepwise){ WIDTH_MIN,  GLINT_FORMAT_WIDTH_MAX,  2,
							 HEIGHT_MIN, GLINT_FORMAT_HEIGHT_MAX, 2 };
	return 0;
}

static int enum_frameintervals(const struct glint_pattern *pattern,
			       struct v4l2_frmivalenum *interval)
{
	if (interval->index > 0 || !glint_canvas_knows(interval->pixel_format))
		return -EINVAL;
	interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
	interval->discrete = (struct v4l2_fract){ 1000, pattern->rate_millihz };
	return 0;
}

static int enum_input(struct v4l2_input *input)
{
	if (input->index > 0)
		return -EINVAL;
	*input = (struct v4l2_input){ .name = "Test pattern", .type = V4L2_INPUT_TYPE_CAMERA };
	return 0;
}

/* --- Format and rate ------------------------------------------------------------------- */

static void report_format(const struct glint_pattern *pattern, struct v4l2_pix_format *pix)
{
	*pix = (struct v4l2_pix_format){
		.width = pattern->width,
		.height = pattern->height,
		.pixelformat = pattern->fourcc,
		.field = V4L2_FIELD_NONE,
		.bytesperline = glint_canvas_stride(pattern->fourcc, pattern->width),
		.sizeimage = (uint32_t)pattern_size(pattern),
		.colorspace = V4L2_COLORSPACE_JPEG, /* JPEG needs no conversion of it */
		.priv = V4L2_PIX_FMT_PRIV_MAGIC,
	};
}

static uint32_t clamp_even(uint32_t value, uint32_t least, uint32_t most)
{
	return MIN(MAX(value, least), most) & ~1u;
}

static int s_fmt(struct glint_pattern *pattern, struct v4l2_pix_format *pix)
{
	if (pattern->buffers.n > 0)
		return -EBUSY;
	pattern->fourcc = glint_canvas_knows(pix->pixelformat) ? pix->pixelformat : fourccs[0];
	pattern->width = clamp_even(pix->width, WIDTH_MIN, GLINT_FORMAT_WIDTH_MAX);
	pattern->height = clamp_even(pix->height, HEIGHT_MIN, GLINT_FORMAT_HEIGHT_MAX);
	report_format(pattern, pix);
	return 0;
}

/* The rate is fixed at creation: S_PARM reports it instead of the requested one. */
static int report_rate(const struct glint_pattern *pattern, struct v4l2_streamparm *parm)
{
	parm->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
	parm->parm.capture.timeperframe = (struct v4l2_fract){ 1000, pattern->rate_millihz };
	return 0;
}

/* --- Buffers ------------------------------------------------------------------------------ */

static void pattern_free_buffers(struct glint_pattern *pattern)
{
	assert(!pattern->streaming);

	glint_soft_buffers_free(&pattern->buffers);
	free(pattern->picture.background.base);
	pattern->picture.background.base = NULL;
}

static int pattern_draw_background(struct glint_pattern *pattern)
{
	struct glint_canvas *background = &pattern->picture.background;
	time_t now = time(NULL);
	struct tm local = { 0 };

	*background = (struct glint_canvas){
		.fourcc = pattern->fourcc,
		.width = pattern->width,
		.height = pattern->height,
		.base = malloc(pattern_size(pattern)),
	};
	if (!background->base)
		return -ENOMEM;
	pattern->picture.rate_millihz = pattern->rate_millihz;
	pattern->picture.utc_offset_s = localtime_r(&now, &local) ? local.tm_gmtoff : 0;
	glint_pattern_draw_background(&pattern->picture);
	return 0;
}

static int reqbufs(struct glint_pattern *pattern, struct v4l2_requestbuffers *request)
{
	int err;

	if (pattern->streaming)
		return -EBUSY;
	pattern_free_buffers(pattern);
	memset(pattern->pictures, 0, sizeof(pattern->pictures));
	err = glint_soft_buffers_request(&pattern->buffers, request, pattern_size(pattern));
	if (err == 0 && request->count > 0)
		err = pattern_draw_background(pattern);
	if (err < 0)
		pattern_free_buffers(pattern);
	return err;
}

static void *pattern_mmap(struct glint_v4l2_access *access, int fd, size_t length, long offset)
{
	(void)fd;
	return glint_soft_buffers_map(&pattern_of(access)->buffers, length, offset);
}

/* --- Streaming ------------------------------------------------------------------------------- */

/* Skip all periods that have ended. *@due_ns is the start of the last one. False: none has ended. */
static bool pattern_advance(struct glint_pattern *pattern, uint64_t *due_ns)
{
	uint64_t periods;

	if (read(pattern->fd, &periods, sizeof(periods)) != sizeof(periods))
		return false;
	pattern->seq += (uint32_t)periods;
	pattern->next_ns += periods * pattern_period(pattern);
	*due_ns = pattern->next_ns - pattern_period(pattern);
	return true;
}

/* The stamp equals the buffer's timestamp, which has microseconds only. */
static void pattern_fill(struct glint_pattern *pattern, unsigned index, uint64_t due_ns)
{
	struct glint_stamp stamp = {
		.seq = pattern->seq - 1,
		.ns = due_ns - due_ns % GLINT_NSEC_PER_USEC,
	};
	struct glint_canvas canvas = pattern->picture.background;
	struct glint_pattern_moment now;

	canvas.base = pattern->buffers.buffers[index].memory.planes[0].map;
	glint_pattern_moment(&pattern->picture, &stamp, glint_clock_ns(CLOCK_REALTIME), &now);
	glint_pattern_draw(&pattern->picture, &canvas,
			   pattern->pictures[index].drawn ? &pattern->pictures[index].shown : NULL,
			   &now);
	pattern->pictures[index].shown = now;
	pattern->pictures[index].drawn = true;
}

static int dqbuf(struct glint_pattern *pattern, struct v4l2_buffer *buffer)
{
	uint64_t due_ns;
	unsigned index;

	if (!pattern->streaming)
		return -EINVAL;
	if (!pattern_advance(pattern, &due_ns) || pattern->buffers.n_queued == 0)
		return -EAGAIN;

	index = glint_soft_buffers_take(&pattern->buffers);
	pattern_fill(pattern, index, due_ns);

	buffer->index = index;
	buffer->sequence = pattern->seq - 1;
	buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
	buffer->timestamp.tv_sec = (time_t)(due_ns / GLINT_NSEC_PER_SEC);
	buffer->timestamp.tv_usec = (long)(due_ns % GLINT_NSEC_PER_SEC / GLINT_NSEC_PER_USEC);
	buffer->bytesused = (uint32_t)pattern_size(pattern);
	return 0;
}

static int stream_on(struct glint_pattern *pattern)
{
	struct itimerspec timer = { .it_interval = glint_timespec(pattern_period(pattern)) };

	if (pattern->buffers.n == 0)
		return -EINVAL;
	pattern->seq = 0;
	pattern->next_ns = glint_now_ns() + pattern_period(pattern);
	timer.it_value = glint_timespec(pattern->next_ns);
	if (timerfd_settime(pattern->fd, TFD_TIMER_ABSTIME, &timer, NULL) < 0)
		return -errno;
	pattern->streaming = true;
	return 0;
}

static int stream_off(struct glint_pattern *pattern)
{
	struct itimerspec timer = { 0 };

	(void)timerfd_settime(pattern->fd, 0, &timer, NULL);
	pattern->streaming = false;
	glint_soft_buffers_reset(&pattern->buffers);
	return 0;
}

/* --- The table ------------------------------------------------------------------------------- */

static int pattern_open(struct glint_v4l2_access *access, const char *path)
{
	struct glint_pattern *pattern = pattern_of(access);

	(void)path;
	if (pattern->fd >= 0)
		return -EBUSY;
	pattern->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return pattern->fd < 0 ? -errno : pattern->fd;
}

static int pattern_close(struct glint_v4l2_access *access, int fd)
{
	struct glint_pattern *pattern = pattern_of(access);

	assert(fd == pattern->fd);

	stream_off(pattern);
	pattern_free_buffers(pattern);
	glint_close(&pattern->fd);
	return 0;
}

static int pattern_ioctl(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg)
{
	struct glint_pattern *pattern = pattern_of(access);
	struct v4l2_format *format = arg;

	(void)fd;
	switch (request) {
	case VIDIOC_QUERYCAP:
		return querycap(arg);
	case VIDIOC_ENUM_FMT:
		return enum_fmt(arg);
	case VIDIOC_ENUM_FRAMESIZES:
		return enum_framesizes(arg);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return enum_frameintervals(pattern, arg);
	case VIDIOC_ENUMINPUT:
		return enum_input(arg);
	case VIDIOC_S_INPUT:
		return *(int *)arg == 0 ? 0 : -EINVAL;
	case VIDIOC_S_FMT:
		return s_fmt(pattern, &format->fmt.pix);
	case VIDIOC_G_PARM:
	case VIDIOC_S_PARM:
		return report_rate(pattern, arg);
	case VIDIOC_REQBUFS:
		return reqbufs(pattern, arg);
	case VIDIOC_QUERYBUF:
		return glint_soft_buffers_query(&pattern->buffers, arg);
	case VIDIOC_EXPBUF:
		return glint_soft_buffers_export(&pattern->buffers, arg);
	case VIDIOC_QBUF:
		return glint_soft_buffers_queue(&pattern->buffers, arg);
	case VIDIOC_DQBUF:
		return dqbuf(pattern, arg);
	case VIDIOC_STREAMON:
		return stream_on(pattern);
	case VIDIOC_STREAMOFF:
		return stream_off(pattern);
	default:
		return -ENOTTY;
	}
}

static const struct glint_v4l2_access_ops pattern_ops = {
	.open = pattern_open,
	.close = pattern_close,
	.ioctl = pattern_ioctl,
	.mmap = pattern_mmap,
};

struct glint_pattern *glint_pattern_create(uint32_t rate_millihz)
{
	struct glint_pattern *pattern = calloc(1, sizeof(*pattern));

	if (!pattern)
		return NULL;
	pattern->access.ops = &pattern_ops;
	pattern->fd = -1;
	if (rate_millihz == 0)
		rate_millihz = RATE_DEFAULT;
	pattern->rate_millihz = MIN(MAX(rate_millihz, RATE_MIN), RATE_MAX);
	return pattern;
}

void glint_pattern_destroy(struct glint_pattern *pattern)
{
	if (!pattern)
		return;
	assert(pattern->fd < 0);

	free(pattern);
}

struct glint_v4l2_access *glint_pattern_access(struct glint_pattern *pattern)
{
	return &pattern->access;
}
