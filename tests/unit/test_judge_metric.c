/* SPDX-License-Identifier: MIT */
/* How pictures are compared: bits, kernels and metrics, against plain re-writings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness.h"
#include "judge/cover.h"
#include "judge/meter.h"
#include "judge/metric.h"
#include "random.h"

#define SIDE_MAX 200u

static uint8_t first[SIDE_MAX * SIDE_MAX * 3], second[SIDE_MAX * SIDE_MAX * 3];
static uint64_t scratch[3 * SIDE_MAX * (SIDE_MAX / 64 + 1)];
static uint64_t mask[SIDE_MAX * (SIDE_MAX / 64 + 1)];

/* --- Kernels ---------------------------------------------------------------------- */

static const struct glint_judge_kernels *all_kernels(unsigned index)
{
	static const struct glint_judge_kernels *const plain = &glint_judge_kernels_plain;
	const struct glint_judge_kernels *best = glint_judge_kernels_choose();

	if (index == 0)
		return plain;
	return index == 1 && best != plain ? best : NULL;
}

/* Values that lie near to one another, and some that do not. */
static void fill_pair(struct random *random, size_t n, unsigned spread)
{
	for (size_t i = 0; i < n; i++) {
		first[i] = (uint8_t)random_below(random, 256);
		second[i] = (uint8_t)(first[i] + random_below(random, 2 * spread + 1) - spread);
	}
}

static void test_wide_kernels_do_what_the_plain_ones_do(void)
{
	const struct glint_judge_kernels *plain = &glint_judge_kernels_plain;
	const struct glint_judge_kernels *best = glint_judge_kernels_choose();
	struct random random = random_begin();
	uint64_t expected[8], found[8];
	uint8_t far[2][300];

	if (best == plain)
		GLINT_SKIP("this processor has plain kernels only");
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t n = 1 + random_below(&random, 300), words = (n + 63) / 64;
		unsigned threshold = random_below(&random, 256);
		uint32_t limit;
		bool some;

		fill_pair(&random, n * 3, 1 + random_below(&random, 127));
		threshold = round % 2 ? threshold : threshold / 8;
		CU_ASSERT_EQUAL(best->distance(far[0], first, second, n),
				plain->distance(far[1], first, second, n));
		CU_ASSERT_EQUAL_FATAL(memcmp(far[0], far[1], n), 0);
		best->swap(far[0], first, n / 3);
		plain->swap(far[1], first, n / 3);
		CU_ASSERT_EQUAL_FATAL(memcmp(far[0], far[1], n / 3 * 3), 0);
		plain->distance(far[1], first, second, n);
		CU_ASSERT_EQUAL(best->furthest(first, second, n), plain->largest(far[1], n));
		CU_ASSERT_EQUAL(plain->furthest(first, second, n), plain->largest(far[1], n));
		/* The limit is 3 * t^2 of a threshold between @threshold and the next integer. */
		limit = 3 * threshold * threshold + random_below(&random, 6 * threshold + 3);
		limit = MAX(limit, 1u);
		some = best->differ_bgr(first, second, n, threshold, limit, found) != 0;
		CU_ASSERT_EQUAL(
			plain->differ_bgr(first, second, n, threshold, limit, expected) != 0, some);
		CU_ASSERT_EQUAL_FATAL(memcmp(found, expected, words * 8), 0);
		CU_ASSERT_EQUAL(best->squares(first, second, n), plain->squares(first, second, n));
		CU_ASSERT_EQUAL(best->largest(first, n), plain->largest(first, n));
		CU_ASSERT_EQUAL(best->steps(first, second, n), plain->steps(first, second, n));
	}
}

