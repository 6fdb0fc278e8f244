/* SPDX-License-Identifier: MIT */
/*
 * The loop on epoll. An operation is tried in the round after its start, and waits for its
 * descriptor only if the kernel answers EAGAIN. Descriptors are watched edge-triggered: as with
 * io_uring's multishot poll, one wakeup is one completion, and a device that reports POLLERR while
 * it does not stream wakes the loop only once.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "core/loop_backend.h"

#define EVENTS_MAX  64
#define ACCEPTS_MAX 16 /* in one try, so that other operations get their turn */

/* op->state */
enum {
	STATE_TRYING,  /* the initial state */
	STATE_WATCHED, /* in @waiting */
};

struct epoll {
	struct glint_loop loop; /* first: see epoll_of() */
	int fd;
	struct glint_list tries;   /* operations to try, and polls with events to deliver */
	struct glint_op **waiting; /* by descriptor: the operations that wait for the descriptor */
	unsigned n_waiting;
	bool no_pwait2; /* the kernel, or a sandbox, has no epoll_pwait2() */
};

static struct epoll *epoll_of(struct glint_loop *loop)
{
	return container_of(loop, struct epoll, loop);
}

static int epoll_create_loop(struct glint_loop **out)
{
	struct epoll *epoll = calloc(1, sizeof(*epoll));
	int err;

	if (!epoll)
		return -ENOMEM;
	epoll->fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll->fd < 0) {
		err = -errno;
		free(epoll);
		return err;
	}
	glint_list_init(&epoll->tries);
	*out = &epoll->loop;
	return 0;
}

static void epoll_destroy(struct glint_loop *loop)
{
	struct epoll *epoll = epoll_of(loop);

	glint_close(&epoll->fd);
	free(epoll->waiting);
	free(epoll);
}

/* --- Watching descriptors ------------------------------------------------------- */

/* Grow @waiting to include @fd. */
static int epoll_reserve(struct epoll *epoll, int fd)
{
	unsigned count = MAX(epoll->n_waiting, 64u);
	struct glint_op **waiting;

	if (fd < 0)
		return -EBADF;
	if ((unsigned)fd < epoll->n_waiting)
		return 0;

	while (count <= (unsigned)fd)
		count *= 2;
	waiting = reallocarray(epoll->waiting, count, sizeof(struct glint_op *));
	if (!waiting)
		return -ENOMEM;
	for (unsigned i = epoll->n_waiting; i < count; i++)
		waiting[i] = NULL;
	epoll->waiting = waiting;
	epoll->n_waiting = count;
	return 0;
}

/* A descriptor is registered only while an operation waits for it, so it can be closed after that. */
static void epoll_unwatch(struct epoll *epoll, struct glint_op *op)
{
	struct glint_op **place;

	if (op->state != STATE_WATCHED)
		return;

	place = &epoll->waiting[op->fd];
	while (*place != op)
		place = &(*place)->next_on_fd;
	*place = op->next_on_fd;
	op->next_on_fd = NULL;
	op->state = STATE_TRYING;
	if (!epoll->waiting[op->fd])
		(void)epoll_ctl(epoll->fd, EPOLL_CTL_DEL, op->fd, NULL);
}

