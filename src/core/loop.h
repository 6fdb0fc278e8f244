/* SPDX-License-Identifier: MIT */
/*
 * The loop: one thread that starts operations and gets their completions.
 *
 * An operation is a struct glint_op inside the object that wants it. The loop owns the operation
 * from the call that starts it until its last completion: its memory and its buffers must stay, and
 * its descriptor must stay open (cancel first, close in the last completion). The last completion
 * is the one without GLINT_OP_MORE. In the last completion, and after it, the operation may be
 * started again or freed. done() is never called from within the call that starts or cancels an
 * operation.
 *
 * Two backends behave the same: io_uring, and epoll for hosts that forbid io_uring (containers,
 * kernel.io_uring_disabled). All functions are for the thread that created the loop. Other threads
 * wake the loop through an eventfd that the loop polls.
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
struct glint_report;

enum glint_loop_backend {
	GLINT_LOOP_AUTO, /* io_uring where the host allows it, else epoll */
	GLINT_LOOP_URING,
	GLINT_LOOP_EPOLL,
};

/* In @flags of done(): the operation goes on, and more completions follow. */
#define GLINT_OP_MORE 1u

/*
 * @res: the operation's result (see its function), or a negative errno: -ECANCELED after
 * glint_loop_cancel(), unless the operation completed before. Multishot operations end with an
 * error only.
 */
typedef void glint_op_fn(struct glint_op *op, int res, uint32_t flags);

struct glint_op {
	glint_op_fn *done;
	/* Private to the loop; valid while busy. */
	bool busy;
	bool canceled;
	bool posted; /* @res is the last result, and waits to be delivered */
	uint8_t kind;
	uint8_t state; /* of the backend */
	int fd;
	int res;
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
			unsigned index; /* in the heap of timers */
		} timer;
	};
	struct glint_op *next_on_fd;  /* epoll: next operation on the same descriptor */
	struct glint_list busy_link;  /* in the list of busy operations */
	struct glint_list queue_link; /* in the posted results, or in a queue of the backend */
};

/*
 * Create a loop in *@out. If GLINT_LOOP_AUTO falls back to epoll, the log says why, and what to do
 * about it. Errors: -EPERM or -ENOSYS (io_uring was requested and is not available), -ENOMEM,
 * -EMFILE. The caller owns nothing after a failure.
 */
int glint_loop_create(struct glint_loop **out, enum glint_loop_backend want);

/*
 * Cancel all busy operations, deliver their completions (-ECANCELED), and free the loop. Operations
 * that these completions start end in the same way. NULL is fine. Do not call this from done().
 */
void glint_loop_destroy(struct glint_loop *loop);

enum glint_loop_backend glint_loop_backend(const struct glint_loop *loop);

/* "uring" or "epoll"; and why GLINT_LOOP_AUTO did not choose io_uring, else "". */
const char *glint_loop_name(const struct glint_loop *loop);
const char *glint_loop_reason(const struct glint_loop *loop);

/* Object: loop. */
void glint_loop_report(const struct glint_loop *loop, struct glint_report *report);

/*
 * Run until glint_loop_stop(), and return at once if it has been called before. Returns 0, or the
 * error with which the loop itself failed.
 */
int glint_loop_run(struct glint_loop *loop);

/* One round: wait until @deadline_ns at most (UINT64_MAX: for ever), and deliver completions. */
int glint_loop_run_once(struct glint_loop *loop, uint64_t deadline_ns);

void glint_loop_stop(struct glint_loop *loop);

/*
 * The functions that start an operation. The caller has set @op->done; @op must not be busy
 * (asserted). Starting cannot fail: an error (-EBADF, -ENOMEM) comes to done().
 */

/*
 * Multishot: done(res = poll events), at once if @fd is ready, then after each event on @fd. Several
 * events may come as one completion, and an event that was not drained does not come again. POLLERR
 * and POLLHUP come even if they were not requested. After a cancel no event comes.
 */
void glint_loop_poll(struct glint_loop *loop, struct glint_op *op, int fd, uint32_t events);

/*
 * Multishot: done(res = a connected socket, SOCK_CLOEXEC | SOCK_NONBLOCK, owned by the callee).
 * -EMFILE and similar errors end the operation; start it again when descriptors are free. A
 * connection that broke in the backlog is left out. Sockets may still come between a cancel and its
 * completion.
 */
void glint_loop_accept(struct glint_loop *loop, struct glint_op *op, int fd);

/* done(res = bytes, 0 at end of file). @fd is a socket. */
void glint_loop_recv(struct glint_loop *loop, struct glint_op *op, int fd, void *base, size_t len);

/*
 * done(res = bytes sent; the caller sends the rest). @msg and its parts must stay unchanged until
 * done(). Never raises SIGPIPE.
 */
void glint_loop_send(struct glint_loop *loop, struct glint_op *op, int fd,
		     const struct msghdr *msg);

/* done(res = 0) once, at or after @deadline_ns of CLOCK_MONOTONIC. After a cancel res is not 0. */
void glint_loop_timer(struct glint_loop *loop, struct glint_op *op, uint64_t deadline_ns);

/* Request an early end. Does nothing if @op is not busy, or has been cancelled. */
void glint_loop_cancel(struct glint_loop *loop, struct glint_op *op);

/*
 * A call that is deferred to the loop's top level, for events that must not be reported from within
 * other work. run() is called once, at the end of the round; or of the next round, if it was
 * deferred from a run() or outside a round. The memory must stay until then.
 */
struct glint_deferred {
	void (*run)(struct glint_deferred *deferred);
	bool pending; /* private to the loop, like @link */
	struct glint_list link;
};

/* Does nothing if @deferred is pending already. */
void glint_loop_defer(struct glint_loop *loop, struct glint_deferred *deferred);

/* Does nothing if @deferred is not pending. Call this before the loop is destroyed. */
void glint_deferred_cancel(struct glint_deferred *deferred);

static inline bool glint_op_busy(const struct glint_op *op)
{
	return op->busy;
}
#endif
