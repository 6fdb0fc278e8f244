/* SPDX-License-Identifier: MIT */
/*
 * No loop reads beyond a line's last sample. Steps and byte orders are constants within each loop,
 * since the compiler makes vector code of such loops only.
 */
#include "pixels/lines.h"

#include <assert.h>
#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#define ENGINE glint_pixels_avx2
#else
#define ENGINE glint_pixels_plain
#endif

#define always_inline inline __attribute__((always_inline))

static always_inline uint8_t clamp(int32_t value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* --- YCbCr ------------------------------------------------------------------------ */

static void pick2(uint8_t *restrict out, const uint8_t *restrict in, unsigned n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = in[2 * i];
}

static void pick4(uint8_t *restrict out, const uint8_t *restrict in, unsigned n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = in[4 * i];
}

/* The highest bits of every @step-th word. */
static always_inline void pick_words(uint8_t *restrict out, const uint8_t *restrict in, unsigned n,
				     size_t step, unsigned shift)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)((in[2 * step * i] | in[2 * step * i + 1] << 8) >> shift);
}

/* A sample of chroma stands for two pixels: @out gets 2 * @n. */
static void repeat_twice(uint8_t *restrict out, const uint8_t *restrict in, unsigned n)
{
	for (size_t i = 0; i < n; i++)
		out[2 * i] = out[2 * i + 1] = in[i];
}

/*
 * (y * (luma - black) + 4096) >> 13, with both sides times four: a product of words of which the
 * upper half is rounded, for which vector units have one instruction.
 */
static void expand_grey(uint8_t *restrict out, const uint8_t *restrict luma, unsigned n,
			const struct glint_pixels_matrix *matrix)
{
	const int16_t scale = matrix->y, black = matrix->black;

	for (size_t i = 0; i < n; i++) {
		int16_t above = (int16_t)((luma[i] - black) * 4);
		int16_t grey = (int16_t)((((int32_t)above * scale >> 14) + 1) >> 1);

		out[i] = (uint8_t)(grey < 0 ? 0 : grey > 255 ? 255 : grey);
	}
}

static bool is_full_range(const struct glint_pixels_matrix *matrix)
{
	return matrix->black == 0; /* and y is 1.0 */
}

#ifdef __AVX2__
/*
 * (a * wa + b * wb + 4096) >> 13 of 16 pixels, in order. @weights: pairs of wa and wb. @more is added:
 * a third product, or nothing. Packing saturates at values that no sample reaches.
 */
static always_inline __m256i weigh(__m256i a, __m256i b, __m256i weights, __m256i more_low,
				   __m256i more_high)
{
	__m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), weights);
	__m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), weights);

	low = _mm256_srai_epi32(_mm256_add_epi32(low, more_low), 13);
	high = _mm256_srai_epi32(_mm256_add_epi32(high, more_high), 13);
	return _mm256_packs_epi32(low, high);
}

static always_inline __m256i load_words(const uint8_t *at, __m256i zero_level)
{
	return _mm256_sub_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)at)),
				zero_level);
}

static always_inline void store_bytes(uint8_t *out, const __m256i words[2])
{
	__m256i bytes = _mm256_packus_epi16(words[0], words[1]); /* clamps to 0..255 */

	_mm256_storeu_si256((void *)out, _mm256_permute4x64_epi64(bytes, 0xd8));
}

static always_inline __m256i pair(int low, int high)
{
	return _mm256_set1_epi32((int)((uint32_t)high << 16 | ((uint32_t)low & 0xffff)));
}

struct weights {
	__m256i black, red, green, green_cr, blue;
};

static always_inline struct weights weights_of(const struct glint_pixels_matrix *m)
{
	return (struct weights){
		.black = _mm256_set1_epi16(m->black),
		.red = pair(m->y, m->cr_r),
		.green = pair(m->y, -m->cb_g),
		.green_cr = pair(-m->cr_g, 4096),
		.blue = pair(m->y, m->cb_b),
	};
}

/* 16 pixels, a word for each sample: luma above black, Cb and Cr from their middle. */
static always_inline void weigh_pixels(const struct weights *w, __m256i y, __m256i u, __m256i v,
				       __m256i *r, __m256i *g, __m256i *b)
{
	const __m256i one = _mm256_set1_epi16(1), half = _mm256_set1_epi32(4096);

	*r = weigh(y, v, w->red, half, half);
	*b = weigh(y, u, w->blue, half, half);
	*g = weigh(y, u, w->green, _mm256_madd_epi16(_mm256_unpacklo_epi16(v, one), w->green_cr),
		   _mm256_madd_epi16(_mm256_unpackhi_epi16(v, one), w->green_cr));
}

