// SPDX-License-Identifier: GPL-2.0-only
#include "vjpeg-jpeg.h"

#ifdef __KERNEL__
#include <linux/minmax.h>
#include <linux/string.h>
#else
#include <string.h>
#define min(a, b) ((a) < (b) ? (a) : (b))
#endif

#define FRACTION 12	/* bits after the point in the DCT's constants */

/* T.81 figure 5: the natural index of each zigzag index. */
static const u8 zigzag[VJPEG_BLOCK] = {
	0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/* T.81 tables K.1 and K.2, natural order. */
static const u8 base_quant[2][VJPEG_BLOCK] = {
	{
		16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
		14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
		18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
		49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
	},
	{
		17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
		24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	},
};

/* T.81 tables K.3 to K.6: how many codes of each length, then their values. */
struct huffman_spec {
	u8 bits[16];
	u8 n;
	u8 values[162];
};

static const struct huffman_spec huffman[4] = {
	{ { 0, 1, 5, 1, 1, 1, 1, 1, 1 }, 12, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } },
	{
		{ 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d }, 162,
		{
			0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06,
			0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08,
			0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
			0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
			0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45,
			0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
			0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75,
			0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
			0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
			0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6,
			0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9,
			0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
			0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4,
			0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
		},
	},
	{ { 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 12, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } },
	{
		{ 0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77 }, 162,
		{
			0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41,
			0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91,
			0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
			0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
			0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44,
			0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
			0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74,
			0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
			0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
			0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4,
			0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
			0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
			0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4,
			0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
		},
	},
};

/*
 * The DCT below leaves coefficient (u, v) too large by aan[u] * aan[v] * 8; the
 * divisors take that back. aan[0] = 1, aan[k] = sqrt(2) * cos(k * pi / 16), 14 bits.
 */
static const u32 aan[8] = { 16384, 22725, 21407, 19266, 16384, 12873, 8867, 4520 };

/* --- Output ------------------------------------------------------------------ */

struct writer {
	u8 *at, *end;
	u64 bits;		/* not yet written, right-aligned */
	unsigned int n_bits;
	bool full;
};

static void put_byte(struct writer *w, u8 byte)
{
	if (w->at < w->end)
		*w->at++ = byte;
	else
		w->full = true;
}

static void put_word(struct writer *w, unsigned int word)
{
	put_byte(w, word >> 8);
	put_byte(w, word & 0xff);
}

static void put_marker(struct writer *w, u8 marker)
{
	put_byte(w, 0xff);
	put_byte(w, marker);
}

static void put_bits(struct writer *w, u32 value, unsigned int n)
{
	w->bits = w->bits << n | value;
	w->n_bits += n;
	while (w->n_bits >= 8) {
		u8 byte = w->bits >> (w->n_bits - 8);

		put_byte(w, byte);
		if (byte == 0xff)
			put_byte(w, 0);	/* T.81 B.1.1.5: stuffing */
		w->n_bits -= 8;
	}
}

/* Fills the last byte with ones, as a marker follows. */
static void flush_bits(struct writer *w)
{
	if (w->n_bits)
		put_bits(w, 0xff >> w->n_bits, 8 - w->n_bits);
	w->bits = 0;
}

/* --- Tables ------------------------------------------------------------------ */

static void make_codes(struct vjpeg_encoder *enc, unsigned int table)
{
	const struct huffman_spec *spec = &huffman[table];
	unsigned int code = 0, k = 0;

	for (unsigned int length = 1; length <= 16; length++, code <<= 1)
		for (unsigned int i = 0; i < spec->bits[length - 1]; i++, k++, code++) {
			enc->code[table][spec->values[k]] = code;
			enc->length[table][spec->values[k]] = length;
		}
}

void vjpeg_encoder_init(struct vjpeg_encoder *enc)
{
	memset(enc, 0, sizeof(*enc));
	for (unsigned int table = 0; table < 4; table++)
		make_codes(enc, table);
}

