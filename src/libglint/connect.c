/* SPDX-License-Identifier: MIT */
#include "libglint/connect.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "libglint/address.h"
#include "libglint/deadline.h"

static int limit_sending(int fd, uint64_t deadline_ns)
{
	uint64_t left = glint_deadline_left(deadline_ns);
	struct timeval tv;

	if (deadline_ns == UINT64_MAX)
		return 0;
	if (left == 0)
		return -ETIMEDOUT;
	left += 1000; /* round up: a timeout of 0 means none */
	tv.tv_sec = (time_t)(left / GLINT_DEADLINE_SEC);
	tv.tv_usec = (suseconds_t)(left % GLINT_DEADLINE_SEC / 1000);
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0 ? -errno : 0;
}

/*
 * poll() cannot wait for a unix socket whose backlog is full: a non-blocking connect()
 * fails with EAGAIN and leaves nothing to wait for. So connect() blocks, limited by
 * SO_SNDTIMEO.
 */
static int connect_unix(int fd, const char *path, uint64_t deadline_ns)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int err;

	strcpy(addr.sun_path, path);
	do {
		err = limit_sending(fd, deadline_ns);
		if (err < 0)
			return err;
		err = connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	} while (err == -EINTR);
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

/* connect(2) also fails with ECONNREFUSED if @path is a folder or a file. */
static int refusal_error(const char *path)
{
	struct stat stat_buf;

	if (stat(path, &stat_buf) < 0 || S_ISSOCK(stat_buf.st_mode))
		return -ECONNREFUSED;
	return S_ISDIR(stat_buf.st_mode) ? -EISDIR : -ENOTSOCK;
}

static int open_unix(const char *path, uint64_t deadline_ns)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = connect_unix(fd, path, deadline_ns);
	if (err < 0) {
		close(fd);
		return err == -ECONNREFUSED ? refusal_error(path) : err;
	}
	return fd;
}

static int connect_tcp(int fd, const struct addrinfo *info, uint64_t deadline_ns)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (connect(fd, info->ai_addr, info->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS && errno != EINTR)
		return -errno;
	err = glint_deadline_wait(fd, POLLOUT, deadline_ns);
	if (err < 0)
		return err;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return -err;
}

static int open_tcp_one(const struct addrinfo *info, uint64_t deadline_ns)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = connect_tcp(fd, info, deadline_ns);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int resolve_error(int err)
{
	int saved = errno;

	switch (err) {
	case EAI_SYSTEM:
		return saved > 0 ? -saved : -EHOSTUNREACH;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SERVICE:
		return -EINVAL;
	default:
		return -EHOSTUNREACH;
	}
}

static int open_tcp(const struct glint_address *address, uint64_t deadline_ns)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list;
	int err, fd = -EHOSTUNREACH;

	err = getaddrinfo(address->host, address->port, &hints, &list);
	if (err != 0)
		return resolve_error(err);
	for (const struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
		fd = open_tcp_one(info, deadline_ns);
	freeaddrinfo(list);
	return fd;
}

int glint_connect(const struct glint_address *address, uint64_t deadline_ns)
{
	assert(*address->path || *address->host);

	return *address->path ? open_unix(address->path, deadline_ns) :
				open_tcp(address, deadline_ns);
}
