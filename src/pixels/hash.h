/* SPDX-License-Identifier: MIT */
/* Checksums of RGB24 pixels without padding. Pure. */
#ifndef GLINT_PIXELS_HASH_H
#define GLINT_PIXELS_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3 of 128 bits, seed 0: high half, low half. */
void glint_hash_exact(const uint8_t *bytes, size_t size, uint64_t out[2]);

/*
 * The same of bytes that come in parts: begin, add, end; then begin again. NULL: no memory.
 */
struct glint_hash;
struct glint_hash *glint_hash_create(void);
void glint_hash_destroy(struct glint_hash *hash); /* NULL is fine */
void glint_hash_begin(struct glint_hash *hash);
void glint_hash_add(struct glint_hash *hash, const uint8_t *bytes, size_t size);
void glint_hash_end(const struct glint_hash *hash, uint64_t out[2]);

/*
 * The average hash of 8 x 8 that Python's imagehash.average_hash() computes of the same RGB
 * picture through PIL: grey, reduced with a Lanczos window, one bit for each value above the mean.
 * The upper left value is the highest bit. -ENOMEM.
 */
int glint_hash_average(const uint8_t *rgb, uint32_t width, uint32_t height, uint64_t *hash);
#endif
