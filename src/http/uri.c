/* SPDX-License-Identifier: MIT */
#include "http/uri.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"

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

	if (high < 0) /* also at the end of the string: at[2] may lie behind the end */
		return -1;
	low = hex_digit(at[2]);
	return low < 0 ? -1 : high * 16 + low;
}

/* In the query, too: a client that encodes wrongly means something else than its bytes say. */
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

int glint_uri_split(char *uri, char **path, char **query)
{
	static const char scheme[] = "http://";
	static char root[] = "/"; /* never written to: there is nothing to decode */

	uri[strcspn(uri, "#")] = '\0';
	if (!escapes_are_valid(uri))
		return -EINVAL;
	if (*uri != '/' && strcmp(uri, "*") != 0) {
		/* "http://host:port/path", as for a proxy */
		if (strncasecmp(uri, scheme, strlen(scheme)) != 0)
			return -EINVAL;
		uri += strlen(scheme);
		uri += strcspn(uri, "/?#");
	}

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

/* The value, if @at begins with the parameter @name; else NULL. */
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

bool glint_query_next(const char **query, char *name, size_t name_size, char *value,
		      size_t value_size)
{
	const char *at = *query + strspn(*query, "&");
	size_t len = strcspn(at, "=&"), cut = MIN(len, name_size - 1);

	if (*at == '\0')
		return false;
	memcpy(name, at, cut);
	name[cut] = '\0';
	value_decode(value, value_size, at + len + (at[len] == '='));
	*query = at + strcspn(at, "&");
	return true;
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

	assert(size > 0);

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
