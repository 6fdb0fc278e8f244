/* SPDX-License-Identifier: MIT */
/*
 * The kernels for processors with AVX2, 64 pixels at a time. What is left at the end of a row
 * is done by the plain ones.
 */
#include <immintrin.h>

#include "judge/kernels.h"

static __m256i load(const uint8_t *at)
{
	return _mm256_loadu_si256((const __m256i *)at);
}

static __m256i apart(const uint8_t *a, const uint8_t *b)
{
	__m256i va = load(a), vb = load(b);

	return _mm256_or_si256(_mm256_subs_epu8(va, vb), _mm256_subs_epu8(vb, va));
}

static uint8_t largest_of(__m256i values)
{
	__m128i most =
		_mm_max_epu8(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));

	most = _mm_max_epu8(most, _mm_srli_si128(most, 8));
	most = _mm_max_epu8(most, _mm_srli_si128(most, 4));
	most = _mm_max_epu8(most, _mm_srli_si128(most, 2));
	most = _mm_max_epu8(most, _mm_srli_si128(most, 1));
	return (uint8_t)_mm_cvtsi128_si32(most);
}

static uint8_t distance(uint8_t *out, const uint8_t *a, const uint8_t *b, uint32_t n)
{
	__m256i most = _mm256_setzero_si256();
	uint8_t rest, all;
	uint32_t x;

	for (x = 0; x + 32 <= n; x += 32) {
		__m256i d = apart(a + x, b + x);

		_mm256_storeu_si256((__m256i *)(out + x), d);
		most = _mm256_max_epu8(most, d);
	}
	rest = glint_judge_kernels_plain.distance(out + x, a + x, b + x, n - x);
	all = largest_of(most);
	return all > rest ? all : rest;
}

static uint8_t furthest(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	__m256i most = _mm256_setzero_si256();
	uint8_t rest, all;
	uint32_t x;

	for (x = 0; x + 32 <= n; x += 32)
		most = _mm256_max_epu8(most, apart(a + x, b + x));
	rest = glint_judge_kernels_plain.furthest(a + x, b + x, n - x);
	all = largest_of(most);
	return all > rest ? all : rest;
}

/* Four cells at a time: a count in each column, which then become one in each cell. */
static uint64_t cells(const uint8_t *const rows[8], uint32_t n, unsigned threshold, unsigned least,
		      uint64_t *bits)
{
	const __m256i above = _mm256_set1_epi8((char)(threshold + 1)),
		      zero = _mm256_setzero_si256();
	const __m256i too_few = _mm256_set1_epi64x((long long)least - 1);
	const uint8_t *rest[8];
	__m256i sums = zero;
	uint64_t parts[4], word = 0, sum = 0;
	uint32_t x;

	if (threshold >= 255)
		return glint_judge_kernels_plain.cells(rows, n, threshold, least, bits);
	for (x = 0; x + 32 <= n; x += 32) {
		__m256i columns = zero, counts, kept;

#pragma GCC unroll 8
		for (unsigned y = 0; y < 8; y++) {
			__m256i d = load(rows[y] + x);

			/* All bits of a byte are set, that is -1, where d > threshold. */
			d = _mm256_cmpeq_epi8(_mm256_max_epu8(d, above), d);
			columns = _mm256_sub_epi8(columns, d);
		}
		counts = _mm256_sad_epu8(columns, zero);
		kept = _mm256_cmpgt_epi64(counts, too_few);
		sums = _mm256_add_epi64(sums, _mm256_and_si256(counts, kept));
		word |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(kept))
			<< x / 8 % 64;
		bits[x / 512] = word;
		if (x % 512 == 480)
			word = 0;
	}
	if (x < n) {
		uint64_t last;

		for (unsigned y = 0; y < 8; y++)
			rest[y] = rows[y] + x;
		sum = glint_judge_kernels_plain.cells(rest, n - x, threshold, least, &last);
		bits[x / 512] = word | last << x / 8 % 64;
	}
	_mm256_storeu_si256((__m256i *)parts, sums);
	return sum + parts[0] + parts[1] + parts[2] + parts[3];
}

