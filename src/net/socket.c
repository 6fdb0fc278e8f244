/* SPDX-License-Identifier: MIT */
#include "net/socket.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/client.h"
#include "net/server.h"

#define NOT_SENT_MAX 65536	/* bytes in a TCP socket that are not on their way yet */
#define ROOM_MIN     32768u	/* the kernel's own bookkeeping of the pages counts as data */
#define PICTURE_MAX  (64u << 20)

static void set_option(const struct glint_client *client, int level, int name, int value)
{
	/* All of them are for speed; a socket that refuses works as well. */
	(void)setsockopt(client->fd, level, name, &value, sizeof(value));
}

void glint_socket_setup(struct glint_client *client)
{
	if (!client->tcp)
		return;
	if (client->net->config.tcp_nodelay)
		set_option(client, IPPROTO_TCP, TCP_NODELAY, 1);
	/* Leaves the window to the kernel, which knows the way's delay. */
	set_option(client, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOT_SENT_MAX);
}

void glint_socket_fit(struct glint_client *client, size_t size)
{
	size_t fits = client->sndbuf_picture;

	if (client->tcp || size > PICTURE_MAX || (size <= fits && size >= fits / 4))
		return;

	/* A quarter more, so that a picture that grows a little still fits. The kernel doubles. */
	client->sndbuf_picture = size + size / 4;
	set_option(client, SOL_SOCKET, SO_SNDBUF, (int)(client->sndbuf_picture / 2 + ROOM_MIN));
}

int glint_socket_untaken(int fd)
{
	int count;

	return ioctl(fd, SIOCOUTQ, &count) < 0 ? -1 : count;
}

bool glint_socket_is_gone(int fd)
{
	struct pollfd poll_fd = { .fd = fd };

	return poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & (POLLHUP | POLLERR);
}
