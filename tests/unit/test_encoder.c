/* SPDX-License-Identifier: MIT */
/* Frames in, packets out: their pixels, the demand of sinks, and the outcome of each frame. */
#include <linux/videodev2.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/loop.h"
#include "core/packet.h"
#include "encode/blank.h"
#include "encode/encoder.h"
#include "encode/packet_pool.h"
#include "harness.h"
#include "jpeg/inspect.h"
#include "loop_rig.h"
#include "malloc_rig.h"
#include "report_rig.h"
#include "v4l2/format.h"

#define NEEDS_CPU_ENCODER()                                                                        \
	do {                                                                                       \
		if (!IS_ENABLED(CONFIG_ENCODE_CPU))                                                \
			GLINT_SKIP("built without the CPU encoder");                               \
	} while (0)

/* --- A frame whose buffer is exactly large enough ------------------------ */

struct source_frame {
	struct glint_frame frame;
	struct glint_format format;
	struct glint_dmabuf buf;
	unsigned released;
};

static void frame_release(struct glint_frame *frame)
{
	container_of(frame, struct source_frame, frame)->released++;
}

static const struct glint_frame_ops frame_ops = { .release = frame_release };

static void frame_init(struct source_frame *f, uint32_t fourcc, uint32_t width, uint32_t height)
{
	memset(f, 0, sizeof(*f));
	f->format.info = glint_format_find(fourcc);
	f->format.fourcc = fourcc;
	f->format.width = width;
	f->format.height = height;
	f->format.n_planes = f->format.info->mem_planes;
	f->format.range = GLINT_RANGE_FULL;
	f->format.stride[0] = (width + 1) / 2 * 2 * f->format.info->bytes_per_pixel;
	for (unsigned p = 1; p < f->format.n_planes; p++)
		f->format.stride[p] = f->format.stride[0];
	f->buf.n_planes = f->format.n_planes;
	for (unsigned p = 0; p < f->format.n_planes; p++) {
		f->buf.planes[p].fd = -1;
		f->buf.planes[p].size = glint_format_min_size(&f->format, p);
		f->format.size[p] = (uint32_t)f->buf.planes[p].size;
		f->buf.planes[p].map = malloc(f->buf.planes[p].size);
	}
	f->frame.ops = &frame_ops;
	f->frame.buf = &f->buf;
	f->frame.format = &f->format;
	f->frame.info.width = f->format.width;
	f->frame.info.height = f->format.height;
}

static void frame_fini(struct source_frame *f)
{
	for (unsigned p = 0; p < f->buf.n_planes; p++)
		free(f->buf.planes[p].map);
}

/* --- The rig -------------------------------------------------------------------------- */

struct rig {
	struct glint_loop *loop;
	struct glint_fanout source;
	struct glint_encoder *encoder;
	struct glint_sink sink;
	unsigned pushed;
	uint32_t seqs[8];
	uint64_t last_serial;
	uint8_t jpeg[1 << 20];
	size_t size;
	bool keep;
	struct glint_packet *kept;
};

static bool rig_on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	struct rig *r = container_of(sink, struct rig, sink);

	CU_ASSERT_TRUE(packet->serial > r->last_serial);
	r->last_serial = packet->serial;
	r->seqs[r->pushed++ % 8] = packet->info.seq;
	r->size = 0;
	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(r->jpeg + r->size, packet->parts[i].iov_base, packet->parts[i].iov_len);
		r->size += packet->parts[i].iov_len;
	}
	CU_ASSERT_EQUAL(r->size, packet->size);
	if (r->keep)
		r->kept = glint_packet_ref(packet);
	return true;
}

static void rig_open_keeping(struct rig *r, unsigned workers, enum glint_chroma chroma,
			     bool keep_range)
{
	struct glint_encoder_config config = { .choice = GLINT_ENCODER_CPU,
					       .quality = 90,
					       .chroma = chroma,
					       .keep_range = keep_range,
					       .workers = workers,
					       .packets = 2 };

	memset(r, 0, sizeof(*r));
	CU_ASSERT_EQUAL_FATAL(rig_loop_create(&r->loop), 0);
	glint_fanout_init(&r->source, NULL);
	CU_ASSERT_EQUAL_FATAL(glint_encoder_create(&r->encoder, r->loop, &r->source, &config), 0);
	r->sink.codec = GLINT_CODEC_JPEG;
	r->sink.push_packet = rig_on_packet;
	glint_list_init(&r->sink.link);
}

static void rig_open(struct rig *r, unsigned workers, enum glint_chroma chroma)
{
	rig_open_keeping(r, workers, chroma, false);
}

static void rig_want(struct rig *r)
{
	glint_fanout_attach(glint_encoder_packets(r->encoder), &r->sink);
}

static void rig_close(struct rig *r)
{
	glint_fanout_detach(glint_encoder_packets(r->encoder), &r->sink);
	glint_packet_unref(r->kept);
	glint_encoder_destroy(r->encoder);
	glint_loop_destroy(r->loop);
}

