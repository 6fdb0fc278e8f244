/* SPDX-License-Identifier: MIT */
#include "sock/peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

enum kind {
	KIND_UNKNOWN,
	KIND_PROCESS,
	KIND_USER,
	KIND_IPV4,
	KIND_IPV6,
};

/* --- What the kernel knows ------------------------------------------------------------ */

static struct glint_peer_key key_of(enum kind kind, const void *bytes, size_t count)
{
	struct glint_peer_key key = { .bytes = { (uint8_t)kind } };

	assert(count < sizeof(key.bytes));
	memcpy(key.bytes + 1, bytes, count);
	return key;
}

/* Processes of other pid namespaces have pid 0, so they are one peer. */
static void ask_unix(struct glint_peer_facts *facts, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		strcpy(facts->name, "an unknown process");
		return;
	}
	facts->share = key_of(KIND_PROCESS, &cred.pid, sizeof(cred.pid));
	facts->login = key_of(KIND_USER, &cred.uid, sizeof(cred.uid));
	snprintf(facts->name, sizeof(facts->name), "uid %u pid %d", (unsigned)cred.uid,
		 (int)cred.pid);
}

static void take_ipv4(struct glint_peer_facts *facts, const void *address, unsigned port)
{
	char text[INET_ADDRSTRLEN] = "";

	facts->share = key_of(KIND_IPV4, address, sizeof(struct in_addr));
	facts->local = *(const uint8_t *)address == IN_LOOPBACKNET;
	inet_ntop(AF_INET, address, text, sizeof(text));
	snprintf(facts->name, sizeof(facts->name), "%s:%u", text, port);
}

static void take_ipv6(struct glint_peer_facts *facts, const struct sockaddr_in6 *from)
{
	const struct in6_addr *address = &from->sin6_addr;
	unsigned port = ntohs(from->sin6_port);
	char text[INET6_ADDRSTRLEN] = "";
	/* All hosts of a link have the same link-local /64. */
	bool whole = IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_LOOPBACK(address);

	if (IN6_IS_ADDR_V4MAPPED(address)) {
		take_ipv4(facts, address->s6_addr + 12, port);
		return;
	}
	facts->share = key_of(KIND_IPV6, address, whole ? sizeof(*address) : 8);
	facts->local = IN6_IS_ADDR_LOOPBACK(address);
	inet_ntop(AF_INET6, address, text, sizeof(text));
	snprintf(facts->name, sizeof(facts->name), "[%s]:%u", text, port);
}

static void ask_tcp(struct glint_peer_facts *facts, int fd)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);

	strcpy(facts->name, "an unknown host");
	/* This fails if the peer has disconnected. */
	if (getpeername(fd, (struct sockaddr *)&from, &len) < 0)
		return;
	if (from.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&from;

		take_ipv4(facts, &in->sin_addr, ntohs(in->sin_port));
	} else if (from.ss_family == AF_INET6) {
		take_ipv6(facts, (const struct sockaddr_in6 *)&from);
	}
	facts->login = facts->share;
}

void glint_peer_ask(struct glint_peer_facts *facts, int fd, bool tcp)
{
	*facts = (struct glint_peer_facts){ .tcp = tcp, .local = !tcp };
	if (tcp)
		ask_tcp(facts, fd);
	else
		ask_unix(facts, fd);
}

/* --- The table ------------------------------------------------------------------------- */

void glint_peers_init(struct glint_peers *peers)
{
	*peers = (struct glint_peers){ 0 };
	glint_list_init(&peers->remembered);
	for (unsigned i = 0; i < ARRAY_SIZE(peers->buckets); i++)
		glint_list_init(&peers->buckets[i]);
}

static struct glint_list *bucket_of(struct glint_peers *peers, const struct glint_peer_key *key)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (unsigned i = 0; i < sizeof(key->bytes); i++)
		hash = (hash ^ key->bytes[i]) * 16777619u;
	return &peers->buckets[(hash ^ hash >> 16) % ARRAY_SIZE(peers->buckets)];
}

static void peer_free(struct glint_peers *peers, struct glint_peer *peer)
{
	assert(peer->refs == 0 && peer->clients == 0 && peer->monitors == 0);

	if (!glint_list_empty(&peer->remembered))
		peers->n_remembered--;
	glint_list_remove(&peer->remembered);
	glint_list_remove(&peer->link);
	free(peer);
}

void glint_peers_fini(struct glint_peers *peers)
{
	struct glint_peer *peer;

	assert(peers->n_connected == 0);

	glint_list_for_each(peer, &peers->remembered, remembered)
		peer_free(peers, peer);
	assert(peers->n_remembered == 0);
	for (unsigned i = 0; i < ARRAY_SIZE(peers->buckets); i++)
		assert(glint_list_empty(&peers->buckets[i]));
}

struct glint_peer *glint_peer_get(struct glint_peers *peers, const struct glint_peer_key *key)
{
	struct glint_list *bucket = bucket_of(peers, key);
	struct glint_peer *peer;

	glint_list_for_each(peer, bucket, link)
		if (memcmp(&peer->key, key, sizeof(*key)) == 0)
			goto found;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->key = *key;
	glint_list_init(&peer->remembered);
	glint_list_append(bucket, &peer->link);

found:
	if (!glint_list_empty(&peer->remembered))
		peers->n_remembered--;
	glint_list_remove(&peer->remembered);
	peer->refs++;
	return peer;
}

struct glint_peer *glint_peer_put(struct glint_peers *peers, struct glint_peer *peer)
{
	struct glint_peer *oldest;
	uint64_t now_ns;

	if (!peer)
		return NULL;
	assert(peer->refs > 0 && glint_list_empty(&peer->remembered));
	if (--peer->refs > 0)
		return NULL;
	assert(peer->clients == 0 && peer->monitors == 0); /* a place has a reference */
	if (peer->forget_ns == 0) {
		peer_free(peers, peer);
		return NULL;
	}
	now_ns = glint_now_ns();
	glint_list_append(&peers->remembered, &peer->remembered);
	peers->n_remembered++;
	/* Free those whose wrong logins do not count any more, and those above the limit. */
	glint_list_for_each(oldest, &peers->remembered, remembered) {
		if (oldest->forget_ns > now_ns && peers->n_remembered <= GLINT_PEERS_REMEMBERED)
			break;
		peer_free(peers, oldest);
	}
	return NULL;
}
