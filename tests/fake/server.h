/* SPDX-License-Identifier: MIT */
/*
 * A scripted server: it sends the test's reply, whatever the request, on one connection, from its
 * own thread.
 */
#ifndef GLINT_TESTS_FAKE_SERVER_H
#define GLINT_TESTS_FAKE_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct fake_server {
	/* Set by the test before fake_server_start(); 0 is the usual case. */
	const char *reply;
	size_t len;    /* 0: strlen(reply) */
	bool bytewise; /* sends each byte after the client has read the previous one */
	bool endless;  /* repeats the last byte until the client closes */
	bool hold;     /* keeps the connection open until the client closes */
	bool deaf;     /* replies and closes without reading the request */
	bool tcp;

	char address[128];  /* for the client */
	char request[4096]; /* valid after fake_server_finish() */

	/* Private. */
	char dir[64];
	int listener;
	pthread_t thread;
};

/* The server listens when this returns. */
void fake_server_start(struct fake_server *server);

/*
 * Wait for the end of the connection. The client must have closed it, or must not have connected.
 */
void fake_server_finish(struct fake_server *server);
#endif