static void rig_push(struct rig *r, struct source_frame *f, uint32_t seq)
{
	glint_frame_begin(&f->frame, seq);
	f->frame.info.capture_ns = glint_now_ns();
	f->frame.info.complete_ns = f->frame.info.dequeue_ns = f->frame.info.capture_ns;
	glint_fanout_push_frame(&r->source, &f->frame);
	glint_frame_unref(&f->frame);
}

static void rig_wait(struct rig *r, const unsigned *counter, unsigned wanted)
{
	while (*counter < wanted && glint_loop_run_once(r->loop, UINT64_MAX) == 0)
		;
}

static void test_the_rate_is_that_of_the_frames_however_long_each_takes(void)
{
	uint64_t now_ns = glint_now_ns();
	struct source_frame f;
	struct rig r;

	NEEDS_CPU_ENCODER();
	frame_init(&f, V4L2_PIX_FMT_YUYV, 64, 48);
	memset(f.buf.planes[0].map, 128, f.buf.planes[0].size);
	rig_open(&r, 1, GLINT_CHROMA_420);
	rig_want(&r);
	for (uint32_t seq = 0; seq < 3; seq++) {
		glint_frame_begin(&f.frame, seq);
		f.frame.info.capture_ns = now_ns;
		f.frame.info.dequeue_ns = now_ns + seq * 100 * GLINT_NSEC_PER_MSEC;
		glint_fanout_push_frame(&r.source, &f.frame);
		glint_frame_unref(&f.frame);
		rig_wait(&r, &r.pushed, seq + 1);
	}
	CU_ASSERT_EQUAL(REPORTED(real, encoder, r.encoder, "encoder.fps"), 10.0);
	rig_close(&r);
	frame_fini(&f);
}

/* --- Decoding --------------------------------------------------------------------------- */

struct decoded {
	uint32_t width, height;
	uint8_t *rgb;
	long warnings;
};

static void decode(const uint8_t *data, size_t size, struct decoded *out)
{
	struct jpeg_decompress_struct dec;
	struct jpeg_error_mgr errors;

	dec.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&dec);
	jpeg_mem_src(&dec, data, size);
	jpeg_read_header(&dec, TRUE);
	dec.out_color_space = JCS_RGB;
	jpeg_start_decompress(&dec);
	out->width = dec.output_width;
	out->height = dec.output_height;
	out->rgb = malloc((size_t)dec.output_width * dec.output_height * 3);
	while (dec.output_scanline < dec.output_height) {
		JSAMPROW row = out->rgb + (size_t)dec.output_scanline * dec.output_width * 3;

		jpeg_read_scanlines(&dec, &row, 1);
	}
	jpeg_finish_decompress(&dec);
	out->warnings = errors.num_warnings;
	jpeg_destroy_decompress(&dec);
}

/* --- Colours ------------------------------------------------------------------------------ */

struct colour_case {
	uint8_t rgb[3];
};

static const struct colour_case colours[] = {
	{ { 255, 255, 255 } }, { { 0, 0, 0 } },	    { { 191, 191, 0 } }, { { 0, 191, 191 } },
	{ { 0, 191, 0 } },     { { 191, 0, 191 } }, { { 191, 0, 0 } },	 { { 0, 0, 191 } },
};