static void test_wide_kernels_count_cells_as_the_plain_ones_do(void)
{
	const struct glint_judge_kernels *plain = &glint_judge_kernels_plain;
	const struct glint_judge_kernels *best = glint_judge_kernels_choose();
	struct random random = random_begin();

	if (best == plain)
		GLINT_SKIP("this processor has plain kernels only");
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t n = 1 + random_below(&random, 1200), words = (n + 511) / 512;
		unsigned threshold = random_below(&random, 256), least = random_below(&random, 65);
		uint64_t expected[3], found[3];
		const uint8_t *rows[8];

		fill_pair(&random, (size_t)n * 8, 255);
		for (unsigned y = 0; y < 8; y++)
			rows[y] = first + y * n;
		CU_ASSERT_EQUAL(best->cells(rows, n, threshold, least, found),
				plain->cells(rows, n, threshold, least, expected));
		CU_ASSERT_EQUAL_FATAL(memcmp(found, expected, words * 8), 0);
	}
}

/* Each byte of what is written, and none behind it. */
static void test_wide_kernels_blur_as_the_plain_ones_do(void)
{
	const struct glint_judge_kernels *plain = &glint_judge_kernels_plain;
	const struct glint_judge_kernels *best = glint_judge_kernels_choose();
	struct random random = random_begin();
	uint16_t sums[2][302];
	uint8_t out[2][302];

	if (best == plain)
		GLINT_SKIP("this processor has plain kernels only");
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t n = 1 + random_below(&random, 300);

		fill_pair(&random, n * 3, 1 + random_below(&random, 127));
		memset(out, 0x5a, sizeof(out));
		memset(sums, 0x5a, sizeof(sums));
		plain->grey(out[0], first, n);
		best->grey(out[1], first, n);
		CU_ASSERT_EQUAL_FATAL(memcmp(out[0], out[1], sizeof(out[0])), 0);
		plain->add_rows(sums[0] + 1, first, second, first + n, n);
		best->add_rows(sums[1] + 1, first, second, first + n, n);
		CU_ASSERT_EQUAL_FATAL(memcmp(sums[0], sums[1], sizeof(sums[0])), 0);
		sums[0][0] = sums[1][0] = sums[0][n + 1] = sums[1][n + 1] = 1020;
		plain->blend(out[0], sums[0], n);
		best->blend(out[1], sums[1], n);
		CU_ASSERT_EQUAL_FATAL(memcmp(out[0], out[1], sizeof(out[0])), 0);
	}
}

static void test_squares_of_a_long_row_do_not_overflow(void)
{
	uint32_t n = 3 * 15360 * 16;
	uint8_t *black = calloc(1, n), *white = malloc(n);

	memset(white, 255, n);
	for (unsigned i = 0; all_kernels(i); i++)
		CU_ASSERT_EQUAL(all_kernels(i)->squares(black, white, n), 65025ull * n);
	free(black);
	free(white);
}

/* --- Bits --------------------------------------------------------------------------- */

static bool bit_at(const struct glint_bits *bits, int64_t x, int64_t y, bool outside)
{
	if (x < 0 || y < 0 || x >= bits->width || y >= bits->height)
		return outside;
	return glint_bits_row(bits, (uint32_t)y)[x / 64] >> x % 64 & 1;
}

static void fill_bits(struct random *random, const struct glint_bits *bits, unsigned percent)
{
	struct glint_region pixel = { .width = 1, .height = 1 };

	glint_bits_fill(bits, false);
	for (pixel.y = 0; pixel.y < bits->height; pixel.y++)
		for (pixel.x = 0; pixel.x < bits->width; pixel.x++)
			if (random_below(random, 100) < percent)
				glint_bits_fill_region(bits, &pixel, true);
}

static const int cross[5][2] = { { 0, 0 }, { -1, 0 }, { 1, 0 }, { 0, -1 }, { 0, 1 } };

static bool is_kept(const struct glint_bits *bits, int64_t x, int64_t y)
{
	bool kept = x >= 0 && y >= 0 && x < bits->width && y < bits->height;

	for (int i = 0; i < 5; i++)
		kept = kept && bit_at(bits, x + cross[i][0], y + cross[i][1], true);
	return kept;
}

static bool is_opened(const struct glint_bits *bits, int64_t x, int64_t y)
{
	bool opened = false;

	for (int i = 0; i < 5; i++)
		opened = opened || is_kept(bits, x + cross[i][0], y + cross[i][1]);
	return opened;
}

