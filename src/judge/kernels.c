/* SPDX-License-Identifier: MIT */
#include "judge/kernels.h"

#include <stdlib.h>

#include "base/macros.h"

static uint8_t distance(uint8_t *out, const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint8_t most = 0;

	for (uint32_t x = 0; x < n; x++) {
		out[x] = (uint8_t)abs(a[x] - b[x]);
		most = MAX(most, out[x]);
	}
	return most;
}

static uint8_t furthest(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint8_t most = 0;

	for (uint32_t x = 0; x < n; x++) {
		uint8_t d = (uint8_t)abs(a[x] - b[x]);

		most = MAX(most, d);
	}
	return most;
}

/* The values above @threshold of the cell that begins at @x. */
static unsigned cell_count(const uint8_t *const rows[8], uint32_t x, uint32_t n, unsigned threshold)
{
	unsigned count = 0;

	for (unsigned y = 0; y < 8; y++)
		for (uint32_t i = x; i < n && i < x + 8; i++)
			count += rows[y][i] > threshold;
	return count;
}

static uint64_t cells(const uint8_t *const rows[8], uint32_t n, unsigned threshold, unsigned least,
		      uint64_t *bits)
{
	uint64_t sum = 0;

	for (uint32_t word = 0; word * 512 < n; word++) {
		bits[word] = 0;
		for (uint32_t i = 0; i < 64 && word * 512 + i * 8 < n; i++) {
			unsigned count = cell_count(rows, word * 512 + i * 8, n, threshold);

			if (count < least)
				continue;
			bits[word] |= UINT64_C(1) << i;
			sum += count;
		}
	}
	return sum;
}

static uint64_t differ_bgr(const uint8_t *a, const uint8_t *b, uint32_t n, unsigned threshold,
			   uint32_t limit, uint64_t *bits)
{
	uint64_t any = 0;

	(void)threshold;
	for (uint32_t x = 0; x < n; x += 64) {
		uint32_t count = MIN(64u, n - x);
		uint64_t word = 0;

		for (uint32_t i = 0; i < count; i++) {
			const uint8_t *pa = a + (x + i) * 3, *pb = b + (x + i) * 3;
			int d0 = pa[0] - pb[0], d1 = pa[1] - pb[1], d2 = pa[2] - pb[2];
			uint32_t square = (uint32_t)(d0 * d0 + d1 * d1 + d2 * d2);

			word |= (uint64_t)(square >= limit) << i;
		}
		bits[x / 64] = word;
		any |= word;
	}
	return any;
}

static uint64_t squares(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t x = 0; x < n; x++) {
		int d = a[x] - b[x];

		sum += (uint64_t)(d * d);
	}
	return sum;
}

static uint8_t largest(const uint8_t *a, uint32_t n)
{
	uint8_t most = 0;

	for (uint32_t x = 0; x < n; x++)
		most = MAX(most, a[x]);
	return most;
}

static void swap(uint8_t *rgb, const uint8_t *bgr, uint32_t n)
{
	for (size_t i = 0; i < 3 * (size_t)n; i += 3) {
		rgb[i] = bgr[i + 2];
		rgb[i + 1] = bgr[i + 1];
		rgb[i + 2] = bgr[i];
	}
}

static void grey(uint8_t *out, const uint8_t *bgr, uint32_t n)
{
	for (uint32_t x = 0; x < n; x++, bgr += 3)
		out[x] = (uint8_t)((3735u * bgr[0] + 19235u * bgr[1] + 9798u * bgr[2] + 16384u) >>
				   15);
}

static void add_rows(uint16_t *sums, const uint8_t *above, const uint8_t *here,
		     const uint8_t *below, uint32_t n)
{
	for (uint32_t x = 0; x < n; x++)
		sums[x] = (uint16_t)(above[x] + 2 * here[x] + below[x]);
}

static void blend(uint8_t *out, const uint16_t *sums, uint32_t n)
{
	for (uint32_t x = 0; x < n; x++)
		out[x] = (uint8_t)((sums[x] + 2 * sums[x + 1] + sums[x + 2] + 8) >> 4);
}

static uint32_t steps(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t x = 0; x < n; x++) {
		int d = ((a[x] + 8) >> 4) - ((b[x] + 8) >> 4);

		if (abs(a[x] - b[x]) >= 16)
			sum += (uint32_t)(d * d);
	}
	return sum;
}

const struct glint_judge_kernels glint_judge_kernels_plain = {
	.name = "plain",
	.distance = distance,
	.furthest = furthest,
	.cells = cells,
	.differ_bgr = differ_bgr,
	.squares = squares,
	.largest = largest,
	.swap = swap,
	.grey = grey,
	.add_rows = add_rows,
	.blend = blend,
	.steps = steps,
};

const struct glint_judge_kernels *glint_judge_kernels_choose(void)
{
#if defined(__x86_64__) && IS_ENABLED(CONFIG_JUDGE_SIMD)
	if (__builtin_cpu_supports("avx2"))
		return &glint_judge_kernels_avx2;
#endif
	return &glint_judge_kernels_plain;
}