/* libjpeg's scale, which the quality controls of most drivers follow roughly. */
static unsigned int quality_percent(unsigned int quality)
{
	return quality < 50 ? 5000 / quality : 200 - quality * 2;
}

static void make_quant(struct vjpeg_encoder *enc, unsigned int quality)
{
	unsigned int percent = quality_percent(quality);

	for (unsigned int t = 0; t < 2; t++) {
		for (unsigned int i = 0; i < VJPEG_BLOCK; i++) {
			unsigned int at = zigzag[i];
			unsigned int q = (base_quant[t][at] * percent + 50) / 100;

			q = q < 1 ? 1 : min(q, 255u);
			enc->quant[t][i] = q;
			/* 14 + 14 bits of scale, less 16: 12 stay, plus 3 for the factor 8. */
			enc->divisor[t][at] = ((aan[at / 8] * aan[at % 8]) >> 16) * q;
		}
	}
}

/* --- Header ------------------------------------------------------------------ */

static void put_text(struct writer *w, const char *text, unsigned int length)
{
	for (unsigned int i = 0; i < length; i++)
		put_byte(w, text[i]);
}

static void put_app0(struct writer *w)
{
	put_marker(w, 0xe0);
	put_word(w, 16);
	put_text(w, "JFIF", 5);
	put_word(w, 0x0101);	/* version 1.1 */
	put_byte(w, 0);		/* no unit: the densities are an aspect ratio */
	put_word(w, 1);
	put_word(w, 1);
	put_word(w, 0);		/* no thumbnail */
}

static void put_comment(struct writer *w)
{
	put_marker(w, 0xfe);
	put_word(w, 2 + 5);
	put_text(w, "vjpeg", 5);
}

static void put_dqt(struct writer *w, const struct vjpeg_encoder *enc, unsigned int t)
{
	put_marker(w, 0xdb);
	put_word(w, 2 + 1 + VJPEG_BLOCK);
	put_byte(w, t);
	for (unsigned int i = 0; i < VJPEG_BLOCK; i++)
		put_byte(w, enc->quant[t][i]);
}

static void put_dht(struct writer *w, unsigned int table)
{
	const struct huffman_spec *spec = &huffman[table];

	put_marker(w, 0xc4);
	put_word(w, 2 + 1 + 16 + spec->n);
	put_byte(w, (table & 1) << 4 | table >> 1);	/* class AC or DC, then number */
	for (unsigned int i = 0; i < 16; i++)
		put_byte(w, spec->bits[i]);
	for (unsigned int i = 0; i < spec->n; i++)
		put_byte(w, spec->values[i]);
}

static void put_sof0(struct writer *w, const struct vjpeg_image *image)
{
	put_marker(w, 0xc0);
	put_word(w, 8 + 3 * image->n);
	put_byte(w, 8);
	put_word(w, image->height);
	put_word(w, image->width);
	put_byte(w, image->n);
	for (unsigned int i = 0; i < image->n; i++) {
		put_byte(w, i + 1);
		put_byte(w, image->comp[i].h << 4 | image->comp[i].v);
		put_byte(w, i > 0);
	}
}

static void put_sos(struct writer *w, const struct vjpeg_image *image)
{
	put_marker(w, 0xda);
	put_word(w, 6 + 2 * image->n);
	put_byte(w, image->n);
	for (unsigned int i = 0; i < image->n; i++) {
		put_byte(w, i + 1);
		put_byte(w, i > 0 ? 0x11 : 0);
	}
	put_byte(w, 0);
	put_byte(w, 63);
	put_byte(w, 0);
}

