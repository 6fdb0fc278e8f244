/* SPDX-License-Identifier: MIT */
#include "encode/turbo_memory.h"

#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "base/cleanup.h"

#define ALIGNMENT 64u	/* a cache line, and more than the widest vector that libjpeg loads */

static struct glint_turbo_memory *memory_of(j_common_ptr codec)
{
	return codec->client_data;
}

/* NULL: it is not of a picture, or there is no room. */
static void *take(struct glint_turbo_memory *memory, int pool, size_t size)
{
	size_t whole = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	void *at;

	if (pool != JPOOL_IMAGE || whole < size)
		return NULL;
	memory->wanted += whole;
	if (whole > memory->size - memory->used)
		return NULL;
	at = memory->block + memory->used;
	memory->used += whole;
	return at;
}

static void *alloc_small(j_common_ptr codec, int pool, size_t size)
{
	void *at = take(memory_of(codec), pool, size);

	return at ? at : memory_of(codec)->alloc_small(codec, pool, size);
}

static void *alloc_large(j_common_ptr codec, int pool, size_t size)
{
	void *at = take(memory_of(codec), pool, size);

	return at ? at : memory_of(codec)->alloc_large(codec, pool, size);
}

/* Without memory for it, the next picture goes libjpeg's own way, too. */
static void grow(struct glint_turbo_memory *memory)
{
	uint8_t *block = aligned_alloc(ALIGNMENT, memory->wanted);

	if (!block)
		return;
	free(memory->block);
	memory->block = block;
	memory->size = memory->wanted;
}

/* The picture is done, or given up: the time to make room for another of its kind. */
static void free_pool(j_common_ptr codec, int pool)
{
	struct glint_turbo_memory *memory = memory_of(codec);

	memory->free_pool(codec, pool);
	if (pool != JPOOL_IMAGE)
		return;
	if (memory->wanted > memory->size)
		grow(memory);
	memory->used = memory->wanted = 0;
}

void glint_turbo_memory_attach(struct glint_turbo_memory *memory, struct jpeg_common_struct *codec)
{
	struct jpeg_memory_mgr *manager = codec->mem;

	*memory = (struct glint_turbo_memory){
		.alloc_small = manager->alloc_small,
		.alloc_large = manager->alloc_large,
		.free_pool = manager->free_pool,
	};
	codec->client_data = memory;
	manager->alloc_small = alloc_small;
	manager->alloc_large = alloc_large;
	manager->free_pool = free_pool;
}

void glint_turbo_memory_fini(struct glint_turbo_memory *memory)
{
	free(memory->block);
	*memory = (struct glint_turbo_memory){ 0 };
}
