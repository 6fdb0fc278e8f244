/* SPDX-License-Identifier: MIT */
/*
 * The engine for AVX2, BMI1 and BMI2; the Kbuild file has its compiler flags. A vector is
 * two lanes of 128 bits, and but for a few permutations all work stays within a lane:
 * in readers a lane is eight samples of one block row, in the transform it is a block.
 */
#include <immintrin.h>
#include <string.h>

#include "encode/cpu/coder.h"
#include "encode/cpu/internal.h"
#include "encode/cpu/readers.h"

typedef __m256i vec;

static always_inline vec load(const void *at)
{
	return _mm256_loadu_si256(at);
}

static always_inline void store(void *at, vec v)
{
	_mm256_storeu_si256(at, v);
}

/* 16 bytes as words. */
static always_inline vec load_words(const uint8_t *at)
{
	return _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)at));
}

static always_inline vec words(int value)
{
	return _mm256_set1_epi16((short)value);
}

/* From [a0 a1 | b0 b1], quarters of a vector, to [a0 b0 | a1 b1], and back. */
static always_inline vec swap_middle(vec v)
{
	return _mm256_permute4x64_epi64(v, 0xd8);
}

/* --- Colour ----------------------------------------------------------------------- */

/* (v * 42 + 128) >> 8 is mulhrs(v, 42 * 128). Not yet clamped, as all here. */
static always_inline vec expand_luma(vec y)
{
	y = _mm256_sub_epi16(y, words(16));
	return _mm256_add_epi16(y, _mm256_mulhrs_epi16(y, words(42 * 128)));
}

/* (v * 71 + 256) >> 9 */
static always_inline vec expand_chroma(vec c)
{
	vec less = _mm256_sub_epi16(c, words(128));

	return _mm256_add_epi16(c, _mm256_mulhrs_epi16(less, words(71 * 64)));
}

static always_inline vec clamp(vec v)
{
	return _mm256_max_epi16(_mm256_min_epi16(v, words(255)), _mm256_setzero_si256());
}

/* What chroma adds by two weights; @cb and @cr are less 128. */
static always_inline vec addend(vec cb, vec cr, const int16_t weights[2])
{
	vec sum = _mm256_add_epi16(_mm256_mullo_epi16(cb, words(weights[0])),
				   _mm256_mullo_epi16(cr, words(weights[1])));

	return _mm256_srai_epi16(_mm256_add_epi16(sum, words(256)), 9);
}

struct chroma {
	vec cb, cr; /* words of 16 samples in their order */
};

static always_inline vec convert_luma(const struct glint_jpegenc *enc, enum colour colour, vec y,
				      vec add)
{
	if (colour == EXPAND || (colour == ROTATE && enc->config.limited))
		y = expand_luma(y);
	return colour == ROTATE ? _mm256_add_epi16(clamp(y), add) : y;
}

/* @add: what luma gets. */
static always_inline struct chroma convert_chroma(const struct glint_jpegenc *enc,
						  enum colour colour, struct chroma c, vec *add)
{
	vec cb, cr;

	*add = _mm256_setzero_si256();
	if (colour == EXPAND || (colour == ROTATE && enc->config.limited)) {
		c.cb = expand_chroma(c.cb);
		c.cr = expand_chroma(c.cr);
	}
	if (colour != ROTATE)
		return c;
	c.cb = clamp(c.cb);
	c.cr = clamp(c.cr);
	cb = _mm256_sub_epi16(c.cb, words(128));
	cr = _mm256_sub_epi16(c.cr, words(128));
	*add = addend(cb, cr, enc->weights[0]);
	c.cb = _mm256_add_epi16(c.cb, addend(cb, cr, enc->weights[1]));
	c.cr = _mm256_add_epi16(c.cr, addend(cb, cr, enc->weights[2]));
	return c;
}

/* --- Samples of a line ---------------------------------------------------------------- */

/* Words in their order: 32 of luma, and 16 or 32 of chroma, with 16-pixel doubles half of it. */
struct luma {
	vec a, b;
};

struct chroma_line {
	struct chroma a, b;
};

static always_inline vec average(vec a, vec b)
{
	return _mm256_avg_epu16(a, b);
}

/* Of two neighbours. */
static always_inline vec halve(vec a, vec b)
{
	return swap_middle(average(_mm256_hadd_epi16(a, b), _mm256_setzero_si256()));
}

static always_inline struct chroma average_chroma(struct chroma a, struct chroma b)
{
	return (struct chroma){ average(a.cb, b.cb), average(a.cr, b.cr) };
}

static always_inline struct chroma halve_chroma(struct chroma_line l)
{
	return (struct chroma){ halve(l.a.cb, l.b.cb), halve(l.a.cr, l.b.cr) };
}

/* Even or odd bytes as words. */
static always_inline vec bytes_at(vec v, bool odd)
{
	return odd ? _mm256_srli_epi16(v, 8) : _mm256_and_si256(v, words(255));
}