static uint8_t rounded(double value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

static void to_ycbcr(const uint8_t rgb[3], enum glint_range range, enum glint_matrix matrix,
		     uint8_t out[3])
{
	static const double kr[] = { 0.299, 0.2126, 0.2627 }, kb[] = { 0.114, 0.0722, 0.0593 };
	double y =
		kr[matrix] * rgb[0] + (1 - kr[matrix] - kb[matrix]) * rgb[1] + kb[matrix] * rgb[2];
	double cb = (rgb[2] - y) / (2 * (1 - kb[matrix])),
	       cr = (rgb[0] - y) / (2 * (1 - kr[matrix]));
	bool limited = range == GLINT_RANGE_LIMITED;

	out[0] = rounded(limited ? 16 + y * 219 / 255 : y);
	out[1] = rounded(128 + (limited ? cb * 224 / 255 : cb));
	out[2] = rounded(128 + (limited ? cr * 224 / 255 : cr));
}

/* Samples of more than eight bits are the highest ones of a word. */
static void put_sample(const struct glint_format_info *info, uint8_t *line, size_t i, uint8_t value)
{
	if (glint_format_sample_bytes(info) == 1) {
		line[i] = value;
		return;
	}
	line[2 * i] = 0x5a;
	line[2 * i + 1] = value;
}

/* All samples of the frame have one colour. */
static void frame_paint(struct source_frame *f, const uint8_t rgb[3])
{
	const struct glint_format_info *info = f->format.info;
	struct glint_view view;
	uint8_t yuv[3];

	to_ycbcr(rgb, f->format.range, f->format.matrix, yuv);
	CU_ASSERT_EQUAL_FATAL(glint_format_view(&f->format, &f->buf, &view), 0);
	for (size_t i = 0; i < f->buf.planes[0].size / glint_format_sample_bytes(info); i++) {
		uint8_t *p = f->buf.planes[0].map, value;
		unsigned at = (unsigned)(i % (info->layout == GLINT_LAYOUT_PACKED_YUV ?
						      4 :
						      info->bytes_per_pixel));

		if (info->layout == GLINT_LAYOUT_PACKED_YUV)
			value = at == info->order[1] ? yuv[1] :
				at == info->order[3] ? yuv[2] :
						       yuv[0];
		else if (info->layout == GLINT_LAYOUT_RGB)
			value = at == info->order[0] ? rgb[0] :
				at == info->order[1] ? rgb[1] :
						       rgb[2];
		else
			value = yuv[0];
		put_sample(info, p, i, value);
	}
	for (unsigned c = 1; c < view.n; c++)
		for (uint32_t y = 0; y < view.comp[c].height; y++)
			for (uint32_t x = 0; x < (f->format.width + info->h_sub - 1) / info->h_sub;
			     x++) {
				uint8_t *at =
					(uint8_t *)view.comp[c].base + y * view.comp[c].stride;

				if (view.n == 3) {
					at[x] = yuv[c];
				} else {
					bool cr_first = info->order[1] > info->order[2];

					put_sample(info, at, 2 * x + cr_first, yuv[1]);
					put_sample(info, at, 2 * x + !cr_first, yuv[2]);
				}
			}
}

static void expect_colour(const struct rig *r, const uint8_t rgb[3], int tolerance)
{
	struct decoded d;
	int worst = 0;

	decode(r->jpeg, r->size, &d);
	CU_ASSERT_EQUAL(d.warnings, 0);
	for (size_t i = 0; i < (size_t)d.width * d.height * 3; i++)
		worst = MAX(worst, abs(d.rgb[i] - rgb[i % 3]));
	CU_ASSERT(worst <= tolerance);
	free(d.rgb);
}

static void test_colours_are_right_in_every_layout_range_and_matrix(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_open(&r, 2, GLINT_CHROMA_420);
	rig_want(&r);
	for (unsigned i = 0; glint_format_at(i); i++) {
		const struct glint_format_info *info = glint_format_at(i);
		bool yuv = info->layout <= GLINT_LAYOUT_PLANAR;

		if (info->layout > GLINT_LAYOUT_RGB || info->layout == GLINT_LAYOUT_GREY)
			continue;
		for (unsigned way = 0; way < (yuv ? 6u : 1u); way++) {
			const uint8_t *rgb = colours[(i + way) % ARRAY_SIZE(colours)].rgb;
			struct source_frame f;
			unsigned before = r.pushed;

			frame_init(&f, info->fourcc, 50, 34);
			f.format.range = way % 2 ? GLINT_RANGE_LIMITED : GLINT_RANGE_FULL;
			f.format.matrix = (enum glint_matrix)(way / 2);
			frame_paint(&f, rgb);
			rig_push(&r, &f, i);
			rig_wait(&r, &r.pushed, before + 1);
			expect_colour(&r, rgb, 4);
			CU_ASSERT_EQUAL(f.released, 1);
			frame_fini(&f);
		}
	}
	rig_close(&r);
}

static void test_keep_range_leaves_the_samples_unchanged(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_open_keeping(&r, 2, GLINT_CHROMA_420, true);
	rig_want(&r);
	for (unsigned i = 0; glint_format_at(i); i++) {
		const struct glint_format_info *info = glint_format_at(i);
		const uint8_t *rgb = colours[i % ARRAY_SIZE(colours)].rgb;
		struct source_frame f;
		unsigned before = r.pushed;

		if (info->layout > GLINT_LAYOUT_PLANAR)
			continue;
		/* Values of a JPEG, which the driver calls limited and BT.709. */
		frame_init(&f, info->fourcc, 50, 34);
		frame_paint(&f, rgb);
		f.format.range = GLINT_RANGE_LIMITED;
		f.format.matrix = GLINT_MATRIX_BT709;
		rig_push(&r, &f, i);
		rig_wait(&r, &r.pushed, before + 1);
		expect_colour(&r, rgb, 4);
		frame_fini(&f);
	}
	rig_close(&r);
}

/* --- Slices ---------------------------------------------------------------------------------- */

static void frame_draw(struct source_frame *f)
{
	uint32_t noise = 7;

	for (unsigned p = 0; p < f->buf.n_planes; p++)
		for (size_t i = 0; i < f->buf.planes[p].size; i++) {
			noise = noise * 1664525 + 1013904223;
			f->buf.planes[p].map[i] = (uint8_t)(i / 7 + (noise >> 27));
		}
}

static void test_the_number_of_slices_does_not_change_a_pixel(void)
{
	static const struct {
		uint32_t fourcc, width, height;
	} cases[] = {
		{ V4L2_PIX_FMT_YUYV, 320, 256 },  { V4L2_PIX_FMT_NV12, 321, 523 },
		{ V4L2_PIX_FMT_YUV420, 48, 521 }, { V4L2_PIX_FMT_NV16, 97, 300 },
		{ V4L2_PIX_FMT_NV24, 33, 700 },	  { V4L2_PIX_FMT_GREY, 65, 400 },
	};

	NEEDS_CPU_ENCODER();
	for (unsigned i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		struct decoded one = { 0 };

		for (unsigned workers = 1; workers <= 8; workers++) {
			struct source_frame f;
			struct decoded d;
			struct rig r;

			rig_open(&r, workers, i % 2 ? GLINT_CHROMA_SOURCE : GLINT_CHROMA_420);
			rig_want(&r);
			frame_init(&f, cases[i / 2].fourcc, cases[i / 2].width,
				   cases[i / 2].height);
			frame_draw(&f);
			rig_push(&r, &f, 0);
			rig_wait(&r, &r.pushed, 1);
			decode(r.jpeg, r.size, &d);
			CU_ASSERT_EQUAL(d.warnings, 0);
			CU_ASSERT_EQUAL(d.width, cases[i / 2].width);
			CU_ASSERT_EQUAL_FATAL(d.height, cases[i / 2].height);
			if (workers == 1)
				one = d;
			else
				CU_ASSERT_EQUAL(
					memcmp(one.rgb, d.rgb, (size_t)d.width * d.height * 3), 0);
			if (workers > 1)
				free(d.rgb);
			frame_fini(&f);
			rig_close(&r);
		}
		free(one.rgb);
	}
}

static void test_every_small_size_decodes_and_stays_within_its_buffer(void)
{
	static const uint32_t fourccs[] = { V4L2_PIX_FMT_YUYV,	 V4L2_PIX_FMT_NV12,
					    V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_YUV444M,
					    V4L2_PIX_FMT_RGB565, V4L2_PIX_FMT_BGR24 };
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_open(&r, 2, GLINT_CHROMA_SOURCE);
	rig_want(&r);
	for (unsigned i = 0; i < 70 * 6; i++) {
		struct source_frame f;
		struct decoded d;
		unsigned before = r.pushed;

		frame_init(&f, fourccs[i % 6], 1 + i / 6, 1 + (i / 6 * 37) % 70);
		frame_draw(&f);
		rig_push(&r, &f, i);
		rig_wait(&r, &r.pushed, before + 1);
		decode(r.jpeg, r.size, &d);
		CU_ASSERT_EQUAL(d.warnings, 0);
		CU_ASSERT_EQUAL(d.width, f.format.width);
		CU_ASSERT_EQUAL(d.height, f.format.height);
		free(d.rgb);
		frame_fini(&f);
	}
	rig_close(&r);
}

/* --- Demand ---------------------------------------------------------------------------- */

static void test_nothing_is_encoded_without_a_sink(void)
{
	struct source_frame f;
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_open(&r, 1, GLINT_CHROMA_420);
	frame_init(&f, V4L2_PIX_FMT_YUYV, 64, 64);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.source));
	rig_push(&r, &f, 0);
	rig_want(&r);
	CU_ASSERT(glint_fanout_wanted(&r.source));
	glint_fanout_detach(glint_encoder_packets(r.encoder), &r.sink);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.source));
	CU_ASSERT_EQUAL(REPORTED(int, encoder, r.encoder, "encoder.encoded"), 0);
	CU_ASSERT_EQUAL(f.frame.outcome, GLINT_OUTCOME_SKIPPED);
	frame_fini(&f);
	rig_close(&r);
}

