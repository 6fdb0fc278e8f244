/* SPDX-License-Identifier: MIT */
#include "record/pixels.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/macros.h"
#include "clip/clip.h"
#include "core/frame.h"
#include "core/packet.h"
#include "mem/dmabuf.h"
#include "v4l2/format.h"

/* --- Copying ----------------------------------------------------------------------------- */

/* Nobody reads the copy soon: the disk takes it from memory. */
static void stream_copy(uint8_t *to, const uint8_t *from, size_t size)
{
#ifdef __SSE2__
	size_t head = MIN(size, (size_t)(-(uintptr_t)to & 15));

	memcpy(to, from, head);
	to += head;
	from += head;
	size -= head;
	for (; size >= 64; size -= 64, to += 64, from += 64) {
		__m128i a = _mm_loadu_si128((const __m128i *)from);
		__m128i b = _mm_loadu_si128((const __m128i *)(from + 16));
		__m128i c = _mm_loadu_si128((const __m128i *)(from + 32));
		__m128i d = _mm_loadu_si128((const __m128i *)(from + 48));

		_mm_stream_si128((__m128i *)to, a);
		_mm_stream_si128((__m128i *)(to + 16), b);
		_mm_stream_si128((__m128i *)(to + 32), c);
		_mm_stream_si128((__m128i *)(to + 48), d);
	}
#endif
	memcpy(to, from, size);
}

/* What was written around the caches is seen by other threads and devices after this. */
static void stream_end(void)
{
#ifdef __SSE2__
	_mm_sfence();
#endif
}

/* --- Layouts ------------------------------------------------------------------------------ */

/* A format that nothing is known of is recorded as the driver delivers it. */
static bool is_unknown(const struct glint_format *format)
{
	return format->info->layout == GLINT_LAYOUT_OTHER && !format->info->becomes;
}

/* Formats that only the library reads: all of the picture is one component. */
static bool is_converted(const struct glint_format *format)
{
	return format->info->layout == GLINT_LAYOUT_OTHER && format->info->becomes;
}

static unsigned packed_lines(const struct glint_format *format, struct glint_lines lines[static 3])
{
	if (is_converted(format)) {
		lines[0] = glint_format_lines(format);
		return 1;
	}
	return glint_format_packed_lines(format->info, format->width, format->height, lines);
}

static size_t unknown_bytes(const struct glint_frame *frame)
{
	const struct glint_plane *plane = &frame->buf->planes[0];

	size_t there = plane->offset < plane->size ? plane->size - plane->offset : 0;

	return MIN((size_t)frame->format->size[0], there);
}

uint32_t glint_record_fourcc(const struct glint_frame *frame)
{
	uint32_t fourcc = frame->format->fourcc;

	switch (fourcc) {
	case V4L2_PIX_FMT_JPEG:
	case V4L2_PIX_FMT_MJPEG:
		return GLINT_CLIP_MJPEG;
	case V4L2_PIX_FMT_YVU420: /* the copy has Cb first */
	case V4L2_PIX_FMT_YUV420M:
	case V4L2_PIX_FMT_YVU420M:
		return V4L2_PIX_FMT_YUV420;
	case V4L2_PIX_FMT_YUV422M:
	case V4L2_PIX_FMT_YVU422M:
		return V4L2_PIX_FMT_YUV422P;
	case V4L2_PIX_FMT_YUV444M:
	case V4L2_PIX_FMT_YVU444M:
		return v4l2_fourcc('4', '4', '4', 'P');
	case V4L2_PIX_FMT_NV12M:
		return V4L2_PIX_FMT_NV12;
	case V4L2_PIX_FMT_NV21M:
		return V4L2_PIX_FMT_NV21;
	case V4L2_PIX_FMT_NV16M:
		return V4L2_PIX_FMT_NV16;
	case V4L2_PIX_FMT_NV61M:
		return V4L2_PIX_FMT_NV61;
	default:
		return fourcc;
	}
}

size_t glint_record_size(const struct glint_frame *frame)
{
	struct glint_lines lines[3];
	size_t size = 0;
	unsigned n;

	if (frame->jpeg)
		return frame->used;
	if (is_unknown(frame->format))
		return unknown_bytes(frame);
	n = packed_lines(frame->format, lines);
	for (unsigned i = 0; i < n; i++)
		size += (size_t)lines[i].bytes * lines[i].count;
	return size;
}

static int converted_view(const struct glint_frame *frame, struct glint_view *view)
{
	const struct glint_plane *plane = &frame->buf->planes[0];
	struct glint_lines lines = glint_format_lines(frame->format);

	if (plane->offset + glint_format_min_size(frame->format, 0) > plane->size)
		return -EPROTO;
	*view = (struct glint_view){
		1, { { .base = plane->map + plane->offset, .stride = lines.stride } }
	};
	return 0;
}

static int copy_parts(const struct glint_frame *frame, uint8_t *out)
{
	const struct glint_format *format = frame->format;
	struct glint_lines lines[3];
	struct glint_view view;
	unsigned n = packed_lines(format, lines);
	int err = is_converted(format) ? converted_view(frame, &view) :
					 glint_format_view(format, frame->buf, &view);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < n; i++) {
		size_t line = lines[i].bytes;

		if (view.comp[i].stride == line) {
			stream_copy(out, view.comp[i].base, line * lines[i].count);
			out += line * lines[i].count;
			continue;
		}
		for (uint32_t y = 0; y < lines[i].count; y++, out += line)
			stream_copy(out, view.comp[i].base + (size_t)y * view.comp[i].stride, line);
	}
	return 0;
}

int glint_record_copy(struct glint_frame *frame, uint8_t *out)
{
	const struct glint_plane *plane = &frame->buf->planes[0];
	int err = glint_dmabuf_map(frame->buf);

	if (err == 0)
		err = glint_dmabuf_begin_read(frame->buf);
	if (err < 0)
		return err;
	if (frame->jpeg)
		stream_copy(out, plane->map + plane->offset, frame->used);
	else if (is_unknown(frame->format))
		stream_copy(out, plane->map + plane->offset, unknown_bytes(frame));
	else
		err = copy_parts(frame, out);
	stream_end();
	(void)glint_dmabuf_end_read(frame->buf);
	return err;
}

void glint_record_copy_packet(const struct glint_packet *packet, uint8_t *out)
{
	for (unsigned i = 0; i < packet->n_parts; out += packet->parts[i++].iov_len)
		stream_copy(out, packet->parts[i].iov_base, packet->parts[i].iov_len);
	stream_end();
}