/* What is left of lines @top to before @end. */
static struct glint_bits_extent opened_by_definition(const struct glint_bits *bits, uint32_t top,
						     uint32_t end)
{
	struct glint_bits_extent extent = { 0 };

	for (uint32_t y = top; y < end; y++)
		for (uint32_t x = 0; x < bits->width; x++) {
			const struct glint_region pixel = { x, y, 1, 1 };

			if (!is_opened(bits, x, y))
				continue;
			extent.count++;
			glint_region_include(&extent.box, &pixel);
		}
	return extent;
}

static void test_opening_erodes_and_dilates_with_a_cross(void)
{
	static uint64_t before[SIDE_MAX * 4], rows[16];
	struct random random = random_begin();
	uint64_t left = 0;

	for (unsigned round = 0; round < 60; round++) {
		struct glint_bits bits = { scratch, 1 + random_below(&random, 140),
					   1 + random_below(&random, 40) };
		size_t size = glint_bits_pitch(bits.width) * bits.height * 8;

		fill_bits(&random, &bits, 50 + random_below(&random, 50));
		memcpy(before, scratch, size);
		for (unsigned i = 0; i < 3 * bits.height; i++) {
			uint32_t y = i / 3, end = MIN(y + i % 3 * 7 + 1, bits.height);
			struct glint_bits_extent found = { 0 },
						 expected = opened_by_definition(&bits, y, end);

			memset(rows, 0xa5, sizeof(rows));
			glint_bits_measure_opened(&bits, y, end, rows, &found);
			CU_ASSERT_EQUAL_FATAL(found.count, expected.count);
			CU_ASSERT_TRUE_FATAL(glint_region_equals(&found.box, &expected.box));
			left += found.count;
		}
		CU_ASSERT_EQUAL(memcmp(before, scratch, size), 0);
	}
	CU_ASSERT_TRUE(left > 1000);
}

static void test_the_extent_is_the_smallest_box_and_the_runs_are_its_pixels(void)
{
	struct random random = random_begin();

	for (unsigned round = 0; round < 200; round++) {
		struct glint_bits bits = { scratch, 1 + random_below(&random, 190),
					   1 + random_below(&random, 20) };
		struct glint_bits_extent extent;
		uint32_t left = UINT32_MAX, right = 0, top = UINT32_MAX, bottom = 0, begin, length;
		uint64_t count = 0, in_runs = 0;

		fill_bits(&random, &bits, round % 3 == 0 ? 0 : random_below(&random, 100));
		for (uint32_t y = 0; y < bits.height; y++) {
			for (uint32_t x = 0; x < bits.width; x++)
				if (bit_at(&bits, x, y, false)) {
					left = MIN(left, x);
					right = MAX(right, x + 1);
					top = MIN(top, y);
					bottom = MAX(bottom, y + 1);
					count++;
				}
			for (uint32_t x = 0; glint_bits_next_run(glint_bits_row(&bits, y),
								 bits.width, x, &begin, &length);
			     x = begin + length) {
				CU_ASSERT_TRUE_FATAL(length > 0 && begin + length <= bits.width);
				for (uint32_t i = begin; i < begin + length; i++)
					CU_ASSERT_TRUE(bit_at(&bits, i, y, false));
				in_runs += length;
			}
		}
		glint_bits_measure(&bits, &extent);
		CU_ASSERT_EQUAL(extent.count, count);
		CU_ASSERT_EQUAL(in_runs, count);
		if (count > 0) {
			CU_ASSERT_EQUAL(extent.box.x, left);
			CU_ASSERT_EQUAL(extent.box.y, top);
			CU_ASSERT_EQUAL(extent.box.width, right - left);
			CU_ASSERT_EQUAL(extent.box.height, bottom - top);
		} else {
			CU_ASSERT_EQUAL(extent.box.width, 0);
		}
	}
}

/* --- Metrics -------------------------------------------------------------------------- */

static struct glint_difference compare(const struct glint_measure *measure, unsigned kernels)
{
	size_t stride = measure->width * glint_metric_bytes(measure->metric);
	struct glint_judge_pixels a = { first, stride }, b = { second, stride };
	struct glint_difference difference;