static bool wants_odd(const struct glint_sink *sink, const struct glint_frame_info *info)
{
	(void)sink;
	return info->seq % 2 == 1;
}

static void test_a_frame_that_no_sink_wants_is_not_encoded(void)
{
	struct source_frame f;
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_open(&r, 1, GLINT_CHROMA_420);
	r.sink.wants = wants_odd;
	rig_want(&r);
	frame_init(&f, V4L2_PIX_FMT_YUYV, 64, 64);
	frame_draw(&f);
	rig_push(&r, &f, 2);
	CU_ASSERT_EQUAL(f.frame.outcome, GLINT_OUTCOME_SKIPPED);
	CU_ASSERT_EQUAL(f.released, 1);
	rig_push(&r, &f, 3);
	rig_wait(&r, &r.pushed, 1);
	CU_ASSERT_EQUAL(r.seqs[0], 3);
	CU_ASSERT_EQUAL(REPORTED(int, encoder, r.encoder, "encoder.encoded"), 1);
	frame_fini(&f);
	rig_close(&r);
}

static void test_the_newest_frame_replaces_the_one_that_waits(void)
{
	struct source_frame f[4];
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_open(&r, 1, GLINT_CHROMA_420);
	rig_want(&r);
	for (unsigned i = 0; i < 4; i++) {
		frame_init(&f[i], V4L2_PIX_FMT_YUYV, 640, 480);
		frame_draw(&f[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		rig_push(&r, &f[i], i); /* the loop does not run: 0 is busy, 1 and 2 are replaced */
	CU_ASSERT_EQUAL(f[1].released, 1);
	CU_ASSERT_EQUAL(f[2].released, 1);
	CU_ASSERT_EQUAL(f[1].frame.outcome, GLINT_OUTCOME_SKIPPED);
	rig_wait(&r, &r.pushed, 2);
	rig_wait(&r, &f[3].released, 1);
	CU_ASSERT_EQUAL(r.seqs[0], 0);
	CU_ASSERT_EQUAL(r.seqs[1], 3);
	CU_ASSERT_EQUAL(f[0].frame.outcome, GLINT_OUTCOME_DELIVERED);
	CU_ASSERT_EQUAL(f[3].frame.outcome, GLINT_OUTCOME_DELIVERED);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(f[i].released, 1);
		frame_fini(&f[i]);
	}
	rig_close(&r);
}

/* Whether the parts of both packets are the same memory. */
static bool is_shared(const struct glint_packet *a, const struct glint_packet *b)
{
	return a->n_parts == b->n_parts && a->size == b->size &&
	       memcmp(a->parts, b->parts, a->n_parts * sizeof(a->parts[0])) == 0;
}

static void test_pictures_of_a_still_screen_share_their_memory(void)
{
	struct glint_packet *kept[3] = { NULL };
	struct source_frame f;
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_open(&r, 1, GLINT_CHROMA_420);
	rig_want(&r);
	frame_init(&f, V4L2_PIX_FMT_YUYV, 64, 64);
	frame_draw(&f);
	rig_push(&r, &f, 0);
	rig_wait(&r, &f.released, 1);
	if (strcmp(REPORTED(text, encoder, r.encoder, "encoder.engine"), "libjpeg-turbo") == 0) {
		rig_close(&r);
		frame_fini(&f);
		GLINT_SKIP("libjpeg-turbo encodes each picture");
	}
	r.keep = true;
	for (unsigned i = 0; i < 3; i++) {
		rig_push(&r, &f, i + 1);
		rig_wait(&r, &f.released, i + 2);
		CU_ASSERT_EQUAL_FATAL(r.pushed, i + 2);
		kept[i] = r.kept;
	}
	/* There are two packets; the third picture has a copy. */
	CU_ASSERT_TRUE(is_shared(kept[0], kept[1]));
	CU_ASSERT_FALSE(is_shared(kept[0], kept[2]));
	CU_ASSERT_EQUAL(kept[2]->size, kept[0]->size);
	CU_ASSERT_TRUE(kept[1]->serial > kept[0]->serial);
	CU_ASSERT_EQUAL(kept[1]->info.seq, 2);
	glint_packet_unref(kept[2]);
	glint_packet_unref(kept[0]);

	/* The memory is in use for the last of them: a new picture is somewhere else. */
	f.buf.planes[0].map[0] ^= 128;
	rig_push(&r, &f, 4);
	rig_wait(&r, &f.released, 5);
	CU_ASSERT_EQUAL_FATAL(r.pushed, 5);
	CU_ASSERT_PTR_NOT_EQUAL(kept[1]->parts[1].iov_base, r.kept->parts[1].iov_base);
	glint_packet_unref(kept[1]);
	frame_fini(&f);
	rig_close(&r);
}

static void test_packets_that_readers_keep_are_bounded(void)
{
	struct glint_packet *kept[2];
	struct source_frame f;
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_open(&r, 1, GLINT_CHROMA_420);
	rig_want(&r);
	r.keep = true;
	frame_init(&f, V4L2_PIX_FMT_YUYV, 64, 64);
	frame_draw(&f);
	for (unsigned i = 0; i < 2; i++) {
		f.buf.planes[0].map[0] ^= 128; /* another picture, so that it needs memory */
		rig_push(&r, &f, i);
		rig_wait(&r, &f.released, i + 1);
		kept[i] = r.kept;
		r.kept = NULL;
	}
	f.buf.planes[0].map[0] ^= 128;
	rig_push(&r, &f, 2);
	CU_ASSERT_EQUAL(f.released, 3); /* at once: no packet is free */
	CU_ASSERT_EQUAL(f.frame.outcome, GLINT_OUTCOME_SKIPPED);
	glint_packet_unref(kept[0]);
	r.keep = false;
	rig_push(&r, &f, 3);
	rig_wait(&r, &f.released, 4);
	CU_ASSERT_EQUAL(f.frame.outcome, GLINT_OUTCOME_DELIVERED);
	glint_packet_unref(kept[1]);
	frame_fini(&f);
	rig_close(&r);
}

/* A packet of @pool with a kilobyte of data. */
static struct glint_pool_packet *take_filled(struct glint_packet_pool *pool)
{
	struct glint_pool_packet *packet = glint_packet_pool_take(pool);

	CU_ASSERT_PTR_NOT_NULL_FATAL(packet);
	CU_ASSERT_TRUE(glint_bytes_reserve(&packet->slices[0], 1024));
	glint_packet_pool_count(packet);
	return packet;
}

static void test_packets_that_were_not_needed_for_a_while_are_freed(void)
{
	struct glint_pool_packet *packets[8];
	struct glint_packet_pool pool;
	struct rig r;

	rig_open(&r, 1, GLINT_CHROMA_420);
	glint_packet_pool_init(&pool, r.encoder, GLINT_CODEC_JPEG, 8);
	for (unsigned i = 0; i < 8; i++)
		packets[i] = take_filled(&pool);
	CU_ASSERT_EQUAL(pool.bytes, 8 * 1024);
	CU_ASSERT_EQUAL(glint_packet_pool_trim(&pool), GLINT_POOL_SOME);
	for (unsigned i = 0; i < 8; i++)
		glint_packet_unref(&packets[i]->packet);
	CU_ASSERT_EQUAL(glint_packet_pool_trim(&pool), GLINT_POOL_SOME); /* just returned */
	CU_ASSERT_EQUAL(pool.made, 8);

	/* Two packets are in use in this period, so six are not needed. */
	packets[0] = take_filled(&pool);
	packets[1] = take_filled(&pool);
	glint_packet_unref(&packets[0]->packet);
	glint_packet_unref(&packets[1]->packet);
	for (unsigned left = 7; left > 2; left--) {
		CU_ASSERT_EQUAL(glint_packet_pool_trim(&pool), GLINT_POOL_SPARE);
		CU_ASSERT_EQUAL(pool.made, left);
	}
	CU_ASSERT_EQUAL(glint_packet_pool_trim(&pool), GLINT_POOL_SOME);
	CU_ASSERT_EQUAL(pool.made, 2);
	CU_ASSERT_EQUAL(pool.bytes, 2 * 1024);

	CU_ASSERT_EQUAL(glint_packet_pool_trim(&pool), GLINT_POOL_SPARE);
	CU_ASSERT_EQUAL(glint_packet_pool_trim(&pool), GLINT_POOL_NONE);
	CU_ASSERT_EQUAL(pool.bytes, 0);
	glint_packet_pool_fini(&pool);
	rig_close(&r);
}

static void test_a_packet_that_a_reader_keeps_is_not_freed(void)
{
	struct glint_pool_packet *kept;
	struct glint_packet_pool pool;
	struct rig r;

	rig_open(&r, 1, GLINT_CHROMA_420);
	glint_packet_pool_init(&pool, r.encoder, GLINT_CODEC_JPEG, 2);
	kept = take_filled(&pool);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(glint_packet_pool_trim(&pool), GLINT_POOL_SOME);
	CU_ASSERT_EQUAL(pool.held, 1);
	glint_packet_unref(&kept->packet);
	glint_packet_pool_fini(&pool);
	rig_close(&r);
}

static void test_a_frame_whose_memory_is_too_small_fails_and_the_next_one_works(void)
{
	struct source_frame f;
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_open(&r, 1, GLINT_CHROMA_420);
	rig_want(&r);
	frame_init(&f, V4L2_PIX_FMT_YUYV, 64, 64);
	frame_draw(&f);
	f.buf.planes[0].size -= 1;
	rig_push(&r, &f, 0);
	CU_ASSERT_EQUAL(f.frame.outcome, GLINT_OUTCOME_FAILED);
	f.buf.planes[0].size += 1;
	rig_push(&r, &f, 1);
	rig_wait(&r, &f.released, 2);
	CU_ASSERT_EQUAL(f.frame.outcome, GLINT_OUTCOME_DELIVERED);
	frame_fini(&f);
	rig_close(&r);
}

/* --- The device's own JPEGs ------------------------------------------------------------------ */

static const uint8_t mjpeg[] = {
	0xff, 0xd8, 0xff, 0xc0, 0x00, 0x0b, 8, 0,  8, 0,    8,	  1,	1, 0x11, 0, 0xff,
	0xda, 0x00, 0x08, 1,	1,    0,    0, 63, 0, 0x55, 0xff, 0xd9, 0, 0,	 0,
};

static void test_a_jpeg_of_the_device_passes_through_uncopied_with_tables_added(void)
{
	const struct glint_jpeg_info info = {
		.width = 8, .height = 8, .sos = 15, .size = sizeof(mjpeg) - 3
	};
	struct source_frame f;
	struct rig r;

	rig_open(&r, 1, GLINT_CHROMA_420);
	rig_want(&r);
	r.keep = true;
	frame_init(&f, V4L2_PIX_FMT_MJPEG, 8, 8);
	free(f.buf.planes[0].map);
	f.buf.planes[0].map = malloc(sizeof(mjpeg));
	f.buf.planes[0].size = sizeof(mjpeg);
	memcpy(f.buf.planes[0].map, mjpeg, sizeof(mjpeg));
	f.frame.used = sizeof(mjpeg);
	f.frame.jpeg = &info;
	rig_push(&r, &f, 9);
	CU_ASSERT_EQUAL_FATAL(r.pushed, 1);
	CU_ASSERT_EQUAL(r.kept->n_parts, 3);
	CU_ASSERT_PTR_EQUAL(r.kept->parts[0].iov_base, f.buf.planes[0].map);
	CU_ASSERT_EQUAL(r.size, sizeof(mjpeg) - 3 + 432);
	CU_ASSERT_EQUAL(f.released, 0); /* a reader has it */
	r.kept = glint_packet_unref(r.kept);
	CU_ASSERT_EQUAL(f.released, 1);
	CU_ASSERT_DOUBLE_EQUAL(glint_encoder_copies_per_frame(r.encoder), 0, 0);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, encoder, r.encoder, "encoder.name"), "passthrough");
	frame_fini(&f);
	rig_close(&r);
}

