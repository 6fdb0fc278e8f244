/* SPDX-License-Identifier: MIT */
/*
 * The loops here are plain so that the compiler makes vector code of them: the
 * Kbuild file asks for -O3. No loop reads beyond a line's last sample.
 */
#include "encode/rows.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "encode/jpegenc_format.h"

/* --- Colour -------------------------------------------------------------------- */

static void map_set_matrix(struct glint_colour_map *map, enum glint_matrix matrix)
{
	int16_t weights[3][2];

	glint_jpegenc_rotation(glint_jpegenc_matrix_of(matrix), weights);
	map->rotate = matrix != GLINT_MATRIX_BT601;
	memcpy(map->y, weights[0], sizeof(map->y));
	memcpy(map->cb, weights[1], sizeof(map->cb));
	memcpy(map->cr, weights[2], sizeof(map->cr));
}

/* All sums below fit into 16 bits, and a vector holds twice as many of those as of int. */
static uint8_t clamp_i16(int16_t value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* 255 / 219 = 1 + 42.08 / 256 */
static void expand_luma(uint8_t *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int16_t y = (int16_t)(row[i] - 16);
		int16_t more = (int16_t)(y * 42 + 128);

		row[i] = clamp_i16((int16_t)(y + (more >> 8)));
	}
}

/* 255 / 224 = 1 + 70.86 / 512 */
static void expand_chroma(uint8_t *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int16_t c = (int16_t)(row[i] - 128);
		int16_t more = (int16_t)(c * 71 + 256);

		row[i] = clamp_i16((int16_t)(128 + c + (more >> 9)));
	}
}

/* What a colour adds to a sample. The two weights together are below 160 / 512. */
static int16_t addend(const int16_t by[2], uint8_t cb, uint8_t cr)
{
	int16_t sum = (int16_t)(by[0] * (int16_t)(cb - 128) + by[1] * (int16_t)(cr - 128) + 256);

	return (int16_t)(sum >> 9);
}

/* @out: for each luma sample; @step of them have one chroma sample. */
static void luma_addends(int16_t *restrict out, const uint8_t *restrict cb,
			 const uint8_t *restrict cr, size_t n, unsigned step, const int16_t by[2])
{
	const int16_t weights_of[2] = { by[0], by[1] };

	if (step == 1)
		for (size_t i = 0; i < n; i++)
			out[i] = addend(weights_of, cb[i], cr[i]);
	else
		for (size_t i = 0; i < n / 2; i++)
			out[2 * i] = out[2 * i + 1] = addend(weights_of, cb[i], cr[i]);
}

static void add_to_luma(uint8_t *restrict luma, const int16_t *restrict addends, size_t n)
{
	for (size_t i = 0; i < n; i++)
		luma[i] = clamp_i16((int16_t)(luma[i] + addends[i]));
}

static void rotate_chroma(uint8_t *restrict cb, uint8_t *restrict cr, size_t n,
			  const struct glint_colour_map *map)
{
	const int16_t by_cb[2] = { map->cb[0], map->cb[1] };
	const int16_t by_cr[2] = { map->cr[0], map->cr[1] };

	for (size_t i = 0; i < n; i++) {
		uint8_t b = cb[i], r = cr[i];

		cb[i] = clamp_i16((int16_t)(b + addend(by_cb, b, r)));
		cr[i] = clamp_i16((int16_t)(r + addend(by_cr, b, r)));
	}
}

/* --- One line, taken apart ------------------------------------------------------ */

/*
 * Every @step'th byte. The common steps are loops of their own, for the vectoriser;
 * it gives up when the index may wrap around, as one of 32 bit may.
 */
static void pick(uint8_t *restrict out, const uint8_t *restrict in, size_t n, unsigned step)
{
	if (step == 2)
		for (size_t i = 0; i < n; i++)
			out[i] = in[2 * i];
	else if (step == 4)
		for (size_t i = 0; i < n; i++)
			out[i] = in[4 * i];
	else
		memcpy(out, in, n);
}

/* Where a pixel has its colours: bytes, constants wherever a loop is to become vector code. */
struct rgb_order {
	unsigned step, r, g, b;
};

