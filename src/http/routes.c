/* SPDX-License-Identifier: MIT */
#include "http/routes.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "core/events.h"
#include "http/client.h"
#include "http/hosts.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/login.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/route.h"
#include "http/uri.h"

#define ALLOW_MAX 64u /* bytes of a list of all methods */

#define ROUTE_ADDRESS(name) &glint_route_##name,

const struct glint_route *const glint_routes[] = { GLINT_ROUTES(ROUTE_ADDRESS) NULL };

/* --- The table ------------------------------------------------------------------------ */

static const struct glint_route *route_by_action(const struct glint_server *server,
						 const char *query)
{
	char action[16];

	if (!glint_query_get(query, "action", action, sizeof(action)))
		return NULL;
	for (const struct glint_route *const *at = server->routes; *at; at++)
		if ((*at)->action && strcmp((*at)->action, action) == 0)
			return *at;
	return NULL;
}

static const struct glint_route *route_by_path(const struct glint_server *server, const char *path)
{
	for (const struct glint_route *const *at = server->routes; *at; at++)
		for (unsigned i = 0; i < GLINT_ROUTE_PATHS_MAX && (*at)->paths[i]; i++)
			if (strcmp((*at)->paths[i], path) == 0)
				return *at;
	return NULL;
}

static const struct glint_route *route_find(const struct glint_server *server,
					    const struct glint_request *request)
{
	const struct glint_route *route = NULL;

	if (strcmp(request->path, "/") == 0)
		route = route_by_action(server, request->query);
	if (!route)
		route = route_by_path(server, request->path);
#if IS_ENABLED(CONFIG_NET_STATIC)
	if (server->files && (!route || route->page))
		return &glint_route_static;
#endif
	return route;
}

static bool route_allows(const struct glint_route *route, enum glint_method method)
{
	return method == GLINT_METHOD_OPTIONS || route->on[method].handle ||
	       (method == GLINT_METHOD_HEAD && route->on[GLINT_METHOD_GET].handle);
}

/* "GET, HEAD, OPTIONS". @route NULL: what any route allows. */
static const char *allow_list(const struct glint_server *server, const struct glint_route *route,
			      char list[ALLOW_MAX])
{
	struct glint_text text = glint_text_in(list, ALLOW_MAX - 1);

	for (unsigned i = 0; i < GLINT_METHODS; i++) {
		bool allowed = route && route_allows(route, i);

		for (const struct glint_route *const *at = server->routes; !route && *at; at++)
			allowed |= route_allows(*at, i);
		if (!allowed)
			continue;
		glint_text_add(&text, text.used > 0 ? ", " : "");
		glint_text_add(&text, glint_method_name(i));
	}
	assert(!text.cut);
	list[text.used] = '\0';
	return list;
}

/* --- Before the body ------------------------------------------------------------------ */

static bool host_is_known(const struct glint_client *client)
{
	const struct glint_server *server = client->server;
	const struct glint_hosts hosts = {
		.own = server->own_hosts,
		.bound = server->config.host,
		.allowed = server->config.allow_host,
	};

	return glint_hosts_allow(&hosts, glint_parser_request(client->parser)->host);
}

/* Refuse what does not come by a name of this service; see hosts.h. */
static bool head_has_host(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);

	if (!client->conn.facts.tcp)
		return true;
	if (!request->host && !request->http_1_0) {
		client->keep_alive = false;
		glint_reply_refusal(client, 400, "no-host",
				    "an HTTP/1.1 request on TCP needs a Host header");
		return false;
	}
	if (client->server->login || host_is_known(client))
		return true; /* a login keeps foreign pages out, too */
	client->keep_alive = false;
	glint_reply_refusal(client, 421, "unknown-host",
			    "this service is not known by the name in the Host header; use its "
			    "address, or start glintd with --allow-host NAME");
	return false;
}

/* Refuse to change something for a page of another origin. */
static bool head_may_change(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);

	if (!client->endpoint->changes)
		return true;
	if (client->conn.facts.tcp && !host_is_known(client)) {
		client->keep_alive = false;
		glint_reply_refusal(
			client, 403, "unknown-host",
			"changes are not allowed by the name in the Host header; use "
			"the service's address, or start glintd with --allow-host NAME");
		return false;
	}
	if (glint_origin_may_change(request, client->server->config.allow_origin))
		return true;
	client->keep_alive = false;
	glint_reply_refusal(client, 403, "other-origin",
			    "a page of another origin may not change anything here; glintd "
			    "--allow-origin ORIGIN allows one origin. A proxy must pass the Host "
			    "header on");
	return false;
}

static bool media_type_is(const char *type, const char *wanted)
{
	size_t len = strlen(wanted);

	return type && strncasecmp(type, wanted, len) == 0 &&
	       (type[len] == '\0' || strchr("; \t", type[len]));
}

/* The largest body of this type; 0: the endpoint does not take the type. */
static size_t body_max_of(const struct glint_endpoint *endpoint, const char *type)
{
	if (media_type_is(type, endpoint->media_type))
		return endpoint->body_max;
	for (const char *const *at = endpoint->byte_types; at && *at; at++)
		if (media_type_is(type, *at))
			return endpoint->byte_max;
	return 0;
}

/* Of a body that was too large when it had begun. */
static size_t refused_max(const struct glint_client *client)
{
	const struct glint_endpoint *endpoint = client->endpoint;

	if (!endpoint || endpoint->body_max == 0)
		return GLINT_HTTP_BODY_MAX;
	return body_max_of(endpoint, glint_parser_request(client->parser)->content_type);
}

