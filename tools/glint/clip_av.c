/* SPDX-License-Identifier: MIT */
/*
 * A clip as Matroska with FFV1, or as QuickTime with FFV1 or the recorded bytes. libavcodec compresses,
 * without loss; libavformat writes QuickTime. Its Matroska has times in whole milliseconds, so Matroska is
 * written here, with those of the clip.
 *
 * The libraries are loaded when they are needed, and not linked: they bring a hundred more, which each
 * start of the command would load.
 */
#include "clip.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dlopen_note.h"
#include "base/macros.h"
#include "v4l2/format.h"

#define FOURCC(a, b, c, d)                                                                         \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#define LIBAVUTIL   "libavutil.so." AV_STRINGIFY(LIBAVUTIL_VERSION_MAJOR)
#define LIBAVCODEC  "libavcodec.so." AV_STRINGIFY(LIBAVCODEC_VERSION_MAJOR)
#define LIBAVFORMAT "libavformat.so." AV_STRINGIFY(LIBAVFORMAT_VERSION_MAJOR)

GLINT_DLOPEN_NOTE("export", "glint clip export to Matroska with FFV1, and to QuickTime",
		  "suggested", LIBAVFORMAT);

#define IO_BUFFER   65536
#define EBML_MAX    1024u /* of an element whose content is put together in memory */
#define QT_SCALE_NS 1000000000
#define QT_SCALE_US 1000000

/* --- The libraries ---------------------------------------------------------------------------- */

#define FUNCTIONS(X)                                                                               \
	X(util, av_dict_free)                                                                      \
	X(util, av_dict_set)                                                                       \
	X(util, av_frame_alloc)                                                                    \
	X(util, av_frame_free)                                                                     \
	X(util, av_frame_get_buffer)                                                               \
	X(util, av_frame_make_writable)                                                            \
	X(util, av_free)                                                                           \
	X(util, av_log_set_level)                                                                  \
	X(util, av_malloc)                                                                         \
	X(util, av_mallocz)                                                                        \
	X(codec, av_packet_alloc)                                                                  \
	X(codec, av_packet_free)                                                                   \
	X(codec, av_packet_rescale_ts)                                                             \
	X(codec, av_packet_unref)                                                                  \
	X(codec, av_new_packet)                                                                    \
	X(codec, avcodec_alloc_context3)                                                           \
	X(codec, avcodec_find_encoder)                                                             \
	X(codec, avcodec_free_context)                                                             \
	X(codec, avcodec_open2)                                                                    \
	X(codec, avcodec_parameters_from_context)                                                  \
	X(codec, avcodec_receive_packet)                                                           \
	X(codec, avcodec_send_frame)                                                               \
	X(format, av_write_frame)                                                                  \
	X(format, av_write_trailer)                                                                \
	X(format, avformat_alloc_output_context2)                                                  \
	X(format, avformat_free_context)                                                           \
	X(format, avformat_new_stream)                                                             \
	X(format, avformat_write_header)                                                           \
	X(format, avio_alloc_context)                                                              \
	X(format, avio_context_free)                                                               \
	X(format, avio_flush)

#define DECLARE(library, name) typeof(name) *name;
static struct {
	FUNCTIONS(DECLARE)
} av;