static always_inline void store_pixels(struct glint_pixels_piece *piece, size_t at,
				       const __m256i r[2], const __m256i g[2], const __m256i b[2])
{
	store_bytes(piece->plane[0] + at, r);
	store_bytes(piece->plane[1] + at, g);
	store_bytes(piece->plane[2] + at, b);
}

/* 32 pixels at a time. Returns how many are done. */
static size_t to_rgb_wide(struct glint_pixels_piece *restrict piece, size_t at,
			  const uint8_t *restrict luma, const uint8_t *restrict cb,
			  const uint8_t *restrict cr, size_t n, const struct glint_pixels_matrix *m)
{
	const struct weights w = weights_of(m);
	const __m256i grey = _mm256_set1_epi16(128);
	size_t i;

	for (i = 0; i + 32 <= n; i += 32) {
		__m256i r[2], g[2], b[2];

		for (unsigned k = 0; k < 2; k++)
			weigh_pixels(&w, load_words(luma + i + 16 * k, w.black),
				     load_words(cb + i + 16 * k, grey),
				     load_words(cr + i + 16 * k, grey), &r[k], &g[k], &b[k]);
		store_pixels(piece, at + i, r, g, b);
	}
	return i;
}

/* Byte @first, and those @step behind each other for @repeat words each, of 16: as words. */
static __m256i pick_order(unsigned first, unsigned step, unsigned repeat)
{
	uint8_t order[16];

	for (unsigned i = 0; i < 8; i++) {
		order[2 * i] = (uint8_t)(first + i / repeat * step);
		order[2 * i + 1] = 0x80; /* zero */
	}
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)order));
}

/*
 * The same for pairs of pixels that lie in four bytes, so that no sample goes through memory again.
 * @x is even.
 */
static size_t packed_to_rgb_wide(const struct glint_pixels_source *source,
				 const struct glint_pixels_matrix *m, uint32_t x, uint32_t y,
				 size_t n, struct glint_pixels_piece *piece)
{
	const struct glint_format_info *info = source->format->info;
	const uint8_t *in =
		source->view.comp[0].base + (size_t)y * source->view.comp[0].stride + (size_t)x * 2;
	const struct weights w = weights_of(m);
	const __m256i luma = pick_order(info->order[0], 2, 1),
		      cb = pick_order(info->order[1], 4, 2), cr = pick_order(info->order[3], 4, 2),
		      grey = _mm256_set1_epi16(128);
	size_t i;

	for (i = 0; i + 32 <= n; i += 32) {
		__m256i r[2], g[2], b[2];

		for (unsigned k = 0; k < 2; k++) {
			__m256i all = _mm256_loadu_si256((const void *)(in + 2 * i + 32 * k));

			weigh_pixels(&w, _mm256_sub_epi16(_mm256_shuffle_epi8(all, luma), w.black),
				     _mm256_sub_epi16(_mm256_shuffle_epi8(all, cb), grey),
				     _mm256_sub_epi16(_mm256_shuffle_epi8(all, cr), grey), &r[k],
				     &g[k], &b[k]);
		}
		store_pixels(piece, i, r, g, b);
	}
	return i;
}
#else
static size_t to_rgb_wide(struct glint_pixels_piece *restrict piece, size_t at,
			  const uint8_t *restrict luma, const uint8_t *restrict cb,
			  const uint8_t *restrict cr, size_t n, const struct glint_pixels_matrix *m)
{
	(void)piece, (void)at, (void)luma, (void)cb, (void)cr, (void)n, (void)m;
	return 0;
}

static size_t packed_to_rgb_wide(const struct glint_pixels_source *source,
				 const struct glint_pixels_matrix *m, uint32_t x, uint32_t y,
				 size_t n, struct glint_pixels_piece *piece)
{
	(void)source, (void)m, (void)x, (void)y, (void)n, (void)piece;
	return 0;
}
#endif

