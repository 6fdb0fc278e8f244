/* SPDX-License-Identifier: MIT */
/* The members of a client, and the request with which each call begins. */
#ifndef GLINT_LIBGLINT_REQUEST_H
#define GLINT_LIBGLINT_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "libglint/address.h"

struct glint_head;
struct glint_image;
struct glint_wire;

struct glint_client {
	char *name; /* the address as text */
	struct glint_address address;
	char *login; /* a header with its CR LF, or NULL */
	int timeout_ms;
};

/* @body: JSON text, or NULL. With a @type: @size bytes of that media type. */
struct glint_client_request {
	const char *method, *path;
	const void *body;
	const char *type;
	size_t size;
};

/*
 * Connect, send @request and read the head of the answer, of any status. Returns 0 if the next byte
 * of @wire is the first of the body; the caller closes @wire. After a failure there is nothing to
 * close.
 */
int glint_request_any(const struct glint_client *client, struct glint_wire *wire,
		      const struct glint_client_request *request, struct glint_head *head,
		      struct glint_image *image, uint64_t deadline_ns);

/*
 * Returns the timeout of a call for which the service waits up to @wait_ms: the client's own timeout
 * comes on top, for the way there and back. 0: no timeout.
 */
int glint_client_timeout(const struct glint_client *client, int wait_ms);

/* Returns 0 for 200, else the error that stands for @status. */
int glint_status_error(unsigned status);

/*
 * Send @request and receive a reply in JSON. *@json is the caller's, to free(); also after the
 * error of a status, when the reply says why. Else NULL.
 */
int glint_client_json(const struct glint_client *client, const struct glint_client_request *request,
		      int timeout_ms, char **json, size_t *len);

/*
 * Make @request a POST of @picture, which the caller keeps, with the media type that the first bytes
 * say. -EINVAL: it is no picture that the service takes.
 */
int glint_client_picture_request(struct glint_client_request *request, const void *picture,
				 size_t size);

/* Like glint_request_any(), for a GET of @path; a status other than 200 is an error. */
int glint_request(const struct glint_client *client, struct glint_wire *wire, const char *path,
		  struct glint_head *head, struct glint_image *image, uint64_t deadline_ns);
#endif
