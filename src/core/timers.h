/* SPDX-License-Identifier: MIT */
/*
 * Timer operations by deadline: a binary heap of borrowed pointers. Each operation has its index in
 * the heap, so that cancelling needs no search. The heap grows, and never shrinks.
 */
#ifndef GLINT_CORE_TIMERS_H
#define GLINT_CORE_TIMERS_H

struct glint_op;

struct glint_timers {
	struct glint_op **heap;
	unsigned count, capacity;
};

/* Free the heap, not the operations. A zeroed heap is empty. */
void glint_timers_fini(struct glint_timers *timers);

/* Add @op by its timer.deadline_ns. -ENOMEM: @op is not in the heap. */
int glint_timers_add(struct glint_timers *timers, struct glint_op *op);

/* @op must be in the heap. */
void glint_timers_remove(struct glint_timers *timers, struct glint_op *op);

/* Returns the operation with the earliest deadline; NULL: the heap is empty. */
struct glint_op *glint_timers_first(const struct glint_timers *timers);
#endif
