/* SPDX-License-Identifier: MIT */
/*
 * How much of our data the kernel keeps for a client. Much of it would be old
 * pictures: a slow reader shall get the newest as soon as it can take one.
 */
#ifndef GLINT_NET_SOCKET_H
#define GLINT_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

struct glint_client;

/* Once for each connection. */
void glint_socket_setup(struct glint_client *client);

/* Makes room for about one picture of @size bytes; a system call only when sizes change a lot. */
void glint_socket_fit(struct glint_client *client, size_t size);

/*
 * Bytes that the kernel holds until the peer has read them, with its own bookkeeping
 * on a unix socket; on TCP until the peer's kernel has room for them. Negative:
 * unknown.
 */
int glint_socket_untaken(int fd);

/* Whether the peer has closed both ways, as far as the kernel can tell: with TCP it cannot. */
bool glint_socket_is_gone(int fd);
#endif
