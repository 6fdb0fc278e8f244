/* SPDX-License-Identifier: MIT */
/*
 * The fastest engine of this processor against the scalar one, on random pictures: for
 * processors that are only emulated, where no other library is at hand.
 *
 *	compare [CASES [SEED]]		exit status 1 and a line for each case that differs
 *
 * tests/unit/test_jpegenc.c holds the scalar engine to libjpeg-turbo's bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jpegenc.h"

static uint32_t state;

static unsigned below(unsigned limit)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % limit;
}

struct source_kind {
	enum glint_jpegenc_layout layout;
	uint8_t order[4], pixel_bytes, h_sub, v_sub;
	enum glint_jpegenc_sampling samplings[2];
};

static const struct source_kind kinds[] = {
	{ GLINT_JPEGENC_PACKED, { 0, 1, 2, 3 }, 2, 2, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_422 } },
	{ GLINT_JPEGENC_PACKED, { 1, 0, 3, 2 }, 2, 2, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_422 } },
	{ GLINT_JPEGENC_PACKED, { 0, 3, 2, 1 }, 2, 2, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_422 } },
	{ GLINT_JPEGENC_PACKED, { 1, 2, 3, 0 }, 2, 2, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_422 } },
	{ GLINT_JPEGENC_SEMIPLANAR, { 0, 1, 2 }, 1, 2, 2, { GLINT_JPEGENC_420, GLINT_JPEGENC_420 } },
	{ GLINT_JPEGENC_SEMIPLANAR, { 0, 2, 1 }, 1, 2, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_422 } },
	{ GLINT_JPEGENC_SEMIPLANAR, { 0, 2, 1 }, 1, 1, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_444 } },
	{ GLINT_JPEGENC_PLANAR, { 0, 1, 2 }, 1, 2, 2, { GLINT_JPEGENC_420, GLINT_JPEGENC_420 } },
	{ GLINT_JPEGENC_PLANAR, { 0, 1, 2 }, 1, 2, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_422 } },
	{ GLINT_JPEGENC_PLANAR, { 0, 1, 2 }, 1, 1, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_444 } },
	{ GLINT_JPEGENC_GREY,
	  { 0 },
	  1,
	  1,
	  1,
	  { GLINT_JPEGENC_SAMPLING_GREY, GLINT_JPEGENC_SAMPLING_GREY } },
	{ GLINT_JPEGENC_RGB, { 0, 1, 2 }, 3, 1, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_444 } },
	{ GLINT_JPEGENC_RGB, { 2, 1, 0 }, 3, 1, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_444 } },
	{ GLINT_JPEGENC_RGB, { 1, 2, 3 }, 4, 1, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_444 } },
	{ GLINT_JPEGENC_RGB, { 2, 1, 0 }, 4, 1, 1, { GLINT_JPEGENC_420, GLINT_JPEGENC_444 } },
};

static uint8_t byte_of(unsigned picture, size_t x, size_t y, const unsigned p[4])
{
	switch (picture) {
	case 0:
		return (uint8_t)below(256);
	case 1:
		return below(2) ? 255 : 0;
	case 2:
		return (x / (1 + p[0] % 9) + y / (1 + p[1] % 9)) % 2 ? (uint8_t)p[2] :
								       (uint8_t)p[3];
	case 3:
		return (uint8_t)p[x % 4];
	case 4:
		return below(60) ? (uint8_t)p[0] : (uint8_t)below(256);
	case 5:
		return (x * (1 + p[0] % 8) / 8 + y * (p[1] % 8) / 8) % 2 ? 255 : 0;
	default:
		return (uint8_t)(x / 4 + y / 2 + below(12));
	}
}

static bool grow(struct glint_jpegenc_output *out, size_t capacity)
{
	uint8_t *data = realloc(out->data, capacity);

	if (!data)
		return false;
	out->data = data;
	out->capacity = capacity;
	return true;
}

static struct glint_jpegenc_output encode(struct glint_jpegenc_config config,
					  enum glint_jpegenc_engine engine,
					  const struct glint_jpegenc_source *source)
{
	struct glint_jpegenc_output out = { .grow = grow };
	struct glint_jpegenc *enc;

	config.engine = engine;
	if (glint_jpegenc_create(&enc, &config) < 0 ||
	    glint_jpegenc_scan(enc, source, 0, glint_jpegenc_rows(enc), &out) < 0)
		exit(2);
	glint_jpegenc_destroy(enc);
	return out;
}

static struct glint_jpegenc_output scan_rows(const struct glint_jpegenc *enc,
					     struct glint_jpegenc_reuse *reuse,
					     const struct glint_jpegenc_source *source,
					     const uint8_t *before, uint32_t *reused)
{
	struct glint_jpegenc_output out = { .grow = grow };

	if (glint_jpegenc_scan_rows(enc, reuse, source, 0, glint_jpegenc_rows(enc), before, &out,
				    reused) < 0)
		exit(2);
	return out;
}

/* The same picture, and one of which a byte has changed: only its row is encoded again. */
static bool reuse_is_exact(struct glint_jpegenc_config config, uint8_t *luma, size_t at,
			   const struct glint_jpegenc_source *source)
{
	struct glint_jpegenc_output first, again, changed, expected;
	struct glint_jpegenc_reuse *reuse;
	uint32_t reused, rows, none;
	struct glint_jpegenc *enc;
	bool exact;

	if (glint_jpegenc_create(&enc, &config) < 0 ||
	    glint_jpegenc_reuse_create(&reuse, enc, SIZE_MAX, 1) < 0)
		exit(2);
	rows = glint_jpegenc_rows(enc);
	first = scan_rows(enc, reuse, source, NULL, &reused);
	again = scan_rows(enc, reuse, source, first.data, &reused);
	exact = reused == rows && again.size == 0;
	luma[at] ^= 1;
	changed = scan_rows(enc, reuse, source, first.data, &reused);
	expected = scan_rows(enc, NULL, source, NULL, &none);
	exact = exact && reused == rows - 1 && changed.size == expected.size &&
		memcmp(changed.data, expected.data, expected.size) == 0;
	free(first.data);
	free(again.data);
	free(changed.data);
	free(expected.data);
	glint_jpegenc_reuse_destroy(reuse);
	glint_jpegenc_destroy(enc);
	return exact;
}