static __m128i load_128(const uint8_t *at)
{
	return _mm_loadu_si128((const __m128i *)at);
}

/* 16 bytes, and the 16 bytes that lie 48 behind them: those of 16 pixels more. */
static __m256i load_apart(const uint8_t *at)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(at)), load_128(at + 48), 1);
}

static __m256i distance_apart(const uint8_t *a, const uint8_t *b)
{
	__m256i va = load_apart(a), vb = load_apart(b);

	return _mm256_or_si256(_mm256_subs_epu8(va, vb), _mm256_subs_epu8(vb, va));
}

/* Eight squared distances above @limit - 1, from words (d0, d1) and (d2, 0). */
static __m256i eight_at_least(__m256i d01, __m256i d2, __m256i below)
{
	return _mm256_cmpgt_epi32(
		_mm256_add_epi32(_mm256_madd_epi16(d01, d01), _mm256_madd_epi16(d2, d2)), below);
}

/* The bytes of one component: three vectors, of which each has those of some pixels. */
static __m256i component(const __m256i d[3], __m128i first, __m128i second, __m128i third)
{
	__m256i some = _mm256_shuffle_epi8(d[0], _mm256_broadcastsi128_si256(first));

	some = _mm256_or_si256(some,
			       _mm256_shuffle_epi8(d[1], _mm256_broadcastsi128_si256(second)));
	return _mm256_or_si256(some, _mm256_shuffle_epi8(d[2], _mm256_broadcastsi128_si256(third)));
}

/* A bit for each of 32 pixels: the 48 bytes of 16 lie in the lower halves of @d, those of 16 in the upper. */
static uint32_t pixels_at_least(const __m256i d[3], __m256i below)
{
	/* Component c of pixel p is byte 3p + c. */
	__m256i d0 = component(
		d, _mm_setr_epi8(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1),
		_mm_setr_epi8(-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1),
		_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13));
	__m256i d1 = component(
		d, _mm_setr_epi8(1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1),
		_mm_setr_epi8(-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1),
		_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14));
	__m256i d2 = component(
		d, _mm_setr_epi8(2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1),
		_mm_setr_epi8(-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1),
		_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15));
	__m256i zero = _mm256_setzero_si256(), q[4];
	__m256i low01 = _mm256_unpacklo_epi8(d0, d1), high01 = _mm256_unpackhi_epi8(d0, d1);
	__m256i low2 = _mm256_unpacklo_epi8(d2, zero), high2 = _mm256_unpackhi_epi8(d2, zero);

	q[0] = eight_at_least(_mm256_unpacklo_epi8(low01, zero), _mm256_unpacklo_epi16(low2, zero),
			      below);
	q[1] = eight_at_least(_mm256_unpackhi_epi8(low01, zero), _mm256_unpackhi_epi16(low2, zero),
			      below);
	q[2] = eight_at_least(_mm256_unpacklo_epi8(high01, zero),
			      _mm256_unpacklo_epi16(high2, zero), below);
	q[3] = eight_at_least(_mm256_unpackhi_epi8(high01, zero),
			      _mm256_unpackhi_epi16(high2, zero), below);
	return (uint32_t)_mm256_movemask_epi8(
		_mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3])));
}

