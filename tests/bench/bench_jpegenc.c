/* SPDX-License-Identifier: MIT */
/*
 * The CPU encoder's code beside libjpeg-turbo, 1080p at quality 80 by one thread, both sides in
 * turns: the median of each turn's quotient.
 *
 * "raw" is libjpeg-turbo alone: jpeg_write_raw_data() of planes that are ready, or
 * jpeg_write_scanlines() of RGB. "rows" is libjpeg-turbo behind our own rows. What is encoded once
 * is for callgrind, which counts in encode_once() only.
 */
#include <linux/videodev2.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jpeglib.h>

#include "base/macros.h"
#include "bench.h"
#include "encode/bytes.h"
#include "encode/jpegenc_format.h"
#include "encode/rows.h"
#include "encode/turbo.h"
#include "v4l2emu/scene.h"
#include "tally.h"

#define WIDTH	1920u
#define HEIGHT	1080u
#define ROWS	((HEIGHT + 15) / 16)
#define QUALITY 80
#define TURNS	100

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench_jpegenc: %s\n", what);
	exit(2);
}

/* --- A picture and its encoders ------------------------------------------- */

struct subject {
	struct glint_format format;
	struct glint_dmabuf buf;
	struct glint_view view;
	struct glint_jpegenc *enc;
	struct glint_jpegenc_source source;
	struct glint_jpegenc_output output, spare;
	bool has_before; /* @output is what encode_with_reuse() wrote last */
	struct glint_jpegenc_reuse *reuse;
	struct glint_rows rows;
	struct glint_turbo *turbo;
	struct glint_bytes bytes;
	/* libjpeg-turbo by itself: planes in JPEG's sampling, whole MCU rows. */
	struct jpeg_compress_struct raw;
	struct jpeg_error_mgr errors;
	uint8_t *planes[3];
	unsigned char *raw_out;
	unsigned long raw_size;
};

static uint8_t *allocate(size_t size)
{
	uint8_t *at = aligned_alloc(64, (size + 63) / 64 * 64);

	if (!at)
		give_up("no memory");
	memset(at, 0, size); /* faults the pages in */
	return at;
}

static void subject_draw(struct subject *s, enum emu_scene scene)
{
	uint8_t *at = s->buf.planes[0].map;

	if (s->format.fourcc == V4L2_PIX_FMT_NV12)
		emu_scene_nv12(scene, WIDTH, HEIGHT, at);
	else if (s->format.fourcc == V4L2_PIX_FMT_RGB24)
		emu_scene_rgb24(scene, WIDTH, HEIGHT, at);
	else
		emu_scene_yuyv(scene, WIDTH, HEIGHT, at);
}

/* Fills the planes from our rows, so that all sides compress the same samples. */
static void subject_make_planes(struct subject *s)
{
	for (unsigned c = 0; c < 3; c++)
		s->planes[c] = allocate((size_t)ROWS * 16 * WIDTH);
	for (uint32_t row = 0; row < ROWS; row++) {
		glint_rows_read(&s->rows, &s->view, row);
		for (unsigned i = 0; i < 16; i++)
			memcpy(s->planes[0] + (row * 16 + i) * WIDTH, s->rows.luma[i], WIDTH);
		for (unsigned i = 0; i < 8; i++) {
			memcpy(s->planes[1] + (row * 8 + i) * WIDTH / 2, s->rows.cb[i], WIDTH / 2);
			memcpy(s->planes[2] + (row * 8 + i) * WIDTH / 2, s->rows.cr[i], WIDTH / 2);
		}
	}
}

static void subject_init(struct subject *s, uint32_t fourcc, enum glint_matrix matrix,
			 enum emu_scene scene)
{
	struct glint_jpegenc_config config;

