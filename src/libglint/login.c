/* SPDX-License-Identifier: MIT */
#include "libglint/login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

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
	coded = malloc(GLINT_BASE64_SIZE((size_t)len));
	if (!coded)
		goto free_plain;
	glint_base64_encode(coded, plain, (size_t)len);
	if (asprintf(out, "Authorization: Basic %s\r\n", coded) < 0)
		*out = NULL;
	else
		err = 0;
	free(coded);
free_plain:
	free(plain);
	return err;
}
