/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Baseline JPEG in integers: ITU-T T.81 with the example tables of its Annex K.
 * No state outside the encoder object, no allocation, no floating point, so that it runs in the
 * kernel. It compiles in user space too, where it is tested.
 */
#ifndef VJPEG_JPEG_H
#define VJPEG_JPEG_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
#endif

#define VJPEG_BLOCK 64	/* samples of 8x8 */

/*
 * The layout of one component: sample (x, y) is base[y * stride + x * step].
 * Reads past @width or @height repeat the last column or line.
 */
struct vjpeg_component {
	const u8 *base;
	u32 stride, step;	/* bytes */
	u32 width, height;	/* samples */
	u8 h, v;		/* sampling factors in the JPEG, 1 or 2 */
	u8 v_average;		/* source lines to average into one (4:2:2 in, 4:2:0 out) */
};

struct vjpeg_image {
	u32 width, height;	/* pixels, as the frame header says */
	unsigned int n;		/* components: 1 or 3 */
	struct vjpeg_component comp[3];
};

/* Optional parts of the header. */
enum vjpeg_header {
	VJPEG_HEADER_JFIF,	/* APP0, as most drivers write it */
	VJPEG_HEADER_BARE,	/* neither APP0 nor comment */
	VJPEG_HEADER_COMMENT,	/* a comment in front of the tables */
};

struct vjpeg_settings {
	unsigned int quality;	/* 1..100, libjpeg's scale */
	unsigned int restart;	/* MCUs between restart markers, 0: none */
	enum vjpeg_header header;
};

struct vjpeg_encoder {
	u8 quant[2][VJPEG_BLOCK];	/* zigzag order, as the DQT holds them */
	u32 divisor[2][VJPEG_BLOCK];	/* natural order, with the DCT's scale folded in */
	u16 code[4][256];		/* Huffman: DC luma, AC luma, DC chroma, AC chroma */
	u8 length[4][256];
};

/* Makes the code tables; once for the object's life. */
void vjpeg_encoder_init(struct vjpeg_encoder *enc);

/*
 * Writes one JPEG of @image to @out. Returns its length in bytes, or 0 when it
 * does not fit in @capacity.
 */
size_t vjpeg_encode(struct vjpeg_encoder *enc, const struct vjpeg_image *image,
		    const struct vjpeg_settings *settings, u8 *out, size_t capacity);
#endif
