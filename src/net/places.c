/* SPDX-License-Identifier: MIT */
#include "net/places.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/client.h"
#include "net/login.h"
#include "net/notes.h"
#include "net/reply.h"
#include "net/server.h"

#define REFUSALS_MAX 16u
#define KEPT_PART    8u				/* of the places, for the other kind of socket */
#define STUCK_NS     (1 * GLINT_NSEC_PER_SEC)	/* takes nothing: its place may go to another peer */

static const struct glint_log_topic topic = { "net" };

/* Places of the other kind's that @tcp must leave free. */
static unsigned places_kept(const struct glint_net *net)
{
	unsigned max = net->config.clients_max;

	if (!net->listeners.mixed || max < 2)
		return 0;
	return MAX(max / KEPT_PART, 1u);
}

/* --- Making room ------------------------------------------------------------------------ */

/* Whether @client's place is of little use to it; since when. */
static bool client_is_dispensable(const struct glint_client *client, uint64_t now_ns,
				  uint64_t *since_ns)
{
	if (client->place != GLINT_PLACE_ANY || client->state == GLINT_CLIENT_CLOSED)
		return false;
	if (glint_client_is_sending(client)) {
		*since_ns = client->taken_ns;
		return now_ns - client->taken_ns >= STUCK_NS;
	}
	if (IS_ENABLED(CONFIG_NET_AUTH) && glint_login_is_held(client)) {
		*since_ns = client->request_ns;
		return true;
	}
	*since_ns = client->waiting_ns;
	return client->state == GLINT_CLIENT_READING || client->state == GLINT_CLIENT_LINGERING;
}

/* Of the peer with the most connections, more than @peer has, the oldest one. */
static struct glint_client *places_victim(struct glint_net *net, const struct glint_peer *peer,
					  bool same_kind, bool tcp)
{
	uint64_t now_ns = glint_now_ns(), since_ns, oldest_ns = 0;
	struct glint_client *client, *victim = NULL;

	glint_list_for_each(client, &net->clients, link) {
		unsigned has = client->peer->clients;

		if (has <= peer->clients || (same_kind && client->tcp != tcp) ||
		    !client_is_dispensable(client, now_ns, &since_ns))
			continue;
		if (!victim || has > victim->peer->clients ||
		    (has == victim->peer->clients && since_ns < oldest_ns)) {
			victim = client;
			oldest_ns = since_ns;
		}
	}
	return victim;
}

static bool places_make_room(struct glint_net *net, const struct glint_peer *peer, bool same_kind,
			     bool tcp)
{
	unsigned n_peers = net->peers.n_connected + (peer->clients == 0);
	struct glint_client *victim;

	if (peer->clients >= MAX(net->config.clients_max / n_peers, 1u))
		return false;
	victim = places_victim(net, peer, same_kind, tcp);
	if (!victim)
		return false;
	net->counters.displaced++;
	glint_log_verbose(&topic, "%016llx of %s makes room for another peer",
			  (unsigned long long)victim->id, victim->name);
	glint_client_close(victim);
	return true;
}

/* --- Choosing ----------------------------------------------------------------------------- */

enum glint_place glint_place_choose(struct glint_net *net, const struct glint_peer *peer, bool tcp)
{
	unsigned max = net->config.clients_max;
	bool kind_is_full = net->n_of_kind[tcp] >= max - places_kept(net);

	if (net->counters.clients < max && !kind_is_full)
		return GLINT_PLACE_ANY;
	if (places_make_room(net, peer, kind_is_full, tcp))
		return GLINT_PLACE_ANY;
	if (net->counters.streams * 2 >= max && net->n_monitors < GLINT_MONITORS_MAX &&
	    peer->monitors < GLINT_MONITORS_MAX / 2)
		return GLINT_PLACE_MONITOR;
	return net->n_refusing < REFUSALS_MAX ? GLINT_PLACE_REFUSED : GLINT_PLACE_NONE;
}

void glint_place_refuse(struct glint_client *client)
{
	glint_note_refused(client->net, client->name);
	client->keep_alive = false;
	glint_reply_refusal(client, 503, "too-many-clients",
			    "all places are taken; glintd --clients-max sets how many there are");
}

static void place_count(struct glint_client *client, unsigned by)
{
	struct glint_net *net = client->net;

	switch (client->place) {
	case GLINT_PLACE_ANY:
		net->counters.clients += by;
		net->n_of_kind[client->tcp] += by;
		client->peer->clients += by;
		break;
	case GLINT_PLACE_MONITOR:
		net->n_monitors += by;
		client->peer->monitors += by;
		break;
	case GLINT_PLACE_REFUSED:
	case GLINT_PLACE_NONE:
		net->n_refusing += by;
		break;
	}
}

void glint_place_take(struct glint_client *client)
{
	if (client->place == GLINT_PLACE_ANY && client->peer->clients == 0)
		client->net->peers.n_connected++;
	place_count(client, 1);
}

void glint_place_leave(struct glint_client *client)
{
	place_count(client, -1u);
	if (client->place == GLINT_PLACE_ANY && client->peer->clients == 0)
		client->net->peers.n_connected--;
}
