/* SPDX-License-Identifier: MIT */
#include "v4l2_answers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/v4l2-dv-timings.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "v4l2.h"
#include "v4l2/format.h"

static bool is_mplane(const struct fake_v4l2 *fake)
{
	return fake->caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE;
}

static void stream_off(struct fake_v4l2 *fake)
{
	fake->streaming = false;
	fake->queued = 0;
	fake->n_order = 0;
	for (unsigned i = 0; i < fake->n_buffers; i++)
		fake->buffers[i].queued = fake->buffers[i].done = false;
}

static void free_buffers(struct fake_v4l2 *fake)
{
	for (unsigned i = 0; i < fake->n_buffers; i++)
		for (unsigned plane = 0; plane < VIDEO_MAX_PLANES; plane++)
			glint_close(&fake->buffers[i].memfd[plane]);
	fake->n_buffers = 0;
}

void fake_v4l2_forget(struct fake_v4l2 *fake)
{
	stream_off(fake);
	free_buffers(fake);
}

/* --- Identity and formats ----------------------------------------------------- */

static int querycap(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_capability *cap = arg;

	*cap = (struct v4l2_capability){
		.driver = "fake",
		.capabilities = fake->caps | V4L2_CAP_DEVICE_CAPS,
		.device_caps = fake->caps,
	};
	snprintf((char *)cap->card, sizeof(cap->card), "%s",
		 fake->card ? fake->card : "Scripted device");
	snprintf((char *)cap->bus_info, sizeof(cap->bus_info), "%s",
		 fake->bus ? fake->bus : "platform:fake");
	return 0;
}

static int enum_fmt(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_fmtdesc *desc = arg;
	unsigned count = 0;

	/* The test's table has a row for each size: enumerate each format once. */
	for (unsigned i = 0; i < fake->n_formats; i++) {
		if (i > 0 && fake->formats[i].fourcc == fake->formats[i - 1].fourcc)
			continue;
		if (count++ != desc->index)
			continue;
		desc->pixelformat = fake->formats[i].fourcc;
		desc->flags = 0;
		return 0;
	}
	return -EINVAL;
}

static int enum_framesizes(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_frmsizeenum *size = arg;
	unsigned count = 0;

	for (unsigned i = 0; i < fake->n_formats; i++) {
		const struct fake_format *format = &fake->formats[i];

		if (format->fourcc != size->pixel_format || format->width == 0 ||
		    count++ != size->index)
			continue;
		size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
		size->discrete.width = format->width;
		size->discrete.height = format->height;
		return 0;
	}
	return -EINVAL;
}

static const struct fake_format *find_format(const struct fake_v4l2 *fake, uint32_t fourcc,
					     uint32_t width, uint32_t height)
{
	const struct fake_format *found = NULL;

	for (unsigned i = 0; i < fake->n_formats; i++) {
		const struct fake_format *format = &fake->formats[i];

		if (format->fourcc != fourcc)
			continue;
		if (!found || (format->width == width && format->height == height))
			found = format;
	}
	return found;
}

static int enum_frameintervals(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_frmivalenum *interval = arg;
	const struct fake_format *format =
		find_format(fake, interval->pixel_format, interval->width, interval->height);

	if (!format || format->fps == 0 || interval->index > 0)
		return -EINVAL;
	interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
	interval->discrete = (struct v4l2_fract){ 1, format->fps };
	return 0;
}

/* --- Format and rate ---------------------------------------------------------------------- */

static uint32_t plane_size(const struct glint_format_info *info, uint32_t width, uint32_t height,
			   unsigned plane)
{
	uint32_t luma = width * height * MAX(info->bytes_per_pixel, (uint8_t)1);
	uint32_t chroma = luma / info->h_sub / info->v_sub;

	switch (info->layout) {
	case GLINT_LAYOUT_PLANAR:
		return info->mem_planes == 1 ? luma + 2 * chroma : plane == 0 ? luma : chroma;
	case GLINT_LAYOUT_SEMIPLANAR:
		return info->mem_planes == 1 ? luma + 2 * chroma : plane == 0 ? luma : 2 * chroma;
	case GLINT_LAYOUT_JPEG:
	case GLINT_LAYOUT_OTHER:
		return width * height * 2;
	default:
		return luma;
	}
}

