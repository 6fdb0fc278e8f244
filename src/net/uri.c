/* SPDX-License-Identifier: MIT */
#include "net/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%xx" stands for, or -1. */
static int escape_value(const char *at)
{
	int high = hex_digit(at[1]), low;

	if (high < 0)	/* also at the string's end: at[2] may lie behind it */
		return -1;
	low = hex_digit(at[2]);
	return low < 0 ? -1 : high * 16 + low;
}

/* Also of the query: a client that cannot encode it means something else than we would read. */
static bool escapes_are_valid(const char *uri)
{
	for (const char *at = strchr(uri, '%'); at; at = strchr(at + 1, '%'))
		if (escape_value(at) <= 0)
			return false;
	return true;
}

static void path_decode(char *path)
{
	char *to = path;

	for (const char *from = path; *from; from++, to++) {
		*to = *from;
		if (*from == '%') {
			*to = (char)escape_value(from);
			from += 2;
		}
	}
	*to = '\0';
}

/* Behind "http://host:port", which says nothing that we need; NULL when it is no such URI. */
static char *skip_authority(char *uri)
{
	static const char scheme[] = "http://";
	size_t len = strlen(scheme);

	if (strncasecmp(uri, scheme, len) != 0)
		return NULL;
	return uri + len + strcspn(uri + len, "/?#");
}

int glint_uri_split(char *uri, char **path, char **query)
{
	static char root[] = "/";	/* never written to: it has nothing to decode */

	uri[strcspn(uri, "#")] = '\0';
	if (!escapes_are_valid(uri))
		return -EINVAL;
	if (*uri != '/' && strcmp(uri, "*") != 0)
		uri = skip_authority(uri);
	if (!uri)
		return -EINVAL;

	*path = uri;
	*query = uri + strcspn(uri, "?");
	if (**query)
		*(*query)++ = '\0';
	if (**path)
		path_decode(*path);
	else
		*path = root;
	return 0;
}

/* Behind "name" or "name=", when that is what @at begins with. */
static const char *parameter_value(const char *at, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(at, name, len) != 0)
		return NULL;
	at += len;
	if (*at == '=')
		return at + 1;
	return *at == '&' || *at == '\0' ? at : NULL;
}

static void value_decode(char *value, size_t size, const char *from)
{
	size_t used = 0;

	for (; *from && *from != '&' && used + 1 < size; from++) {
		int byte = *from == '%' ? escape_value(from) : -1;

		if (byte > 0)
			from += 2;
		else
			byte = *from == '+' ? ' ' : *from;
		value[used++] = (char)byte;
	}
	value[used] = '\0';
}

bool glint_query_get(const char *query, const char *name, char *value, size_t size)
{
	const char *at = query, *found = parameter_value(at, name);

	*value = '\0';
	while (!found && (at = strchr(at, '&')))
		found = parameter_value(++at, name);
	if (!found)
		return false;
	value_decode(value, size, found);
	return true;
}

bool glint_query_flag_or(const char *query, const char *name, bool fallback)
{
	char value[8];

	if (!glint_query_get(query, name, value, sizeof(value)))
		return fallback;
	return *value == '1' || strcasecmp(value, "true") == 0 || strcasecmp(value, "yes") == 0;
}

bool glint_query_flag(const char *query, const char *name)
{
	return glint_query_flag_or(query, name, false);
}

int glint_query_number(const char *query, const char *name, uint64_t *number)
{
	char value[24];		/* a number has 20 digits; what fills it may have been cut */
	uint64_t parsed;
	char *end;

	if (!glint_query_get(query, name, value, sizeof(value)))
		return -ENOENT;
	errno = 0;
	parsed = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || strlen(value) == sizeof(value) - 1)
		return -EINVAL;
	*number = parsed;
	return 0;
}

static bool is_unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("-._~", c));
}

void glint_uri_encode(char *out, size_t size, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *end = out + size - 1;

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (is_unreserved(*text) && end - out >= 1) {
			*out++ = *text;
		} else if (!is_unreserved(*text) && end - out >= 3) {
			*out++ = '%';
			*out++ = digits[byte >> 4];
			*out++ = digits[byte & 15];
		} else {
			break;
		}
	}
	*out = '\0';
}
