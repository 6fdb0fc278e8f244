/* SPDX-License-Identifier: MIT */
/*
 * One connection, read by lines and by lengths, with or without HTTP's chunked coding. Calls also
 * end at their deadline if the peer sends without end. Errors besides those of the socket:
 * -ETIMEDOUT; -ECONNRESET (the peer closes too early); with the coding -EPROTO and -EMSGSIZE.
 */
#ifndef GLINT_LIBGLINT_WIRE_H
#define GLINT_LIBGLINT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libglint/chunks.h"

#define GLINT_WIRE_LINE_MAX 8192

struct glint_address;

struct glint_wire {
	int fd;
	bool chunked; /* received bytes are decoded by @chunks */
	struct glint_chunks chunks;
	size_t begin, end; /* received and decoded bytes that are not read yet */
	char buf[GLINT_WIRE_LINE_MAX];
};

/* Connect to @address. After a failure there is nothing to close. */
int glint_wire_open(struct glint_wire *wire, const struct glint_address *address,
		    uint64_t deadline_ns);

void glint_wire_close(struct glint_wire *wire);

int glint_wire_send(struct glint_wire *wire, const char *data, size_t len, uint64_t deadline_ns);

/*
 * Decode all bytes that have not been read yet, which are in the chunked coding. The functions below
 * treat the end of the coding as the end of the connection.
 */
int glint_wire_begin_chunks(struct glint_wire *wire);

/*
 * Set *@line to the next line, zero-terminated and without its CR LF, valid until the next
 * call; return its length. If the peer has closed, *@line is NULL and the result 0.
 * -EMSGSIZE: the line is too long; -EPROTO: the line contains a zero byte.
 */
ssize_t glint_wire_line(struct glint_wire *wire, char **line, uint64_t deadline_ns);

/* Read exactly @len bytes; return 0. */
int glint_wire_read(struct glint_wire *wire, void *to, size_t len, uint64_t deadline_ns);

/* Read 1 to @len bytes, where @len is not 0. Returns 0 if the peer has closed. */
ssize_t glint_wire_read_some(struct glint_wire *wire, void *to, size_t len, uint64_t deadline_ns);

/* Wait for more bytes or the end. Returns 1 if the peer has closed and all bytes are read. */
int glint_wire_at_end(struct glint_wire *wire, uint64_t deadline_ns);
#endif
