/* SPDX-License-Identifier: MIT */
/*
 * Replies to the request that @client has read. Each sends, so one is enough; a
 * HEAD gets the head only.
 */
#ifndef GLINT_NET_REPLY_H
#define GLINT_NET_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "net/client.h"

/*
 * Begins a reply: status line, Date, Connection, and what CORS asks for. The
 * caller adds fields, ends the head with glint_reply_end(), puts a body, sends.
 */
struct glint_text *glint_reply_begin(struct glint_client *client, unsigned status);

/* A reply whose body has no length: HTTP/1.0, which ends with the connection. */
struct glint_text *glint_reply_begin_endless(struct glint_client *client);

/* The three fields that forbid every kind of cache. */
void glint_reply_no_store(struct glint_text *head);

/* Content-Type (NULL: none), Content-Length, and the blank line. */
void glint_reply_end(struct glint_client *client, const char *type, uint64_t length);

/* A whole reply that is never cached; @body is freed when it was sent. */
void glint_reply_owned(struct glint_client *client, unsigned status, const char *type, char *body,
		       size_t size);

/* A status and its name as a page. All but 401 end the connection. */
void glint_reply_error(struct glint_client *client, unsigned status);

/* Where a status that is used stands in their list, and what stands there; 0: nothing does. */
unsigned glint_reply_index(unsigned status);
unsigned glint_reply_status_at(unsigned index);

/* A status and a JSON error with a word for programs and a sentence for people. */
void glint_reply_refusal(struct glint_client *client, unsigned status, const char *reason,
			 const char *message);
#endif
