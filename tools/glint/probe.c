/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macros.h"
#include "v4l2/edid_device.h"
#include "v4l2/media.h"
#include "v4l2/timings.h"

static int ask(int fd, unsigned long request, void *arg)
{
	int result;

	do
		result = ioctl(fd, request, arg);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

/* Copy a driver's text, which may lack its terminating zero. */
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

/* False: the enumeration has ended. */
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

/* The families of standards, for people; vivid alone enumerates 21. */
static const char *standards_of(v4l2_std_id standards)
{
	static const char *const names[] = {
		"",	 "PAL",	       "NTSC",	      "PAL, NTSC",
		"SECAM", "PAL, SECAM", "NTSC, SECAM", "PAL, NTSC, SECAM",
	};
	unsigned pal = (standards & V4L2_STD_PAL) != 0, ntsc = (standards & V4L2_STD_NTSC) != 0;
	unsigned secam = (standards & V4L2_STD_SECAM) != 0;

	return names[pal | ntsc << 1 | secam << 2];
}

static const char *fault_of(uint32_t status)
{
	if (status & V4L2_IN_ST_NO_POWER)
		return "no power";
	if (status & V4L2_IN_ST_NO_SIGNAL)
		return "no signal";
	if (status & (V4L2_IN_ST_NO_H_LOCK | V4L2_IN_ST_NO_V_LOCK | V4L2_IN_ST_NO_SYNC))
		return "no lock";
	return "";
}

static void probe_inputs(int fd, struct probe_node *node, struct glint_vdev *vdev)
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
		to->standards = standards_of(input.std);
		to->current = input.index == current;
		/* Drivers update only the status of the selected input. */
		to->fault = to->current ? fault_of(input.status) : "";
		if (to->current) {
			vdev->has_dv_timings = to->dv_timings;
			vdev->input = current;
		}
	}
}

static const char *signal_fault(int err)
{
	switch (err) {
	case 0:
	case -EBUSY: /* some receivers do not measure while they stream */
	case -ENOTTY:
	case -ENODATA:
		return "";
	case -ENOLINK:
		return "no signal";
	case -ENOLCK:
		return "no lock";
	case -ERANGE:
		return "out of range";
	default:
		return "cannot be measured";
	}
}

static void probe_timings(const struct glint_vdev *vdev, struct probe_timings *timings)
{
	struct v4l2_enum_dv_timings entry = { .pad = vdev->receiver_fd >= 0 ? vdev->receiver_pad :
									      0 };
	struct v4l2_dv_timings dv = { 0 };
	int err;

	timings->present = true;
	if (glint_vdev_receiver_ioctl(vdev, VIDIOC_G_DV_TIMINGS, &dv) == 0)
		(void)glint_timings_read(&dv, &timings->set);
	memset(&dv, 0, sizeof(dv));
	err = glint_vdev_receiver_ioctl(vdev, VIDIOC_QUERY_DV_TIMINGS, &dv);
	if (err == 0)
		err = glint_timings_read(&dv, &timings->detected);
	timings->fault = signal_fault(err);
	for (; timings->n < PROBE_TIMINGS_MAX; entry.index++) {
		if (glint_vdev_receiver_ioctl(vdev, VIDIOC_ENUM_DV_TIMINGS, &entry) < 0)
			return;
		if (glint_timings_read(&entry.timings, &timings->list[timings->n]) == 0)
			timings->n++;
	}
}

static void probe_edid(const struct glint_vdev *vdev, struct probe_edid *edid)
{
	struct glint_edid_facts facts;
	uint8_t bytes[GLINT_EDID_SIZE_MAX];
	size_t size = 0;
	int err = glint_edid_read(vdev, bytes, &size);

	edid->present = err == 0 || err == -ENODATA;
	if (err < 0 || size == 0)
		return;
	glint_edid_decode(bytes, size, &facts);
	edid->blocks = (unsigned)(size / GLINT_EDID_BLOCK);
	COPY_TEXT(edid->name, facts.name);
	for (unsigned i = 0; i < facts.n_modes; i++)
		if (facts.modes[i].preferred)
			edid->mode = facts.modes[i];
}

/*
 * A request for 0 buffers allocates nothing, and is refused while another program has some: it
 * tells what the queue can do. EXPBUF of a buffer that does not exist tells whether it is there.
 */
static void probe_memory(int fd, struct probe_node *node, enum v4l2_buf_type type)
{
	struct v4l2_requestbuffers request = { .type = type, .memory = V4L2_MEMORY_MMAP };
	struct v4l2_exportbuffer export = { .type = type };
	int err = ask(fd, VIDIOC_REQBUFS, &request);

	node->busy = err == -EBUSY;
	node->memory.exports = ask(fd, VIDIOC_EXPBUF, &export) != -ENOTTY;
	if (err < 0 || request.capabilities == 0)
		return;
	node->memory.known = true;
	node->memory.mmap = request.capabilities & V4L2_BUF_CAP_SUPPORTS_MMAP;
	node->memory.userptr = request.capabilities & V4L2_BUF_CAP_SUPPORTS_USERPTR;
	node->memory.dmabuf = request.capabilities & V4L2_BUF_CAP_SUPPORTS_DMABUF;
}

static void probe_size_now(int fd, struct probe_node *node, bool mplane)
{
	struct v4l2_format format = { .type = mplane ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
						       V4L2_BUF_TYPE_VIDEO_CAPTURE };

	if (ask(fd, VIDIOC_G_FMT, &format) < 0)
		return;
	node->width = mplane ? format.fmt.pix_mp.width : format.fmt.pix.width;
	node->height = mplane ? format.fmt.pix_mp.height : format.fmt.pix.height;
}

