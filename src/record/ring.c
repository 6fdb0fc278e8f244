/* SPDX-License-Identifier: MIT */
#include "record/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"

int glint_record_ring_init(struct glint_record_ring *ring, uint64_t size, uint64_t most)
{
	*ring = (struct glint_record_ring){ .size = size };
	/* The smallest entry has two pages. */
	ring->n_entries = MIN(size / (2 * GLINT_CLIP_PAGE), most);
	ring->entries = calloc(MAX(ring->n_entries, (uint64_t)1), sizeof(ring->entries[0]));
	return ring->entries ? 0 : -ENOMEM;
}

void glint_record_ring_fini(struct glint_record_ring *ring)
{
	free(ring->entries);
	ring->entries = NULL;
}

bool glint_record_ring_find(const struct glint_record_ring *ring, uint64_t length, uint64_t *at)
{
	uint64_t tail;

	*at = 0;
	if (ring->first == ring->next)
		return length <= ring->size;
	if (ring->next - ring->first == ring->n_entries)
		return false;
	tail = glint_record_ring_at(ring, ring->first)->at;
	*at = ring->head;
	if (ring->head <= tail) /* equal: full */
		return length <= tail - ring->head;
	if (length <= ring->size - ring->head)
		return true;
	*at = 0;
	return length <= tail;
}

struct glint_record_entry *glint_record_ring_add(struct glint_record_ring *ring, uint64_t at,
						 uint64_t length)
{
	struct glint_record_entry *entry = glint_record_ring_at(ring, ring->next);

	assert(ring->next - ring->first < ring->n_entries);

	*entry = (struct glint_record_entry){ .at = at, .length = (uint32_t)length };
	ring->head = at + length;
	ring->next++;
	return entry;
}

void glint_record_ring_drop(struct glint_record_ring *ring)
{
	assert(ring->first < ring->next);

	ring->first++;
}
