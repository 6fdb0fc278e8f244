/* SPDX-License-Identifier: MIT */
#include "sock/pool.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/clock.h"
#include "base/log.h"

#define REFUSALS_MAX 16u
#define RESERVED     8u /* one of so many places is reserved for the other kind of socket */
#define STUCK_NS     (1 * GLINT_NSEC_PER_SEC) /* a peer that reads nothing may lose its place */
#define CROWDED_NS   (1 * GLINT_NSEC_PER_SEC) /* shortest timeout, if few places are free */
#define NOT_SENT_MAX 65536		      /* bytes in a TCP socket that are not sent yet */

static const struct glint_log_topic topic = { "net" };

/* --- Places --------------------------------------------------------------------------- */

/* Return whether another peer may get the place of @conn, and since when. */
static bool connection_is_dispensable(const struct glint_connection *conn, uint64_t now_ns,
				      uint64_t *since_ns)
{
	if (conn->place != GLINT_PLACE_ANY || conn->state == GLINT_CONNECTION_CLOSED)
		return false;
	if (glint_connection_is_sending(conn)) {
		*since_ns = conn->taken_ns;
		return now_ns - conn->taken_ns >= STUCK_NS;
	}
	*since_ns = conn->idle_since_ns;
	return conn->idle_since_ns > 0;
}

/* Return the oldest dispensable connection of the peer with the most, and more than @peer. */
static struct glint_connection *pool_victim(struct glint_pool *pool, const struct glint_peer *peer,
					    bool same_kind, bool tcp)
{
	uint64_t now_ns = glint_now_ns(), since_ns, oldest_ns = 0;
	struct glint_connection *conn, *victim = NULL;

	glint_list_for_each(conn, &pool->connections, link) {
		unsigned has = conn->peer->clients;

		if (has <= peer->clients || (same_kind && conn->facts.tcp != tcp) ||
		    !connection_is_dispensable(conn, now_ns, &since_ns))
			continue;
		if (!victim || has > victim->peer->clients ||
		    (has == victim->peer->clients && since_ns < oldest_ns)) {
			victim = conn;
			oldest_ns = since_ns;
		}
	}
	return victim;
}

static bool pool_displace(struct glint_pool *pool, const struct glint_peer *peer, bool same_kind,
			  bool tcp)
{
	unsigned n_peers = pool->peers.n_connected + (peer->clients == 0);
	struct glint_connection *victim;

	assert(n_peers > 0 && peer->refs > 0);

	if (peer->clients >= MAX(pool->config.clients_max / n_peers, 1u))
		return false;
	victim = pool_victim(pool, peer, same_kind, tcp);
	if (!victim)
		return false;
	pool->displaced++;
	glint_events_limit(pool->config.events, GLINT_LIMIT_SHARE);
	glint_log_verbose(&topic, "%016llx from %s is closed: another peer needs the place",
			  (unsigned long long)victim->id, victim->facts.name);
	glint_connection_close(victim);
	return true;
}

/* Return the kind of place for a new connection, or -EUSERS. */
static int pool_choose_place(struct glint_pool *pool, const struct glint_peer *peer, bool tcp)
{
	unsigned max = pool->config.clients_max;
	unsigned reserved = pool->config.mixed && max >= 2 ? MAX(max / RESERVED, 1u) : 0;
	bool kind_is_full = pool->n_of_kind[tcp] >= max - reserved;

	assert(reserved < max);

	if (pool->n_clients < max && !kind_is_full)
		return GLINT_PLACE_ANY;
	if (pool_displace(pool, peer, kind_is_full, tcp))
		return GLINT_PLACE_ANY;
	if (pool->n_streams * 2 >= max && pool->n_monitors < GLINT_POOL_MONITORS &&
	    peer->monitors < GLINT_POOL_MONITORS / 2)
		return GLINT_PLACE_MONITOR;
	return pool->n_refusing < REFUSALS_MAX ? GLINT_PLACE_REFUSED : -EUSERS;
}

static void pool_count(struct glint_pool *pool, const struct glint_connection *conn, unsigned by)
{
	struct glint_peer *peer = conn->peer;

	switch (conn->place) {
	case GLINT_PLACE_ANY:
		pool->peers.n_connected -= peer->clients > 0;
		pool->n_clients += by;
		pool->n_of_kind[conn->facts.tcp] += by;
		peer->clients += by;
		pool->peers.n_connected += peer->clients > 0;
		assert(pool->n_of_kind[false] + pool->n_of_kind[true] == pool->n_clients);
		break;
	case GLINT_PLACE_MONITOR:
		pool->n_monitors += by;
		peer->monitors += by;
		assert(pool->n_monitors <= GLINT_POOL_MONITORS);
		break;
	case GLINT_PLACE_REFUSED:
		pool->n_refusing += by;
		assert(pool->n_refusing <= REFUSALS_MAX);
		break;
	}
}

/* --- Coming and going ----------------------------------------------------------------- */

int glint_pool_refuse(struct glint_pool *pool, const struct glint_peer_facts *facts, int err)
{
	pool->refused++;
	glint_events_limit(pool->config.events, GLINT_LIMIT_CONNECTIONS);
	if (err == -EUSERS)
		glint_log_limited(
			&topic, GLINT_LOG_WARN,
			"a connection from %s is refused: %u are connected, of at most %u "
			"(--clients-max)",
			facts->name, pool->n_clients, pool->config.clients_max);
	else
		glint_log_err(&topic, err, "cannot serve a connection from %s", facts->name);
	return err;
}

