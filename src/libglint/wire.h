/* SPDX-License-Identifier: MIT */
/*
 * One connection, read by lines and by lengths, with or without HTTP's chunked coding.
 * A peer that sends without end meets the deadline, too. Errors besides errno's own:
 * -ETIMEDOUT, -ECONNRESET when the peer ends before it may, and with the coding -EPROTO
 * and -EMSGSIZE.
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
	bool chunked;		/* what is received goes through @chunks */
	struct glint_chunks chunks;
	size_t begin, end;	/* what was received, decoded, and not yet taken */
	char buf[GLINT_WIRE_LINE_MAX];
};

/* On failure there is nothing to close. */
int glint_wire_open(struct glint_wire *wire, const struct glint_address *address,
		    uint64_t deadline_ns);

void glint_wire_close(struct glint_wire *wire);

int glint_wire_send(struct glint_wire *wire, const char *data, size_t len, uint64_t deadline_ns);

/*
 * All that is not yet taken, and all that follows, is in the chunked coding, whose end is
 * the peer's end for the functions below.
 */
int glint_wire_begin_chunks(struct glint_wire *wire);

/*
 * The next line, without its CR LF and zero-terminated, into *@line, valid until
 * the next call; returns its length. *@line is NULL, and 0 returned, when the peer
 * has ended before it. -EMSGSIZE: too long; -EPROTO: a zero byte in it.
 */
ssize_t glint_wire_line(struct glint_wire *wire, char **line, uint64_t deadline_ns);

/* Exactly @len bytes; 0. */
int glint_wire_read(struct glint_wire *wire, void *to, size_t len, uint64_t deadline_ns);

/* 1 to @len bytes, or 0 when the peer has ended. */
ssize_t glint_wire_read_some(struct glint_wire *wire, void *to, size_t len, uint64_t deadline_ns);

/* 1 when the peer has ended and nothing is left; waits to know. */
int glint_wire_at_end(struct glint_wire *wire, uint64_t deadline_ns);
#endif
