/* SPDX-License-Identifier: MIT */
/*
 * The inner loops of the judge, a row of pixels each: in plain C, and for processors with wider
 * instructions. All give the same results. Pure.
 */
#ifndef GLINT_JUDGE_KERNELS_H
#define GLINT_JUDGE_KERNELS_H

#include <stdint.h>

struct glint_judge_kernels {
	const char *name;
	/* Write the distance of each of @n values. Returns the largest distance. */
	uint8_t (*distance)(uint8_t *out, const uint8_t *a, const uint8_t *b, uint32_t n);
	/* The largest distance alone. */
	uint8_t (*furthest)(const uint8_t *a, const uint8_t *b, uint32_t n);
	/*
	 * Cells of 8x8 values out of eight rows: set the bits of those that have at least @least
	 * values above @threshold (0..255), clear the others. Whole words of 64 cells are written.
	 * Returns how many values above @threshold the cells whose bits are set have.
	 */
	uint64_t (*cells)(const uint8_t *const rows[8], uint32_t n, unsigned threshold,
			  unsigned least, uint64_t *bits);
	/*
	 * Of three bytes a pixel, set the bits of the pixels whose squared distance is at least @limit
	 * (1 or more), clear the others; whole words of 64 pixels are written, the last with zeroes
	 * behind the row. @limit is 3 * @threshold^2, rounded up; @threshold is rounded down. Returns
	 * whether any bit is set.
	 */
	uint64_t (*differ_bgr)(const uint8_t *a, const uint8_t *b, uint32_t n, unsigned threshold,
			       uint32_t limit, uint64_t *bits);
	/* The sum of the squared differences of @n bytes. */
	uint64_t (*squares)(const uint8_t *a, const uint8_t *b, uint32_t n);
	/* The largest of @n bytes; 0 of none. */
	uint8_t (*largest)(const uint8_t *a, uint32_t n);
	/* RGB of @n pixels of BGR, three bytes each. */
	void (*swap)(uint8_t *rgb, const uint8_t *bgr, uint32_t n);
	/* Grey of BGR, as OpenCV computes it: (3735 B + 19235 G + 9798 R) / 32768, rounded. */
	void (*grey)(uint8_t *grey, const uint8_t *bgr, uint32_t n);
	/* Three rows with the weights 1 2 1; and @n values out of @n + 2 sums likewise, / 16. */
	void (*add_rows)(uint16_t *sums, const uint8_t *above, const uint8_t *here,
			 const uint8_t *below, uint32_t n);
	void (*blend)(uint8_t *out, const uint16_t *sums, uint32_t n);
	/*
	 * The sum of the squared differences of values that are reduced to 16 steps and rounded, in
	 * steps; differences below 16 do not count. @n is at most 1 << 24.
	 */
	uint32_t (*steps)(const uint8_t *a, const uint8_t *b, uint32_t n);
};

extern const struct glint_judge_kernels glint_judge_kernels_plain;
#if defined(__x86_64__) && IS_ENABLED(CONFIG_JUDGE_SIMD)
extern const struct glint_judge_kernels glint_judge_kernels_avx2;
#endif

/* The fastest that this processor has. */
const struct glint_judge_kernels *glint_judge_kernels_choose(void);
#endif
