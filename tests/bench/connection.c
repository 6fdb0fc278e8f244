/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROOM_FIRST  (1u << 20)
#define PICTURE_MAX (64u << 20)
#define PATIENCE_MS 20000

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(2);
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		give_up(path);
	return fd;
}

static int connect_tcp(const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char host[128];
	const char *port = strrchr(name, ':');
	int fd, on = 1;

	if (!port || (size_t)(port - name) >= sizeof(host))
		give_up(name);
	memcpy(host, name, (size_t)(port - name));
	host[port - name] = '\0';
	if (getaddrinfo(host, port + 1, &hints, &found) != 0)
		give_up(name);
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		give_up(name);
	freeaddrinfo(found);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

void connection_open(struct connection *connection, const char *address)
{
	*connection = (struct connection){ .room = ROOM_FIRST };
	connection->fd = address[0] == '/' ? connect_unix(address) : connect_tcp(address);
	connection->data = malloc(connection->room);
	if (!connection->data)
		give_up("memory");
}

static void send_request(struct connection *connection, const char *method, const char *path)
{
	char request[256];
	int len = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			   method, path);

	if (send(connection->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		give_up("send");
}

void connection_ask(struct connection *connection, const char *path)
{
	send_request(connection, "GET", path);
}

void connection_post(struct connection *connection, const char *path)
{
	send_request(connection, "POST", path);
}

int connection_wait(struct connection *connection)
{
	struct pollfd fd = { .fd = connection->fd, .events = POLLIN };

	if (poll(&fd, 1, PATIENCE_MS) <= 0)
		return -ETIMEDOUT;
	return connection_read(connection);
}

void connection_close(struct connection *connection)
{
	close(connection->fd);
	free(connection->data);
}

static void grow_buffer(struct connection *connection)
{
	if (connection->used < connection->room)
		return;
	if (connection->room > PICTURE_MAX)
		give_up("a picture without end");
	connection->room *= 2;
	connection->data = realloc(connection->data, connection->room);
	if (!connection->data)
		give_up("memory");
}

int connection_read(struct connection *connection)
{
	ssize_t n;

	grow_buffer(connection);
	n = recv(connection->fd, connection->data + connection->used,
		 connection->room - connection->used, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	connection->used += (size_t)n;
	connection->bytes += (uint64_t)n;
	return n == 0 ? -ECONNRESET : 0;
}

static void consume(struct connection *connection, size_t count)
{
	connection->used -= count;
	memmove(connection->data, connection->data + count, connection->used);
}

/* Skips heads without Content-Length: the reply head of a stream has none, each part has one. */
static void find_body(struct connection *connection)
{
	static const char field[] = "Content-Length:";
	const uint8_t *end, *length;

	while ((end = memmem(connection->data, connection->used, "\r\n\r\n", 4))) {
		size_t head = (size_t)(end - connection->data) + 4;

		length = memmem(connection->data, head, field, sizeof(field) - 1);
		if (length) {
			connection->body = head;
			connection->length =
				strtoul((const char *)length + sizeof(field) - 1, NULL, 10);
			return;
		}
		consume(connection, head);
	}
}

const uint8_t *connection_picture(struct connection *connection, size_t *size)
{
	if (connection->body == 0)
		find_body(connection);
	if (connection->body == 0 || connection->used - connection->body < connection->length)
		return NULL;
	*size = connection->length;
	return connection->data + connection->body;
}

void connection_drop(struct connection *connection)
{
	consume(connection, connection->body + connection->length);
	connection->body = 0;
}
