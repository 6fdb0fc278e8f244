/* SPDX-License-Identifier: MIT */
/*
 * Packets whose data are in our own memory. The pool is bounded, so readers that hold packets
 * cannot make it grow without end. A packet keeps its memory when it returns to the pool; the
 * encoder frees packets that were not needed for some seconds (glint_packet_pool_trim()).
 * Loop thread only, except the bytes: a worker fills them before the packet is published.
 */
#ifndef GLINT_ENCODE_PACKET_POOL_H
#define GLINT_ENCODE_PACKET_POOL_H

#include "base/list.h"
#include "core/packet.h"
#include "encode/bytes.h"
#include "jpeg/header.h"

#define GLINT_SLICES_MAX 32

struct glint_encoder;
struct glint_packet_pool;

struct glint_pool_packet {
	struct glint_packet packet;
	struct glint_packet_pool *pool;
	struct glint_list link; /* free list */
	size_t counted;		/* bytes of it in the pool's figure */
	uint8_t header[GLINT_JPEG_HEADER_MAX];
	struct glint_bytes slices[GLINT_SLICES_MAX];
};

/* A packet whose data are those of another one. */
struct glint_pool_share {
	struct glint_packet packet;
	struct glint_pool_packet *owner; /* referenced */
	struct glint_packet_pool *pool;
	struct glint_list link; /* free list */
};

struct glint_packet_pool {
	struct glint_encoder *encoder; /* told when the pool grows */
	unsigned most, made, held;
	uint32_t codec;
	unsigned spare;		/* packets that were not taken since the last trim */
	size_t bytes;		/* memory of all packets' data */
	struct glint_list free; /* the last used is the first */
	struct glint_list free_shares;
	unsigned n_shares; /* packets without own data */
};

/* At most @most packets of @codec. */
void glint_packet_pool_init(struct glint_packet_pool *pool, struct glint_encoder *encoder,
			    uint32_t codec, unsigned most);

/* All packets must have come back; frees the others. */
void glint_packet_pool_fini(struct glint_packet_pool *pool);

/*
 * Returns an unused packet without parts, whose one reference is the caller's. It is a
 * keyframe unless the caller says otherwise. NULL: readers hold all packets, or there is no
 * memory.
 */
struct glint_pool_packet *glint_packet_pool_take(struct glint_packet_pool *pool);

/* A packet whose only part is a copy of @size bytes; the caller's. NULL: as above. */
struct glint_packet *glint_packet_pool_copy(struct glint_packet_pool *pool, const void *data,
					    size_t size);

/*
 * Returns another packet with the parts of @packet, the same memory, which stays in use as long as
 * one of them; the caller's. At most as many as packets. NULL: as above.
 */
struct glint_packet *glint_packet_pool_share(struct glint_pool_packet *packet);

/* Count the memory of @packet, after its data may have grown. */
void glint_packet_pool_count(struct glint_pool_packet *packet);

enum glint_packet_pool_rest {
	GLINT_POOL_NONE,  /* the pool is empty */
	GLINT_POOL_SOME,  /* look again after the idle time */
	GLINT_POOL_SPARE, /* more can be given back now */
};

/*
 * Free one packet that was not needed for a period; for a timer whose period is the idle
 * time. Only one, because freeing large memory takes up to half a millisecond.
 */
enum glint_packet_pool_rest glint_packet_pool_trim(struct glint_packet_pool *pool);
#endif
