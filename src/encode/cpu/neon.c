/* SPDX-License-Identifier: MIT */
/*
 * The engine for AArch64, all of which have NEON. A vector is one block's rows, or 16
 * samples of a line.
 */
#include <arm_neon.h>
#include <string.h>

#include "encode/cpu/coder.h"
#include "encode/cpu/internal.h"
#include "encode/cpu/readers.h"

/* --- Colour ----------------------------------------------------------------------- */

struct chroma {
	uint8x16_t cb, cr;
};

/* 16 samples as words. */
struct words {
	int16x8_t low, high;
};

static always_inline struct words less(uint8x16_t v, unsigned by)
{
	uint8x8_t b = vdup_n_u8((uint8_t)by);

	return (struct words){ vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(v), b)),
			       vreinterpretq_s16_u16(vsubl_u8(vget_high_u8(v), b)) };
}

static always_inline uint8x16_t clamped(int16x8_t low, int16x8_t high)
{
	return vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
}

/* (v * 42 + 128) >> 8 is a rounding, doubling multiplication by 42 * 128. */
static always_inline uint8x16_t expand_luma(uint8x16_t y)
{
	struct words w = less(y, 16);

	return clamped(vaddq_s16(w.low, vqrdmulhq_n_s16(w.low, 42 * 128)),
		       vaddq_s16(w.high, vqrdmulhq_n_s16(w.high, 42 * 128)));
}

/* (v * 71 + 256) >> 9 */
static always_inline int16x8_t expanded_chroma(int16x8_t c)
{
	return vaddq_s16(vaddq_s16(c, vqrdmulhq_n_s16(c, 71 * 64)), vdupq_n_s16(128));
}

static always_inline uint8x16_t expand_chroma(uint8x16_t c)
{
	struct words w = less(c, 128);

	return clamped(expanded_chroma(w.low), expanded_chroma(w.high));
}

static always_inline int16x8_t addend(int16x8_t cb, int16x8_t cr, const int16_t weights[2])
{
	return vrshrq_n_s16(vmlaq_n_s16(vmulq_n_s16(cb, weights[0]), cr, weights[1]), 9);
}

static always_inline struct words addends(struct words cb, struct words cr,
					  const int16_t weights[2])
{
	return (struct words){ addend(cb.low, cr.low, weights), addend(cb.high, cr.high, weights) };
}

static always_inline uint8x16_t add(uint8x16_t v, struct words w)
{
	struct words s = less(v, 0);

	return clamped(vaddq_s16(s.low, w.low), vaddq_s16(s.high, w.high));
}

static always_inline bool expands(const struct glint_jpegenc *enc, enum colour colour)
{
	return colour == EXPAND || (colour == ROTATE && enc->config.limited);
}

/* @to_luma: what luma gets. */
static always_inline struct chroma convert_chroma(const struct glint_jpegenc *enc,
						  enum colour colour, struct chroma c,
						  struct words *to_luma)
{
	struct words cb, cr;

	if (expands(enc, colour)) {
		c.cb = expand_chroma(c.cb);
		c.cr = expand_chroma(c.cr);
	}
	*to_luma = (struct words){ vdupq_n_s16(0), vdupq_n_s16(0) };
	if (colour != ROTATE)
		return c;
	cb = less(c.cb, 128);
	cr = less(c.cr, 128);
	*to_luma = addends(cb, cr, enc->weights[0]);
	c.cb = add(c.cb, addends(cb, cr, enc->weights[1]));
	c.cr = add(c.cr, addends(cb, cr, enc->weights[2]));
	return c;
}

static always_inline uint8x16_t convert_luma(const struct glint_jpegenc *enc, enum colour colour,
					     uint8x16_t y, struct words more)
{
	if (expands(enc, colour))
		y = expand_luma(y);
	return colour == ROTATE ? add(y, more) : y;
}

/* --- Samples of a line ---------------------------------------------------------------- */

struct sixteen {
	uint8x16_t y;
	struct chroma c; /* RGB: 16 samples. PACKED: cb is eight of both, interleaved */
};

struct rgb {
	uint16x8_t r, g, b;
};