/* The media device, and where it must be set up, the path that the service would choose. */
static void probe_media(struct probe_node *node, struct glint_vdev *vdev)
{
	struct glint_v4l2_number number;
	struct glint_pipeline pipeline;
	struct glint_media media;

	if (vdev->access->ops->number(vdev->access, vdev->fd, &number) < 0 ||
	    glint_media_find(&media, vdev->access, number) < 0)
		return;
	snprintf(node->media, sizeof(node->media), "%s", media.path);
	glint_media_close(&media);
	if (!node->media_controller)
		return;
	if (glint_pipeline_open(&pipeline, vdev, NULL, NULL) == 0) {
		for (; node->n_path < pipeline.n; node->n_path++)
			snprintf(node->entities[node->n_path], sizeof(node->entities[0]), "%s",
				 pipeline.media.entities[pipeline.entities[node->n_path]].name);
		(void)glint_pipeline_open_receiver(&pipeline, vdev);
		glint_pipeline_check(&pipeline);
	}
	memcpy(node->problem, pipeline.problem, sizeof(node->problem));
	glint_pipeline_close(&pipeline);
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

static void probe_encoder(int fd, struct probe_node *node, bool mplane)
{
	struct v4l2_queryctrl quality = { .id = V4L2_CID_JPEG_COMPRESSION_QUALITY };

	probe_memory(fd, node,
		     mplane ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT);
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
	bool mplane = caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE;
	enum v4l2_buf_type type = mplane ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
					   V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct glint_vdev vdev;

	glint_vdev_init(&vdev);
	vdev.access = glint_v4l2_kernel();
	vdev.fd = fd;
	node->media_controller = caps & V4L2_CAP_IO_MC;
	probe_inputs(fd, node, &vdev);
	probe_formats(fd, node, type);
	probe_size_now(fd, node, mplane);
	if (caps & V4L2_CAP_STREAMING)
		probe_memory(fd, node, type);
	probe_media(node, &vdev);
	if (vdev.has_dv_timings || vdev.receiver_fd >= 0) {
		probe_timings(&vdev, &node->timings);
		probe_edid(&vdev, &node->edid);
	}
	(void)glint_controls_list(&vdev, true, &node->controls);
	if (vdev.receiver_fd >= 0)
		close(vdev.receiver_fd);
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
	glint_identity_read(&node->identity, glint_v4l2_kernel(), fd, &cap);
	/* The capabilities of this node, not of the whole device. */
	caps = cap.capabilities & V4L2_CAP_DEVICE_CAPS ? cap.device_caps : cap.capabilities;

	/* Old M2M drivers report "capture and output". */
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

/* --- Names ---------------------------------------------------------------------------------- */

static void add_name(struct probe_node *node, const char *prefix, const char *name)
{
	char text[PROBE_NAME_MAX];

	if (node->n_names < PROBE_NAMES_MAX && *name &&
	    snprintf(text, sizeof(text), "%s%s", prefix, name) < PROBE_NAME_MAX)
		memcpy(node->names[node->n_names++], text, sizeof(text));
}

/* The link of @folder that leads to the node, as udev makes them. */
static void add_link(struct probe_node *node, const char *folder)
{
	char path[PROBE_NAME_MAX], target[PATH_MAX];
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int length = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

		if (length < PROBE_NAME_MAX && realpath(path, target) &&
		    strcmp(target, node->path) == 0)
			add_name(node, "", path);
	}
	if (dir)
		closedir(dir);
}

static void find_names(struct probe_node *node)
{
	const struct glint_identity *identity = &node->identity;
	char usb[64 + sizeof(identity->serial)];

	if (*identity->vendor) {
		snprintf(usb, sizeof(usb), "%s:%s%s%s", identity->vendor, identity->product,
			 *identity->serial ? ":" : "", identity->serial);
		add_name(node, "usb:", usb);
	}
	add_link(node, "/dev/v4l/by-id");
	add_link(node, "/dev/v4l/by-path");
	/* Several devices may have one card, and the number of a USB device's node changes. */
	if (!*identity->vendor)
		add_name(node, "", node->path);
	add_name(node, "card:", identity->card);
	add_name(node, "driver:", identity->driver);
	if (*identity->vendor)
		add_name(node, "", node->path);
}

static unsigned usb_speed(const struct probe_node *node)
{
	char text[16] = "";

	if (*node->identity.vendor)
		glint_v4l2_attribute(glint_v4l2_kernel(), -1, node->path, "speed", text,
				     sizeof(text));
	return (unsigned)strtoul(text, NULL, 10);
}

int probe_node(struct probe_node *node, unsigned number)
{
	int fd;

	memset(node, 0, sizeof(*node));
	node->verdict = PROBE_OTHER;
	node->why_not = node->timings.fault = "";
	snprintf(node->path, sizeof(node->path), "/dev/video%u", number);
	fd = open(node->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		node->err = -errno;
		node->why_not = "cannot be opened";
		if (node->err == -ENOENT)
			return -ENOENT;
		/* sysfs may be read without the right to open the node. */
		glint_identity_read_node(&node->identity, glint_v4l2_kernel(), node->path);
	} else {
		probe_open_node(fd, node);
		close(fd);
	}
	find_names(node);
	node->usb_mbit = usb_speed(node);
	return 0;
}

void probe_node_fini(struct probe_node *node)
{
	for (unsigned i = 0; i < node->n_formats; i++)
		free(node->formats[i].sizes);
	node->n_formats = 0;
	glint_controls_free(&node->controls);
}
