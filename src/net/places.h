/* SPDX-License-Identifier: MIT */
/*
 * Who gets a place. There are --clients-max ordinary ones, for any request. Beyond them,
 * while streams have at least half of those, a few are for /state and /snapshot
 * only; and a few connections are told that there is no place.
 *
 * In a full house a peer with less than its share (--clients-max over the peers that are
 * connected) gets the place of a peer that has more than it: of a connection that
 * waits for nothing, has not completed its request, or takes nothing. Where the service
 * listens on both unix and TCP, neither can take the places that are kept for the other.
 */
#ifndef GLINT_NET_PLACES_H
#define GLINT_NET_PLACES_H

#include <stdbool.h>

#include "net/net.h"

/* The rest is for connections that are about to end. */
#define GLINT_MONITORS_MAX (GLINT_NET_EXTRA_MAX / 2)

struct glint_client;
struct glint_net;
struct glint_peer;

enum glint_place {
	GLINT_PLACE_ANY,	/* ordinary */
	GLINT_PLACE_MONITOR,	/* for one /state or /snapshot */
	GLINT_PLACE_REFUSED,	/* to be told so */
	GLINT_PLACE_NONE,	/* not even that */
};

/* For a new connection; may close another one for it. */
enum glint_place glint_place_choose(struct glint_net *net, const struct glint_peer *peer, bool tcp);

/* Answers @client, or its request, with 503 and what to do about it. */
void glint_place_refuse(struct glint_client *client);

/* @client has, or gives up, the place that it was created with. */
void glint_place_take(struct glint_client *client);
void glint_place_leave(struct glint_client *client);
#endif