static void refuse_size(struct glint_client *client, size_t max)
{
	char message[80];

	client->keep_alive = false;
	snprintf(message, sizeof(message), "the body may have %zu bytes at most", max);
	glint_reply_refusal(client, 413, "body-too-large", message);
}

static void refuse_media_type(struct glint_client *client)
{
	const struct glint_endpoint *endpoint = client->endpoint;
	char types[160], message[200];
	int used = snprintf(types, sizeof(types), "%s", endpoint->media_type);

	for (const char *const *at = endpoint->byte_types; at && *at; at++)
		used += snprintf(types + used, sizeof(types) - (size_t)used, ", %s", *at);
	assert(used < (int)sizeof(types));
	snprintf(message, sizeof(message), "the body must have Content-Type: %s", types);
	glint_reply_refusal_with(client, 415, "Accept", types, "media-type", message);
}

static void refuse_memory(struct glint_client *client)
{
	client->keep_alive = false;
	glint_events_limit(client->server->config.events, GLINT_LIMIT_BODIES);
	glint_reply_refusal_with(client, 503, "Retry-After", "1", "no-memory-for-body",
				 "there is no memory for the body now; try again");
}

/* Refuse a body that the endpoint does not take, or begin to collect it. */
static bool head_takes_body(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);
	const struct glint_endpoint *endpoint = client->endpoint;
	size_t max;
	int err;

	if (!request->has_body)
		return true;
	if (!endpoint || endpoint->body_max == 0) {
		if (request->length <= GLINT_HTTP_BODY_MAX ||
		    request->length == GLINT_HTTP_NO_LENGTH)
			return true; /* it is read and dropped */
		refuse_size(client, GLINT_HTTP_BODY_MAX);
		return false;
	}
	if (request->content_encoding && strcasecmp(request->content_encoding, "identity") != 0) {
		glint_reply_refusal_with(client, 415, "Accept-Encoding", "identity",
					 "content-encoding", "the body may not be encoded");
		return false;
	}
	assert(endpoint->media_type);
	max = body_max_of(endpoint, request->content_type);
	if (max == 0) {
		refuse_media_type(client);
		return false;
	}
	err = glint_parser_collect(client->parser, &client->server->bodies, max);
	if (err == -EMSGSIZE)
		refuse_size(client, max);
	else if (err < 0)
		refuse_memory(client);
	return err == 0;
}

static bool head_is_expected(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);

	if (!request->expect || request->http_1_0 ||
	    strcasecmp(request->expect, "100-continue") == 0)
		return true;
	client->keep_alive = false;
	glint_reply_refusal(client, 417, "expectation", "only Expect: 100-continue is supported");
	return false;
}

/* Find the endpoint of the request, or refuse. */
static bool head_has_endpoint(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);
	const struct glint_server *server = client->server;
	const struct glint_route *route = route_find(server, request);
	bool star = strcmp(request->path, "*") == 0;
	char allow[ALLOW_MAX];

	client->route = route;
	if (client->conn.place == GLINT_PLACE_MONITOR && !(route && route->monitors)) {
		glint_reply_no_place(client);
		return false;
	}
	if (request->method == GLINT_METHOD_OPTIONS && star) {
		client->route = NULL;
		return true;
	}
	if (!route) {
		glint_reply_error(client, 404);
		return false;
	}
	if (!route_allows(route, request->method)) {
		glint_reply_refusal_with(client, 405, "Allow", allow_list(server, route, allow),
					 "method-not-allowed",
					 "this path does not have the method");
		return false;
	}
	client->endpoint = &route->on[request->method];
	return true;
}

static bool routes_on_head(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);

	if (!head_has_host(client))
		return false;
	/* A preflight has no login: browsers send none with it. */
	if (IS_ENABLED(CONFIG_NET_AUTH) && request->method != GLINT_METHOD_OPTIONS &&
	    !glint_login_passes(client))
		return false;
	return head_has_endpoint(client) && head_is_expected(client) &&
	       (!client->endpoint || head_may_change(client)) && head_takes_body(client);
}

/* --- The whole request ---------------------------------------------------------------- */

static void reply_options(struct glint_client *client)
{
	struct glint_text *head = glint_reply_begin(client, 200);
	char allow[ALLOW_MAX];

	allow_list(client->server, client->route, allow);
	glint_text_header(head, "Allow", allow);
	glint_reply_add_preflight(client, allow);
	glint_text_header_uint(head, "Content-Length", 0);
	glint_text_add(head, "\r\n");
	glint_client_send(client);
}

static void routes_on_request(struct glint_client *client)
{
	enum glint_method method = glint_parser_request(client->parser)->method;

	assert(method == GLINT_METHOD_OPTIONS || route_allows(client->route, method));

	if (method == GLINT_METHOD_OPTIONS) {
		reply_options(client);
	} else if (client->endpoint->handle) {
		if (client->endpoint->params != glint_no_params || glint_json_query(client, NULL))
			client->endpoint->handle(client);
	} else { /* a HEAD where only GET has a handler: no frame is captured for it */
		glint_text_add(glint_reply_begin(client, 200), "\r\n");
		glint_client_send(client);
	}
}

static void routes_refuse(struct glint_client *client, unsigned status)
{
	if (status == 413)
		refuse_size(client, refused_max(client));
	else if (status == 503)
		refuse_memory(client);
	else
		glint_reply_error(client, status);
}

const struct glint_handler glint_routes_handler = {
	.head = routes_on_head,
	.request = routes_on_request,
	.refuse = routes_refuse,
	.no_place = glint_reply_no_place,
};
