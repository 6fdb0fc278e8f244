/* SPDX-License-Identifier: MIT */
#include "encode/packet_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "encode/backend.h"

static void pool_on_release(struct glint_packet *packet)
{
	struct glint_pool_packet *item = container_of(packet, struct glint_pool_packet, packet);

	glint_packet_pool_count(item); /* an encoding that failed may have grown it */
	assert(item->pool->held > 0);
	item->pool->held--;
	/* To the front: the last used is the warmest in the caches. */
	glint_list_append(item->pool->free.next, &item->link);
}

static const struct glint_packet_ops packet_ops = { .release = pool_on_release };

void glint_packet_pool_init(struct glint_packet_pool *pool, struct glint_encoder *encoder,
			    uint32_t codec, unsigned most)
{
	*pool = (struct glint_packet_pool){ .encoder = encoder, .codec = codec, .most = most };
	glint_list_init(&pool->free);
	glint_list_init(&pool->free_shares);
}

/* @packet is free. */
static void pool_destroy(struct glint_packet_pool *pool, struct glint_pool_packet *packet)
{
	assert(pool->made > pool->held && pool->bytes >= packet->counted);

	glint_list_remove(&packet->link);
	pool->made--;
	pool->bytes -= packet->counted;
	for (unsigned i = 0; i < GLINT_SLICES_MAX; i++)
		glint_bytes_fini(&packet->slices[i]);
	free(packet);
}

/* @share is free. */
static void pool_destroy_share(struct glint_packet_pool *pool, struct glint_pool_share *share)
{
	assert(pool->n_shares > 0);

	glint_list_remove(&share->link);
	pool->n_shares--;
	free(share);
}

void glint_packet_pool_fini(struct glint_packet_pool *pool)
{
	struct glint_pool_packet *packet;
	struct glint_pool_share *share;

	assert(pool->held == 0);
	glint_list_for_each(packet, &pool->free, link)
		pool_destroy(pool, packet);
	glint_list_for_each(share, &pool->free_shares, link)
		pool_destroy_share(pool, share);
	assert(pool->n_shares == 0);
}

static struct glint_pool_packet *pool_make(struct glint_packet_pool *pool)
{
	struct glint_pool_packet *packet;

	if (pool->made == pool->most)
		return NULL;
	packet = calloc(1, sizeof(*packet));
	if (!packet)
		return NULL;
	packet->pool = pool;
	packet->packet.ops = &packet_ops;
	glint_list_init(&packet->link);
	pool->made++;
	glint_encoder_trim_later(pool->encoder);
	return packet;
}

struct glint_pool_packet *glint_packet_pool_take(struct glint_packet_pool *pool)
{
	struct glint_pool_packet *packet =
		glint_list_first(&pool->free, struct glint_pool_packet, link);

	if (packet)
		glint_list_remove(&packet->link);
	else
		packet = pool_make(pool);
	if (!packet)
		return NULL;
	pool->held++;
	assert(pool->held <= pool->made && pool->made <= pool->most);
	pool->spare = MIN(pool->spare, pool->made - pool->held);
	glint_packet_begin(&packet->packet, pool->codec, true);
	return packet;
}

struct glint_packet *glint_packet_pool_copy(struct glint_packet_pool *pool, const void *data,
					    size_t size)
{
	struct glint_pool_packet *copy = glint_packet_pool_take(pool);

	if (!copy)
		return NULL;
	if (!glint_bytes_reserve(&copy->slices[0], size)) {
		glint_packet_unref(&copy->packet);
		return NULL;
	}
	glint_packet_pool_count(copy);
	memcpy(copy->slices[0].data, data, size);
	copy->packet.parts[0] = (struct iovec){ copy->slices[0].data, size };
	copy->packet.n_parts = 1;
	copy->packet.size = size;
	return &copy->packet;
}

static void share_on_release(struct glint_packet *packet)
{
	struct glint_pool_share *share = container_of(packet, struct glint_pool_share, packet);

	glint_packet_unref(&share->owner->packet);
	share->owner = NULL;
	glint_list_append(share->pool->free_shares.next, &share->link);
}

static const struct glint_packet_ops share_ops = { .release = share_on_release };

static struct glint_pool_share *pool_make_share(struct glint_packet_pool *pool)
{
	struct glint_pool_share *share;

	if (pool->n_shares == pool->most)
		return NULL;
	share = calloc(1, sizeof(*share));
	if (!share)
		return NULL;
	share->pool = pool;
	share->packet.ops = &share_ops;
	glint_list_init(&share->link);
	pool->n_shares++;
	return share;
}

struct glint_packet *glint_packet_pool_share(struct glint_pool_packet *packet)
{
	struct glint_packet_pool *pool = packet->pool;
	struct glint_pool_share *share =
		glint_list_first(&pool->free_shares, struct glint_pool_share, link);

	if (share)
		glint_list_remove(&share->link);
	else
		share = pool_make_share(pool);
	if (!share)
		return NULL;
	share->owner = packet;
	(void)glint_packet_ref(&packet->packet);
	glint_packet_begin(&share->packet, pool->codec, packet->packet.keyframe);
	share->packet.size = packet->packet.size;
	share->packet.n_parts = packet->packet.n_parts;
	memcpy(share->packet.parts, packet->packet.parts,
	       packet->packet.n_parts * sizeof(packet->packet.parts[0]));
	return &share->packet;
}

void glint_packet_pool_count(struct glint_pool_packet *packet)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < GLINT_SLICES_MAX; i++)
		bytes += packet->slices[i].capacity;
	packet->pool->bytes += bytes - packet->counted;
	packet->counted = bytes;
}

enum glint_packet_pool_rest glint_packet_pool_trim(struct glint_packet_pool *pool)
{
	if (!glint_list_empty(&pool->free_shares))
		pool_destroy_share(pool, glint_list_entry(pool->free_shares.next,
							  struct glint_pool_share, link));
	if (pool->spare > 0) {
		/* Each packet that was not taken since the last trim is free. */
		assert(!glint_list_empty(&pool->free));
		/* From the end: unused for the longest time. */
		pool_destroy(pool,
			     glint_list_entry(pool->free.prev, struct glint_pool_packet, link));
		pool->spare--;
	}
	if (pool->spare > 0)
		return GLINT_POOL_SPARE;
	/* A new period begins. */
	pool->spare = pool->made - pool->held;
	return pool->made > 0 ? GLINT_POOL_SOME : GLINT_POOL_NONE;
}
