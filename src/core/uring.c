/* SPDX-License-Identifier: MIT */
/*
 * The loop on io_uring. The system call that waits also submits the operations that were started
 * since the last wait. The submission queue is one page. A full queue is submitted early; operations
 * that the kernel does not take stay in the backlog, in order, until the next round.
 */
#include <assert.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "core/loop_backend.h"

#define SQ_ENTRIES 64u /* one page; a larger batch only costs more system calls */
#define CQ_ENTRIES 1024u

/* op->state */
enum {
	STATE_SINGLE = 1 << 0,	  /* the kernel has no multishot accept */
	STATE_READY = 1 << 1,	  /* poll the descriptor before the next try */
	STATE_SUBMITTED = 1 << 2, /* the kernel has the operation: a completion will follow */
};

struct uring {
	struct glint_loop loop; /* first: see uring_of() */
	struct io_uring ring;
	struct glint_list backlog; /* operations to start or cancel once the queue has space */
};

static struct uring *uring_of(struct glint_loop *loop)
{
	return container_of(loop, struct uring, loop);
}

/* --- The ring ------------------------------------------------------------------- */

/* In order of preference. An older kernel answers EINVAL to flags that it does not know. */
static const unsigned setup_flags[] = {
	/* 6.1 */
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		IORING_SETUP_SUBMIT_ALL,
	/* 5.19 */
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
	0,
};

static int uring_init(struct io_uring *ring)
{
	int err = -EINVAL;

	for (unsigned i = 0; i < ARRAY_SIZE(setup_flags) && err == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = setup_flags[i] | IORING_SETUP_CQSIZE,
			.cq_entries = CQ_ENTRIES,
		};

		err = io_uring_queue_init_params(SQ_ENTRIES, ring, &params);
	}
	return err == -EINVAL ? -ENOSYS : err;
}

/* Make one round trip, because a sandbox may allow the setup and forbid the other calls. */
static int uring_probe(struct io_uring *ring)
{
	/* RSRC_TAGS stands for multishot poll, which has no flag: both came with Linux 5.13. */
	const unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_RSRC_TAGS;
	struct io_uring_cqe *cqe;
	int err;

	if ((ring->features & needed) != needed)
		return -ENOSYS;

	io_uring_prep_nop(io_uring_get_sqe(ring));
	err = io_uring_submit_and_wait(ring, 1);
	if (err < 0)
		return err;
	err = io_uring_wait_cqe(ring, &cqe);
	if (err < 0)
		return err;
	io_uring_cqe_seen(ring, cqe);
	return 0;
}

static int uring_create(struct glint_loop **out)
{
	struct uring *uring = calloc(1, sizeof(*uring));
	int err;

	if (!uring)
		return -ENOMEM;
	err = uring_init(&uring->ring);
	if (err < 0)
		goto free_uring;
	err = uring_probe(&uring->ring);
	if (err < 0)
		goto exit_ring;

	glint_list_init(&uring->backlog);
	*out = &uring->loop;
	return 0;

exit_ring:
	io_uring_queue_exit(&uring->ring);
free_uring:
	free(uring);
	return err;
}

static void uring_destroy(struct glint_loop *loop)
{
	struct uring *uring = uring_of(loop);

	io_uring_queue_exit(&uring->ring);
	free(uring);
}

/* --- Submitting ----------------------------------------------------------------- */

static void prep_start(struct io_uring_sqe *sqe, const struct glint_op *op)
{
	const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;

	if (op->kind == GLINT_OP_POLL)
		io_uring_prep_poll_multishot(sqe, op->fd, op->poll.events);
	else if (op->state & STATE_READY)
		io_uring_prep_poll_add(sqe, op->fd, glint_op_events(op));
	else if (op->kind == GLINT_OP_ACCEPT && op->state & STATE_SINGLE)
		io_uring_prep_accept(sqe, op->fd, NULL, NULL, flags);
	else if (op->kind == GLINT_OP_ACCEPT)
		io_uring_prep_multishot_accept(sqe, op->fd, NULL, NULL, flags);
	else if (op->kind == GLINT_OP_RECV)
		io_uring_prep_recv(sqe, op->fd, op->recv.base, op->recv.len, 0);
	else
		io_uring_prep_sendmsg(sqe, op->fd, op->send.msg, MSG_NOSIGNAL);
}

/*
 * Cancel @op if the kernel has it, else start it. The cancel is queued before a later operation at
 * the same address, so it cannot cancel the later one. False: the queue is full.
 */
static bool uring_submit(struct uring *uring, struct glint_op *op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

	if (!sqe) {
		(void)io_uring_submit(&uring->ring); /* on failure the queue stays full */
		sqe = io_uring_get_sqe(&uring->ring);
	}
	if (!sqe)
		return false;
	if (op->state & STATE_SUBMITTED) {
		io_uring_prep_cancel(sqe, op, 0);
		io_uring_sqe_set_data(sqe, NULL);
		return true;
	}
	prep_start(sqe, op);
	io_uring_sqe_set_data(sqe, op);
	op->state |= STATE_SUBMITTED;
	return true;
}