/* Pixel @at of the piece and those behind it. */
static void to_rgb(struct glint_pixels_piece *restrict piece, size_t at,
		   const uint8_t *restrict luma, const uint8_t *restrict cb,
		   const uint8_t *restrict cr, unsigned n, const struct glint_pixels_matrix *matrix)
{
	const struct glint_pixels_matrix m = *matrix;
	const int32_t rounding = 4096 - m.y * m.black;
	uint8_t *restrict r = piece->plane[0] + at, *restrict g = piece->plane[1] + at,
			  *restrict b = piece->plane[2] + at;

	for (size_t i = to_rgb_wide(piece, at, luma, cb, cr, n, matrix); i < n; i++) {
		int32_t y = luma[i] * m.y + rounding;
		int16_t u = (int16_t)(cb[i] - 128), v = (int16_t)(cr[i] - 128);

		r[i] = clamp((y + m.cr_r * v) >> 13);
		g[i] = clamp((y - m.cb_g * u - m.cr_g * v) >> 13);
		b[i] = clamp((y + m.cb_b * u) >> 13);
	}
}

static void read_luma(const struct glint_pixels_source *source, uint32_t x, uint32_t y, unsigned n,
		      uint8_t *out)
{
	const struct glint_format_info *info = source->format->info;
	const uint8_t *line = source->view.comp[0].base + (size_t)y * source->view.comp[0].stride;

	if (info->shift && info->layout == GLINT_LAYOUT_PACKED_YUV)
		pick_words(out, line + 2 * info->order[0] + (size_t)x * 4, n, 2, info->shift);
	else if (info->shift)
		pick_words(out, line + (size_t)x * 2, n, 1, info->shift);
	else if (info->layout == GLINT_LAYOUT_PACKED_YUV)
		pick2(out, line + info->order[0] + (size_t)x * 2, n);
	else
		memcpy(out, line + x, n);
}

/* Samples @x .. @x + @n - 1 of the line of chroma that line @y has. */
static void read_chroma(const struct glint_pixels_source *source, uint32_t x, uint32_t y,
			unsigned n, uint8_t *cb, uint8_t *cr)
{
	const struct glint_format_info *info = source->format->info;
	const struct glint_component *c = &source->view.comp[source->view.n > 1 ? 1 : 0];
	const uint8_t *line = c->base + (size_t)(y / info->v_sub) * c->stride;
	unsigned cr_first = info->order[1] > info->order[2];

	if (info->shift && info->layout == GLINT_LAYOUT_PACKED_YUV) {
		pick_words(cb, line + 2 * info->order[1] + (size_t)x * 8, n, 4, info->shift);
		pick_words(cr, line + 2 * info->order[3] + (size_t)x * 8, n, 4, info->shift);
	} else if (info->shift) {
		pick_words(cb, line + 2 * cr_first + (size_t)x * 4, n, 2, info->shift);
		pick_words(cr, line + 2 * !cr_first + (size_t)x * 4, n, 2, info->shift);
	} else if (info->layout == GLINT_LAYOUT_PACKED_YUV) {
		pick4(cb, line + info->order[1] + (size_t)x * 4, n);
		pick4(cr, line + info->order[3] + (size_t)x * 4, n);
	} else if (info->layout == GLINT_LAYOUT_SEMIPLANAR) {
		pick2(cb, line + cr_first + (size_t)x * 2, n);
		pick2(cr, line + !cr_first + (size_t)x * 2, n);
	} else {
		c = &source->view.comp[2];
		memcpy(cb, line + x, n);
		memcpy(cr, c->base + (size_t)(y / info->v_sub) * c->stride + x, n);
	}
}

static void read_ycbcr(const struct glint_pixels_source *source,
		       const struct glint_pixels_matrix *matrix, uint32_t x, uint32_t y, unsigned n,
		       struct glint_pixels_piece *piece)
{
	const struct glint_format_info *info = source->format->info;
	unsigned h_sub = info->h_sub, before = x % h_sub, n_chroma, done = 0;
	uint8_t luma[GLINT_PIXELS_PIECE], few[2][GLINT_PIXELS_PIECE];
	uint8_t cb[GLINT_PIXELS_PIECE + 2], cr[GLINT_PIXELS_PIECE + 2];