static bool load(void)
{
	static void *util, *codec, *format;
	bool all = true;

	util = dlopen(LIBAVUTIL, RTLD_NOW | RTLD_GLOBAL);
	codec = util ? dlopen(LIBAVCODEC, RTLD_NOW | RTLD_GLOBAL) : NULL;
	format = codec ? dlopen(LIBAVFORMAT, RTLD_NOW | RTLD_GLOBAL) : NULL;
	if (!format)
		fprintf(stderr, "glint: this export needs libavformat and libavcodec: %s\n",
			dlerror());
	if (!format)
		return false;
#define FIND(library, name)                                                                        \
	av.name = (typeof(name) *)dlsym(library, #name);                                           \
	all = all && av.name;
	FUNCTIONS(FIND)
	if (!all)
		fprintf(stderr, "glint: %s: %s\n", LIBAVFORMAT, dlerror());
	return all;
}

/* --- EBML -------------------------------------------------------------------------------------- */

struct ebml {
	uint8_t data[EBML_MAX];
	size_t n;
};

static void put(struct ebml *ebml, const void *data, size_t size)
{
	size = MIN(size, sizeof(ebml->data) - ebml->n); /* all contents are bounded */
	memcpy(ebml->data + ebml->n, data, size);
	ebml->n += size;
}

static void put_be(struct ebml *ebml, uint64_t value, unsigned size)
{
	while (size-- > 0)
		put(ebml, &(uint8_t){ (uint8_t)(value >> 8 * size) }, 1);
}

/* The identifier of an element and the size of its content. */
static void put_id(struct ebml *ebml, uint32_t id, uint64_t size)
{
	put_be(ebml, id, id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1);
	put_be(ebml, size | UINT64_C(1) << 56, 8);
}

static void put_data(struct ebml *ebml, uint32_t id, const void *data, size_t size)
{
	put_id(ebml, id, size);
	put(ebml, data, size);
}

static void put_text(struct ebml *ebml, uint32_t id, const char *text)
{
	put_data(ebml, id, text, strlen(text));
}

static void put_number(struct ebml *ebml, uint32_t id, uint64_t value)
{
	put_id(ebml, id, 8);
	put_be(ebml, value, 8);
}

static void put_inner(struct ebml *ebml, uint32_t id, const struct ebml *inner)
{
	put_data(ebml, id, inner->data, inner->n);
}

/* --- The export -------------------------------------------------------------------------------- */

struct export
{
	const struct glint_clip_head *head;
	struct clip *clip;
	FILE *out;
	AVCodecContext *codec; /* NULL: frames are copied */
	AVFrame *frame;
	AVPacket *packet;
	AVFormatContext *format; /* QuickTime only */
	AVStream *stream;
	uint64_t first_ns, last_ns;
	int64_t scale; /* of QuickTime's times */
	bool begun;
};

/* FFV1's name for the format of the planes that fill_frame() makes. */
static enum AVPixelFormat planes_of(uint32_t fourcc)
{
	switch (fourcc) {
	case FOURCC('G', 'R', 'E', 'Y'):
		return AV_PIX_FMT_GRAY8;
	case FOURCC('Y', 'U', '1', '2'):
	case FOURCC('N', 'V', '1', '2'):
		return AV_PIX_FMT_YUV420P;
	case FOURCC('Y', 'U', 'Y', 'V'):
	case FOURCC('U', 'Y', 'V', 'Y'):
	case FOURCC('4', '2', '2', 'P'):
	case FOURCC('N', 'V', '1', '6'):
		return AV_PIX_FMT_YUV422P;
	case FOURCC('P', '0', '1', '0'):
		return AV_PIX_FMT_YUV420P10LE;
	case FOURCC('Y', '2', '1', '0'):
		return AV_PIX_FMT_YUV422P10LE;
	case FOURCC('N', 'V', '2', '4'):
	case FOURCC('4', '4', '4', 'P'):
		return AV_PIX_FMT_YUV444P;
	case FOURCC('R', 'G', 'B', '3'):
	case FOURCC('B', 'G', 'R', '3'):
	case FOURCC('X', 'R', '2', '4'):
		return AV_PIX_FMT_BGR0;
	case FOURCC('A', 'R', '2', '4'):
		return AV_PIX_FMT_BGRA;
	default:
		return AV_PIX_FMT_NONE;
	}
}

/* QuickTime's own name for the recorded bytes. */
static enum AVPixelFormat packed_of(const struct glint_clip_head *head)
{
	if (head->width % 2 > 0)
		return AV_PIX_FMT_NONE;
	return head->fourcc == FOURCC('Y', 'U', 'Y', 'V') ? AV_PIX_FMT_YUYV422 :
	       head->fourcc == FOURCC('U', 'Y', 'V', 'Y') ? AV_PIX_FMT_UYVY422 :
							    AV_PIX_FMT_NONE;
}

static enum AVColorSpace space_of(const struct glint_clip_head *head)
{
	return head->matrix == 9 ? AVCOL_SPC_BT2020_NCL :
	       head->matrix == 1 ? AVCOL_SPC_BT709 :
				   AVCOL_SPC_SMPTE170M;
}

static void set_colours(AVCodecContext *codec, const struct glint_clip_head *head)
{
	codec->color_range = head->limited ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG;
	codec->colorspace = space_of(head);
}

static int open_codec(struct export *export)
{
	const struct glint_clip_head *head = export->head;
	const AVCodec *ffv1 = av.avcodec_find_encoder(AV_CODEC_ID_FFV1);
	AVCodecContext *codec = ffv1 ? av.avcodec_alloc_context3(ffv1) : NULL;
	AVDictionary *options = NULL;
	int err;

	export->codec = codec;
	export->frame = av.av_frame_alloc();
	if (!codec || !export->frame)
		return ffv1 ? -ENOMEM : -ENOSYS;
	codec->width = (int)head->width;
	codec->height = (int)head->height;
	codec->pix_fmt = planes_of(head->fourcc);
	codec->time_base = (AVRational){ 1, QT_SCALE_NS };
	codec->gop_size = 1; /* each frame stands alone */
	codec->level = 3;
	codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	codec->thread_count = 0;
	codec->thread_type = FF_THREAD_SLICE;
	if (codec->pix_fmt != AV_PIX_FMT_BGR0 && codec->pix_fmt != AV_PIX_FMT_BGRA)
		set_colours(codec, head);
	av.av_dict_set(&options, "slicecrc", "1", 0);
	err = av.avcodec_open2(codec, ffv1, &options);
	av.av_dict_free(&options);
	if (err < 0)
		return err;
	export->frame->width = codec->width;
	export->frame->height = codec->height;
	export->frame->format = codec->pix_fmt;
	return av.av_frame_get_buffer(export->frame, 0);
}

/* Lines of @width samples, each @step bytes behind the one before, as a plane. */
static void fill_plane(AVFrame *frame, unsigned plane, const uint8_t *from, size_t step,
		       size_t width, size_t stride, size_t height)
{
	for (size_t y = 0; y < height; y++) {
		uint8_t *line = frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];

		if (step == 1)
			memcpy(line, from + y * stride, width);
		for (size_t x = 0; step > 1 && x < width; x++)
			line[x] = from[y * stride + x * step];
	}
}