static always_inline uint8x8_t rgb_luma(struct rgb c)
{
	uint32x4_t low = vmull_n_u16(vget_low_u16(c.r), 19595);
	uint32x4_t high = vmull_n_u16(vget_high_u16(c.r), 19595);

	low = vmlal_n_u16(low, vget_low_u16(c.g), 38470);
	high = vmlal_n_u16(high, vget_high_u16(c.g), 38470);
	low = vmlal_n_u16(low, vget_low_u16(c.b), 7471);
	high = vmlal_n_u16(high, vget_high_u16(c.b), 7471);
	return vmovn_u16(vcombine_u16(vrshrn_n_u32(low, 16), vrshrn_n_u32(high, 16)));
}

/* @half is the colour that has half the weight; @x and @y are taken away. */
static always_inline uint8x8_t rgb_chroma(uint16x8_t half, uint16x8_t x, uint16_t weight_x,
					  uint16x8_t y, uint16_t weight_y)
{
	const uint32x4_t middle = vdupq_n_u32((128u << 16) + 32767);
	uint32x4_t low = vmlal_n_u16(middle, vget_low_u16(half), 32768);
	uint32x4_t high = vmlal_n_u16(middle, vget_high_u16(half), 32768);

	low = vmlsl_n_u16(low, vget_low_u16(x), weight_x);
	high = vmlsl_n_u16(high, vget_high_u16(x), weight_x);
	low = vmlsl_n_u16(low, vget_low_u16(y), weight_y);
	high = vmlsl_n_u16(high, vget_high_u16(y), weight_y);
	return vmovn_u16(vcombine_u16(vshrn_n_u32(low, 16), vshrn_n_u32(high, 16)));
}

static always_inline struct sixteen read_rgb(const struct glint_jpegenc *enc, unsigned bytes,
					     const uint8_t *at)
{
	const uint8_t *order = enc->config.order;
	uint8x16_t all[4];
	struct rgb low, high;

	if (bytes == 3) {
		uint8x16x3_t v = vld3q_u8(at);

		memcpy(all, v.val, sizeof(v.val));
	} else {
		uint8x16x4_t v = vld4q_u8(at);

		memcpy(all, v.val, sizeof(v.val));
	}
	low = (struct rgb){ vmovl_u8(vget_low_u8(all[order[0]])),
			    vmovl_u8(vget_low_u8(all[order[1]])),
			    vmovl_u8(vget_low_u8(all[order[2]])) };
	high = (struct rgb){ vmovl_u8(vget_high_u8(all[order[0]])),
			     vmovl_u8(vget_high_u8(all[order[1]])),
			     vmovl_u8(vget_high_u8(all[order[2]])) };
	return (struct sixteen){
		vcombine_u8(rgb_luma(low), rgb_luma(high)),
		{ vcombine_u8(rgb_chroma(low.b, low.r, 11059, low.g, 21709),
			      rgb_chroma(high.b, high.r, 11059, high.g, 21709)),
		  vcombine_u8(rgb_chroma(low.r, low.g, 27439, low.b, 5329),
			      rgb_chroma(high.r, high.g, 27439, high.b, 5329)) },
	};
}

/* 16 pixels of a line of plane 0. */
static always_inline struct sixteen read_sixteen(const struct glint_jpegenc *enc, struct kind kind,
						 const uint8_t *at)
{
	struct sixteen s;

	if (kind.layout == GLINT_JPEGENC_RGB)
		return read_rgb(enc, kind.variant, at);
	if (kind.layout == GLINT_JPEGENC_PACKED) {
		uint8x16x2_t v = vld2q_u8(at);

		s.y = v.val[kind.variant];
		s.c.cb = s.c.cr = v.val[!kind.variant];
		return s;
	}
	s.y = vld1q_u8(at);
	s.c.cb = s.c.cr = vdupq_n_u8(128);
	return s;
}

static always_inline struct chroma average(struct chroma a, struct chroma b)
{
	return (struct chroma){ vrhaddq_u8(a.cb, b.cb), vrhaddq_u8(a.cr, b.cr) };
}

