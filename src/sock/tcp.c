/* SPDX-License-Identifier: MIT */
#include "sock/tcp.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"

static const struct glint_log_topic topic = { "net" };

/* "localhost" is two addresses. With port 0 the second address gets the port of the first. */
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
	/* "::" alone includes IPv4; beside an IPv4 address it would occupy the same port. */
	if (info->ai_family == AF_INET6 && one_of_several)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* A name may have addresses that this machine cannot use, such as IPv6 if IPv6 is off. */
static bool is_skippable(int err)
{
	return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL;
}

static int listen_at_all(int *fds, unsigned max, const struct addrinfo *list, uint16_t port)
{
	bool several = list->ai_next != NULL;
	unsigned count = 0;
	int fd = -EADDRNOTAVAIL;

	assert(max > 0);

	for (const struct addrinfo *info = list; info && count < max; info = info->ai_next) {
		set_port(info->ai_addr, count > 0 ? glint_tcp_port(fds[0]) : port);
		fd = listen_at(info, several);
		if (fd >= 0)
			fds[count++] = fd;
		else if (!is_skippable(fd))
			break;
	}
	if (count > 0 && (fd >= 0 || is_skippable(fd)))
		return (int)count;
	while (count > 0)
		glint_close(&fds[--count]);
	return fd;
}

int glint_tcp_listen(int *fds, unsigned max, const char *host, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *list;
	int count, err, system_err;

	err = getaddrinfo(host, "0", &hints, &list);
	system_err = -errno;
	if (err != 0) {
		glint_log_error(&topic, "cannot listen on %s: %s", host, gai_strerror(err));
		if (err == EAI_SYSTEM)
			return system_err;
		return err == EAI_MEMORY ? -ENOMEM : -EADDRNOTAVAIL;
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
