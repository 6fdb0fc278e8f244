/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <assert.h>
#include <limits.h>
#include <poll.h>

#include "base/clock.h"
#include "core/loop_backend.h"
#include "core/report.h"

/* --- Completions ------------------------------------------------------------ */

void glint_loop_post(struct glint_loop *loop, struct glint_op *op, int res)
{
	assert(op->busy && !op->posted);

	op->posted = true;
	op->res = res;
	glint_list_remove(&op->queue_link);
	glint_list_append(&loop->posted, &op->queue_link);
}

void glint_loop_complete(struct glint_op *op, int res)
{
	assert(op->busy);

	glint_list_remove(&op->queue_link);
	glint_list_remove(&op->busy_link);
	op->busy = false;
	op->done(op, res, 0);
}

void glint_loop_defer(struct glint_loop *loop, struct glint_deferred *deferred)
{
	assert(deferred->run);

	if (deferred->pending)
		return;
	deferred->pending = true;
	glint_list_append(&loop->deferred, &deferred->link);
}

void glint_deferred_cancel(struct glint_deferred *deferred)
{
	if (!deferred->pending)
		return;
	deferred->pending = false;
	glint_list_remove(&deferred->link);
}

/* --- Running ------------------------------------------------------------------ */

int glint_loop_run_once(struct glint_loop *loop, uint64_t deadline_ns)
{
	struct glint_list posted = GLINT_LIST_INIT(posted);
	struct glint_list deferred_now = GLINT_LIST_INIT(deferred_now);
	struct glint_op *op = glint_timers_first(&loop->timers);
	struct glint_deferred *deferred;
	uint64_t now_ns;
	int err;

	assert(!loop->in_round);

	loop->in_round = true;
	if (!glint_list_empty(&loop->posted) || !glint_list_empty(&loop->deferred))
		deadline_ns = 0;
	else if (op)
		deadline_ns = MIN(deadline_ns, op->timer.deadline_ns);
	err = loop->ops->wait(loop, deadline_ns);

	op = glint_timers_first(&loop->timers);
	now_ns = op ? glint_now_ns() : 0;
	while (op && op->timer.deadline_ns <= now_ns) {
		glint_timers_remove(&loop->timers, op);
		glint_loop_post(loop, op, 0);
		op = glint_timers_first(&loop->timers);
	}

	/* Only what is posted or deferred now, so that a restart does not prolong the round. */
	glint_list_take(&posted, &loop->posted);
	while ((op = glint_list_first(&posted, struct glint_op, queue_link)))
		glint_loop_complete(op, op->res);
	glint_list_take(&deferred_now, &loop->deferred);
	while ((deferred = glint_list_first(&deferred_now, struct glint_deferred, link))) {
		glint_deferred_cancel(deferred);
		deferred->run(deferred);
	}
	loop->in_round = false;
	return err;
}

int glint_loop_run(struct glint_loop *loop)
{
	int err = 0;

	while (!loop->stopped && err == 0)
		err = glint_loop_run_once(loop, UINT64_MAX);
	loop->stopped = false;
	return err;
}

void glint_loop_stop(struct glint_loop *loop)
{
	loop->stopped = true;
}

void glint_loop_destroy(struct glint_loop *loop)
{
	struct glint_op *op;
	int err = 0;

	if (!loop)
		return;
	assert(!loop->in_round);

	loop->closing = true;
	glint_list_for_each(op, &loop->busy, busy_link)
		glint_loop_cancel(loop, op);
	while (!glint_list_empty(&loop->busy) && err == 0)
		err = glint_loop_run_once(loop, UINT64_MAX);

	assert(glint_list_empty(&loop->deferred) || err < 0);

	glint_timers_fini(&loop->timers);
	loop->ops->destroy(loop);
}

enum glint_loop_backend glint_loop_backend(const struct glint_loop *loop)
{
	return loop->ops->id;
}

const char *glint_loop_name(const struct glint_loop *loop)
{
	return loop->ops->name;
}

const char *glint_loop_reason(const struct glint_loop *loop)
{
	return loop->reason;
}

void glint_loop_report(const struct glint_loop *loop, struct glint_report *report)
{
	glint_report_object(report, "loop");
	glint_report_text(report, "backend", glint_loop_name(loop));
	glint_report_text(report, "reason", glint_loop_reason(loop));
	glint_report_end(report);
}

/* --- Operations --------------------------------------------------------------- */

static void op_begin(struct glint_loop *loop, struct glint_op *op, enum glint_op_kind kind, int fd)
{
	assert(!op->busy && op->done);

	op->busy = true;
	op->canceled = false;
	op->posted = false;
	op->kind = (uint8_t)kind;
	op->state = 0;
	op->fd = fd;
	op->next_on_fd = NULL;
	glint_list_init(&op->queue_link);
	glint_list_append(&loop->busy, &op->busy_link);
}

static void op_start(struct glint_loop *loop, struct glint_op *op)
{
	if (loop->closing)
		glint_loop_post(loop, op, -ECANCELED);
	else
		loop->ops->start(loop, op);
}

void glint_loop_poll(struct glint_loop *loop, struct glint_op *op, int fd, uint32_t events)
{
	op_begin(loop, op, GLINT_OP_POLL, fd);
	op->poll.events = events;
	op_start(loop, op);
}

void glint_loop_accept(struct glint_loop *loop, struct glint_op *op, int fd)
{
	op_begin(loop, op, GLINT_OP_ACCEPT, fd);
	op_start(loop, op);
}

void glint_loop_recv(struct glint_loop *loop, struct glint_op *op, int fd, void *base, size_t len)
{
	op_begin(loop, op, GLINT_OP_RECV, fd);
	op->recv.base = base;
	op->recv.len = MIN(len, (size_t)INT_MAX); /* the result must fit into res */
	op_start(loop, op);
}

void glint_loop_send(struct glint_loop *loop, struct glint_op *op, int fd, const struct msghdr *msg)
{
	op_begin(loop, op, GLINT_OP_SEND, fd);
	op->send.msg = msg;
	op_start(loop, op);
}

void glint_loop_timer(struct glint_loop *loop, struct glint_op *op, uint64_t deadline_ns)
{
	op_begin(loop, op, GLINT_OP_TIMER, -1);
	op->timer.deadline_ns = deadline_ns;
	if (loop->closing)
		glint_loop_post(loop, op, -ECANCELED);
	else if (glint_timers_add(&loop->timers, op) < 0)
		glint_loop_post(loop, op, -ENOMEM);
}

void glint_loop_cancel(struct glint_loop *loop, struct glint_op *op)
{
	if (!op->busy || op->canceled)
		return;

	op->canceled = true;
	if (op->posted) {
		/* A timer's result may be dropped; received bytes and sockets must be delivered. */
		if (op->kind == GLINT_OP_TIMER)
			op->res = -ECANCELED;
	} else if (op->kind == GLINT_OP_TIMER) {
		glint_timers_remove(&loop->timers, op);
		glint_loop_post(loop, op, -ECANCELED);
	} else {
		loop->ops->cancel(loop, op);
	}
}

uint32_t glint_op_events(const struct glint_op *op)
{
	if (op->kind == GLINT_OP_POLL)
		return op->poll.events;
	return op->kind == GLINT_OP_SEND ? POLLOUT : POLLIN;
}