	if (info->layout == GLINT_LAYOUT_PACKED_YUV && !info->shift && before == 0)
		done = (unsigned)packed_to_rgb_wide(source, matrix, x, y, n, piece);
	if (done == n)
		return;
	x += done;
	n -= done;
	n_chroma = (before + n + h_sub - 1) / h_sub;
	read_luma(source, x, y, n, luma);
	if (h_sub == 1) {
		read_chroma(source, x, y, n, cb, cr);
	} else {
		read_chroma(source, x / 2, y, n_chroma, few[0], few[1]);
		repeat_twice(cb, few[0], n_chroma);
		repeat_twice(cr, few[1], n_chroma);
	}
	to_rgb(piece, done, luma, cb + before, cr + before, n, matrix);
}

/* --- RGB ---------------------------------------------------------------------------- */

struct order {
	unsigned step, r, g, b;
};

static always_inline uint8_t grey_of(unsigned r, unsigned g, unsigned b)
{
	return (uint8_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}

static always_inline void split(struct glint_pixels_piece *restrict piece,
				const uint8_t *restrict in, unsigned n, bool grey, struct order at)
{
	uint8_t *restrict r = piece->plane[0], *restrict g = piece->plane[1],
			  *restrict b = piece->plane[2];

	if (grey)
		for (size_t i = 0; i < n; i++)
			r[i] = grey_of(in[i * at.step + at.r], in[i * at.step + at.g],
				       in[i * at.step + at.b]);
	else
		for (size_t i = 0; i < n; i++) {
			r[i] = in[i * at.step + at.r];
			g[i] = in[i * at.step + at.g];
			b[i] = in[i * at.step + at.b];
		}
}

static void read_rgb(const struct glint_pixels_source *source, bool grey, uint32_t x, uint32_t y,
		     unsigned n, struct glint_pixels_piece *piece)
{
	const struct glint_format_info *info = source->format->info;
	const uint8_t *in = source->view.comp[0].base + (size_t)y * source->view.comp[0].stride +
			    (size_t)x * info->bytes_per_pixel;
	unsigned r = info->order[source->rules.swap_rgb ? 2 : 0];

	/* Red's place and the pixel's size are enough to tell the orders that there are. */
	if (info->bytes_per_pixel == 3 && r == 0)
		split(piece, in, n, grey, (struct order){ 3, 0, 1, 2 });
	else if (info->bytes_per_pixel == 3)
		split(piece, in, n, grey, (struct order){ 3, 2, 1, 0 });
	else if (r == 0)
		split(piece, in, n, grey, (struct order){ 4, 0, 1, 2 });
	else if (r == 1)
		split(piece, in, n, grey, (struct order){ 4, 1, 2, 3 });
	else if (r == 2)
		split(piece, in, n, grey, (struct order){ 4, 2, 1, 0 });
	else
		split(piece, in, n, grey, (struct order){ 4, 3, 2, 1 });
}

/* Five and six bits become eight: 31 and 63 become 255. */
static void read_rgb565(const struct glint_pixels_source *source, bool grey, uint32_t x, uint32_t y,
			unsigned n, struct glint_pixels_piece *piece)
{
	const uint8_t *in =
		source->view.comp[0].base + (size_t)y * source->view.comp[0].stride + (size_t)x * 2;
	unsigned red = source->rules.swap_rgb ? 2 : 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned word = in[2 * i] | (unsigned)in[2 * i + 1] << 8;

		piece->plane[red][i] = (uint8_t)(((word >> 11) * 527 + 23) >> 6);
		piece->plane[1][i] = (uint8_t)(((word >> 5 & 63) * 259 + 33) >> 6);
		piece->plane[2 - red][i] = (uint8_t)(((word & 31) * 527 + 23) >> 6);
	}
	if (grey)
		for (unsigned i = 0; i < n; i++)
			piece->plane[0][i] =
				grey_of(piece->plane[0][i], piece->plane[1][i], piece->plane[2][i]);
}

/* --- The engine ------------------------------------------------------------------------ */

static void engine_luma(const struct glint_pixels_source *source,
			const struct glint_pixels_matrix *matrix, uint32_t x, uint32_t y,
			unsigned n, uint8_t *out)
{
	uint8_t luma[GLINT_PIXELS_PIECE];

	if (is_full_range(matrix)) {
		read_luma(source, x, y, n, out);
		return;
	}
	read_luma(source, x, y, n, luma);
	expand_grey(out, luma, n, matrix);
}

