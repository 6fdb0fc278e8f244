/* SPDX-License-Identifier: MIT */
/* Basic authentication: one user and password for all routes. Pure. */
#ifndef GLINT_HTTP_AUTH_H
#define GLINT_HTTP_AUTH_H

#include <stdbool.h>

/* Returns the required value of the Authorization header, to free(); NULL: no memory. */
char *glint_auth_login(const char *user, const char *password);

/*
 * @login NULL: no login is required. @authorization NULL: the header was not sent. Takes
 * the same time for each wrong password of the same length.
 */
bool glint_auth_allows(const char *login, const char *authorization);
#endif
