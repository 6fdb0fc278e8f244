/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int ask(int fd, unsigned long request, void *arg)
{
	int result;

	do
		result = ioctl(fd, request, arg);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

/* A driver's text need not end with a zero. */
#define COPY_TEXT(to, from) copy_text(to, sizeof(to), (const char *)(from), sizeof(from))

static void copy_text(char *to, size_t size, const char *from, size_t from_size)
{
	size_t len = strnlen(from, from_size);

	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

static double rate_of(const struct v4l2_fract *interval)
{
	return interval->numerator ? (double)interval->denominator / interval->numerator : 0;
}

static void probe_rates(int fd, uint32_t fourcc, struct probe_size *size)
{
	struct v4l2_frmivalenum frame = {
		.pixel_format = fourcc,
		.width = size->width,
		.height = size->height,
	};

	for (; frame.index < PROBE_RATES_MAX; frame.index++) {
		if (ask(fd, VIDIOC_ENUM_FRAMEINTERVALS, &frame) < 0)
			return;
		if (frame.type != V4L2_FRMIVAL_TYPE_DISCRETE) {
			size->rates[0] = rate_of(&frame.stepwise.max);
			size->rates[1] = rate_of(&frame.stepwise.min);
			size->n_rates = 2;
			size->rate_range = true;
			return;
		}
		size->rates[size->n_rates++] = rate_of(&frame.discrete);
	}
}

/* False: this was the last one. */
static bool take_size(struct probe_size *size, const struct v4l2_frmsizeenum *frame)
{
	if (frame->type == V4L2_FRMSIZE_TYPE_DISCRETE) {
		size->width = size->min_width = frame->discrete.width;
		size->height = size->min_height = frame->discrete.height;
		return true;
	}
	size->width = frame->stepwise.max_width;
	size->height = frame->stepwise.max_height;
	size->min_width = frame->stepwise.min_width;
	size->min_height = frame->stepwise.min_height;
	return false;
}

static void probe_sizes(int fd, struct probe_format *format)
{
	struct v4l2_frmsizeenum frame = { .pixel_format = format->fourcc };
	bool more = true;

	format->sizes = calloc(PROBE_SIZES_MAX, sizeof(*format->sizes));
	if (!format->sizes)
		return;
	for (; more && frame.index < PROBE_SIZES_MAX; frame.index++) {
		struct probe_size *size = &format->sizes[format->n_sizes];

		if (ask(fd, VIDIOC_ENUM_FRAMESIZES, &frame) < 0)
			return;
		more = take_size(size, &frame);
		format->n_sizes++;
		if (!format->to_device)
			probe_rates(fd, format->fourcc, size);
	}
}

static void probe_formats(int fd, struct probe_node *node, enum v4l2_buf_type type)
{
	struct v4l2_fmtdesc desc = { .type = type };

	for (; node->n_formats < PROBE_FORMATS_MAX; desc.index++) {
		struct probe_format *format = &node->formats[node->n_formats];

		if (ask(fd, VIDIOC_ENUM_FMT, &desc) < 0)
			return;
		format->fourcc = desc.pixelformat;
		COPY_TEXT(format->description, desc.description);
		format->compressed = desc.flags & V4L2_FMT_FLAG_COMPRESSED;
		format->emulated = desc.flags & V4L2_FMT_FLAG_EMULATED;
		format->to_device = V4L2_TYPE_IS_OUTPUT(type);
		node->n_formats++;
		probe_sizes(fd, format);
	}
}

static void probe_inputs(int fd, struct probe_node *node)
{
	uint32_t current = UINT32_MAX;

	if (ask(fd, VIDIOC_G_INPUT, &current) < 0)
		return;
	for (; node->n_inputs < PROBE_INPUTS_MAX; node->n_inputs++) {
		struct probe_input *to = &node->inputs[node->n_inputs];
		struct v4l2_input input = { .index = node->n_inputs };

		if (ask(fd, VIDIOC_ENUMINPUT, &input) < 0)
			return;
		COPY_TEXT(to->name, input.name);
		to->dv_timings = input.capabilities & V4L2_IN_CAP_DV_TIMINGS;
		to->current = input.index == current;
		/* The status is only kept up to date for the input in use. */
		to->no_signal = to->current &&
				input.status & (V4L2_IN_ST_NO_SIGNAL | V4L2_IN_ST_NO_POWER);
	}
}

static bool is_jpeg(const struct probe_format *format)
{
	return format->fourcc == V4L2_PIX_FMT_JPEG || format->fourcc == V4L2_PIX_FMT_MJPEG;
}

static void judge_m2m(struct probe_node *node)
{
	bool raw_in = false, jpeg_in = false, jpeg_out = false;

	for (unsigned i = 0; i < node->n_formats; i++) {
		const struct probe_format *format = &node->formats[i];

		raw_in |= format->to_device && !format->compressed;
		jpeg_in |= format->to_device && is_jpeg(format);
		jpeg_out |= !format->to_device && is_jpeg(format);
	}
	if (raw_in && jpeg_out)
		node->verdict = PROBE_JPEG_ENCODER;
	else if (jpeg_in)
		node->why_not = "m2m that decodes JPEG";
	else
		node->why_not = "m2m without a JPEG encoder";
}

/* Of 0 buffers nothing is made, and nobody else's file is touched. */
static bool takes_dmabufs(int fd, bool mplane)
{
	struct v4l2_requestbuffers request = {
		.type = mplane ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT,
		.memory = V4L2_MEMORY_DMABUF,
	};

	return ask(fd, VIDIOC_REQBUFS, &request) >= 0;
}

static void probe_encoder(int fd, struct probe_node *node, bool mplane)
{
	struct v4l2_queryctrl quality = { .id = V4L2_CID_JPEG_COMPRESSION_QUALITY };

	node->imports = takes_dmabufs(fd, mplane);
	if (ask(fd, VIDIOC_QUERYCTRL, &quality) < 0 || quality.flags & V4L2_CTRL_FLAG_DISABLED)
		return;
	node->quality_min = quality.minimum;
	node->quality_max = quality.maximum;
}

static void probe_m2m(int fd, struct probe_node *node, bool mplane)
{
	probe_formats(fd, node,
		      mplane ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT);
	probe_formats(fd, node,
		      mplane ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE);
	judge_m2m(node);
	if (node->verdict == PROBE_JPEG_ENCODER)
		probe_encoder(fd, node, mplane);
}

static void probe_capture(int fd, struct probe_node *node, uint32_t caps)
{
	probe_inputs(fd, node);
	probe_formats(fd, node,
		      caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
							     V4L2_BUF_TYPE_VIDEO_CAPTURE);
	node->media_controller = caps & V4L2_CAP_IO_MC;
	if (!(caps & V4L2_CAP_STREAMING))
		node->why_not = "cannot stream";
	else if (node->n_formats == 0)
		node->why_not = "offers no pixel format";
	else
		node->verdict = PROBE_CAPTURE;
}

static const char *what_else(uint32_t caps)
{
	static const struct {
		uint32_t caps;
		const char *what;
	} kinds[] = {
		{ V4L2_CAP_META_CAPTURE | V4L2_CAP_META_OUTPUT, "metadata, no video" },
		{ V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_OUTPUT_MPLANE, "an output" },
		{ V4L2_CAP_VIDEO_OVERLAY | V4L2_CAP_VIDEO_OUTPUT_OVERLAY, "an overlay" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (caps & kinds[i].caps)
			return kinds[i].what;
	return "no video capture";
}

static void probe_open_node(int fd, struct probe_node *node)
{
	static const uint32_t capture = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE;
	static const uint32_t output = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_OUTPUT_MPLANE;
	static const uint32_t m2m = V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE;
	struct v4l2_capability cap = { 0 };
	uint32_t caps;

	node->err = ask(fd, VIDIOC_QUERYCAP, &cap);
	if (node->err < 0) {
		node->why_not = "no V4L2 device";
		return;
	}
	COPY_TEXT(node->driver, cap.driver);
	COPY_TEXT(node->card, cap.card);
	COPY_TEXT(node->bus, cap.bus_info);
	/* Of this node, not of the whole device. */
	caps = cap.capabilities & V4L2_CAP_DEVICE_CAPS ? cap.device_caps : cap.capabilities;

	/* Old M2M drivers say "capture and output". */
	if (caps & m2m || (caps & capture && caps & output))
		probe_m2m(fd, node,
			  caps & (V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_VIDEO_CAPTURE_MPLANE));
	else if (caps & V4L2_CAP_TOUCH)
		node->why_not = "a touch pad";
	else if (caps & capture)
		probe_capture(fd, node, caps);
	else
		node->why_not = what_else(caps);
}

int probe_node(struct probe_node *node, unsigned number)
{
	int fd;

	memset(node, 0, sizeof(*node));
	node->verdict = PROBE_OTHER;
	node->why_not = "";
	snprintf(node->path, sizeof(node->path), "/dev/video%u", number);
	fd = open(node->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		node->err = -errno;
		node->why_not = "cannot be opened";
		return node->err == -ENOENT ? -ENOENT : 0;
	}
	probe_open_node(fd, node);
	close(fd);
	return 0;
}

void probe_node_fini(struct probe_node *node)
{
	for (unsigned i = 0; i < node->n_formats; i++)
		free(node->formats[i].sizes);
	node->n_formats = 0;
}
