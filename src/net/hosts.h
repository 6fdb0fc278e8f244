/* SPDX-License-Identifier: MIT */
/*
 * Under which names a service on TCP may be asked when it has no login. A page in
 * somebody's browser can give its own name the address of the service (DNS
 * rebinding) and read the screen; its requests have that name in their Host field.
 * Addresses, localhost, the names of this machine and those of --allow-host are fine.
 */
#ifndef GLINT_NET_HOSTS_H
#define GLINT_NET_HOSTS_H

#include <stdbool.h>

struct glint_net_config;

/* The names that /etc/hosts has for this machine, as a list like that of --allow-host,
 * malloc'ed; NULL: none, or memory is short. Asks no network. */
char *glint_hosts_own(void);

/* @host: the field, NULL when it was not sent, which no browser does. @own as above. */
bool glint_hosts_allow(const struct glint_net_config *config, const char *own, const char *host);
#endif