static void test_a_truncated_jpeg_of_the_device_gets_an_end(void)
{
	const struct glint_jpeg_info info = { .width = 8,
					      .height = 8,
					      .sos = 15,
					      .size = 26,
					      .has_huffman = true,
					      .truncated = true };
	struct source_frame f;
	struct rig r;

	rig_open(&r, 1, GLINT_CHROMA_420);
	rig_want(&r);
	frame_init(&f, V4L2_PIX_FMT_MJPEG, 8, 8);
	free(f.buf.planes[0].map);
	f.buf.planes[0].map = malloc(info.size);
	f.buf.planes[0].size = info.size;
	memcpy(f.buf.planes[0].map, mjpeg, info.size);
	f.frame.used = (uint32_t)info.size;
	f.frame.jpeg = &info;
	rig_push(&r, &f, 9);
	CU_ASSERT_EQUAL_FATAL(r.pushed, 1);
	CU_ASSERT_EQUAL(r.size, info.size + 2);
	CU_ASSERT_EQUAL(memcmp(r.jpeg, mjpeg, info.size), 0);
	CU_ASSERT_EQUAL(memcmp(r.jpeg + info.size, "\xff\xd9", 2), 0);
	frame_fini(&f);
	rig_close(&r);
}

static void test_a_further_picture_needs_no_allocation(void)
{
	struct source_frame f;
	unsigned before = 0;
	struct rig r;

	NEEDS_CPU_ENCODER();
	NEEDS_MALLOC();
	rig_open(&r, 2, GLINT_CHROMA_420);
	rig_want(&r);
	frame_init(&f, V4L2_PIX_FMT_YUYV, 320, 240);
	frame_draw(&f);
	for (unsigned i = 0; i < 24; i++) {
		/* The first pictures fill the pool and size its packets. */
		if (i == 4)
			before = malloc_count;
		rig_push(&r, &f, i);
		rig_wait(&r, &r.pushed, i + 1);
	}
	CU_ASSERT_EQUAL(malloc_count, before);
	frame_fini(&f);
	rig_close(&r);
}