/* JFIF's equations, 16 bits of fraction. */
static inline __attribute__((always_inline)) uint8_t luma_of(unsigned r, unsigned g, unsigned b)
{
	return (uint8_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}

static inline __attribute__((always_inline)) void chroma_of(uint8_t *cb, uint8_t *cr, unsigned r,
							    unsigned g, unsigned b)
{
	const unsigned middle = (128u << 16) + 32767;

	*cb = (uint8_t)((32768 * b + middle - 11059 * r - 21709 * g) >> 16);
	*cr = (uint8_t)((32768 * r + middle - 27439 * g - 5329 * b) >> 16);
}

static inline __attribute__((always_inline)) void luma_row(uint8_t *restrict out,
							   const uint8_t *restrict in, size_t n,
							   struct rgb_order at)
{
	for (size_t x = 0; x < n; x++) {
		const uint8_t *p = in + x * at.step;

		out[x] = luma_of(p[at.r], p[at.g], p[at.b]);
	}
}

static inline __attribute__((always_inline)) void chroma_row(uint8_t *restrict cb,
							     uint8_t *restrict cr,
							     const uint8_t *restrict in, size_t n,
							     struct rgb_order at)
{
	for (size_t x = 0; x < n; x++) {
		const uint8_t *p = in + x * at.step;

		chroma_of(&cb[x], &cr[x], p[at.r], p[at.g], p[at.b]);
	}
}

/* One loop for each order of the colours: with a variable order the loops stay scalar. */
#define FOR_EACH_RGB_ORDER(LOOP)                                                                   \
	do {                                                                                       \
		if (step == 3 && r < b)                                                            \
			LOOP(((struct rgb_order){ 3, 0, 1, 2 }));                                  \
		else if (step == 3)                                                                \
			LOOP(((struct rgb_order){ 3, 2, 1, 0 }));                                  \
		else if (r == 0)                                                                   \
			LOOP(((struct rgb_order){ 4, 0, 1, 2 }));                                  \
		else if (r == 1)                                                                   \
			LOOP(((struct rgb_order){ 4, 1, 2, 3 }));                                  \
		else if (r == 2)                                                                   \
			LOOP(((struct rgb_order){ 4, 2, 1, 0 }));                                  \
		else                                                                               \
			LOOP(((struct rgb_order){ 4, 3, 2, 1 }));                                  \
	} while (0)

static void rgb_luma(uint8_t *out, const uint8_t *line, size_t n, unsigned step, unsigned r,
		     unsigned b)
{
#define LOOP(order) luma_row(out, line, n, order)
	FOR_EACH_RGB_ORDER(LOOP);
#undef LOOP
}

static void rgb_chroma(uint8_t *cb, uint8_t *cr, const uint8_t *line, size_t n, unsigned step,
		       unsigned r, unsigned b)
{
#define LOOP(order) chroma_row(cb, cr, line, n, order)
	FOR_EACH_RGB_ORDER(LOOP);
#undef LOOP
}

struct rgb {
	unsigned r, g, b;
};

/* Five and six bits made eight: 31 and 63 become 255. */
static inline __attribute__((always_inline)) struct rgb rgb565_at(const uint8_t *line, size_t x)
{
	unsigned word = line[2 * x] | (unsigned)line[2 * x + 1] << 8;

	return (struct rgb){ ((word >> 11) * 527 + 23) >> 6, ((word >> 5 & 63) * 259 + 33) >> 6,
			     ((word & 31) * 527 + 23) >> 6 };
}

static void rgb565_luma(uint8_t *restrict out, const uint8_t *restrict line, size_t n, bool swap)
{
	for (size_t x = 0; x < n; x++) {
		struct rgb c = rgb565_at(line, x);

		out[x] = swap ? luma_of(c.b, c.g, c.r) : luma_of(c.r, c.g, c.b);
	}
}

static void rgb565_chroma(uint8_t *restrict cb, uint8_t *restrict cr, const uint8_t *restrict line,
			  size_t n, bool swap)
{
	for (size_t x = 0; x < n; x++) {
		struct rgb c = rgb565_at(line, x);

		if (swap)
			chroma_of(&cb[x], &cr[x], c.b, c.g, c.r);
		else
			chroma_of(&cb[x], &cr[x], c.r, c.g, c.b);
	}
}

/* The highest bits of every @step-th word. */
static void pick_words(uint8_t *restrict out, const uint8_t *restrict in, size_t n, size_t step,
		       unsigned shift)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)((in[2 * step * i] | in[2 * step * i + 1] << 8) >> shift);
}

