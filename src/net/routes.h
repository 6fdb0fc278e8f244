/* SPDX-License-Identifier: MIT */
/* Who answers what. */
#ifndef GLINT_NET_ROUTES_H
#define GLINT_NET_ROUTES_H

struct glint_client;

/* Answers the request that @client has read. */
void glint_routes_dispatch(struct glint_client *client);

/* The handlers, one file a group; each answers a GET. */
void glint_route_state(struct glint_client *client);
void glint_route_snapshot(struct glint_client *client);
void glint_route_stream(struct glint_client *client);
void glint_route_page(struct glint_client *client);

/* Any other path with --static; answers HEAD, too. */
void glint_route_static(struct glint_client *client);
#endif
