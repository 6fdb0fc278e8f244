/* SPDX-License-Identifier: MIT */
#include "convert/convert.h"

#include <assert.h>
#include <errno.h>
#include <libv4l-plugin.h>
#include <libv4lconvert.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>

#include "base/dlopen_note.h"
#include "base/library.h"
#include "base/macros.h"

#define LIBRARY "libv4lconvert.so.0"
#define FUNCTIONS(X)                                                                               \
	X(v4lconvert_convert)                                                                      \
	X(v4lconvert_create_with_dev_ops)                                                          \
	X(v4lconvert_destroy)

GLINT_DLOPEN_NOTE("convert", "Formats of sensors and of old webcams", "recommended", LIBRARY);
GLINT_LIBRARY(v4lconvert, FUNCTIONS, LIBRARY, "the device's pixel format cannot be read")

struct glint_convert {
	struct v4lconvert_data *library;
	struct v4l2_format from, to;
	struct glint_lines lines; /* of a frame */
	size_t needed;		  /* bytes of a frame, with its padding */
	uint8_t *packed;	  /* owned copy of a frame; NULL: the library reads the frame */
	size_t packed_size;	  /* bytes of what the library reads */
	unsigned reduced_bits;	  /* that a pixel of twelve has in the frame: 16 or 12; 0: others */
	struct glint_format format; /* of the result */
	struct glint_dmabuf result; /* one plane of ordinary memory, owned */
};

/* --- The device that the library is shown ------------------------------------------- */

/*
 * The library asks a device for its formats. If none of them is a plain one, the library improves
 * pictures in software: white balance, gain, gamma. A lab wants to see what the device sees, so
 * the library is shown a device with a plain format.
 */
static int shown_device_ioctl(void *priv, int fd, unsigned long request, void *arg)
{
	struct v4l2_capability *capability = arg;
	struct v4l2_fmtdesc *desc = arg;

	(void)priv;
	(void)fd;
	if (request == VIDIOC_QUERYCAP) {
		*capability = (struct v4l2_capability){
			.driver = "glint",
			.card = "glint",
			.capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
		};
		return 0;
	}
	if (request == VIDIOC_ENUM_FMT && desc->index == 0) {
		desc->pixelformat = V4L2_PIX_FMT_YUV420;
		return 0;
	}
	errno = request == VIDIOC_ENUM_FMT ? EINVAL : ENOTTY;
	return -1;
}

static const struct libv4l_dev_ops shown_device = { .ioctl = shown_device_ioctl };

/* --- Formats --------------------------------------------------------------------------- */

/* Without padding; range and matrix are kept where the samples are. */
static void set_result_format(struct glint_format *to, const struct glint_format *from)
{
	uint32_t width = from->width, height = from->height;

	*to = (struct glint_format){
		.info = glint_format_find(from->info->becomes),
		.fourcc = from->info->becomes,
		.width = width,
		.height = height,
		.n_planes = 1,
		.range = from->range,
		.matrix = from->matrix,
	};
	to->stride[0] = to->info->bytes_per_pixel * width;
	to->size[0] = to->info->layout == GLINT_LAYOUT_RGB ? to->stride[0] * height :
							     width * height * 3 / 2;
}

static struct v4l2_format to_v4l2(const struct glint_format *format, uint32_t stride, uint32_t size)
{
	return (struct v4l2_format){
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = format->width,
			.height = format->height,
			.pixelformat = format->fourcc,
			.field = V4L2_FIELD_NONE,
			.bytesperline = stride,
			.sizeimage = size,
		},
	};
}

/* --- Life -------------------------------------------------------------------------------- */

static size_t packed_size(const struct glint_format *from, const struct glint_lines *lines)
{
	if (from->info->reduced_to)
		return (size_t)from->width * from->height;
	return (size_t)lines->bytes * lines->count;
}

/*
 * The library unpacks Bayer of more than eight bits where it lies. Other readers have the same frame,
 * so the library gets a copy.
 */
static bool is_overwritten(const struct glint_format_info *info)
{
	return info->becomes == V4L2_PIX_FMT_RGB24 && info->bits_per_pixel > 8;
}

