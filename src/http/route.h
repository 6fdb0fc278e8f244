/* SPDX-License-Identifier: MIT */
/*
 * What a route is: paths, and for each method who answers. A route lies in the file of
 * its handlers, and GLINT_ROUTES() names it once.
 *
 * HEAD is answered where GET is, and OPTIONS everywhere. Each request but OPTIONS needs a
 * login when the service has one.
 */
#ifndef GLINT_HTTP_ROUTE_H
#define GLINT_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/params.h"
#include "http/parser.h"

#define GLINT_ROUTE_PATHS_MAX 5

struct glint_client;

/* A documented answer, for /openapi.json. */
struct glint_answer {
	unsigned status;    /* 0: the end of the list */
	const char *type;   /* media type */
	const char *schema; /* of JSON: its name in schemas.json; NULL: bytes */
	const char *help;   /* one line */
};

/* One method of a route. */
struct glint_endpoint {
	/* Answer; the request is complete. NULL: the method is not allowed. */
	void (*handle)(struct glint_client *client);
	size_t body_max;	/* bytes of a body; 0: a body is read and dropped */
	const char *media_type; /* that the body must have; not NULL with @body_max */
	/* Bodies of other types, with a maximum of their own; they are bytes. NULL: none. */
	const char *const *byte_types; /* ends with NULL */
	size_t byte_max;
	bool changes; /* something: refused to pages of other origins */
	/* What handle() reads by glint_json_query(); NULL: the query is not read. */
	const struct glint_param *params;
	bool others; /* parameters that are not in @params are ignored, else refused */
	/* For /openapi.json. */
	const char *summary;		    /* one line */
	const char *body_schema;	    /* of the body */
	const struct glint_answer *answers; /* those that are this endpoint's own */
};

struct glint_route {
	const char *paths[GLINT_ROUTE_PATHS_MAX]; /* matched exactly */
	const char *action; /* of "/?action=", for clients of mjpg-streamer; NULL: none */
	bool page;	    /* part of the page that --static replaces */
	bool monitors;	    /* also from places that are kept for this */
	struct glint_endpoint on[GLINT_METHODS];
};

#if IS_ENABLED(CONFIG_NET_PAGE)
#define GLINT_ROUTES_PAGE(ROUTE) ROUTE(page)
#else
#define GLINT_ROUTES_PAGE(ROUTE)
#endif

#if IS_ENABLED(CONFIG_JUDGE)
#define GLINT_ROUTES_WAIT(ROUTE) ROUTE(wait)
#else
#define GLINT_ROUTES_WAIT(ROUTE)
#endif

#if IS_ENABLED(CONFIG_RECORD)
#define GLINT_ROUTES_RECORD(ROUTE) ROUTE(record)
#else
#define GLINT_ROUTES_RECORD(ROUTE)
#endif

#if IS_ENABLED(CONFIG_REPLAY)
#define GLINT_ROUTES_REPLAY(ROUTE) ROUTE(replay)
#else
#define GLINT_ROUTES_REPLAY(ROUTE)
#endif

/* The table, one line a route. */
#define GLINT_ROUTES(ROUTE)                                                                        \
	ROUTE(state)                                                                               \
	ROUTE(snapshot)                                                                            \
	ROUTE(hash)                                                                                \
	ROUTE(stream)                                                                              \
	ROUTE(y4m)                                                                                 \
	ROUTE(config)                                                                              \
	ROUTE(controls)                                                                            \
	ROUTE(edid)                                                                                \
	ROUTE(timings)                                                                             \
	ROUTE(marks)                                                                               \
	ROUTE(events)                                                                              \
	GLINT_ROUTES_WAIT(ROUTE)                                                                   \
	GLINT_ROUTES_RECORD(ROUTE)                                                                 \
	GLINT_ROUTES_REPLAY(ROUTE)                                                                 \
	ROUTE(openapi)                                                                             \
	GLINT_ROUTES_PAGE(ROUTE)

#define GLINT_ROUTE_DECLARE(name) extern const struct glint_route glint_route_##name;
GLINT_ROUTES(GLINT_ROUTE_DECLARE)

/* Any other path with --static; has no paths of its own. */
extern const struct glint_route glint_route_static;
#endif