int glint_pool_admit(struct glint_pool *pool, struct glint_connection *conn, int fd,
		     const struct glint_peer_facts *facts, const struct glint_connection_ops *ops)
{
	struct glint_peer *peer = glint_peer_get(&pool->peers, &facts->share);
	struct glint_peer *login = glint_peer_get(&pool->peers, &facts->login);
	int place = -ENOMEM, on = 1, not_sent = NOT_SENT_MAX;

	if (peer && login)
		place = pool_choose_place(pool, peer, facts->tcp);
	if (place < 0) {
		glint_peer_put(&pool->peers, login);
		glint_peer_put(&pool->peers, peer);
		glint_close(&fd);
		return glint_pool_refuse(pool, facts, place);
	}

	/* These options are for speed: a socket that refuses them works as well. */
	if (facts->tcp && pool->config.tcp_nodelay)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (facts->tcp)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &not_sent, sizeof(not_sent));
	glint_connection_init(conn, pool->loop, fd, facts, ops);
	conn->timeout_ns = pool->config.timeout_ns;
	conn->total_sent = &pool->bytes_sent;
	conn->place = (enum glint_place)place;
	conn->peer = peer;
	conn->login = login;
	pool_count(pool, conn, 1);
	pool->accepted += place == GLINT_PLACE_ANY;
	glint_list_append(&pool->connections, &conn->link);
	if (pool->sweep.due_ns == GLINT_ALARM_NEVER)
		glint_pool_sweep(pool);
	return 0;
}

void glint_pool_leave(struct glint_pool *pool, struct glint_connection *conn)
{
	assert(conn->state == GLINT_CONNECTION_CLOSED && !glint_list_empty(&conn->link));

	glint_list_remove(&conn->link);
	pool_count(pool, conn, -1u);
	conn->login = glint_peer_put(&pool->peers, conn->login);
	conn->peer = glint_peer_put(&pool->peers, conn->peer);
}

/* --- Connections that are too slow ---------------------------------------------------- */

void glint_pool_time_out(struct glint_pool *pool, struct glint_connection *conn, const char *why)
{
	pool->timed_out++;
	glint_events_limit(pool->config.events, GLINT_LIMIT_TIME);
	glint_log_verbose(&topic, "%016llx is closed: the peer %s", (unsigned long long)conn->id,
			  why);
	glint_connection_close(conn);
}

/*
 * Return how long a peer may read nothing. If more than half of the places are taken, the time
 * shrinks with the number of free places, down to CROWDED_NS, so that unread connections end sooner.
 */
static uint64_t pool_patience_ns(const struct glint_pool *pool)
{
	uint64_t timeout_ns = pool->config.timeout_ns;
	unsigned max = pool->config.clients_max, half = max / 2, free_places;

	free_places = pool->n_clients < max ? max - pool->n_clients : 0;
	if (free_places >= half)
		return timeout_ns;
	return MAX(timeout_ns * free_places / half, MIN(timeout_ns, CROWDED_NS));
}

void glint_pool_sweep(struct glint_pool *pool)
{
	uint64_t now_ns = glint_now_ns();
	uint64_t patience_ns = pool_patience_ns(pool);
	struct glint_connection *conn;

	glint_list_for_each(conn, &pool->connections, link) {
		if (conn->state == GLINT_CONNECTION_CLOSED)
			continue;
		if (conn->deadline_ns <= now_ns && !glint_connection_is_sending(conn))
			conn->ops->late(conn);
		else if (glint_connection_is_stuck(conn, now_ns, patience_ns))
			glint_pool_time_out(pool, conn, "takes nothing of its data");
	}
	if (glint_list_empty(&pool->connections))
		glint_alarm_set(&pool->sweep, GLINT_ALARM_NEVER);
	else
		glint_alarm_set(&pool->sweep,
				now_ns + MIN(patience_ns / 4 + 1, GLINT_NSEC_PER_SEC));
}

void glint_pool_set_timeout(struct glint_pool *pool, uint64_t timeout_ns)
{
	struct glint_connection *conn;

	pool->config.timeout_ns = timeout_ns;
	glint_list_for_each(conn, &pool->connections, link)
		conn->timeout_ns = timeout_ns;
}

static void pool_on_sweep(struct glint_alarm *alarm)
{
	glint_pool_sweep(container_of(alarm, struct glint_pool, sweep));
}

/* --- Life ----------------------------------------------------------------------------- */

void glint_pool_init(struct glint_pool *pool, struct glint_loop *loop,
		     const struct glint_pool_config *config)
{
	assert(config->clients_max > 0);

	*pool = (struct glint_pool){ .loop = loop, .config = *config };
	glint_list_init(&pool->connections);
	glint_peers_init(&pool->peers);
	glint_alarm_init(&pool->sweep, loop, pool_on_sweep);
}

void glint_pool_fini(struct glint_pool *pool)
{
	assert(!glint_pool_busy(pool));
	assert(pool->n_clients == 0 && pool->n_monitors == 0 && pool->n_refusing == 0);

	glint_peers_fini(&pool->peers);
}

void glint_pool_close(struct glint_pool *pool)
{
	struct glint_connection *conn;

	glint_list_for_each(conn, &pool->connections, link)
		glint_connection_close(conn);
	glint_alarm_end(&pool->sweep);
}

bool glint_pool_busy(const struct glint_pool *pool)
{
	return !glint_list_empty(&pool->connections) || glint_alarm_busy(&pool->sweep);
}