	*s = (struct subject){ .format = { .info = glint_format_find(fourcc),
					   .fourcc = fourcc,
					   .width = WIDTH,
					   .height = HEIGHT,
					   .n_planes = 1,
					   .range = GLINT_RANGE_LIMITED,
					   .matrix = matrix } };
	s->format.stride[0] = WIDTH * s->format.info->bytes_per_pixel;
	s->buf.n_planes = 1;
	s->buf.planes[0].size = glint_format_min_size(&s->format, 0);
	s->buf.planes[0].map = allocate(s->buf.planes[0].size);
	subject_draw(s, scene);
	if (glint_format_view(&s->format, &s->buf, &s->view) < 0 ||
	    glint_rows_init(&s->rows, &s->format, GLINT_SAMPLING_420, false, false) < 0 ||
	    glint_turbo_create(&s->turbo) < 0 ||
	    glint_turbo_configure(s->turbo, QUALITY, GLINT_SAMPLING_420) < 0)
		give_up("no memory");
	glint_jpegenc_describe(&config, &s->format, GLINT_SAMPLING_420, false, false);
	config.quality = QUALITY;
	if (glint_jpegenc_create(&s->enc, &config) < 0)
		give_up("no encoder");
	if (glint_jpegenc_reuse_create(&s->reuse, s->enc, SIZE_MAX, 1) < 0)
		give_up("no memory");
	s->source = glint_jpegenc_source_of(&s->view);
	s->output = (struct glint_jpegenc_output){ allocate(8 << 20), 0, 8 << 20, NULL };
	s->spare = (struct glint_jpegenc_output){ allocate(8 << 20), 0, 8 << 20, NULL };
	s->raw.err = jpeg_std_error(&s->errors);
	jpeg_create_compress(&s->raw);
}

static void subject_fini(struct subject *s)
{
	jpeg_destroy_compress(&s->raw);
	for (unsigned c = 0; c < 3; c++)
		free(s->planes[c]);
	free(s->raw_out);
	free(s->output.data);
	free(s->spare.data);
	glint_jpegenc_reuse_destroy(s->reuse);
	glint_jpegenc_destroy(s->enc);
	glint_turbo_destroy(s->turbo);
	glint_rows_fini(&s->rows);
	glint_bytes_fini(&s->bytes);
	free(s->buf.planes[0].map);
}

/*
 * --- The ways to encode
 * ----------------------------------------------------------------------------
 */

static void encode_by_ours(struct subject *s)
{
	s->output.size = 0;
	s->has_before = false;
	if (glint_jpegenc_scan(s->enc, &s->source, 0, ROWS, &s->output) < 0)
		give_up("encoding fails");
}

static void encode_in_rows(struct subject *s)
{
	uint32_t reused;

	s->spare.size = 0;
	if (glint_jpegenc_scan_rows(s->enc, NULL, &s->source, 0, ROWS, NULL, &s->spare, &reused) <
	    0)
		give_up("encoding fails");
}

static void encode_with_reuse(struct subject *s)
{
	uint32_t reused;

	struct glint_jpegenc_output before = s->output;

	s->output = s->spare;
	s->output.size = 0;
	if (glint_jpegenc_scan_rows(s->enc, s->reuse, &s->source, 0, ROWS,
				    s->has_before ? before.data : NULL, &s->output, &reused) < 0)
		give_up("encoding fails");
	s->spare = before;
	if (reused == ROWS) { /* the picture before is this one, too */
		s->spare = s->output;
		s->output = before;
	}
	s->has_before = true;
}

static void encode_by_rows(struct subject *s)
{
	if (glint_turbo_slice(s->turbo, &s->rows, &s->view, 0, ROWS, &s->bytes) < 0)
		give_up("encoding fails");
}

static void raw_begin(struct subject *s, J_COLOR_SPACE space, bool raw)
{
	if (!s->raw_out) {
		s->raw_size = 8 << 20;
		s->raw_out = malloc(s->raw_size);
	}
	jpeg_mem_dest(&s->raw, &s->raw_out, &s->raw_size);
	s->raw.image_width = WIDTH;
	s->raw.image_height = raw ? ROWS * 16 : HEIGHT;
	s->raw.input_components = 3;
	s->raw.in_color_space = space;
	jpeg_set_defaults(&s->raw);
	jpeg_set_quality(&s->raw, QUALITY, TRUE);
	s->raw.raw_data_in = raw;
	jpeg_start_compress(&s->raw, TRUE);
}

static void encode_by_raw(struct subject *s)
{
	raw_begin(s, JCS_YCbCr, true);
	for (uint32_t row = 0; row < ROWS; row++) {
		JSAMPROW luma[16], cb[8], cr[8];
		JSAMPARRAY planes[3] = { luma, cb, cr };

		for (unsigned i = 0; i < 16; i++)
			luma[i] = s->planes[0] + (row * 16 + i) * WIDTH;
		for (unsigned i = 0; i < 8; i++) {
			cb[i] = s->planes[1] + (row * 8 + i) * WIDTH / 2;
			cr[i] = s->planes[2] + (row * 8 + i) * WIDTH / 2;
		}
		jpeg_write_raw_data(&s->raw, planes, 16);
	}
	jpeg_finish_compress(&s->raw);
}