static void uring_queue(struct uring *uring, struct glint_op *op)
{
	if (!glint_list_empty(&uring->backlog) || !uring_submit(uring, op))
		glint_list_append(&uring->backlog, &op->queue_link);
}

static void uring_start(struct glint_loop *loop, struct glint_op *op)
{
	uring_queue(uring_of(loop), op);
}

static void uring_cancel(struct glint_loop *loop, struct glint_op *op)
{
	if (op->state & STATE_SUBMITTED)
		uring_queue(uring_of(loop), op);
	else
		glint_loop_post(loop, op, -ECANCELED); /* still in the backlog */
}

/* --- Completing ----------------------------------------------------------------- */

/* Final CQE but the operation is unfinished: resubmit unless it was cancelled. */
static void uring_again(struct uring *uring, struct glint_op *op)
{
	if (op->canceled)
		glint_loop_complete(op, -ECANCELED);
	else
		uring_queue(uring, op);
}

static void uring_on_multishot(struct uring *uring, struct glint_op *op, int res, bool more)
{
	/* After a cancel an event is dropped; a socket is delivered, because it would leak. */
	if (op->kind == GLINT_OP_ACCEPT || !op->canceled)
		glint_loop_complete_more(op, res);
	if (!more)
		uring_again(uring, op);
}

/* Return whether @op must be submitted again, and set in which way. */
static bool op_needs_another_way(struct glint_op *op, int res)
{
	if (res == -EINVAL && op->kind == GLINT_OP_ACCEPT && !(op->state & STATE_SINGLE)) {
		op->state |= STATE_SINGLE; /* before 5.19 */
		return true;
	}
	if (res == -EAGAIN && op->kind != GLINT_OP_POLL) {
		op->state |= STATE_READY; /* non-blocking sockets, in some kernels */
		return true;
	}
	return glint_op_error_is_passing(op, res);
}

static void uring_on_completion(struct uring *uring, struct glint_op *op, int res, bool more)
{
	bool was_ready_poll = op->state & STATE_READY;

	if (!more) {
		op->state = (uint8_t)(op->state & ~(STATE_SUBMITTED | STATE_READY));
		glint_list_remove(&op->queue_link); /* drops a queued cancel */
	}
	if (was_ready_poll && res >= 0)
		uring_again(uring, op);
	else if (op_needs_another_way(op, res))
		uring_again(uring, op);
	else if (glint_op_is_multishot(op) && res >= 0)
		uring_on_multishot(uring, op, res, more);
	else
		glint_loop_complete(op, res);
}

/* --- Waiting --------------------------------------------------------------------- */

/* The kernel has no completion that the ring does not show yet, and nothing is to be submitted. */
static bool uring_is_quiet(const struct io_uring *ring)
{
	return ring->flags & IORING_SETUP_TASKRUN_FLAG && io_uring_sq_ready(ring) == 0 &&
	       !(IO_URING_READ_ONCE(*ring->sq.kflags) &
		 (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
}

static int uring_submit_and_wait(struct uring *uring, uint64_t left_ns)
{
	struct __kernel_timespec ts = {
		.tv_sec = (long long)(left_ns / GLINT_NSEC_PER_SEC),
		.tv_nsec = (long long)(left_ns % GLINT_NSEC_PER_SEC),
	};
	struct io_uring_cqe *cqe;

	/* A wait of 0 ns would sleep for the timer slack, 50 us. */
	if (left_ns == 0)
		return uring_is_quiet(&uring->ring) ? 0 :
						      io_uring_submit_and_get_events(&uring->ring);
	return io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1,
						left_ns == UINT64_MAX ? NULL : &ts, NULL);
}

static int uring_wait(struct glint_loop *loop, uint64_t deadline_ns)
{
	struct uring *uring = uring_of(loop);
	struct io_uring_cqe *cqe;
	struct glint_op *op;
	int err;

	while ((op = glint_list_first(&uring->backlog, struct glint_op, queue_link))) {
		if (!uring_submit(uring, op))
			break;
		glint_list_remove(&op->queue_link);
	}
	if (op)
		deadline_ns = 0;
	err = uring_submit_and_wait(uring, glint_time_left_ns(deadline_ns));
	/* EAGAIN: no memory; EBUSY: completions must be reaped first. The rest stays queued. */
	if (err < 0 && err != -ETIME && err != -EINTR && err != -EAGAIN && err != -EBUSY)
		return err;

	/* Only what is ready now, so that the round ends. */
	for (unsigned n = io_uring_cq_ready(&uring->ring); n > 0; n--) {
		int res;
		bool more;

		if (io_uring_peek_cqe(&uring->ring, &cqe) < 0)
			break;
		op = io_uring_cqe_get_data(cqe);
		res = cqe->res;
		more = cqe->flags & IORING_CQE_F_MORE;
		io_uring_cqe_seen(&uring->ring, cqe);
		if (op)
			uring_on_completion(uring, op, res, more);
	}
	return 0;
}

const struct glint_loop_ops glint_uring_ops = {
	.id = GLINT_LOOP_URING,
	.name = "uring",
	.create = uring_create,
	.destroy = uring_destroy,
	.start = uring_start,
	.cancel = uring_cancel,
	.wait = uring_wait,
};
