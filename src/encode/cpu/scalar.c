/* SPDX-License-Identifier: MIT */
/*
 * The engine in plain C: the reference for the other engines, and the engine of all other
 * processors. Written to be read.
 */
#include <stdlib.h>
#include <string.h>

#include "encode/cpu/coder.h"
#include "encode/cpu/internal.h"

/* --- Reading ------------------------------------------------------------------- */

struct row {
	uint8_t y[32], cb[32], cr[32];
};

static uint8_t clamped(int value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* JFIF's equations, 16 bits of fraction. */
static void read_rgb(const struct glint_jpegenc_config *config, const uint8_t *line, unsigned n,
		     struct row *row)
{
	const unsigned middle = (128u << 16) + 32767;

	for (unsigned x = 0; x < n; x++, line += config->pixel_bytes) {
		unsigned r = line[config->order[0]], g = line[config->order[1]],
			 b = line[config->order[2]];

		row->y[x] = (uint8_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
		row->cb[x] = (uint8_t)((32768 * b + middle - 11059 * r - 21709 * g) >> 16);
		row->cr[x] = (uint8_t)((32768 * r + middle - 27439 * g - 5329 * b) >> 16);
	}
}

/* @n samples of luma of the double @number, and what the same line has of chroma. */
static void read_luma(const struct glint_jpegenc *enc, const uint8_t *line, size_t number,
		      unsigned n, struct row *row)
{
	const struct glint_jpegenc_config *config = &enc->config;

	if (config->layout == GLINT_JPEGENC_RGB) {
		read_rgb(config, line + number * n * config->pixel_bytes, n, row);
	} else if (config->layout == GLINT_JPEGENC_PACKED) {
		line += number * n * 2;
		for (unsigned x = 0; x < n; x++)
			row->y[x] = line[2 * x + config->order[0]];
		for (unsigned x = 0; x < n / 2; x++) {
			row->cb[x] = line[4 * x + config->order[1]];
			row->cr[x] = line[4 * x + config->order[3]];
		}
	} else {
		memcpy(row->y, line + number * n, n);
	}
}

static void read_chroma_planes(const struct glint_jpegenc *enc, const struct lines *lines,
			       unsigned i, size_t number, unsigned n, struct row *row)
{
	unsigned cr_first = enc->config.order[1] > enc->config.order[2];

	if (enc->config.layout == GLINT_JPEGENC_PLANAR) {
		memcpy(row->cb, lines->chroma[0][i] + number * n, n);
		memcpy(row->cr, lines->chroma[1][i] + number * n, n);
		return;
	}
	for (unsigned x = 0; x < n; x++) {
		row->cb[x] = lines->chroma[0][i][2 * (number * n + x) + cr_first];
		row->cr[x] = lines->chroma[0][i][2 * (number * n + x) + !cr_first];
	}
}

static void average(uint8_t *to, const uint8_t *other, unsigned n)
{
	for (unsigned x = 0; x < n; x++)
		to[x] = (uint8_t)((to[x] + other[x] + 1) >> 1);
}

static void halve(uint8_t *samples, unsigned n)
{
	for (unsigned x = 0; x < n; x++)
		samples[x] = (uint8_t)((samples[2 * x] + samples[2 * x + 1] + 1) >> 1);
}

/* Range first, then the matrix; luma takes its share of the chroma as it was. */
static void convert_luma(const struct glint_jpegenc *enc, uint8_t *y, const struct row *chroma,
			 unsigned n, unsigned per_chroma)
{
	for (unsigned x = 0; x < n; x++) {
		int value = y[x];

		if (enc->config.limited)
			value = clamped(value - 16 + (((value - 16) * 42 + 128) >> 8));
		if (enc->rotate)
			value += (enc->weights[0][0] * (chroma->cb[x / per_chroma] - 128) +
				  enc->weights[0][1] * (chroma->cr[x / per_chroma] - 128) + 256) >>
				 9;
		y[x] = clamped(value);
	}
}

static uint8_t expanded_chroma(uint8_t value)
{
	return clamped(value + (((value - 128) * 71 + 256) >> 9));
}

static void rotate_chroma(const struct glint_jpegenc *enc, struct row *row, unsigned n)
{
	for (unsigned x = 0; x < n; x++) {
		int cb = row->cb[x] - 128, cr = row->cr[x] - 128;

		row->cb[x] =
			clamped(row->cb[x] +
				((enc->weights[1][0] * cb + enc->weights[1][1] * cr + 256) >> 9));
		row->cr[x] =
			clamped(row->cr[x] +
				((enc->weights[2][0] * cb + enc->weights[2][1] * cr + 256) >> 9));
	}
}

static void put_block_row(uint8_t *pair, unsigned lane, unsigned y, const uint8_t *samples)
{
	memcpy(pair + y % 8 / 2 * 32 + lane * 16 + y % 2 * 8, samples, 8);
}

/* Chroma line @i of the MCU row, brought to the JPEG's sampling, from @luma's lines or planes. */
static void read_chroma(const struct glint_jpegenc *enc, const struct lines *lines, size_t number,
			unsigned i, const struct row *luma, struct row *row)
{
	const struct glint_jpegenc_config *config = &enc->config;
	bool planes = config->layout == GLINT_JPEGENC_PLANAR ||
		      config->layout == GLINT_JPEGENC_SEMIPLANAR;
	unsigned h_sub = planes ? config->h_sub : config->layout == GLINT_JPEGENC_PACKED ? 2 : 1;
	bool two_lines = config->sampling == GLINT_JPEGENC_420 && (!planes || config->v_sub == 1);
	unsigned n = enc->double_width / h_sub;
	struct row other;

	if (planes) {
		read_chroma_planes(enc, lines, two_lines ? 2 * i : i, number, n, row);
		if (two_lines)
			read_chroma_planes(enc, lines, 2 * i + 1, number, n, &other);
	} else {
		*row = luma[0];
		other = luma[1];
	}
	if (two_lines) {
		average(row->cb, other.cb, n);
		average(row->cr, other.cr, n);
	}
	if (enc->mcu_width == 16 && h_sub == 1) {
		halve(row->cb, n / 2);
		halve(row->cr, n / 2);
	}
}

static void read_double(const struct glint_jpegenc *enc, const struct lines *lines, size_t number,
			uint8_t *unit)
{
	unsigned width = enc->double_width, per_line = enc->mcu_height / 8;
	unsigned per_chroma = enc->mcu_width / 8, n_chroma = width / per_chroma;
	unsigned pairs = enc->double_bytes / PAIR_BYTES, each = pairs / per_chroma;
	bool grey = enc->config.sampling == GLINT_JPEGENC_SAMPLING_GREY;

	for (unsigned i = 0; i < 8; i++) {
		struct row luma[2], chroma;

		memset(luma, 0, sizeof(luma));
		for (unsigned l = 0; l < per_line; l++)
			read_luma(enc, lines->luma[i * per_line + l], number, width, &luma[l]);
		memset(&chroma, 128, sizeof(chroma));
		if (!grey)
			read_chroma(enc, lines, number, i, luma, &chroma);
		for (unsigned x = 0; x < n_chroma && !grey && enc->config.limited; x++) {
			chroma.cb[x] = expanded_chroma(chroma.cb[x]);
			chroma.cr[x] = expanded_chroma(chroma.cr[x]);
		}
		for (unsigned l = 0; l < per_line; l++) {
			unsigned y = i * per_line + l;

			convert_luma(enc, luma[l].y, &chroma, width, per_chroma);
			for (unsigned b = 0; b < width / 8; b++)
				put_block_row(unit + (b / 2 * each + y / 8) * PAIR_BYTES, b % 2, y,
					      luma[l].y + 8 * b);
		}
		if (grey)
			continue;
		if (enc->rotate)
			rotate_chroma(enc, &chroma, n_chroma);
		for (unsigned b = 0; b < 2; b++) {
			/* Of MCU @b: a pair of its own, or a lane of two pairs. */
			unsigned cb = per_chroma == 2 ? (b + 1) * each - 1 : 1;

			put_block_row(unit + cb * PAIR_BYTES, per_chroma == 2 ? 0 : b, i,
				      chroma.cb + 8 * b);
			put_block_row(unit + (per_chroma == 2 ? cb : cb + 1) * PAIR_BYTES,
				      per_chroma == 2 ? 1 : b, i, chroma.cr + 8 * b);
		}
	}
}

static void read_doubles(const struct glint_jpegenc *enc, const struct lines *lines, size_t first,
			 size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		read_double(enc, lines, first + i, out + i * enc->double_bytes);
}

static void (*reader(const struct glint_jpegenc *enc))(const struct glint_jpegenc *enc,
						       const struct lines *lines, size_t first,
						       size_t n, uint8_t *out)
{
	(void)enc;
	return read_doubles;
}

/* --- Transform -------------------------------------------------------------------- */

/*
 * One pass over eight values @step apart: the accurate integer method of Loeffler,
 * Ligtenberg and Moschytz with 13 bits of fraction. The first pass leaves two bits of
 * fraction, which the second takes away; its result is eight times the DCT's.
 */
static void transform_pass(int *v, unsigned step, bool first)
{
	int shift = first ? 11 : 15;
	int s0 = v[0] + v[7 * step], s1 = v[step] + v[6 * step];
	int s2 = v[2 * step] + v[5 * step], s3 = v[3 * step] + v[4 * step];
	int d0 = v[0] - v[7 * step], d1 = v[step] - v[6 * step];
	int d2 = v[2 * step] - v[5 * step], d3 = v[3 * step] - v[4 * step];
	int even = (s1 - s2 + s0 - s3) * 4433, half = 1 << (shift - 1);
	int all = (d0 + d1 + d2 + d3) * 9633;
	int z1 = -(d3 + d0) * 7373, z2 = -(d2 + d1) * 20995;
	int z3 = all - (d3 + d1) * 16069, z4 = all - (d2 + d0) * 3196;

	v[0] = first ? (s0 + s3 + s1 + s2) * 4 : (s0 + s3 + s1 + s2 + 2) >> 2;
	v[4 * step] = first ? (s0 + s3 - s1 - s2) * 4 : (s0 + s3 - s1 - s2 + 2) >> 2;
	v[2 * step] = (even + (s0 - s3) * 6270 + half) >> shift;
	v[6 * step] = (even - (s1 - s2) * 15137 + half) >> shift;
	v[7 * step] = (d3 * 2446 + z1 + z3 + half) >> shift;
	v[5 * step] = (d2 * 16819 + z2 + z4 + half) >> shift;
	v[3 * step] = (d1 * 25172 + z2 + z3 + half) >> shift;
	v[step] = (d0 * 12299 + z1 + z4 + half) >> shift;
}

static void transform(int v[64])
{
	for (unsigned y = 0; y < 8; y++)
		transform_pass(v + 8 * y, 1, true);
	for (unsigned x = 0; x < 8; x++)
		transform_pass(v + x, 8, false);
}

static int quantised(int value, int divisor)
{
	int magnitude = (abs(value) + divisor / 2) / divisor;

	return value < 0 ? -magnitude : magnitude;
}

/* --- Coding ------------------------------------------------------------------------- */

struct work {
	uint16_t index[65];
	int16_t coefs[8 * 16];
};

static int saturated(int value)
{
	return value < -128 ? -128 : value > 127 ? 127 : value;
}

static void make_block(const uint8_t *pair, unsigned lane, const struct quant *quant,
		       struct work *work, struct block *block)
{
	int v[64];

	for (unsigned i = 0; i < 64; i++)
		v[i] = pair[i / 16 * 32 + lane * 16 + i / 8 % 2 * 8 + i % 8] - 128;
	transform(v);
	*block = (struct block){ .index = work->index, .coefs = work->coefs };
	for (unsigned i = 0; i < 64; i++)
		work->coefs[i / 8 * 16 + i % 8] = (int16_t)quantised(v[i], quant->divisor[i]);
	block->dc = work->coefs[0];
	for (unsigned k = 1; k < 64; k++) {
		int value = block_coef(block, k);

		block->mask |= (uint64_t)(value != 0) << k;
		work->index[k] = (uint16_t)(AC_STRIDE * (uint8_t)saturated(value) + k);
	}
	work->index[64] = 64;
}

static void code_block(const struct glint_jpegenc *enc, const uint8_t *pair, unsigned lane,
		       unsigned component, struct coder *coder)
{
	unsigned table = component > 0;
	struct work work;
	struct block block;

	make_block(pair, lane, &enc->quant[table], &work, &block);
	bits_put_block(&coder->bits, &enc->symbols[table], &block, &coder->dc[component]);
}

/* A block beyond the picture: the DC of the one before, and nothing else. */
static void code_dummy(const struct glint_jpegenc *enc, struct coder *coder)
{
	struct block block = { .dc = coder->dc[0] };

	bits_put_block(&coder->bits, &enc->symbols[0], &block, &coder->dc[0]);
}

static void code(const struct glint_jpegenc *enc, const uint8_t *units, size_t n, bool half_last,
		 struct coder *coder)
{
	unsigned pairs = enc->double_bytes / PAIR_BYTES;

	for (size_t m = 0; m < n; m++) {
		const uint8_t *unit = units + m / 2 * enc->double_bytes;

		if (enc->mcu_width == 8) {
			for (unsigned c = 0; c < pairs; c++)
				code_block(enc, unit + c * PAIR_BYTES, m % 2, c, coder);
			continue;
		}
		unit += m % 2 * (pairs / 2) * PAIR_BYTES;
		for (unsigned p = 0; p < pairs / 2 - 1; p++) {
			code_block(enc, unit + p * PAIR_BYTES, 0, 0, coder);
			if (half_last && m == n - 1)
				code_dummy(enc, coder);
			else
				code_block(enc, unit + p * PAIR_BYTES, 1, 0, coder);
		}
		code_block(enc, unit + (pairs / 2 - 1) * PAIR_BYTES, 0, 1, coder);
		code_block(enc, unit + (pairs / 2 - 1) * PAIR_BYTES, 1, 2, coder);
	}
}

static uint8_t *stuff(uint8_t *to, const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*to++ = from[i];
		if (from[i] == 0xff)
			*to++ = 0;
	}
	return to;
}

static bool equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	return memcmp(a, b, n) == 0;
}

static uint64_t differ(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t marks = 0;

	for (size_t i = 0; i < n; i++)
		marks |= (uint64_t)(memcmp(a + i * 64, b + i * 64, 64) != 0) << i;
	return marks;
}

const struct engine glint_jpegenc_scalar = {
	.reader = reader,
	.code = code,
	.stuff = stuff,
	.equal = equal,
	.differ = differ,
};
