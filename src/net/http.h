/* SPDX-License-Identifier: MIT */
/*
 * Requests out of a connection's bytes, within bounds: a head of 16 KiB, a URI
 * of 4 KiB, 64 fields, a body of 64 KiB. The body and its trailers are read and
 * dropped; trailers and the sizes of chunks count as bytes and fields of the head.
 * A library knows the grammar (http-parser or llhttp); the bounds and the meaning are
 * ours.
 */
#ifndef GLINT_NET_HTTP_H
#define GLINT_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define GLINT_HTTP_HEAD_MAX   16384u
#define GLINT_HTTP_URI_MAX    4096u
#define GLINT_HTTP_FIELDS_MAX 64u
#define GLINT_HTTP_BODY_MAX   65536u

struct glint_http;

enum glint_http_method {
	GLINT_HTTP_GET,
	GLINT_HTTP_HEAD,
	GLINT_HTTP_OPTIONS,
};

/* Strings live until glint_http_next(). Fields that were not sent are NULL. */
struct glint_request {
	enum glint_http_method method;
	const char *path;		/* decoded */
	const char *query;		/* as sent, "" when there is none */
	bool http_1_0;
	bool keep_alive;
	const char *authorization;
	const char *cors_headers;	/* Access-Control-Request-Headers */
	const char *cors_method;	/* Access-Control-Request-Method */
	const char *forwarded_for;	/* X-Forwarded-For: what a proxy, or anybody, says */
	const char *host;
};

enum glint_http_outcome {
	GLINT_HTTP_MORE,	/* the request is not complete */
	GLINT_HTTP_REQUEST,	/* see glint_http_request() */
	GLINT_HTTP_REFUSED,	/* see glint_http_status(); nothing more can be read */
};

/* NULL when memory is short. */
struct glint_http *glint_http_create(void);
void glint_http_destroy(struct glint_http *http);	/* NULL is fine */

/*
 * Reads from @bytes up to the end of one request; @used tells how much of them,
 * all unless the outcome is REQUEST. After that, glint_http_next() comes first.
 */
enum glint_http_outcome glint_http_feed(struct glint_http *http, const char *bytes, size_t count,
					size_t *used);

/* Whether some bytes of a request have been read. */
bool glint_http_begun(const struct glint_http *http);

const struct glint_request *glint_http_request(const struct glint_http *http);

/* Why it was refused: 400, 413, 414, 431, 501 or 505. */
unsigned glint_http_status(const struct glint_http *http);

/* Ready for the connection's next request. */
void glint_http_next(struct glint_http *http);
#endif