static always_inline uint8x16_t halve(uint8x16_t a, uint8x16_t b)
{
	return vcombine_u8(vrshrn_n_u16(vpaddlq_u8(a), 1), vrshrn_n_u16(vpaddlq_u8(b), 1));
}

static always_inline struct chroma ordered(uint8x16_t first, uint8x16_t second, bool cr_first)
{
	return cr_first ? (struct chroma){ second, first } : (struct chroma){ first, second };
}

/* 16 samples of each component of a chroma plane's line. */
static always_inline struct chroma plane_chroma(struct kind kind, const struct lines *lines,
						unsigned line, size_t at, bool cr_first)
{
	if (kind.layout == GLINT_JPEGENC_SEMIPLANAR) {
		uint8x16x2_t v = vld2q_u8(lines->chroma[0][line] + at);

		return ordered(v.val[0], v.val[1], cr_first);
	}
	return (struct chroma){ vld1q_u8(lines->chroma[0][line] + at),
				vld1q_u8(lines->chroma[1][line] + at) };
}

/* Of 32 pixels of a plane's line, or of the average of two. */
static always_inline struct chroma planes_chroma(struct kind kind, const struct lines *lines,
						 unsigned row, size_t at, bool cr_first)
{
	bool two = kind.sampling == GLINT_JPEGENC_420 && kind.variant != H2V2;
	unsigned line = two ? 2 * row : row;
	struct chroma a, b;

	a = plane_chroma(kind, lines, line, at, cr_first);
	if (two)
		a = average(a, plane_chroma(kind, lines, line + 1, at, cr_first));
	if (kind.variant != H1V1)
		return a;
	at += chroma_bytes(kind, 16);
	b = plane_chroma(kind, lines, line, at, cr_first);
	if (two)
		b = average(b, plane_chroma(kind, lines, line + 1, at, cr_first));
	return (struct chroma){ halve(a.cb, b.cb), halve(a.cr, b.cr) };
}

/* --- Into units -------------------------------------------------------------------------- */

/* Eight samples of two lines, for the two blocks of a pair. */
static always_inline void store_pair(uint8_t *left, uint8_t *right, uint8x16_t first,
				     uint8x16_t second)
{
	uint64x2_t a = vreinterpretq_u64_u8(first), b = vreinterpretq_u64_u8(second);

	vst1q_u8(left, vreinterpretq_u8_u64(vzip1q_u64(a, b)));
	vst1q_u8(right, vreinterpretq_u8_u64(vzip2q_u64(a, b)));
}

struct luma {
	uint8x16_t a, b; /* 32 pixels */
};

/* Chroma row @row, and the lines of luma that belong to it, 32 pixels. */
static always_inline struct chroma read_row(const struct glint_jpegenc *enc, struct kind kind,
					    const struct lines *lines, unsigned row, size_t pixel,
					    bool cr_first, struct luma *luma)
{
	unsigned n = kind.sampling == GLINT_JPEGENC_420 ? 2 : 1;
	size_t at = pixel * pixel_bytes(kind), sixteen = 16 * pixel_bytes(kind);
	struct sixteen s[2][2];
	struct words more;
	struct chroma c, d;

	UNROLL
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *from = lines->luma[row * n + i] + at;

		__builtin_prefetch(from + 8 * sixteen);
		s[i][0] = read_sixteen(enc, kind, from);
		s[i][1] = read_sixteen(enc, kind, from + sixteen);
		luma[i] = (struct luma){ s[i][0].y, s[i][1].y };
	}
	if (kind.layout == GLINT_JPEGENC_PACKED || kind.layout == GLINT_JPEGENC_RGB) {
		c = n == 2 ? average(s[0][0].c, s[1][0].c) : s[0][0].c;
		d = n == 2 ? average(s[0][1].c, s[1][1].c) : s[0][1].c;
		if (kind.layout == GLINT_JPEGENC_RGB)
			c = (struct chroma){ halve(c.cb, d.cb), halve(c.cr, d.cr) };
		else
			c = ordered(vuzp1q_u8(c.cb, d.cb), vuzp2q_u8(c.cb, d.cb), cr_first);
	} else {
		c = planes_chroma(kind, lines, row, chroma_bytes(kind, pixel), cr_first);
	}
	c = convert_chroma(enc, kind.colour, c, &more);
	UNROLL
	for (unsigned i = 0; i < n; i++) {
		struct words a = { vzip1q_s16(more.low, more.low), vzip2q_s16(more.low, more.low) };
		struct words b = { vzip1q_s16(more.high, more.high),
				   vzip2q_s16(more.high, more.high) };

		luma[i].a = convert_luma(enc, kind.colour, luma[i].a, a);
		luma[i].b = convert_luma(enc, kind.colour, luma[i].b, b);
	}
	return c;
}

