/* SPDX-License-Identifier: MIT */
/* Whether a picture shows a reference: places, masks, areas and margins. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness.h"
#include "judge/match.h"
#include "pixels/picture.h"
#include "random.h"

#define WIDTH  96u
#define HEIGHT 64u

static uint8_t screen[WIDTH * HEIGHT * 3]; /* BGR */

struct rig {
	struct glint_condition condition;
	struct glint_picture reference;
	struct glint_match *match;
	struct glint_match_result result;
};

/* A screen of noise: no part of it is like another. */
static void paint_screen(unsigned seed)
{
	struct random random = { seed };

	for (size_t i = 0; i < sizeof(screen); i++)
		screen[i] = (uint8_t)random_below(&random, 256);
}

/* The reference is a part of the screen. */
static void rig_init(struct rig *r, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	*r = (struct rig){ .reference = { .width = width, .height = height } };
	glint_condition_init(&r->condition, GLINT_CONDITION_MATCH, GLINT_METRIC_LUMA);
	r->condition.has_at = true;
	r->condition.at_x = x;
	r->condition.at_y = y;
	r->reference.rgb = malloc((size_t)width * height * 3);
	for (uint32_t row = 0; row < height; row++)
		for (uint32_t column = 0; column < width; column++) {
			const uint8_t *bgr = &screen[((y + row) * WIDTH + x + column) * 3];
			uint8_t *rgb = &r->reference.rgb[(row * width + column) * 3];

			rgb[0] = bgr[2];
			rgb[1] = bgr[1];
			rgb[2] = bgr[0];
		}
}

static void rig_fini(struct rig *r)
{
	glint_match_destroy(r->match);
	glint_picture_fini(&r->reference);
}

static void exclude(struct rig *r, struct glint_region region)
{
	r->condition.excluded[r->condition.n_excluded++] = region;
}

static int make(struct rig *r)
{
	int err;

	glint_match_destroy(r->match);
	r->match = NULL;
	err = glint_match_create(&r->match, &r->condition, &r->reference, SIZE_MAX);
	return err < 0 ? err : glint_match_place(r->match, WIDTH, HEIGHT, SIZE_MAX);
}

/* Returns the similarity. */
static double look(struct rig *r)
{
	const struct glint_region *window = &r->match->window;
	struct glint_judge_pixels pixels = {
		.base = screen + window->y * WIDTH * 3 + window->x * 3,
		.stride = WIDTH * 3,
	};

	glint_match_look(r->match, glint_judge_kernels_choose(), &pixels, &r->result);
	return r->result.similarity;
}

static void paint(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t value)
{
	for (uint32_t row = y; row < y + height; row++)
		memset(&screen[(row * WIDTH + x) * 3], value, width * 3);
}

#define EXPECT_BOX(r, X, Y, W, H)                                                                  \
	do {                                                                                       \
		CU_ASSERT_EQUAL((r)->result.box.x, X);                                             \
		CU_ASSERT_EQUAL((r)->result.box.y, Y);                                             \
		CU_ASSERT_EQUAL((r)->result.box.width, W);                                         \
		CU_ASSERT_EQUAL((r)->result.box.height, H);                                        \
	} while (0)

/* --- The measure ---------------------------------------------------------------------- */

static void test_grey_is_that_of_its_weights(void)
{
	static const uint8_t bgr[] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 7, 7, 7 };
	uint8_t grey[5];

	glint_judge_kernels_plain.grey(grey, bgr, 5);
	CU_ASSERT_EQUAL(grey[0], 29);
	CU_ASSERT_EQUAL(grey[1], 150);
	CU_ASSERT_EQUAL(grey[2], 76);
	CU_ASSERT_EQUAL(grey[3], 255);
	CU_ASSERT_EQUAL(grey[4], 7);
}