static uint64_t differ_bgr(const uint8_t *a, const uint8_t *b, uint32_t n, unsigned threshold,
			   uint32_t limit, uint64_t *bits)
{
	/*
	 * A pixel of which each component differs by less than the threshold is below the limit,
	 * and in a still picture nearly all are.
	 */
	__m256i least = _mm256_set1_epi8((char)(threshold > 0 ? threshold - 1 : 0));
	__m256i below = _mm256_set1_epi32((int)limit - 1);
	uint64_t any = 0;
	uint32_t x;

	for (x = 0; x + 64 <= n; x += 64) {
		uint64_t word = 0;

		for (unsigned i = 0; i < 2; i++) {
			size_t at = ((size_t)x + i * 32) * 3;
			__m256i d[3] = { distance_apart(a + at, b + at),
					 distance_apart(a + at + 16, b + at + 16),
					 distance_apart(a + at + 32, b + at + 32) };
			__m256i most = _mm256_max_epu8(_mm256_max_epu8(d[0], d[1]), d[2]);
			__m256i over = _mm256_subs_epu8(most, least);

			if (!_mm256_testz_si256(over, over))
				word |= (uint64_t)pixels_at_least(d, below) << i * 32;
		}
		bits[x / 64] = word;
		any |= word;
	}
	if (x < n)
		any |= glint_judge_kernels_plain.differ_bgr(a + (size_t)x * 3, b + (size_t)x * 3,
							    n - x, threshold, limit, bits + x / 64);
	return any;
}

static uint64_t sum_of_words(__m256i sums)
{
	uint32_t words[8];
	uint64_t sum = 0;

	_mm256_storeu_si256((__m256i *)words, sums);
	for (int i = 0; i < 8; i++)
		sum += words[i];
	return sum;
}

static uint64_t squares(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	__m256i zero = _mm256_setzero_si256();
	uint64_t sum = 0;
	uint32_t x = 0;

	while (x + 32 <= n) {
		__m256i sums = zero;
		/* A word grows by at most 4 * 255^2 a step, so 8192 steps cannot overflow it. */
		uint32_t end = x + (n - x < 32 * 8192 ? n - x : 32 * 8192);

		for (; x + 32 <= end; x += 32) {
			__m256i d = apart(a + x, b + x);
			__m256i low = _mm256_unpacklo_epi8(d, zero);
			__m256i high = _mm256_unpackhi_epi8(d, zero);

			sums = _mm256_add_epi32(sums, _mm256_madd_epi16(low, low));
			sums = _mm256_add_epi32(sums, _mm256_madd_epi16(high, high));
		}
		sum += sum_of_words(sums);
	}
	return sum + glint_judge_kernels_plain.squares(a + x, b + x, n - x);
}

static uint8_t largest(const uint8_t *a, uint32_t n)
{
	__m256i most = _mm256_setzero_si256();
	uint8_t rest, all;
	uint32_t x;

	for (x = 0; x + 32 <= n; x += 32)
		most = _mm256_max_epu8(most, load(a + x));
	rest = glint_judge_kernels_plain.largest(a + x, n - x);
	all = largest_of(most);
	return all > rest ? all : rest;
}

/* Five pixels at a time. */
static void swap(uint8_t *rgb, const uint8_t *bgr, uint32_t n)
{
	const __m128i order = _mm_setr_epi8(2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9, 14, 13, 12, 15);
	uint32_t x;

	/* Each step reads and writes one byte more than the pixels have; the next step mends it. */
	for (x = 0; x + 6 <= n; x += 5) {
		__m128i pixels = _mm_shuffle_epi8(load_128(bgr + (size_t)x * 3), order);

		_mm_storeu_si128((__m128i *)(rgb + (size_t)x * 3), pixels);
	}
	glint_judge_kernels_plain.swap(rgb + (size_t)x * 3, bgr + (size_t)x * 3, n - x);
}