/* Two lines of luma: a pair of each MCU. */
static always_inline void store_luma(uint8_t *at, size_t mcu, struct luma first, struct luma second)
{
	store_pair(at, at + 16, first.a, second.a);
	store_pair(at + mcu, at + mcu + 16, first.b, second.b);
}

/* 4:2:0 and 4:2:2: pairs are within an MCU. */
static always_inline void read_wide(const struct glint_jpegenc *enc, struct kind kind,
				    const struct lines *lines, size_t first, size_t n, uint8_t *out)
{
	bool tall = kind.sampling == GLINT_JPEGENC_420;
	bool cr_first = cr_is_first(enc, kind);
	size_t mcu = (tall ? 3 : 2) * PAIR_BYTES;

	for (size_t pixel = 32 * first; pixel < 32 * (first + n); pixel += 32, out += 2 * mcu)
		for (unsigned i = 0; i < 4; i++) {
			uint8_t *to = out + mcu - PAIR_BYTES + 32 * i;
			struct luma l[4];
			struct chroma c[2];

			c[0] = read_row(enc, kind, lines, 2 * i, pixel, cr_first, l);
			c[1] = read_row(enc, kind, lines, 2 * i + 1, pixel, cr_first,
					tall ? l + 2 : l + 1);
			store_pair(to, to + mcu, c[0].cb, c[1].cb);
			store_pair(to + 16, to + mcu + 16, c[0].cr, c[1].cr);
			if (tall) {
				store_luma(out + 64 * i, mcu, l[0], l[1]);
				store_luma(out + 64 * i + 32, mcu, l[2], l[3]);
			} else {
				store_luma(out + 32 * i, mcu, l[0], l[1]);
			}
		}
}

