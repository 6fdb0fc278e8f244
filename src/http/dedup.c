/* SPDX-License-Identifier: MIT */
#include "http/dedup.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/packet.h"

static uint64_t hash_of(struct glint_dedup_hash *last, const struct glint_packet *packet)
{
	uint64_t hash = packet->size;

	if (last->serial == packet->serial)
		return last->hash;
	for (unsigned i = 0; i < packet->n_parts; i++)
		hash = XXH3_64bits_withSeed(packet->parts[i].iov_base, packet->parts[i].iov_len,
					    hash);
	*last = (struct glint_dedup_hash){ .serial = packet->serial, .hash = hash };
	return hash;
}

bool glint_dedup_skips(struct glint_dedup *dedup, struct glint_dedup_hash *last,
		       const struct glint_packet *packet, unsigned max, bool twice)
{
	uint64_t hash;
	bool equal, changed = dedup->changed;

	if (max == 0)
		return false;
	hash = hash_of(last, packet);
	equal = hash == dedup->last_hash;
	if (equal && dedup->n_skipped < max) {
		dedup->changed = false;
		/* Some browsers paint a picture when the next one comes. */
		if (twice && changed)
			return false;
		dedup->n_skipped++;
		return true;
	}
	dedup->changed = !equal;
	dedup->last_hash = hash;
	return false;
}
