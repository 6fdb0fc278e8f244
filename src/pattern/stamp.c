/* SPDX-License-Identifier: MIT */
#include "pattern/stamp.h"

#include <assert.h>
#include <errno.h>

#include "base/macros.h"

#define WIDTH_MIN  160
#define HEIGHT_MIN 120
#define CELL_STEP  4
#define CELL_MAX   16 /* enough for the largest picture, and cheap to draw */

struct glint_stamp_place glint_stamp_place(uint32_t width, uint32_t height)
{
	struct glint_stamp_place place = { 0 };

	if (width < WIDTH_MIN || height < HEIGHT_MIN)
		return place;
	/* Half of the picture's width; more in small pictures: a cell has a minimum size. */
	place.cell = MIN(MAX(width / 2 / GLINT_STAMP_COLUMNS, CELL_STEP + 0u), CELL_MAX + 0u);
	place.cell -= place.cell % CELL_STEP;
	place.x = 2 * CELL_STEP;
	place.y = height - GLINT_STAMP_ROWS * place.cell - 2 * CELL_STEP;
	place.y -= place.y % (2 * CELL_STEP);
	return place;
}

/* Add a word to a CRC-32. Bit by bit: there are only three words. */
static uint32_t checksum_add(uint32_t sum, uint32_t word)
{
	sum ^= word;
	for (unsigned i = 0; i < 32; i++)
		sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
	return sum;
}

static uint32_t checksum(const uint32_t rows[static 3])
{
	uint32_t sum = UINT32_MAX; /* so that all black is not valid */

	for (unsigned i = 0; i < 3; i++)
		sum = checksum_add(sum, rows[i]);
	return ~sum;
}

void glint_stamp_encode(const struct glint_stamp *stamp, uint32_t rows[static GLINT_STAMP_ROWS])
{
	rows[0] = stamp->seq;
	rows[1] = (uint32_t)(stamp->ns >> 32);
	rows[2] = (uint32_t)stamp->ns;
	rows[3] = checksum(rows);
}

int glint_stamp_decode(struct glint_stamp *stamp, const uint32_t rows[static GLINT_STAMP_ROWS])
{
	if (rows[3] != checksum(rows))
		return -EBADMSG;
	stamp->seq = rows[0];
	stamp->ns = (uint64_t)rows[1] << 32 | rows[2];
	return 0;
}

/* Ignore the rim of a cell, where compression blurs it with its neighbours. */
static uint32_t cell_mean(const uint8_t *at, size_t stride, uint32_t cell)
{
	uint32_t rim = cell / 4, side = cell - 2 * rim, sum = 0;

	assert(side > 0);

	for (uint32_t y = rim; y < rim + side; y++)
		for (uint32_t x = rim; x < rim + side; x++)
			sum += at[y * stride + x];
	return sum / (side * side);
}

int glint_stamp_read(struct glint_stamp *stamp, const uint8_t *luma, size_t stride, uint32_t width,
		     uint32_t height)
{
	struct glint_stamp_place place = glint_stamp_place(width, height);
	uint32_t means[GLINT_STAMP_ROWS][GLINT_STAMP_COLUMNS], lowest = 255, highest = 0;
	uint32_t rows[GLINT_STAMP_ROWS] = { 0 };

	if (place.cell == 0)
		return -EINVAL;
	for (unsigned row = 0; row < GLINT_STAMP_ROWS; row++)
		for (unsigned column = 0; column < GLINT_STAMP_COLUMNS; column++) {
			const uint8_t *at = luma + (place.y + row * place.cell) * stride + place.x +
					    column * place.cell;

			means[row][column] = cell_mean(at, stride, place.cell);
			lowest = MIN(lowest, means[row][column]);
			highest = MAX(highest, means[row][column]);
		}
	/* Compute the threshold from the picture, whose range and contrast are unknown. */
	for (unsigned row = 0; row < GLINT_STAMP_ROWS; row++)
		for (unsigned column = 0; column < GLINT_STAMP_COLUMNS; column++)
			rows[row] = rows[row] << 1 | (means[row][column] > (lowest + highest) / 2);
	return glint_stamp_decode(stamp, rows);
}
