/* SPDX-License-Identifier: MIT */
#include "encode/pictures.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "encode/backend.h"

static void picture_release(struct glint_frame *frame)
{
	struct glint_pool_picture *picture =
		container_of(glint_picture_of(frame), struct glint_pool_picture, picture);

	glint_pictures_count(picture);	/* it may have grown and failed then */
	picture->pool->held--;
	/* To the front: the one used last is the warmest in the caches. */
	glint_list_append(picture->pool->free.next, &picture->link);
}

static const struct glint_frame_ops picture_ops = { .release = picture_release };

void glint_pictures_init(struct glint_pictures *pool, struct glint_encoder *encoder, unsigned most)
{
	*pool = (struct glint_pictures){ .encoder = encoder, .most = most };
	glint_list_init(&pool->free);
}

/* @picture is free. */
static void pictures_destroy(struct glint_pictures *pool, struct glint_pool_picture *picture)
{
	glint_list_remove(&picture->link);
	pool->made--;
	pool->bytes -= picture->counted;
	for (unsigned i = 0; i < GLINT_SLICES_MAX; i++)
		glint_bytes_fini(&picture->slices[i]);
	free(picture);
}

void glint_pictures_fini(struct glint_pictures *pool)
{
	struct glint_pool_picture *picture;

	assert(pool->held == 0);
	while ((picture = glint_list_first(&pool->free, struct glint_pool_picture, link)))
		pictures_destroy(pool, picture);
}

static struct glint_pool_picture *pictures_make(struct glint_pictures *pool)
{
	struct glint_pool_picture *picture;

	if (pool->made == pool->most)
		return NULL;
	picture = calloc(1, sizeof(*picture));
	if (!picture)
		return NULL;
	picture->pool = pool;
	picture->picture.frame.ops = &picture_ops;
	glint_list_init(&picture->link);
	pool->made++;
	glint_encoder_trim_later(pool->encoder);
	return picture;
}

struct glint_pool_picture *glint_pictures_take(struct glint_pictures *pool)
{
	struct glint_pool_picture *picture =
		glint_list_first(&pool->free, struct glint_pool_picture, link);

	if (picture)
		glint_list_remove(&picture->link);
	else
		picture = pictures_make(pool);
	if (!picture)
		return NULL;
	pool->held++;
	pool->spare = MIN(pool->spare, pool->made - pool->held);
	glint_frame_begin(&picture->picture.frame, 0, 0);
	picture->picture.n_parts = 0;
	picture->picture.size = 0;
	return picture;
}

void glint_pictures_count(struct glint_pool_picture *picture)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < GLINT_SLICES_MAX; i++)
		bytes += picture->slices[i].capacity;
	picture->pool->bytes += bytes - picture->counted;
	picture->counted = bytes;
}

enum glint_pictures_rest glint_pictures_trim(struct glint_pictures *pool)
{
	if (pool->spare > 0) {
		/* From the end: the one that has not been used for the longest time. */
		pictures_destroy(pool, glint_list_entry(pool->free.prev, struct glint_pool_picture,
							link));
		pool->spare--;
	}
	if (pool->spare > 0)
		return GLINT_PICTURES_SPARE;
	/* A new period begins. */
	pool->spare = pool->made - pool->held;
	return pool->made > 0 ? GLINT_PICTURES_SOME : GLINT_PICTURES_NONE;
}