static void put_header(struct writer *w, const struct vjpeg_encoder *enc,
		       const struct vjpeg_image *image, const struct vjpeg_settings *settings)
{
	put_marker(w, 0xd8);
	if (settings->header == VJPEG_HEADER_JFIF)
		put_app0(w);
	else if (settings->header == VJPEG_HEADER_COMMENT)
		put_comment(w);
	for (unsigned int t = 0; t < min(image->n, 2u); t++)
		put_dqt(w, enc, t);
	put_sof0(w, image);
	for (unsigned int table = 0; table < (image->n > 1 ? 4 : 2); table++)
		put_dht(w, table);
	if (settings->restart) {
		put_marker(w, 0xdd);
		put_word(w, 4);
		put_word(w, settings->restart);
	}
	put_sos(w, image);
}

/* --- Transform --------------------------------------------------------------- */

static s32 mul(s32 value, s32 constant)
{
	return (value * constant) >> FRACTION;
}

/*
 * The eight-point DCT of Arai, Agui and Nakajima: 5 multiplications, outputs
 * scaled. The samples enter with 3 more bits than they have, so that rounding in
 * mul() stays far below one quantisation step even at quality 100.
 */
static void dct8(s32 *p, unsigned int step)
{
	s32 s07 = p[0] + p[7 * step], d07 = p[0] - p[7 * step];
	s32 s16 = p[step] + p[6 * step], d16 = p[step] - p[6 * step];
	s32 s25 = p[2 * step] + p[5 * step], d25 = p[2 * step] - p[5 * step];
	s32 s34 = p[3 * step] + p[4 * step], d34 = p[3 * step] - p[4 * step];
	s32 a = s07 + s34, b = s16 + s25, c = s16 - s25, d = s07 - s34;
	s32 e = mul(c + d, 2896);			/* cos(4 pi / 16) */
	s32 f = d34 + d25, g = d25 + d16, h = d16 + d07;
	s32 r = mul(f - h, 1567);			/* cos(6 pi / 16) */
	s32 i = mul(f, 2217) + r;			/* cos(2) - cos(6) */
	s32 j = mul(h, 5352) + r;			/* cos(2) + cos(6) */
	s32 k = mul(g, 2896);
	s32 l = d07 + k, m = d07 - k;

	p[0] = a + b;
	p[4 * step] = a - b;
	p[2 * step] = d + e;
	p[6 * step] = d - e;
	p[5 * step] = m + i;
	p[3 * step] = m - i;
	p[step] = l + j;
	p[7 * step] = l - j;
}

static void transform(s32 block[VJPEG_BLOCK])
{
	for (unsigned int y = 0; y < 8; y++)
		dct8(block + 8 * y, 1);
	for (unsigned int x = 0; x < 8; x++)
		dct8(block + x, 8);
}

/* Rounds to nearest; the divisor carries 12 bits of fraction, the samples 3, the DCT a factor 8. */
static s32 quantise(s32 value, u32 divisor)
{
	u32 magnitude = value < 0 ? -value : value;
	u32 level = ((magnitude << (FRACTION - 6)) + divisor / 2) / divisor;	/* below 2^25 */

	return value < 0 ? -(s32)level : (s32)level;
}

/* --- Entropy coding ---------------------------------------------------------- */

static unsigned int bit_length(u32 value)
{
	unsigned int n = 0;

	for (; value; value >>= 1)
		n++;
	return n;
}

/* T.81 F.1.2.1: the category's code, then the value's low bits (minus one when negative). */
static void put_coefficient(struct writer *w, const struct vjpeg_encoder *enc, unsigned int table,
			    unsigned int run, s32 value)
{
	unsigned int size = bit_length(value < 0 ? -value : value);
	u32 low = (value < 0 ? value - 1 : value) & ((1u << size) - 1);
	u8 symbol = run << 4 | size;

	put_bits(w, enc->code[table][symbol], enc->length[table][symbol]);
	put_bits(w, low, size);
}

