/* SPDX-License-Identifier: MIT */
/*
 * The other end of a connection, as the limits count it. On a unix socket a peer is a
 * process, as most of a lab often runs as one user; logins are counted for the user, as
 * a script may start a process for each try. On TCP a peer is an IPv4 address or an
 * IPv6 /64 for both: a host may take any address of its /64.
 *
 * A peer lives while a connection refers to it and while its wrong logins count. At most
 * GLINT_PEERS_REMEMBERED stay without a connection; the oldest goes first.
 */
#ifndef GLINT_NET_PEER_H
#define GLINT_NET_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define GLINT_PEERS_REMEMBERED 256u
#define GLINT_PEER_NAME_MAX    64u

struct glint_peer_key {
	uint8_t bytes[20];	/* a kind, and what tells peers of that kind apart */
};

/* What the kernel tells of a connection's other end. */
struct glint_peer_facts {
	struct glint_peer_key share, login;
	char name[GLINT_PEER_NAME_MAX];	/* for the log: "192.0.2.1:4000", "uid 0 pid 4000" */
	bool tcp;
	bool local;		/* on this host: a proxy may say for whom it asks */
};

struct glint_peer {
	struct glint_list link;		/* of its bucket */
	struct glint_list remembered;	/* without a connection */
	struct glint_peer_key key;
	unsigned refs;
	unsigned clients;		/* connections in ordinary places */
	unsigned monitors;		/* connections in places for /state and /snapshot */
	uint64_t forget_ns;		/* when its wrong logins count no more; 0: there were none */
	uint64_t checks_ns;		/* when its logins so far would be due, at the rate of checks */
};

struct glint_peers {
	struct glint_list buckets[64];
	struct glint_list remembered;	/* oldest first */
	unsigned n_remembered;
	unsigned n_connected;		/* peers with clients */
};

void glint_peers_init(struct glint_peers *peers);

/* When nobody refers to a peer any more. */
void glint_peers_fini(struct glint_peers *peers);

/* Cannot fail: peers that the kernel tells nothing of are one peer. */
void glint_peer_ask(struct glint_peer_facts *facts, int fd, bool tcp);

/* A reference to the peer of @key; NULL: no memory. */
struct glint_peer *glint_peer_get(struct glint_peers *peers, const struct glint_peer_key *key);

/* NULL is fine. Returns NULL. */
struct glint_peer *glint_peer_put(struct glint_peers *peers, struct glint_peer *peer);
#endif
