/* SPDX-License-Identifier: MIT */
#include "libglint/login.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* @to takes 4 characters for each begun 3 bytes, and a zero. */
static void base64(char *to, const char *text, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)(unsigned char)text[i] << 16;

		if (left > 1)
			bits |= (uint32_t)(unsigned char)text[i + 1] << 8;
		if (left > 2)
			bits |= (unsigned char)text[i + 2];
		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		*to++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*to++ = left > 2 ? digits[bits & 63] : '=';
	}
	*to = '\0';
}

int glint_login_header(char **out, const char *user, const char *password)
{
	char *plain, *coded = NULL;
	int len, err = -ENOMEM;

	*out = NULL;
	if (strchr(user, ':'))
		return -EINVAL;
	len = asprintf(&plain, "%s:%s", user, password);
	if (len < 0)
		return -ENOMEM;
	coded = malloc((size_t)(len + 2) / 3 * 4 + 1);
	if (!coded)
		goto free_plain;
	base64(coded, plain, (size_t)len);
	if (asprintf(out, "Authorization: Basic %s\r\n", coded) < 0)
		*out = NULL;
	else
		err = 0;
	free(coded);
free_plain:
	free(plain);
	return err;
}
