/* SPDX-License-Identifier: MIT */
/* Listening sockets on TCP. */
#ifndef GLINT_SOCK_TCP_H
#define GLINT_SOCK_TCP_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* Open up to @max listening sockets. Returns their number, or an error that has been logged. */
int glint_tcp_listen(int *fds, unsigned max, const char *host, uint16_t port);

/* Returns the port that @fd is bound to; 0: @fd is not a TCP socket. */
static inline uint16_t glint_tcp_port(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return 0;
	if (address.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&address)->sin_port);
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return 0;
}
#endif