	glint_metric_compare(all_kernels(kernels), measure, &a, &b, scratch, &difference);
	return difference;
}

static void paint(uint8_t *picture, const struct glint_measure *measure, uint32_t x, uint32_t y,
		  uint32_t width, uint32_t height, uint8_t value)
{
	unsigned bytes = glint_metric_bytes(measure->metric);

	for (uint32_t row = y; row < y + height; row++)
		memset(picture + ((size_t)row * measure->width + x) * bytes, value, width * bytes);
}

static struct glint_measure measure_of(enum glint_metric metric, double threshold)
{
	memset(first, 40, sizeof(first));
	memset(second, 40, sizeof(second));
	return (struct glint_measure){
		.metric = metric,
		.threshold = threshold,
		.width = 160,
		.height = 120,
	};
}

static void test_equal_pictures_do_not_differ(void)
{
	for (unsigned metric = 0; metric < GLINT_METRICS; metric++) {
		struct glint_measure measure = measure_of(metric, 25);
		struct glint_difference difference = compare(&measure, 0);

		CU_ASSERT_FALSE(difference.differs);
		CU_ASSERT_EQUAL(difference.box.width, 0);
		CU_ASSERT_EQUAL(difference.score, metric == GLINT_METRIC_PSNR ? 1e6 : 0.0);
	}
}

static void test_a_text_cursor_differs_and_its_box_is_exact(void)
{
	for (unsigned metric = 0; metric < GLINT_METRIC_PSNR; metric++)
		for (unsigned kernels = 0; all_kernels(kernels); kernels++) {
			struct glint_measure measure = measure_of(metric, 25);
			struct glint_difference difference;

			paint(second, &measure, 33, 48, 3, 16, 200);
			difference = compare(&measure, kernels);
			CU_ASSERT_TRUE(difference.differs);
			CU_ASSERT_EQUAL(difference.box.x, 33);
			CU_ASSERT_EQUAL(difference.box.y, 48);
			CU_ASSERT_EQUAL(difference.box.width, 3);
			CU_ASSERT_EQUAL(difference.box.height, 16);
		}
}

static void test_single_pixels_are_noise(void)
{
	for (unsigned metric = 0; metric < GLINT_METRIC_PSNR; metric++) {
		struct glint_measure measure = measure_of(metric, 25);

		for (uint32_t y = 4; y < 120; y += 8)
			for (uint32_t x = 4; x < 160; x += 8)
				paint(second, &measure, x, y, 1, 1, 255);
		CU_ASSERT_FALSE(compare(&measure, 0).differs);
	}
}

static void test_the_threshold_is_the_last_level_that_luma_ignores(void)
{
	struct glint_measure measure = measure_of(GLINT_METRIC_LUMA, 25);

	paint(second, &measure, 10, 10, 40, 40, 65);
	CU_ASSERT_FALSE(compare(&measure, 0).differs);
	paint(second, &measure, 10, 10, 40, 40, 66);
	CU_ASSERT_TRUE(compare(&measure, 0).differs);
	CU_ASSERT_EQUAL(compare(&measure, 0).score, 1600);
}

static void test_stbt_differs_from_its_threshold_on(void)
{
	struct glint_measure measure = measure_of(GLINT_METRIC_STBT, 25);

	paint(second, &measure, 10, 10, 40, 40, 64);
	CU_ASSERT_FALSE(compare(&measure, 0).differs);
	paint(second, &measure, 10, 10, 40, 40, 65);
	CU_ASSERT_TRUE(compare(&measure, 0).differs);
}

static void test_what_is_smaller_than_min_size_does_not_count(void)
{
	struct glint_measure measure = measure_of(GLINT_METRIC_LUMA, 25);

	paint(second, &measure, 10, 10, 40, 20, 200);
	measure.min_width = 40;
	measure.min_height = 20;
	CU_ASSERT_TRUE(compare(&measure, 0).differs);
	measure.min_height = 21;
	CU_ASSERT_FALSE(compare(&measure, 0).differs);
	CU_ASSERT_EQUAL(compare(&measure, 0).box.width, 40); /* and is still told */
}

