/* SPDX-License-Identifier: MIT */
#include "libglint/address.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <glint/protocol.h>

#define UNIX_PREFIX   "unix:"
#define UNIX_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

const char *glint_address_path(const char *address)
{
	size_t prefix = strlen(UNIX_PREFIX);

	if (strncmp(address, UNIX_PREFIX, prefix) == 0)
		return address + prefix;
	if (strchr(address, '/') || !strchr(address, ':'))
		return address;
	return NULL;
}

static int copy_part(char *to, size_t size, const char *from, size_t len)
{
	if (len == 0 || len >= size)
		return -EINVAL;
	memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

int glint_address_split(const char *address, char *host, size_t host_size, char *port,
			size_t port_size)
{
	const char *colon = strrchr(address, ':');
	size_t len;
	int err;

	if (!colon)
		return -EINVAL;
	len = (size_t)(colon - address);
	if (address[0] == '[') {
		if (len < 2 || address[len - 1] != ']')
			return -EINVAL;
		address++;
		len -= 2;
	} else if (memchr(address, ':', len)) {
		return -EINVAL;	/* IPv6 without brackets: which colon begins the port? */
	}
	err = copy_part(host, host_size, address, len);
	if (err < 0)
		return err;
	return copy_part(port, port_size, colon + 1, strlen(colon + 1));
}

static int address_check(const char *address)
{
	const char *path = glint_address_path(address);
	char host[256], port[32];

	/* The address becomes part of the request's head. */
	for (const char *c = address; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return -EINVAL;
	if (!path)
		return glint_address_split(address, host, sizeof(host), port, sizeof(port));
	if (!*path)
		return -EINVAL;
	return strlen(path) > UNIX_PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool is_socket_name(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(GLINT_SOCKET_SUFFIX);

	return entry->d_name[0] != '.' && len > suffix &&
	       strcmp(entry->d_name + len - suffix, GLINT_SOCKET_SUFFIX) == 0;
}

/* The only socket of @dir into *@out, which stays NULL when there is none. */
static int find_only_socket(const char *dir_path, char **out)
{
	DIR *dir = opendir(dir_path);
	const struct dirent *entry;
	int err = 0;

	if (!dir)
		return 0;
	while (err == 0 && (entry = readdir(dir)) != NULL) {
		if (!is_socket_name(entry))
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

static int address_find(char **out)
{
	int err = find_user_socket(out);

	if (err == 0 && !*out)
		err = find_only_socket(GLINT_SYSTEM_DIR, out);
	if (err == 0 && !*out) {
		*out = strdup(GLINT_DEFAULT_ADDRESS);
		err = *out ? 0 : -ENOMEM;
	}
	return err;
}

int glint_address_choose(char **out, const char *wanted)
{
	const char *named = wanted ? wanted : secure_getenv(GLINT_ENV_SOCKET);
	int err;

	*out = NULL;
	if (!named || (!wanted && !*named)) {
		err = address_find(out);
	} else {
		*out = strdup(named);
		err = *out ? 0 : -ENOMEM;
	}
	if (err == 0)
		err = address_check(*out);
	if (err < 0) {
		free(*out);
		*out = NULL;
	}
	return err;
}
