/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* SIOCOUTQ returns the bytes that the peer has not read yet. */
static void wait_until_taken(int fd)
{
	int left = 0;

	while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0)
		sched_yield();
}

static bool send_bytewise(int fd, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!send_all(fd, data + i, 1))
			return false;
		wait_until_taken(fd);
	}
	return true;
}

static void send_endlessly(int fd, char byte)
{
	char block[1024];

	memset(block, byte, sizeof(block));
	while (send_all(fd, block, sizeof(block)))
		;
}

static void read_request(struct fake_server *server, int fd)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = recv(fd, server->request + len, sizeof(server->request) - 1 - len, 0);
		if (n > 0)
			len += (size_t)n;
		server->request[len] = '\0';
	} while (n > 0 && !strstr(server->request, "\r\n\r\n"));
}

static void read_until_closed(int fd)
{
	char ignored[256];

	while (recv(fd, ignored, sizeof(ignored), 0) > 0)
		;
}

static void serve(struct fake_server *server, int fd)
{
	bool alive;

	if (!server->deaf)
		read_request(server, fd);
	if (server->bytewise)
		alive = send_bytewise(fd, server->reply, server->len);
	else
		alive = send_all(fd, server->reply, server->len);
	if (alive && server->endless)
		send_endlessly(fd, server->reply[server->len - 1]);
	if (alive && server->hold)
		read_until_closed(fd);
}

static void *server_run(void *arg)
{
	struct fake_server *server = arg;
	int fd = accept(server->listener, NULL, NULL);

	if (fd < 0)
		return NULL; /* finished before a client connected */
	serve(server, fd);
	close(fd);
	return NULL;
}

static void listen_unix(struct fake_server *server)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int err;

	strcpy(server->dir, "/tmp/glint-test-XXXXXX");
	assert(mkdtemp(server->dir));
	snprintf(server->address, sizeof(server->address), "%s/socket", server->dir);
	strcpy(addr.sun_path, server->address);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = bind(server->listener, (const struct sockaddr *)&addr, sizeof(addr));
	assert(err == 0);
}

static void listen_tcp(struct fake_server *server)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int err;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = bind(server->listener, (const struct sockaddr *)&addr, sizeof(addr));
	assert(err == 0);
	err = getsockname(server->listener, (struct sockaddr *)&addr, &len);
	assert(err == 0);
	snprintf(server->address, sizeof(server->address), "127.0.0.1:%u", ntohs(addr.sin_port));
}

void fake_server_start(struct fake_server *server)
{
	int err;

	if (server->len == 0 && server->reply)
		server->len = strlen(server->reply);
	if (server->tcp)
		listen_tcp(server);
	else
		listen_unix(server);
	err = listen(server->listener, 4);
	assert(err == 0);
	err = pthread_create(&server->thread, NULL, server_run, server);
	assert(err == 0);
}

void fake_server_finish(struct fake_server *server)
{
	shutdown(server->listener, SHUT_RDWR); /* ends accept() */
	pthread_join(server->thread, NULL);
	close(server->listener);
	if (server->tcp)
		return;
	unlink(server->address);
	rmdir(server->dir);
}