static void line_luma(const struct glint_rows *rows, const struct glint_view *view, uint32_t y,
		      uint8_t *out)
{
	const struct glint_format_info *info = rows->format->info;
	const uint8_t *line = view->comp[0].base + (size_t)y * view->comp[0].stride;
	uint32_t n = rows->format->width;

	if (info->shift)
		pick_words(out, line + 2 * info->order[0], n,
			   info->layout == GLINT_LAYOUT_PACKED_YUV ? 2 : 1, info->shift);
	else if (info->layout == GLINT_LAYOUT_PACKED_YUV)
		pick(out, line + info->order[0], n, 2);
	else if (info->layout == GLINT_LAYOUT_RGB)
		rgb_luma(out, line, n, info->bytes_per_pixel, info->order[rows->swap_rgb ? 2 : 0],
			 info->order[rows->swap_rgb ? 0 : 2]);
	else if (info->layout == GLINT_LAYOUT_RGB565)
		rgb565_luma(out, line, n, rows->swap_rgb);
	else
		memcpy(out, line, n);
}

static uint32_t chroma_width(const struct glint_rows *rows)
{
	uint32_t h_sub = rows->format->info->h_sub;

	return (rows->format->width + h_sub - 1) / h_sub;
}

/* Chroma line @y of the source, at the source's resolution. */
static void line_chroma(const struct glint_rows *rows, const struct glint_view *view, uint32_t y,
			uint8_t *cb, uint8_t *cr)
{
	const struct glint_format_info *info = rows->format->info;
	const struct glint_component *c = &view->comp[view->n > 1 ? 1 : 0];
	const uint8_t *line = c->base + (size_t)y * c->stride;
	unsigned cr_first = info->order[1] > info->order[2];
	uint32_t n = chroma_width(rows);

	if (info->shift) {
		bool packed = info->layout == GLINT_LAYOUT_PACKED_YUV;
		unsigned step = packed ? 4 : 2;

		pick_words(cb, line + 2 * (packed ? info->order[1] : cr_first), n, step,
			   info->shift);
		pick_words(cr, line + 2 * (packed ? info->order[3] : !cr_first), n, step,
			   info->shift);
		return;
	}
	switch (info->layout) {
	case GLINT_LAYOUT_PACKED_YUV:
		pick(cb, line + info->order[1], n, 4);
		pick(cr, line + info->order[3], n, 4);
		break;
	case GLINT_LAYOUT_SEMIPLANAR:
		pick(cb, line + cr_first, n, 2);
		pick(cr, line + !cr_first, n, 2);
		break;
	case GLINT_LAYOUT_PLANAR:
		memcpy(cb, line, n);
		memcpy(cr, view->comp[2].base + (size_t)y * view->comp[2].stride, n);
		break;
	case GLINT_LAYOUT_RGB:
		rgb_chroma(cb, cr, line, n, info->bytes_per_pixel,
			   info->order[rows->swap_rgb ? 2 : 0],
			   info->order[rows->swap_rgb ? 0 : 2]);
		break;
	default:
		rgb565_chroma(cb, cr, line, n, rows->swap_rgb);
		break;
	}
}

/* --- Chroma sampling -------------------------------------------------------------- */

static void average_lines(uint8_t *restrict out, const uint8_t *restrict a,
			  const uint8_t *restrict b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = (uint8_t)((a[i] + b[i] + 1) >> 1);
}

/* Two samples into one, in place. The row has an even number of samples. */
static void halve_row(uint8_t *row, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		row[i] = (uint8_t)((row[2 * i] + row[2 * i + 1] + 1) >> 1);
}

static void repeat_last(uint8_t *row, uint32_t n, uint32_t width)
{
	if (n < width)
		memset(row + n, row[n - 1], width - n);
}

