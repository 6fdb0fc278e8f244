/* SPDX-License-Identifier: MIT */
/* Basic authentication: one name and password for all endpoints. Pure. */
#ifndef GLINT_NET_AUTH_H
#define GLINT_NET_AUTH_H

#include <stdbool.h>

/* What the field must be, malloc'ed; NULL when memory is short. */
char *glint_auth_login(const char *user, const char *password);

/*
 * @login NULL: everybody is welcome. @authorization NULL: the field was not sent.
 * Takes the same time for every wrong password of the same length.
 */
bool glint_auth_allows(const char *login, const char *authorization);
#endif
