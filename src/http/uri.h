/* SPDX-License-Identifier: MIT */
/* The target of a request: path and query, checked and decoded. Pure. */
#ifndef GLINT_HTTP_URI_H
#define GLINT_HTTP_URI_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Cut a request's target in place. *@path is decoded and begins with '/', or is "*".
 * *@query follows the first '?' and is not decoded; "" when there is none. The form
 * "http://host/path" is accepted, as HTTP/1.1 requires. -EINVAL: another form, a '%'
 * without two hexadecimal digits, or an encoded NUL.
 */
int glint_uri_split(char *uri, char **path, char **query);

/*
 * Copy the value of the first parameter called @name, decoded ('+' is a space) and cut at
 * @size - 1. False when there is none: @value is "" then.
 */
bool glint_query_get(const char *query, const char *name, char *value, size_t size);

/*
 * Step through a query: the next parameter's name as it is and its decoded value, each cut at
 * its size. Empty ones ("&&") are left out. False: there are no more.
 */
bool glint_query_next(const char **query, char *name, size_t name_size, char *value,
		      size_t value_size);

/* Encode all but letters, digits and "-._~", as many whole characters as fit. */
void glint_uri_encode(char *out, size_t size, const char *text);
#endif
