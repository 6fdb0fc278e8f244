/* SPDX-License-Identifier: MIT */
#include "libglint/address.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <glint/protocol.h>

#include "libglint/head.h"

#define UNIX_PREFIX  "unix:"
#define HTTP_SCHEME  "http://"
#define HTTP_PORT    "80"
#define DEFAULT_PORT (strrchr(GLINT_DEFAULT_ADDRESS, ':') + 1)

static int copy_part(char *to, size_t size, const char *from, size_t len)
{
	if (len == 0 || len >= size)
		return -EINVAL;
	memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

static bool begins_with(const char *text, const char *beginning)
{
	return strncasecmp(text, beginning, strlen(beginning)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* Returns whether @text begins with the scheme of a URL. */
static bool has_scheme(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789+-.");

	return len > 0 && strncmp(text + len, "://", 3) == 0;
}

static bool is_port(const char *text)
{
	uint64_t port;

	return glint_head_number(text, UINT16_MAX, &port) && port > 0;
}

/* The host name becomes part of the request's head: allow no byte that could split it. */
static bool is_host(const char *text)
{
	static const char within[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789.-_:%";

	return text[strspn(text, within)] == '\0';
}

/* "host", "host:port", "[host]" or "[host]:port", @len bytes of @text. */
static int parse_authority(struct glint_address *address, const char *text, size_t len,
			   const char *default_port)
{
	const char *host = text, *end = text + len, *rest;
	int err;

	assert(strlen(default_port) < sizeof(address->port));

	if (len > 0 && *text == '[') {
		host++;
		rest = memchr(text, ']', len);
		if (!rest)
			return -EINVAL;
		err = copy_part(address->host, sizeof(address->host), host, (size_t)(rest - host));
		rest++;
	} else {
		rest = memchr(text, ':', len);
		if (!rest)
			rest = end;
		/* IPv6 without brackets: any of its colons could begin the port. */
		if (rest < end && memchr(rest + 1, ':', (size_t)(end - rest - 1)))
			return -EINVAL;
		err = copy_part(address->host, sizeof(address->host), host, (size_t)(rest - host));
	}
	if (err < 0 || !is_host(address->host))
		return -EINVAL;
	if (rest == end) {
		strcpy(address->port, default_port);
		return 0;
	}
	if (*rest != ':')
		return -EINVAL;
	rest++;
	err = copy_part(address->port, sizeof(address->port), rest, (size_t)(end - rest));
	return err == 0 && is_port(address->port) ? 0 : -EINVAL;
}

/* The path of a URL, without the slashes at its end. */
static int parse_prefix(struct glint_address *address, const char *text)
{
	size_t len = strlen(text);

	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '?' || *c == '#')
			return -EINVAL;
	while (len > 0 && text[len - 1] == '/')
		len--;
	return len == 0 ? 0 : copy_part(address->prefix, sizeof(address->prefix), text, len);
}

static int parse_url(struct glint_address *address, const char *text)
{
	const char *authority = text + strlen(HTTP_SCHEME);
	size_t len = strcspn(authority, "/?#");
	int err;

	if (!begins_with(text, HTTP_SCHEME))
		return -EPROTONOSUPPORT;
	err = parse_authority(address, authority, len, HTTP_PORT);
	return err < 0 ? err : parse_prefix(address, authority + len);
}

static int parse_path(struct glint_address *address, const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return -EINVAL;
	if (strlen(text) >= sizeof(address->path))
		return -ENAMETOOLONG;
	return copy_part(address->path, sizeof(address->path), text, strlen(text));
}

int glint_address_parse(struct glint_address *address, const char *text)
{
	*address = (struct glint_address){ 0 };
	if (begins_with(text, UNIX_PREFIX))
		return parse_path(address, text + strlen(UNIX_PREFIX));
	if (has_scheme(text))
		return parse_url(address, text);
	if (strchr(text, '/') || ends_with(text, GLINT_SOCKET_SUFFIX))
		return parse_path(address, text);
	/* A lone number is meant as a port; getaddrinfo() would take 8080 for 0.0.31.144. */
	if (*text && !text[strspn(text, "0123456789")])
		return -EINVAL;
	return parse_authority(address, text, strlen(text), DEFAULT_PORT);
}

/* Write the path of the only socket in @dir_path to *@out; no socket: *@out stays NULL. */
static int find_only_socket(const char *dir_path, char **out)
{
	DIR *dir = opendir(dir_path);
	const struct dirent *entry;
	int err = 0;

	if (!dir)
		return 0;
	while (err == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || !ends_with(entry->d_name, GLINT_SOCKET_SUFFIX))
			continue;
		if (*out)
			err = -ENOTUNIQ;
		else if (asprintf(out, "%s/%s", dir_path, entry->d_name) < 0)
			err = -ENOMEM;
	}
	closedir(dir);
	if (err < 0) {
		if (err != -ENOMEM)
			free(*out);
		*out = NULL;
	}
	return err;
}

static int find_user_socket(char **out)
{
	const char *dir = secure_getenv("XDG_RUNTIME_DIR");

	if (!dir || !*dir)
		return 0;
	if (asprintf(out, "%s/%s", dir, GLINT_USER_SOCKET) < 0) {
		*out = NULL;
		return -ENOMEM;
	}
	if (access(*out, F_OK) == 0)
		return 0;
	free(*out);
	*out = NULL;
	return 0;
}

int glint_address_choose(char **out, const char *wanted)
{
	const char *named = wanted ? wanted : secure_getenv(GLINT_ENV_SOCKET);
	int err = 0;

	*out = NULL;
	if (!named || (!wanted && !*named)) {
		err = find_user_socket(out);
		if (err == 0 && !*out)
			err = find_only_socket(GLINT_SYSTEM_DIR, out);
		if (err < 0 || *out)
			return err;
		named = GLINT_DEFAULT_ADDRESS;
	}
	*out = strdup(named);
	return *out ? 0 : -ENOMEM;
}
