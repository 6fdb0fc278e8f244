/* SPDX-License-Identifier: MIT */
#include "net/routes.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/hosts.h"
#include "net/login.h"
#include "net/reply.h"
#include "net/server.h"
#include "net/uri.h"

struct route {
	const char *path;	/* matched exactly */
	const char *action;	/* of "/?action=", for clients of mjpg-streamer; NULL: none */
	void (*get)(struct glint_client *client);
	bool built_in_page;	/* part of what --static replaces */
	bool monitors;		/* also from places that are kept for this */
};

/* GET, HEAD and OPTIONS on each; http.c refuses other methods before anything else. */
static const struct route routes[] = {
	{ "/state", NULL, glint_route_state, .monitors = true },
	{ "/snapshot", "snapshot", glint_route_snapshot, .monitors = true },
	{ "/stream", "stream", glint_route_stream },
#if IS_ENABLED(CONFIG_NET_PAGE)
	{ "/", NULL, glint_route_page, .built_in_page = true },
	{ "/page.css", NULL, glint_route_page, .built_in_page = true },
	{ "/page.js", NULL, glint_route_page, .built_in_page = true },
	{ "/favicon.svg", NULL, glint_route_page, .built_in_page = true },
	{ "/favicon.ico", NULL, glint_route_page, .built_in_page = true },
#endif
};

static bool serves_files(const struct glint_net *net)
{
	return IS_ENABLED(CONFIG_NET_STATIC) && net->files;
}

static const struct route *route_by_action(const char *query)
{
	char action[16];

	if (!glint_query_get(query, "action", action, sizeof(action)))
		return NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(routes); i++)
		if (routes[i].action && strcmp(routes[i].action, action) == 0)
			return &routes[i];
	return NULL;
}

static const struct route *route_find(const struct glint_net *net,
				      const struct glint_request *request)
{
	const struct route *route = NULL;

	if (strcmp(request->path, "/") == 0)
		route = route_by_action(request->query);
	for (unsigned i = 0; !route && i < ARRAY_SIZE(routes); i++)
		if (strcmp(routes[i].path, request->path) == 0)
			route = &routes[i];
	if (route && route->built_in_page && serves_files(net))
		return NULL;
	return route;
}

/* Of OPTIONS, which needs no password, and of HEAD: nothing is captured for it. */
static void reply_head_only(struct glint_client *client, bool options)
{
	struct glint_text *head = glint_reply_begin(client, 200);

	if (options) {
		glint_text_field(head, "Allow", "GET, HEAD, OPTIONS");
		glint_text_field_uint(head, "Content-Length", 0);
	}
	glint_text_add(head, "\r\n");
	glint_client_send(client);
}

/* A login, too, keeps out pages that have found a way to the service. */
static bool host_is_fine(const struct glint_client *client)
{
	const struct glint_net *net = client->net;

	return !IS_ENABLED(CONFIG_NET_TCP) || !client->tcp || net->login ||
	       glint_hosts_allow(&net->config, net->own_hosts,
				 glint_http_request(client->http)->host);
}

void glint_routes_dispatch(struct glint_client *client)
{
	const struct glint_request *request = glint_http_request(client->http);
	struct glint_net *net = client->net;
	const struct route *route;

	if (!host_is_fine(client)) {
		client->keep_alive = false;
		glint_reply_refusal(client, 421, "unknown-host",
				    "this service is not known by the name in the Host field; use "
				    "its address, or start glintd with --allow-host NAME");
		return;
	}
	if (request->method == GLINT_HTTP_OPTIONS) {
		reply_head_only(client, true);
		return;
	}
	if (IS_ENABLED(CONFIG_NET_AUTH) && !glint_login_passes(client))
		return;
	route = route_find(net, request);
	if (client->place == GLINT_PLACE_MONITOR && !(route && route->monitors))
		glint_place_refuse(client);
	else if (!route && serves_files(net))
		glint_route_static(client);
	else if (!route)
		glint_reply_error(client, 404);
	else if (request->method == GLINT_HTTP_HEAD)
		reply_head_only(client, false);
	else
		route->get(client);
}