static always_inline struct luma packed_luma(vec a, vec b, bool odd)
{
	return (struct luma){ bytes_at(a, odd), bytes_at(b, odd) };
}

/* From 32 pixels, which may be an average of two lines. */
static always_inline struct chroma packed_chroma(vec a, vec b, bool luma_is_odd, bool cr_first)
{
	const vec order = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
	vec both = _mm256_packus_epi16(bytes_at(a, !luma_is_odd), bytes_at(b, !luma_is_odd));
	vec first, second, zero = _mm256_setzero_si256();

	both = _mm256_shuffle_epi8(both, order);
	first = swap_middle(_mm256_unpacklo_epi8(both, zero));
	second = swap_middle(_mm256_unpackhi_epi8(both, zero));
	return cr_first ? (struct chroma){ second, first } : (struct chroma){ first, second };
}

/* 16 samples of each, interleaved. */
static always_inline struct chroma semiplanar_chroma(const uint8_t *at, bool cr_first)
{
	vec v = load(at), first = bytes_at(v, false), second = bytes_at(v, true);

	return cr_first ? (struct chroma){ second, first } : (struct chroma){ first, second };
}

/* --- RGB --------------------------------------------------------------------------------- */

struct rgb {
	vec red_green, blue_green; /* byte shuffles: four pixels to words */
	unsigned bytes;
};

struct rgb_samples {
	vec y;
	struct chroma c;
};

static always_inline struct rgb rgb_order(const struct glint_jpegenc *enc, unsigned bytes)
{
	uint8_t red_green[16], blue_green[16];

	for (unsigned i = 0; i < 16; i++) {
		unsigned pixel = i / 4 * bytes, second = i / 2 % 2;

		red_green[i] = blue_green[i] = 0x80; /* a high byte: 0 */
		if (i % 2)
			continue;
		red_green[i] = (uint8_t)(pixel + enc->config.order[second]);
		blue_green[i] = (uint8_t)(pixel + enc->config.order[2 - second]);
	}
	return (struct rgb){
		_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)red_green)),
		_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)blue_green)),
		bytes,
	};
}

/* Weights of words that alternate. */
static always_inline vec weights(int even, int odd)
{
	return _mm256_set1_epi32((int)((unsigned)even & 0xffff) | (int)((unsigned)odd << 16));
}

static always_inline vec weigh(vec red_green, vec w_red_green, vec blue_green, vec w_blue_green)
{
	return _mm256_add_epi32(_mm256_madd_epi16(red_green, w_red_green),
				_mm256_madd_epi16(blue_green, w_blue_green));
}

/*
 * Eight pixels. Weights must fit into 16 bits with a sign: green's of luma is spread over
 * both products, the 32768 of chroma is negative like the others, and all are subtracted.
 */
static always_inline void rgb_eight(const struct rgb *rgb, vec pixels, vec *y, vec *cb, vec *cr)
{
	const vec middle = _mm256_set1_epi32((128 << 16) + 32767);
	vec rg = _mm256_shuffle_epi8(pixels, rgb->red_green);
	vec bg = _mm256_shuffle_epi8(pixels, rgb->blue_green);

	*y = weigh(rg, weights(19595, 19235), bg, weights(7471, 19235));
	*cb = weigh(rg, weights(11059, 21709), bg, weights(-32768, 0));
	*cr = weigh(rg, weights(-32768, 27439), bg, weights(5329, 0));
	*y = _mm256_srli_epi32(_mm256_add_epi32(*y, _mm256_set1_epi32(32768)), 16);
	*cb = _mm256_srli_epi32(_mm256_sub_epi32(middle, *cb), 16);
	*cr = _mm256_srli_epi32(_mm256_sub_epi32(middle, *cr), 16);
}

/* 16 bytes at two places. */
static always_inline vec load_two(const uint8_t *a, const uint8_t *b)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)a)),
				       _mm_loadu_si128((const void *)b), 1);
}

/* 16 pixels; of three bytes, four bytes behind them are loaded, too. */
static always_inline struct rgb_samples rgb_sixteen(const struct rgb *rgb, const uint8_t *at)
{
	unsigned four = 4 * rgb->bytes;
	vec y[2], cb[2], cr[2];

	UNROLL
	for (unsigned i = 0; i < 2; i++)
		rgb_eight(rgb, load_two(at + i * four, at + (i + 2) * four), &y[i], &cb[i], &cr[i]);
	return (struct rgb_samples){
		_mm256_packs_epi32(y[0], y[1]),
		{ _mm256_packs_epi32(cb[0], cb[1]), _mm256_packs_epi32(cr[0], cr[1]) },
	};
}

/* --- Into units -------------------------------------------------------------------------- */

