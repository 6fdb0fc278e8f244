/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "convert/convert.h"
#include "harness.h"

#define WIDTH  64u
#define HEIGHT 48u

#define NEEDS_LIBRARY()                                                                            \
	do {                                                                                       \
		if (!IS_ENABLED(CONFIG_LIBV4LCONVERT))                                             \
			GLINT_SKIP("built without libv4lconvert");                                 \
	} while (0)

/* A frame and the converter for it. */
struct rig {
	struct glint_format format;
	struct glint_dmabuf buf;
	struct glint_convert *convert;
	struct glint_view view;
};

static int rig_open(struct rig *rig, uint32_t fourcc, uint32_t width, uint32_t stride)
{
	struct glint_plane *plane = &rig->buf.planes[0];

	memset(rig, 0, sizeof(*rig));
	rig->format.info = glint_format_find(fourcc);
	rig->format.fourcc = fourcc;
	rig->format.width = width;
	rig->format.height = HEIGHT;
	rig->format.n_planes = 1;
	rig->format.stride[0] = stride;
	rig->format.size[0] = (uint32_t)(plane->size = (size_t)width * 4 * HEIGHT);
	plane->map = calloc(1, plane->size);
	rig->buf.n_planes = 1;
	return glint_convert_create(&rig->convert, &rig->format);
}

static int rig_run(struct rig *rig, size_t used)
{
	return glint_convert_run(rig->convert, &rig->buf, used, &rig->view);
}

static void rig_close(struct rig *rig)
{
	glint_convert_destroy(rig->convert);
	free(rig->buf.planes[0].map);
}

/* A sensor that sees one colour, and noise between its lines. */
static void bayer_gives_its_colour(uint32_t stride, unsigned passes)
{
	static const uint8_t rgb[3] = { 200, 100, 30 };
	unsigned wrong = 0;
	struct rig rig;

	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, V4L2_PIX_FMT_SRGGB8, WIDTH, stride), 0);
	CU_ASSERT_EQUAL(glint_convert_format(rig.convert)->fourcc, V4L2_PIX_FMT_RGB24);
	CU_ASSERT_EQUAL(glint_convert_passes(rig.convert), passes);
	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < stride; x++)
			rig.buf.planes[0].map[y * stride + x] = x < WIDTH ? rgb[y % 2 + x % 2] :
									    (uint8_t)(x * y);
	CU_ASSERT_EQUAL_FATAL(rig_run(&rig, (size_t)stride * HEIGHT), 0);
	for (size_t i = 0; i < (size_t)WIDTH * HEIGHT * 3; i++)
		wrong += abs(rig.view.comp[0].base[i] - rgb[i % 3]) > 1;
	CU_ASSERT_EQUAL(wrong, 0);
	rig_close(&rig);
}

static void test_a_bayer_sensor_that_sees_one_colour_gives_that_colour(void)
{
	NEEDS_LIBRARY();
	bayer_gives_its_colour(WIDTH, 1);
}

static void test_padding_is_taken_out_by_a_pass_that_is_counted(void)
{
	NEEDS_LIBRARY();
	bayer_gives_its_colour(WIDTH + 32, 2);
}

/* Other readers have the same frame. */
static void test_the_frame_stays_as_it_is(void)
{
	static const uint32_t fourccs[] = { V4L2_PIX_FMT_SRGGB8,   V4L2_PIX_FMT_SRGGB10,
					    V4L2_PIX_FMT_SRGGB10P, V4L2_PIX_FMT_SRGGB16,
					    V4L2_PIX_FMT_Y16_BE,   V4L2_PIX_FMT_Y10BPACK };

	NEEDS_LIBRARY();
	for (unsigned i = 0; i < ARRAY_SIZE(fourccs); i++) {
		uint32_t stride = WIDTH * glint_format_find(fourccs[i])->bits_per_pixel / 8;
		uint8_t *before, *once;
		struct rig rig;
		size_t size;

		CU_ASSERT_EQUAL_FATAL(rig_open(&rig, fourccs[i], WIDTH, stride), 0);
		size = rig.buf.planes[0].size;
		before = malloc(size);
		CU_ASSERT_PTR_NOT_NULL_FATAL(before);
		for (size_t k = 0; k < size; k++)
			before[k] = rig.buf.planes[0].map[k] = (uint8_t)(k * 7 + k / 256);
		CU_ASSERT_EQUAL_FATAL(rig_run(&rig, (size_t)stride * HEIGHT), 0);
		CU_ASSERT_EQUAL(memcmp(before, rig.buf.planes[0].map, size), 0);
		/* A second reader gets the same pixels. */
		once = malloc(WIDTH * HEIGHT);
		CU_ASSERT_PTR_NOT_NULL_FATAL(once);
		memcpy(once, rig.view.comp[0].base, WIDTH * HEIGHT);
		CU_ASSERT_EQUAL_FATAL(rig_run(&rig, (size_t)stride * HEIGHT), 0);
		CU_ASSERT_EQUAL(memcmp(once, rig.view.comp[0].base, WIDTH * HEIGHT), 0);
		free(once);
		free(before);
		rig_close(&rig);
	}
}

