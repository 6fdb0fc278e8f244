/* SPDX-License-Identifier: MIT */
/*
 * glint's own encoder against libjpeg-turbo with glint's reader: the same bytes for every
 * picture. Each plane ends where an unreadable page begins.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "encode/bytes.h"
#include "encode/jpegenc_format.h"
#include "encode/rows.h"
#include "encode/turbo.h"
#include "harness.h"
#include "random.h"

#if IS_ENABLED(CONFIG_ENCODE_CPU)

#define CASES 6000

/* --- A frame in memory --------------------------------------------------------- */

struct memory {
	uint8_t *map;
	size_t size;
};

struct subject {
	struct glint_format format;
	struct glint_dmabuf buf;
	struct memory memory[GLINT_DMABUF_PLANES];
	struct glint_view view;
	enum glint_sampling sampling;
	bool swap_rgb, keep_range;
	unsigned quality;
};

static uint8_t *memory_map(struct memory *memory, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;

	memory->size = whole + page;
	memory->map = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	CU_ASSERT_PTR_NOT_EQUAL_FATAL((void *)memory->map, MAP_FAILED);
	CU_ASSERT_EQUAL_FATAL(mprotect(memory->map + whole, page, PROT_NONE), 0);
	return memory->map + whole - size;
}

static void subject_init(struct subject *s, const struct glint_format_info *info, uint32_t width,
			 uint32_t height, uint32_t padding)
{
	*s = (struct subject){
		.format = { .info = info,
			    .fourcc = info->fourcc,
			    .width = width,
			    .height = height,
			    .n_planes = info->mem_planes },
		.quality = 80,
	};
	s->format.stride[0] = ((width + 1) / 2 * 2) * info->bytes_per_pixel + padding * 2;
	for (unsigned p = 1; p < s->format.n_planes; p++)
		s->format.stride[p] = s->format.stride[0] * (info->h_sub == 1 ? 2 : 1);
	s->buf.n_planes = s->format.n_planes;
	for (unsigned p = 0; p < s->format.n_planes; p++) {
		size_t size = glint_format_min_size(&s->format, p);

		s->format.size[p] = (uint32_t)size;
		s->buf.planes[p].fd = -1;
		s->buf.planes[p].size = size;
		s->buf.planes[p].map = memory_map(&s->memory[p], size);
	}
	CU_ASSERT_EQUAL_FATAL(glint_format_view(&s->format, &s->buf, &s->view), 0);
}

static void subject_fini(struct subject *s)
{
	for (unsigned p = 0; p < s->format.n_planes; p++)
		munmap(s->memory[p].map, s->memory[p].size);
}

/* --- Pictures ---------------------------------------------------------------------- */

enum picture {
	NOISE,
	BLACK_AND_WHITE,
	CHECKS,
	WAVES,
	FLAT,
	SPARSE,
	GRADIENT,
	PANELS,
	SOFT_NOISE,
	PICTURES,
};

/* A byte at @x, @y of a plane whose lines have @stride bytes. */
static uint8_t picture_byte(enum picture picture, struct random *random, const unsigned p[4],
			    unsigned x, unsigned y)
{
	switch (picture) {
	case NOISE:
		return (uint8_t)random_below(random, 256);
	case BLACK_AND_WHITE:
		return random_below(random, 2) ? 255 : 0;
	case CHECKS:
		return (x / (1 + p[0] % 9) + y / (1 + p[1] % 9)) % 2 ? (uint8_t)p[2] :
								       (uint8_t)p[3];
	case WAVES:
		return (x * (1 + p[0] % 8) / 8 + y * (p[1] % 8) / 8) % 2 ? 255 : 0;
	case FLAT:
		return (uint8_t)p[x % 4];
	case SPARSE:
		return random_below(random, 60) ? (uint8_t)p[0] :
						  (uint8_t)random_below(random, 256);
	case GRADIENT:
		return (uint8_t)(x * p[0] / 64 + y * p[1] / 64);
	case PANELS:
		return (uint8_t)(p[(x / 48 + y / 24) % 4] +
				 (y % 24 > 16 && x % 3 == 0 ? random_below(random, 200) : 0));
	default:
		return (uint8_t)(x / 4 + y / 2 + random_below(random, 12));
	}
}