static void encode_by_scanlines(struct subject *s)
{
	raw_begin(s, JCS_EXT_RGB, false);
	for (uint32_t y = 0; y < HEIGHT; y++) {
		JSAMPROW line = s->buf.planes[0].map + (size_t)y * WIDTH * 3;

		jpeg_write_scanlines(&s->raw, &line, 1);
	}
	jpeg_finish_compress(&s->raw);
}

/* --- Ratios ---------------------------------------------------------------------------------- */

static uint64_t thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t time_of(void (*encode)(struct subject *s), struct subject *s)
{
	uint64_t begin_ns = thread_ns();

	encode(s);
	return thread_ns() - begin_ns;
}

/*
 * Evicts the source from the caches, as DMA would. With @change, one bit of each MCU row differs
 * from the last picture.
 */
static void prepare(struct subject *s, bool change)
{
	uint8_t *pixels = s->buf.planes[0].map;
	size_t size = s->buf.planes[0].size;

	for (uint32_t row = 0; change && row < ROWS; row++)
		pixels[(size_t)row * 16 * s->format.stride[0]] ^= 1;
#ifdef __x86_64__
	for (size_t i = 0; i < size; i += 64)
		__builtin_ia32_clflush(pixels + i);
	__builtin_ia32_mfence();
#endif
}

/* Quotients are kept as millionths. */
static void compare_ways(const char *name, struct subject *s, void (*one)(struct subject *s),
			 void (*other)(struct subject *s), bool cold, bool change)
{
	struct tally quotients = { 0 }, ours = { 0 }, theirs = { 0 };

	for (unsigned i = 0; i < TURNS + 5; i++) {
		uint64_t a, b;

		if (cold)
			prepare(s, change);
		if (i % 2)
			a = time_of(one, s);
		if (i % 2 && cold)
			prepare(s, false);
		b = time_of(other, s);
		if (i % 2 == 0 && cold)
			prepare(s, false);
		if (i % 2 == 0)
			a = time_of(one, s);
		if (i < 5)
			continue;
		tally_add(&quotients, a * 1000000 / b);
		tally_add(&ours, a);
		tally_add(&theirs, b);
	}
	CU_ASSERT_EQUAL(quotients.count, TURNS);
	printf("# best %.2f and %.2f ms, %zu bytes\n", (double)tally_percentile(&ours, 1) / 1e6,
	       (double)tally_percentile(&theirs, 1) / 1e6, s->output.size);
	glint_bench_write(name, "x", (double)tally_percentile(&quotients, 50) / 1e6, &quotients);
	tally_fini(&quotients);
	tally_fini(&ours);
	tally_fini(&theirs);
}

static void compare(const char *format, enum emu_scene scene, struct subject *s, const char *other,
		    void (*encode)(struct subject *s))
{
	char name[80];

	snprintf(name, sizeof(name), "%s %s: ours to %s", format, emu_scene_names[scene], other);
	compare_ways(name, s, encode_by_ours, encode, false, false);
}

/* A still screen, and a screen with a change in each row, both from uncached memory. */
static void compare_reuse(enum emu_scene scene, struct subject *s)
{
	char name[80];

	snprintf(name, sizeof(name), "%s, still: ours to raw", emu_scene_names[scene]);
	compare_ways(name, s, encode_with_reuse, encode_by_raw, true, false);
	snprintf(name, sizeof(name), "%s, still: with reuse to without", emu_scene_names[scene]);
	compare_ways(name, s, encode_with_reuse, encode_in_rows, true, false);
	snprintf(name, sizeof(name), "%s, all rows change: with reuse to without",
		 emu_scene_names[scene]);
	compare_ways(name, s, encode_with_reuse, encode_in_rows, true, true);
	snprintf(name, sizeof(name), "%s, a row an interval: to one interval",
		 emu_scene_names[scene]);
	compare_ways(name, s, encode_in_rows, encode_by_ours, false, false);
}

