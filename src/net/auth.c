/* SPDX-License-Identifier: MIT */
#include "net/auth.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char scheme[] = "Basic ";

/* @out has room for 4 characters a begun triple, and the NUL. */
static void base64_encode(char *out, const char *bytes, size_t count)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < count; i += 3) {
		size_t left = count - i;
		uint32_t group = (uint32_t)(uint8_t)bytes[i] << 16;

		if (left > 1)
			group |= (uint32_t)(uint8_t)bytes[i + 1] << 8;
		if (left > 2)
			group |= (uint8_t)bytes[i + 2];
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[group & 63] : '=';
	}
	*out = '\0';
}

char *glint_auth_login(const char *user, const char *password)
{
	char *plain, *login;
	int len = asprintf(&plain, "%s:%s", user, password);

	if (len < 0)
		return NULL;
	login = malloc(strlen(scheme) + ((size_t)len + 2) / 3 * 4 + 1);
	if (login) {
		strcpy(login, scheme);
		base64_encode(login + strlen(scheme), plain, (size_t)len);
	}
	explicit_bzero(plain, (size_t)len);
	free(plain);
	return login;
}

/* Looks at all of @given, whatever it finds. */
static bool same_text(const char *wanted, const char *given)
{
	size_t wanted_len = strlen(wanted), given_len = strlen(given);
	volatile uint8_t difference = wanted_len != given_len;

	for (size_t i = 0; i < given_len; i++)
		difference |= (uint8_t)(wanted[i < wanted_len ? i : 0] ^ given[i]);
	return difference == 0;
}

bool glint_auth_allows(const char *login, const char *authorization)
{
	size_t len = strlen(scheme);

	if (!login)
		return true;
	if (!authorization || strncasecmp(authorization, scheme, len) != 0)
		return false;
	return same_text(login + len, authorization + len);
}