static void subject_draw(struct subject *s, enum picture picture, struct random *random)
{
	unsigned p[4];

	for (unsigned i = 0; i < 4; i++)
		p[i] = random_below(random, 256);
	for (unsigned plane = 0; plane < s->format.n_planes; plane++)
		for (size_t i = 0; i < s->buf.planes[plane].size; i++)
			s->buf.planes[plane].map[i] = picture_byte(
				picture, random, p, (unsigned)(i % s->format.stride[plane]),
				(unsigned)(i / s->format.stride[plane]));
}

/* --- Both ways to bytes --------------------------------------------------------------- */

/* libjpeg-turbo's, with EOI. */
static void encode_by_turbo(struct subject *s, struct glint_turbo *turbo, uint32_t first,
			    uint32_t count, struct glint_bytes *out)
{
	struct glint_rows rows;

	CU_ASSERT_EQUAL_FATAL(glint_turbo_configure(turbo, s->quality, s->sampling), 0);
	CU_ASSERT_EQUAL_FATAL(
		glint_rows_init(&rows, &s->format, s->sampling, s->swap_rgb, s->keep_range), 0);
	CU_ASSERT_EQUAL_FATAL(glint_turbo_slice(turbo, &rows, &s->view, first, count, out), 0);
	glint_rows_fini(&rows);
}

static bool output_grow(struct glint_jpegenc_output *out, size_t capacity)
{
	uint8_t *data = realloc(out->data, capacity);

	if (!data)
		return false;
	out->data = data;
	out->capacity = capacity;
	return true;
}

static struct glint_jpegenc *subject_encoder(const struct subject *s,
					     enum glint_jpegenc_engine engine)
{
	struct glint_jpegenc_config config;
	struct glint_jpegenc *enc = NULL;

	CU_ASSERT_FATAL(glint_jpegenc_describe(&config, &s->format, s->sampling, s->swap_rgb,
					       s->keep_range));
	config.quality = s->quality;
	config.engine = engine;
	CU_ASSERT_EQUAL_FATAL(glint_jpegenc_create(&enc, &config), 0);
	return enc;
}

static bool engine_equals(const struct subject *s, enum glint_jpegenc_engine engine, uint32_t first,
			  uint32_t count, const struct glint_bytes *expected)
{
	struct glint_jpegenc *enc = subject_encoder(s, engine);
	struct glint_jpegenc_source source = glint_jpegenc_source_of(&s->view);
	struct glint_jpegenc_output out = { .grow = output_grow };
	size_t size = expected->size - expected->begin - 2;
	bool equal;

	CU_ASSERT_EQUAL_FATAL(glint_jpegenc_scan(enc, &source, first, count, &out), 0);
	equal = out.size == size && memcmp(out.data, expected->data + expected->begin, size) == 0;
	free(out.data);
	glint_jpegenc_destroy(enc);
	return equal;
}

/* Print the case, so that it can be repeated. */
static bool subject_is_equal(struct subject *s, struct glint_turbo *turbo, unsigned picture,
			     uint32_t first, uint32_t count)
{
	struct glint_bytes expected = { 0 };
	const enum glint_jpegenc_engine engines[] = { GLINT_JPEGENC_SCALAR, glint_jpegenc_best() };
	bool equal = true;

	encode_by_turbo(s, turbo, first, count, &expected);
	for (unsigned e = 0; e < ARRAY_SIZE(engines); e++) {
		if (engine_equals(s, engines[e], first, count, &expected))
			continue;
		printf("# %s differs: %s %ux%u stride %u, quality %u, %s, range %u, matrix %u, "
		       "swap %u, keep %u, picture %u, rows %u+%u\n",
		       glint_jpegenc_engine_name(engines[e]), s->format.info->name, s->format.width,
		       s->format.height, s->format.stride[0], s->quality,
		       glint_sampling_name(s->sampling), s->format.range, s->format.matrix,
		       s->swap_rgb, s->keep_range, picture, first, count);
		equal = false;
	}
	glint_bytes_fini(&expected);
	return equal;
}

static const struct glint_format_info *covered_format(unsigned number)
{
	struct glint_jpegenc_config config;

	for (;;)
		for (unsigned i = 0; glint_format_at(i); i++) {
			struct glint_format format = { .info = glint_format_at(i) };

			if (glint_jpegenc_describe(&config, &format, GLINT_SAMPLING_420, false,
						   false) &&
			    number-- == 0)
				return format.info;
		}
}

/* --- The cases ---------------------------------------------------------------------------- */