/* Likewise of 10 bits, which lie in the upper bits of 16; lengths are in samples. */
static void fill_deep(AVFrame *frame, unsigned plane, const uint8_t *from, size_t step,
		      size_t width, size_t stride, size_t height)
{
	for (size_t y = 0; y < height; y++) {
		uint8_t *line = frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];

		for (size_t x = 0; x < width; x++) {
			const uint8_t *at = from + 2 * (y * stride + x * step);
			unsigned sample = (unsigned)(at[0] | at[1] << 8) >> 6;

			line[2 * x] = (uint8_t)sample;
			line[2 * x + 1] = (uint8_t)(sample >> 8);
		}
	}
}

static bool is_deep(uint32_t fourcc)
{
	return fourcc == FOURCC('P', '0', '1', '0') || fourcc == FOURCC('Y', '2', '1', '0');
}

/* Whether samples of 10 bits are all that there is; a device may use the bits below them. */
static bool has_ten_bits(const uint8_t *bytes, size_t size)
{
	uint8_t low = 0;

	for (size_t i = 0; i < size; i += 2)
		low |= bytes[i];
	return (low & 0x3f) == 0;
}

static void fill_rgb(AVFrame *frame, const uint8_t *from, size_t width, size_t height, bool rgb)
{
	for (size_t y = 0; y < height; y++) {
		uint8_t *line = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];

		for (size_t x = 0; x < width; x++, from += 3, line += 4) {
			line[0] = from[rgb ? 2 : 0];
			line[1] = from[1];
			line[2] = from[rgb ? 0 : 2];
			line[3] = 0;
		}
	}
}

