/* SPDX-License-Identifier: MIT */
/*
 * Peers: the other ends of connections, for limits. On a unix socket a peer is a process, because
 * most of a lab often runs as one user. Wrong logins count for the user, because a script may start
 * a process for each try. On TCP a peer is an IPv4 address or an IPv6 /64, because a host may use
 * any address of its /64.
 *
 * A peer lives while a connection refers to it, or while its wrong logins count. At most
 * GLINT_PEERS_REMEMBERED peers stay without a connection; the oldest is freed first.
 */
#ifndef GLINT_SOCK_PEER_H
#define GLINT_SOCK_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define GLINT_PEERS_REMEMBERED 256u
#define GLINT_PEER_NAME_MAX    64u

struct glint_peer_key {
	uint8_t bytes[20]; /* a kind, and the identity of a peer of that kind */
};

/* What the kernel knows about the other end of a connection. */
struct glint_peer_facts {
	struct glint_peer_key share;	/* peer for the limit of places */
	struct glint_peer_key login;	/* peer for the limit of wrong logins */
	char name[GLINT_PEER_NAME_MAX]; /* for the log: "192.0.2.1:4000", "uid 0 pid 4000" */
	bool tcp;
	bool local; /* on this host: may be a proxy, which names its client */
};

struct glint_peer {
	struct glint_list link;	      /* in its bucket */
	struct glint_list remembered; /* in the list of peers without a connection */
	struct glint_peer_key key;
	unsigned refs;
	unsigned clients;   /* connections in ordinary places */
	unsigned monitors;  /* connections in places for monitors */
	uint64_t forget_ns; /* end of the memory of wrong logins; 0: there were none */
	uint64_t checks_ns; /* time at which the logins so far are due, at the rate of checks */
};

struct glint_peers {
	struct glint_list buckets[64];
	struct glint_list remembered; /* oldest first */
	unsigned n_remembered;
	unsigned n_connected; /* peers with clients */
};

void glint_peers_init(struct glint_peers *peers);

/* No connection may refer to a peer. */
void glint_peers_fini(struct glint_peers *peers);

/* Ask the kernel about @fd. Cannot fail: all peers that the kernel does not know are one peer. */
void glint_peer_ask(struct glint_peer_facts *facts, int fd, bool tcp);

/* Returns a reference to the peer of @key; NULL: no memory. */
struct glint_peer *glint_peer_get(struct glint_peers *peers, const struct glint_peer_key *key);

/* NULL is fine. Returns NULL. */
struct glint_peer *glint_peer_put(struct glint_peers *peers, struct glint_peer *peer);
#endif
