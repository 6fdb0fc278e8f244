/* SPDX-License-Identifier: MIT */
/*
 * A connection: bytes in, bytes out, and a deadline. The owner embeds the connection, gives the
 * bytes a meaning, and gets events through @ops. At most one receive and one send are under way.
 * Loop thread only.
 *
 * The connection's memory, and the bytes that are being sent, must stay until released() is called.
 */
#ifndef GLINT_SOCK_CONNECTION_H
#define GLINT_SOCK_CONNECTION_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "core/loop.h"
#include "sock/peer.h"

#define GLINT_CONNECTION_IN_MAX	   4096u
#define GLINT_CONNECTION_PARTS_MAX 51u /* a head, one more of each image, a packet, an end */
#define GLINT_CONNECTION_NEVER	   UINT64_MAX

struct glint_connection;

struct glint_connection_ops {
	/* Bytes were added to @in, or @input_ended was set. Not called while lingering. */
	void (*input)(struct glint_connection *conn);
	/* The kernel has all bytes of the last glint_connection_send(). */
	void (*sent)(struct glint_connection *conn);
	/* @deadline_ns has passed while nothing was being sent. */
	void (*late)(struct glint_connection *conn);
	/* The connection ends: leave all lists. Called from within glint_connection_close(). */
	void (*closed)(struct glint_connection *conn);
	/* The last call: the descriptor is closed, and the owner may free the memory. */
	void (*released)(struct glint_connection *conn);
};

enum glint_connection_state {
	GLINT_CONNECTION_OPEN,
	GLINT_CONNECTION_LINGERING, /* this side is closed; the peer's side is not yet */
	GLINT_CONNECTION_CLOSED,
};

/* The kind of place that a connection has in its pool; see sock/pool.h. */
enum glint_place {
	GLINT_PLACE_ANY,     /* ordinary */
	GLINT_PLACE_MONITOR, /* reserved for short requests that watch the service */
	GLINT_PLACE_REFUSED, /* for a reply that says that no place is free */
};

struct glint_connection {
	const struct glint_connection_ops *ops;
	struct glint_loop *loop;
	int fd;
	struct glint_peer_facts facts;
	uint64_t id;	     /* random; identifies the connection in the log and in /state */
	uint64_t timeout_ns; /* for a peer that reads none of its data */
	enum glint_connection_state state;
	uint64_t bytes_sent;
	uint64_t *total_sent; /* sum of all connections of the pool */

	/* Set by the owner. */
	uint64_t deadline_ns;	/* CLOCK_MONOTONIC, or GLINT_CONNECTION_NEVER */
	uint64_t idle_since_ns; /* the owner waits for the peer since then; 0: it does not */

	/* Input. The owner reads @in and calls glint_connection_take(). */
	char in[GLINT_CONNECTION_IN_MAX];
	size_t in_used;
	bool input_ended; /* the peer has closed its side */

	/* Private to the pool. */
	struct glint_list link;
	enum glint_place place;
	struct glint_peer *peer;  /* that has the place */
	struct glint_peer *login; /* to which wrong logins count; often @peer */

	/* Private to the connection. */
	struct glint_op recv_op, send_op;
	struct glint_deferred release;
	size_t in_arrives_at; /* offset in @in at which @recv_op writes; at least in_used */
	size_t discarded;     /* received bytes that were dropped */
	uint64_t taken_ns;    /* while sending: the last time at which the peer took bytes */
	uint64_t read_by_ns;  /* TCP: a slow reader has read the bytes in its kernel by then */
	int64_t taken;	      /* bytes taken at the last glint_connection_is_stuck() */
	size_t sndbuf_size;   /* of one send, for which the socket's buffer was set */
	struct msghdr msg;
	struct iovec parts[GLINT_CONNECTION_PARTS_MAX]; /* the first is the head */
};

/* Take over @fd. Nothing is received before glint_connection_receive(). */
void glint_connection_init(struct glint_connection *conn, struct glint_loop *loop, int fd,
			   const struct glint_peer_facts *facts,
			   const struct glint_connection_ops *ops);

/* Receive more, if there is space and no receive is under way. */
void glint_connection_receive(struct glint_connection *conn);

/* Remove the first @count bytes of @in. */
void glint_connection_take(struct glint_connection *conn, size_t count);

/* Drop all input and receive more. A peer that sends too many such bytes is disconnected. */
void glint_connection_discard(struct glint_connection *conn);

/* Add a part to the next send. The bytes stay in place until sent() or released(). */
void glint_connection_put(struct glint_connection *conn, const void *bytes, size_t count);

/* Send @head and the parts that were put. Calls no function of @ops. */
void glint_connection_send(struct glint_connection *conn, const void *head, size_t count);

static inline bool glint_connection_is_sending(const struct glint_connection *conn)
{
	return glint_op_busy(&conn->send_op);
}

/*
 * Make the socket's buffer hold about one send of @size bytes, because old pictures would wait for a
 * slow reader in a larger buffer. Makes a system call only if sizes change a lot.
 */
void glint_connection_fit(struct glint_connection *conn, size_t size);

/*
 * Returns whether the peer has taken no bytes for @patience_ns while bytes were being sent. On TCP
 * the peer's kernel may have taken bytes for a slow reader, which gets more time for these.
 */
bool glint_connection_is_stuck(struct glint_connection *conn, uint64_t now_ns,
			       uint64_t patience_ns);

/*
 * Close this side after the last reply, and wait a little for the peer to close its side. A close()
 * with unread bytes would reset the connection, and the peer could lose the reply.
 */
void glint_connection_linger(struct glint_connection *conn);

/* End the connection now. Does nothing if it is closed. */
void glint_connection_close(struct glint_connection *conn);
#endif