/* The recorded samples, in FFV1's order; @bytes has the size of a frame. */
static void fill_frame(AVFrame *frame, const struct glint_clip_head *head, const uint8_t *bytes)
{
	size_t w = head->width, h = head->height, half = (w + 1) / 2, low = (h + 1) / 2;

	switch (head->fourcc) {
	case FOURCC('Y', 'U', 'Y', 'V'):
	case FOURCC('U', 'Y', 'V', 'Y'): {
		unsigned luma = head->fourcc == FOURCC('U', 'Y', 'V', 'Y');

		fill_plane(frame, 0, bytes + luma, 2, w, half * 4, h);
		fill_plane(frame, 1, bytes + 1 - luma, 4, half, half * 4, h);
		fill_plane(frame, 2, bytes + 3 - luma, 4, half, half * 4, h);
		return;
	}
	case FOURCC('N', 'V', '1', '2'):
		fill_plane(frame, 0, bytes, 1, w, w, h);
		fill_plane(frame, 1, bytes + w * h, 2, half, half * 2, low);
		fill_plane(frame, 2, bytes + w * h + 1, 2, half, half * 2, low);
		return;
	case FOURCC('N', 'V', '1', '6'):
	case FOURCC('N', 'V', '2', '4'):
		if (head->fourcc == FOURCC('N', 'V', '2', '4'))
			half = w;
		fill_plane(frame, 0, bytes, 1, w, w, h);
		fill_plane(frame, 1, bytes + w * h, 2, half, half * 2, h);
		fill_plane(frame, 2, bytes + w * h + 1, 2, half, half * 2, h);
		return;
	case FOURCC('P', '0', '1', '0'):
		fill_deep(frame, 0, bytes, 1, w, w, h);
		fill_deep(frame, 1, bytes + 2 * w * h, 2, half, half * 2, low);
		fill_deep(frame, 2, bytes + 2 * w * h + 2, 2, half, half * 2, low);
		return;
	case FOURCC('Y', '2', '1', '0'):
		fill_deep(frame, 0, bytes, 2, w, half * 4, h);
		fill_deep(frame, 1, bytes + 2, 4, half, half * 4, h);
		fill_deep(frame, 2, bytes + 6, 4, half, half * 4, h);
		return;
	case FOURCC('R', 'G', 'B', '3'):
	case FOURCC('B', 'G', 'R', '3'):
		fill_rgb(frame, bytes, w, h, head->fourcc == FOURCC('R', 'G', 'B', '3'));
		return;
	case FOURCC('X', 'R', '2', '4'):
	case FOURCC('A', 'R', '2', '4'):
		fill_plane(frame, 0, bytes, 1, 4 * w, 4 * w, h);
		return;
	default:
		break;
	}
	fill_plane(frame, 0, bytes, 1, w, w, h);
	bytes += w * h;
	if (head->fourcc == FOURCC('4', '4', '4', 'P'))
		half = w;
	if (head->fourcc == FOURCC('Y', 'U', '1', '2'))
		h = low;
	for (unsigned plane = 1; plane < 3 && frame->data[plane]; plane++, bytes += half * h)
		fill_plane(frame, plane, bytes, 1, half, half, h);
}

/* The present frame in export->packet. FFV1 gives one packet for each frame, at once. */
static int pack(struct export *export, const uint8_t *bytes, uint32_t size)
{
	int err;

	if (!export->codec) {
		if (size > INT_MAX)
			return -EBADMSG;
		err = av.av_new_packet(export->packet, (int)size);
		if (err == 0)
			memcpy(export->packet->data, bytes, size);
		return err;
	}
	if (is_deep(export->head->fourcc) && !has_ten_bits(bytes, size))
		return -ENOTSUP; /* FFV1 would have a part of it */
	err = av.av_frame_make_writable(export->frame);
	if (err < 0)
		return err;
	fill_frame(export->frame, export->head, bytes);
	export->frame->pts = (int64_t)(export->last_ns - export->first_ns);
	err = av.avcodec_send_frame(export->codec, export->frame);
	if (err == 0)
		err = av.avcodec_receive_packet(export->codec, export->packet);
	return err == -EAGAIN ? -EIO : err;
}

/* --- Matroska ---------------------------------------------------------------------------------- */

static int write_out(struct export *export, const void *data, size_t size)
{
	if (fwrite(data, 1, size, export->out) == size)
		return 0;
	return errno ? -errno : -EIO;
}

static int write_ebml(struct export *export, const struct ebml *ebml)
{
	return write_out(export, ebml->data, ebml->n);
}

