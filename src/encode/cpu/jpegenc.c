/* SPDX-License-Identifier: MIT */
/* Tables, the way over the MCU rows, and the picture's edges; the work itself is the engines'. */
#include "encode/cpu/jpegenc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "encode/cpu/coder.h"
#include "encode/cpu/internal.h"
#include "jpeg/header.h"

#define SIZE_MAX_PIXELS 65500u /* as libjpeg has it */

const uint8_t glint_jpegenc_natural[64] = {
	0,  1,	8,  16, 9,  2,	3,  10, 17, 24, 32, 25, 18, 11, 4,  5,	12, 19, 26, 33, 40, 48,
	41, 34, 27, 20, 13, 6,	7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
	30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/* --- Quantisation -------------------------------------------------------------- */

/* T.81 annex K.1, zigzag order: for quality 50. */
static const uint8_t standard_tables[2][64] = {
	{ 16, 11, 12,  14,  12,	 10, 16, 14,  13,  14,	18,  17,  16, 19,  24,	40,
	  26, 24, 22,  22,  24,	 49, 35, 37,  29,  40,	58,  51,  61, 60,  57,	51,
	  56, 55, 64,  72,  92,	 78, 64, 68,  87,  69,	55,  56,  80, 109, 81,	87,
	  95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99 },
	{ 17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99, 99, 99, 99, 99, 99, 99,
	  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99 },
};

static uint8_t scaled(unsigned value, unsigned quality)
{
	unsigned percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;

	value = (value * percent + 50) / 100;
	return (uint8_t)(value < 1 ? 1 : value > 255 ? 255 : value);
}

/*
 * (n + d / 2) / d is ((n + d / 2) * reciprocal >> 16) * scale >> 16 for all sums below
 * 2^15. The reciprocal has 16 bits of which the top one is set.
 */
static void quant_set(struct quant *quant, unsigned natural, unsigned divisor)
{
	unsigned shift = 31 - (unsigned)__builtin_clz(divisor);
	uint32_t reciprocal;

	if ((divisor & (divisor - 1)) == 0)
		shift--;
	reciprocal = ((1u << (16 + shift)) + divisor - 1) / divisor;
	quant->divisor[natural] = (uint16_t)divisor;
	quant->reciprocal_15[natural / 8][natural % 8] = (int16_t)((reciprocal + 1) / 2);
	quant->shift[natural / 8][natural % 8] = (int16_t)(0 - (int)shift);
	for (unsigned lane = 0; lane < 16; lane += 8) {
		quant->half[natural / 8][lane + natural % 8] = (uint16_t)(divisor / 2);
		quant->reciprocal[natural / 8][lane + natural % 8] = (uint16_t)reciprocal;
		quant->scale[natural / 8][lane + natural % 8] = (uint16_t)(1u << (16 - shift));
	}
}

static void make_quant(struct glint_jpegenc *enc)
{
	for (unsigned t = 0; t < 2; t++) {
		for (unsigned k = 0; k < 64; k++) {
			enc->table[t][k] = scaled(standard_tables[t][k], enc->config.quality);
			quant_set(&enc->quant[t], glint_jpegenc_natural[k], 8u * enc->table[t][k]);
		}
		/* The transform makes 64 times the value of a flat block. */
		for (int value = 0; value < 256; value++) {
			int sum = 64 * (value - 128), divisor = enc->quant[t].divisor[0];

			enc->flat_dc[t][value] =
				(int16_t)(sum < 0 ? -((divisor / 2 - sum) / divisor) :
						    (divisor / 2 + sum) / divisor);
		}
	}
}

/* --- Huffman symbols ------------------------------------------------------------- */

/* @dht: a segment's table class, 16 counts, the values. Returns what is behind it. */
static const uint8_t *read_codes(const uint8_t *dht, uint16_t code[256], uint8_t length[256])
{
	const uint8_t *value = dht + 17;
	unsigned next = 0;

	memset(length, 0, 256);
	for (unsigned bits = 1; bits <= 16; bits++) {
		for (unsigned i = 0; i < dht[bits]; i++, value++, next++) {
			code[*value] = (uint16_t)next;
			length[*value] = (uint8_t)bits;
		}
		next <<= 1;
	}
	return value;
}

static uint32_t symbol(uint64_t code, unsigned length)
{
	return length > 24 ? SYMBOL_IS_LONG : (uint32_t)(code << 7 | length);
}

static uint32_t ac_symbol(const struct symbols *s, int value, unsigned run)
{
	unsigned size = value_size(value), length = 0;
	uint64_t code = 0;

	for (; run > 15; run -= 16) {
		code = code << s->ac_length[0xf0] | s->ac_code[0xf0];
		length += s->ac_length[0xf0];
	}
	code = code << s->ac_length[run << 4 | size] | s->ac_code[run << 4 | size];
	code = code << size | value_bits(value, size);
	return symbol(code, length + s->ac_length[run << 4 | size] + size);
}

/* Bytes of -128 and 127 may stand for more. */
static void make_ac(struct symbols *s)
{
	for (int value = -128; value < 128; value++)
		for (unsigned distance = 1; value != 0 && distance < 64; distance++)
			s->ac[AC_STRIDE * (uint8_t)value + distance] =
				value == -128 || value == 127 ? SYMBOL_IS_LONG :
								ac_symbol(s, value, distance - 1);
	for (unsigned distance = 2; distance <= 64; distance++)
		s->ac[distance] = symbol(s->ac_code[0], s->ac_length[0]);
}

static void make_symbols(struct glint_jpegenc *enc)
{
	const uint8_t *dht = glint_jpeg_standard_dht();

	for (unsigned t = 0; t < 2; t++) {
		struct symbols *s = &enc->symbols[t];
		uint16_t code[256];
		uint8_t length[256];

		/* Four segments, a marker and a length before each table. */
		dht = read_codes(dht + 4, code, length);
		for (int d = -2047; d < 2048; d++) {
			unsigned size = value_size(d);

			s->dc[d + 2048] = symbol((uint64_t)code[size] << size | value_bits(d, size),
						 length[size] + size);
		}
		dht = read_codes(dht + 4, s->ac_code, s->ac_length);
		make_ac(s);
	}
}

/* --- Colour ------------------------------------------------------------------------ */

static int16_t q9(double value)
{
	return (int16_t)(value * 512 + (value < 0 ? -0.5 : 0.5));
}

/*
 * R = Y + r Cr, B = Y + b Cb, G = Y - g_b Cb - g_r Cr by the source's weights, then
 * back to Y, Cb, Cr by those of BT.601: Y stays, what is added depends on chroma only.
 */
void glint_jpegenc_rotation(enum glint_jpegenc_matrix matrix, int16_t weights[3][2])
{
	static const struct primaries {
		double kr, kb;
	} all[] = {
		[GLINT_JPEGENC_BT601] = { 0.299, 0.114 },
		[GLINT_JPEGENC_BT709] = { 0.2126, 0.0722 },
		[GLINT_JPEGENC_BT2020] = { 0.2627, 0.0593 },
	};
	const struct primaries from = all[matrix], to = all[GLINT_JPEGENC_BT601];
	double r = 2 * (1 - from.kr), b = 2 * (1 - from.kb), kg = 1 - from.kr - from.kb;
	double g_r = r * from.kr / kg, g_b = b * from.kb / kg, to_kg = 1 - to.kr - to.kb;
	double y_cb = to.kb * b - to_kg * g_b, y_cr = to.kr * r - to_kg * g_r;

	weights[0][0] = q9(y_cb);
	weights[0][1] = q9(y_cr);
	weights[1][0] = q9((b - y_cb) / (2 * (1 - to.kb)) - 1);
	weights[1][1] = q9(-y_cr / (2 * (1 - to.kb)));
	weights[2][0] = q9(-y_cb / (2 * (1 - to.kr)));
	weights[2][1] = q9((r - y_cr) / (2 * (1 - to.kr)) - 1);
}

/* --- Life ----------------------------------------------------------------------------- */

static bool order_is_packed(const uint8_t order[4])
{
	return order[0] < 2 && order[2] == order[0] + 2 && order[1] < 4 && order[3] < 4 &&
	       order[1] % 2 != order[0] && (order[1] ^ order[3]) == 2;
}

static bool config_is_valid(const struct glint_jpegenc_config *config)
{
	enum glint_jpegenc_sampling s = config->sampling;
	unsigned sub = config->h_sub * 10u + config->v_sub;

	if (config->width - 1 >= SIZE_MAX_PIXELS || config->height - 1 >= SIZE_MAX_PIXELS ||
	    config->quality - 1 >= 100 || config->matrix > GLINT_JPEGENC_BT2020)
		return false;
	switch (config->layout) {
	case GLINT_JPEGENC_PACKED:
		return order_is_packed(config->order) &&
		       (s == GLINT_JPEGENC_420 || s == GLINT_JPEGENC_422);
	case GLINT_JPEGENC_SEMIPLANAR:
	case GLINT_JPEGENC_PLANAR:
		return (s == GLINT_JPEGENC_420 && (sub == 22 || sub == 21 || sub == 11)) ||
		       (s == GLINT_JPEGENC_422 && sub == 21) ||
		       (s == GLINT_JPEGENC_444 && sub == 11);
	case GLINT_JPEGENC_GREY:
		return s == GLINT_JPEGENC_SAMPLING_GREY;
	case GLINT_JPEGENC_RGB:
		return (config->pixel_bytes == 3 || config->pixel_bytes == 4) &&
		       config->order[0] < config->pixel_bytes &&
		       config->order[1] < config->pixel_bytes &&
		       config->order[2] < config->pixel_bytes &&
		       (s == GLINT_JPEGENC_420 || s == GLINT_JPEGENC_444);
	}
	return false;
}

/* NULL: not on this processor. */
static const struct engine *engine_of(enum glint_jpegenc_engine engine)
{
	if (engine == GLINT_JPEGENC_SCALAR)
		return &glint_jpegenc_scalar;
#if IS_ENABLED(CONFIG_ENCODE_CPU_SIMD) && defined(__x86_64__)
	if (engine == GLINT_JPEGENC_AVX2 && __builtin_cpu_supports("avx2") &&
	    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
		return &glint_jpegenc_avx2;
#endif
#if IS_ENABLED(CONFIG_ENCODE_CPU_SIMD) && defined(__AARCH64EL__)
	if (engine == GLINT_JPEGENC_NEON)
		return &glint_jpegenc_neon;
#endif
	return NULL;
}

enum glint_jpegenc_engine glint_jpegenc_best(void)
{
	if (engine_of(GLINT_JPEGENC_AVX2))
		return GLINT_JPEGENC_AVX2;
	return engine_of(GLINT_JPEGENC_NEON) ? GLINT_JPEGENC_NEON : GLINT_JPEGENC_SCALAR;
}

const char *glint_jpegenc_engine_name(enum glint_jpegenc_engine engine)
{
	static const char *const names[] = {
		[GLINT_JPEGENC_SCALAR] = "scalar",
		[GLINT_JPEGENC_AVX2] = "avx2",
		[GLINT_JPEGENC_NEON] = "neon",
	};

	return names[engine == GLINT_JPEGENC_AUTO ? glint_jpegenc_best() : engine];
}

static bool halves_width(enum glint_jpegenc_sampling sampling)
{
	return sampling == GLINT_JPEGENC_420 || sampling == GLINT_JPEGENC_422;
}

static void measure(struct glint_jpegenc *enc)
{
	const struct glint_jpegenc_config *config = &enc->config;
	static const uint8_t pairs[] = {
		[GLINT_JPEGENC_SAMPLING_GREY] = 1,
		[GLINT_JPEGENC_420] = 6,
		[GLINT_JPEGENC_422] = 4,
		[GLINT_JPEGENC_444] = 3,
	};

	enc->mcu_width = halves_width(config->sampling) ? 16 : 8;
	enc->mcu_height = config->sampling == GLINT_JPEGENC_420 ? 16 : 8;
	enc->rows = (config->height + enc->mcu_height - 1) / enc->mcu_height;
	enc->columns = (config->width + enc->mcu_width - 1) / enc->mcu_width;
	enc->half_last = enc->mcu_width == 16 && (config->width - 1) % 16 < 8;
	enc->double_width = 2 * enc->mcu_width;
	enc->double_bytes = pairs[config->sampling] * PAIR_BYTES;
	/* Readers of three bytes a pixel load four more. */
	enc->doubles = (enc->columns + 1) / 2;
	enc->whole_doubles = config->width / enc->double_width;
	if (config->layout == GLINT_JPEGENC_RGB && config->pixel_bytes == 3)
		enc->whole_doubles = (config->width - MIN(config->width, 2u)) / enc->double_width;
	enc->rotate = config->matrix != GLINT_JPEGENC_BT601;
}

int glint_jpegenc_create(struct glint_jpegenc **out, const struct glint_jpegenc_config *config)
{
	enum glint_jpegenc_engine engine =
		config->engine == GLINT_JPEGENC_AUTO ? glint_jpegenc_best() : config->engine;
	struct glint_jpegenc *enc;

	if (!config_is_valid(config))
		return -EINVAL;
	if (!engine_of(engine))
		return -ENOTSUP;
	enc = aligned_alloc(_Alignof(struct glint_jpegenc), sizeof(*enc));
	if (!enc)
		return -ENOMEM;
	memset(enc, 0, sizeof(*enc));
	enc->config = *config;
	if (config->layout == GLINT_JPEGENC_RGB) {
		enc->config.limited = false;
		enc->config.matrix = GLINT_JPEGENC_BT601;
	}
	enc->engine = engine_of(engine);
	measure(enc);
	glint_jpegenc_rotation(enc->config.matrix, enc->weights);
	make_quant(enc);
	make_symbols(enc);
	enc->read = enc->engine->reader(enc);
	*out = enc;
	return 0;
}

void glint_jpegenc_destroy(struct glint_jpegenc *enc)
{
	free(enc);
}

uint32_t glint_jpegenc_rows(const struct glint_jpegenc *enc)
{
	return enc->rows;
}

uint32_t glint_jpegenc_columns(const struct glint_jpegenc *enc)
{
	return enc->columns;
}

size_t glint_jpegenc_header(const struct glint_jpegenc *enc, uint16_t restart,
			    uint8_t out[static GLINT_JPEGENC_HEADER_MAX])
{
	static const enum glint_sampling samplings[] = {
		[GLINT_JPEGENC_SAMPLING_GREY] = GLINT_SAMPLING_GREY,
		[GLINT_JPEGENC_420] = GLINT_SAMPLING_420,
		[GLINT_JPEGENC_422] = GLINT_SAMPLING_422,
		[GLINT_JPEGENC_444] = GLINT_SAMPLING_444,
	};
	struct glint_jpeg_params params = {
		.width = enc->config.width,
		.height = enc->config.height,
		.sampling = samplings[enc->config.sampling],
		.restart = restart,
	};

	_Static_assert(GLINT_JPEGENC_HEADER_MAX >= GLINT_JPEG_HEADER_MAX, "a header fits");
	memcpy(params.quant, enc->table, sizeof(params.quant));
	return glint_jpeg_write_header(out, &params);
}

/* --- Lines and edges ------------------------------------------------------------------- */

static bool has_chroma_planes(const struct glint_jpegenc *enc)
{
	return enc->config.layout == GLINT_JPEGENC_SEMIPLANAR ||
	       enc->config.layout == GLINT_JPEGENC_PLANAR;
}

void glint_jpegenc_find_lines(const struct glint_jpegenc *enc,
			      const struct glint_jpegenc_source *source, uint32_t row,
			      struct lines *lines)
{
	uint32_t height = enc->config.height, v_sub = enc->config.v_sub, n;

	assert(row < enc->rows);
	memset(lines, 0, sizeof(*lines)); /* some layouts have no lines of chroma */
	for (uint32_t i = 0; i < enc->mcu_height; i++)
		lines->luma[i] = source->plane[0] +
				 MIN(row * enc->mcu_height + i, height - 1) * source->stride[0];
	if (!has_chroma_planes(enc))
		return;
	height = (height + v_sub - 1) / v_sub;
	n = enc->mcu_height / v_sub;
	for (unsigned c = 0; c < (enc->config.layout == GLINT_JPEGENC_PLANAR ? 2u : 1u); c++)
		for (uint32_t i = 0; i < n; i++)
			lines->chroma[c][i] = source->plane[1 + c] +
					      MIN(row * n + i, height - 1) * source->stride[1 + c];
}

struct edge {
	struct lines lines;
	uint8_t luma[16][32 * 4 + 32];
	uint8_t chroma[2][16][32 * 2 + 32];
};

/* Elements @first .. of a line that has @total; what is missing of @wanted is the last one. */
static void copy_edge(uint8_t *to, const uint8_t *line, size_t size, size_t first, size_t total,
		      size_t wanted)
{
	size_t n = MIN(total - first, wanted);

	assert(line);
	memcpy(to, line + first * size, n * size);
	for (; n < wanted; n++)
		memcpy(to + n * size, to + (n - 1) * size, size);
}

/* A double that is not whole, as if it were the first of its lines, and whole. */
static void edge_copy(struct edge *edge, const struct glint_jpegenc *enc, const struct lines *lines,
		      size_t number)
{
	const struct glint_jpegenc_config *config = &enc->config;
	size_t x = number * enc->double_width, width = config->width;
	bool packed = config->layout == GLINT_JPEGENC_PACKED;
	bool semi = config->layout == GLINT_JPEGENC_SEMIPLANAR;
	size_t size = packed ? 4 : config->layout == GLINT_JPEGENC_RGB ? config->pixel_bytes : 1;
	size_t per = packed ? 2 : 1, h_sub = config->h_sub;

	for (unsigned i = 0; i < enc->mcu_height; i++) {
		copy_edge(edge->luma[i], lines->luma[i], size, x / per, (width + per - 1) / per,
			  enc->double_width / per);
		edge->lines.luma[i] = edge->luma[i];
	}
	if (!has_chroma_planes(enc))
		return;
	for (unsigned c = 0; c < (semi ? 1u : 2u); c++)
		for (unsigned i = 0; i < enc->mcu_height / config->v_sub; i++) {
			copy_edge(edge->chroma[c][i], lines->chroma[c][i], semi ? 2 : 1, x / h_sub,
				  (width + h_sub - 1) / h_sub, enc->double_width / h_sub);
			edge->lines.chroma[c][i] = edge->chroma[c][i];
		}
}

/* Where sample @x, @y of a component of a double is: component 0 is luma. */
static uint8_t *sample_at(const struct glint_jpegenc *enc, uint8_t *unit, unsigned component,
			  size_t x, size_t y)
{
	size_t pair, lane;

	if (halves_width(enc->config.sampling)) {
		size_t pairs = enc->double_bytes / PAIR_BYTES / 2, width = component ? 8 : 16;

		pair = x / width * pairs + (component ? pairs - 1 : y / 8);
		lane = component ? component - 1 : x % 16 / 8;
	} else {
		pair = component;
		lane = x / 8;
	}
	return unit + pair * PAIR_BYTES + y % 8 / 2 * 32 + lane * 16 + y % 2 * 8 + x % 8;
}

/* Samples from @n on are the last of the picture. */
static void repeat_last(const struct glint_jpegenc *enc, uint8_t *unit, unsigned component,
			size_t n, size_t width, size_t height)
{
	for (size_t y = 0; y < height; y++)
		for (size_t x = n; x < width; x++)
			*sample_at(enc, unit, component, x, y) =
				*sample_at(enc, unit, component, n - 1, y);
}

static void read_edge(const struct glint_jpegenc *enc, const struct lines *lines, size_t number,
		      uint8_t *unit)
{
	size_t n = MIN(enc->config.width - number * enc->double_width, enc->double_width);
	unsigned by = halves_width(enc->config.sampling) ? 2 : 1;
	struct edge edge;

	memset(&edge, 0, sizeof(edge));
	edge_copy(&edge, enc, lines, number);
	enc->read(enc, &edge.lines, 0, 1, unit);
	repeat_last(enc, unit, 0, n, enc->double_width, enc->mcu_height);
	for (unsigned c = 1; c < 3 && enc->config.sampling != GLINT_JPEGENC_SAMPLING_GREY; c++)
		repeat_last(enc, unit, c, (n + by - 1) / by, enc->double_width / by, 8);
}

/* --- The scan ---------------------------------------------------------------------------- */

bool glint_jpegenc_output_has_room(struct glint_jpegenc_output *out, size_t more)
{
	if (out->capacity - out->size >= more)
		return true;
	return out->grow && out->grow(out, MAX(out->size + more, out->capacity * 2));
}

/* A restart interval under way. */
struct scan {
	const struct glint_jpegenc *enc;
	struct coder coder;
	uint8_t bits[BITS_MAX + 64]; /* of the last call, without stuffing */
};

/* Read @n doubles of a row, from number @at on. */
static void read_doubles(const struct glint_jpegenc *enc, const struct lines *lines, size_t at,
			 size_t n, uint8_t *units)
{
	size_t left = enc->whole_doubles - MIN(enc->whole_doubles, at), whole = MIN(n, left);

	if (whole > 0)
		enc->read(enc, lines, at, whole, units);
	for (size_t i = whole; i < n; i++)
		read_edge(enc, lines, at + i, units + i * enc->double_bytes);
}

/* Appends the bytes that the coder has written since the last call. */
static int scan_append(struct scan *scan, struct glint_jpegenc_output *out)
{
	size_t n = (size_t)(scan->coder.bits.at - scan->bits);

	memset(scan->coder.bits.at, 0, 32); /* they are looked at, too */
	if (!glint_jpegenc_output_has_room(out, 2 * n + 64))
		return -ENOMEM;
	out->size = (size_t)(scan->enc->engine->stuff(out->data + out->size, scan->bits, n) -
			     out->data);
	return 0;
}

static void scan_begin(struct scan *scan, const struct glint_jpegenc *enc)
{
	scan->enc = enc;
	scan->coder = (struct coder){ .bits = { .room = 63 } };
}

static int scan_row(struct scan *scan, const struct lines *lines, struct glint_jpegenc_output *out)
{
	_Alignas(64) uint8_t units[DOUBLES_AT_ONCE * DOUBLE_BYTES_MAX];
	const struct glint_jpegenc *enc = scan->enc;

	for (size_t at = 0; at < enc->doubles; at += DOUBLES_AT_ONCE) {
		size_t n = MIN(enc->doubles - at, (size_t)DOUBLES_AT_ONCE);
		bool last = at + n == enc->doubles;
		int err;

		read_doubles(enc, lines, at, n, units);
		scan->coder.bits.at = scan->bits;
		enc->engine->code(enc, units, last ? enc->columns - 2 * at : 2 * n,
				  last && enc->half_last, &scan->coder);
		err = scan_append(scan, out);
		if (err < 0)
			return err;
	}
	return 0;
}

static int scan_end(struct scan *scan, struct glint_jpegenc_output *out)
{
	scan->coder.bits.at = scan->bits;
	bits_put_code(&scan->coder.bits, 0x7f, 7);
	bits_flush(&scan->coder.bits);
	return scan_append(scan, out);
}

int glint_jpegenc_scan_lines(const struct glint_jpegenc *enc, const struct lines *lines,
			     struct glint_jpegenc_output *out)
{
	struct scan scan;
	int err;

	scan_begin(&scan, enc);
	err = scan_row(&scan, lines, out);
	return err < 0 ? err : scan_end(&scan, out);
}

int glint_jpegenc_scan(const struct glint_jpegenc *enc, const struct glint_jpegenc_source *source,
		       uint32_t first, uint32_t count, struct glint_jpegenc_output *out)
{
	struct scan scan;
	struct lines lines;
	int err;

	scan_begin(&scan, enc);
	for (uint32_t row = first; row < first + count; row++) {
		glint_jpegenc_find_lines(enc, source, row, &lines);
		err = scan_row(&scan, &lines, out);
		if (err < 0)
			return err;
	}
	return scan_end(&scan, out);
}
