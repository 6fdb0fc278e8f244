/* SPDX-License-Identifier: MIT */
/*
 * A client's connection. It reads as much as is available, and of the headers only Content-Length,
 * so it reads multipart streams and single replies of any server alike.
 */
#ifndef GLINT_BENCH_CONNECTION_H
#define GLINT_BENCH_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection {
	int fd;
	uint8_t *data;
	size_t room, used;
	size_t body, length; /* offset and size of the picture; 0: in the head */
	uint64_t bytes;	     /* received in total */
	/* For the user. */
	uint64_t asked_ns;
	uint32_t last_seq;
	uint64_t pictures;
	bool live; /* has had a picture of the device */
};

/* @address: /path of a unix socket, or HOST:PORT. Ends the program on failure. */
void connection_open(struct connection *connection, const char *address);
void connection_ask(struct connection *connection, const char *path);
void connection_post(struct connection *connection, const char *path);
void connection_close(struct connection *connection);

/* Reads once. Returns 0; negative: the connection has ended. */
int connection_read(struct connection *connection);

/* As connection_read(), when there is something to read. -ETIMEDOUT: there was nothing. */
int connection_wait(struct connection *connection);

/* The complete picture, or NULL. Valid until connection_drop(). */
const uint8_t *connection_picture(struct connection *connection, size_t *size);
void connection_drop(struct connection *connection);
#endif