static void put_tracks(struct ebml *tracks, const struct export *export)
{
	const struct glint_clip_head *head = export->head;
	bool yuv = export->codec && export->codec->colorspace != AVCOL_SPC_UNSPECIFIED;
	struct ebml track = { .n = 0 }, video = { .n = 0 }, colour = { .n = 0 };

	put_number(&video, 0xb0, head->width);
	put_number(&video, 0xba, head->height);
	put_number(&video, 0x9a, 2); /* not interlaced */
	if (yuv) {
		put_number(&colour, 0x55b1, head->matrix);
		put_number(&colour, 0x55b9, head->limited ? 1 : 2);
		put_inner(&video, 0x55b0, &colour);
	}
	put_number(&track, 0xd7, 1);   /* TrackNumber */
	put_number(&track, 0x73c5, 1); /* TrackUID */
	put_number(&track, 0x83, 1);   /* video */
	put_number(&track, 0x9c, 0);   /* no lacing */
	put_text(&track, 0x86, export->codec ? "V_FFV1" : "V_MJPEG");
	if (export->codec && export->codec->extradata_size > 0)
		put_data(&track, 0x63a2, export->codec->extradata,
			 (size_t) export->codec->extradata_size);
	if (head->frame_ns > 0)
		put_number(&track, 0x23e383, head->frame_ns);
	put_inner(&track, 0xe0, &video);
	put_inner(tracks, 0xae, &track);
	track.n = 0;
	put_number(&track, 0xd7, 2);
	put_number(&track, 0x73c5, 2);
	put_number(&track, 0x83, 17); /* subtitles: a line of facts for each frame */
	put_number(&track, 0x88, 0);  /* not shown unless chosen */
	put_number(&track, 0x9c, 0);
	put_text(&track, 0x86, "S_TEXT/UTF8");
	put_inner(tracks, 0xae, &track);
}

/* A Segment of unknown size: whatever follows until the end of the file. */
static int matroska_begin(struct export *export)
{
	struct ebml out = { .n = 0 }, inner = { .n = 0 };

	put_number(&inner, 0x4286, 1);
	put_number(&inner, 0x42f7, 1);
	put_number(&inner, 0x42f2, 4);
	put_number(&inner, 0x42f3, 8);
	put_text(&inner, 0x4282, "matroska");
	put_number(&inner, 0x4287, 4);
	put_number(&inner, 0x4285, 2);
	put_inner(&out, 0x1a45dfa3, &inner);
	put_be(&out, 0x18538067, 4);
	put_be(&out, UINT64_C(0x01ffffffffffffff), 8);
	inner.n = 0;
	put_number(&inner, 0x2ad7b1, GLINT_NSEC_PER_USEC); /* unit of the Clusters' times */
	put_text(&inner, 0x4d80, "glint " GLINT_VERSION);
	put_text(&inner, 0x5741, "glint " GLINT_VERSION);
	put_text(&inner, 0x7ba9, export->head->name);
	put_inner(&out, 0x1549a966, &inner);
	inner.n = 0;
	put_tracks(&inner, export);
	put_inner(&out, 0x1654ae6b, &inner);
	return write_ebml(export, &out);
}

/* A Cluster: its time, the line of facts, and the frame. */
static int matroska_frame(struct export *export, uint64_t duration_ns)
{
	const struct clip *clip = export->clip;
	size_t size = (size_t) export->packet->size;
	struct ebml head = { .n = 0 }, inner = { .n = 0 }, group = { .n = 0 }, block = { .n = 0 };
	char line[GLINT_CLIP_LINE_MAX];
	size_t n = glint_clip_write_line(&clip->frame, clip->number, clip->reader.offset, line);
	int err;

	put_number(&inner, 0xe7, export->last_ns / GLINT_NSEC_PER_USEC);
	put_be(&block, 0x82000000, 4);
	put(&block, line, n > 0 ? n - 1 : 0); /* without the line break */
	put_inner(&group, 0xa1, &block);
	put_number(&group, 0x9b, MAX(duration_ns / GLINT_NSEC_PER_USEC, UINT64_C(1)));
	put_inner(&inner, 0xa0, &group);
	put_id(&inner, 0xa3, 4 + size);
	put_be(&inner, 0x81000080, 4);
	put_id(&head, 0x1f43b675, inner.n + size);
	put(&head, inner.data, inner.n);
	err = write_ebml(export, &head);
	return err < 0 ? err : write_out(export, export->packet->data, size);
}

/* --- QuickTime ---------------------------------------------------------------------------------- */

/* libavformat 61 (Debian 13) has made the bytes of the callback const. */
#if LIBAVFORMAT_VERSION_MAJOR < 61
typedef uint8_t io_byte;
#else
typedef const uint8_t io_byte;
#endif

