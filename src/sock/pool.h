/* SPDX-License-Identifier: MIT */
/*
 * The connections of a service. The pool grants places, and closes connections that are too slow.
 *
 * There are @clients_max ordinary places. If streams have at least half of them, there are
 * GLINT_POOL_MONITORS more for short requests that watch the service. A few further connections get
 * a reply that no place is free.
 *
 * When all places are taken, a peer with less than its share (@clients_max divided by the number of
 * connected peers) gets a place from a peer with more: the place of a connection that is idle, has
 * not completed its request, or whose peer reads none of its data. If the service listens on both
 * unix sockets and TCP, some places are reserved for each.
 */
#ifndef GLINT_SOCK_POOL_H
#define GLINT_SOCK_POOL_H

#include "core/alarm.h"
#include "core/events.h"
#include "sock/connection.h"

#define GLINT_POOL_MONITORS 8u

struct glint_pool_config {
	uint64_t timeout_ns;  /* for a peer that sends or reads nothing */
	unsigned clients_max; /* at least 1 */
	bool tcp_nodelay;
	bool mixed;		     /* there are both unix sockets and TCP */
	struct glint_events *events; /* borrowed; NULL: none */
};

struct glint_pool {
	struct glint_loop *loop;
	struct glint_pool_config config;
	struct glint_list connections;
	struct glint_peers peers;
	struct glint_alarm sweep;
	unsigned n_clients, n_of_kind[2]; /* in ordinary places: all; on unix sockets, on TCP */
	unsigned n_monitors, n_refusing;  /* in the other places */
	unsigned n_streams;		  /* set by the owner: connections that only peers end */
	uint64_t accepted, refused, displaced, timed_out, bytes_sent;
};

void glint_pool_init(struct glint_pool *pool, struct glint_loop *loop,
		     const struct glint_pool_config *config);

/* The pool must not be busy. */
void glint_pool_fini(struct glint_pool *pool);

/*
 * Take over @fd and initialise @conn in a place of the pool, which may close another connection for
 * the place. Errors: -EUSERS (no place), -ENOMEM. An error is logged and counted, @fd is closed, and
 * @conn is unchanged.
 */
int glint_pool_admit(struct glint_pool *pool, struct glint_connection *conn, int fd,
		     const struct glint_peer_facts *facts, const struct glint_connection_ops *ops);

/* Count and log a connection that cannot be served. Returns @err. */
int glint_pool_refuse(struct glint_pool *pool, const struct glint_peer_facts *facts, int err);

/* Free the place. Called from released(). */
void glint_pool_leave(struct glint_pool *pool, struct glint_connection *conn);

/* Count @conn as timed out and close it. @why completes the sentence "the peer ...". */
void glint_pool_time_out(struct glint_pool *pool, struct glint_connection *conn, const char *why);

/* Set the timeout, also of existing connections. A request that has begun keeps its deadline. */
void glint_pool_set_timeout(struct glint_pool *pool, uint64_t timeout_ns);

/* Check all deadlines, and all peers that read nothing. The pool also does this by itself. */
void glint_pool_sweep(struct glint_pool *pool);

/* Close all connections, which are gone when the pool is no longer busy. */
void glint_pool_close(struct glint_pool *pool);
bool glint_pool_busy(const struct glint_pool *pool);
#endif