static void bench_format(const char *name, uint32_t fourcc, enum glint_matrix matrix)
{
	for (unsigned scene = 0; scene < EMU_SCENES; scene++) {
		struct subject s;

		subject_init(&s, fourcc, matrix, (enum emu_scene)scene);
		subject_make_planes(&s);
		if (fourcc == V4L2_PIX_FMT_RGB24)
			compare(name, (enum emu_scene)scene, &s, "scanlines", encode_by_scanlines);
		else
			compare(name, (enum emu_scene)scene, &s, "raw", encode_by_raw);
		compare(name, (enum emu_scene)scene, &s, "rows", encode_by_rows);
		subject_fini(&s);
	}
}

#define NEEDS_AN_ENGINE()                                                                          \
	do {                                                                                       \
		if (glint_jpegenc_best() == GLINT_JPEGENC_SCALAR)                                  \
			GLINT_SKIP("this processor has no engine");                                \
	} while (0)

/* libjpeg allocates for each picture: without this, it would pay page faults each time. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

static void bench_packed_lines_of_limited_range(void)
{
	NEEDS_AN_ENGINE();
	keep_memory();
	bench_format("YUYV limited", V4L2_PIX_FMT_YUYV, GLINT_MATRIX_BT601);
}

static void bench_packed_lines_with_another_matrix(void)
{
	NEEDS_AN_ENGINE();
	keep_memory();
	bench_format("YUYV limited BT.709", V4L2_PIX_FMT_YUYV, GLINT_MATRIX_BT709);
}

static void bench_semiplanar_lines(void)
{
	NEEDS_AN_ENGINE();
	keep_memory();
	bench_format("NV12 limited", V4L2_PIX_FMT_NV12, GLINT_MATRIX_BT601);
}

static void bench_rgb_lines(void)
{
	NEEDS_AN_ENGINE();
	keep_memory();
	bench_format("RGB24", V4L2_PIX_FMT_RGB24, GLINT_MATRIX_BT601);
}

static void bench_rows_that_have_not_changed_are_reused(void)
{
	NEEDS_AN_ENGINE();
	keep_memory();
	for (unsigned scene = 0; scene < EMU_SCENES; scene++) {
		struct subject s;

		subject_init(&s, V4L2_PIX_FMT_YUYV, GLINT_MATRIX_BT601, (enum emu_scene)scene);
		subject_make_planes(&s);
		compare_reuse((enum emu_scene)scene, &s);
		subject_fini(&s);
	}
}

/* --- For callgrind --------------------------------------------------------------------------- */

/* Not inlined: callgrind counts between its call and its return. */
__attribute__((noinline)) static void encode_once(struct subject *s, bool by_ours)
{
	if (by_ours)
		encode_by_ours(s);
	else
		encode_by_rows(s);
}

static void count(enum emu_scene scene, bool by_ours)
{
	struct subject s;

	if (by_ours)
		NEEDS_AN_ENGINE();
	subject_init(&s, V4L2_PIX_FMT_YUYV, GLINT_MATRIX_BT601, scene);
	encode_once(&s, by_ours);
	subject_fini(&s);
	CU_PASS("encoded");
}

static void bench_busy_once_by_ours(void)
{
	count(EMU_BUSY, true);
}

static void bench_photo_once_by_ours(void)
{
	count(EMU_PHOTO, true);
}

static void bench_ui_once_by_ours(void)
{
	count(EMU_UI, true);
}

static void bench_busy_once_by_libjpeg_turbo(void)
{
	count(EMU_BUSY, false);
}

static void bench_photo_once_by_libjpeg_turbo(void)
{
	count(EMU_PHOTO, false);
}

static void bench_ui_once_by_libjpeg_turbo(void)
{
	count(EMU_UI, false);
}

/* clang-format off */
GLINT_BENCHES("jpegenc",
	GLINT_BENCH(bench_packed_lines_of_limited_range),
	GLINT_BENCH(bench_packed_lines_with_another_matrix),
	GLINT_BENCH(bench_semiplanar_lines),
	GLINT_BENCH(bench_rgb_lines),
	GLINT_BENCH(bench_rows_that_have_not_changed_are_reused),
	GLINT_BENCH(bench_busy_once_by_ours),
	GLINT_BENCH(bench_photo_once_by_ours),
	GLINT_BENCH(bench_ui_once_by_ours),
	GLINT_BENCH(bench_busy_once_by_libjpeg_turbo),
	GLINT_BENCH(bench_photo_once_by_libjpeg_turbo),
	GLINT_BENCH(bench_ui_once_by_libjpeg_turbo),
)