static void test_random_pictures_become_the_bytes_of_libjpeg_turbo(void)
{
	struct random random = random_begin();
	struct glint_turbo *turbo;
	unsigned different = 0;

	CU_ASSERT_EQUAL_FATAL(glint_turbo_create(&turbo), 0);
	for (unsigned i = 0; i < CASES; i++) {
		enum picture picture = (enum picture)(random_below(&random, PICTURES));
		uint32_t rows, first, mcu;
		struct subject s;

		subject_init(&s, covered_format(i), 1 + random_below(&random, 150),
			     1 + random_below(&random, 70), random_below(&random, 20));
		s.quality = 1 + random_below(&random, 100);
		s.format.range = (enum glint_range)random_below(&random, 2);
		s.format.matrix = (enum glint_matrix)random_below(&random, 3);
		s.keep_range = random_below(&random, 8) == 0;
		s.swap_rgb = random_below(&random, 4) == 0;
		s.sampling = glint_rows_sampling(s.format.info, random_below(&random, 2));
		subject_draw(&s, picture, &random);
		mcu = glint_sampling_mcu_height(s.sampling);
		rows = (s.format.height + mcu - 1) / mcu;
		first = random_below(&random, rows);
		different += !subject_is_equal(&s, turbo, picture, first,
					       1 + random_below(&random, rows - first));
		subject_fini(&s);
	}
	CU_ASSERT_EQUAL(different, 0);
	glint_turbo_destroy(turbo);
}

static void test_every_small_size_of_each_format_has_its_edges_right(void)
{
	struct random random = random_begin();
	struct glint_turbo *turbo;
	unsigned different = 0;

	CU_ASSERT_EQUAL_FATAL(glint_turbo_create(&turbo), 0);
	for (unsigned f = 0; f < 36; f++)
		for (unsigned width = 1; width <= 50; width++) {
			struct subject s;
			uint32_t mcu;

			subject_init(&s, covered_format(f), width, 1 + (width * 7 + f) % 35, 0);
			s.format.range = (enum glint_range)(width % 2);
			s.format.matrix = (enum glint_matrix)(width / 2 % 3);
			s.sampling = glint_rows_sampling(s.format.info, (width + f) % 2);
			subject_draw(&s, NOISE, &random);
			mcu = glint_sampling_mcu_height(s.sampling);
			different += !subject_is_equal(&s, turbo, NOISE, 0,
						       (s.format.height + mcu - 1) / mcu);
			subject_fini(&s);
		}
	CU_ASSERT_EQUAL(different, 0);
	glint_turbo_destroy(turbo);
}

static void test_every_quality_has_the_tables_of_libjpeg_turbo(void)
{
	struct glint_turbo *turbo;

	CU_ASSERT_EQUAL_FATAL(glint_turbo_create(&turbo), 0);
	for (unsigned quality = 1; quality <= 100; quality++) {
		struct glint_jpegenc_config config = { .width = 64,
						       .height = 48,
						       .layout = GLINT_JPEGENC_PLANAR,
						       .h_sub = 2,
						       .v_sub = 2,
						       .sampling = GLINT_JPEGENC_420,
						       .quality = quality };
		struct glint_jpeg_params params = {
			.width = 64, .height = 48, .restart = 12, .sampling = GLINT_SAMPLING_420
		};
		uint8_t expected[GLINT_JPEG_HEADER_MAX], header[GLINT_JPEGENC_HEADER_MAX];
		struct glint_jpegenc *enc;
		size_t size;

		CU_ASSERT_EQUAL_FATAL(glint_turbo_configure(turbo, quality, params.sampling), 0);
		glint_turbo_quant(turbo, params.quant);
		size = glint_jpeg_write_header(expected, &params);
		CU_ASSERT_EQUAL_FATAL(glint_jpegenc_create(&enc, &config), 0);
		CU_ASSERT_EQUAL_FATAL(glint_jpegenc_header(enc, 12, header), size);
		CU_ASSERT_EQUAL(memcmp(header, expected, size), 0);
		glint_jpegenc_destroy(enc);
	}
	glint_turbo_destroy(turbo);
}

/* --- What has not changed ------------------------------------------------------------------- */

struct history {
	struct subject subject;
	struct glint_jpegenc *enc;
	struct glint_jpegenc_source source;
	struct glint_jpegenc_reuse *reuse;
	struct glint_jpegenc_output with, spare, without;
	bool has_before; /* @with is the picture before */
	uint32_t reused, total;
};