/* Two lines of luma of a 32-pixel double: @at is the first MCU's place, the second's is @mcu on. */
static always_inline void store_luma(uint8_t *at, size_t mcu, struct luma first, struct luma second)
{
	vec a = _mm256_packus_epi16(first.a, first.b), b = _mm256_packus_epi16(second.a, second.b);

	store(at, _mm256_unpacklo_epi64(a, b));
	store(at + mcu, _mm256_unpackhi_epi64(a, b));
}

static always_inline void store_chroma(uint8_t *at, size_t mcu, struct chroma first,
				       struct chroma second)
{
	vec a = swap_middle(_mm256_packus_epi16(first.cb, first.cr));
	vec b = swap_middle(_mm256_packus_epi16(second.cb, second.cr));

	store(at, _mm256_unpacklo_epi64(a, b));
	store(at + mcu, _mm256_unpackhi_epi64(a, b));
}

/* 16 samples of each component. */
static always_inline struct chroma plane_chroma(struct kind kind, const struct lines *lines,
						unsigned line, size_t at, bool cr_first)
{
	if (kind.layout == GLINT_JPEGENC_SEMIPLANAR)
		return semiplanar_chroma(lines->chroma[0][line] + at, cr_first);
	return (struct chroma){ load_words(lines->chroma[0][line] + at),
				load_words(lines->chroma[1][line] + at) };
}

/* Of 32 pixels of a plane's line, or of the average of two. */
static always_inline struct chroma planes_chroma(struct kind kind, const struct lines *lines,
						 unsigned row, size_t at, bool cr_first)
{
	bool two = kind.sampling == GLINT_JPEGENC_420 && kind.variant != H2V2;
	unsigned line = two ? 2 * row : row;
	struct chroma_line l;

	l.a = plane_chroma(kind, lines, line, at, cr_first);
	if (two)
		l.a = average_chroma(l.a, plane_chroma(kind, lines, line + 1, at, cr_first));
	if (kind.variant != H1V1)
		return l.a;
	at += chroma_bytes(kind, 16);
	l.b = plane_chroma(kind, lines, line, at, cr_first);
	if (two)
		l.b = average_chroma(l.b, plane_chroma(kind, lines, line + 1, at, cr_first));
	return halve_chroma(l);
}

/* Chroma has 16 samples for 32 of luma. */
static always_inline struct luma luma_addends(vec add)
{
	add = swap_middle(add);
	return (struct luma){ _mm256_unpacklo_epi16(add, add), _mm256_unpackhi_epi16(add, add) };
}

/* The @n lines of luma from @line on that chroma row @row belongs to, 32 pixels. */
static always_inline struct chroma read_row(const struct glint_jpegenc *enc, struct kind kind,
					    const struct lines *lines, unsigned row, size_t pixel,
					    const struct rgb *rgb, bool cr_first, struct luma *luma)
{
	unsigned n = kind.sampling == GLINT_JPEGENC_420 ? 2 : 1;
	size_t at = pixel * pixel_bytes(kind);
	struct chroma_line line[2];
	struct luma addends;
	struct chroma c;
	vec raw[2][2], add;

	UNROLL
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *from = lines->luma[row * n + i] + at;

		_mm_prefetch((const char *)from + 4 * 32 * pixel_bytes(kind), _MM_HINT_T0);
		if (kind.layout == GLINT_JPEGENC_PACKED) {
			raw[i][0] = load(from);
			raw[i][1] = load(from + 32);
			luma[i] = packed_luma(raw[i][0], raw[i][1], kind.variant);
		} else if (kind.layout == GLINT_JPEGENC_RGB) {
			struct rgb_samples s = rgb_sixteen(rgb, from);
			struct rgb_samples t = rgb_sixteen(rgb, from + 16 * kind.variant);

			luma[i] = (struct luma){ s.y, t.y };
			line[i] = (struct chroma_line){ s.c, t.c };
		} else {
			luma[i] = (struct luma){ load_words(from), load_words(from + 16) };
		}
	}
	if (kind.layout == GLINT_JPEGENC_PACKED) {
		if (n == 2) {
			UNROLL
			for (unsigned i = 0; i < 2; i++)
				raw[0][i] = _mm256_avg_epu8(raw[0][i], raw[1][i]);
		}
		c = packed_chroma(raw[0][0], raw[0][1], kind.variant, cr_first);
	} else if (kind.layout == GLINT_JPEGENC_RGB) {
		c = halve_chroma((struct chroma_line){ average_chroma(line[0].a, line[1].a),
						       average_chroma(line[0].b, line[1].b) });
	} else {
		c = planes_chroma(kind, lines, row, chroma_bytes(kind, pixel), cr_first);
	}
	c = convert_chroma(enc, kind.colour, c, &add);
	addends = luma_addends(add);
	UNROLL
	for (unsigned i = 0; i < n; i++)
		luma[i] = (struct luma){ convert_luma(enc, kind.colour, luma[i].a, addends.a),
					 convert_luma(enc, kind.colour, luma[i].b, addends.b) };
	return c;
}

