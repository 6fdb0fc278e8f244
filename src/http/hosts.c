/* SPDX-License-Identifier: MIT */
#include "http/hosts.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "http/parser.h"

#define NAME_MAX_BYTES 256 /* with its NUL; a DNS name has at most 253 */

static void own_name(char name[NAME_MAX_BYTES])
{
	if (gethostname(name, NAME_MAX_BYTES) < 0)
		*name = '\0';
	name[NAME_MAX_BYTES - 1] = '\0';
}

/* --- Names of this machine --------------------------------------------------------------- */

static bool entry_has(const struct hostent *entry, const char *name)
{
	if (strcasecmp(entry->h_name, name) == 0)
		return true;
	for (char **alias = entry->h_aliases; *alias; alias++)
		if (strcasecmp(*alias, name) == 0)
			return true;
	return false;
}

char *glint_hosts_own(void)
{
	const struct hostent *entry;
	char name[NAME_MAX_BYTES], *list = NULL;
	size_t size = 0;
	FILE *out;

	own_name(name);
	out = *name ? open_memstream(&list, &size) : NULL;
	if (!out)
		return NULL;
	sethostent(0);
	while ((entry = gethostent())) {
		if (!entry_has(entry, name))
			continue;
		fprintf(out, "%s,", entry->h_name);
		for (char **alias = entry->h_aliases; *alias; alias++)
			fprintf(out, "%s,", *alias);
	}
	endhostent();
	if (fclose(out) == 0)
		return list;
	free(list);
	return NULL;
}

/* --- Judging ---------------------------------------------------------------------------- */

/* Copy the name before the port, without a final dot. False: @host is no name with a port. */
static bool host_split(const char *host, char name[NAME_MAX_BYTES])
{
	size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ": \t");
	const char *rest = host + strnlen(host, len);

	if (len >= NAME_MAX_BYTES || len > strlen(host))
		return false;
	memcpy(name, host, len);
	if (len > 0 && name[len - 1] == '.')
		len--;
	name[len] = '\0';
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	return rest[strspn(rest, " \t")] == '\0';
}

static bool is_address(const char *name)
{
	char inner[NAME_MAX_BYTES];
	struct in6_addr address;

	if (*name != '[')
		return inet_pton(AF_INET, name, &address) == 1;
	/* Up to the end, or to the zone of a link-local address. */
	snprintf(inner, sizeof(inner), "%.*s", (int)strcspn(name + 1, "%]"), name + 1);
	return inet_pton(AF_INET6, inner, &address) == 1;
}

static bool list_has(const char *list, const char *name)
{
	static const char separators[] = ", \t";
	size_t len;

	for (; list && *list; list += len) {
		list += strspn(list, separators);
		len = strcspn(list, separators);
		if ((len == 1 && *list == '*') ||
		    (len > 0 && strncasecmp(list, name, len) == 0 && name[len] == '\0'))
			return true;
	}
	return false;
}

/* "lab7", and "lab7.local" for mDNS; if the hostname is "lab7.example", also its first label. */
static bool is_own_name(const char *name)
{
	char own[NAME_MAX_BYTES];
	size_t label;

	own_name(own);
	label = strcspn(own, ".");
	if (label == 0 || strncasecmp(name, own, label) != 0)
		return false;
	name += label;
	return *name == '\0' || strcasecmp(name, ".local") == 0 ||
	       strcasecmp(name, own + label) == 0;
}

static bool is_localhost(const char *name)
{
	static const char localhost[] = "localhost";
	size_t len = strlen(name), tail = strlen(localhost);

	if (len < tail || strcasecmp(name + len - tail, localhost) != 0)
		return false;
	return len == tail || name[len - tail - 1] == '.';
}

bool glint_hosts_allow(const struct glint_hosts *hosts, const char *host)
{
	char name[NAME_MAX_BYTES];

	if (!host || !*host)
		return true;
	if (!host_split(host, name))
		return list_has(hosts->allowed, "");
	return is_address(name) || is_localhost(name) || is_own_name(name) ||
	       list_has(hosts->own, name) || list_has(hosts->allowed, name) ||
	       (hosts->bound && strcasecmp(hosts->bound, name) == 0);
}

/* --- Pages of other origins --------------------------------------------------------------- */

bool glint_origin_may_change(const struct glint_request *request, const char *allow_origin)
{
	const char *origin = request->origin, *host = request->host, *site = request->fetch_site;
	const char *authority = origin ? strstr(origin, "://") : NULL;

	if (origin && allow_origin &&
	    (strcmp(allow_origin, "*") == 0 || strcasecmp(allow_origin, origin) == 0))
		return true;
	/* A page cannot set Sec-Fetch-Site, and a proxy that replaces Host does not change it. */
	if (site)
		return strcasecmp(site, "same-origin") == 0 || strcasecmp(site, "none") == 0;
	if (!origin)
		return true;
	/*
	 * "http://lab:8080" for the Host "lab:8080". The scheme is not compared: behind a proxy
	 * with TLS it is another one.
	 */
	return authority && host && *host && strcasecmp(authority + 3, host) == 0;
}