/* Eight pixels at a time, four in each half: pairs of words (B, G) and (R, 1). */
static void grey(uint8_t *out, const uint8_t *bgr, uint32_t n)
{
	const __m256i pick_bg = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1));
	const __m256i pick_r = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1));
	const __m256i bg_weights = _mm256_set1_epi32(19235 << 16 | 3735);
	const __m256i r_weights = _mm256_set1_epi32(16384 << 16 | 9798);
	const __m256i one = _mm256_set1_epi32(1 << 16);
	uint32_t x;

	/* The second load reads four bytes more than the pixels have. */
	for (x = 0; x + 10 <= n; x += 8) {
		__m256i pixels = _mm256_inserti128_si256(
			_mm256_castsi128_si256(load_128(bgr + (size_t)x * 3)),
			load_128(bgr + (size_t)x * 3 + 12), 1);
		__m256i bg = _mm256_shuffle_epi8(pixels, pick_bg);
		__m256i r = _mm256_or_si256(_mm256_shuffle_epi8(pixels, pick_r), one);
		__m256i sum = _mm256_srli_epi32(_mm256_add_epi32(_mm256_madd_epi16(bg, bg_weights),
								 _mm256_madd_epi16(r, r_weights)),
						15);
		__m128i words = _mm_packus_epi32(_mm256_castsi256_si128(sum),
						 _mm256_extracti128_si256(sum, 1));

		_mm_storel_epi64((__m128i *)(out + x), _mm_packus_epi16(words, words));
	}
	glint_judge_kernels_plain.grey(out + x, bgr + (size_t)x * 3, n - x);
}

static void add_rows(uint16_t *sums, const uint8_t *above_row, const uint8_t *here,
		     const uint8_t *below, uint32_t n)
{
	uint32_t x;

	for (x = 0; x + 16 <= n; x += 16) {
		__m256i outer = _mm256_add_epi16(_mm256_cvtepu8_epi16(load_128(above_row + x)),
						 _mm256_cvtepu8_epi16(load_128(below + x)));
		__m256i inner = _mm256_slli_epi16(_mm256_cvtepu8_epi16(load_128(here + x)), 1);

		_mm256_storeu_si256((__m256i *)(sums + x), _mm256_add_epi16(outer, inner));
	}
	glint_judge_kernels_plain.add_rows(sums + x, above_row + x, here + x, below + x, n - x);
}

static __m256i blend_16(const uint16_t *sums)
{
	__m256i outer = _mm256_add_epi16(_mm256_loadu_si256((const __m256i *)sums),
					 _mm256_loadu_si256((const __m256i *)(sums + 2)));
	__m256i inner = _mm256_slli_epi16(_mm256_loadu_si256((const __m256i *)(sums + 1)), 1);
	__m256i sum = _mm256_add_epi16(_mm256_add_epi16(outer, inner), _mm256_set1_epi16(8));

	return _mm256_srli_epi16(sum, 4);
}

static void blend(uint8_t *out, const uint16_t *sums, uint32_t n)
{
	uint32_t x;

	for (x = 0; x + 32 <= n; x += 32) {
		__m256i bytes = _mm256_packus_epi16(blend_16(sums + x), blend_16(sums + x + 16));

		_mm256_storeu_si256((__m256i *)(out + x), _mm256_permute4x64_epi64(bytes, 0xd8));
	}
	glint_judge_kernels_plain.blend(out + x, sums + x, n - x);
}

/* (value + 8) / 16 without the ninth bit: the upper half, and the bit that rounds it. */
static __m256i to_steps(__m256i value)
{
	__m256i upper = _mm256_and_si256(_mm256_srli_epi16(value, 4), _mm256_set1_epi8(15));
	__m256i half = _mm256_and_si256(_mm256_srli_epi16(value, 3), _mm256_set1_epi8(1));

	return _mm256_add_epi8(upper, half);
}

static uint32_t steps(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	const __m256i ones = _mm256_set1_epi16(1), limit = _mm256_set1_epi8(16);
	__m256i sums = _mm256_setzero_si256();
	uint32_t x;

	for (x = 0; x + 32 <= n; x += 32) {
		__m256i d = apart(a + x, b + x);
		__m256i counts = _mm256_cmpeq_epi8(_mm256_max_epu8(d, limit), d);

		d = _mm256_sub_epi8(to_steps(load(a + x)), to_steps(load(b + x)));
		d = _mm256_and_si256(_mm256_abs_epi8(d), counts);
		sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_maddubs_epi16(d, d), ones));
	}
	return (uint32_t)sum_of_words(sums) + glint_judge_kernels_plain.steps(a + x, b + x, n - x);
}

const struct glint_judge_kernels glint_judge_kernels_avx2 = {
	.name = "avx2",
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