static void put_ac(struct writer *w, const struct vjpeg_encoder *enc, unsigned int table,
		   const s32 level[VJPEG_BLOCK])
{
	unsigned int run = 0;

	for (unsigned int i = 1; i < VJPEG_BLOCK; i++) {
		s32 value = level[i];

		if (!value) {
			run++;
			continue;
		}
		for (; run > 15; run -= 16)	/* ZRL: sixteen zeros */
			put_bits(w, enc->code[table][0xf0], enc->length[table][0xf0]);
		put_coefficient(w, enc, table, run, value);
		run = 0;
	}
	if (run)			/* EOB */
		put_bits(w, enc->code[table][0], enc->length[table][0]);
}

static u32 sample(const struct vjpeg_component *comp, u32 x, u32 y)
{
	u32 sum = 0, last = comp->height - 1;

	for (u32 i = 0; i < comp->v_average; i++)
		sum += comp->base[min(y * comp->v_average + i, last) * (size_t)comp->stride +
				  x * comp->step];
	return (sum * 2 / comp->v_average + 1) / 2;
}

/* Level-shifted, with 3 bits more than the samples have. */
static void load_block(s32 block[VJPEG_BLOCK], const struct vjpeg_component *comp, u32 x0, u32 y0)
{
	for (u32 y = 0; y < 8; y++)
		for (u32 x = 0; x < 8; x++)
			block[8 * y + x] =
				((s32)sample(comp, min(x0 + x, comp->width - 1), y0 + y) - 128) * 8;
}

static void encode_block(struct writer *w, const struct vjpeg_encoder *enc,
			 const struct vjpeg_component *comp, bool chroma, u32 x0, u32 y0, s32 *dc)
{
	s32 block[VJPEG_BLOCK], level[VJPEG_BLOCK];

	load_block(block, comp, x0, y0);
	transform(block);
	for (unsigned int i = 0; i < VJPEG_BLOCK; i++)
		level[i] = quantise(block[zigzag[i]], enc->divisor[chroma][zigzag[i]]);
	put_coefficient(w, enc, 2 * chroma, 0, level[0] - *dc);
	*dc = level[0];
	put_ac(w, enc, 2 * chroma + 1, level);
}

static void encode_mcu(struct writer *w, const struct vjpeg_encoder *enc,
		       const struct vjpeg_image *image, u32 mx, u32 my, s32 dc[3])
{
	for (unsigned int c = 0; c < image->n; c++) {
		const struct vjpeg_component *comp = &image->comp[c];

		for (unsigned int v = 0; v < comp->v; v++)
			for (unsigned int h = 0; h < comp->h; h++)
				encode_block(w, enc, comp, c > 0, (mx * comp->h + h) * 8,
					     (my * comp->v + v) * 8, &dc[c]);
	}
}

static void encode_scan(struct writer *w, const struct vjpeg_encoder *enc,
			const struct vjpeg_image *image, unsigned int restart)
{
	u32 mcu_w = 8 * image->comp[0].h, mcu_h = 8 * image->comp[0].v;
	u32 columns = (image->width + mcu_w - 1) / mcu_w;
	u32 rows = (image->height + mcu_h - 1) / mcu_h;
	s32 dc[3] = { 0 };

	for (u32 i = 0; i < columns * rows && !w->full; i++) {
		if (restart && i && i % restart == 0) {
			flush_bits(w);
			put_marker(w, 0xd0 + (i / restart - 1) % 8);
			memset(dc, 0, sizeof(dc));
		}
		encode_mcu(w, enc, image, i % columns, i / columns, dc);
	}
	flush_bits(w);
}

size_t vjpeg_encode(struct vjpeg_encoder *enc, const struct vjpeg_image *image,
		    const struct vjpeg_settings *settings, u8 *out, size_t capacity)
{
	struct writer w = { .at = out, .end = out + capacity };

	make_quant(enc, settings->quality);
	put_header(&w, enc, image, settings);
	encode_scan(&w, enc, image, settings->restart);
	put_marker(&w, 0xd9);
	return w.full ? 0 : w.at - out;
}