/* libv4lconvert would read far beyond such a frame. */
static void test_lines_that_cannot_be_are_an_error(void)
{
	static const uint32_t strides[] = { 0, WIDTH - 1, WIDTH * 5, UINT32_MAX };
	struct rig rig;

	NEEDS_LIBRARY();
	for (unsigned i = 0; i < ARRAY_SIZE(strides); i++) {
		CU_ASSERT_EQUAL(rig_open(&rig, V4L2_PIX_FMT_SRGGB8, WIDTH, strides[i]), -EPROTO);
		rig_close(&rig);
	}
	CU_ASSERT_EQUAL(rig_open(&rig, V4L2_PIX_FMT_SRGGB8, 4, 4), -EPROTO);
	rig_close(&rig);
	CU_ASSERT_EQUAL(rig_open(&rig, V4L2_PIX_FMT_SN9C20X_I420, WIDTH + 8, WIDTH), -EPROTO);
	rig_close(&rig);
}

static void test_sixteen_bits_of_grey_keep_the_upper_eight(void)
{
	unsigned wrong = 0;
	struct rig rig;

	NEEDS_LIBRARY();
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, V4L2_PIX_FMT_Y16_BE, WIDTH, WIDTH * 2), 0);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
		rig.buf.planes[0].map[2 * i] = (uint8_t)i;
		rig.buf.planes[0].map[2 * i + 1] = 0x5a;
	}
	CU_ASSERT_EQUAL_FATAL(rig_run(&rig, (size_t)WIDTH * HEIGHT * 2), 0);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		wrong += rig.view.comp[0].base[i] != (uint8_t)i;
	for (uint32_t i = 0; i < WIDTH * HEIGHT / 4; i++)
		wrong += rig.view.comp[1].base[i] != 128 || rig.view.comp[2].base[i] != 128;
	CU_ASSERT_EQUAL(wrong, 0);
	rig_close(&rig);
}

/* The result of a frame of eight bits, and of one with the same upper eight of twelve. */
static void expect_twelve_like_eight(uint32_t eight, uint32_t twelve, bool packed, uint32_t padding)
{
	uint32_t bytes = packed ? WIDTH * 3 / 2 : WIDTH * 2;
	struct rig a, b;

	CU_ASSERT_EQUAL_FATAL(rig_open(&a, eight, WIDTH, WIDTH), 0);
	CU_ASSERT_EQUAL_FATAL(rig_open(&b, twelve, WIDTH, bytes + padding), 0);
	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++) {
			uint8_t value = (uint8_t)(x * 7 + y * 13), low = (uint8_t)(x + y) & 15;
			uint8_t *line = b.buf.planes[0].map + (size_t)y * (bytes + padding);

			a.buf.planes[0].map[y * WIDTH + x] = value;
			if (packed) {
				line[x / 2 * 3 + x % 2] = value;
				line[x / 2 * 3 + 2] = low;
			} else {
				line[2 * x] = (uint8_t)(value << 4 | low);
				line[2 * x + 1] = value >> 4;
			}
		}
	CU_ASSERT_EQUAL_FATAL(rig_run(&a, a.buf.planes[0].size), 0);
	CU_ASSERT_EQUAL_FATAL(rig_run(&b, b.buf.planes[0].size), 0);
	for (uint32_t y = 0; y < HEIGHT; y++)
		CU_ASSERT_EQUAL(memcmp(a.view.comp[0].base + (size_t)y * a.view.comp[0].stride,
				       b.view.comp[0].base + (size_t)y * b.view.comp[0].stride,
				       (size_t)WIDTH * 3),
				0);
	rig_close(&a);
	rig_close(&b);
}

