/* SPDX-License-Identifier: MIT */
#include "pixels/hash.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/macros.h"

#define SIDE	 8u
#define FRACTION 22 /* bits of PIL's weights */

void glint_hash_exact(const uint8_t *bytes, size_t size, uint64_t out[2])
{
	XXH128_hash_t hash = XXH3_128bits(bytes, size);

	out[0] = hash.high64;
	out[1] = hash.low64;
}

struct glint_hash {
	XXH3_state_t state; /* aligned to 64 bytes */
};

struct glint_hash *glint_hash_create(void)
{
	struct glint_hash *hash = aligned_alloc(_Alignof(struct glint_hash), sizeof(*hash));

	if (hash)
		XXH3_INITSTATE(&hash->state);
	return hash;
}

void glint_hash_destroy(struct glint_hash *hash)
{
	free(hash);
}

void glint_hash_begin(struct glint_hash *hash)
{
	(void)XXH3_128bits_reset(&hash->state); /* fails without a state only, as the next ones */
}

void glint_hash_add(struct glint_hash *hash, const uint8_t *bytes, size_t size)
{
	(void)XXH3_128bits_update(&hash->state, bytes, size);
}

void glint_hash_end(const struct glint_hash *hash, uint64_t out[2])
{
	XXH128_hash_t digest = XXH3_128bits_digest(&hash->state);

	out[0] = digest.high64;
	out[1] = digest.low64;
}

/* --- PIL's reduction: windows with weights of 22 bits, columns first ------------------------- */

static double sinc(double x)
{
	return x == 0 ? 1 : sin(x * M_PI) / (x * M_PI);
}

static double lanczos(double x)
{
	return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

/* Which values of a line make one value of the result, and with which weights. */
struct window {
	uint32_t first, count;
	int32_t *weights;
};

/* Where PIL rounds, and in which order it adds, decides about the last bit of a weight. */
static void window_fill(struct window *window, uint32_t size, unsigned at, double *exact)
{
	double scale = (double)size / SIDE, stretch = scale < 1 ? 1 : scale;
	double support = 3 * stretch, centre = (at + 0.5) * scale, sum = 0;
	double begin = centre - support + 0.5, end = centre + support + 0.5;
	double inverse = 1 / stretch;

	window->first = begin < 0 ? 0 : (uint32_t)begin;
	window->count = (end > size ? size : (uint32_t)end) - window->first;
	assert(window->count > 0 && window->first + window->count <= size);
	for (uint32_t i = 0; i < window->count; i++) {
		exact[i] = lanczos((i + window->first - centre + 0.5) * inverse);
		sum += exact[i];
	}
	for (uint32_t i = 0; i < window->count; i++) {
		double weight = (sum != 0 ? exact[i] / sum : exact[i]) * (1 << FRACTION);

		window->weights[i] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
	}
}

static uint8_t weigh(const struct window *window, const uint8_t *values)
{
	int32_t sum = 1 << (FRACTION - 1);

	for (uint32_t i = 0; i < window->count; i++)
		sum += values[i] * window->weights[i];
	sum >>= FRACTION;
	return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void grey_line(uint8_t *restrict out, const uint8_t *restrict rgb, uint32_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)((19595 * rgb[3 * i] + 38470 * rgb[3 * i + 1] +
				    7471 * rgb[3 * i + 2] + 32768) >>
				   16);
}

static uint64_t bits_above_mean(const uint8_t values[SIDE][SIDE])
{
	unsigned sum = 0;
	uint64_t bits = 0;

	for (unsigned i = 0; i < SIDE * SIDE; i++)
		sum += values[i / SIDE][i % SIDE];
	for (unsigned i = 0; i < SIDE * SIDE; i++)
		bits = bits << 1 | (values[i / SIDE][i % SIDE] * SIDE * SIDE > sum);
	return bits;
}

int glint_hash_average(const uint8_t *rgb, uint32_t width, uint32_t height, uint64_t *hash)
{
	uint32_t longest = MAX(width, height);
	uint8_t *line = malloc(longest), *columns = malloc((size_t)SIDE * height);
	int32_t *weights = malloc(sizeof(*weights) * longest);
	double *exact = malloc(sizeof(*exact) * longest);
	struct window windows[SIDE];
	uint8_t values[SIDE][SIDE];
	int32_t *across = malloc(sizeof(*across) * SIDE * width);
	int err = -ENOMEM;

	assert(width > 0 && height > 0);

	if (!line || !columns || !weights || !exact || !across)
		goto out;
	for (unsigned x = 0; x < SIDE; x++) {
		windows[x].weights = across + (size_t)x * width;
		window_fill(&windows[x], width, x, exact);
	}
	for (uint32_t y = 0; y < height; y++) {
		grey_line(line, rgb + (size_t)y * width * 3, width);
		for (unsigned x = 0; x < SIDE; x++)
			columns[(size_t)x * height + y] =
				width == SIDE ? line[x] :
						weigh(&windows[x], line + windows[x].first);
	}
	for (unsigned y = 0; y < SIDE; y++) {
		struct window down = { .weights = weights };

		window_fill(&down, height, y, exact);
		for (unsigned x = 0; x < SIDE; x++) {
			const uint8_t *column = columns + (size_t)x * height;

			values[y][x] = height == SIDE ? column[y] :
							weigh(&down, column + down.first);
		}
	}
	*hash = bits_above_mean((const uint8_t(*)[SIDE])values);
	err = 0;
out:
	free(across);
	free(exact);
	free(weights);
	free(columns);
	free(line);
	return err;
}