static void test_a_bayer_frame_is_converted_and_the_pass_is_counted(void)
{
	static const uint8_t rgb[3] = { 180, 90, 40 };
	struct source_frame f;
	struct rig r;

	NEEDS_CPU_ENCODER();
	if (!IS_ENABLED(CONFIG_LIBV4LCONVERT))
		GLINT_SKIP("built without libv4lconvert");
	rig_open(&r, 3, GLINT_CHROMA_420);
	rig_want(&r);
	frame_init(&f, V4L2_PIX_FMT_GREY, 128, 192); /* of the same size in memory */
	f.format.info = glint_format_find(V4L2_PIX_FMT_SRGGB8);
	f.format.fourcc = V4L2_PIX_FMT_SRGGB8;
	f.frame.used = 128 * 192;
	for (uint32_t i = 0; i < f.frame.used; i++)
		f.buf.planes[0].map[i] = rgb[i / 128 % 2 + i % 2];
	rig_push(&r, &f, 0);
	rig_wait(&r, &r.pushed, 1);
	expect_colour(&r, rgb, 4);
	CU_ASSERT_DOUBLE_EQUAL(glint_encoder_copies_per_frame(r.encoder), 2, 0);

	f.frame.used = 128; /* one line: the library says that it is too short */
	rig_push(&r, &f, 1);
	rig_wait(&r, &f.released, 2);
	CU_ASSERT_EQUAL(REPORTED(int, encoder, r.encoder, "encoder.failed"), 1);
	CU_ASSERT_EQUAL(r.pushed, 1);
	frame_fini(&f);
	rig_close(&r);
}

