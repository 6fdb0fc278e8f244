/* SPDX-License-Identifier: MIT */
#include "judge/bits.h"

#include <string.h>

#include "base/macros.h"

/* Ones for the pixels from @begin to before @end, as far as they lie in word @index of a row. */
static uint64_t word_mask(size_t index, uint32_t begin, uint32_t end)
{
	uint64_t first = index * 64, mask = ~UINT64_C(0);

	if (begin >= first + 64 || end <= first)
		return 0;
	if (begin > first)
		mask <<= begin - first;
	if (end < first + 64)
		mask &= ~UINT64_C(0) >> (first + 64 - end);
	return mask;
}

void glint_bits_fill_region(const struct glint_bits *bits, const struct glint_region *region,
			    bool value)
{
	size_t pitch = glint_bits_pitch(bits->width);

	for (uint32_t y = region->y; y < region->y + region->height; y++) {
		uint64_t *row = glint_bits_row(bits, y);

		for (size_t i = 0; i < pitch; i++) {
			uint64_t mask = word_mask(i, region->x, region->x + region->width);

			row[i] = value ? row[i] | mask : row[i] & ~mask;
		}
	}
}

void glint_bits_fill(const struct glint_bits *bits, bool value)
{
	struct glint_region all = { .width = bits->width, .height = bits->height };

	memset(bits->words, 0, bits->height * glint_bits_pitch(bits->width) * sizeof(uint64_t));
	if (value)
		glint_bits_fill_region(bits, &all, true);
}

void glint_bits_exclude(const struct glint_bits *bits, const struct glint_region *frame,
			const struct glint_region *out, unsigned n)
{
	glint_bits_fill(bits, true);
	for (unsigned i = 0; i < n; i++) {
		struct glint_region part = out[i];

		if (glint_region_move_into(&part, frame))
			glint_bits_fill_region(bits, &part, false);
	}
}

/* --- Opening ---------------------------------------------------------------------- */

/* A word of a row in which all that lies beyond the picture has the value @outside. */
static uint64_t word_at(const uint64_t *row, size_t pitch, size_t i, uint64_t tail,
			uint64_t outside)
{
	return i == pitch - 1 ? row[i] | (outside & ~tail) : row[i];
}

/* The left neighbours of the pixels of word @i, each in its pixel's place. */
static uint64_t left_of(const uint64_t *row, size_t i, uint64_t outside)
{
	return row[i] << 1 | (i > 0 ? row[i - 1] >> 63 : outside & 1);
}

static uint64_t right_of(const uint64_t *row, size_t pitch, size_t i, uint64_t tail,
			 uint64_t outside)
{
	uint64_t next = i + 1 < pitch ? word_at(row, pitch, i + 1, tail, outside) : outside;

	return word_at(row, pitch, i, tail, outside) >> 1 | next << 63;
}

/* Write line @y of the eroded picture. Returns whether any bit is set. */
static uint64_t erode_row(const struct glint_bits *bits, uint32_t y, uint64_t *out)
{
	size_t pitch = glint_bits_pitch(bits->width);
	uint64_t tail = glint_bits_tail(bits->width), ones = ~UINT64_C(0), any = 0;
	const uint64_t *row = glint_bits_row(bits, y);
	const uint64_t *above = y > 0 ? row - pitch : NULL;
	const uint64_t *below = y + 1 < bits->height ? row + pitch : NULL;

	for (size_t i = 0; i < pitch; i++) {
		uint64_t word = row[i];

		if (word)
			word &= left_of(row, i, ones) & right_of(row, pitch, i, tail, ones) &
				(above ? above[i] : ones) & (below ? below[i] : ones);
		out[i] = word;
		any |= word;
	}
	return any;
}

/* @above and @below are eroded lines, too. */
static void dilate_row(const uint64_t *above, const uint64_t *row, const uint64_t *below,
		       uint32_t width, uint64_t *out)
{
	size_t pitch = glint_bits_pitch(width);
	uint64_t tail = glint_bits_tail(width);

	for (size_t i = 0; i < pitch; i++)
		out[i] = row[i] | left_of(row, i, 0) | right_of(row, pitch, i, tail, 0) | above[i] |
			 below[i];
	out[pitch - 1] &= tail;
}

/* --- Extent ----------------------------------------------------------------------- */

static void measure_row(const uint64_t *row, size_t pitch, uint32_t y,
			struct glint_bits_extent *extent)
{
	struct glint_region found = { .y = y, .height = 1 };
	uint64_t count = 0;
	uint32_t left = UINT32_MAX, right = 0;

	for (size_t i = 0; i < pitch; i++) {
		uint32_t first = (uint32_t)i * 64;

		if (!row[i])
			continue;
		count += (unsigned)__builtin_popcountll(row[i]);
		left = MIN(left, first + (uint32_t)__builtin_ctzll(row[i]));
		right = first + 64 - (uint32_t)__builtin_clzll(row[i]);
	}
	if (count == 0)
		return;
	extent->count += count;
	found.x = left;
	found.width = right - left;
	glint_region_include(&extent->box, &found);
}

void glint_bits_measure(const struct glint_bits *bits, struct glint_bits_extent *extent)
{
	*extent = (struct glint_bits_extent){ 0 };
	for (uint32_t y = 0; y < bits->height; y++)
		measure_row(glint_bits_row(bits, y), glint_bits_pitch(bits->width), y, extent);
}

void glint_bits_measure_opened(const struct glint_bits *bits, uint32_t first, uint32_t end,
			       uint64_t *scratch, struct glint_bits_extent *extent)
{
	size_t pitch = glint_bits_pitch(bits->width), row = pitch * sizeof(uint64_t);
	uint64_t *opened = scratch + 3 * pitch, *lines[3], any[3];

	/* The eroded lines above, at and below the line that is measured. */
	for (unsigned i = 0; i < 3; i++) {
		lines[i] = memset(scratch + i * pitch, 0, row);
		any[i] = 0;
	}
	if (first >= end)
		return;
	if (first > 0)
		any[1] = erode_row(bits, first - 1, lines[1]);
	any[2] = erode_row(bits, first, lines[2]);
	for (uint32_t y = first; y < end; y++) {
		uint64_t *spare = lines[0];

		for (unsigned i = 0; i < 2; i++) {
			lines[i] = lines[i + 1];
			any[i] = any[i + 1];
		}
		lines[2] = spare;
		any[2] = 0;
		if (y + 1 < bits->height)
			any[2] = erode_row(bits, y + 1, lines[2]);
		else
			memset(lines[2], 0, row);
		if (!(any[0] | any[1] | any[2]))
			continue;
		dilate_row(lines[0], lines[1], lines[2], bits->width, opened);
		measure_row(opened, pitch, y, extent);
	}
}

bool glint_bits_next_run(const uint64_t *row, uint32_t width, uint32_t from, uint32_t *begin,
			 uint32_t *length)
{
	uint32_t x = from;

	if (from >= width)
		return false;
	if (!row) {
		*begin = from;
		*length = width - from;
		return true;
	}
	while (x < width && !(row[x / 64] >> x % 64))
		x = (x / 64 + 1) * 64; /* the rest of the word is clear */
	if (x >= width)
		return false;
	x += (uint32_t)__builtin_ctzll(row[x / 64] >> x % 64);
	*begin = x;
	while (x < width && (row[x / 64] >> x % 64) == ~UINT64_C(0) >> x % 64)
		x = (x / 64 + 1) * 64; /* the rest of the word is set */
	if (x < width)
		x += (uint32_t)__builtin_ctzll(~(row[x / 64] >> x % 64));
	*length = MIN(x, width) - *begin;
	return true;
}