static bool sampling_halves_width(enum glint_sampling sampling)
{
	return sampling == GLINT_SAMPLING_420 || sampling == GLINT_SAMPLING_422;
}

/* One chroma row of the JPEG, of @width samples, from one or two lines of the source. */
static void read_chroma_row(struct glint_rows *rows, const struct glint_view *view, uint32_t row,
			    uint8_t *cb, uint8_t *cr, uint32_t width)
{
	const struct glint_format_info *info = rows->format->info;
	uint32_t last = (rows->format->height + info->v_sub - 1) / info->v_sub - 1;
	bool two_lines = rows->sampling == GLINT_SAMPLING_420 && info->v_sub == 1;
	bool two_columns = sampling_halves_width(rows->sampling) && info->h_sub == 1;
	uint32_t n = chroma_width(rows);

	if (two_lines) {
		for (unsigned i = 0; i < 2; i++)
			line_chroma(rows, view, MIN(2 * row + i, last), rows->line[i][0],
				    rows->line[i][1]);
		average_lines(cb, rows->line[0][0], rows->line[1][0], n);
		average_lines(cr, rows->line[0][1], rows->line[1][1], n);
	} else {
		line_chroma(rows, view, MIN(row, last), cb, cr);
	}
	if (two_columns) {
		repeat_last(cb, n, n + n % 2);
		repeat_last(cr, n, n + n % 2);
		n = (n + 1) / 2;
		halve_row(cb, n);
		halve_row(cr, n);
	}
	repeat_last(cb, n, width);
	repeat_last(cr, n, width);
}

/* --- An MCU row --------------------------------------------------------------------- */

static bool map_is_identity(const struct glint_colour_map *map)
{
	return !map->expand && !map->rotate;
}

/* Lines that need no change are used in place, if they consist of whole blocks. */
static bool luma_in_place(const struct glint_rows *rows)
{
	enum glint_layout layout = rows->format->info->layout;

	return map_is_identity(&rows->map) && rows->format->width == rows->width &&
	       !rows->format->info->shift &&
	       (layout == GLINT_LAYOUT_PLANAR || layout == GLINT_LAYOUT_SEMIPLANAR ||
		layout == GLINT_LAYOUT_GREY);
}

static bool chroma_in_place(const struct glint_rows *rows, uint32_t width)
{
	const struct glint_format_info *info = rows->format->info;

	return map_is_identity(&rows->map) && info->layout == GLINT_LAYOUT_PLANAR &&
	       chroma_width(rows) == width && glint_rows_sampling(info, true) == rows->sampling;
}

static void read_luma(struct glint_rows *rows, const struct glint_view *view, uint32_t first,
		      unsigned n)
{
	uint32_t last = rows->format->height - 1;
	bool in_place = luma_in_place(rows);

	for (unsigned i = 0; i < n; i++) {
		uint32_t y = MIN(first + i, last);

		if (in_place) {
			rows->luma[i] =
				(uint8_t *)view->comp[0].base + (size_t)y * view->comp[0].stride;
			continue;
		}
		rows->luma[i] = rows->own_luma[i];
		line_luma(rows, view, y, rows->luma[i]);
		repeat_last(rows->luma[i], rows->format->width, rows->width);
		if (rows->map.expand)
			expand_luma(rows->luma[i], rows->width);
	}
}

static uint8_t *chroma_line_in_place(const struct glint_component *c, uint32_t row)
{
	return (uint8_t *)c->base + (size_t)MIN(row, c->height - 1) * c->stride;
}

static void read_chroma(struct glint_rows *rows, const struct glint_view *view, uint32_t first)
{
	uint32_t width = sampling_halves_width(rows->sampling) ? rows->width / 2 : rows->width;
	bool in_place = chroma_in_place(rows, width);

	for (unsigned i = 0; i < 8; i++) {
		if (in_place) {
			rows->cb[i] = chroma_line_in_place(&view->comp[1], first + i);
			rows->cr[i] = chroma_line_in_place(&view->comp[2], first + i);
			continue;
		}
		rows->cb[i] = rows->own_cb[i];
		rows->cr[i] = rows->own_cr[i];
		read_chroma_row(rows, view, first + i, rows->cb[i], rows->cr[i], width);
		if (rows->map.expand) {
			expand_chroma(rows->cb[i], width);
			expand_chroma(rows->cr[i], width);
		}
	}
}

