/* SPDX-License-Identifier: MIT */
#include "query.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	"region", "exclude", "metric",	      "threshold",	"min_size", "since",
	"stable", "frames",  "start_timeout", "stable_timeout", "hash",	    "differs",
	"at",	  "margin",  "similarity",    "scale",
};

void tool_query_add(struct argp_state *state, struct tool_query *query, const char *name,
		    const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	size_t room = sizeof(query->text) - query->used;
	char *to = query->text + query->used;

	if (room < strlen(name) + 3 * strlen(value) + 3)
		argp_error(state, "--%s: too much in all", name);
	to += sprintf(to, "&%s=", name);
	for (; *value; value++)
		if (strchr(plain, *value))
			*to++ = *value;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*value);
	*to = '\0';
	query->used = (size_t)(to - query->text);
}

error_t tool_query_parse(int key, const char *arg, struct argp_state *state,
			 struct tool_query *query)
{
	if (key < TOOL_KEY_REGION || key > TOOL_KEY_SCALE)
		return ARGP_ERR_UNKNOWN;
	tool_query_add(state, query, names[key - TOOL_KEY_REGION], arg ? arg : "1");
	return 0;
}