static void test_the_blank_picture_decodes_at_any_size(void)
{
	static const atomic_bool stop;
	static const uint32_t sizes[][2] = { { 1, 1 }, { 160, 120 }, { 641, 481 }, { 1920, 1080 } };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct glint_blank_wish wish = { sizes[i][0], sizes[i][1], "NO SIGNAL",
						 "/dev/video0: nothing is connected" };
		struct glint_packet *picture;
		struct decoded d;

		CU_ASSERT_EQUAL_FATAL(glint_blank_create(&picture, &wish, &stop), 0);
		CU_ASSERT_FALSE(picture->info.live);
		decode(picture->parts[0].iov_base, picture->size, &d);
		CU_ASSERT_EQUAL(d.width, MAX(sizes[i][0], 160u));
		CU_ASSERT_EQUAL(d.height, MAX(sizes[i][1], 120u));
		CU_ASSERT_EQUAL(d.warnings, 0);
		free(d.rgb);
		glint_packet_unref(picture);
	}
}

/* --- Without memory -------------------------------------------------------------------------- */

static int64_t frames_lost(const struct rig *r)
{
	return REPORTED(int, encoder, r->encoder, "encoder.failed") + record_int("encoder.skipped");
}

/* Encode one frame; the allocation that is @nth from here on fails. Returns whether it did. */
static bool encode_short_of_memory(struct rig *r, struct source_frame *f, unsigned nth)
{
	unsigned before = r->pushed;
	int64_t lost = frames_lost(r);
	bool failed;

	malloc_fail_at = nth;
	rig_push(r, f, nth);
	while (r->pushed == before && frames_lost(r) == lost)
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r->loop, UINT64_MAX), 0);
	failed = nth > 0 && malloc_fail_at == 0;
	malloc_fail_at = 0;
	return failed;
}