static uint32_t plane_stride(const struct glint_format_info *info, uint32_t width, unsigned plane)
{
	if (info->layout == GLINT_LAYOUT_OTHER)
		return width * info->bits_per_pixel / 8;
	if (plane == 0)
		return width * info->bytes_per_pixel;
	return width / info->h_sub * (info->layout == GLINT_LAYOUT_SEMIPLANAR ? 2 : 1);
}

static void answer_mplane(struct fake_v4l2 *fake, const struct glint_format_info *info,
			  struct v4l2_pix_format_mplane *pix)
{
	pix->width = fake->width;
	pix->height = fake->height;
	pix->pixelformat = fake->fourcc;
	pix->num_planes = (uint8_t)fake->n_planes;
	for (unsigned i = 0; i < fake->n_planes; i++) {
		pix->plane_fmt[i].bytesperline = plane_stride(info, fake->width, i);
		pix->plane_fmt[i].sizeimage = plane_size(info, fake->width, fake->height, i);
	}
}

static void answer_single(struct fake_v4l2 *fake, const struct glint_format_info *info,
			  struct v4l2_pix_format *pix)
{
	pix->width = fake->width;
	pix->height = fake->height;
	pix->pixelformat = fake->fourcc;
	pix->bytesperline = plane_stride(info, fake->width, 0);
	pix->sizeimage = fake->size;
	pix->colorspace = V4L2_COLORSPACE_SRGB;
	pix->quantization = fake->quantization;
	pix->priv = V4L2_PIX_FMT_PRIV_MAGIC; /* as the kernel's core does */
	if (fake->field)
		pix->field = fake->field;
	else if (pix->field == V4L2_FIELD_ANY)
		pix->field = V4L2_FIELD_NONE;
}

static const struct glint_format_info *fake_info(const struct fake_v4l2 *fake)
{
	const struct glint_format_info *info = glint_format_find(fake->fourcc);

	return info ? info : glint_format_other();
}

static int s_fmt(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_format *fmt = arg;
	struct v4l2_pix_format_mplane *mp = &fmt->fmt.pix_mp;
	uint32_t width = is_mplane(fake) ? mp->width : fmt->fmt.pix.width;
	uint32_t height = is_mplane(fake) ? mp->height : fmt->fmt.pix.height;
	uint32_t fourcc = is_mplane(fake) ? mp->pixelformat : fmt->fmt.pix.pixelformat;
	const struct fake_format *format = find_format(fake, fourcc, width, height);
	const struct glint_format_info *info;

	if (fake->busy || fake->n_buffers > 0)
		return -EBUSY;
	if (!format)
		format = &fake->formats[0];
	fake->fourcc = format->fourcc;
	fake->width = format->width ? format->width : width;
	fake->height = format->height ? format->height : height;
	info = fake_info(fake);
	fake->n_planes = is_mplane(fake) ? info->mem_planes : 1;
	fake->size = plane_size(info, fake->width, fake->height, 0);
	if (is_mplane(fake))
		answer_mplane(fake, info, mp);
	else
		answer_single(fake, info, &fmt->fmt.pix);
	return 0;
}

/* The last format set, with a colorspace. */
static int g_fmt(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_format *fmt = arg;

	if (is_mplane(fake))
		answer_mplane(fake, fake_info(fake), &fmt->fmt.pix_mp);
	else
		answer_single(fake, fake_info(fake), &fmt->fmt.pix);
	return 0;
}

static int s_parm(struct fake_v4l2 *fake, void *arg, bool set)
{
	struct v4l2_streamparm *parm = arg;
	struct v4l2_captureparm *capture = &parm->parm.capture;

	if (set) {
		fake->rate_num = capture->timeperframe.numerator;
		fake->rate_den = capture->timeperframe.denominator;
	}
	capture->capability = V4L2_CAP_TIMEPERFRAME;
	capture->timeperframe = (struct v4l2_fract){ fake->rate_num, fake->rate_den };
	return 0;
}

/* --- Inputs -------------------------------------------------------------------------------- */

static int enum_input(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_input *input = arg;

	if (fake->n_inputs == 0)
		return -ENOTTY;
	if (input->index >= fake->n_inputs)
		return -EINVAL;
	input->capabilities = fake->input_caps;
	input->status = fake->input_status;
	input->std = fake->standards;
	return 0;
}