static void history_open(struct history *h, const struct glint_format_info *info, uint32_t width,
			 uint32_t height, bool keep_sampling, size_t most)
{
	*h = (struct history){ .with = { .grow = output_grow },
			       .spare = { .grow = output_grow },
			       .without = { .grow = output_grow } };
	subject_init(&h->subject, info, width, height, 9);
	h->subject.sampling = glint_rows_sampling(info, keep_sampling);
	h->enc = subject_encoder(&h->subject, GLINT_JPEGENC_AUTO);
	h->source = glint_jpegenc_source_of(&h->subject.view);
	CU_ASSERT_EQUAL_FATAL(glint_jpegenc_reuse_create(&h->reuse, h->enc, most, 1), 0);
}

static void history_close(struct history *h)
{
	glint_jpegenc_reuse_destroy(h->reuse);
	glint_jpegenc_destroy(h->enc);
	free(h->with.data);
	free(h->spare.data);
	free(h->without.data);
	subject_fini(&h->subject);
}

/* Encode with and without; true when both have the same bytes. */
static bool history_step(struct history *h)
{
	uint32_t rows = glint_jpegenc_rows(h->enc), none;
	struct glint_jpegenc_output now = h->spare;

	now.size = h->without.size = 0;
	CU_ASSERT_EQUAL_FATAL(glint_jpegenc_scan_rows(h->enc, h->reuse, &h->source, 0, rows,
						      h->has_before ? h->with.data : NULL, &now,
						      &h->reused),
			      0);
	CU_ASSERT_EQUAL_FATAL(glint_jpegenc_scan_rows(h->enc, NULL, &h->source, 0, rows, NULL,
						      &h->without, &none),
			      0);
	CU_ASSERT_EQUAL(now.size == 0, h->reused == rows);
	h->total += h->reused;
	h->spare = now;
	if (h->reused < rows) {
		h->spare = h->with;
		h->with = now;
	}
	h->has_before = true;
	return h->with.size == h->without.size &&
	       memcmp(h->with.data, h->without.data, h->with.size) == 0;
}

static void test_rows_that_have_not_changed_are_reused_and_all_others_are_not(void)
{
	const uint32_t width = 129, height = 75; /* five rows */
	struct glint_dmabuf *buf;
	struct history h;
	uint8_t *pixels;
	uint32_t stride;

	history_open(&h, covered_format(8), width, height, false, SIZE_MAX);
	buf = &h.subject.buf;
	pixels = buf->planes[0].map;
	stride = h.subject.format.stride[0];
	memset(pixels, 90, buf->planes[0].size);

	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 0);
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 5);

	pixels[20 * stride + 2 * 57] ^= 1; /* a bit of luma */
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 4);
	pixels[20 * stride + 2 * 57] ^= 1; /* and back */
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 4);

	pixels[74 * stride + 1] ^= 128; /* chroma, in the last line */
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 4);

	memset(pixels + 31 * stride, 20, stride); /* a line */
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 4);

	for (uint32_t y = 32; y < 48; y++) /* an MCU */
		memset(pixels + y * stride + 64, (int)(y * 5), 32);
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 4);

	pixels[40 * stride + 2 * (width + 1)] ^= 255; /* padding is no part of the picture */
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 5);

	memset(pixels, 91, buf->planes[0].size); /* everything */
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 0);
	history_close(&h);
}

/* Equal lines of a row are compared with one line of the shadow; each must still be looked at. */
static void test_a_change_in_any_of_many_equal_lines_is_seen(void)
{
	static const uint32_t periods[] = { 1, 3, 75 }; /* lines until the next other one */

	for (unsigned i = 0; i < ARRAY_SIZE(periods); i++) {
		struct history h;
		uint8_t *pixels;
		uint32_t stride;

		history_open(&h, covered_format(8), 64, 75, false, SIZE_MAX);
		pixels = h.subject.buf.planes[0].map;
		stride = h.subject.format.stride[0];
		for (uint32_t y = 0; y < 75; y++)
			memset(pixels + y * stride, (int)(y / periods[i] % 2 * 90 + 60), 128);
		CU_ASSERT_TRUE(history_step(&h));
		/* From below, so that a line is changed while it is equal to those above it. */
		for (uint32_t y = 75; y-- > 0;) {
			pixels[y * stride + 2 * (y % 64)] ^= 64;
			CU_ASSERT_TRUE(history_step(&h));
			CU_ASSERT_EQUAL(h.reused, 4);
			/* The row is kept again: what follows is not a row that is left alone. */
			for (unsigned k = 0; k < 40; k++)
				CU_ASSERT_TRUE(history_step(&h));
			CU_ASSERT_EQUAL(h.reused, 5);
		}
		history_close(&h);
	}
}

