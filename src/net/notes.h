/* SPDX-License-Identifier: MIT */
/*
 * What the log and /state tell of requests that were not answered as their peers
 * wished. Each is counted; lines are limited to a few at once and then one each
 * GLINT_NOTES_NS of a kind, which says how many were left out before it.
 */
#ifndef GLINT_NET_NOTES_H
#define GLINT_NET_NOTES_H

#include <stdint.h>

#include "base/clock.h"

#define GLINT_NOTES_NS (10 * GLINT_NSEC_PER_SEC)

struct glint_client;
struct glint_net;

struct glint_note {
	uint64_t due_ns;	/* when the next line is due by the rate */
	unsigned left_out;
};

/* A connection of the peer called @name gets no place. */
void glint_note_refused(struct glint_net *net, const char *name);

/* The login of @client's request is wrong, or was not checked. */
void glint_note_login(struct glint_client *client);

/* The request that @client has read is about to be answered with @status. */
void glint_note_answer(struct glint_client *client, unsigned status);

/* @client has read a request: at log level verbose. */
void glint_note_request(const struct glint_client *client);
#endif
