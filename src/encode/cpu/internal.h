/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the encoder. The work has three steps, all within the L1 cache:
 *
 *   read	lines of the source become 8-bit samples of the JPEG, in the order in
 *		which the transform loads them (struct units below)
 *   transform	two blocks at a time: FDCT, quantisation, zigzag order, and a bit mask
 *		of the coefficients that are not 0
 *   code	Huffman symbols by table, one look-up each
 *
 * An engine is one file with its own read and transform; coder.h is compiled into each.
 *
 * MCUs come in twos, a "double": 32 pixels wide, or 16 for 4:4:4 and grey. A pair of
 * blocks is 128 bytes: lines 0 and 1 of the left block, the same of the right block,
 * lines 2 and 3 ..., eight bytes each. In 4:2:0 and 4:2:2 a pair is within an MCU (Y0 Y1,
 * Y2 Y3, Cb Cr), else it is the same component of two MCUs.
 */
#ifndef GLINT_JPEGENC_INTERNAL_H
#define GLINT_JPEGENC_INTERNAL_H

#include "encode/cpu/jpegenc.h"

#define PAIR_BYTES	 128
#define DOUBLE_BYTES_MAX (6 * PAIR_BYTES)
#define DOUBLES_AT_ONCE	 8

/* Huffman-coded block: DC 11 + 11 bits, 63 times 16 + 10 bits; rounded up. */
#define BLOCK_BYTES_MAX 208
#define BITS_MAX	(DOUBLES_AT_ONCE * 2 * 6 * BLOCK_BYTES_MAX)

/* The lines of an MCU row; beyond the picture's last line the pointers repeat. */
struct lines {
	const uint8_t *luma[16];
	const uint8_t *chroma[2][16]; /* SEMIPLANAR and PACKED: [0] only */
};

/* For both lanes of a vector, hence each row twice. */
struct quant {
	_Alignas(32) uint16_t half[8][16]; /* of the divisor, to round */
	_Alignas(32) uint16_t reciprocal[8][16], scale[8][16];
	int16_t reciprocal_15[8][8], shift[8][8]; /* the same in 15 bits; shift is negative */
	uint16_t divisor[64];			  /* natural order, 8 times the table's value */
};

/*
 * Symbols with their value bits, as words: code << 7 | length; bit 31: too long, or the
 * value does not fit into a byte. ac[68 * (uint8_t)value + distance to the last
 * coefficient that is not 0]; in row 0 the end of block: nothing at distances 0 and 1.
 * A stride of 68 spreads the rows over the sets of the L1 cache.
 */
#define AC_STRIDE 68
struct symbols {
	uint32_t dc[4096]; /* of a difference + 2048 */
	uint32_t ac[256 * AC_STRIDE];
	uint16_t ac_code[256]; /* of run << 4 | size */
	uint8_t ac_length[256];
};

struct bits {
	uint64_t acc;  /* from the top */
	uint64_t room; /* 63 - bits in acc, in its low six bits */
	uint8_t *at;
};

struct coder {
	struct bits bits;
	int dc[3]; /* of the last block of each component */
};

struct engine {
	/* Which of its readers suits @enc; never NULL for a configuration that is valid. */
	void (*(*reader)(const struct glint_jpegenc *enc))(const struct glint_jpegenc *enc,
							   const struct lines *lines, size_t first,
							   size_t n, uint8_t *out);
	/*
	 * Codes @n MCUs at @units. @half_last: the last MCU's right column of luma is beyond
	 * the picture. Writes at most 8 bytes beyond coder->bits.at.
	 */
	void (*code)(const struct glint_jpegenc *enc, const uint8_t *units, size_t n,
		     bool half_last, struct coder *coder);
	/*
	 * Copies @n bytes with a 0 behind each 0xff; returns where it ends. Reads and writes
	 * up to 32 bytes more.
	 */
	uint8_t *(*stuff)(uint8_t *to, const uint8_t *from, size_t n);
	/* Compares @n bytes of memory that are expected to be equal; @b is not in a cache. */
	bool (*equal)(const uint8_t *a, const uint8_t *b, size_t n);
	/* Compares @n chunks of 64 bytes, 64 at most: a bit for each that differs. */
	uint64_t (*differ)(const uint8_t *a, const uint8_t *b, size_t n);
};

struct glint_jpegenc {
	struct glint_jpegenc_config config;
	const struct engine *engine;
	void (*read)(const struct glint_jpegenc *enc, const struct lines *lines, size_t first,
		     size_t n, uint8_t *out);
	uint32_t rows, columns; /* MCUs */
	unsigned mcu_width, mcu_height;
	unsigned double_width, double_bytes;
	size_t doubles;	      /* of a row */
	size_t whole_doubles; /* that can be read without going beyond a line's end */
	bool half_last;
	bool rotate;
	int16_t weights[3][2]; /* of glint_jpegenc_rotation() */
	struct quant quant[2];
	int16_t flat_dc[2][256]; /* of a block of one value */
	uint8_t table[2][64];	 /* quantisation, zigzag order */
	struct symbols symbols[2];
};

/* Find the lines of MCU row @row. */
void glint_jpegenc_find_lines(const struct glint_jpegenc *enc,
			      const struct glint_jpegenc_source *source, uint32_t row,
			      struct lines *lines);

/* Append the restart interval of one MCU row, with its lines. -ENOMEM: @out is full. */
int glint_jpegenc_scan_lines(const struct glint_jpegenc *enc, const struct lines *lines,
			     struct glint_jpegenc_output *out);

/* Makes room for @more bytes. False: cannot. */
bool glint_jpegenc_output_has_room(struct glint_jpegenc_output *out, size_t more);

extern const uint8_t glint_jpegenc_natural[64]; /* from zigzag order */
extern const struct engine glint_jpegenc_scalar;
extern const struct engine glint_jpegenc_avx2;
extern const struct engine glint_jpegenc_neon;
#endif