static void test_without_memory_a_frame_fails_or_its_picture_is_right(void)
{
	static uint8_t right[1 << 20];
	struct source_frame f;
	unsigned nth = 0, lost = 0;
	size_t size;
	bool failed;
	struct rig r;

	NEEDS_CPU_ENCODER();
	NEEDS_MALLOC();
	glint_log_setup(GLINT_LOG_ERROR, 0);
	frame_init(&f, V4L2_PIX_FMT_YUYV, 320, 640);
	frame_draw(&f);
	rig_open(&r, 4, GLINT_CHROMA_420);
	rig_want(&r);
	CU_ASSERT_FALSE(encode_short_of_memory(&r, &f, 0));
	CU_ASSERT_EQUAL_FATAL(r.pushed, 1);
	memcpy(right, r.jpeg, r.size);
	size = r.size;
	rig_close(&r);

	/* The first frame of an encoder, and then the next. */
	do {
		rig_open(&r, 4, GLINT_CHROMA_420);
		rig_want(&r);
		failed = encode_short_of_memory(&r, &f, ++nth);
		lost += r.pushed == 0;
		if (r.pushed > 0)
			CU_ASSERT_TRUE(r.size == size && memcmp(r.jpeg, right, size) == 0);
		r.pushed = 0;
		(void)encode_short_of_memory(&r, &f, 0);
		CU_ASSERT_TRUE(r.pushed == 1 && r.size == size && memcmp(r.jpeg, right, size) == 0);
		rig_close(&r);
	} while (failed);
	CU_ASSERT_TRUE(lost >= 3); /* tables, rows, the picture, a slice's bytes */
	frame_fini(&f);
}

/* clang-format off */
GLINT_TESTS("encoder",
	GLINT_TEST(test_the_rate_is_that_of_the_frames_however_long_each_takes),
	GLINT_TEST(test_colours_are_right_in_every_layout_range_and_matrix),
	GLINT_TEST(test_keep_range_leaves_the_samples_unchanged),
	GLINT_TEST(test_the_number_of_slices_does_not_change_a_pixel),
	GLINT_TEST(test_every_small_size_decodes_and_stays_within_its_buffer),
	GLINT_TEST(test_nothing_is_encoded_without_a_sink),
	GLINT_TEST(test_a_frame_that_no_sink_wants_is_not_encoded),
	GLINT_TEST(test_the_newest_frame_replaces_the_one_that_waits),
	GLINT_TEST(test_pictures_of_a_still_screen_share_their_memory),
	GLINT_TEST(test_packets_that_readers_keep_are_bounded),
	GLINT_TEST(test_packets_that_were_not_needed_for_a_while_are_freed),
	GLINT_TEST(test_a_packet_that_a_reader_keeps_is_not_freed),
	GLINT_TEST(test_a_frame_whose_memory_is_too_small_fails_and_the_next_one_works),
	GLINT_TEST(test_a_jpeg_of_the_device_passes_through_uncopied_with_tables_added),
	GLINT_TEST(test_a_truncated_jpeg_of_the_device_gets_an_end),
	GLINT_TEST(test_a_further_picture_needs_no_allocation),
	GLINT_TEST(test_a_bayer_frame_is_converted_and_the_pass_is_counted),
	GLINT_TEST(test_the_blank_picture_decodes_at_any_size),
	GLINT_TEST(test_without_memory_a_frame_fails_or_its_picture_is_right),
)
