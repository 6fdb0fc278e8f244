/* SPDX-License-Identifier: MIT */
/*
 * Where libjpeg keeps what it needs for one picture. By itself it allocates that
 * anew for each; with this it is one block for all of them, as large as the largest
 * picture so far wanted it. Belongs to one codec and its thread.
 */
#ifndef GLINT_ENCODE_TURBO_MEMORY_H
#define GLINT_ENCODE_TURBO_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct jpeg_common_struct;

struct glint_turbo_memory {
	void *(*alloc_small)(struct jpeg_common_struct *codec, int pool,
			     size_t size); /* libjpeg's */
	void *(*alloc_large)(struct jpeg_common_struct *codec, int pool, size_t size);
	void (*free_pool)(struct jpeg_common_struct *codec, int pool);
	uint8_t *block;		/* owned */
	size_t size, used;
	size_t wanted;		/* by the present picture, whether there was room or not */
};

/* Puts itself before the memory manager of @codec, whose client_data it takes. */
void glint_turbo_memory_attach(struct glint_turbo_memory *memory, struct jpeg_common_struct *codec);

/* The codec is destroyed already, or was never made. */
void glint_turbo_memory_fini(struct glint_turbo_memory *memory);
#endif