/* 4:4:4 and grey: pairs are of two MCUs. */
static always_inline void read_narrow(const struct glint_jpegenc *enc, struct kind kind,
				      const struct lines *lines, size_t first, size_t n,
				      uint8_t *out)
{
	bool grey = kind.layout == GLINT_JPEGENC_GREY;
	bool cr_first = cr_is_first(enc, kind);

	for (size_t pixel = 16 * first; pixel < 16 * (first + n);
	     pixel += 16, out += (grey ? 1 : 3) * PAIR_BYTES)
		for (unsigned i = 0; i < 4; i++) {
			uint8_t *to = out + 32 * i;
			struct sixteen s[2];

			UNROLL
			for (unsigned l = 0; l < 2; l++) {
				unsigned line = 2 * i + l;
				struct words more = { vdupq_n_s16(0), vdupq_n_s16(0) };

				s[l] = read_sixteen(enc, kind,
						    lines->luma[line] + pixel * pixel_bytes(kind));
				if (kind.layout == GLINT_JPEGENC_RGB)
					continue;
				if (!grey)
					s[l].c = convert_chroma(
						enc, kind.colour,
						plane_chroma(kind, lines, line,
							     chroma_bytes(kind, pixel), cr_first),
						&more);
				s[l].y = convert_luma(enc, kind.colour, s[l].y, more);
			}
			store_pair(to, to + 16, s[0].y, s[1].y);
			if (grey)
				continue;
			to += PAIR_BYTES;
			store_pair(to, to + 16, s[0].c.cb, s[1].c.cb);
			to += PAIR_BYTES;
			store_pair(to, to + 16, s[0].c.cr, s[1].c.cr);
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

/* Four products of the words of @d, rounded and shifted: libjpeg's steps, multiplied out. */
static always_inline int16x8_t odd_sum(const int16x8_t d[4], int t4, int t5, int t6, int t7,
				       bool first)
{
	int32x4_t low = vmull_n_s16(vget_low_s16(d[3]), (int16_t)t4);
	int32x4_t high = vmull_n_s16(vget_high_s16(d[3]), (int16_t)t4);

	low = vmlal_n_s16(low, vget_low_s16(d[2]), (int16_t)t5);
	high = vmlal_n_s16(high, vget_high_s16(d[2]), (int16_t)t5);
	low = vmlal_n_s16(low, vget_low_s16(d[1]), (int16_t)t6);
	high = vmlal_n_s16(high, vget_high_s16(d[1]), (int16_t)t6);
	low = vmlal_n_s16(low, vget_low_s16(d[0]), (int16_t)t7);
	high = vmlal_n_s16(high, vget_high_s16(d[0]), (int16_t)t7);
	return first ? vcombine_s16(vrshrn_n_s32(low, 11), vrshrn_n_s32(high, 11)) :
		       vcombine_s16(vrshrn_n_s32(low, 15), vrshrn_n_s32(high, 15));
}

static always_inline int16x8_t rotate(int16x8_t a, int16x8_t b, int by_a, int by_b, bool first)
{
	int32x4_t low = vmull_n_s16(vget_low_s16(a), (int16_t)by_a);
	int32x4_t high = vmull_n_s16(vget_high_s16(a), (int16_t)by_a);

	low = vmlal_n_s16(low, vget_low_s16(b), (int16_t)by_b);
	high = vmlal_n_s16(high, vget_high_s16(b), (int16_t)by_b);
	return first ? vcombine_s16(vrshrn_n_s32(low, 11), vrshrn_n_s32(high, 11)) :
		       vcombine_s16(vrshrn_n_s32(low, 15), vrshrn_n_s32(high, 15));
}

/* All of a pass but its outputs 0 and 4: @s are sums of opposite inputs, @d differences. */
static always_inline void transform_pass(const int16x8_t s[4], const int16x8_t d[4], bool first,
					 int16x8_t out[8])
{
	int16x8_t t13 = vsubq_s16(s[0], s[3]), t12 = vsubq_s16(s[1], s[2]);

	out[2] = rotate(t12, t13, 4433, 4433 + 6270, first);
	out[6] = rotate(t12, t13, 4433 - 15137, 4433, first);
	out[1] = odd_sum(d, 9633 - 7373, 9633 - 3196, 9633, 12299 - 7373 - 3196 + 9633, first);
	out[3] = odd_sum(d, 9633 - 16069, 9633 - 20995, 25172 - 20995 - 16069 + 9633, 9633, first);
	out[5] = odd_sum(d, 9633, 16819 - 20995 - 3196 + 9633, 9633 - 20995, 9633 - 3196, first);
	out[7] = odd_sum(d, 2446 - 7373 - 16069 + 9633, 9633, 9633 - 16069, 9633 - 7373, first);
}

static always_inline int16x8_t zip(int16x8_t a, int16x8_t b, unsigned bits, bool upper)
{
	if (bits == 16)
		return upper ? vzip2q_s16(a, b) : vzip1q_s16(a, b);
	if (bits == 32) {
		int32x4_t x = vreinterpretq_s32_s16(a), y = vreinterpretq_s32_s16(b);

		return vreinterpretq_s16_s32(upper ? vzip2q_s32(x, y) : vzip1q_s32(x, y));
	}
	return vreinterpretq_s16_s64(
		upper ? vzip2q_s64(vreinterpretq_s64_s16(a), vreinterpretq_s64_s16(b)) :
			vzip1q_s64(vreinterpretq_s64_s16(a), vreinterpretq_s64_s16(b)));
}

static always_inline void transpose(const int16x8_t in[8], int16x8_t out[8])
{
	int16x8_t a[8], b[8];

	UNROLL
	for (unsigned i = 0; i < 8; i++)
		a[i] = zip(in[i / 2 * 2], in[i / 2 * 2 + 1], 16, i % 2);
	UNROLL
	for (unsigned i = 0; i < 8; i++)
		b[i] = zip(a[i / 4 * 4 + i / 2 % 2], a[i / 4 * 4 + i / 2 % 2 + 2], 32, i % 2);
	UNROLL
	for (unsigned i = 0; i < 8; i++)
		out[i] = zip(b[i / 2], b[i / 2 + 4], 64, i % 2);
}

/*
 * A block of which two lines lie every 32 bytes; out[v] is row v. The rows go first, for
 * libjpeg rounds after them: the bytes are transposed so that a vector is a pair of
 * opposite columns, byte by byte. The order of the rows in such a vector is that of their
 * three bits reversed, which the second pass undoes.
 *
 * Samples are not made signed: only the DC would notice. Its sum, up to 65280, is brought
 * back by a constant before it is shifted, modulo 2^16.
 */
static always_inline void transform(const uint8_t *block, int16x8_t out[8])
{
	static const uint8_t order[16] = { 0, 7, 8, 15, 1, 6, 9, 14, 2, 5, 10, 13, 3, 4, 11, 12 };
	static const int16_t round_dc[8] = { 2 - 32768, 2, 2, 2, 2, 2, 2, 2 };
	int16x8_t v[4], u[4], s[4], d[4], rows[8], columns[8], t10, t11;

	UNROLL
	for (unsigned i = 0; i < 4; i++)
		v[i] = vreinterpretq_s16_u8(vqtbl1q_u8(vld1q_u8(block + 32 * i), vld1q_u8(order)));
	u[0] = vzip1q_s16(v[0], v[1]);
	u[1] = vzip2q_s16(v[0], v[1]);
	u[2] = vzip1q_s16(v[2], v[3]);
	u[3] = vzip2q_s16(v[2], v[3]);
	v[0] = vzip1q_s16(u[0], u[2]);
	v[1] = vzip2q_s16(u[0], u[2]);
	v[2] = vzip1q_s16(u[1], u[3]);
	v[3] = vzip2q_s16(u[1], u[3]);
	UNROLL
	for (unsigned i = 0; i < 4; i += 2) {
		uint8x16_t one = vreinterpretq_u8_s16(v[i]), two = vreinterpretq_u8_s16(v[i + 1]);
		uint8x16_t near = vuzp1q_u8(one, two), far = vuzp2q_u8(one, two);

		s[i] = vreinterpretq_s16_u16(vaddl_u8(vget_low_u8(near), vget_low_u8(far)));
		d[i] = vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(near), vget_low_u8(far)));
		s[i + 1] = vreinterpretq_s16_u16(vaddl_high_u8(near, far));
		d[i + 1] = vreinterpretq_s16_u16(vsubl_high_u8(near, far));
	}
	transform_pass(s, d, true, rows);
	t10 = vaddq_s16(s[0], s[3]);
	t11 = vaddq_s16(s[1], s[2]);
	rows[0] = vshlq_n_s16(vaddq_s16(t10, t11), 2);
	rows[4] = vshlq_n_s16(vsubq_s16(t10, t11), 2);

	transpose(rows, columns);
	/* Row r is columns[r with its bits reversed]: 0 4 2 6 1 5 3 7. */
	s[0] = vaddq_s16(columns[0], columns[7]);
	d[0] = vsubq_s16(columns[0], columns[7]);
	s[1] = vaddq_s16(columns[4], columns[3]);
	d[1] = vsubq_s16(columns[4], columns[3]);
	s[2] = vaddq_s16(columns[2], columns[5]);
	d[2] = vsubq_s16(columns[2], columns[5]);
	s[3] = vaddq_s16(columns[6], columns[1]);
	d[3] = vsubq_s16(columns[6], columns[1]);
	transform_pass(s, d, false, out);
	t10 = vaddq_s16(s[0], s[3]);
	t11 = vaddq_s16(s[1], s[2]);
	out[0] = vshrq_n_s16(vaddq_s16(vaddq_s16(t10, t11), vld1q_s16(round_dc)), 2);
	out[4] = vrshrq_n_s16(vsubq_s16(t10, t11), 2);
}