static int standard(struct fake_v4l2 *fake, v4l2_std_id *id, bool set)
{
	if (fake->standards == 0)
		return -ENOTTY;
	if (set && !(*id & fake->standards))
		return -EINVAL;
	if (set)
		fake->standard = *id & fake->standards;
	*id = fake->standard;
	return 0;
}

static int s_input(struct fake_v4l2 *fake, void *arg)
{
	if (fake->n_inputs == 0)
		return -ENOTTY;
	if (fake->busy)
		return -EBUSY;
	return *(int *)arg < (int)fake->n_inputs ? 0 : -EINVAL;
}

static int query_timings(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_dv_timings *timings = arg;

	if (!(fake->input_caps & V4L2_IN_CAP_DV_TIMINGS))
		return -ENODATA;
	if (fake->timings_busy && fake->streaming)
		return -EBUSY;
	if (fake->timings_err < 0)
		return fake->timings_err;
	*timings = (struct v4l2_dv_timings){
		.type = V4L2_DV_BT_656_1120,
		.bt = {
			.width = fake->timings_width,
			.height = fake->timings_height,
			.pixelclock = 60ull * fake->timings_width * fake->timings_height,
		},
	};
	return 0;
}

static int subscribe(struct fake_v4l2 *fake, const struct v4l2_event_subscription *to, bool wanted)
{
	if (!fake->has_events)
		return -ENOTTY;
	if (to->type == V4L2_EVENT_SOURCE_CHANGE && wanted)
		fake->watched |= 1u << to->id % 32;
	else if (to->type == V4L2_EVENT_SOURCE_CHANGE)
		fake->watched &= ~(1u << to->id % 32);
	return 0;
}

static int dqevent(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_event *event = arg;

	if (fake->events == 0)
		return -ENOENT;
	fake->events--;
	if (fake->control_event != 0) {
		event->type = V4L2_EVENT_CTRL;
		event->id = fake->control_event;
		event->u.ctrl.changes = V4L2_EVENT_CTRL_CH_VALUE;
		event->u.ctrl.type = V4L2_CTRL_TYPE_INTEGER;
		event->u.ctrl.value = fake->control_event_value;
		fake->control_event = 0;
		return 0;
	}
	event->type = V4L2_EVENT_SOURCE_CHANGE;
	event->u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION;
	return 0;
}

/* --- Buffers --------------------------------------------------------------------------------- */

static int make_memory(struct fake_v4l2 *fake, unsigned index)
{
	for (unsigned plane = 0; plane < fake->n_planes; plane++) {
		int fd = memfd_create("fake", MFD_CLOEXEC);
		uint32_t size = plane_size(fake_info(fake), fake->width, fake->height, plane);

		if (fd < 0 || ftruncate(fd, size) < 0)
			return -ENOMEM;
		fake->buffers[index].memfd[plane] = fd;
	}
	return 0;
}

static int reqbufs(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_requestbuffers *request = arg;
	unsigned count = MIN(request->count, fake->buffers_max);

	if (fake->busy || fake->streaming)
		return -EBUSY;
	if ((request->memory == V4L2_MEMORY_DMABUF && !fake->imports) ||
	    (request->memory == V4L2_MEMORY_USERPTR && !fake->users))
		return -EINVAL;
	free_buffers(fake);
	fake->n_buffers = count;
	fake->memory = request->memory;
	for (unsigned i = 0; i < count; i++)
		if (request->memory == V4L2_MEMORY_MMAP && make_memory(fake, i) < 0)
			return -ENOMEM;
	request->count = count;
	return 0;
}

static void describe(struct fake_v4l2 *fake, struct v4l2_buffer *buffer, uint32_t used)
{
	for (unsigned i = 0; i < fake->n_planes; i++) {
		uint32_t length = plane_size(fake_info(fake), fake->width, fake->height, i);
		uint32_t offset = (buffer->index * VIDEO_MAX_PLANES + i) * 4096;

		if (is_mplane(fake)) {
			buffer->m.planes[i].length = length;
			buffer->m.planes[i].m.mem_offset = offset;
			buffer->m.planes[i].bytesused = used ? used : length;
		} else {
			buffer->length = length;
			buffer->m.offset = offset;
			buffer->bytesused = used ? used : length;
		}
	}
	if (is_mplane(fake))
		buffer->length = fake->n_planes;
}

static int querybuf(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_buffer *buffer = arg;

	if (buffer->index >= fake->n_buffers)
		return -EINVAL;
	describe(fake, buffer, 0);
	return 0;
}