/* epoll_ctl() also reports a descriptor that is ready now, so no event is lost after the try. */
static int epoll_register(struct epoll *epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLET, .data.fd = fd };
	const struct glint_op *first = epoll->waiting[fd];
	bool known = first->next_on_fd != NULL;

	for (const struct glint_op *op = first; op; op = op->next_on_fd)
		event.events |= glint_op_events(op);
	if (epoll_ctl(epoll->fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	return 0;
}

static int epoll_watch(struct epoll *epoll, struct glint_op *op)
{
	int err = epoll_reserve(epoll, op->fd);

	if (err < 0)
		return err;
	if (op->state == STATE_WATCHED)
		return 0;

	op->state = STATE_WATCHED;
	op->next_on_fd = epoll->waiting[op->fd];
	epoll->waiting[op->fd] = op;
	err = epoll_register(epoll, op->fd);
	if (err < 0)
		epoll_unwatch(epoll, op);
	return err;
}

/* --- Trying ------------------------------------------------------------------- */

static void epoll_queue(struct epoll *epoll, struct glint_op *op)
{
	if (glint_list_empty(&op->queue_link))
		glint_list_append(&epoll->tries, &op->queue_link);
}

static void epoll_start(struct glint_loop *loop, struct glint_op *op)
{
	struct epoll *epoll = epoll_of(loop);
	int err;

	if (op->kind != GLINT_OP_POLL) {
		/* A listener from systemd may block. If fcntl() fails, accept() fails as well. */
		if (op->kind == GLINT_OP_ACCEPT)
			(void)fcntl(op->fd, F_SETFL, fcntl(op->fd, F_GETFL) | O_NONBLOCK);
		epoll_queue(epoll, op);
		return;
	}
	op->res = 0;
	err = epoll_watch(epoll, op);
	if (err < 0)
		glint_loop_post(loop, op, err);
}

static void epoll_cancel(struct glint_loop *loop, struct glint_op *op)
{
	epoll_unwatch(epoll_of(loop), op);
	glint_loop_post(loop, op, -ECANCELED);
}

static int op_call(const struct glint_op *op)
{
	ssize_t res;

	switch (op->kind) {
	case GLINT_OP_ACCEPT:
		res = accept4(op->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		break;
	case GLINT_OP_RECV:
		res = recv(op->fd, op->recv.base, op->recv.len, MSG_DONTWAIT);
		break;
	default:
		res = sendmsg(op->fd, op->send.msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	}
	return res < 0 ? -errno : (int)res;
}

/* Complete @op with @res, retry it after a passing error, or wait after EAGAIN. */
static void epoll_settle(struct epoll *epoll, struct glint_op *op, int res)
{
	if (glint_op_error_is_passing(op, res)) {
		epoll_queue(epoll, op);
		return;
	}
	if (res == -EAGAIN) {
		res = epoll_watch(epoll, op);
		if (res == 0)
			return;
	}
	epoll_unwatch(epoll, op);
	glint_loop_complete(op, res);
}

static void epoll_try_accept(struct epoll *epoll, struct glint_op *op)
{
	for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
		int res = op_call(op);

		if (res < 0) {
			epoll_settle(epoll, op, res);
			return;
		}
		glint_loop_complete_more(op, res);
		if (op->canceled)
			return;
	}
	epoll_queue(epoll, op);
}

static void epoll_try(struct epoll *epoll, struct glint_op *op)
{
	int events = op->res;

	if (op->kind == GLINT_OP_ACCEPT) {
		epoll_try_accept(epoll, op);
	} else if (op->kind == GLINT_OP_POLL) {
		op->res = 0;
		glint_loop_complete_more(op, events);
	} else {
		epoll_settle(epoll, op, op_call(op));
	}
}

/* --- Waiting ------------------------------------------------------------------ */

/* The time is rounded up, because waits that end too early would be a busy loop. */
static int epoll_wait_ms(struct epoll *epoll, struct epoll_event *events, const uint64_t *left_ns)
{
	uint64_t ms = 0;

	if (left_ns)
		ms = MIN((*left_ns + GLINT_NSEC_PER_MSEC - 1) / GLINT_NSEC_PER_MSEC, 60000ull);
	return epoll_wait(epoll->fd, events, EVENTS_MAX, left_ns ? (int)ms : -1);
}

static int epoll_wait_ns(struct epoll *epoll, struct epoll_event *events, const uint64_t *left_ns)
{
	struct timespec ts;
	int count;

	if (epoll->no_pwait2)
		return epoll_wait_ms(epoll, events, left_ns);
	if (left_ns)
		ts = glint_timespec(*left_ns);
	count = epoll_pwait2(epoll->fd, events, EVENTS_MAX, left_ns ? &ts : NULL, NULL);
	if (count >= 0 || (errno != ENOSYS && errno != EPERM))
		return count;

	epoll->no_pwait2 =
		true; /* a kernel before 5.11, or a sandbox that does not know the call */
	return epoll_wait_ms(epoll, events, left_ns);
}

static void epoll_on_event(struct epoll *epoll, const struct epoll_event *event)
{
	struct glint_op *op = epoll->waiting[event->data.fd];

	for (; op; op = op->next_on_fd) {
		uint32_t seen = event->events & (glint_op_events(op) | EPOLLERR | EPOLLHUP);

		if (!seen)
			continue;
		op->res |= (int)seen;
		epoll_queue(epoll, op);
	}
}

static int epoll_wait_round(struct glint_loop *loop, uint64_t deadline_ns)
{
	struct epoll *epoll = epoll_of(loop);
	struct epoll_event events[EVENTS_MAX];
	struct glint_list round = GLINT_LIST_INIT(round);
	uint64_t left_ns = glint_time_left_ns(deadline_ns);
	struct glint_op *op;
	int count;

	if (!glint_list_empty(&epoll->tries))
		left_ns = 0;
	count = epoll_wait_ns(epoll, events, left_ns == UINT64_MAX ? NULL : &left_ns);
	if (count < 0 && errno != EINTR)
		return -errno;

	for (int i = 0; i < count; i++)
		epoll_on_event(epoll, &events[i]);
	glint_list_take(&round, &epoll->tries);
	while ((op = glint_list_first(&round, struct glint_op, queue_link))) {
		glint_list_remove(&op->queue_link);
		epoll_try(epoll, op);
	}
	return 0;
}

const struct glint_loop_ops glint_epoll_ops = {
	.id = GLINT_LOOP_EPOLL,
	.name = "epoll",
	.create = epoll_create_loop,
	.destroy = epoll_destroy,
	.start = epoll_start,
	.cancel = epoll_cancel,
	.wait = epoll_wait_round,
};
