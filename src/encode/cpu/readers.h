/* SPDX-License-Identifier: MIT */
/*
 * Which readers a vector engine has. Each is read_wide() or read_narrow() of that engine, all
 * inlined, for one layout, variant, sampling and colour, which are constants then.
 */
#ifndef GLINT_JPEGENC_READERS_H
#define GLINT_JPEGENC_READERS_H

#include "encode/cpu/coder.h"
#include "encode/cpu/internal.h"

/* -O2 leaves loops over arrays of vectors as they are, and the arrays in memory. */
#ifdef GLINT_JPEGENC_SMALL
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

enum colour {
	AS_IT_IS,
	EXPAND,
	ROTATE, /* and expand, if enc says so */
};

struct kind {
	enum glint_jpegenc_layout layout;
	unsigned variant; /* PACKED: luma's byte is odd. RGB: bytes of a pixel. Else h_sub, v_sub */
	enum glint_jpegenc_sampling sampling;
	enum colour colour;
};

#define H1V1 11
#define H2V2 22

/* Of plane 0. */
static always_inline size_t pixel_bytes(struct kind kind)
{
	return kind.layout == GLINT_JPEGENC_PACKED ? 2 :
	       kind.layout == GLINT_JPEGENC_RGB	   ? kind.variant :
						     1;
}

/* Bytes of a chroma plane that @n pixels have. */
static always_inline size_t chroma_bytes(struct kind kind, size_t n)
{
	n = kind.variant == H1V1 ? n : n / 2;
	return kind.layout == GLINT_JPEGENC_SEMIPLANAR ? 2 * n : n;
}

/* Cr stands before Cb in the pixels, or in the planes. */
static always_inline bool cr_is_first(const struct glint_jpegenc *enc, struct kind kind)
{
	const uint8_t *order = enc->config.order;

	return order[1] > order[kind.layout == GLINT_JPEGENC_PACKED ? 3 : 2];
}

typedef void reader_fn(const struct glint_jpegenc *enc, const struct lines *lines, size_t first,
		       size_t n, uint8_t *out);

struct reader {
	struct kind kind;
	reader_fn *read;
};

#define COLOURS(X, L, V, S) X(L, V, S, AS_IT_IS) X(L, V, S, EXPAND) X(L, V, S, ROTATE)
#define READERS(X)                                                                                 \
	COLOURS(X, PACKED, 0, 420)                                                                 \
	COLOURS(X, PACKED, 1, 420)                                                                 \
	COLOURS(X, PACKED, 0, 422)                                                                 \
	COLOURS(X, PACKED, 1, 422)                                                                 \
	COLOURS(X, SEMIPLANAR, 22, 420)                                                            \
	COLOURS(X, SEMIPLANAR, 21, 420)                                                            \
	COLOURS(X, SEMIPLANAR, 11, 420)                                                            \
	COLOURS(X, SEMIPLANAR, 21, 422)                                                            \
	COLOURS(X, SEMIPLANAR, 11, 444)                                                            \
	COLOURS(X, PLANAR, 22, 420)                                                                \
	COLOURS(X, PLANAR, 21, 420)                                                                \
	COLOURS(X, PLANAR, 11, 420)                                                                \
	COLOURS(X, PLANAR, 21, 422)                                                                \
	COLOURS(X, PLANAR, 11, 444)                                                                \
	X(GREY, 0, SAMPLING_GREY, AS_IT_IS)                                                        \
	X(GREY, 0, SAMPLING_GREY, EXPAND)                                                          \
	X(RGB, 3, 420, AS_IT_IS)                                                                   \
	X(RGB, 4, 420, AS_IT_IS)                                                                   \
	X(RGB, 3, 444, AS_IT_IS)                                                                   \
	X(RGB, 4, 444, AS_IT_IS)

#define READER(L, V, S, C)                                                                         \
	static void read_##L##_##V##_##S##_##C(const struct glint_jpegenc *enc,                    \
					       const struct lines *lines, size_t first, size_t n,  \
					       uint8_t *out)                                       \
	{                                                                                          \
		const struct kind kind = { GLINT_JPEGENC_##L, V, GLINT_JPEGENC_##S, C };           \
                                                                                                   \
		if (kind.sampling == GLINT_JPEGENC_420 || kind.sampling == GLINT_JPEGENC_422)      \
			read_wide(enc, kind, lines, first, n, out);                                \
		else                                                                               \
			read_narrow(enc, kind, lines, first, n, out);                              \
	}
/* clang-format off */
#define ROW(L, V, S, C) \
	{ { GLINT_JPEGENC_##L, V, GLINT_JPEGENC_##S, C }, read_##L##_##V##_##S##_##C },
/* clang-format on */

static inline reader_fn *reader_find(const struct glint_jpegenc *enc, const struct reader *readers,
				     size_t n)
{
	const struct glint_jpegenc_config *config = &enc->config;
	struct kind kind = {
		.layout = config->layout,
		.variant =
			config->layout == GLINT_JPEGENC_PACKED ? config->order[0] :
			config->layout == GLINT_JPEGENC_RGB    ? config->pixel_bytes :
			config->layout == GLINT_JPEGENC_GREY   ? 0 :
								 config->h_sub * 10u + config->v_sub,
		.sampling = config->sampling,
		.colour = config->limited ? EXPAND : AS_IT_IS,
	};

	if (enc->rotate && config->layout != GLINT_JPEGENC_GREY)
		kind.colour = ROTATE;
	for (size_t i = 0; i < n; i++)
		if (readers[i].kind.layout == kind.layout &&
		    readers[i].kind.variant == kind.variant &&
		    readers[i].kind.sampling == kind.sampling &&
		    readers[i].kind.colour == kind.colour)
			return readers[i].read;
	return NULL;
}
#endif
