/* SPDX-License-Identifier: MIT */
#include "core/timers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/loop.h"

#define FIRST_CAPACITY 64u /* above the need of a service with a few clients */

static bool timers_before(const struct glint_timers *timers, unsigned a, unsigned b)
{
	return timers->heap[a]->timer.deadline_ns < timers->heap[b]->timer.deadline_ns;
}

static void timers_put(struct glint_timers *timers, unsigned index, struct glint_op *op)
{
	timers->heap[index] = op;
	op->timer.index = index;
}

static void timers_swap(struct glint_timers *timers, unsigned a, unsigned b)
{
	struct glint_op *op = timers->heap[a];

	timers_put(timers, a, timers->heap[b]);
	timers_put(timers, b, op);
}

static void timers_rise(struct glint_timers *timers, unsigned index)
{
	while (index > 0 && timers_before(timers, index, (index - 1) / 2)) {
		timers_swap(timers, index, (index - 1) / 2);
		index = (index - 1) / 2;
	}
}

static void timers_sink(struct glint_timers *timers, unsigned index)
{
	for (;;) {
		unsigned earliest = index;

		for (unsigned child = 2 * index + 1; child <= 2 * index + 2; child++)
			if (child < timers->count && timers_before(timers, child, earliest))
				earliest = child;
		if (earliest == index)
			return;
		timers_swap(timers, index, earliest);
		index = earliest;
	}
}

void glint_timers_fini(struct glint_timers *timers)
{
	free(timers->heap);
	*timers = (struct glint_timers){ 0 };
}

int glint_timers_add(struct glint_timers *timers, struct glint_op *op)
{
	if (timers->count == timers->capacity) {
		unsigned capacity = MAX(timers->capacity * 2, FIRST_CAPACITY);
		struct glint_op **heap;

		heap = reallocarray(timers->heap, capacity, sizeof(struct glint_op *));
		if (!heap)
			return -ENOMEM;
		timers->heap = heap;
		timers->capacity = capacity;
	}
	timers_put(timers, timers->count++, op);
	timers_rise(timers, op->timer.index);
	return 0;
}

void glint_timers_remove(struct glint_timers *timers, struct glint_op *op)
{
	unsigned index = op->timer.index;
	struct glint_op *last;

	assert(index < timers->count && timers->heap[index] == op);

	/* Move the last operation to the free index, and restore the order. */
	last = timers->heap[--timers->count];
	if (last == op)
		return;
	timers_put(timers, index, last);
	timers_rise(timers, index);
	timers_sink(timers, last->timer.index);
}

struct glint_op *glint_timers_first(const struct glint_timers *timers)
{
	return timers->count ? timers->heap[0] : NULL;
}
