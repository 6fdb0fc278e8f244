/* SPDX-License-Identifier: MIT */
/*
 * The encoder in encode/cpu/ against libjpeg-turbo behind our rows: the same bytes for any layout,
 * size, padding, quality and pixels, whatever is kept of the frame before. Planes end with the last
 * byte of the last line, so a read beyond them is an error of AddressSanitizer.
 *
 * An input is the bytes of struct description, then a byte that says how many bytes of pixels
 * follow; the pixels are these bytes, again and again, or noise that they seed. Then come changes
 * of 5 bytes each: what is done, how many bytes change, where (2 bytes), and the value.
 */
#include <assert.h>

#include "encode/bytes.h"
#include "encode/jpegenc_format.h"
#include "encode/rows.h"
#include "encode/turbo.h"
#include "fuzz.h"

#if IS_ENABLED(CONFIG_ENCODE_CPU)

#define FRAMES_MAX 5

struct description {
	uint8_t format, width, height, padding, quality, colour, kept, slice;
};

struct input {
	const uint8_t *data;
	size_t size;
};

struct subject {
	struct glint_format format;
	struct glint_dmabuf buf;
	struct glint_view view;
	struct glint_rows rows;
	struct glint_turbo *turbo;
	struct glint_jpegenc *enc;
	struct glint_jpegenc_source source;
	struct glint_jpegenc_reuse *reuse;
	struct glint_jpegenc_output *before; /* of the slice that begins with a row */
	uint32_t n_rows, slice;
};