/* --- Blocks ---------------------------------------------------------------------------------- */

struct work {
	int16_t coefs[8][16]; /* eight of each row are used */
	uint16_t index[65];   /* [64] = 64 */
	uint64_t mask;
};

/* One product of 15 bits and a shift divide exactly: the sums are below 2^14. */
static always_inline int16x8_t quantise(int16x8_t v, const struct quant *quant, unsigned row)
{
	int16x8_t n = vaddq_s16(vabsq_s16(v), vreinterpretq_s16_u16(vld1q_u16(quant->half[row])));
	int16x8_t sign = vshrq_n_s16(v, 15);

	n = vshlq_s16(vqdmulhq_s16(n, vld1q_s16(quant->reciprocal_15[row])),
		      vld1q_s16(quant->shift[row]));
	return vsubq_s16(veorq_s16(n, sign), sign);
}

static always_inline uint64_t mask_of(const uint8x16_t z[4])
{
	static const uint8_t weights[16] = { 1, 2, 4, 8, 16, 32, 64, 128,
					     1, 2, 4, 8, 16, 32, 64, 128 };
	const uint8x16_t w = vld1q_u8(weights);
	uint8x16_t bits[4];

	UNROLL
	for (unsigned i = 0; i < 4; i++)
		bits[i] = vandq_u8(vtstq_u8(z[i], z[i]), w);
	bits[0] = vpaddq_u8(vpaddq_u8(bits[0], bits[1]), vpaddq_u8(bits[2], bits[3]));
	bits[0] = vpaddq_u8(bits[0], bits[0]);
	return vgetq_lane_u64(vreinterpretq_u64_u8(bits[0]), 0);
}

