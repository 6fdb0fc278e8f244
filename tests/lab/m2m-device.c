/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include <linux/videodev2.h>

#include "m2m-device.h"

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void die(const char *what)
{
	fprintf(stderr, "m2m-client: %s: %s\n", what, strerror(errno));
	exit(EXIT_DEVICE);
}

/* Ends the program after an answer that no correct driver gives. */
static _Noreturn void die_of(const char *what)
{
	errno = EPROTO;
	die(what);
}

/* Returns the result, -1 on EAGAIN; any other error ends the program. */
static int call(struct device *dev, unsigned long request, const char *name, void *argument)
{
	uint64_t begin = now_us(), took;
	int res = ioctl(dev->fd, request, argument), err = errno;

	took = now_us() - begin;
	if (took > dev->slowest_ioctl)
		dev->slowest_ioctl = took;
	errno = err;
	if (res < 0 && err != EAGAIN)
		die(name);
	return res;
}
#define CALL(dev, request, argument) call(dev, request, #request, argument)

/* --- Formats -------------------------------------------------------------------- */

static void set_mplane(struct device *dev, struct side *side, uint32_t fourcc)
{
	struct v4l2_format format = { .type = side->type };
	struct v4l2_pix_format_mplane *mp = &format.fmt.pix_mp;

	mp->width = dev->config.width;
	mp->height = dev->config.height;
	mp->pixelformat = fourcc;
	CALL(dev, VIDIOC_S_FMT, &format);
	if (mp->pixelformat != fourcc)
		die_of("the encoder has no such format");
	if (!mp->num_planes || mp->num_planes > RAW_PLANES)
		die_of("number of planes");
	side->n_planes = mp->num_planes;
	for (unsigned p = 0; p < side->n_planes; p++)
		side->size[p] = mp->plane_fmt[p].sizeimage;
	dev->frame.lines = mp->height;
	dev->frame.stride = mp->plane_fmt[0].bytesperline;
}

static void set_single(struct device *dev, struct side *side, uint32_t fourcc)
{
	struct v4l2_format format = { .type = side->type };
	struct v4l2_pix_format *pix = &format.fmt.pix;

	pix->width = dev->config.width;
	pix->height = dev->config.height;
	pix->pixelformat = fourcc;
	CALL(dev, VIDIOC_S_FMT, &format);
	if (pix->pixelformat != fourcc)
		die_of("the encoder has no such format");
	side->n_planes = 1;
	side->size[0] = pix->sizeimage;
	dev->frame.lines = pix->height;
	dev->frame.stride = pix->bytesperline;
}

/* Set the raw format first, because the JPEG's follows; its lines and stride must not change. */
static void set_formats(struct device *dev)
{
	void (*set)(struct device *, struct side *, uint32_t) = dev->mplane ? set_mplane :
									      set_single;
	struct raw_frame frame;

	set(dev, &dev->raw, raw_format_fourcc(dev->config.format));
	frame = dev->frame;
	set(dev, &dev->jpeg, V4L2_PIX_FMT_JPEG);
	dev->frame = frame;
	dev->frame.format = dev->config.format;
	dev->frame.width = dev->config.width;
	dev->frame.height = dev->config.height;
}

/* The coded size may be larger than the picture. */
static void set_crop(struct device *dev)
{
	struct v4l2_selection sel = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
				      .target = V4L2_SEL_TGT_CROP };

	sel.r.width = dev->config.width;
	sel.r.height = dev->config.height;
	CALL(dev, VIDIOC_S_SELECTION, &sel);
}

