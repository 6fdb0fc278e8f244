/* SPDX-License-Identifier: MIT */
/*
 * The loop: one thread that starts operations and is told when they are done.
 *
 * An operation is a struct glint_op inside the object that wants it. From the
 * call that starts it until its last completion it belongs to the loop: its
 * memory, and every buffer it was given, must stay, and its descriptor must stay
 * open (cancel first, close in the last completion). The last completion is the
 * one without GLINT_OP_MORE; in it, and after it, the operation may be started
 * again or its memory freed. done() is never called from within the call that
 * starts or cancels an operation.
 *
 * Two backends with the same behaviour: io_uring, and epoll for hosts that
 * forbid io_uring (containers, kernel.io_uring_disabled). All functions are for
 * the thread that created the loop; others wake it through an eventfd it polls.
 */
#ifndef GLINT_CORE_LOOP_H
#define GLINT_CORE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct msghdr;
struct glint_deferred;
struct glint_loop;
struct glint_op;

enum glint_loop_backend {
	GLINT_LOOP_AUTO,	/* io_uring where the host allows it, else epoll */
	GLINT_LOOP_URING,
	GLINT_LOOP_EPOLL,
};

/* In done()'s @flags: the operation goes on, more completions follow. */
#define GLINT_OP_MORE 1u

/*
 * @res: what the operation yields (below), or a negative errno; -ECANCELED
 * after glint_loop_cancel(), unless it completed first. Multishot operations
 * end with an error only.
 */
typedef void glint_op_fn(struct glint_op *op, int res, uint32_t flags);

struct glint_op {
	glint_op_fn *done;
	/* The loop's own, valid while busy. */
	bool busy;
	bool canceled;
	bool posted;		/* its last result waits to be delivered */
	uint8_t kind;
	uint8_t state;		/* the backend's */
	int fd;
	int res;		/* result that waits to be delivered */
	union {
		struct {
			uint32_t events;
		} poll;
		struct {
			void *base;
			size_t len;
		} recv;
		struct {
			const struct msghdr *msg;
		} send;
		struct {
			uint64_t deadline_ns;
			unsigned index;	/* place in the timer heap */
		} timer;
	};
	struct glint_op *next_on_fd;	/* epoll: the descriptor's operations */
	struct glint_list busy_link;	/* all that is under way */
	struct glint_list queue_link;	/* results to deliver, or the backend's queue */
};

/*
 * Creates a loop into *@out. GLINT_LOOP_AUTO falls back to epoll and says why,
 * and what to do about it, in the log. Errors: -EPERM or -ENOSYS (io_uring was
 * asked for and is not to be had), -ENOMEM, -EMFILE. Nothing is owned on failure.
 */
int glint_loop_create(struct glint_loop **out, enum glint_loop_backend want);

/*
 * Cancels what is still under way and delivers its completions (-ECANCELED),
 * then frees the loop. What they start ends in the same way. NULL is fine. Not
 * from within done().
 */
void glint_loop_destroy(struct glint_loop *loop);

enum glint_loop_backend glint_loop_backend(const struct glint_loop *loop);

/* "uring" or "epoll", and why it is not io_uring ("" when it is, or was asked for). */
const char *glint_loop_name(const struct glint_loop *loop);
const char *glint_loop_reason(const struct glint_loop *loop);

/*
 * Runs until glint_loop_stop(), at once if that was called before; 0, or the
 * error that made the loop itself fail.
 */
int glint_loop_run(struct glint_loop *loop);

/* One round: waits at most until @deadline_ns (UINT64_MAX: for ever), delivers what is done. */
int glint_loop_run_once(struct glint_loop *loop, uint64_t deadline_ns);

void glint_loop_stop(struct glint_loop *loop);

/*
 * Starting an operation. @op->done is set by the caller; @op must not be busy
 * (asserted). They cannot fail: an error (-EBADF, -ENOMEM) comes to done().
 */

/*
 * Multishot: done(res = poll events), at once when @fd is ready, then each time
 * that something happens to it. Wakeups coalesce, and what is not drained is not
 * told again. POLLERR and POLLHUP come unasked. Silent once cancelled.
 */
void glint_loop_poll(struct glint_loop *loop, struct glint_op *op, int fd, uint32_t events);

/*
 * Multishot: done(res = a connected socket, SOCK_CLOEXEC | SOCK_NONBLOCK, now the
 * callee's). -EMFILE and the like end it; start it again when descriptors are
 * free. A connection that broke in the queue is passed over. Sockets may still
 * come between the cancel and its completion.
 */
void glint_loop_accept(struct glint_loop *loop, struct glint_op *op, int fd);

/* done(res = bytes, 0 at end of file). @fd is a socket. */
void glint_loop_recv(struct glint_loop *loop, struct glint_op *op, int fd, void *base, size_t len);

/*
 * done(res = bytes sent, which may be fewer than asked: the caller goes on).
 * @msg and its parts stay untouched until then. Never raises SIGPIPE.
 */
void glint_loop_send(struct glint_loop *loop, struct glint_op *op, int fd,
		     const struct msghdr *msg);

/* done(res = 0) once, at or after @deadline_ns of CLOCK_MONOTONIC; never 0 once cancelled. */
void glint_loop_timer(struct glint_loop *loop, struct glint_op *op, uint64_t deadline_ns);

/* Asks for an early end. Fine on an operation that is not busy, and twice. */
void glint_loop_cancel(struct glint_loop *loop, struct glint_op *op);

/*
 * What is noticed in the midst of other work and must not be told there: run() is called
 * once from the loop's top level, at the end of the round, or of the next round when the
 * call comes from a run() or from outside a round. Its memory stays until then.
 */
struct glint_deferred {
	void (*run)(struct glint_deferred *deferred);
	bool pending;			/* the loop's own, like @link */
	struct glint_list link;
};

/* Fine on one that is pending: it still runs once. */
void glint_loop_defer(struct glint_loop *loop, struct glint_deferred *deferred);

/* Afterwards it does not run. Fine on one that is not pending. Before the loop's end. */
void glint_deferred_cancel(struct glint_deferred *deferred);

static inline bool glint_op_busy(const struct glint_op *op)
{
	return op->busy;
}
#endif
