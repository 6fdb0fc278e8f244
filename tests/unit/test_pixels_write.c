/* SPDX-License-Identifier: MIT */
/* PNG, PNM, Y4M, raw bytes and checksums of pixels. */
#include <errno.h>
#include <inttypes.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "malloc_rig.h"
#include "pixels/hash.h"
#include "pixels/picture.h"
#include "pixels/png.h"
#include "pixels/write.h"
#include "random.h"

#if IS_ENABLED(CONFIG_PIXELS_PNG)
#include <isa-l/igzip_lib.h>
#endif

#define WIDTH_MAX  701u
#define HEIGHT_MAX 403u

struct picture {
	struct glint_format format;
	struct glint_pixels_source source;
	uint8_t *pixels;
	size_t size;
};

/* Some noise, some flat areas, some text-like edges. */
static void picture_make(struct picture *picture, enum glint_pixels_kind kind, uint32_t width,
			 uint32_t height, struct random *random)
{
	unsigned noise = random_below(random, 3) == 0 ? 256 : 2;

	picture->size = (size_t)width * height * glint_pixels_bytes(kind);
	picture->pixels = malloc(picture->size);
	for (size_t i = 0; i < picture->size; i++)
		picture->pixels[i] =
			(uint8_t)(i / 700 + (i % 97 > 60) * 90 + random_below(random, noise));
	glint_pixels_of_pixels(&picture->source, &picture->format, kind, picture->pixels, width,
			       height);
}

static struct glint_pixels_wish whole(const struct picture *picture, enum glint_pixels_kind kind)
{
	return (struct glint_pixels_wish){
		.kind = kind,
		.region = { 0, 0, picture->source.width, picture->source.height },
		.scale = 1,
	};
}

/* --- PNG ------------------------------------------------------------------------------------- */