static int io_write(void *opaque, io_byte *data, int size)
{
	struct export *export = opaque;
	int err = write_out(export, data, (size_t)size);

	return err < 0 ? err : size;
}

static int64_t io_seek(void *opaque, int64_t offset, int whence)
{
	struct export *export = opaque;

	if (whence & AVSEEK_SIZE)
		return -ENOSYS;
	return fseeko(export->out, offset, whence & ~AVSEEK_FORCE) < 0 ? -errno :
									 ftello(export->out);
}

static int describe_copy(struct export *export)
{
	AVCodecParameters *codec = export->stream->codecpar;

	codec->codec_type = AVMEDIA_TYPE_VIDEO;
	codec->width = (int)export->head->width;
	codec->height = (int)export->head->height;
	if (export->head->fourcc == GLINT_CLIP_MJPEG) {
		codec->codec_id = AV_CODEC_ID_MJPEG;
		codec->format = AV_PIX_FMT_YUVJ422P;
		return 0;
	}
	codec->codec_id = AV_CODEC_ID_RAWVIDEO;
	codec->format = packed_of(export->head);
	codec->codec_tag = codec->format == AV_PIX_FMT_YUYV422 ? MKTAG('y', 'u', 'v', 's') :
								 MKTAG('2', 'v', 'u', 'y');
	codec->bits_per_coded_sample = 16;
	codec->color_range = export->head->limited ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG;
	codec->color_space = space_of(export->head);
	return 0;
}

static void describe(struct export *export)
{
	enum AVColorRange range = export->stream->codecpar->color_range;
	char text[160];

	/* QuickTime has no place for the range. */
	snprintf(text, sizeof(text),
		 "glint: the first frame's time is %" PRIu64 " ns of CLOCK_MONOTONIC%s",
		 export->first_ns,
		 range == AVCOL_RANGE_MPEG ? "; limited range" :
		 range == AVCOL_RANGE_JPEG ? "; full range" :
					     "");
	av.av_dict_set(&export->format->metadata, "title", export->head->name, 0);
	av.av_dict_set(&export->format->metadata, "comment", text, 0);
}

static int quicktime_begin(struct export *export)
{
	AVDictionary *options = NULL;
	uint8_t *buffer;
	char scale[16];
	int err = av.avformat_alloc_output_context2(&export->format, NULL, "mov", NULL);

	if (err < 0)
		return err;
	buffer = av.av_malloc(IO_BUFFER);
	if (!buffer)
		return -ENOMEM;
	export->format->pb =
		av.avio_alloc_context(buffer, IO_BUFFER, 1, export, NULL, io_write, io_seek);
	if (!export->format->pb) {
		av.av_free(buffer);
		return -ENOMEM;
	}
	export->stream = av.avformat_new_stream(export->format, NULL);
	if (!export->stream)
		return -ENOMEM;
	err = export->codec ?
		      av.avcodec_parameters_from_context(export->stream->codecpar, export->codec) :
		      describe_copy(export);
	if (err < 0)
		return err;
	export->scale = export->clip->longest_ns < INT32_MAX ? QT_SCALE_NS : QT_SCALE_US;
	export->stream->time_base = (AVRational){ 1, (int)export->scale };
	snprintf(scale, sizeof(scale), "%" PRId64, export->scale);
	av.av_dict_set(&options, "video_track_timescale", scale, 0);
	/* The matrix, though primaries and transfer are unknown; without a matrix, it would guess one. */
	if (export->stream->codecpar->color_space != AVCOL_SPC_UNSPECIFIED)
		av.av_dict_set(&options, "movflags", "+write_colr", 0);
	describe(export);
	err = av.avformat_write_header(export->format, &options);
	av.av_dict_free(&options);
	export->begun = err >= 0;
	return err < 0 ? err : 0;
}

static int quicktime_frame(struct export *export, uint64_t duration_ns)
{
	AVPacket *packet = export->packet;
	int64_t unit = QT_SCALE_NS / export->scale;
	int err;

	packet->pts = packet->dts = (int64_t)(export->last_ns - export->first_ns) / unit;
	packet->duration = (int64_t)duration_ns / unit;
	packet->flags |= AV_PKT_FLAG_KEY;
	packet->stream_index = 0;
	av.av_packet_rescale_ts(packet, (AVRational){ 1, (int)export->scale },
				export->stream->time_base);
	err = av.av_write_frame(export->format, packet);
	return err < 0 ? err : 0;
}