static void engine_read(const struct glint_pixels_source *source,
			const struct glint_pixels_matrix *matrix, bool grey, uint32_t x, uint32_t y,
			unsigned n, struct glint_pixels_piece *piece)
{
	enum glint_layout layout = source->format->info->layout;

	if (layout == GLINT_LAYOUT_RGB) {
		read_rgb(source, grey, x, y, n, piece);
	} else if (layout == GLINT_LAYOUT_RGB565) {
		read_rgb565(source, grey, x, y, n, piece);
	} else if (grey) {
		engine_luma(source, matrix, x, y, n, piece->plane[0]);
	} else if (layout == GLINT_LAYOUT_GREY) {
		engine_luma(source, matrix, x, y, n, piece->plane[0]);
		memcpy(piece->plane[1], piece->plane[0], n);
		memcpy(piece->plane[2], piece->plane[0], n);
	} else {
		read_ycbcr(source, matrix, x, y, n, piece);
	}
}

static void engine_add(uint16_t *restrict sums, const uint8_t *restrict samples, unsigned n)
{
	for (size_t i = 0; i < n; i++)
		sums[i] = (uint16_t)(sums[i] + samples[i]);
}

/* Sums are below 8 * 8 * 255 + 32. */
static always_inline void average_whole(uint8_t *restrict out, const uint16_t *restrict sums,
					unsigned n, unsigned scale, unsigned shift)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t sum = (uint16_t)(scale * scale / 2);

		for (unsigned k = 0; k < scale; k++)
			sum = (uint16_t)(sum + sums[i * scale + k]);
		out[i] = (uint8_t)(sum >> shift);
	}
}

static uint8_t average_of(const uint16_t *sums, unsigned n, unsigned lines)
{
	unsigned sum = n * lines / 2;

	assert(n > 0 && lines > 0);
	for (unsigned k = 0; k < n; k++)
		sum += sums[k];
	return (uint8_t)(sum / (n * lines));
}

static void engine_average(uint8_t *out, const uint16_t *sums, unsigned n, unsigned scale,
			   unsigned lines)
{
	unsigned whole = lines == scale ? n / scale : 0;

	if (scale == 2)
		average_whole(out, sums, whole, 2, 2);
	else if (scale == 4)
		average_whole(out, sums, whole, 4, 4);
	else
		average_whole(out, sums, whole, 8, 6);
	for (unsigned at = whole * scale; at < n; at += scale)
		out[at / scale] = average_of(sums + at, n - at < scale ? n - at : scale, lines);
}

static void join_plain(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b,
		       const uint8_t *restrict c, size_t from, size_t n)
{
	for (size_t i = from; i < n; i++) {
		out[3 * i] = a[i];
		out[3 * i + 1] = b[i];
		out[3 * i + 2] = c[i];
	}
}

static void engine_join(uint8_t *out, const uint8_t *a, const uint8_t *b, const uint8_t *c,
			unsigned n)
{
	size_t i = 0;

#ifdef __AVX2__
	/* -1: no byte of this plane. */
	const __m128i a0 = _mm_setr_epi8(0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5);
	const __m128i b0 = _mm_setr_epi8(-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1);
	const __m128i c0 = _mm_setr_epi8(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1);
	const __m128i a1 =
		_mm_setr_epi8(-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1);
	const __m128i b1 = _mm_setr_epi8(5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10);
	const __m128i c1 = _mm_setr_epi8(-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1);
	const __m128i a2 =
		_mm_setr_epi8(-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1);
	const __m128i b2 =
		_mm_setr_epi8(-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1);
	const __m128i c2 =
		_mm_setr_epi8(10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15);

	for (; i + 16 <= n; i += 16) {
		__m128i va = _mm_loadu_si128((const void *)(a + i));
		__m128i vb = _mm_loadu_si128((const void *)(b + i));
		__m128i vc = _mm_loadu_si128((const void *)(c + i));
#define JOIN(k)                                                                                    \
	_mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(va, a##k), _mm_shuffle_epi8(vb, b##k)),         \
		     _mm_shuffle_epi8(vc, c##k))
		_mm_storeu_si128((void *)(out + 3 * i), JOIN(0));
		_mm_storeu_si128((void *)(out + 3 * i + 16), JOIN(1));
		_mm_storeu_si128((void *)(out + 3 * i + 32), JOIN(2));
#undef JOIN
	}
#endif
	join_plain(out, a, b, c, i, n);
}

const struct glint_pixels_engine ENGINE = {
	.read = engine_read,
	.luma = engine_luma,
	.add = engine_add,
	.average = engine_average,
	.join = engine_join,
};