static void test_a_sensor_of_twelve_bits_gives_what_its_upper_eight_give(void)
{
	NEEDS_LIBRARY();
	expect_twelve_like_eight(V4L2_PIX_FMT_SRGGB8, V4L2_PIX_FMT_SRGGB12, false, 0);
	expect_twelve_like_eight(V4L2_PIX_FMT_SBGGR8, V4L2_PIX_FMT_SBGGR12, false, 64);
	expect_twelve_like_eight(V4L2_PIX_FMT_SGRBG8, V4L2_PIX_FMT_SGRBG12P, true, 0);
	expect_twelve_like_eight(V4L2_PIX_FMT_SGBRG8, V4L2_PIX_FMT_SGBRG12P, true, 30);
}

static void test_a_bright_and_a_dark_frame_keep_their_brightness(void)
{
	struct rig rig;

	NEEDS_LIBRARY();
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, V4L2_PIX_FMT_SRGGB8, WIDTH, WIDTH), 0);
	for (unsigned frame = 0; frame < 40; frame++) {
		/* Automatic gain would need some frames to set in. */
		memset(rig.buf.planes[0].map, 20, (size_t)WIDTH * HEIGHT);
		CU_ASSERT_EQUAL_FATAL(rig_run(&rig, (size_t)WIDTH * HEIGHT), 0);
		CU_ASSERT_EQUAL(rig.view.comp[0].base[WIDTH * 3 * 20 + 60], 20);
	}
	rig_close(&rig);
}

static void test_the_library_knows_every_format_that_the_table_gives_it(void)
{
	const struct glint_format_info *info;
	unsigned known = 0;

	NEEDS_LIBRARY();
	for (unsigned i = 0; (info = glint_format_at(i)); i++) {
		struct rig rig;

		if (info->becomes == 0)
			continue;
		CU_ASSERT_EQUAL_FATAL(rig_open(&rig, info->fourcc, WIDTH, WIDTH * 2), 0);
		CU_ASSERT_EQUAL(rig_run(&rig, rig.buf.planes[0].size), 0);
		known++;
		rig_close(&rig);
	}
	CU_ASSERT(known > 20);
}

static void test_a_short_frame_is_an_error(void)
{
	struct rig rig;

	NEEDS_LIBRARY();
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, V4L2_PIX_FMT_SRGGB8, WIDTH, WIDTH), 0);
	CU_ASSERT_EQUAL(rig_run(&rig, WIDTH), -EPROTO);
	CU_ASSERT_EQUAL(rig_run(&rig, (size_t)WIDTH * HEIGHT - 1), -EPROTO);
	rig.buf.planes[0].offset = (uint32_t)rig.buf.planes[0].size - WIDTH;
	CU_ASSERT_EQUAL(rig_run(&rig, rig.buf.planes[0].size), -EPROTO);
	rig.buf.planes[0].offset = 0;
	CU_ASSERT_EQUAL(rig_run(&rig, (size_t)WIDTH * HEIGHT), 0);
	rig_close(&rig);
}

static void test_a_size_that_the_result_cannot_have_is_an_error(void)
{
	struct rig rig;

	NEEDS_LIBRARY();
	CU_ASSERT_EQUAL(rig_open(&rig, V4L2_PIX_FMT_Y16_BE, WIDTH - 1, WIDTH * 2), -EPROTO);
	CU_ASSERT_PTR_NULL(rig.convert);
	rig_close(&rig);
}

/* clang-format off */
GLINT_TESTS("convert",
	GLINT_TEST(test_a_bayer_sensor_that_sees_one_colour_gives_that_colour),
	GLINT_TEST(test_padding_is_taken_out_by_a_pass_that_is_counted),
	GLINT_TEST(test_the_frame_stays_as_it_is),
	GLINT_TEST(test_lines_that_cannot_be_are_an_error),
	GLINT_TEST(test_sixteen_bits_of_grey_keep_the_upper_eight),
	GLINT_TEST(test_a_sensor_of_twelve_bits_gives_what_its_upper_eight_give),
	GLINT_TEST(test_a_bright_and_a_dark_frame_keep_their_brightness),
	GLINT_TEST(test_the_library_knows_every_format_that_the_table_gives_it),
	GLINT_TEST(test_a_short_frame_is_an_error),
	GLINT_TEST(test_a_size_that_the_result_cannot_have_is_an_error),
)
