/* SPDX-License-Identifier: MIT */
/*
 * Checks of requests that a page may make a browser send. Pure, except for glint_hosts_own().
 *
 * A page can give its own name the address of the service (DNS rebinding) and then read the
 * service's answers; its requests have the page's name in their Host header. So without a login a
 * service on TCP answers to some names only: addresses, localhost, the names of this machine, and
 * those of --allow-host.
 *
 * A browser also sends requests of any page to any address, with the user's login (cross-
 * site request forgery). The page cannot read the reply, but the request may change
 * something. So a change is refused to pages of other origins.
 */
#ifndef GLINT_HTTP_HOSTS_H
#define GLINT_HTTP_HOSTS_H

#include <stdbool.h>

struct glint_request;

/* Lists of names, separated by commas or spaces; NULL: no names. */
struct glint_hosts {
	const char *own;     /* names of this machine, see glint_hosts_own() */
	const char *bound;   /* the name of --host, or NULL */
	const char *allowed; /* --allow-host; "*" is any name */
};

/*
 * Returns the names that /etc/hosts has for this machine, as a list to free(); NULL: none, or no
 * memory. Does not use the network.
 */
char *glint_hosts_own(void);

/* @host: the Host header; NULL: none, which no browser sends. */
bool glint_hosts_allow(const struct glint_hosts *hosts, const char *host);

/*
 * Returns whether a request may change something: true for pages of this service, for clients that
 * are not browsers (the request has neither Origin nor Sec-Fetch-Site), and for the origin
 * @allow_origin; NULL: none.
 */
bool glint_origin_may_change(const struct glint_request *request, const char *allow_origin);
#endif