static void test_blur_spreads_a_point_and_mirrors_the_edges(void)
{
	uint8_t in[25] = { [12] = 160, [0] = 16 }, out[25], one = 77;
	uint16_t row[7];

	glint_match_blur(glint_judge_kernels_choose(), out, in, 5, 5, row);
	CU_ASSERT_EQUAL(out[12], 40);
	CU_ASSERT_EQUAL(out[11], 20);
	CU_ASSERT_EQUAL(out[7], 20);
	CU_ASSERT_EQUAL(out[18], 10);
	CU_ASSERT_EQUAL(out[0], (4 * 16 + 4 * 0) / 16);
	CU_ASSERT_EQUAL(out[1], 2);
	CU_ASSERT_EQUAL(out[24], 0);
	/* In a row of two, both neighbours of a pixel are the other one. */
	glint_match_blur(glint_judge_kernels_choose(), out, (const uint8_t[]){ 0, 100 }, 2, 1, row);
	CU_ASSERT_EQUAL(out[0], 50);
	CU_ASSERT_EQUAL(out[1], 50);
	glint_match_blur(glint_judge_kernels_choose(), out, &one, 1, 1, row);
	CU_ASSERT_EQUAL(out[0], 77);
}

static void test_differences_below_one_step_do_not_count(void)
{
	static const uint8_t a[] = { 100, 100, 0, 7, 8, 255 }, b[] = { 115, 116, 255, 23, 23, 255 };

	CU_ASSERT_EQUAL(glint_judge_kernels_plain.steps(a, b, 1), 0);
	CU_ASSERT_EQUAL(glint_judge_kernels_plain.steps(a + 1, b + 1, 1), 1);	/* 6 and 7 steps */
	CU_ASSERT_EQUAL(glint_judge_kernels_plain.steps(a + 2, b + 2, 1), 256); /* 0 and 16 */
	CU_ASSERT_EQUAL(glint_judge_kernels_plain.steps(a + 3, b + 3, 1), 1);	/* 0 and 1 */
	CU_ASSERT_EQUAL(glint_judge_kernels_plain.steps(a + 4, b + 4, 2), 0);
	CU_ASSERT_EQUAL(glint_judge_kernels_plain.steps(a, b, 6), 1 + 256 + 1);
}