/* Each plane is of exactly as many bytes as it must be. */
static bool case_is_equal(unsigned number)
{
	const struct source_kind *kind = &kinds[number % (sizeof(kinds) / sizeof(kinds[0]))];
	struct glint_jpegenc_config config = {
		.width = 1 + below(150),
		.height = 1 + below(70),
		.layout = kind->layout,
		.pixel_bytes = kind->pixel_bytes,
		.h_sub = kind->h_sub,
		.v_sub = kind->v_sub,
		.sampling = kind->samplings[below(2)],
		.quality = 1 + below(100),
		.limited = below(2),
		.matrix = (enum glint_jpegenc_matrix)below(3),
	};
	unsigned picture = below(7), p[4] = { below(256), below(256), below(256), below(256) };
	struct glint_jpegenc_source source = { 0 };
	struct glint_jpegenc_output fast, scalar;
	uint8_t *planes[3] = { 0 };
	bool equal;

	memcpy(config.order, kind->order, sizeof(config.order));
	for (unsigned i = 0; i < 3; i++) {
		size_t width = (config.width + (i ? kind->h_sub : 1) - 1) / (i ? kind->h_sub : 1);
		size_t lines = (config.height + (i ? kind->v_sub : 1) - 1) / (i ? kind->v_sub : 1);
		size_t bytes = kind->layout == GLINT_JPEGENC_PACKED	? (width + 1) / 2 * 4 :
			       kind->layout == GLINT_JPEGENC_SEMIPLANAR ? width * (i ? 2 : 1) :
									  width * kind->pixel_bytes;

		source.stride[i] = bytes + below(9);
		planes[i] = malloc((lines - 1) * source.stride[i] + bytes);
		for (size_t at = 0; at < (lines - 1) * source.stride[i] + bytes; at++)
			planes[i][at] =
				byte_of(picture, at % source.stride[i], at / source.stride[i], p);
		source.plane[i] = planes[i];
	}
	fast = encode(config, GLINT_JPEGENC_AUTO, &source);
	scalar = encode(config, GLINT_JPEGENC_SCALAR, &source);
	equal = fast.size == scalar.size && memcmp(fast.data, scalar.data, fast.size) == 0;
	/* A byte of the first line is one of a pixel. */
	equal = equal && reuse_is_exact(config, planes[0], below(config.width), &source);
	if (!equal)
		printf("case %u differs: layout %u, %ux%u, sampling %u, quality %u, picture %u\n",
		       number, config.layout, config.width, config.height, config.sampling,
		       config.quality, picture);
	for (unsigned i = 0; i < 3; i++)
		free(planes[i]);
	free(fast.data);
	free(scalar.data);
	return equal;
}

int main(int argc, char **argv)
{
	unsigned cases = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 6000, different = 0;

	state = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1;
	for (unsigned i = 0; i < cases; i++)
		different += !case_is_equal(i);
	printf("%s: %u of %u cases differ from scalar\n",
	       glint_jpegenc_engine_name(GLINT_JPEGENC_AUTO), different, cases);
	return different > 0 || glint_jpegenc_best() == GLINT_JPEGENC_SCALAR;
}