/* docs/WAITING.md in plain loops. */
static struct glint_difference luma_by_definition(const struct glint_measure *measure)
{
	static bool changed[SIDE_MAX][SIDE_MAX];
	uint32_t left = UINT32_MAX, right = 0, top = UINT32_MAX, bottom = 0, w = measure->width;
	struct glint_difference difference = { 0 };

	for (uint32_t y = 0; y < measure->height; y++)
		for (uint32_t x = 0; x < w; x++)
			changed[y][x] =
				abs(first[y * w + x] - second[y * w + x]) > measure->threshold &&
				(!measure->mask ||
				 measure->mask[y * glint_bits_pitch(w) + x / 64] >> x % 64 & 1);
	for (uint32_t y = 0; y < measure->height; y++)
		for (uint32_t x = 0; x < w; x++) {
			unsigned count = 0;

			for (uint32_t v = y / 8 * 8; v < MIN(y / 8 * 8 + 8, measure->height); v++)
				for (uint32_t u = x / 8 * 8; u < MIN(x / 8 * 8 + 8, w); u++)
					count += changed[v][u];
			if (!changed[y][x] || count < 4)
				continue;
			difference.score++;
			left = MIN(left, x);
			right = MAX(right, x + 1);
			top = MIN(top, y);
			bottom = MAX(bottom, y + 1);
		}
	if (difference.score > 0)
		difference.box = (struct glint_region){ left, top, right - left, bottom - top };
	difference.differs = difference.score > 0 && difference.box.width >= measure->min_width &&
			     difference.box.height >= measure->min_height;
	return difference;
}

static void test_luma_is_that_of_its_definition(void)
{
	struct random random = random_begin();

	for (unsigned round = 0; round < 2000; round++) {
		struct glint_measure measure = {
			.metric = GLINT_METRIC_LUMA,
			.threshold = random_below(&random, round % 5 ? 60 : 256),
			.width = 1 + random_below(&random, SIDE_MAX),
			.height = 1 + random_below(&random, SIDE_MAX / 2),
			.min_width = random_below(&random, 60),
			.min_height = random_below(&random, 60),
			.mask = random_below(&random, 3) ? NULL : mask,
			.masked_end = SIDE_MAX,
		};
		struct glint_bits bits = { mask, measure.width, measure.height };
		size_t pixels = (size_t)measure.width * measure.height;
		unsigned changes = random_below(&random, round % 2 ? 40 : (unsigned)pixels * 2);
		struct glint_difference expected;

		fill_bits(&random, &bits, random_below(&random, 101));
		memset(first, 90, pixels);
		memset(second, 90, pixels);
		for (unsigned i = 0; i < changes; i++)
			second[random_below(&random, (unsigned)pixels)] =
				(uint8_t)random_below(&random, 256);
		expected = luma_by_definition(&measure);
		for (unsigned kernels = 0; all_kernels(kernels); kernels++) {
			struct glint_difference difference = compare(&measure, kernels);

			CU_ASSERT_EQUAL(difference.score, expected.score);
			CU_ASSERT_EQUAL(difference.differs, expected.differs);
			CU_ASSERT_TRUE_FATAL(glint_region_equals(&difference.box, &expected.box));
		}
	}
}

static void test_masked_pixels_do_not_count(void)
{
	struct glint_bits bits = { mask, 160, 120 };
	struct glint_region clock = { 100, 0, 60, 20 };

	glint_bits_fill(&bits, true);
	glint_bits_fill_region(&bits, &clock, false);
	for (unsigned metric = 0; metric < GLINT_METRICS; metric++) {
		struct glint_measure measure = measure_of(metric, 25);

		measure.mask = mask;
		measure.masked_end = measure.height;
		paint(second, &measure, 100, 0, 60, 20, 255);
		CU_ASSERT_FALSE(compare(&measure, 0).differs);
		for (unsigned kernels = 0; all_kernels(kernels); kernels++)
			CU_ASSERT_EQUAL(compare(&measure, kernels).score,
					metric == GLINT_METRIC_PSNR ? 1e6 : 0.0);
		paint(second, &measure, 0, 60, 100, 60, 255);
		CU_ASSERT_TRUE(compare(&measure, 0).differs);
	}
}

