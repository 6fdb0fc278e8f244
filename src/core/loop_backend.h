/* SPDX-License-Identifier: MIT */
/*
 * The interface between loop.c and its backends. A backend waits and makes the system calls; its
 * first member is a struct glint_loop. loop.c has the timers, the posted results and the rounds.
 *
 * In a round the backend waits and completes operations; then loop.c delivers due timers and posted
 * results; then deferred functions run. done() and run() are called within a round only.
 */
#ifndef GLINT_CORE_LOOP_BACKEND_H
#define GLINT_CORE_LOOP_BACKEND_H

#include <errno.h>

#include "base/list.h"
#include "core/loop.h"
#include "core/timers.h"

enum glint_op_kind {
	GLINT_OP_POLL,
	GLINT_OP_ACCEPT,
	GLINT_OP_RECV,
	GLINT_OP_SEND,
	GLINT_OP_TIMER, /* never reaches a backend */
};

struct glint_loop_ops {
	enum glint_loop_backend id;
	const char *name;

	int (*create)(struct glint_loop **out);
	void (*destroy)(struct glint_loop *loop); /* no operation is busy */

	/* Start @op, which is filled in and busy. Errors are posted. */
	void (*start)(struct glint_loop *loop, struct glint_op *op);

	/* Cancel @op, which is busy, marked as cancelled, and has no posted result. */
	void (*cancel)(struct glint_loop *loop, struct glint_op *op);

	/*
	 * Submit the started operations, wait for a completion or for @deadline_ns (0: do not
	 * wait, UINT64_MAX: for ever), and complete operations. Returns a negative errno only if
	 * the loop cannot go on.
	 */
	int (*wait)(struct glint_loop *loop, uint64_t deadline_ns);
};

extern const struct glint_loop_ops glint_uring_ops, glint_epoll_ops;

struct glint_loop {
	const struct glint_loop_ops *ops;
	struct glint_timers timers;
	struct glint_list busy;	    /* all busy operations */
	struct glint_list posted;   /* operations with a result to deliver, in order */
	struct glint_list deferred; /* functions to run at the end of the round, in order */
	bool in_round, stopped, closing;
	char reason[128];
};

/* Complete @op later in the round, from within calls that must not call done(). */
void glint_loop_post(struct glint_loop *loop, struct glint_op *op, int res);

/* Complete @op now. After the call @op may be freed, or busy again. */
void glint_loop_complete(struct glint_op *op, int res);

/* Deliver one result of a multishot @op, which stays busy. After the call @op may be cancelled. */
static inline void glint_loop_complete_more(struct glint_op *op, int res)
{
	op->done(op, res, GLINT_OP_MORE);
}

static inline bool glint_op_is_multishot(const struct glint_op *op)
{
	return op->kind == GLINT_OP_POLL || op->kind == GLINT_OP_ACCEPT;
}

/* Returns the poll events that @op waits for. */
uint32_t glint_op_events(const struct glint_op *op);

/* Returns whether a retry may succeed: the error is of one connection in the backlog, or of a moment. */
static inline bool glint_op_error_is_passing(const struct glint_op *op, int res)
{
	return res == -EINTR ||
	       (op->kind == GLINT_OP_ACCEPT && (res == -ECONNABORTED || res == -EPROTO));
}
#endif
