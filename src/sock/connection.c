/* SPDX-License-Identifier: MIT */
#include "sock/connection.h"

#include <assert.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include "base/clock.h"

#define LINGER_NS     (2 * GLINT_NSEC_PER_SEC)
#define DISCARDED_MAX (256u << 10) /* dropped bytes; above, the connection is closed */
#define TCP_SLOWEST   (80u << 10)  /* bytes in each timeout that keep a connection */
#define TCP_AHEAD_MAX (400u << 10) /* bytes that the peer's kernel may hold for the peer */
#define SNDBUF_MIN    32768u	   /* the kernel's bookkeeping of the pages counts as data */
#define SNDBUF_MAX    (64u << 20)

/* --- The end -------------------------------------------------------------------------- */

static bool connection_is_over(const struct glint_connection *conn)
{
	return conn->state == GLINT_CONNECTION_CLOSED && !glint_op_busy(&conn->recv_op) &&
	       !glint_op_busy(&conn->send_op);
}

/* Release a connection that is over. Called from the loop's top level, when no caller uses @conn. */
static void connection_settle(struct glint_connection *conn)
{
	if (!connection_is_over(conn))
		return;
	glint_deferred_cancel(&conn->release);
	glint_close(&conn->fd);
	conn->ops->released(conn);
}

static void connection_on_release(struct glint_deferred *deferred)
{
	connection_settle(container_of(deferred, struct glint_connection, release));
}

void glint_connection_close(struct glint_connection *conn)
{
	if (conn->state == GLINT_CONNECTION_CLOSED)
		return;

	conn->state = GLINT_CONNECTION_CLOSED;
	conn->ops->closed(conn);
	glint_loop_cancel(conn->loop, &conn->recv_op);
	glint_loop_cancel(conn->loop, &conn->send_op);
	/* The caller may still use @conn. */
	if (connection_is_over(conn))
		glint_loop_defer(conn->loop, &conn->release);
}

void glint_connection_linger(struct glint_connection *conn)
{
	assert(conn->state == GLINT_CONNECTION_OPEN && !glint_connection_is_sending(conn));

	conn->state = GLINT_CONNECTION_LINGERING;
	conn->idle_since_ns = glint_now_ns();
	conn->deadline_ns = conn->idle_since_ns + MIN(LINGER_NS, conn->timeout_ns);
	(void)shutdown(conn->fd, SHUT_WR);
	if (conn->input_ended)
		glint_connection_close(conn);
	else
		glint_connection_discard(conn);
}

/* --- Input ---------------------------------------------------------------------------- */

void glint_connection_receive(struct glint_connection *conn)
{
	size_t space = sizeof(conn->in) - conn->in_used;

	assert(conn->in_used <= sizeof(conn->in));

	if (conn->state == GLINT_CONNECTION_CLOSED || conn->input_ended || space == 0 ||
	    glint_op_busy(&conn->recv_op))
		return;
	conn->in_arrives_at = conn->in_used;
	glint_loop_recv(conn->loop, &conn->recv_op, conn->fd, conn->in + conn->in_used, space);
}

void glint_connection_take(struct glint_connection *conn, size_t count)
{
	assert(count <= conn->in_used);

	conn->in_used -= count;
	memmove(conn->in, conn->in + count, conn->in_used);
}

void glint_connection_discard(struct glint_connection *conn)
{
	conn->discarded += conn->in_used;
	conn->in_used = 0;
	if (conn->discarded > DISCARDED_MAX)
		glint_connection_close(conn);
	else
		glint_connection_receive(conn);
}

static void connection_received(struct glint_connection *conn, int res)
{
	struct pollfd poll_fd = { .fd = conn->fd };
	bool is_gone;

	if (res > 0) {
		assert((size_t)res <= sizeof(conn->in) - conn->in_arrives_at);
		assert(conn->in_used <= conn->in_arrives_at);
		/* The owner may have taken bytes since the receive began: close the gap. */
		memmove(conn->in + conn->in_used, conn->in + conn->in_arrives_at, (size_t)res);
		conn->in_used += (size_t)res;
	}
	conn->input_ended = res == 0;
	/* Whether the peer has closed both directions; on TCP the kernel cannot know. */
	is_gone = conn->input_ended && poll(&poll_fd, 1, 0) > 0 &&
		  poll_fd.revents & (POLLHUP | POLLERR);

	/* A peer that has closed only its own direction waits for its reply. */
	if (res < 0 || is_gone)
		glint_connection_close(conn);
	else if (conn->state == GLINT_CONNECTION_OPEN)
		conn->ops->input(conn);
	else if (conn->input_ended)
		glint_connection_close(conn);
	else
		glint_connection_discard(conn);
}

static void connection_on_recv(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_connection *conn = container_of(op, struct glint_connection, recv_op);

	(void)flags;
	if (conn->state != GLINT_CONNECTION_CLOSED)
		connection_received(conn, res);
	connection_settle(conn);
}

/* --- Output --------------------------------------------------------------------------- */

void glint_connection_put(struct glint_connection *conn, const void *bytes, size_t count)
{
	assert(!glint_connection_is_sending(conn));
	assert(conn->msg.msg_iovlen < ARRAY_SIZE(conn->parts));

	conn->parts[conn->msg.msg_iovlen++] =
		(struct iovec){ .iov_base = (void *)bytes, .iov_len = count };
}

static void connection_reset_msg(struct glint_connection *conn)
{
	conn->msg = (struct msghdr){ .msg_iov = conn->parts, .msg_iovlen = 1 };
}