/* 4:2:0 and 4:2:2: pairs are within an MCU. */
static always_inline void read_wide(const struct glint_jpegenc *enc, struct kind kind,
				    const struct lines *lines, size_t first, size_t n, uint8_t *out)
{
	bool tall = kind.sampling == GLINT_JPEGENC_420;
	bool cr_first = cr_is_first(enc, kind);
	size_t mcu = (tall ? 3 : 2) * PAIR_BYTES, chroma_at = mcu - PAIR_BYTES;
	struct rgb rgb = { .bytes = 0 };

	if (kind.layout == GLINT_JPEGENC_RGB)
		rgb = rgb_order(enc, kind.variant);
	for (size_t pixel = 32 * first; pixel < 32 * (first + n); pixel += 32, out += 2 * mcu) {
		UNROLL
		for (unsigned i = 0; i < 4; i++) {
			struct luma l[4];
			struct chroma c[2];

			c[0] = read_row(enc, kind, lines, 2 * i, pixel, &rgb, cr_first, l);
			c[1] = read_row(enc, kind, lines, 2 * i + 1, pixel, &rgb, cr_first,
					tall ? l + 2 : l + 1);
			store_chroma(out + chroma_at + 32 * i, mcu, c[0], c[1]);
			if (tall) {
				store_luma(out + 64 * i, mcu, l[0], l[1]);
				store_luma(out + 64 * i + 32, mcu, l[2], l[3]);
			} else {
				store_luma(out + 32 * i, mcu, l[0], l[1]);
			}
		}
	}
}

/* One line of a 16-pixel double. */
static always_inline vec read_narrow_row(const struct glint_jpegenc *enc, struct kind kind,
					 const struct lines *lines, unsigned row, size_t pixel,
					 const struct rgb *rgb, bool cr_first, struct chroma *c)
{
	const uint8_t *from = lines->luma[row] + pixel * pixel_bytes(kind);
	vec y, add = _mm256_setzero_si256();

	_mm_prefetch((const char *)from + 8 * 16 * pixel_bytes(kind), _MM_HINT_T0);
	if (kind.layout == GLINT_JPEGENC_RGB) {
		struct rgb_samples s = rgb_sixteen(rgb, from);

		*c = s.c;
		return s.y;
	}
	y = load_words(from);
	if (kind.layout != GLINT_JPEGENC_GREY)
		*c = convert_chroma(
			enc, kind.colour,
			plane_chroma(kind, lines, row, chroma_bytes(kind, pixel), cr_first), &add);
	return convert_luma(enc, kind.colour, y, add);
}

/* 4:4:4 and grey: pairs are of two MCUs. */
static always_inline void read_narrow(const struct glint_jpegenc *enc, struct kind kind,
				      const struct lines *lines, size_t first, size_t n,
				      uint8_t *out)
{
	bool grey = kind.layout == GLINT_JPEGENC_GREY;
	bool cr_first = cr_is_first(enc, kind);
	struct rgb rgb = { .bytes = 0 };

	if (kind.layout == GLINT_JPEGENC_RGB)
		rgb = rgb_order(enc, kind.variant);
	for (size_t pixel = 16 * first; pixel < 16 * (first + n);
	     pixel += 16, out += (grey ? 1 : 3) * PAIR_BYTES) {
		UNROLL
		for (unsigned i = 0; i < 4; i++) {
			struct chroma c[2];
			vec y[2];

			UNROLL
			for (unsigned l = 0; l < 2; l++)
				y[l] = read_narrow_row(enc, kind, lines, 2 * i + l, pixel, &rgb,
						       cr_first, &c[l]);
			store(out + 32 * i, _mm256_packus_epi16(y[0], y[1]));
			if (grey)
				continue;
			store(out + PAIR_BYTES + 32 * i, _mm256_packus_epi16(c[0].cb, c[1].cb));
			store(out + 2 * PAIR_BYTES + 32 * i, _mm256_packus_epi16(c[0].cr, c[1].cr));
		}
	}
}

/* --- The readers -------------------------------------------------------------------------- */

READERS(READER)

static reader_fn *reader(const struct glint_jpegenc *enc)
{
	static const struct reader readers[] = { READERS(ROW) };

	return reader_find(enc, readers, sizeof(readers) / sizeof(readers[0]));
}

/* --- Transform ------------------------------------------------------------------------------ */

/* a * even + b * odd, rounded and shifted; a and b are words of vectors. */
static always_inline vec rotate(vec a, vec b, int even, int odd, int shift)
{
	const vec w = weights(even, odd), half = _mm256_set1_epi32(1 << (shift - 1));
	vec low = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), w);
	vec high = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), w);

	low = _mm256_srai_epi32(_mm256_add_epi32(low, half), shift);
	high = _mm256_srai_epi32(_mm256_add_epi32(high, half), shift);
	return _mm256_packs_epi32(low, high);
}