static always_inline void make_block(const uint8_t *samples, const struct quant *quant,
				     struct work *work)
{
	/* The DC's place is beyond the table: 0. */
	static const uint8_t zigzag[64] = {
		255, 1,	 8,  16, 9,  2,	 3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
		12,  19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,	 7,  14, 21, 28,
		35,  42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
		58,  59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
	};
	static const uint16_t count[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	uint16x8_t k = vld1q_u16(count);
	int16x8_t v[8];
	uint8x16x4_t bytes;
	uint8x16_t z[4];

	transform(samples, v);
	UNROLL
	for (unsigned i = 0; i < 8; i++) {
		v[i] = quantise(v[i], quant, i);
		vst1q_s16(work->coefs[i], v[i]);
	}
	UNROLL
	for (unsigned i = 0; i < 4; i++)
		bytes.val[i] =
			vreinterpretq_u8_s8(vqmovn_high_s16(vqmovn_s16(v[2 * i]), v[2 * i + 1]));
	UNROLL
	for (unsigned i = 0; i < 4; i++)
		z[i] = vqtbl4q_u8(bytes, vld1q_u8(zigzag + 16 * i));
	work->mask = mask_of(z);
	if (!work->mask)
		return;
	UNROLL
	for (unsigned i = 0; i < 4; i++) {
		vst1q_u16(work->index + 16 * i,
			  vmlal_u8(k, vget_low_u8(z[i]), vdup_n_u8(AC_STRIDE)));
		k = vaddq_u16(k, vdupq_n_u16(8));
		vst1q_u16(work->index + 16 * i + 8,
			  vmlal_u8(k, vget_high_u8(z[i]), vdup_n_u8(AC_STRIDE)));
		k = vaddq_u16(k, vdupq_n_u16(8));
	}
}

static always_inline bool is_flat(const uint8_t *samples)
{
	uint8x16_t first = vld1q_dup_u8(samples), differ = vdupq_n_u8(0);

	UNROLL
	for (unsigned i = 0; i < 4; i++)
		differ = vorrq_u8(differ, veorq_u8(vld1q_u8(samples + 32 * i), first));
	return vmaxvq_u32(vreinterpretq_u32_u8(differ)) == 0;
}

/* --- Coding ---------------------------------------------------------------------------------- */

static always_inline void code_block(const struct glint_jpegenc *enc, const uint8_t *samples,
				     unsigned table, struct work *work, struct bits *bits, int *dc)
{
	struct block block = { .index = work->index, .coefs = work->coefs[0] };

	if (is_flat(samples)) {
		block.dc = enc->flat_dc[table][samples[0]];
	} else {
		make_block(samples, &enc->quant[table], work);
		block.dc = work->coefs[0][0];
		block.mask = work->mask;
	}
	bits_put_block(bits, &enc->symbols[table], &block, dc);
}

/* A block beyond the picture: the DC of the one before, and nothing else. */
static void code_dummy(const struct glint_jpegenc *enc, struct bits *bits, int *dc)
{
	struct block block = { .dc = *dc };

	bits_put_block(bits, &enc->symbols[0], &block, dc);
}

static void code_wide(const struct glint_jpegenc *enc, const uint8_t *units, size_t n,
		      bool half_last, struct coder *coder, unsigned luma_pairs)
{
	struct coder c = *coder;
	struct work work;

	work.index[64] = 64;
	for (size_t m = 0; m < n; m++) {
		for (unsigned p = 0; p < luma_pairs; p++, units += PAIR_BYTES) {
			code_block(enc, units, 0, &work, &c.bits, &c.dc[0]);
			if (half_last && m == n - 1)
				code_dummy(enc, &c.bits, &c.dc[0]);
			else
				code_block(enc, units + 16, 0, &work, &c.bits, &c.dc[0]);
		}
		code_block(enc, units, 1, &work, &c.bits, &c.dc[1]);
		code_block(enc, units + 16, 1, &work, &c.bits, &c.dc[2]);
		units += PAIR_BYTES;
	}
	*coder = c;
}

static void code_narrow(const struct glint_jpegenc *enc, const uint8_t *units, size_t n,
			struct coder *coder, unsigned components)
{
	struct coder c = *coder;
	struct work work;