static void connection_send_rest(struct glint_connection *conn)
{
	conn->taken_ns = glint_now_ns();
	glint_loop_send(conn->loop, &conn->send_op, conn->fd, &conn->msg);
}

void glint_connection_send(struct glint_connection *conn, const void *head, size_t count)
{
	assert(conn->state == GLINT_CONNECTION_OPEN && !glint_connection_is_sending(conn));
	assert(conn->msg.msg_iov == conn->parts && conn->total_sent);

	conn->parts[0] = (struct iovec){ .iov_base = (void *)head, .iov_len = count };
	connection_send_rest(conn);
}

/* Remove the first @count bytes from the message. */
static void msg_advance(struct msghdr *msg, size_t count)
{
	while (msg->msg_iovlen > 0 && count >= msg->msg_iov->iov_len) {
		count -= msg->msg_iov->iov_len;
		msg->msg_iov++;
		msg->msg_iovlen--;
	}
	if (count > 0) {
		assert(msg->msg_iovlen > 0);
		msg->msg_iov->iov_base = (char *)msg->msg_iov->iov_base + count;
		msg->msg_iov->iov_len -= count;
	}
}

static void connection_sent(struct glint_connection *conn, size_t count)
{
	conn->bytes_sent += count;
	*conn->total_sent += count;
	msg_advance(&conn->msg, count);
	if (conn->msg.msg_iovlen > 0) {
		connection_send_rest(conn);
		return;
	}
	connection_reset_msg(conn);
	conn->ops->sent(conn);
}

static void connection_on_send(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_connection *conn = container_of(op, struct glint_connection, send_op);

	(void)flags;
	if (conn->state != GLINT_CONNECTION_CLOSED && res >= 0)
		connection_sent(conn, (size_t)res);
	else
		glint_connection_close(conn);
	connection_settle(conn);
}

void glint_connection_fit(struct glint_connection *conn, size_t size)
{
	size_t fits = conn->sndbuf_size;
	int bytes;

	/* On TCP the window is the kernel's choice: the kernel knows the delay of the path. */
	if (conn->facts.tcp || size > SNDBUF_MAX || (size <= fits && size >= fits / 4))
		return;

	/* A quarter more, so that a slightly larger picture fits. The kernel doubles the value. */
	conn->sndbuf_size = size + size / 4;
	bytes = (int)(conn->sndbuf_size / 2 + SNDBUF_MIN);
	/* For speed only: a socket that refuses the option works as well. */
	(void)setsockopt(conn->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

/* --- Progress ------------------------------------------------------------------------- */

/*
 * The peer's kernel takes bytes before the peer reads them, and has space again in steps of some
 * hundred kB. So the peer gets the time that a slow reader needs for the bytes that were taken.
 */
static void connection_allow_reading(struct glint_connection *conn, uint64_t now_ns, uint64_t count)
{
	uint64_t per_byte_ns = conn->timeout_ns / TCP_SLOWEST;
	uint64_t due_ns;

	due_ns = MAX(conn->read_by_ns, now_ns) + per_byte_ns * MIN(count, TCP_AHEAD_MAX);
	conn->read_by_ns = MIN(due_ns, now_ns + per_byte_ns * TCP_AHEAD_MAX);
}

/*
 * Update @taken from the number of bytes that wait in the socket. A completed send says too little:
 * a send completes when the kernel has space for all of it, and a socket reports space when much of
 * its buffer is free (three quarters on a unix socket). Bytes leave a unix socket when the peer
 * reads them, and a TCP socket when the peer's kernel has space for them.
 */
static void connection_update_progress(struct glint_connection *conn, uint64_t now_ns)
{
	int64_t taken;
	int waiting;

	if (ioctl(conn->fd, SIOCOUTQ, &waiting) < 0)
		return;
	taken = (int64_t)conn->bytes_sent - waiting;
	if (taken > conn->taken) {
		conn->taken_ns = now_ns;
		if (conn->facts.tcp)
			connection_allow_reading(conn, now_ns, (uint64_t)(taken - conn->taken));
	}
	conn->taken = taken;
}

bool glint_connection_is_stuck(struct glint_connection *conn, uint64_t now_ns, uint64_t patience_ns)
{
	uint64_t timeout_ms = conn->timeout_ns / GLINT_NSEC_PER_MSEC, ahead_ms = 0;

	if (!glint_connection_is_sending(conn))
		return false;
	connection_update_progress(conn, now_ns);
	if (conn->read_by_ns > conn->taken_ns)
		ahead_ms = (conn->read_by_ns - conn->taken_ns) / GLINT_NSEC_PER_MSEC;
	return now_ns - conn->taken_ns >=
	       patience_ns + patience_ns * ahead_ms / MAX(timeout_ms, 1u);
}

/* --- The beginning -------------------------------------------------------------------- */

void glint_connection_init(struct glint_connection *conn, struct glint_loop *loop, int fd,
			   const struct glint_peer_facts *facts,
			   const struct glint_connection_ops *ops)
{
	assert(fd >= 0 && ops->input && ops->sent && ops->late && ops->closed && ops->released);

	*conn = (struct glint_connection){
		.ops = ops,
		.loop = loop,
		.fd = fd,
		.facts = *facts,
		.deadline_ns = GLINT_CONNECTION_NEVER,
		.recv_op.done = connection_on_recv,
		.send_op.done = connection_on_send,
		.release.run = connection_on_release,
	};
	connection_reset_msg(conn);
	glint_list_init(&conn->link);
	/* The id is not a secret, so the time will do as well. */
	if (getrandom(&conn->id, sizeof(conn->id), GRND_NONBLOCK) < 0)
		conn->id = glint_now_ns();
}
