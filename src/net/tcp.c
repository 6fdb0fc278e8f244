/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/listener.h"

static const struct glint_log_topic topic = { "net" };

/* "localhost" is two addresses: with port 0 the second takes the first one's. */
static void set_port(struct sockaddr *address, uint16_t port)
{
	if (address->sa_family == AF_INET)
		((struct sockaddr_in *)address)->sin_port = htons(port);
	else if (address->sa_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
}

static int listen_at(const struct addrinfo *info, bool one_of_several)
{
	int fd, err, on = 1;

	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* "::" alone means IPv4 as well; beside an IPv4 address it would be in its way. */
	if (info->ai_family == AF_INET6 && one_of_several)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* A host may know addresses that this machine does not have, such as IPv6 where that is off. */
static bool is_passable(int err)
{
	return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL;
}

static int listen_at_all(int *fds, unsigned max, const struct addrinfo *list, uint16_t port)
{
	bool several = list->ai_next != NULL;
	unsigned count = 0;
	int fd = -EADDRNOTAVAIL;

	for (const struct addrinfo *info = list; info && count < max; info = info->ai_next) {
		set_port(info->ai_addr, count > 0 ? glint_listener_port(fds[0]) : port);
		fd = listen_at(info, several);
		if (fd >= 0)
			fds[count++] = fd;
		else if (!is_passable(fd))
			break;
	}
	if (count > 0 && (fd >= 0 || is_passable(fd)))
		return (int)count;
	while (count > 0)
		glint_close(&fds[--count]);
	return fd;
}

static int resolve_error(int err)
{
	if (err == EAI_SYSTEM)
		return -errno;
	return err == EAI_MEMORY ? -ENOMEM : -EADDRNOTAVAIL;
}

int glint_tcp_listen(int *fds, unsigned max, const char *host, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *list;
	int count, err;

	err = getaddrinfo(host, "0", &hints, &list);
	if (err != 0) {
		glint_log_error(&topic, "cannot listen on %s: %s", host, gai_strerror(err));
		return resolve_error(err);
	}
	count = listen_at_all(fds, max, list, port);
	freeaddrinfo(list);
	if (count == -EADDRINUSE)
		glint_log_error(
			&topic,
			"cannot listen on %s: port %u is in use (ss -ltnp sport = :%u says by "
			"which process); --port takes another",
			host, port, port);
	else if (count < 0)
		glint_log_err(&topic, count, "cannot listen on %s, port %u", host, port);
	return count;
}