void device_open(struct device *dev, const struct config *config)
{
	struct v4l2_control quality = { V4L2_CID_JPEG_COMPRESSION_QUALITY, config->quality };
	struct v4l2_capability cap = { 0 };

	*dev = (struct device){ .config = *config };
	dev->fd = open(config->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (dev->fd < 0)
		die(config->path);
	CALL(dev, VIDIOC_QUERYCAP, &cap);
	dev->mplane = cap.device_caps & V4L2_CAP_VIDEO_M2M_MPLANE;
	dev->raw.type = dev->mplane ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
				      V4L2_BUF_TYPE_VIDEO_OUTPUT;
	dev->jpeg.type = dev->mplane ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
				       V4L2_BUF_TYPE_VIDEO_CAPTURE;
	dev->raw.memory = strcmp(config->memory, "mmap") ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP;
	dev->jpeg.memory = V4L2_MEMORY_MMAP;
	set_formats(dev);
	set_crop(dev);
	if (config->quality >= 0)
		CALL(dev, VIDIOC_S_CTRL, &quality);
}

/* --- Buffers ---------------------------------------------------------------------- */

static void import_slot(struct device *dev, struct side *side, unsigned index)
{
	const struct config *config = &dev->config;

	for (unsigned p = 0; p < side->n_planes; p++)
		if (memory_get(&side->slot[index].plane[p], config->memory, index, side->size[p],
			       raw_format_fourcc(config->format), config->width, config->height))
			exit(EXIT_DEVICE);
}

static void map_slot(struct device *dev, struct side *side, unsigned index)
{
	struct v4l2_plane planes[RAW_PLANES] = { 0 };
	struct v4l2_buffer buf = { .type = side->type, .memory = side->memory, .index = index };

	if (dev->mplane) {
		buf.m.planes = planes;
		buf.length = side->n_planes;
	}
	CALL(dev, VIDIOC_QUERYBUF, &buf);
	for (unsigned p = 0; p < side->n_planes; p++) {
		struct memory *memory = &side->slot[index].plane[p];
		off_t offset = dev->mplane ? planes[p].m.mem_offset : buf.m.offset;

		memory->fd = -1;
		memory->size = dev->mplane ? planes[p].length : buf.length;
		memory->map = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
				   offset);
		if (memory->map == MAP_FAILED)
			die("mmap");
	}
}

static void get_slots(struct device *dev, struct side *side)
{
	struct v4l2_requestbuffers request = { .type = side->type, .memory = side->memory };

	request.count = dev->config.slots;
	CALL(dev, VIDIOC_REQBUFS, &request);
	side->n_slots = request.count < SLOTS_MAX ? request.count : SLOTS_MAX;
	for (unsigned i = 0; i < side->n_slots; i++)
		if (side->memory == V4L2_MEMORY_DMABUF)
			import_slot(dev, side, i);
		else
			map_slot(dev, side, i);
}

void device_get_slots(struct device *dev)
{
	get_slots(dev, &dev->raw);
	get_slots(dev, &dev->jpeg);
}

void device_stream(struct device *dev, struct side *side)
{
	CALL(dev, VIDIOC_STREAMON, &side->type);
}

void device_stop(struct device *dev)
{
	struct v4l2_encoder_cmd stop = { .cmd = V4L2_ENC_CMD_STOP };

	CALL(dev, VIDIOC_ENCODER_CMD, &stop);
}

void device_queue(struct device *dev, struct side *side, unsigned index, unsigned number)
{
	struct v4l2_plane planes[RAW_PLANES] = { 0 };
	struct v4l2_buffer buf = {
		.type = side->type, .memory = side->memory, .index = index, .field = V4L2_FIELD_NONE
	};

	/* The encoder copies the stamp to the JPEG's buffer, so it identifies the frame. */
	buf.timestamp.tv_sec = number;
	for (unsigned p = 0; p < side->n_planes; p++) {
		planes[p].bytesused = side == &dev->raw ? side->size[p] : 0;
		planes[p].length = (unsigned)side->slot[index].plane[p].size;
		planes[p].m.fd = side->slot[index].plane[p].fd;
	}
	if (dev->mplane) {
		buf.m.planes = planes;
		buf.length = side->n_planes;
	} else {
		buf.bytesused = planes[0].bytesused;
		buf.length = planes[0].length;
		buf.m.fd = planes[0].m.fd;
	}
	CALL(dev, VIDIOC_QBUF, &buf);
}

bool device_take(struct device *dev, struct side *side, struct done *done)
{
	struct v4l2_plane planes[RAW_PLANES] = { 0 };
	struct v4l2_buffer buf = { .type = side->type, .memory = side->memory };

	if (dev->mplane) {
		buf.m.planes = planes;
		buf.length = RAW_PLANES;
	}
	if (CALL(dev, VIDIOC_DQBUF, &buf) < 0)
		return false;
	if (buf.index >= side->n_slots)
		die_of("an index that was not queued");
	done->index = buf.index;
	done->number = (unsigned)buf.timestamp.tv_sec;
	done->bytes = dev->mplane ? planes[0].bytesused : buf.bytesused;
	done->error = buf.flags & V4L2_BUF_FLAG_ERROR;
	done->last = buf.flags & V4L2_BUF_FLAG_LAST;
	if (done->bytes > side->slot[buf.index].plane[0].size)
		die_of("more bytes than the buffer has");
	return true;
}
