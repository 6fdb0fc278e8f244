/* SPDX-License-Identifier: MIT */
/* What a client asks for: path and query, decoded with suspicion. Pure. */
#ifndef GLINT_NET_URI_H
#define GLINT_NET_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Cuts a request's target in place: *@path is decoded and begins with '/', or is
 * "*"; *@query is what follows the first '?', not decoded, "" when there is none.
 * "http://host/path" is taken as well, as HTTP/1.1 wants it. -EINVAL: neither
 * form, a '%' without two hexadecimal digits, or an encoded NUL.
 */
int glint_uri_split(char *uri, char **path, char **query);

/*
 * The first parameter called @name, decoded ('+' is a space), cut at @size - 1.
 * False when there is none: @value is "" then.
 */
bool glint_query_get(const char *query, const char *name, char *value, size_t size);

/* True for values that begin with '1', and for "true" and "yes" in any case. */
bool glint_query_flag(const char *query, const char *name);

/* Likewise; @fallback without the parameter. */
bool glint_query_flag_or(const char *query, const char *name, bool fallback);

/*
 * The first parameter called @name as a decimal number. -ENOENT: there is none; -EINVAL: it
 * is none, or does not fit. @number is set on success only.
 */
int glint_query_number(const char *query, const char *name, uint64_t *number);

/* Encodes what is not a letter, a digit or one of "-._~", as long as whole characters fit. */
void glint_uri_encode(char *out, size_t size, const char *text);
#endif