static always_inline vec odd_sum(vec low_a, vec high_a, vec low_b, vec high_b, vec wa, vec wb,
				 int shift)
{
	const vec half = _mm256_set1_epi32(1 << (shift - 1));
	vec low = _mm256_add_epi32(_mm256_madd_epi16(low_a, wa), _mm256_madd_epi16(low_b, wb));
	vec high = _mm256_add_epi32(_mm256_madd_epi16(high_a, wa), _mm256_madd_epi16(high_b, wb));

	low = _mm256_srai_epi32(_mm256_add_epi32(low, half), shift);
	high = _mm256_srai_epi32(_mm256_add_epi32(high, half), shift);
	return _mm256_packs_epi32(low, high);
}

/*
 * All of a pass but its outputs 0 and 4: @s are the sums of opposite inputs, @d their
 * differences, outermost first. libjpeg's steps, multiplied out, so that the integers are
 * the same: each output is four products of differences. t4 .. t7 are its names.
 */
static always_inline void transform_pass(const vec s[4], const vec d[4], int shift, vec out[8])
{
	vec t13 = _mm256_sub_epi16(s[0], s[3]), t12 = _mm256_sub_epi16(s[1], s[2]);
	vec t45_low = _mm256_unpacklo_epi16(d[3], d[2]),
	    t45_high = _mm256_unpackhi_epi16(d[3], d[2]);
	vec t67_low = _mm256_unpacklo_epi16(d[1], d[0]),
	    t67_high = _mm256_unpackhi_epi16(d[1], d[0]);

	out[2] = rotate(t12, t13, 4433, 4433 + 6270, shift);
	out[6] = rotate(t12, t13, 4433 - 15137, 4433, shift);
#define ODD(t4, t5, t6, t7)                                                                        \
	odd_sum(t45_low, t45_high, t67_low, t67_high, weights(t4, t5), weights(t6, t7), shift)
	out[1] = ODD(9633 - 7373, 9633 - 3196, 9633, 12299 - 7373 - 3196 + 9633);
	out[3] = ODD(9633 - 16069, 9633 - 20995, 25172 - 20995 - 16069 + 9633, 9633);
	out[5] = ODD(9633, 16819 - 20995 - 3196 + 9633, 9633 - 20995, 9633 - 3196);
	out[7] = ODD(2446 - 7373 - 16069 + 9633, 9633, 9633 - 16069, 9633 - 7373);
#undef ODD
}

/* Rows of words to columns, in each lane. */
static always_inline void transpose(const vec in[8], vec out[8])
{
	vec a[8], b[8];

	UNROLL
	for (unsigned i = 0; i < 4; i++) {
		a[2 * i] = _mm256_unpacklo_epi16(in[2 * i], in[2 * i + 1]);
		a[2 * i + 1] = _mm256_unpackhi_epi16(in[2 * i], in[2 * i + 1]);
	}
	UNROLL
	for (unsigned i = 0; i < 2; i++) {
		b[4 * i] = _mm256_unpacklo_epi32(a[4 * i], a[4 * i + 2]);
		b[4 * i + 1] = _mm256_unpackhi_epi32(a[4 * i], a[4 * i + 2]);
		b[4 * i + 2] = _mm256_unpacklo_epi32(a[4 * i + 1], a[4 * i + 3]);
		b[4 * i + 3] = _mm256_unpackhi_epi32(a[4 * i + 1], a[4 * i + 3]);
	}
	UNROLL
	for (unsigned i = 0; i < 4; i++) {
		out[2 * i] = _mm256_unpacklo_epi64(b[i], b[i + 4]);
		out[2 * i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 4]);
	}
}

/*
 * Two blocks; out[v] is row v of each. The rows go first, for libjpeg rounds after them:
 * the bytes are transposed so that a vector is a pair of opposite columns, byte by byte,
 * whose sums and differences one instruction makes. The order of the rows in such a
 * vector is that of their three bits reversed, which the second pass undoes.
 *
 * Samples are not made signed: only the DC would notice. Its sum, up to 65280, is brought
 * back by a constant before it is shifted, modulo 2^16.
 */
