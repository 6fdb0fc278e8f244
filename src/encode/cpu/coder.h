/* SPDX-License-Identifier: MIT */
/*
 * The entropy coder, which is compiled into each engine with that engine's instructions.
 * Bits are collected at the top of a 64-bit word and stored eight bytes at once, whatever
 * their number; the next store goes behind the whole bytes among them. Stuffing comes
 * later, for many bytes at once.
 *
 * At most 7 bits are left after a flush and 62 may be there before one: a DC symbol and
 * an end of block twice, or two AC symbols of 24 bits.
 */
#ifndef GLINT_JPEGENC_CODER_H
#define GLINT_JPEGENC_CODER_H

#include <string.h>

#include "encode/cpu/internal.h"

#ifdef GLINT_JPEGENC_SMALL
#define always_inline inline
#else
#define always_inline inline __attribute__((always_inline))
#endif
#define SYMBOL_IS_LONG 0x80000000u

/* A block between transform and coder. */
struct block {
	uint64_t mask; /* bit k: the coefficient k in zigzag order is not 0; without DC */
	int dc;
	const uint16_t *index; /* [k]: where in symbols->ac, plus k; [64] = 64 */
	const int16_t *coefs;  /* natural order, but each row is 16 apart */
};

static always_inline void bits_put(struct bits *b, uint32_t symbol)
{
	b->room -= symbol;
	b->acc |= (uint64_t)(symbol >> 6) << (b->room & 63);
}

static always_inline void bits_flush(struct bits *b)
{
	uint64_t whole = ~b->room & 56, word = b->acc;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	memcpy(b->at, &word, 8);
	b->acc <<= whole;
	b->at += whole >> 3;
	b->room |= 56;
}

/* @code of @length bits, at most 26. */
static always_inline void bits_put_code(struct bits *b, uint64_t code, unsigned length)
{
	b->room -= length;
	b->acc |= code << 1 << (b->room & 63);
}

/* Bits that the magnitude of @value takes, 0 for 0; and these bits as a symbol has them. */
static inline unsigned value_size(int value)
{
	return value ? 32 - (unsigned)__builtin_clz((unsigned)(value < 0 ? -value : value)) : 0;
}

static inline uint32_t value_bits(int value, unsigned size)
{
	return (unsigned)(value < 0 ? value - 1 : value) & ((1u << size) - 1);
}

/* A symbol without a table: any length, any value. Leaves the bits flushed. */
__attribute__((noinline, unused)) static struct bits bits_put_long(struct bits b,
								   const struct symbols *symbols,
								   int value, unsigned run)
{
	unsigned size = value_size(value);

	for (; run > 15; run -= 16) {
		bits_put_code(&b, symbols->ac_code[0xf0], symbols->ac_length[0xf0]);
		bits_flush(&b);
	}
	bits_put_code(&b,
		      (uint64_t)symbols->ac_code[run << 4 | size] << size | value_bits(value, size),
		      symbols->ac_length[run << 4 | size] + size);
	bits_flush(&b);
	return b;
}

static always_inline int block_coef(const struct block *block, unsigned k)
{
	unsigned natural = glint_jpegenc_natural[k];

	return block->coefs[natural / 8 * 16 + natural % 8];
}

/* @symbol of the coefficient @k; leaves the bits flushed. */
static always_inline void bits_put_any(struct bits *b, const struct symbols *symbols,
				       const struct block *block, uint32_t symbol, unsigned k,
				       unsigned before)
{
	if (symbol & SYMBOL_IS_LONG) {
		*b = bits_put_long(*b, symbols, block_coef(block, k), k - before - 1);
	} else {
		bits_put(b, symbol);
		bits_flush(b);
	}
}

/* 64 without a bit, as both processors' instructions have it and C's builtin has not. */
static always_inline uint64_t first_bit(uint64_t mask)
{
#ifdef __BMI__
	return __builtin_ia32_tzcnt_u64(mask);
#elif defined(__aarch64__)
	__asm__("rbit %0, %0\n\tclz %0, %0" : "+r"(mask));
	return mask;
#else
	return mask ? (uint64_t)__builtin_ctzll(mask) : 64;
#endif
}

/*
 * Two symbols a turn. With an odd number the last turn's second one is at 64, where
 * the index is that of an end of block.
 */
static always_inline void bits_put_ac(struct bits *b, const struct symbols *symbols,
				      const struct block *block)
{
	const uint32_t *ac = symbols->ac;
	uint64_t mask = block->mask, before = 0;

	do {
		uint64_t k = first_bit(mask), next;
		uint32_t one, two;

		mask &= mask - 1;
		next = first_bit(mask);
		mask &= mask - 1;
		one = ac[block->index[k] - before];
		two = ac[block->index[next] - k];
		if (__builtin_expect((one | two) & SYMBOL_IS_LONG, 0)) {
			bits_put_any(b, symbols, block, one, (unsigned)k, (unsigned)before);
			bits_put_any(b, symbols, block, two, (unsigned)next, (unsigned)k);
		} else {
			bits_put(b, one);
			bits_put(b, two);
			bits_flush(b);
		}
		before = next;
	} while (mask);
	bits_put(b, ac[64 - before]);
}

static always_inline void bits_put_block(struct bits *b, const struct symbols *symbols,
					 const struct block *block, int *dc)
{
	bits_put(b, symbols->dc[block->dc - *dc + 2048]);
	*dc = block->dc;
	if (block->mask) {
		bits_flush(b);
		bits_put_ac(b, symbols, block);
	} else {
		bits_put(b, symbols->ac[64]);
	}
	bits_flush(b);
}

/* Two blocks that have nothing but a DC coefficient; without @second a block like the first. */
static always_inline void bits_put_flat(struct bits *b, const struct symbols *symbols, int first,
					int second, int *dc_first, int *dc_second)
{
	bits_put(b, symbols->dc[first - *dc_first + 2048]);
	bits_put(b, symbols->ac[64]);
	*dc_first = first;
	bits_put(b, symbols->dc[second - *dc_second + 2048]);
	bits_put(b, symbols->ac[64]);
	*dc_second = second;
	bits_flush(b);
}
#endif
