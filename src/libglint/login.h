/* SPDX-License-Identifier: MIT */
/* HTTP's basic authentication. */
#ifndef GLINT_LIBGLINT_LOGIN_H
#define GLINT_LIBGLINT_LOGIN_H

/* The header with its CR LF into *@out, which the caller frees. -EINVAL: a colon in @user; -ENOMEM. */
int glint_login_header(char **out, const char *user, const char *password);
#endif
