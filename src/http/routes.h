/* SPDX-License-Identifier: MIT */
/* Which request is answered by whom, and which is refused before that. */
#ifndef GLINT_HTTP_ROUTES_H
#define GLINT_HTTP_ROUTES_H

struct glint_handler;
struct glint_route;

extern const struct glint_handler glint_routes_handler;

/* The table of http/route.h; ends with NULL. */
extern const struct glint_route *const glint_routes[];
#endif