#if IS_ENABLED(CONFIG_PIXELS_PNG)
static uint32_t u32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* CRC-32 of ISO 3309, bit by bit, as the PNG specification has it. */
static uint32_t crc_of(const uint8_t *bytes, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (unsigned k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

struct bytes {
	uint8_t *data;
	size_t size;
};

static void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
	bytes->data = realloc(bytes->data, bytes->size + size);
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

/* Checks each chunk; joins the data of IDAT. */
static void read_chunks(const struct bytes *png, struct bytes *zlib, uint8_t head[13])
{
	size_t at = 8;
	bool ended = false;

	CU_ASSERT_EQUAL(memcmp(png->data, "\x89PNG\r\n\x1a\n", 8), 0);
	while (at < png->size) {
		uint32_t n = u32_at(png->data + at);
		const uint8_t *type = png->data + at + 4;

		CU_ASSERT_FATAL(n <= png->size - at - 12);
		CU_ASSERT_EQUAL(u32_at(type + 4 + n), crc_of(type, n + 4));
		CU_ASSERT_FALSE(ended);
		if (memcmp(type, "IHDR", 4) == 0)
			memcpy(head, type + 4, 13);
		else if (memcmp(type, "IDAT", 4) == 0)
			bytes_add(zlib, type + 4, n);
		else
			ended = memcmp(type, "IEND", 4) == 0;
		at += 12 + n;
	}
	CU_ASSERT_TRUE(ended);
}

static void check_png(struct random *random)
{
	enum glint_pixels_kind kind = random_below(random, 2) ? GLINT_PIXELS_RGB24 :
								GLINT_PIXELS_GREY;
	uint32_t width = 1 + random_below(random, WIDTH_MAX);
	uint32_t height = 1 + random_below(random, HEIGHT_MAX);
	unsigned bytes = glint_pixels_bytes(kind);
	unsigned count = 1 + random_below(random, MIN(height, 9u)), wrong = 0;
	struct glint_png_strip strips[9];
	struct bytes png = { 0 }, zlib = { 0 };
	uint8_t end[GLINT_PNG_END_MAX], head[13] = { 0 };
	size_t line = 1 + (size_t)width * bytes;
	struct inflate_state inflate;
	struct picture picture;
	struct glint_pixels_wish wish;
	uint8_t *lines;

	picture_make(&picture, kind, width, height, random);
	wish = whole(&picture, kind);
	/* In any order, as workers finish. */
	for (unsigned i = count; i-- > 0;)
		CU_ASSERT_EQUAL_FATAL(glint_png_strip(&strips[i], &picture.source, &wish, i, count),
				      0);
	for (unsigned i = 0; i < count; i++)
		bytes_add(&png, strips[i].data, strips[i].size);
	bytes_add(&png, end, glint_png_end(strips, count, end));
	/* At worst the lines are stored, and a stored block of 65535 bytes has 5 before it. */
	CU_ASSERT_TRUE(png.size <= line * height + line * height / 65535 * 5 + count * 150u);
	read_chunks(&png, &zlib, head);
	CU_ASSERT_EQUAL(u32_at(head), width);
	CU_ASSERT_EQUAL(u32_at(head + 4), height);
	CU_ASSERT_EQUAL(head[8], 8);
	CU_ASSERT_EQUAL(head[9], bytes == 3 ? 2 : 0);

	lines = malloc(line * height + 1);
	isal_inflate_init(&inflate);
	inflate.crc_flag = ISAL_ZLIB; /* checks the checksum at the end */
	inflate.next_in = zlib.data;
	inflate.avail_in = (uint32_t)zlib.size;
	inflate.next_out = lines;
	inflate.avail_out = (uint32_t)(line * height + 1);
	CU_ASSERT_EQUAL(isal_inflate(&inflate), ISAL_DECOMP_OK);
	CU_ASSERT_EQUAL(inflate.block_state, ISAL_BLOCK_FINISH);
	CU_ASSERT_EQUAL(inflate.total_out, line * height);
	CU_ASSERT_EQUAL(inflate.avail_in, 0);
	for (uint32_t y = 0; y < height; y++) {
		uint8_t *at = lines + y * line;

		wrong += *at != 1;
		for (size_t i = 1; i < line; i++) {
			if (i > bytes)
				at[i] = (uint8_t)(at[i] + at[i - bytes]);
			wrong += at[i] != picture.pixels[y * (line - 1) + i - 1];
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	for (unsigned i = 0; i < count; i++)
		free(strips[i].data);
	free(lines);
	free(zlib.data);
	free(png.data);
	free(picture.pixels);
}

static void test_strips_in_any_number_are_one_png(void)
{
	struct random random = random_begin();

	for (unsigned i = 0; i < 60; i++)
		check_png(&random);
}

static void test_a_small_picture_is_one_strip_and_a_large_one_as_many_as_threads(void)
{
	struct glint_pixels_wish wish = { GLINT_PIXELS_RGB24, { 0, 0, 200, 150 }, 1 };

	CU_ASSERT_EQUAL(glint_png_strips(&wish, 8), 1);
	wish.region = (struct glint_region){ 0, 0, 1920, 1080 };
	CU_ASSERT_EQUAL(glint_png_strips(&wish, 8), 8);
	wish.scale = 8;
	CU_ASSERT_EQUAL(glint_png_strips(&wish, 8), 1);
	wish = (struct glint_pixels_wish){ GLINT_PIXELS_RGB24, { 0, 0, 15360, 3 }, 1 };
	CU_ASSERT_EQUAL(glint_png_strips(&wish, 8), 1);
	wish = (struct glint_pixels_wish){ GLINT_PIXELS_GREY, { 0, 0, 1, 1 }, 8 };
	CU_ASSERT_EQUAL(glint_png_strips(&wish, 8), 1);
}
#else
static void test_strips_in_any_number_are_one_png(void)
{
	GLINT_SKIP("built without PNG");
}

static void test_a_small_picture_is_one_strip_and_a_large_one_as_many_as_threads(void)
{
	GLINT_SKIP("built without PNG");
}
#endif

/* --- The others ------------------------------------------------------------------------------- */

static void test_pnm_is_a_head_and_the_pixels(void)
{
	struct random random = random_begin();

	for (int kind = GLINT_PIXELS_GREY; kind <= GLINT_PIXELS_RGB24; kind++) {
		const char *head = kind == GLINT_PIXELS_GREY ? "P5\n33 7\n255\n" :
							       "P6\n33 7\n255\n";
		struct picture picture;
		struct glint_pixels_wish wish;
		struct glint_written out;

		picture_make(&picture, (enum glint_pixels_kind)kind, 33, 7, &random);
		wish = whole(&picture, (enum glint_pixels_kind)kind);
		CU_ASSERT_EQUAL_FATAL(glint_write_pnm(&out, &picture.source, &wish), 0);
		CU_ASSERT_EQUAL_FATAL(out.size, strlen(head) + picture.size);
		CU_ASSERT_EQUAL(memcmp(out.data, head, strlen(head)), 0);
		CU_ASSERT_EQUAL(memcmp(out.data + strlen(head), picture.pixels, picture.size), 0);
		free(out.data);
		free(picture.pixels);
	}
}

static void test_a_jpeg_of_pixels_has_their_size_and_about_their_values(void)
{
	struct random random = random_begin();
	uint8_t pixels[40 * 24 * 3], back[20 * 11 * 3];
	struct glint_format format;
	struct glint_pixels_source source, jpeg;
	struct glint_pixels_wish wish = { GLINT_PIXELS_RGB24, { 3, 2, 20, 11 }, 1 }, all;
	struct glint_written out;
	unsigned far = 0;

	(void)random;
	for (unsigned i = 0; i < sizeof(pixels); i++)
		pixels[i] = (uint8_t)(100 + i % 3 * 20 + i / 120);
	glint_pixels_of_pixels(&source, &format, GLINT_PIXELS_RGB24, pixels, 40, 24);
	CU_ASSERT_EQUAL_FATAL(glint_write_jpeg(&out, &source, &wish, 95), 0);
	glint_pixels_of_jpeg(&jpeg, out.data, out.size, 20, 11);
	all = wish;
	all.region.x = all.region.y = 0;
	CU_ASSERT_EQUAL_FATAL(glint_pixels_read(&jpeg, &all, 0, 11, back, 60), 0);
	for (unsigned y = 0; y < 11; y++)
		for (unsigned i = 0; i < 60; i++)
			far += abs(back[y * 60 + i] - pixels[(y + 2) * 120 + 9 + i]) > 4;
	CU_ASSERT_EQUAL(far, 0);
	free(out.data);
}

/* Noise, so that the JPEG outgrows its first buffers. */
static void test_a_jpeg_without_memory_is_an_error_and_holds_none(void)
{
	struct random random = random_begin();
	struct picture picture;
	struct glint_pixels_wish wish;
	struct glint_written out;
	unsigned nth = 0, refused = 0;
	bool failed;

	NEEDS_MALLOC();
	picture_make(&picture, GLINT_PIXELS_RGB24, 160, 120, &random);
	for (size_t i = 0; i < picture.size; i++)
		picture.pixels[i] = (uint8_t)random_below(&random, 256);
	wish = whole(&picture, GLINT_PIXELS_RGB24);
	do {
		int held = atomic_load(&malloc_held);
		int err;

		malloc_fail_at = ++nth;
		err = glint_write_jpeg(&out, &picture.source, &wish, 95);
		failed = malloc_fail_at == 0; /* libjpeg allocates less where it can */
		malloc_fail_at = 0;
		if (err < 0) {
			refused++;
			CU_ASSERT_EQUAL(err, -ENOMEM);
		} else {
			CU_ASSERT_TRUE(out.size > 4 * 4096);
			free(out.data);
		}
		CU_ASSERT_EQUAL(atomic_load(&malloc_held), held);
	} while (failed);
	CU_ASSERT_TRUE(refused > 5);
	free(picture.pixels);
}

/* A frame of 5 x 3, whose strides are longer than its lines. */
static void test_raw_and_y4m_have_the_samples_of_the_frame(void)
{
	static const uint8_t nv21_luma[3][8] = { { 1, 2, 3, 4, 5 },
						 { 6, 7, 8, 9, 10 },
						 { 11, 12, 13, 14, 15 } };
	static const uint8_t nv21_chroma[2][8] = { { 50, 60, 51, 61, 52, 62 },
						   { 53, 63, 54, 64, 55, 65 } };
	static const uint8_t expected[] = { 1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14,
					    15, 60, 61, 62, 63, 64, 65, 50, 51, 52, 53, 54, 55 };
	struct glint_format format = { .info = glint_format_find(V4L2_PIX_FMT_NV21),
				       .fourcc = V4L2_PIX_FMT_NV21,
				       .width = 5,
				       .height = 3,
				       .n_planes = 1,
				       .stride = { 8 },
				       .size = { 40 },
				       .range = GLINT_RANGE_LIMITED,
				       .matrix = GLINT_MATRIX_BT709 };
	uint8_t bytes[4 + 40];
	struct glint_dmabuf buf = { .n_planes = 1,
				    .planes = { { .map = bytes, .size = 44, .offset = 4 } } };
	struct glint_pixels_source source;
	char text[512], head[GLINT_Y4M_HEAD_MAX];
	struct glint_written out;
	struct glint_y4m y4m;
	size_t n;

	memset(bytes, 99, sizeof(bytes));
	memcpy(bytes + 4, nv21_luma, 24);
	memcpy(bytes + 28, nv21_chroma, 16);
	CU_ASSERT_EQUAL_FATAL(
		glint_pixels_of_frame(&source, &format, &buf, (struct glint_pixels_rules){ 0 }), 0);
	CU_ASSERT_EQUAL_FATAL(glint_write_raw(&out, &source, &buf), 0);
	CU_ASSERT_EQUAL(out.size, 40);
	CU_ASSERT_EQUAL(memcmp(out.data, bytes + 4, 40), 0);
	free(out.data);
	CU_ASSERT_TRUE(glint_write_layout(text, sizeof(text), &source, &buf));
	CU_ASSERT_STRING_EQUAL(
		text, "{\"format\": \"NV21\", \"fourcc\": \"NV21\", \"width\": 5, \"height\": 3, "
		      "\"matrix\": \"bt709\", \"range\": \"limited\", \"planes\": "
		      "[{\"offset\": 0, \"stride\": 8, \"size\": 40}]}");
	CU_ASSERT_FALSE(glint_write_layout(text, 100, &source, &buf));

	CU_ASSERT_EQUAL_FATAL(glint_write_y4m(&out, &y4m, &source), 0);
	CU_ASSERT_EQUAL(out.size, sizeof(expected));
	CU_ASSERT_EQUAL(memcmp(out.data, expected, sizeof(expected)), 0);
	free(out.data);
	n = glint_y4m_head(&y4m, 59940, head);
	CU_ASSERT_EQUAL(n, strlen("YUV4MPEG2 W5 H3 F59940:1000 Ip A1:1 C420mpeg2 "
				  "XCOLORRANGE=LIMITED\n"));
	CU_ASSERT_EQUAL(memcmp(head,
			       "YUV4MPEG2 W5 H3 F59940:1000 Ip A1:1 C420mpeg2 "
			       "XCOLORRANGE=LIMITED\n",
			       n),
			0);
}

static void test_rgb_has_no_y4m(void)
{
	struct random random = random_begin();
	struct picture picture;
	struct glint_written out;
	struct glint_y4m y4m;

	picture_make(&picture, GLINT_PIXELS_RGB24, 8, 8, &random);
	CU_ASSERT_EQUAL(glint_write_y4m(&out, &y4m, &picture.source), -ENOTSUP);
	CU_ASSERT_PTR_NULL(out.data);
	free(picture.pixels);
}

/* --- Pictures of others ------------------------------------------------------------------------ */

static void test_pictures_that_were_written_are_read_again(void)
{
	struct random random = random_begin();
	struct glint_picture back;
	struct picture picture;
	struct glint_pixels_wish wish;
	struct glint_written out;

	picture_make(&picture, GLINT_PIXELS_RGB24, 61, 33, &random);
	wish = whole(&picture, GLINT_PIXELS_RGB24);
	CU_ASSERT_EQUAL_FATAL(glint_write_pnm(&out, &picture.source, &wish), 0);
	CU_ASSERT_EQUAL_FATAL(glint_picture_read(&back, out.data, out.size, 61 * 33), 0);
	CU_ASSERT_EQUAL(back.width, 61);
	CU_ASSERT_EQUAL(back.height, 33);
	CU_ASSERT_PTR_NULL(back.alpha);
	CU_ASSERT_EQUAL(memcmp(back.rgb, picture.pixels, picture.size), 0);
	glint_picture_fini(&back);
	CU_ASSERT_EQUAL(glint_picture_read(&back, out.data, out.size, 61 * 33 - 1), -EMSGSIZE);
	CU_ASSERT_PTR_NULL(back.rgb);
	CU_ASSERT_EQUAL(glint_picture_read(&back, out.data, out.size - 1, 61 * 33), -EBADMSG);
	free(out.data);

	CU_ASSERT_EQUAL_FATAL(glint_write_jpeg(&out, &picture.source, &wish, 90), 0);
	CU_ASSERT_EQUAL_FATAL(glint_picture_read(&back, out.data, out.size, 61 * 33), 0);
	CU_ASSERT_EQUAL(back.width, 61);
	glint_picture_fini(&back);
	CU_ASSERT_EQUAL(glint_picture_read(&back, out.data, out.size / 2, 61 * 33), -EBADMSG);
	free(out.data);
	free(picture.pixels);
}

static void test_a_png_may_have_alpha_and_may_be_broken(void)
{
	/* Of another program: 3 x 2 pixels of RGBA. */
	static const uint8_t png[] = { 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00,
				       0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x03,
				       0x00, 0x00, 0x00, 0x02, 0x08, 0x06, 0x00, 0x00, 0x00, 0x9d,
				       0x74, 0x66, 0x1a, 0x00, 0x00, 0x00, 0x1e, 0x49, 0x44, 0x41,
				       0x54, 0x78, 0x9c, 0x05, 0xc1, 0xb1, 0x01, 0x00, 0x20, 0x0c,
				       0x03, 0x20, 0x53, 0x5c, 0xf2, 0xb5, 0x9f, 0x57, 0x48, 0xc6,
				       0x22, 0x78, 0xb7, 0xed, 0xc1, 0x62, 0x3e, 0x25, 0xb6, 0x02,
				       0xcc, 0xb9, 0x36, 0x24, 0x9e, 0x00, 0x00, 0x00, 0x00, 0x49,
				       0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82 };
	static const uint8_t alpha[] = { 255, 0, 128, 255, 255, 1 };
	struct random random = random_begin();
	struct glint_picture back;
	uint8_t broken[sizeof(png)];

	if (!IS_ENABLED(CONFIG_PIXELS_PNG)) {
		CU_ASSERT_EQUAL(glint_picture_read(&back, png, sizeof(png), 100), -ENOTSUP);
		return;
	}
	CU_ASSERT_EQUAL_FATAL(glint_picture_read(&back, png, sizeof(png), 100), 0);
	CU_ASSERT_EQUAL(back.width, 3);
	CU_ASSERT_EQUAL(back.height, 2);
	for (unsigned i = 0; i < 18; i++)
		CU_ASSERT_EQUAL(back.rgb[i], i + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back.alpha);
	CU_ASSERT_EQUAL(memcmp(back.alpha, alpha, sizeof(alpha)), 0);
	glint_picture_fini(&back);
	CU_ASSERT_EQUAL(glint_picture_read(&back, png, sizeof(png), 5), -EMSGSIZE);
	for (size_t size = 0; size < sizeof(png) - 16; size++)
		CU_ASSERT_EQUAL(glint_picture_read(&back, png, size, 100), -EBADMSG);
	for (unsigned i = 0; i < 300; i++) {
		int err;

		memcpy(broken, png, sizeof(png));
		broken[random_below(&random, sizeof(png))] ^=
			(uint8_t)(1 + random_below(&random, 255));
		err = glint_picture_read(&back, broken, sizeof(png), 100);
		CU_ASSERT_TRUE(err == 0 || err == -EBADMSG || err == -ENOTSUP || err == -EMSGSIZE);
		glint_picture_fini(&back);
	}
}

static void test_other_bytes_are_no_picture(void)
{
	static const char *const texts[] = { "P6 2 1 255",
					     "P6 0 5 255\nxxxxxx",
					     "P6 2 1 65535\nabcdefghijkl",
					     "P6 99999999 1 255\nabc",
					     "P5 -2 1 255\nabc",
					     "GIF89a..........." };
	struct glint_picture back;

	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
		CU_ASSERT_TRUE(glint_picture_read(&back, (const uint8_t *)texts[i],
						  strlen(texts[i]), 1000) < 0);
	CU_ASSERT_EQUAL(glint_picture_read(&back, (const uint8_t *)"", 0, 1000), -EBADMSG);
}

/* --- Checksums -------------------------------------------------------------------------------- */

#if IS_ENABLED(CONFIG_PIXELS_HASH)
/*
 * What imagehash.average_hash() of Python says of PIL.Image.frombytes("RGB", (w, h), pixels), with
 * Pillow 9.4; tests/protocol/pixels.py compares with the installed one.
 */
static void test_the_average_hash_is_that_of_imagehash(void)
{
	static const struct {
		uint32_t width, height;
		uint64_t hash;
	} cases[] = {
		/* clang-format off */
		{ 1, 1, UINT64_C(0x0000000000000000) },
		{ 8, 8, UINT64_C(0x281809b7f537c6ce) },
		{ 7, 13, UINT64_C(0x1d1d1da363e6cec6) },
		{ 8, 100, UINT64_C(0x180839f737c6c6c6) },
		{ 640, 8, UINT64_C(0x393939636363cccc) },
		{ 320, 240, UINT64_C(0x391939e763c6cccc) },
		{ 641, 479, UINT64_C(0x391939e763c6cccc) },
		{ 1920, 1080, UINT64_C(0x391939e763c6cccc) },
		{ 33, 700, UINT64_C(0x1919396763c6cece) },
		/* clang-format on */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t size = (size_t)cases[i].width * cases[i].height * 3;
		uint8_t *rgb = malloc(size);
		uint32_t state = i;
		uint64_t hash = 0;

		for (size_t k = 0; k < size; k++) {
			state = state * 1664525 + 1013904223;
			rgb[k] = (uint8_t)((state >> 24) / 2 +
					   (k / 3 % cases[i].width * 5 / cases[i].width +
					    k / 3 / cases[i].width * 3 / cases[i].height) %
						   3 * 60);
		}
		CU_ASSERT_EQUAL(glint_hash_average(rgb, cases[i].width, cases[i].height, &hash), 0);
		if (hash != cases[i].hash)
			printf("# %ux%u: %016" PRIx64 "\n", cases[i].width, cases[i].height, hash);
		CU_ASSERT_EQUAL(hash, cases[i].hash);
		free(rgb);
	}
}

/* The vectors of xxHash's own documentation: of nothing, and of "a". */
static void test_the_exact_hash_is_xxh3_of_128_bits(void)
{
	uint64_t hash[2];

	glint_hash_exact((const uint8_t *)"", 0, hash);
	CU_ASSERT_EQUAL(hash[0], UINT64_C(0x99aa06d3014798d8));
	CU_ASSERT_EQUAL(hash[1], UINT64_C(0x6001c324468d497f));
	glint_hash_exact((const uint8_t *)"a", 1, hash);
	CU_ASSERT_EQUAL(hash[0], UINT64_C(0xa96faf705af16834));
	CU_ASSERT_EQUAL(hash[1], UINT64_C(0xe6c632b61e964e1f));
}
#else
static void test_the_average_hash_is_that_of_imagehash(void)
{
	GLINT_SKIP("built without checksums");
}

static void test_the_exact_hash_is_xxh3_of_128_bits(void)
{
	GLINT_SKIP("built without checksums");
}
#endif

/* clang-format off */
GLINT_TESTS("pixels_write",
	GLINT_TEST(test_strips_in_any_number_are_one_png),
	GLINT_TEST(test_a_small_picture_is_one_strip_and_a_large_one_as_many_as_threads),
	GLINT_TEST(test_pnm_is_a_head_and_the_pixels),
	GLINT_TEST(test_a_jpeg_of_pixels_has_their_size_and_about_their_values),
	GLINT_TEST(test_a_jpeg_without_memory_is_an_error_and_holds_none),
	GLINT_TEST(test_raw_and_y4m_have_the_samples_of_the_frame),
	GLINT_TEST(test_rgb_has_no_y4m),
	GLINT_TEST(test_pictures_that_were_written_are_read_again),
	GLINT_TEST(test_a_png_may_have_alpha_and_may_be_broken),
	GLINT_TEST(test_other_bytes_are_no_picture),
	GLINT_TEST(test_the_average_hash_is_that_of_imagehash),
	GLINT_TEST(test_the_exact_hash_is_xxh3_of_128_bits),
)
