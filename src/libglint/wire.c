/* SPDX-License-Identifier: MIT */
#include "libglint/wire.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libglint/connect.h"
#include "libglint/deadline.h"

int glint_wire_open(struct glint_wire *wire, const struct glint_address *address,
		    uint64_t deadline_ns)
{
	int fd = glint_connect(address, deadline_ns);

	wire->fd = fd < 0 ? -1 : fd;
	wire->chunked = false;
	wire->begin = wire->end = 0;
	return fd < 0 ? fd : 0;
}

void glint_wire_close(struct glint_wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
}

int glint_wire_send(struct glint_wire *wire, const char *data, size_t len, uint64_t deadline_ns)
{
	assert(wire->fd >= 0);

	while (len > 0) {
		ssize_t n = send(wire->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int err;

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EPIPE)
			return -ECONNRESET;
		if (errno != EAGAIN)
			return -errno;
		err = glint_deadline_wait(wire->fd, POLLOUT, deadline_ns);
		if (err < 0)
			return err;
	}
	return 0;
}

int glint_wire_begin_chunks(struct glint_wire *wire)
{
	ssize_t n;

	assert(!wire->chunked);

	wire->chunked = true;
	wire->chunks = (struct glint_chunks){ 0 };
	n = glint_chunks_decode(&wire->chunks, wire->buf + wire->begin, wire->end - wire->begin);
	if (n < 0)
		return (int)n;
	wire->end = wire->begin + (size_t)n;
	return 0;
}

/* Receive 1 to @len bytes without decoding them; 0: the peer has closed. */
static ssize_t wire_receive_coded(struct glint_wire *wire, void *to, size_t len,
				  uint64_t deadline_ns)
{
	for (;;) {
		ssize_t n;
		int err;

		if (glint_deadline_left(deadline_ns) == 0)
			return -ETIMEDOUT;
		n = recv(wire->fd, to, len, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		err = glint_deadline_wait(wire->fd, POLLIN, deadline_ns);
		if (err < 0)
			return err;
	}
}

/* Receive 1 to @len bytes, decoded if the body is chunked; 0: the peer has closed. */
static ssize_t wire_receive(struct glint_wire *wire, void *to, size_t len, uint64_t deadline_ns)
{
	ssize_t n;

	if (!wire->chunked)
		return wire_receive_coded(wire, to, len, deadline_ns);
	do {
		if (glint_chunks_ended(&wire->chunks))
			return 0;
		n = wire_receive_coded(wire, to, len, deadline_ns);
		if (n == 0)
			return -ECONNRESET;
		if (n > 0)
			n = glint_chunks_decode(&wire->chunks, to, (size_t)n);
	} while (n == 0);
	return n;
}

/* Receive more bytes into the buffer; 0: the peer has closed. */
static ssize_t wire_fill(struct glint_wire *wire, uint64_t deadline_ns)
{
	ssize_t n;

	assert(wire->begin <= wire->end && wire->end <= sizeof(wire->buf));

	if (wire->begin > 0) {
		memmove(wire->buf, wire->buf + wire->begin, wire->end - wire->begin);
		wire->end -= wire->begin;
		wire->begin = 0;
	}
	if (wire->end == sizeof(wire->buf))
		return -EMSGSIZE;
	n = wire_receive(wire, wire->buf + wire->end, sizeof(wire->buf) - wire->end, deadline_ns);
	if (n > 0)
		wire->end += (size_t)n;
	return n;
}

/* Take the line that ends at @newline out of the buffer. */
static ssize_t wire_take_line(struct glint_wire *wire, char *newline, char **line)
{
	char *start = wire->buf + wire->begin, *end = newline;

	assert(newline >= start && newline < wire->buf + wire->end);

	wire->begin = (size_t)(newline - wire->buf) + 1;
	if (end > start && end[-1] == '\r')
		end--;
	*end = '\0';
	*line = start;
	return memchr(start, '\0', (size_t)(end - start)) ? -EPROTO : end - start;
}

ssize_t glint_wire_line(struct glint_wire *wire, char **line, uint64_t deadline_ns)
{
	size_t seen = 0;

	*line = NULL;
	for (;;) {
		char *start = wire->buf + wire->begin + seen;
		char *newline = memchr(start, '\n', wire->end - wire->begin - seen);
		ssize_t n;

		if (newline)
			return wire_take_line(wire, newline, line);
		seen = wire->end - wire->begin;
		n = wire_fill(wire, deadline_ns);
		if (n < 0)
			return n;
		if (n == 0)
			return seen > 0 ? -ECONNRESET : 0;
	}
}

ssize_t glint_wire_read_some(struct glint_wire *wire, void *to, size_t len, uint64_t deadline_ns)
{
	size_t have = wire->end - wire->begin;

	assert(len > 0); /* 0 would look like the end */

	if (have == 0)
		return wire_receive(wire, to, len, deadline_ns);
	if (len > have)
		len = have;
	memcpy(to, wire->buf + wire->begin, len);
	wire->begin += len;
	return (ssize_t)len;
}

int glint_wire_read(struct glint_wire *wire, void *to, size_t len, uint64_t deadline_ns)
{
	while (len > 0) {
		ssize_t n = glint_wire_read_some(wire, to, len, deadline_ns);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return -ECONNRESET;
		to = (char *)to + n;
		len -= (size_t)n;
	}
	return 0;
}

int glint_wire_at_end(struct glint_wire *wire, uint64_t deadline_ns)
{
	ssize_t n;

	if (wire->begin < wire->end)
		return 0;
	n = wire_fill(wire, deadline_ns);
	return n < 0 ? (int)n : n == 0;
}