/* --- All frames -------------------------------------------------------------------------------- */

/* What there is to compress, or to copy. -ENOTSUP: neither. */
static int choose(struct export *export, bool matroska)
{
	const struct glint_clip_head *head = export->head;

	export->packet = av.av_packet_alloc();
	if (!export->packet)
		return -ENOMEM;
	if (head->width == 0 || head->height == 0 || head->width > GLINT_FORMAT_WIDTH_MAX ||
	    head->height > GLINT_FORMAT_HEIGHT_MAX)
		return -ENOTSUP;
	if (head->fourcc == GLINT_CLIP_MJPEG || (!matroska && packed_of(head) != AV_PIX_FMT_NONE))
		return 0;
	return planes_of(head->fourcc) == AV_PIX_FMT_NONE ? -ENOTSUP : open_codec(export);
}

static int write_one(struct export *export, bool matroska)
{
	struct clip *clip = export->clip;
	uint64_t ns = clip->frame.capture_ns;
	int err;
	uint8_t *bytes = clip_read(clip, 0, clip->frame.size, &err);

	if (!bytes)
		return err;
	if (export->head->fourcc != GLINT_CLIP_MJPEG &&
	    !clip_has_size(export->head, clip->frame.size))
		err = -EBADMSG;
	if (export->first_ns == 0)
		export->first_ns = ns;
	else if (ns <= export->last_ns) /* players need an order */
		ns = export->last_ns + GLINT_NSEC_PER_USEC;
	export->last_ns = ns;
	if (err == 0)
		err = pack(export, bytes, clip->frame.size);
	if (err == 0 && !matroska && !export->begun)
		err = quicktime_begin(export);
	if (err == 0)
		err = matroska ? matroska_frame(export, export->head->frame_ns) :
				 quicktime_frame(export, export->head->frame_ns);
	av.av_packet_unref(export->packet);
	free(bytes);
	return err;
}

static void clean_up(struct export *export)
{
	if (export->format && export->format->pb) {
		av.av_free(export->format->pb->buffer);
		av.avio_context_free(&export->format->pb);
	}
	av.avformat_free_context(export->format);
	av.avcodec_free_context(&export->codec);
	av.av_frame_free(&export->frame);
	av.av_packet_free(&export->packet);
}

static int write_clip(const struct clip_args *args, struct clip *clip, FILE *out, uint64_t *n,
		      bool matroska)
{
	struct export export = { .head = &clip->reader.head, .clip = clip, .out = out };
	struct clip_progress progress;
	int err;

	if (!load())
		return -ELIBACC;
	/* The caller reports errors. libavformat calls it one that QuickTime 7 reads 4 s of ns at most. */
	av.av_log_set_level(AV_LOG_FATAL);
	/* A duration in QuickTime has 31 bits: two seconds in ns, 35 minutes in us as V4L2's times are. */
	err = !matroska && clip->longest_ns / GLINT_NSEC_PER_USEC > INT32_MAX ?
		      -ERANGE :
		      choose(&export, matroska);
	if (err == 0 && matroska)
		err = matroska_begin(&export);
	clip_progress_begin(&progress, args->out, clip->total);
	while (err == 0 && clip_next_wanted(clip, args, &err)) {
		err = write_one(&export, matroska);
		*n += err == 0;
		clip_progress_step(&progress, clip->frames);
		if (err == 0)
			err = clip_interrupted();
	}
	clip_progress_end(&progress);
	if (err == 0 && export.begun) {
		err = av.av_write_trailer(export.format);
		av.avio_flush(export.format->pb);
		if (err >= 0)
			err = export.format->pb->error;
	}
	clean_up(&export);
	return err == AVERROR_EXTERNAL || err < -4095 ? -EIO : MIN(err, 0);
}

int clip_write_matroska(const struct clip_args *args, struct clip *clip, FILE *out, uint64_t *n)
{
	return write_clip(args, clip, out, n, true);
}

int clip_write_quicktime(const struct clip_args *args, struct clip *clip, FILE *out, uint64_t *n)
{
	return write_clip(args, clip, out, n, false);
}