static int expbuf(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_exportbuffer *export = arg;

	if (!fake->exports)
		return -ENOTTY;
	if (export->index >= fake->n_buffers || export->plane >= fake->n_planes)
		return -EINVAL;
	export->fd = fcntl(fake->buffers[export->index].memfd[export->plane], F_DUPFD_CLOEXEC, 0);
	return export->fd < 0 ? -errno : 0;
}

static int qbuf(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_buffer *buffer = arg;

	if (buffer->index >= fake->n_buffers || fake->buffers[buffer->index].queued ||
	    fake->buffers[buffer->index].done || buffer->memory != fake->memory)
		return -EINVAL;
	if (fake->memory == V4L2_MEMORY_DMABUF)
		fake->buffers[buffer->index].imported = is_mplane(fake) ? buffer->m.planes[0].m.fd :
									  buffer->m.fd;
	if (fake->memory == V4L2_MEMORY_USERPTR)
		fake->buffers[buffer->index].user =
			(void *)(uintptr_t)(is_mplane(fake) ? buffer->m.planes[0].m.userptr :
							      buffer->m.userptr);
	fake->buffers[buffer->index].queued = true;
	fake->queued |= 1u << buffer->index;
	return 0;
}

static int dqbuf(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_buffer *buffer = arg;
	const struct fake_frame *frame;

	if (!fake->streaming)
		return -EINVAL;
	if (fake->n_order == 0)
		return -EAGAIN;
	buffer->index = fake->order[0];
	memmove(fake->order, fake->order + 1, --fake->n_order * sizeof(fake->order[0]));
	fake->buffers[buffer->index].done = false;
	frame = &fake->buffers[buffer->index].frame;

	describe(fake, buffer, frame->used);
	if (frame->cancelled && frame->used == 0)
		buffer->bytesused = 0;
	buffer->sequence = frame->seq;
	buffer->field = fake->buffer_field;
	buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | frame->flags;
	if (frame->cancelled)
		buffer->flags |= V4L2_BUF_FLAG_ERROR;
	buffer->timestamp.tv_sec = (time_t)(frame->stamp_ns / GLINT_NSEC_PER_SEC);
	buffer->timestamp.tv_usec = (long)(frame->stamp_ns % GLINT_NSEC_PER_SEC / 1000);
	return 0;
}

static int stream_on(struct fake_v4l2 *fake)
{
	if (fake->busy)
		return -EBUSY;
	if (fake->n_buffers == 0)
		return -EINVAL;
	fake->streaming = true;
	return 0;
}

static int s_timings(struct fake_v4l2 *fake, void *arg)
{
	const struct v4l2_dv_timings *timings = arg;

	if (fake->busy || fake->streaming)
		return -EBUSY;
	fake->set_timings = timings->bt;
	return 0;
}

/* What the device can be set to, in no order. */
static int enum_timings(void *arg)
{
	static const struct v4l2_dv_timings list[] = {
		V4L2_DV_BT_CEA_640X480P59_94, V4L2_DV_BT_CEA_1280X720P50,
		V4L2_DV_BT_CEA_1280X720P60,   V4L2_DV_BT_CEA_1920X1080I60,
		V4L2_DV_BT_CEA_1920X1080P60,  V4L2_DV_BT_DMT_1024X768P60,
		V4L2_DV_BT_CEA_1920X1080P24,
	};
	struct v4l2_enum_dv_timings *entry = arg;

	if (entry->index >= ARRAY_SIZE(list))
		return -EINVAL;
	entry->timings = list[entry->index];
	return 0;
}

static int g_timings(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_dv_timings *timings = arg;

	if (!(fake->input_caps & V4L2_IN_CAP_DV_TIMINGS))
		return -ENODATA;
	timings->type = V4L2_DV_BT_656_1120;
	timings->bt = fake->set_timings;
	return 0;
}

static int g_ctrl(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_control *control = arg;

	if (!fake->has_power || control->id != V4L2_CID_DV_RX_POWER_PRESENT)
		return -EINVAL;
	control->value = (int32_t)fake->power;
	return 0;
}