static void test_psnr_is_that_of_its_definition(void)
{
	struct random random = random_begin();

	for (unsigned round = 0; round < 50; round++) {
		struct glint_measure measure = measure_of(GLINT_METRIC_PSNR, 40);
		size_t n = (size_t)measure.width * measure.height * 3;
		double noise = 0, expected;

		fill_pair(&random, n, 1 + round);
		for (size_t i = 0; i < n; i++)
			noise += pow((double)first[i] - second[i], 2);
		expected = 10 * log10(255.0 * 255.0 * (double)n / noise);
		for (unsigned kernels = 0; all_kernels(kernels); kernels++) {
			struct glint_difference difference = compare(&measure, kernels);

			CU_ASSERT_DOUBLE_EQUAL(difference.score, expected, 1e-9);
			CU_ASSERT_EQUAL(difference.differs, expected < 40);
		}
	}
}

static void test_the_brightest_pixel_is_found_outside_of_the_mask_only(void)
{
	struct glint_measure measure = measure_of(GLINT_METRIC_LUMA, 20);
	struct glint_judge_pixels picture = { first, measure.width };
	struct glint_bits bits = { mask, 160, 120 };
	struct glint_region pixel = { 77, 33, 1, 1 };

	first[33 * 160 + 77] = 250;
	for (unsigned kernels = 0; all_kernels(kernels); kernels++) {
		measure.mask = NULL;
		CU_ASSERT_EQUAL(glint_metric_brightest(all_kernels(kernels), &measure, &picture, 0,
						       120),
				250);
		CU_ASSERT_EQUAL(glint_metric_brightest(all_kernels(kernels), &measure, &picture, 34,
						       120),
				40);
		glint_bits_fill(&bits, true);
		glint_bits_fill_region(&bits, &pixel, false);
		measure.mask = mask;
		measure.masked_end = measure.height;
		CU_ASSERT_EQUAL(glint_metric_brightest(all_kernels(kernels), &measure, &picture, 0,
						       120),
				40);
	}
}

/* --- Covers ---------------------------------------------------------------------------- */

static void test_a_cover_has_each_pixel_of_the_regions_once(void)
{
	static uint8_t wanted[64][64], covered[64][64];
	static struct glint_cover cover;
	struct random random = random_begin();

	for (unsigned round = 0; round < 500; round++) {
		struct glint_region regions[GLINT_COVER_REGIONS_MAX];
		unsigned n = random_below(&random, 12);

		memset(wanted, 0, sizeof(wanted));
		memset(covered, 0, sizeof(covered));
		for (unsigned i = 0; i < n; i++) {
			struct glint_region *r = &regions[i];

			r->x = random_below(&random, 60);
			r->y = random_below(&random, 60);
			r->width = 1 + random_below(&random, 64 - r->x);
			r->height = 1 + random_below(&random, 64 - r->y);
			for (uint32_t y = r->y; y < r->y + r->height; y++)
				memset(&wanted[y][r->x], 1, r->width);
		}
		glint_cover_make(&cover, regions, n);
		for (unsigned i = 0; i < cover.n; i++)
			for (uint32_t y = 0; y < cover.parts[i].height; y++)
				for (uint32_t x = 0; x < cover.parts[i].width; x++)
					covered[cover.parts[i].y + y][cover.parts[i].x + x]++;
		CU_ASSERT_EQUAL_FATAL(memcmp(wanted, covered, sizeof(wanted)), 0);
	}
}