	work.index[64] = 64;
	for (size_t m = 0; m < n; m++) {
		const uint8_t *unit = units + m / 2 * components * PAIR_BYTES + m % 2 * 16;

		for (unsigned i = 0; i < components; i++)
			code_block(enc, unit + i * PAIR_BYTES, i > 0, &work, &c.bits, &c.dc[i]);
	}
	*coder = c;
}

static void code(const struct glint_jpegenc *enc, const uint8_t *units, size_t n, bool half_last,
		 struct coder *coder)
{
	if (enc->mcu_width == 16)
		code_wide(enc, units, n, half_last, coder,
			  enc->config.sampling == GLINT_JPEGENC_420 ? 2 : 1);
	else
		code_narrow(enc, units, n, coder,
			    enc->config.sampling == GLINT_JPEGENC_444 ? 3 : 1);
}

static uint8_t *stuff(uint8_t *to, const uint8_t *from, size_t n)
{
	const uint8_t *end = from + n;

	while (from < end) {
		uint8x16_t v = vld1q_u8(from);
		size_t whole = end - from < 16 ? (size_t)(end - from) : 16;

		if (vmaxvq_u8(v) < 255) {
			vst1q_u8(to, v);
			to += whole;
			from += whole;
			continue;
		}
		for (size_t i = 0; i < whole; i++) {
			*to++ = *from;
			if (*from++ == 0xff)
				*to++ = 0;
		}
	}
	return to;
}

/* No branch on the data: the memory is the limit. */
static bool equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint8x16_t differ = vdupq_n_u8(0);
	size_t at;

	for (at = 0; at + 64 <= n; at += 64) {
		__builtin_prefetch(b + at + 4096);
		for (size_t i = at; i < at + 64; i += 16)
			differ = vorrq_u8(differ, veorq_u8(vld1q_u8(a + i), vld1q_u8(b + i)));
	}
	if (vmaxvq_u8(differ) != 0)
		return false;
	return at == n || memcmp(a + at, b + at, n - at) == 0;
}

static uint64_t differ(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t marks = 0;

	for (size_t i = 0; i < n; i++, a += 64, b += 64) {
		uint8x16_t all = vdupq_n_u8(0);

		for (size_t k = 0; k < 64; k += 16)
			all = vorrq_u8(all, veorq_u8(vld1q_u8(a + k), vld1q_u8(b + k)));
		marks |= (uint64_t)(vmaxvq_u8(all) != 0) << i;
	}
	return marks;
}

const struct engine glint_jpegenc_neon = {
	.reader = reader,
	.code = code,
	.stuff = stuff,
	.equal = equal,
	.differ = differ,
};