static always_inline void transform(const uint8_t *pair, vec out[8])
{
	const vec order = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(0, 7, 8, 15, 1, 6, 9, 14, 2, 5, 10, 13, 3, 4, 11, 12));
	const vec plus = _mm256_set1_epi8(1), minus = _mm256_set1_epi16((short)0xff01);
	const vec round = words(2);
	const vec round_dc = _mm256_broadcastsi128_si256(
		_mm_setr_epi16((short)(2 - 32768), 2, 2, 2, 2, 2, 2, 2));
	vec v[4], u[4], s[4], d[4], rows[8], columns[8], t10, t11;

	UNROLL
	for (unsigned i = 0; i < 4; i++)
		v[i] = _mm256_shuffle_epi8(load(pair + 32 * i), order);
	u[0] = _mm256_unpacklo_epi16(v[0], v[1]);
	u[1] = _mm256_unpackhi_epi16(v[0], v[1]);
	u[2] = _mm256_unpacklo_epi16(v[2], v[3]);
	u[3] = _mm256_unpackhi_epi16(v[2], v[3]);
	v[0] = _mm256_unpacklo_epi16(u[0], u[2]);
	v[1] = _mm256_unpackhi_epi16(u[0], u[2]);
	v[2] = _mm256_unpacklo_epi16(u[1], u[3]);
	v[3] = _mm256_unpackhi_epi16(u[1], u[3]);
	UNROLL
	for (unsigned i = 0; i < 4; i++) {
		s[i] = _mm256_maddubs_epi16(v[i], plus);
		d[i] = _mm256_maddubs_epi16(v[i], minus);
	}
	transform_pass(s, d, 11, rows);
	t10 = _mm256_add_epi16(s[0], s[3]);
	t11 = _mm256_add_epi16(s[1], s[2]);
	rows[0] = _mm256_slli_epi16(_mm256_add_epi16(t10, t11), 2);
	rows[4] = _mm256_slli_epi16(_mm256_sub_epi16(t10, t11), 2);

	transpose(rows, columns);
	/* Row r is columns[r with its bits reversed]: 0 4 2 6 1 5 3 7. */
	s[0] = _mm256_add_epi16(columns[0], columns[7]);
	d[0] = _mm256_sub_epi16(columns[0], columns[7]);
	s[1] = _mm256_add_epi16(columns[4], columns[3]);
	d[1] = _mm256_sub_epi16(columns[4], columns[3]);
	s[2] = _mm256_add_epi16(columns[2], columns[5]);
	d[2] = _mm256_sub_epi16(columns[2], columns[5]);
	s[3] = _mm256_add_epi16(columns[6], columns[1]);
	d[3] = _mm256_sub_epi16(columns[6], columns[1]);
	transform_pass(s, d, 15, out);
	t10 = _mm256_add_epi16(s[0], s[3]);
	t11 = _mm256_add_epi16(s[1], s[2]);
	out[0] = _mm256_srai_epi16(_mm256_add_epi16(_mm256_add_epi16(t10, t11), round_dc), 2);
	out[4] = _mm256_srai_epi16(_mm256_add_epi16(_mm256_sub_epi16(t10, t11), round), 2);
}

/* --- Blocks ---------------------------------------------------------------------------------- */

struct pair {
	_Alignas(32) int16_t coefs[8][16];  /* of both */
	_Alignas(32) uint16_t index[2][80]; /* [64] = 64 */
	uint64_t mask[2];
};

static always_inline vec quantise(vec v, const struct quant *quant, unsigned row)
{
	vec n = _mm256_add_epi16(_mm256_abs_epi16(v), load(quant->half[row]));

	n = _mm256_mulhi_epu16(n, load(quant->reciprocal[row]));
	n = _mm256_mulhi_epu16(n, load(quant->scale[row]));
	return _mm256_sign_epi16(n, v);
}

/*
 * Shuffles from 16 coefficients in natural order to 16 in zigzag order, 0x80 for the rest;
 * twice.
 */
/* clang-format off */
#define Z(...) { __VA_ARGS__, __VA_ARGS__ }
/* clang-format on */
#define o 0x80
_Alignas(32) static const uint8_t zigzag_00[32] = Z(o, 1, 8, o, 9, 2, 3, 10, o, o, o, o, o, 11, 4,
						    5);
_Alignas(32) static const uint8_t zigzag_01[32] = Z(o, o, o, 0, o, o, o, o, 1, 8, o, 9, 2, o, o, o);
_Alignas(32) static const uint8_t zigzag_02[32] = Z(o, o, o, o, o, o, o, o, o, o, 0, o, o, o, o, o);
_Alignas(32) static const uint8_t zigzag_10[32] = Z(12, o, o, o, o, o, o, o, o, o, 13, 6, 7, 14, o,
						    o);
_Alignas(32) static const uint8_t zigzag_11[32] = Z(o, 3, 10, o, o, o, o, o, 11, 4, o, o, o, o, 5,
						    12);
_Alignas(32) static const uint8_t zigzag_12[32] = Z(o, o, o, 1, 8, o, 9, 2, o, o, o, o, o, o, o, o);
_Alignas(32) static const uint8_t zigzag_13[32] = Z(o, o, o, o, o, 0, o, o, o, o, o, o, o, o, o, o);
_Alignas(32) static const uint8_t zigzag_20[32] = Z(o, o, o, o, o, o, o, o, o, o, 15, o, o, o, o,
						    o);
_Alignas(32) static const uint8_t zigzag_21[32] = Z(o, o, o, o, o, o, o, o, 13, 6, o, 7, 14, o, o,
						    o);
_Alignas(32) static const uint8_t zigzag_22[32] = Z(3, 10, o, o, o, o, 11, 4, o, o, o, o, o, 5, 12,
						    o);