/* 0 behind the end. */
static uint8_t take(struct input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

/* One that the encoder covers, or NULL. */
static const struct glint_format_info *format_at(unsigned number, struct glint_format *format,
						 enum glint_sampling *sampling, bool keep_sampling)
{
	struct glint_jpegenc_config config;
	unsigned n = 0;

	while (glint_format_at(n))
		n++;
	assert(n > 0);
	format->info = glint_format_at(number % n);
	*sampling = glint_rows_sampling(format->info, keep_sampling);
	return glint_jpegenc_describe(&config, format, *sampling, false, false) ? format->info :
										  NULL;
}

static void planes_create(struct subject *s, uint32_t padding)
{
	struct glint_format *format = &s->format;
	const struct glint_format_info *info = format->info;

	format->fourcc = info->fourcc;
	format->n_planes = s->buf.n_planes = info->mem_planes;
	format->stride[0] = (format->width + 1) / 2 * 2 * info->bytes_per_pixel + padding * 2;
	for (unsigned p = 1; p < format->n_planes; p++)
		format->stride[p] = format->stride[0] * (info->h_sub == 1 ? 2 : 1);
	for (unsigned p = 0; p < format->n_planes; p++) {
		size_t size = glint_format_min_size(format, p);

		format->size[p] = (uint32_t)size;
		s->buf.planes[p].fd = -1;
		s->buf.planes[p].size = size;
		s->buf.planes[p].map = malloc(size);
		assert(s->buf.planes[p].map);
	}
}

static bool subject_init(struct subject *s, const struct description *d)
{
	bool swap = d->colour & 1, keep_range = d->colour & 2;
	struct glint_jpegenc_config config;
	enum glint_sampling sampling;
	size_t most;

	*s = (struct subject){ .format = { .width = 1u + d->width % 70,
					   .height = 1u + d->height % 50,
					   .range = (enum glint_range)(d->colour >> 2 & 1),
					   .matrix = (enum glint_matrix)((d->colour >> 4) % 3) } };
	if (!format_at(d->format, &s->format, &sampling, d->colour & 8))
		return false;
	planes_create(s, d->padding % 40);
	assert(glint_format_view(&s->format, &s->buf, &s->view) == 0);
	assert(glint_jpegenc_describe(&config, &s->format, sampling, swap, keep_range));
	config.quality = 1u + d->quality % 100;
	config.engine = d->kept & 4 ? GLINT_JPEGENC_SCALAR : GLINT_JPEGENC_AUTO;
	assert(glint_jpegenc_create(&s->enc, &config) == 0);
	s->source = glint_jpegenc_source_of(&s->view);
	s->n_rows = glint_jpegenc_rows(s->enc);
	s->before = calloc(s->n_rows, sizeof(s->before[0]));
	assert(s->before);
	s->slice = 1u + d->slice % s->n_rows;
	most = d->kept % 4 == 1 ? SIZE_MAX : 4 * 4096;
	if (d->kept % 4 > 0)
		assert(glint_jpegenc_reuse_create(&s->reuse, s->enc, most, 1) == 0);
	assert(glint_rows_init(&s->rows, &s->format, sampling, swap, keep_range) == 0);
	assert(glint_turbo_create(&s->turbo) == 0);
	assert(glint_turbo_configure(s->turbo, config.quality, sampling) == 0);
	return true;
}

static void subject_fini(struct subject *s)
{
	glint_turbo_destroy(s->turbo);
	glint_rows_fini(&s->rows);
	for (uint32_t row = 0; row < s->n_rows; row++)
		free(s->before[row].data);
	free(s->before);
	glint_jpegenc_reuse_destroy(s->reuse);
	glint_jpegenc_destroy(s->enc);
	for (unsigned p = 0; p < s->format.n_planes; p++)
		free(s->buf.planes[p].map);
}

static void draw(struct subject *s, struct input *in)
{
	uint8_t kind = take(in);
	size_t n = MIN((size_t)(kind & 127) + 1, in->size);
	const uint8_t *bytes = in->data;
	uint32_t noise = kind;

	in->data += n;
	in->size -= n;
	for (size_t i = 0; i < n; i++)
		noise = noise * 31 + bytes[i];
	for (unsigned p = 0; p < s->format.n_planes; p++)
		for (size_t i = 0; i < s->buf.planes[p].size; i++) {
			noise = noise * 1664525u + 1013904223u;
			s->buf.planes[p].map[i] = kind & 128 || n == 0 ? (uint8_t)(noise >> 24) :
									 bytes[i % n];
		}
}

/* False: the input is at its end. */
static bool change(struct subject *s, struct input *in)
{
	unsigned what = take(in), count = take(in), where = take(in) << 8;
	unsigned plane = what / 4 % s->format.n_planes;
	uint8_t *pixels = s->buf.planes[plane].map;
	size_t size = s->buf.planes[plane].size, at;
	uint8_t value;

	if (in->size < 2)
		return false;
	where |= take(in);
	value = take(in);
	at = where * 7u % size;
	for (size_t i = at; i < MIN(at + count, size); i++)
		if (what & 1)
			pixels[i] ^= value;
		else
			pixels[i] = (uint8_t)(value + (what & 2 ? i : 0));
	return true;
}

static bool output_grow(struct glint_jpegenc_output *out, size_t capacity)
{
	uint8_t *data = realloc(out->data, capacity);

	if (!data)
		return false;
	out->data = data;
	out->capacity = capacity;
	return true;
}

/* Compares @count MCU rows with libjpeg-turbo's; @step of them are an interval. */
static void compare(struct subject *s, uint32_t first, uint32_t count, uint32_t step,
		    const struct glint_jpegenc_output *out)
{
	struct glint_bytes expected = { 0 };
	size_t at = 0;

	for (uint32_t row = first; row < first + count; row += step) {
		size_t size;

		assert(glint_turbo_slice(s->turbo, &s->rows, &s->view, row, step, &expected) == 0);
		size = expected.size - expected.begin - 2; /* without EOI */
		assert(out->size - at >= size);
		assert(memcmp(out->data + at, expected.data + expected.begin, size) == 0);
		at += size;
		if (row + step == first + count)
			break;
		assert(out->size - at >= 2 && out->data[at] == 0xff);
		assert(out->data[at + 1] == 0xd0 + row % 8);
		at += 2;
	}
	assert(at == out->size);
	glint_bytes_fini(&expected);
}

static void compare_interval(struct subject *s, uint32_t first, uint32_t count)
{
	struct glint_jpegenc_output out = { .grow = output_grow };

	assert(glint_jpegenc_scan(s->enc, &s->source, first, count, &out) == 0);
	compare(s, first, count, count, &out);
	free(out.data);
}

static void compare_rows(struct subject *s, uint32_t first, uint32_t count)
{
	struct glint_jpegenc_output out = { .grow = output_grow }, *before = &s->before[first];
	uint32_t reused;

	assert(glint_jpegenc_scan_rows(s->enc, s->reuse, &s->source, first, count, before->data,
				       &out, &reused) == 0);
	assert(reused <= count && (s->reuse || reused == 0));
	assert((out.size == 0) == (reused == count));
	if (reused < count) {
		free(before->data);
		*before = out;
	} else {
		free(out.data);
	}
	compare(s, first, count, 1, before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct description d;
	struct subject s;

	if (size < sizeof(d))
		return 0;
	memcpy(&d, data, sizeof(d));
	in.data += sizeof(d);
	in.size -= sizeof(d);
	if (!subject_init(&s, &d))
		return 0;
	draw(&s, &in);
	for (unsigned frame = 0; frame < FRAMES_MAX; frame++) {
		for (uint32_t row = 0; row < s.n_rows; row += s.slice) {
			uint32_t count = MIN(s.slice, s.n_rows - row);

			compare_rows(&s, row, count);
			if (frame == 0)
				compare_interval(&s, row, count);
		}
		if (!change(&s, &in))
			break;
	}
	subject_fini(&s);
	return 0;
}

#else
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)data;
	(void)size;
	return 0;
}
#endif
