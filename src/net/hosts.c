/* SPDX-License-Identifier: MIT */
#include "net/hosts.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "net/net.h"

#define NAME_MAX_BYTES 256	/* with its NUL; DNS has 253 */

static void own_name(char name[NAME_MAX_BYTES])
{
	if (gethostname(name, NAME_MAX_BYTES) < 0)
		*name = '\0';
	name[NAME_MAX_BYTES - 1] = '\0';
}

/* --- The machine's own --------------------------------------------------------------- */

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

/* The name before the port, without a root's dot. False when @host is no name with a port. */
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
	/* Up to the zone of a link-local address, or the end. */
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

/* "lab7", and "lab7.local" as mDNS has it; of "lab7.example" also the first label. */
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

bool glint_hosts_allow(const struct glint_net_config *config, const char *own, const char *host)
{
	char name[NAME_MAX_BYTES];

	if (!host || !*host)
		return true;
	if (!host_split(host, name))
		return list_has(config->allow_host, "");
	return is_address(name) || is_localhost(name) || is_own_name(name) || list_has(own, name) ||
	       list_has(config->allow_host, name) ||
	       (config->host && strcasecmp(config->host, name) == 0);
}