_Alignas(32) static const uint8_t zigzag_23[32] = Z(o, o, 1, 8, 9, 2, o, o, o, o, o, o, o, o, o, 3);
_Alignas(32) static const uint8_t zigzag_31[32] = Z(o, o, o, o, o, 15, o, o, o, o, o, o, o, o, o,
						    o);
_Alignas(32) static const uint8_t zigzag_32[32] = Z(o, o, o, 13, 6, o, 7, 14, o, o, o, o, 15, o, o,
						    o);
_Alignas(32) static const uint8_t zigzag_33[32] = Z(10, 11, 4, o, o, o, o, o, 5, 12, 13, 6, o, 7,
						    14, 15);
#undef o
#undef Z

static always_inline vec pick(vec from, const uint8_t shuffle[32])
{
	return _mm256_shuffle_epi8(from, load(shuffle));
}

static always_inline vec or4(vec a, vec b, vec c, vec d)
{
	return _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
}

/* Bytes in zigzag order, 16 of each block a vector; what does not fit a byte is saturated. */
static always_inline void zigzag(const vec coefs[8], vec out[4])
{
	vec p0 = _mm256_packs_epi16(coefs[0], coefs[1]),
	    p1 = _mm256_packs_epi16(coefs[2], coefs[3]);
	vec p2 = _mm256_packs_epi16(coefs[4], coefs[5]),
	    p3 = _mm256_packs_epi16(coefs[6], coefs[7]);

	out[0] = _mm256_or_si256(_mm256_or_si256(pick(p0, zigzag_00), pick(p1, zigzag_01)),
				 pick(p2, zigzag_02));
	out[1] = or4(pick(p0, zigzag_10), pick(p1, zigzag_11), pick(p2, zigzag_12),
		     pick(p3, zigzag_13));
	out[2] = or4(pick(p0, zigzag_20), pick(p1, zigzag_21), pick(p2, zigzag_22),
		     pick(p3, zigzag_23));
	out[3] = _mm256_or_si256(_mm256_or_si256(pick(p1, zigzag_31), pick(p2, zigzag_32)),
				 pick(p3, zigzag_33));
}

static always_inline uint32_t zeros(vec bytes)
{
	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256()));
}

static always_inline void make_masks(const vec z[4], uint64_t mask[2])
{
	uint32_t a = zeros(z[0]), b = zeros(z[1]), c = zeros(z[2]), d = zeros(z[3]);

	mask[0] = ~((uint64_t)((c & 0xffff) | d << 16) << 32 | (a & 0xffff) | b << 16);
	mask[1] = ~((uint64_t)(c >> 16 | (d & 0xffff0000)) << 32 | a >> 16 | (b & 0xffff0000));
}

/* index[k] = 68 * byte + k */
static always_inline void make_indices(const vec z[4], struct pair *pair)
{
	const vec by = _mm256_set1_epi16(1 << 8 | AC_STRIDE);
	vec k = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));

	UNROLL
	for (unsigned i = 0; i < 4; i++) {
		vec low = _mm256_maddubs_epi16(_mm256_unpacklo_epi8(z[i], k), by);
		vec high = _mm256_maddubs_epi16(_mm256_unpackhi_epi8(z[i], k), by);

		store(pair->index[0] + 16 * i, _mm256_permute2x128_si256(low, high, 0x20));
		store(pair->index[1] + 16 * i, _mm256_permute2x128_si256(low, high, 0x31));
		k = _mm256_add_epi8(k, _mm256_set1_epi8(16));
	}
}

static always_inline void make_pair(const uint8_t *samples, const struct quant *quant,
				    struct pair *pair)
{
	vec v[8], z[4];

	transform(samples, v);
	UNROLL
	for (unsigned i = 0; i < 8; i++) {
		v[i] = quantise(v[i], quant, i);
		store(pair->coefs[i], v[i]);
	}
	zigzag(v, z);
	make_masks(z, pair->mask);
	if (pair->mask[0] | pair->mask[1])
		make_indices(z, pair);
}

/* Whether each of the two blocks has one value. */
static always_inline bool is_flat(const uint8_t *samples)
{
	vec a = load(samples), differ;
	vec first = _mm256_shuffle_epi8(a, _mm256_setzero_si256());

	differ = _mm256_xor_si256(a, first);
	UNROLL
	for (unsigned i = 1; i < 4; i++)
		differ = _mm256_or_si256(differ, _mm256_xor_si256(load(samples + 32 * i), first));
	return _mm256_testz_si256(differ, differ);
}

static always_inline void put_block(const struct symbols *symbols, const struct pair *pair,
				    unsigned lane, struct bits *bits, int *dc)
{
	struct block block = { pair->mask[lane], pair->coefs[0][8 * lane], pair->index[lane],
			       &pair->coefs[0][8 * lane] };

	bits_put_block(bits, symbols, &block, dc);
}

/* --- Coding ---------------------------------------------------------------------------------- */

