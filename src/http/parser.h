/* SPDX-License-Identifier: MIT */
/*
 * Parse requests from a connection's bytes, within bounds: a head of 16 KiB, a URI of 4 KiB, 64
 * headers. glint_parser_collect() collects a body; otherwise up to 64 KiB of a body are read and
 * dropped. Trailers and the sizes of chunks count as bytes and headers of the head, and trailers are
 * dropped. A library parses the grammar (http-parser or llhttp); this module adds the bounds.
 */
#ifndef GLINT_HTTP_PARSER_H
#define GLINT_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_HTTP_HEAD_MAX    16384u
#define GLINT_HTTP_URI_MAX     4096u
#define GLINT_HTTP_HEADERS_MAX 64u
#define GLINT_HTTP_BODY_MAX    65536u /* of a body that is dropped */
#define GLINT_HTTP_NO_LENGTH   UINT64_MAX

struct glint_bodies;
struct glint_parser;

enum glint_method {
	GLINT_METHOD_GET,
	GLINT_METHOD_HEAD,
	GLINT_METHOD_POST,
	GLINT_METHOD_PUT,
	GLINT_METHOD_PATCH,
	GLINT_METHOD_DELETE,
	GLINT_METHOD_OPTIONS,
	GLINT_METHODS,
};

/* "GET", ... */
const char *glint_method_name(enum glint_method method);

/* Strings live until glint_parser_next(). Headers that were not sent are NULL. */
struct glint_request {
	enum glint_method method;
	const char *path;  /* decoded; NULL while the head is not complete */
	const char *query; /* as sent, "" when there is none */
	bool http_1_0;
	bool keep_alive;
	const char *accept;
	const char *authorization;
	const char *content_encoding;
	const char *content_type;
	const char *cors_headers; /* Access-Control-Request-Headers */
	const char *expect;
	const char *fetch_site;	   /* Sec-Fetch-Site: a browser's relation of page and service */
	const char *forwarded_for; /* X-Forwarded-For, from a proxy; not to be trusted */
	const char *host;
	const char *last_event_id;
	const char *origin;

	bool has_body;	  /* a body follows the head; it may be one empty chunk */
	uint64_t length;  /* of the body; GLINT_HTTP_NO_LENGTH: the body comes in chunks */
	const char *body; /* the collected body, zero-terminated; "": none */
	size_t body_size;
};

enum glint_parser_outcome {
	GLINT_PARSER_MORE,    /* the request is not complete */
	GLINT_PARSER_HEAD,    /* the head is complete; see glint_parser_request() */
	GLINT_PARSER_REQUEST, /* the request is complete */
	GLINT_PARSER_REFUSED, /* see glint_parser_status(); the connection must end */
};

/* Returns NULL if memory is short. */
struct glint_parser *glint_parser_create(void);
void glint_parser_destroy(struct glint_parser *parser); /* NULL is fine */

/*
 * Read from @bytes up to the end of a head or of a request. *@used is the number of bytes read; all
 * for the outcome MORE. After REQUEST, call glint_parser_next() first. After HEAD call this again,
 * even if no bytes are left.
 */
enum glint_parser_outcome glint_parser_feed(struct glint_parser *parser, const char *bytes,
					    size_t count, size_t *used);

/* Returns whether some bytes of a request have been read. */
bool glint_parser_begun(const struct glint_parser *parser);

/* Returns whether HEAD was the last outcome. */
bool glint_parser_at_head(const struct glint_parser *parser);

/*
 * After HEAD: collect the body, up to @max bytes. 0, or -EMSGSIZE, -ENOBUFS and -ENOMEM
 * as in body.h; then the body is dropped.
 */
int glint_parser_collect(struct glint_parser *parser, struct glint_bodies *all, size_t max);

const struct glint_request *glint_parser_request(const struct glint_parser *parser);

/* Returns the status for a refused request: 400, 413, 414, 431, 501, 503 or 505. */
unsigned glint_parser_status(const struct glint_parser *parser);

/*
 * Take the collected body out of the request: the caller frees the bytes, which no longer count as
 * those of a body. NULL: there is none.
 */
char *glint_parser_take_body(struct glint_parser *parser, size_t *size);

/* Free the body: the request was answered. */
void glint_parser_drop_body(struct glint_parser *parser);

/* Prepare for the connection's next request. */
void glint_parser_next(struct glint_parser *parser);
#endif