/* Fills @lines lines of the picture, from @first on, with pixels that no line above has. */
static void history_draw(struct history *h, struct random *random, uint32_t first, uint32_t lines)
{
	uint32_t stride = h->subject.format.stride[0];

	for (size_t i = (size_t)first * stride;
	     i < MIN((size_t)(first + lines) * stride, h->subject.buf.planes[0].size); i++)
		h->subject.buf.planes[0].map[i] = (uint8_t)random_below(random, 256);
}

static void test_no_more_is_kept_than_allowed_and_what_is_flat_takes_little(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct random random = random_begin();
	/* A row of noise is 64 kB, a flat one a page. */
	const size_t most = 65536 + 3 * page;
	struct history h;

	history_open(&h, covered_format(8), 2048, 64, false, most); /* four rows */
	memset(h.subject.buf.planes[0].map, 90, h.subject.buf.planes[0].size);
	history_draw(&h, &random, 0, 32);
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 3); /* no room for the other row of noise */

	/* Memory that is not needed any more serves other rows. */
	memset(h.subject.buf.planes[0].map, 90, h.subject.buf.planes[0].size);
	for (unsigned i = 0; i < 40; i++)
		CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 4);
	history_draw(&h, &random, 48, 16);
	for (unsigned i = 0; i < 40; i++)
		CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 4);
	history_close(&h);
}

/* The caller has lost what the last call wrote. */
static void test_without_the_picture_before_no_row_is_reused(void)
{
	struct history h;

	history_open(&h, covered_format(8), 96, 64, false, SIZE_MAX);
	memset(h.subject.buf.planes[0].map, 90, h.subject.buf.planes[0].size);
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 4);
	h.has_before = false;
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 0);
	CU_ASSERT_TRUE(history_step(&h));
	CU_ASSERT_EQUAL(h.reused, 4);
	history_close(&h);
}

static void test_a_row_that_keeps_changing_is_left_alone_and_found_again(void)
{
	struct history h;
	unsigned frames = 0;

	history_open(&h, covered_format(8), 64, 32, false, SIZE_MAX); /* two rows */
	memset(h.subject.buf.planes[0].map, 50, h.subject.buf.planes[0].size);
	for (unsigned i = 0; i < 200; i++) {
		h.subject.buf.planes[0].map[2] = (uint8_t)i;
		CU_ASSERT_TRUE(history_step(&h));
		CU_ASSERT_EQUAL(h.reused, i > 0);
	}
	while (h.reused < 2 && frames < 100) {
		CU_ASSERT_TRUE(history_step(&h));
		frames++;
	}
	CU_ASSERT(frames <= 34);
	history_close(&h);
}

/* Half of the frames are like the one before but for some bytes anywhere, some are new. */
static void test_random_changes_never_leave_an_old_sample_in_any_format(void)
{
	struct random random = random_begin();
	unsigned different = 0, total = 0;

	for (unsigned f = 0; f < 76; f++) {
		struct history h;

		history_open(&h, covered_format(f), 1 + random_below(&random, 90),
			     1 + random_below(&random, 90), f % 2,
			     f % 4 >= 2 ? SIZE_MAX : 4 * 4096);
		subject_draw(&h.subject, SOFT_NOISE, &random);
		for (unsigned i = 0; i < 60; i++) {
			struct glint_dmabuf *buf = &h.subject.buf;
			unsigned plane = random_below(&random, buf->n_planes);
			unsigned size = (unsigned)buf->planes[plane].size;

			for (unsigned n = random_below(&random, 4); n > 0; n--)
				buf->planes[plane].map[random_below(&random, size)] ^=
					(uint8_t)(1u << random_below(&random, 8));
			if (random_below(&random, 20) == 0)
				subject_draw(&h.subject, SOFT_NOISE, &random);
			different += !history_step(&h);
		}
		total += h.total;
		history_close(&h);
	}
	CU_ASSERT_EQUAL(different, 0);
	CU_ASSERT(total > 0);
}