/* A pair within an MCU. @dummy: the second block is beyond the picture. */
static always_inline void code_pair(const struct glint_jpegenc *enc, const uint8_t *samples,
				    unsigned table, bool dummy, struct pair *pair,
				    struct bits *bits, int *first, int *second)
{
	const struct symbols *symbols = &enc->symbols[table];

	if (is_flat(samples)) {
		int dc = enc->flat_dc[table][samples[0]];

		bits_put_flat(bits, symbols, dc, dummy ? dc : enc->flat_dc[table][samples[16]],
			      first, second);
		return;
	}
	make_pair(samples, &enc->quant[table], pair);
	put_block(symbols, pair, 0, bits, first);
	if (dummy) {
		pair->coefs[0][8] = pair->coefs[0][0];
		pair->mask[1] = 0;
	}
	put_block(symbols, pair, 1, bits, second);
}

static void code_wide(const struct glint_jpegenc *enc, const uint8_t *units, size_t n,
		      bool half_last, struct coder *coder, unsigned luma_pairs)
{
	struct coder c = *coder;
	struct pair pair;

	pair.index[0][64] = pair.index[1][64] = 64;
	for (size_t m = 0; m < n; m++) {
		bool dummy = half_last && m == n - 1;

		for (unsigned p = 0; p < luma_pairs; p++, units += PAIR_BYTES)
			code_pair(enc, units, 0, dummy, &pair, &c.bits, &c.dc[0], &c.dc[0]);
		code_pair(enc, units, 1, false, &pair, &c.bits, &c.dc[1], &c.dc[2]);
		units += PAIR_BYTES;
	}
	*coder = c;
}

/* Pairs are of two MCUs: all of them first. */
static void code_narrow(const struct glint_jpegenc *enc, const uint8_t *units, size_t n,
			struct coder *coder, unsigned components)
{
	struct coder c = *coder;
	struct pair pair[3];

	for (unsigned i = 0; i < components; i++)
		pair[i].index[0][64] = pair[i].index[1][64] = 64;
	for (size_t m = 0; m < n; m += 2) {
		for (unsigned i = 0; i < components; i++, units += PAIR_BYTES)
			make_pair(units, &enc->quant[i > 0], &pair[i]);
		for (unsigned lane = 0; lane < 2 && m + lane < n; lane++)
			for (unsigned i = 0; i < components; i++)
				put_block(&enc->symbols[i > 0], &pair[i], lane, &c.bits, &c.dc[i]);
	}
	*coder = c;
}

static void code(const struct glint_jpegenc *enc, const uint8_t *units, size_t n, bool half_last,
		 struct coder *coder)
{
	switch (enc->config.sampling) {
	case GLINT_JPEGENC_420:
		code_wide(enc, units, n, half_last, coder, 2);
		break;
	case GLINT_JPEGENC_422:
		code_wide(enc, units, n, half_last, coder, 1);
		break;
	case GLINT_JPEGENC_444:
		code_narrow(enc, units, n, coder, 3);
		break;
	case GLINT_JPEGENC_SAMPLING_GREY:
		code_narrow(enc, units, n, coder, 1);
		break;
	}
}

static uint8_t *stuff(uint8_t *to, const uint8_t *from, size_t n)
{
	const uint8_t *end = from + n;

	while (from < end) {
		vec v = load(from);
		uint32_t full =
			(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(-1)));
		size_t whole = end - from < 32 ? (size_t)(end - from) : 32;

		store(to, v);
		if (full) {
			size_t before = (size_t)__builtin_ctz(full) + 1;

			if (before <= whole) {
				to[before] = 0;
				to += before + 1;
				from += before;
				continue;
			}
		}
		to += whole;
		from += whole;
	}
	return to;
}

/*
 * No branch on the data: the memory is the limit, and memcmp() takes up to twice the time. A
 * processor's own prefetching ends with each page, hence a page ahead.
 */
static bool equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	vec differ = _mm256_setzero_si256();
	size_t at;

	for (at = 0; at + 64 <= n; at += 64) {
		vec low = _mm256_xor_si256(load(a + at), load(b + at));
		vec high = _mm256_xor_si256(load(a + at + 32), load(b + at + 32));

		_mm_prefetch((const char *)b + at + 4096, _MM_HINT_T0);
		differ = _mm256_or_si256(differ, _mm256_or_si256(low, high));
	}
	if (!_mm256_testz_si256(differ, differ))
		return false;
	return at == n || memcmp(a + at, b + at, n - at) == 0;
}

static uint64_t differ(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t marks = 0;

	for (size_t i = 0; i < n; i++, a += 64, b += 64) {
		vec low = _mm256_xor_si256(load(a), load(b));
		vec both = _mm256_or_si256(low, _mm256_xor_si256(load(a + 32), load(b + 32)));

		marks |= (uint64_t)!_mm256_testz_si256(both, both) << i;
	}
	return marks;
}

const struct engine glint_jpegenc_avx2 = {
	.reader = reader,
	.code = code,
	.stuff = stuff,
	.equal = equal,
	.differ = differ,
};