static int g_edid(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_edid *edid = arg;

	if (fake->edid_max == 0)
		return -ENOTTY;
	if (edid->pad != fake->edid_pad || edid->start_block > fake->edid_blocks)
		return -EINVAL;
	if (edid->blocks == 0) {
		edid->blocks = fake->edid_blocks;
		return 0;
	}
	if (fake->edid_blocks == 0)
		return -ENODATA;
	edid->blocks = MIN(edid->blocks, fake->edid_blocks - edid->start_block);
	memcpy(edid->edid, fake->edid + edid->start_block * 128, edid->blocks * 128);
	return 0;
}

static int s_edid(struct fake_v4l2 *fake, void *arg)
{
	struct v4l2_edid *edid = arg;

	if (fake->edid_max == 0)
		return -ENOTTY;
	if (edid->pad != fake->edid_pad || edid->start_block)
		return -EINVAL;
	if (edid->blocks > fake->edid_max) {
		edid->blocks = fake->edid_max;
		return -E2BIG;
	}
	if (fake->edid_is_busy && fake->n_buffers > 0)
		return -EBUSY;
	memcpy(fake->edid, edid->edid, edid->blocks * 128);
	fake->edid[100] ^= fake->edid_is_broken;
	fake->edid_blocks = edid->blocks;
	fake->edid_writes++;
	return 0;
}

static int s_ctrl(struct fake_v4l2 *fake, void *arg)
{
	const struct v4l2_control *control = arg;

	fake->controls[control->id & 0xff] = control->value;
	return 0;
}

int fake_v4l2_answer(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	switch (request) {
	case VIDIOC_QUERYCAP:
		return querycap(fake, arg);
	case VIDIOC_ENUM_FMT:
		return enum_fmt(fake, arg);
	case VIDIOC_ENUM_FRAMESIZES:
		return enum_framesizes(fake, arg);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return enum_frameintervals(fake, arg);
	case VIDIOC_S_FMT:
		return s_fmt(fake, arg);
	case VIDIOC_G_FMT:
		return g_fmt(fake, arg);
	case VIDIOC_G_PARM:
		return s_parm(fake, arg, false);
	case VIDIOC_S_PARM:
		return s_parm(fake, arg, true);
	case VIDIOC_ENUMINPUT:
		return enum_input(fake, arg);
	case VIDIOC_S_INPUT:
		return s_input(fake, arg);
	case VIDIOC_G_STD:
	case VIDIOC_S_STD:
		return standard(fake, arg, request == VIDIOC_S_STD);
	case VIDIOC_QUERY_DV_TIMINGS:
		return query_timings(fake, arg);
	case VIDIOC_S_DV_TIMINGS:
		return s_timings(fake, arg);
	case VIDIOC_G_DV_TIMINGS:
		return g_timings(fake, arg);
	case VIDIOC_ENUM_DV_TIMINGS:
		return fake->input_caps & V4L2_IN_CAP_DV_TIMINGS ? enum_timings(arg) : -ENODATA;
	case VIDIOC_SUBSCRIBE_EVENT:
	case VIDIOC_UNSUBSCRIBE_EVENT:
		return subscribe(fake, arg, request == VIDIOC_SUBSCRIBE_EVENT);
	case VIDIOC_DQEVENT:
		return dqevent(fake, arg);
	case VIDIOC_REQBUFS:
		return reqbufs(fake, arg);
	case VIDIOC_QUERYBUF:
		return querybuf(fake, arg);
	case VIDIOC_EXPBUF:
		return expbuf(fake, arg);
	case VIDIOC_QBUF:
		return qbuf(fake, arg);
	case VIDIOC_DQBUF:
		return dqbuf(fake, arg);
	case VIDIOC_STREAMON:
		return stream_on(fake);
	case VIDIOC_STREAMOFF:
		stream_off(fake);
		return 0;
	case VIDIOC_QUERY_EXT_CTRL:
		return fake_query_ext_ctrl(fake, arg);
	case VIDIOC_QUERYMENU:
		return fake_querymenu(fake, arg);
	case VIDIOC_G_EXT_CTRLS:
	case VIDIOC_S_EXT_CTRLS:
	case VIDIOC_TRY_EXT_CTRLS:
		return fake_ext_ctrls(fake, request, arg);
	case VIDIOC_G_CTRL:
		return g_ctrl(fake, arg);
	case VIDIOC_G_EDID:
		return g_edid(fake, arg);
	case VIDIOC_S_EDID:
		return s_edid(fake, arg);
	case VIDIOC_S_CTRL:
		return s_ctrl(fake, arg);
	default:
		return -ENOTTY;
	}
}
