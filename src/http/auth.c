/* SPDX-License-Identifier: MIT */
#include "http/auth.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"

static const char scheme[] = "Basic ";

char *glint_auth_login(const char *user, const char *password)
{
	char *plain, *login;
	int len = asprintf(&plain, "%s:%s", user, password);

	if (len < 0)
		return NULL;
	login = malloc(strlen(scheme) + GLINT_BASE64_SIZE((size_t)len));
	if (login) {
		strcpy(login, scheme);
		glint_base64_encode(login + strlen(scheme), plain, (size_t)len);
	}
	explicit_bzero(plain, (size_t)len);
	free(plain);
	return login;
}

/* Compare all bytes of @given, in the same time for each value. */
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