/* Luma before chroma: it needs the chroma as it was. */
static void rotate_rows(struct glint_rows *rows, unsigned n_luma)
{
	bool halved = sampling_halves_width(rows->sampling);
	unsigned lines = n_luma / 8; /* of luma to a line of chroma */

	for (unsigned c = 0; c < 8; c++) {
		luma_addends(rows->addends, rows->cb[c], rows->cr[c], rows->width, halved ? 2 : 1,
			     rows->map.y);
		for (unsigned i = 0; i < lines; i++)
			add_to_luma(rows->luma[c * lines + i], rows->addends, rows->width);
		rotate_chroma(rows->cb[c], rows->cr[c], halved ? rows->width / 2 : rows->width,
			      &rows->map);
	}
}

void glint_rows_read(struct glint_rows *rows, const struct glint_view *view, uint32_t mcu_row)
{
	unsigned n_luma = glint_sampling_mcu_height(rows->sampling);

	assert(view->n > 0 && mcu_row * n_luma < rows->format->height);

	read_luma(rows, view, mcu_row * n_luma, n_luma);
	if (rows->sampling == GLINT_SAMPLING_GREY)
		return;
	read_chroma(rows, view, mcu_row * 8);
	if (rows->map.rotate)
		rotate_rows(rows, n_luma);
}

/* --- Life ---------------------------------------------------------------------------- */

enum glint_sampling glint_rows_sampling(const struct glint_format_info *info, bool keep)
{
	if (info->layout == GLINT_LAYOUT_GREY)
		return GLINT_SAMPLING_GREY;
	if (!keep || info->v_sub == 2)
		return GLINT_SAMPLING_420;
	return info->h_sub == 2 ? GLINT_SAMPLING_422 : GLINT_SAMPLING_444;
}

int glint_rows_init(struct glint_rows *rows, const struct glint_format *format,
		    enum glint_sampling sampling, bool swap_rgb, bool keep_range)
{
	enum glint_layout layout = format->info->layout;
	bool rgb = layout == GLINT_LAYOUT_RGB || layout == GLINT_LAYOUT_RGB565;
	bool as_it_is = rgb || keep_range;
	unsigned mcu = glint_sampling_mcu_width(sampling);
	size_t each;
	uint8_t *at;

	memset(rows, 0, sizeof(*rows));
	rows->format = format;
	rows->sampling = sampling;
	rows->swap_rgb = swap_rgb;
	rows->width = (format->width + mcu - 1) / mcu * mcu;
	rows->map.expand = !as_it_is && format->range == GLINT_RANGE_LIMITED;
	map_set_matrix(&rows->map, as_it_is ? GLINT_MATRIX_BT601 : format->matrix);

	/* 16 of luma, 8 and 8 of chroma, 4 lines, addends of two bytes; as wide as the widest. */
	each = ((size_t)rows->width + 63) / 64 * 64;
	rows->scratch = aligned_alloc(64, each * (GLINT_ROWS_MAX + 8 + 8 + 4 + 2));
	if (!rows->scratch)
		return -ENOMEM;
	at = rows->scratch;
	for (unsigned i = 0; i < GLINT_ROWS_MAX; i++, at += each)
		rows->own_luma[i] = at;
	for (unsigned i = 0; i < 8; i++, at += 2 * each) {
		rows->own_cb[i] = at;
		rows->own_cr[i] = at + each;
	}
	for (unsigned i = 0; i < 4; i++, at += each)
		rows->line[i / 2][i % 2] = at;
	rows->addends = (int16_t *)at;
	assert(at + 2 * each == rows->scratch + each * (GLINT_ROWS_MAX + 8 + 8 + 4 + 2));
	return 0;
}

void glint_rows_fini(struct glint_rows *rows)
{
	free(rows->scratch);
	rows->scratch = NULL;
}
