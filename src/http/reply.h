/* SPDX-License-Identifier: MIT */
/*
 * Replies to the request that @client has read. A function that names a status sends the
 * whole reply, unless it says otherwise. HEAD gets the head only.
 */
#ifndef GLINT_HTTP_REPLY_H
#define GLINT_HTTP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "http/client.h"

/*
 * Begin a reply with status line, Date, Connection and CORS. The caller adds headers, ends
 * the head with glint_reply_end(), puts a body, and sends.
 */
struct glint_text *glint_reply_begin(struct glint_client *client, unsigned status);

/* Begin a reply without a length: HTTP/1.0, and ends with the connection. */
struct glint_text *glint_reply_begin_endless(struct glint_client *client);

/* The three headers that forbid all kinds of caches. */
void glint_reply_no_store(struct glint_text *head);

/* End the head: Content-Type (NULL: none), Content-Length and the blank line. */
void glint_reply_end(struct glint_client *client, const char *type, uint64_t length);

/* Send a reply that is never cached. Takes over @body, which is freed after it has been sent. */
void glint_reply_owned(struct glint_client *client, unsigned status, const char *type, char *body,
		       size_t size);

/* A status with its name as a page. Ends the connection, but for 401. */
void glint_reply_error(struct glint_client *client, unsigned status);

/* The index of a status in the list of all that are sent, and back; 0: no such index. */
unsigned glint_reply_index(unsigned status);
unsigned glint_reply_status_at(unsigned index);

/* Reply 503 to a connection without a place, or to a request that its place does not allow. */
void glint_reply_no_place(struct glint_client *client);

/* In the head of a reply to OPTIONS: what a page of another origin may ask, if anything. */
void glint_reply_add_preflight(struct glint_client *client, const char *methods);

/*
 * Reply with a status and a JSON error: a word for programs and a sentence for people. Both must be
 * constants of glint; http/json.h escapes a client's words.
 */
void glint_reply_refusal(struct glint_client *client, unsigned status, const char *reason,
			 const char *message);

/* The same with a header; @name NULL: none. */
void glint_reply_refusal_with(struct glint_client *client, unsigned status, const char *name,
			      const char *value, const char *reason, const char *message);
#endif
