/* SPDX-License-Identifier: MIT */
/*
 * Timer operations by deadline: a binary heap of borrowed pointers, each of
 * which knows its place, so that a cancelled one is found at once. It grows when
 * there are more timers than ever before, and never shrinks.
 */
#ifndef GLINT_CORE_TIMERS_H
#define GLINT_CORE_TIMERS_H

struct glint_op;

struct glint_timers {
	struct glint_op **heap;
	unsigned count, capacity;
};

/* All zero is an empty heap. Frees the heap; the operations are others'. */
void glint_timers_fini(struct glint_timers *timers);

/* By @op->timer.deadline_ns. -ENOMEM; then @op is not in the heap. */
int glint_timers_add(struct glint_timers *timers, struct glint_op *op);

/* @op must be in the heap. */
void glint_timers_remove(struct glint_timers *timers, struct glint_op *op);

/* The one with the earliest deadline, NULL when there is none. */
struct glint_op *glint_timers_first(const struct glint_timers *timers);
#endif