static void test_a_cover_of_too_many_parts_is_the_box_around_them(void)
{
	static struct glint_cover cover;
	struct glint_region regions[GLINT_COVER_REGIONS_MAX + 1];

	for (unsigned i = 0; i <= GLINT_COVER_REGIONS_MAX; i++)
		regions[i] = (struct glint_region){ 10 + 3 * i, 20 + 2 * i, 1, 200 };
	glint_cover_make(&cover, regions, GLINT_COVER_REGIONS_MAX);
	CU_ASSERT_EQUAL(cover.n, 1);
	CU_ASSERT_EQUAL(cover.parts[0].x, 10);
	CU_ASSERT_EQUAL(cover.parts[0].width, 3 * 63 + 1);
	CU_ASSERT_EQUAL(cover.parts[0].height, 2 * 63 + 200);
	glint_cover_make(&cover, regions, GLINT_COVER_REGIONS_MAX + 1);
	CU_ASSERT_EQUAL(cover.n, 1);
	CU_ASSERT_EQUAL(cover.parts[0].height, 2 * 64 + 200);
}

/* --- Plates ----------------------------------------------------------------------- */

/* Judge the lines of a part, some at a time. */
static void judge_part(struct glint_meter *meter, struct glint_plate *picture, unsigned part,
		       uint32_t top, uint32_t end)
{
	const struct glint_judge_kernels *kernels = glint_judge_kernels_choose();
	bool near = meter->plate && meter->what.metric == GLINT_METRIC_LUMA;
	struct glint_distances distances = { 0 };

	if (near) {
		CU_ASSERT_EQUAL_FATAL(glint_distances_init(&distances, 100), 0);
		meter->plate->wanted = meter->region;
		meter->plate->threshold = meter->measure.threshold;
	}
	glint_meter_begin_part(meter, part, top);
	for (uint32_t y = top; y < end; y += GLINT_PLATE_BAND) {
		uint32_t below = MIN(y + GLINT_PLATE_BAND, end);
		const struct glint_meter_step step = {
			.picture = picture,
			.distances = near ? &distances : NULL,
			.end = below,
			.scratch = scratch,
		};

		if (near)
			glint_plate_compare(meter->plate, &distances, kernels, picture, y, below);
		glint_meter_add(meter, kernels, part, &step);
	}
	glint_distances_fini(&distances);
}

/* Judge the frame that @picture has in @n parts of any size, which end in any order. */
static struct glint_sample judge_parts(struct glint_meter *meter, struct glint_plate *picture,
				       uint32_t height, unsigned n, struct random *random)
{
	uint32_t lines[GLINT_METER_PARTS_MAX + 1] = { 0 };
	unsigned turn = random_below(random, n);

	for (unsigned i = 1; i < n; i++)
		lines[i] = lines[i - 1] + random_below(random, 2 * height / n + 1);
	for (unsigned i = 1; i < n; i++)
		lines[i] = MIN(lines[i], height);
	lines[n] = height;
	glint_meter_begin(meter, &(struct glint_frame_info){ .seq = 1 });
	for (unsigned i = 0; i < n; i++) {
		unsigned part = (i + turn) % n;

		judge_part(meter, picture, part, lines[part], lines[part + 1]);
	}
	glint_meter_end(meter, glint_judge_kernels_choose(), n, picture, scratch);
	return glint_meter_sample(meter, &meter->what);
}

