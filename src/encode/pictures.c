/* SPDX-License-Identifier: MIT */
#include "encode/pictures.h"

#include <assert.h>
#include <stdlib.h>

static void picture_release(struct glint_frame *frame)
{
	struct glint_pool_picture *picture =
		container_of(glint_picture_of(frame), struct glint_pool_picture, picture);

	picture->pool->held--;
	/* To the front: the one used last is the warmest in the caches. */
	glint_list_append(picture->pool->free.next, &picture->link);
}

static const struct glint_frame_ops picture_ops = { .release = picture_release };

void glint_pictures_init(struct glint_pictures *pool, unsigned most)
{
	*pool = (struct glint_pictures){ .most = most };
	glint_list_init(&pool->free);
}

void glint_pictures_fini(struct glint_pictures *pool)
{
	struct glint_pool_picture *picture;

	assert(pool->held == 0);
	while ((picture = glint_list_first(&pool->free, struct glint_pool_picture, link))) {
		glint_list_remove(&picture->link);
		for (unsigned i = 0; i < GLINT_SLICES_MAX; i++)
			glint_bytes_fini(&picture->slices[i]);
		free(picture);
	}
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
	glint_frame_begin(&picture->picture.frame, 0, 0);
	picture->picture.n_parts = 0;
	picture->picture.size = 0;
	return picture;
}
