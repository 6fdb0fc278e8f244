/* SPDX-License-Identifier: MIT */
/*
 * A client's connection: bytes come in as large pieces as there are, and of the heads
 * only Content-Length is looked at. So it reads a multipart stream and a reply alike,
 * whoever has sent them.
 */
#ifndef GLINT_BENCH_CONNECTION_H
#define GLINT_BENCH_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

struct connection {
	int fd;
	uint8_t *data;
	size_t room, used;
	size_t body, length;	/* where the picture begins; 0: still its head */
	uint64_t bytes;		/* received in all */
	/* The user's. */
	uint64_t asked_ns;
	uint32_t last_seq;
	uint64_t pictures;
};

/* @address: /path of a unix socket, or HOST:PORT. Ends the program when it cannot. */
void connection_open(struct connection *connection, const char *address);
void connection_ask(struct connection *connection, const char *path);
void connection_close(struct connection *connection);

/* Reads once. 0, or negative: it is over. */
int connection_read(struct connection *connection);

/* The picture that has come to its end, or NULL; it lies there until connection_drop(). */
const uint8_t *connection_picture(struct connection *connection, size_t *size);
void connection_drop(struct connection *connection);
#endif