/* The worst that samples can do is far from it, but nothing may go beyond the buffer. */
static void test_an_output_that_cannot_grow_is_refused_and_not_overrun(void)
{
	struct random random = random_begin();
	struct glint_jpegenc_source source;
	struct glint_jpegenc *enc;
	struct memory memory;
	struct subject s;
	size_t needed = 0;

	subject_init(&s, covered_format(8), 96, 64, 0);
	s.sampling = GLINT_SAMPLING_420;
	s.quality = 100;
	subject_draw(&s, NOISE, &random);
	enc = subject_encoder(&s, GLINT_JPEGENC_AUTO);
	source = glint_jpegenc_source_of(&s.view);
	for (size_t capacity = 0; capacity < 40000 && needed == 0; capacity += 61) {
		struct glint_jpegenc_output out = { memory_map(&memory, capacity), 0, capacity,
						    NULL };
		int err = glint_jpegenc_scan(enc, &source, 0, glint_jpegenc_rows(enc), &out);

		CU_ASSERT(err == 0 || err == -ENOMEM);
		CU_ASSERT(out.size <= capacity);
		if (err == 0)
			needed = capacity;
		munmap(memory.map, memory.size);
	}
	CU_ASSERT(needed > 0);
	glint_jpegenc_destroy(enc);
	subject_fini(&s);
}

static void test_what_the_encoder_cannot_do_is_refused(void)
{
	const struct glint_jpegenc_config good = { .width = 64,
						   .height = 48,
						   .layout = GLINT_JPEGENC_PACKED,
						   .order = { 0, 1, 2, 3 },
						   .pixel_bytes = 2,
						   .h_sub = 2,
						   .v_sub = 1,
						   .sampling = GLINT_JPEGENC_420,
						   .quality = 80 };
	struct glint_jpegenc_config bad[12];
	struct glint_jpegenc *enc;
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[n++].width = 0;
	bad[n++].height = 0;
	bad[n++].width = 65501;
	bad[n++].quality = 0;
	bad[n++].quality = 101;
	bad[n++].sampling = GLINT_JPEGENC_444;
	bad[n++].sampling = GLINT_JPEGENC_SAMPLING_GREY;
	bad[n++].order[1] = 0;
	bad[n++].order[3] = 200;
	bad[n++].layout = GLINT_JPEGENC_GREY;
	bad[n].layout = GLINT_JPEGENC_RGB;
	bad[n++].order[2] = 2; /* of two bytes a pixel */
	bad[n++].matrix = (enum glint_jpegenc_matrix)3;
	CU_ASSERT_EQUAL_FATAL(n, ARRAY_SIZE(bad));
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_EQUAL(glint_jpegenc_create(&enc, &bad[i]), -EINVAL);
	CU_ASSERT_EQUAL_FATAL(glint_jpegenc_create(&enc, &good), 0);
	glint_jpegenc_destroy(enc);
}

#else

#define SKIPPED(test)                                                                              \
	static void test(void)                                                                     \
	{                                                                                          \
		GLINT_SKIP("built without the CPU encoder");                                       \
	}
SKIPPED(test_random_pictures_become_the_bytes_of_libjpeg_turbo)
SKIPPED(test_every_small_size_of_each_format_has_its_edges_right)
SKIPPED(test_every_quality_has_the_tables_of_libjpeg_turbo)
SKIPPED(test_rows_that_have_not_changed_are_reused_and_all_others_are_not)
SKIPPED(test_a_change_in_any_of_many_equal_lines_is_seen)
SKIPPED(test_no_more_is_kept_than_allowed_and_what_is_flat_takes_little)
SKIPPED(test_without_the_picture_before_no_row_is_reused)
SKIPPED(test_a_row_that_keeps_changing_is_left_alone_and_found_again)
SKIPPED(test_random_changes_never_leave_an_old_sample_in_any_format)
SKIPPED(test_an_output_that_cannot_grow_is_refused_and_not_overrun)
SKIPPED(test_what_the_encoder_cannot_do_is_refused)

#endif

/* clang-format off */
GLINT_TESTS("jpegenc",
	GLINT_TEST(test_random_pictures_become_the_bytes_of_libjpeg_turbo),
	GLINT_TEST(test_every_small_size_of_each_format_has_its_edges_right),
	GLINT_TEST(test_every_quality_has_the_tables_of_libjpeg_turbo),
	GLINT_TEST(test_rows_that_have_not_changed_are_reused_and_all_others_are_not),
	GLINT_TEST(test_a_change_in_any_of_many_equal_lines_is_seen),
	GLINT_TEST(test_no_more_is_kept_than_allowed_and_what_is_flat_takes_little),
	GLINT_TEST(test_without_the_picture_before_no_row_is_reused),
	GLINT_TEST(test_a_row_that_keeps_changing_is_left_alone_and_found_again),
	GLINT_TEST(test_random_changes_never_leave_an_old_sample_in_any_format),
	GLINT_TEST(test_an_output_that_cannot_grow_is_refused_and_not_overrun),
	GLINT_TEST(test_what_the_encoder_cannot_do_is_refused),
)
