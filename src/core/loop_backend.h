/* SPDX-License-Identifier: MIT */
/*
 * What loop.c and its backends know of each other, and nobody else. The backend
 * embeds struct glint_loop as its first member and does the waiting and the
 * system calls; timers, results to deliver and running are shared.
 *
 * A round: the backend waits, and completes what it finds; then timers that are due
 * and posted results are delivered; then what was deferred runs. Only in a round is
 * done() or run() called.
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
	GLINT_OP_TIMER,		/* never reaches a backend */
};

struct glint_loop_ops {
	enum glint_loop_backend id;
	const char *name;

	int (*create)(struct glint_loop **out);
	void (*destroy)(struct glint_loop *loop);	/* nothing is busy any more */

	/* @op is filled in and busy. Errors are posted. */
	void (*start)(struct glint_loop *loop, struct glint_op *op);

	/* @op is busy, marked cancelled, and has no posted result. */
	void (*cancel)(struct glint_loop *loop, struct glint_op *op);

	/*
	 * Hands over what was started, waits until something is done or @deadline_ns
	 * (0: does not wait, UINT64_MAX: for ever), and completes what is done. A
	 * negative errno only when the loop cannot go on.
	 */
	int (*wait)(struct glint_loop *loop, uint64_t deadline_ns);
};

extern const struct glint_loop_ops glint_uring_ops, glint_epoll_ops;

struct glint_loop {
	const struct glint_loop_ops *ops;
	struct glint_timers timers;
	struct glint_list busy;		/* every operation under way */
	struct glint_list posted;	/* results to deliver, in order */
	struct glint_list deferred;	/* to run at the end of the round, in order */
	bool in_round, stopped, closing;
	char reason[128];
};

/* The last completion, later: for calls from which done() must not be called. */
void glint_loop_post(struct glint_loop *loop, struct glint_op *op, int res);

/* The last completion, now. @op may be freed or busy anew afterwards. */
void glint_loop_complete(struct glint_op *op, int res);

/* One completion of several. @op stays busy, but may be cancelled afterwards. */
static inline void glint_loop_complete_more(struct glint_op *op, int res)
{
	op->done(op, res, GLINT_OP_MORE);
}

static inline bool glint_op_is_multishot(const struct glint_op *op)
{
	return op->kind == GLINT_OP_POLL || op->kind == GLINT_OP_ACCEPT;
}

/* What to poll for before @op can go on. */
uint32_t glint_op_events(const struct glint_op *op);

/* Errors that concern one connection in the queue, or one moment; the next try may succeed. */
static inline bool glint_op_error_is_passing(const struct glint_op *op, int res)
{
	return res == -EINTR ||
	       (op->kind == GLINT_OP_ACCEPT && (res == -ECONNABORTED || res == -EPROTO));
}
#endif