static void test_similarity_is_0_9_at_an_error_of_40(void)
{
	CU_ASSERT_DOUBLE_EQUAL(glint_match_similarity(0, 10), 1, 0);
	CU_ASSERT_DOUBLE_EQUAL(glint_match_similarity(1, 128), 1, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(glint_match_similarity(100, 640), 0.9, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(glint_match_similarity(1000000, 1), 0, 0);
}

/* --- Places ----------------------------------------------------------------------------- */

static void test_a_part_of_the_screen_matches_at_its_place_only(void)
{
	struct rig r;

	paint_screen(1);
	rig_init(&r, 20, 10, 33, 17);
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
	EXPECT_BOX(&r, 20, 10, 33, 17);
	r.condition.at_x++;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT(look(&r) < 0.9);
	EXPECT_BOX(&r, 21, 10, 33, 17);
	rig_fini(&r);
}

static void test_within_the_margin_the_reference_is_found(void)
{
	struct rig r;

	paint_screen(2);
	rig_init(&r, 20, 10, 30, 20);
	r.condition.at_x = 13;
	r.condition.at_y = 16;
	r.condition.margin = 6;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT(look(&r) < 0.5); /* 7 to the right */
	r.condition.margin = 7;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
	EXPECT_BOX(&r, 20, 10, 30, 20);
	/* The edges of the picture cut the margin. */
	r.condition.margin = 1000;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT_EQUAL(r.match->window.width, WIDTH);
	CU_ASSERT_EQUAL(r.match->window.height, HEIGHT);
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
	EXPECT_BOX(&r, 20, 10, 30, 20);
	rig_fini(&r);
}

static void test_of_equal_places_the_nearest_is_reported(void)
{
	struct rig r;

	memset(screen, 50, sizeof(screen));
	paint(10, 10, 4, 4, 200);
	paint(40, 10, 4, 4, 200);
	rig_init(&r, 8, 8, 8, 8);
	r.condition.at_x = 30;
	r.condition.margin = 30;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
	EXPECT_BOX(&r, 38, 8, 8, 8);
	rig_fini(&r);
}

static void test_without_a_place_the_only_region_of_that_size_is_the_place(void)
{
	struct rig r;

	paint_screen(3);
	rig_init(&r, 20, 10, 30, 20);
	r.condition.has_at = false;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	EXPECT_BOX(&(struct rig){ .result.box = r.match->place }, 0, 0, 30, 20);
	r.condition.areas[0] = (struct glint_region){ 20, 10, 30, 20 };
	r.condition.n_areas = 1;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
	/* Of another size, it is a part of a reference in the corner. */
	r.condition.areas[0] = (struct glint_region){ 20, 10, 10, 10 };
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT(look(&r) < 0.5);
	rig_fini(&r);
}

static void test_a_match_that_needs_too_much_memory_is_not_made(void)
{
	size_t held = 2 * (size_t)GLINT_CONDITION_AREAS_MAX * 30 * 20;
	struct rig r;

	paint_screen(5);
	rig_init(&r, 20, 10, 30, 20);
	r.condition.n_areas = GLINT_CONDITION_AREAS_MAX;
	for (unsigned i = 0; i < GLINT_CONDITION_AREAS_MAX; i++)
		r.condition.areas[i] = (struct glint_region){ 20, 10, 30, 20 };
	CU_ASSERT_EQUAL(glint_match_create(&r.match, &r.condition, &r.reference, held - 1),
			-ENOBUFS);
	CU_ASSERT_EQUAL_FATAL(glint_match_create(&r.match, &r.condition, &r.reference, held), 0);
	CU_ASSERT_EQUAL(r.match->held, held);
	rig_fini(&r);
}

static void test_what_does_not_fit_is_refused(void)
{
	struct rig r;

	paint_screen(4);
	rig_init(&r, 20, 10, 30, 20);
	r.condition.at_x = WIDTH - 29;
	CU_ASSERT_EQUAL(make(&r), -ERANGE);
	r.condition.at_x = 65535;
	CU_ASSERT_EQUAL(make(&r), -ERANGE);
	r.condition.at_x = 20;
	r.condition.n_areas = 1;
	r.condition.areas[0] = (struct glint_region){ 19, 10, 5, 5 };
	CU_ASSERT_EQUAL(make(&r), -ERANGE);
	r.condition.areas[0] = (struct glint_region){ 46, 10, 5, 5 };
	CU_ASSERT_EQUAL(make(&r), -ERANGE);
	r.condition.areas[0] = (struct glint_region){ 45, 25, 5, 5 };
	CU_ASSERT_EQUAL(make(&r), 0);
	exclude(&r, (struct glint_region){ 45, 25, 5, 5 });
	CU_ASSERT_EQUAL(make(&r), -ENODATA);
	rig_fini(&r);
}

static void test_a_search_that_takes_too_long_is_refused(void)
{
	struct rig r;

	paint_screen(5);
	rig_init(&r, 0, 0, 48, 32);
	r.condition.margin = 1000;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	/* 1873 * 1049 places for 48 * 32 pixels. */
	CU_ASSERT_EQUAL(glint_match_place(r.match, 1920, 1080, SIZE_MAX), -E2BIG);
	CU_ASSERT_EQUAL(r.match->window.width, 0);
	rig_fini(&r);
}

static void test_a_search_without_room_for_its_window_holds_no_more_than_before(void)
{
	struct rig r;
	size_t held;

	paint_screen(5);
	rig_init(&r, 0, 0, 1, 1);
	r.condition.margin = 1000;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	held = r.match->held;
	CU_ASSERT_EQUAL(glint_match_place(r.match, 1920, 1080, held + 1000), -ENOMEM);
	CU_ASSERT_EQUAL(r.match->window.width, 0);
	CU_ASSERT(r.match->held <= held);
	CU_ASSERT_EQUAL(glint_match_place(r.match, WIDTH, HEIGHT, held), 0);
	CU_ASSERT_EQUAL(r.match->held, held);
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
	rig_fini(&r);
}

/* --- Masks and areas -------------------------------------------------------------------- */

static void test_transparent_and_excluded_pixels_do_not_count(void)
{
	struct rig r;

	paint_screen(6);
	rig_init(&r, 20, 10, 30, 20);
	r.reference.alpha = malloc(30 * 20);
	memset(r.reference.alpha, 255, 30 * 20);
	for (uint32_t y = 5; y < 15; y++)
		memset(r.reference.alpha + y * 30 + 5, 127, 10);
	exclude(&r, (struct glint_region){ 0, 0, 24, 64 });
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT_EQUAL(r.match->areas[0].counted, 26 * 20 - 10 * 10);
	paint(25, 15, 10, 10, 0);
	paint(20, 10, 4, 20, 0);
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0); /* not even at the edge of what does not count */
	paint(35, 15, 4, 4, 0);
	CU_ASSERT(look(&r) < 0.96);
	rig_fini(&r);
}

static void test_the_mask_goes_with_the_reference(void)
{
	struct rig r;

	paint_screen(7);
	rig_init(&r, 20, 10, 30, 20);
	exclude(&r, (struct glint_region){ 30, 15, 10, 10 });
	r.condition.margin = 5;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	/* The screen has moved, and shows a clock where none is compared. */
	memmove(screen, screen + 3 * 3, sizeof(screen) - 3 * 3);
	paint(27, 15, 10, 10, 0);
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
	EXPECT_BOX(&r, 17, 10, 30, 20);
	rig_fini(&r);
}

static void test_each_area_must_match_and_the_worst_is_reported(void)
{
	struct rig r;
	double worst;

	paint_screen(8);
	rig_init(&r, 0, 0, WIDTH, HEIGHT);
	r.condition.n_areas = 2;
	r.condition.areas[0] = (struct glint_region){ 4, 4, 20, 10 };
	r.condition.areas[1] = (struct glint_region){ 60, 40, 30, 20 };
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	paint(30, 20, 20, 20, 0); /* between them */
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
	EXPECT_BOX(&r, 4, 4, 86, 56);
	paint(70, 45, 4, 4, 0);
	worst = look(&r);
	CU_ASSERT(worst < 0.96);
	/* The other one alone is as it was. */
	r.condition.n_areas = 1;
	CU_ASSERT_EQUAL_FATAL(make(&r), 0);
	CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
	rig_fini(&r);
}

static void test_random_parts_are_found_with_what_they_hold(void)
{
	struct random random = random_begin();

	for (unsigned round = 0; round < 300; round++) {
		uint32_t width = 4 + random_below(&random, 40);
		uint32_t height = 4 + random_below(&random, 30);
		uint32_t x = random_below(&random, WIDTH - width + 1);
		uint32_t y = random_below(&random, HEIGHT - height + 1);
		struct rig r;
		size_t held;

		paint_screen(round);
		rig_init(&r, x, y, width, height);
		r.condition.at_x = random_below(&random, WIDTH - width + 1);
		r.condition.at_y = random_below(&random, HEIGHT - height + 1);
		r.condition.margin = 1000;
		CU_ASSERT_EQUAL_FATAL(make(&r), 0);
		CU_ASSERT_DOUBLE_EQUAL(look(&r), 1, 0);
		EXPECT_BOX(&r, x, y, width, height);
		held = r.match->held;
		CU_ASSERT_EQUAL(glint_match_place(r.match, WIDTH, HEIGHT, SIZE_MAX), 0);
		CU_ASSERT_EQUAL(r.match->held, held);
		rig_fini(&r);
	}
}

GLINT_TESTS("judge_match", GLINT_TEST(test_grey_is_that_of_its_weights),
	    GLINT_TEST(test_blur_spreads_a_point_and_mirrors_the_edges),
	    GLINT_TEST(test_differences_below_one_step_do_not_count),
	    GLINT_TEST(test_similarity_is_0_9_at_an_error_of_40),
	    GLINT_TEST(test_a_part_of_the_screen_matches_at_its_place_only),
	    GLINT_TEST(test_within_the_margin_the_reference_is_found),
	    GLINT_TEST(test_of_equal_places_the_nearest_is_reported),
	    GLINT_TEST(test_without_a_place_the_only_region_of_that_size_is_the_place),
	    GLINT_TEST(test_a_match_that_needs_too_much_memory_is_not_made),
	    GLINT_TEST(test_what_does_not_fit_is_refused),
	    GLINT_TEST(test_a_search_that_takes_too_long_is_refused),
	    GLINT_TEST(test_a_search_without_room_for_its_window_holds_no_more_than_before),
	    GLINT_TEST(test_transparent_and_excluded_pixels_do_not_count),
	    GLINT_TEST(test_the_mask_goes_with_the_reference),
	    GLINT_TEST(test_each_area_must_match_and_the_worst_is_reported),
	    GLINT_TEST(test_random_parts_are_found_with_what_they_hold), )
