/* SPDX-License-Identifier: MIT */
/* Looks at pictures: what counts as changed, as dark, and as the same picture in another size. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "pixels/pixels.h"
#include "truth/look.h"

#define WIDTH  1920u
#define HEIGHT 1080u

static uint8_t line[GLINT_LOOK_LINE_MAX];

/* A picture of one grey level; the caller frees it. */
static uint8_t *plain(uint32_t width, uint32_t height, uint8_t level)
{
	uint8_t *rgb = malloc((size_t)3 * width * height);

	CU_ASSERT_PTR_NOT_NULL_FATAL(rgb);
	memset(rgb, level, (size_t)3 * width * height);
	return rgb;
}

static void fill(uint8_t *rgb, uint32_t width, struct glint_region region, uint8_t level)
{
	for (uint32_t y = region.y; y < region.y + region.height; y++)
		memset(rgb + ((size_t)y * width + region.x) * 3, level, (size_t)3 * region.width);
}

static void take(struct glint_look *look, const uint8_t *rgb, uint32_t width, uint32_t height)
{
	struct glint_pixels_source source;
	struct glint_format format;

	glint_pixels_of_pixels(&source, &format, GLINT_PIXELS_RGB24, rgb, width, height);
	CU_ASSERT_EQUAL_FATAL(glint_look_take(look, &source, line), 0);
}

static void test_a_blinking_cursor_is_a_change(void)
{
	static struct glint_look before, after;
	uint8_t *rgb = plain(WIDTH, HEIGHT, 10);

	take(&before, rgb, WIDTH, HEIGHT);
	take(&after, rgb, WIDTH, HEIGHT);
	CU_ASSERT_FALSE(glint_look_differs(&before, &after, 0));
	/* A cell of a console of 8 x 16, wherever it is. */
	for (uint32_t y = 0; y + 16 <= HEIGHT; y += 5) {
		fill(rgb, WIDTH, (struct glint_region){ 984, y, 8, 16 }, 200);
		take(&after, rgb, WIDTH, HEIGHT);
		CU_ASSERT_TRUE(glint_look_differs(&before, &after, 4));
		fill(rgb, WIDTH, (struct glint_region){ 984, y, 8, 16 }, 10);
	}
	free(rgb);
}

static void test_the_noise_of_a_sensor_is_no_change(void)
{
	static struct glint_look before, after;
	uint8_t *rgb = plain(WIDTH, HEIGHT, 100);
	unsigned random = 1;

	take(&before, rgb, WIDTH, HEIGHT);
	/* Uniform noise of +-8 has a deviation of 4.9. */
	for (size_t i = 0; i < (size_t)3 * WIDTH * HEIGHT; i++) {
		random = random * 1103515245u + 12345u;
		rgb[i] = (uint8_t)(92 + (random >> 16) % 17);
	}
	take(&after, rgb, WIDTH, HEIGHT);
	CU_ASSERT_FALSE(glint_look_differs(&before, &after, 4));
	CU_ASSERT_TRUE(glint_look_differs(&before, &after, 0));
	free(rgb);
}

static void test_black_has_no_bright_piece(void)
{
	static struct glint_look look;
	uint8_t *rgb = plain(WIDTH, HEIGHT, 12);

	take(&look, rgb, WIDTH, HEIGHT);
	CU_ASSERT_TRUE(glint_look_is_dark(&look, 12));
	CU_ASSERT_FALSE(glint_look_is_dark(&look, 11));
	fill(rgb, WIDTH, (struct glint_region){ 400, 800, 40, 20 }, 90);
	take(&look, rgb, WIDTH, HEIGHT);
	CU_ASSERT_FALSE(glint_look_is_dark(&look, 12));
	free(rgb);
}

static void test_a_card_is_known_in_another_size_and_others_are_not(void)
{
	static struct glint_look look;
	static struct glint_thumb card, small, other;
	uint8_t *rgb = plain(WIDTH, HEIGHT, 30), *half = plain(WIDTH / 2, HEIGHT / 2, 30);

	fill(rgb, WIDTH, (struct glint_region){ 480, 270, 960, 540 }, 180);
	fill(half, WIDTH / 2, (struct glint_region){ 240, 135, 480, 270 }, 180);
	take(&look, rgb, WIDTH, HEIGHT);
	glint_thumb_make(&card, &look);
	take(&look, half, WIDTH / 2, HEIGHT / 2);
	glint_thumb_make(&small, &look);
	CU_ASSERT_TRUE(glint_thumb_matches(&card, &small, 6));
	/* The same but for a window in a corner: little in the mean, much in one place. */
	fill(rgb, WIDTH, (struct glint_region){ 0, 0, 192, 108 }, 180);
	take(&look, rgb, WIDTH, HEIGHT);
	glint_thumb_make(&other, &look);
	CU_ASSERT_FALSE(glint_thumb_matches(&card, &other, 6));
	free(half);
	free(rgb);
}

static void test_a_picture_that_is_too_small_for_a_look_is_refused(void)
{
	static struct glint_look look;
	struct glint_pixels_source source;
	struct glint_format format;
	uint8_t *rgb = plain(64, 17, 0);

	glint_pixels_of_pixels(&source, &format, GLINT_PIXELS_RGB24, rgb, 63, 17);
	CU_ASSERT_EQUAL(glint_look_take(&look, &source, line), -EINVAL);
	glint_pixels_of_pixels(&source, &format, GLINT_PIXELS_RGB24, rgb, 64, 17);
	CU_ASSERT_EQUAL(glint_look_take(&look, &source, line), 0);
	CU_ASSERT_TRUE(glint_look_is_dark(&look, 0));
	free(rgb);
}

/* clang-format off */
GLINT_TESTS("look",
	GLINT_TEST(test_a_blinking_cursor_is_a_change),
	GLINT_TEST(test_the_noise_of_a_sensor_is_no_change),
	GLINT_TEST(test_black_has_no_bright_piece),
	GLINT_TEST(test_a_card_is_known_in_another_size_and_others_are_not),
	GLINT_TEST(test_a_picture_that_is_too_small_for_a_look_is_refused),
)
