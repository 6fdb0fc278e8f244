/* SPDX-License-Identifier: MIT */
/* HTTP's basic authentication. */
#ifndef GLINT_LIBGLINT_LOGIN_H
#define GLINT_LIBGLINT_LOGIN_H

/* Write the header with its CR LF to *@out; the caller frees it. -EINVAL: a colon in @user. */
int glint_login_header(char **out, const char *user, const char *password);
#endif