/* A copy has no padding, which the library does not know. */
static int memory_allocate(struct glint_convert *convert, bool from_is_overwritten)
{
	const struct glint_lines *lines = &convert->lines;
	struct glint_plane *plane = &convert->result.planes[0];

	plane->size = convert->format.size[0];
	plane->map = malloc(plane->size);
	convert->result.n_planes = 1;
	if (lines->stride == lines->bytes && !from_is_overwritten)
		return plane->map ? 0 : -ENOMEM;
	convert->packed = malloc(convert->packed_size);
	return plane->map && convert->packed ? 0 : -ENOMEM;
}

int glint_convert_create(struct glint_convert **out, const struct glint_format *from)
{
	struct glint_convert *convert;
	int err;

	if (!v4lconvert_load())
		return -ELIBACC;
	convert = calloc(1, sizeof(*convert));
	if (!convert)
		return -ENOMEM;
	err = glint_format_check(from);
	if (err == 0) {
		convert->lines = glint_format_lines(from);
		convert->needed = glint_format_min_size(from, 0);
		convert->packed_size = packed_size(from, &convert->lines);
		convert->reduced_bits = from->info->reduced_to ? from->info->bits_per_pixel : 0;
		set_result_format(&convert->format, from);
		err = glint_format_check(&convert->format);
	}
	if (err == 0)
		err = memory_allocate(convert, is_overwritten(from->info));
	if (err == 0) {
		convert->library =
			v4lconvert.v4lconvert_create_with_dev_ops(-1, NULL, &shown_device);
		err = convert->library ? 0 : -ENOMEM;
	}
	if (err < 0) {
		glint_convert_destroy(convert);
		return err;
	}
	convert->from = to_v4l2(from, from->info->reduced_to ? from->width : convert->lines.bytes,
				(uint32_t)convert->packed_size);
	if (from->info->reduced_to)
		convert->from.fmt.pix.pixelformat = from->info->reduced_to;
	convert->to = to_v4l2(&convert->format, convert->format.stride[0], convert->format.size[0]);
	*out = convert;
	return 0;
}

void glint_convert_destroy(struct glint_convert *convert)
{
	if (!convert)
		return;
	if (convert->library)
		v4lconvert.v4lconvert_destroy(convert->library);
	free(convert->packed);
	free(convert->result.planes[0].map);
	free(convert);
}

/* --- Use ---------------------------------------------------------------------------------- */

const struct glint_format *glint_convert_format(const struct glint_convert *convert)
{
	return &convert->format;
}

unsigned glint_convert_passes(const struct glint_convert *convert)
{
	return convert->packed ? 2 : 1;
}

/*
 * The highest eight of twelve bits of each pixel. Packed, two pixels have three bytes: the highest
 * bits of each, and the lowest of both.
 */
static void reduce_line(uint8_t *restrict out, const uint8_t *restrict in, uint32_t width,
			unsigned bits)
{
	for (uint32_t x = 0; x < width; x++)
		out[x] = bits == 16 ? (uint8_t)((in[2 * x] | in[2 * x + 1] << 8) >> 4) :
				      in[x / 2 * 3 + x % 2];
}

static uint8_t *pack(const struct glint_convert *convert, uint8_t *frame)
{
	const struct glint_lines *lines = &convert->lines;

	assert(lines->stride >= lines->bytes);

	if (!convert->packed)
		return frame;
	for (uint32_t i = 0; convert->reduced_bits && i < lines->count; i++)
		reduce_line(convert->packed + (size_t)i * convert->from.fmt.pix.width,
			    frame + (size_t)i * lines->stride, convert->from.fmt.pix.width,
			    convert->reduced_bits);
	for (uint32_t i = 0; !convert->reduced_bits && i < lines->count; i++)
		memcpy(convert->packed + (size_t)i * lines->bytes,
		       frame + (size_t)i * lines->stride, lines->bytes);
	return convert->packed;
}

int glint_convert_run(struct glint_convert *convert, const struct glint_dmabuf *buf, size_t used,
		      struct glint_view *view)
{
	const struct glint_plane *from = &buf->planes[0], *to = &convert->result.planes[0];
	int written;

	if (!from->map)
		return -EFAULT;
	/* The library reports a short frame, but reads beyond its end nevertheless. */
	if (from->offset > from->size || MIN(used, from->size - from->offset) < convert->needed)
		return -EPROTO;
	written = v4lconvert.v4lconvert_convert(convert->library, &convert->from, &convert->to,
						pack(convert, from->map + from->offset),
						(int)convert->packed_size, to->map, (int)to->size);
	if (written < 0 || (size_t)written < to->size)
		return -EPROTO;
	return glint_format_view(&convert->format, &convert->result, view);
}