/* Lines that are not far from the reference lie between others that are. */
static void test_parts_give_the_same_verdict_as_a_comparison_of_the_pictures(void)
{
	enum { WIDTH = 100, HEIGHT = 90 };
	struct random random = random_begin();
	unsigned differing[GLINT_METRICS] = { 0 }, bytes, n;

	for (unsigned round = 0; round < 3000; round++) {
		struct glint_region region = { .x = random_below(&random, 40),
					       .y = random_below(&random, 40),
					       .width = 1 + random_below(&random, 60),
					       .height = 1 + random_below(&random, 50) };
		struct glint_plate plates[2];
		enum glint_metric metric = round % GLINT_METRICS;
		struct glint_condition what;
		struct glint_difference expected;
		size_t at;
		struct glint_sample sample;
		struct glint_meter *meter;

		glint_condition_init(&what, GLINT_CONDITION_CHANGE, metric);
		bytes = glint_metric_bytes(metric);
		what.region = region;
		if (round % 2) {
			what.n_excluded = 1;
			what.excluded[0] = (struct glint_region){ 30, 30, 20, 15 };
		}
		what.threshold = random_below(&random, 60);
		fill_pair(&random, WIDTH * HEIGHT * bytes, 1 + random_below(&random, 40));
		for (unsigned i = random_below(&random, 12); i > 0; i--)
			memset(second + random_below(&random, HEIGHT) * WIDTH * bytes, 255,
			       WIDTH * bytes);
		meter = glint_meter_create(&what, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(meter);
		if (!meter)
			return; /* for the analyzer */
		CU_ASSERT_EQUAL_FATAL(glint_meter_place(meter, WIDTH, HEIGHT, SIZE_MAX), 0);
		for (unsigned i = 0; i < 2; i++)
			CU_ASSERT_EQUAL_FATAL(glint_plate_init(&plates[i], WIDTH, HEIGHT, bytes),
					      0);
		memcpy(plates[0].base, first, WIDTH * HEIGHT * bytes);
		memcpy(plates[1].base, second, WIDTH * HEIGHT * bytes);
		n = 1 + random_below(&random, GLINT_METER_PARTS_MAX);
		(void)judge_parts(meter, &plates[0], HEIGHT, n, &random); /* the reference */
		if (round % 7 == 0)
			glint_meter_leave_plate(meter);
		sample = judge_parts(meter, &plates[1], HEIGHT, n, &random);
		at = ((size_t)region.y * WIDTH + region.x) * bytes;
		glint_metric_compare(glint_judge_kernels_choose(), &meter->measure,
				     &(struct glint_judge_pixels){ second + at, WIDTH * bytes },
				     &(struct glint_judge_pixels){ first + at, WIDTH * bytes },
				     scratch, &expected);
		CU_ASSERT_EQUAL(sample.yes, expected.differs);
		CU_ASSERT_EQUAL(sample.score, expected.score);
		CU_ASSERT_EQUAL(sample.box.width, expected.box.width);
		CU_ASSERT_EQUAL(sample.box.height, expected.box.height);
		if (expected.box.width > 0)
			CU_ASSERT_TRUE(sample.box.x == region.x + expected.box.x &&
				       sample.box.y == region.y + expected.box.y);
		differing[metric] += sample.yes;
		glint_meter_destroy(meter);
		glint_plate_fini(&plates[0]);
		glint_plate_fini(&plates[1]);
	}
	for (unsigned i = 0; i < GLINT_METRICS; i++)
		CU_ASSERT_TRUE(differing[i] > 200 && differing[i] < 1000);
}

/* clang-format off */
GLINT_TESTS("judge_metric",
	GLINT_TEST(test_wide_kernels_do_what_the_plain_ones_do),
	GLINT_TEST(test_wide_kernels_blur_as_the_plain_ones_do),
	GLINT_TEST(test_squares_of_a_long_row_do_not_overflow),
	GLINT_TEST(test_opening_erodes_and_dilates_with_a_cross),
	GLINT_TEST(test_wide_kernels_count_cells_as_the_plain_ones_do),
	GLINT_TEST(test_the_extent_is_the_smallest_box_and_the_runs_are_its_pixels),
	GLINT_TEST(test_equal_pictures_do_not_differ),
	GLINT_TEST(test_a_text_cursor_differs_and_its_box_is_exact),
	GLINT_TEST(test_single_pixels_are_noise),
	GLINT_TEST(test_the_threshold_is_the_last_level_that_luma_ignores),
	GLINT_TEST(test_stbt_differs_from_its_threshold_on),
	GLINT_TEST(test_what_is_smaller_than_min_size_does_not_count),
	GLINT_TEST(test_luma_is_that_of_its_definition),
	GLINT_TEST(test_masked_pixels_do_not_count),
	GLINT_TEST(test_parts_give_the_same_verdict_as_a_comparison_of_the_pictures),
	GLINT_TEST(test_psnr_is_that_of_its_definition),
	GLINT_TEST(test_the_brightest_pixel_is_found_outside_of_the_mask_only),
	GLINT_TEST(test_a_cover_has_each_pixel_of_the_regions_once),
	GLINT_TEST(test_a_cover_of_too_many_parts_is_the_box_around_them),
)
