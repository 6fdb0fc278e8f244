/* SPDX-License-Identifier: MIT */
/*
 * A server that says what the test tells it to, whatever it is asked: one reply
 * on one connection, on a thread of its own.
 */
#ifndef GLINT_TESTS_FAKE_SERVER_H
#define GLINT_TESTS_FAKE_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct fake_server {
	/* Set by the test before fake_server_start(); zero is the plain case. */
	const char *reply;
	size_t len;		/* 0: strlen(reply) */
	bool bytewise;		/* each byte only after the client has taken the one before */
	bool endless;		/* the last byte again and again, until the client closes */
	bool hold;		/* stays open after the reply until the client closes */
	bool deaf;		/* replies and closes without reading the request */
	bool tcp;

	char address[128];	/* where the client finds it */
	char request[4096];	/* what the client asked; valid after fake_server_finish() */

	/* Its own. */
	char dir[64];
	int listener;
	pthread_t thread;
};

/* Listens when it returns. */
void fake_server_start(struct fake_server *server);

/* Waits until the connection is over; the client must have closed it, or never made it. */
void fake_server_finish(struct fake_server *server);
#endif
