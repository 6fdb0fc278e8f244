/* SPDX-License-Identifier: MIT */
#include "net/http.h"

#if GLINT_HAVE_LLHTTP
#include <llhttp.h>
#else
#include <http_parser.h>
#endif
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "net/uri.h"

#define NAME_MAX_BYTES 64	/* longer names are not ours */

/* The fields that we read; the others are counted and forgotten. */
enum field {
	FIELD_AUTHORIZATION,
	FIELD_CORS_HEADERS,
	FIELD_CORS_METHOD,
	FIELD_FORWARDED_FOR,
	FIELD_HOST,
	FIELDS,
	FIELD_OTHER = FIELDS,
};

static const char *const field_names[FIELDS] = {
	[FIELD_AUTHORIZATION] = "Authorization",
	[FIELD_CORS_HEADERS] = "Access-Control-Request-Headers",
	[FIELD_CORS_METHOD] = "Access-Control-Request-Method",
	[FIELD_FORWARDED_FOR] = "X-Forwarded-For",
	[FIELD_HOST] = "Host",
};

#if GLINT_HAVE_LLHTTP
typedef llhttp_t parser_t;
typedef llhttp_settings_t parser_settings_t;
#define PAUSE HPE_PAUSED	/* what a callback returns to stop behind what was read */
#else
typedef http_parser parser_t;
typedef http_parser_settings parser_settings_t;
#define PAUSE 0
#endif

struct glint_http {
	parser_t parser;
	bool in_head, complete;
	unsigned status;		/* 0: no error so far */
	size_t head_bytes;		/* all but the body: chunk heads and trailers, too */
	size_t body_bytes;
	unsigned n_fields;

	bool in_name;			/* the last piece was of a field's name */
	bool name_ended;		/* an empty value may have no piece (llhttp) */
	char name[NAME_MAX_BYTES];
	size_t name_bytes;
	enum field field;

	/* The URI and the values of interest, each with its NUL; a head's size is enough. */
	char text[GLINT_HTTP_HEAD_MAX + FIELDS + 1];
	size_t text_bytes;
	size_t uri_bytes;
	char *values[FIELDS];
	struct glint_request request;
};

static int http_refuse(struct glint_http *http, unsigned status)
{
	if (!http->status)
		http->status = status;
	return -1;
}

/* --- What the library tells ------------------------------------------------------ */

/* The libraries differ in how strict they were built, so their say is not enough. */
static bool is_token(const char *piece, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (piece[i] <= ' ' || piece[i] > '~' || strchr("\"(),/:;<=>?@[\\]{}", piece[i]))
			return false;
	return true;
}

static bool has_control(const char *piece, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (((unsigned char)piece[i] < ' ' && piece[i] != '\t') || piece[i] == 0x7f)
			return true;
	return false;
}

/*
 * Only called while in the head. glint_http_feed() gives the library no more than
 * GLINT_HTTP_HEAD_MAX bytes of a head, and each is appended once at most, so there is room.
 */
static void text_append(struct glint_http *http, const char *piece, size_t count)
{
	assert(count < sizeof(http->text) - http->text_bytes);

	memcpy(http->text + http->text_bytes, piece, count);
	http->text_bytes += count;
	http->text[http->text_bytes] = '\0';
}

static int on_url(parser_t *parser, const char *piece, size_t count)
{
	struct glint_http *http = parser->data;

	http->uri_bytes += count;
	if (http->uri_bytes > GLINT_HTTP_URI_MAX)
		return http_refuse(http, 414);
	if (has_control(piece, count))
		return http_refuse(http, 400);
	text_append(http, piece, count);
	return 0;
}

static int on_field(parser_t *parser, const char *piece, size_t count)
{
	struct glint_http *http = parser->data;

	if (!http->in_name || http->name_ended) {
		http->in_name = true;
		http->name_ended = false;
		http->name_bytes = 0;
		if (++http->n_fields > GLINT_HTTP_FIELDS_MAX)
			return http_refuse(http, 431);
	}
	if (!is_token(piece, count))
		return http_refuse(http, 400);
	if (count < sizeof(http->name) - http->name_bytes)
		memcpy(http->name + http->name_bytes, piece, count);
	http->name_bytes += MIN(count, sizeof(http->name) - http->name_bytes);
	return 0;
}

/*
 * Of a field that is sent twice the first one counts. A trailer is not a field of the head:
 * what it says comes too late, and nothing of it is kept.
 */
static enum field field_find(const struct glint_http *http)
{
	if (!http->in_head)
		return FIELD_OTHER;
	for (unsigned i = 0; i < FIELDS; i++)
		if (!http->values[i] && http->name_bytes == strlen(field_names[i]) &&
		    strncasecmp(http->name, field_names[i], http->name_bytes) == 0)
			return (enum field)i;
	return FIELD_OTHER;
}

static int on_value(parser_t *parser, const char *piece, size_t count)
{
	struct glint_http *http = parser->data;

	if (http->in_name) {
		http->in_name = false;
		http->field = field_find(http);
		if (http->field != FIELD_OTHER) {
			http->text_bytes++;	/* behind the NUL of the one before */
			http->values[http->field] = http->text + http->text_bytes;
		}
	}
	if (has_control(piece, count))
		return http_refuse(http, 400);
	if (http->field != FIELD_OTHER)
		text_append(http, piece, count);
	return 0;
}

/* -1 for what is not answered. */
static int method_of(const parser_t *parser)
{
	switch (parser->method) {
	case HTTP_GET:
		return GLINT_HTTP_GET;
	case HTTP_HEAD:
		return GLINT_HTTP_HEAD;
	case HTTP_OPTIONS:
		return GLINT_HTTP_OPTIONS;
	default:
		return -1;
	}
}

static int on_headers_complete(parser_t *parser)
{
	struct glint_http *http = parser->data;
	int method = method_of(parser);

	http->in_head = false;
	if (method < 0)
		return http_refuse(http, 501);
	if (parser->http_major != 1)
		return http_refuse(http, 505);
	/* All ones where the library has met no Content-Length. */
	if (parser->content_length != UINT64_MAX && parser->content_length > GLINT_HTTP_BODY_MAX)
		return http_refuse(http, 413);

	http->request.method = (enum glint_http_method)method;
	http->request.http_1_0 = parser->http_minor == 0;
	parser->upgrade = 0;	/* whatever it is, we stay with HTTP/1.1 */
	return 0;
}

static int on_body(parser_t *parser, const char *piece, size_t count)
{
	struct glint_http *http = parser->data;

	(void)piece;
	if (count > GLINT_HTTP_BODY_MAX - http->body_bytes)
		return http_refuse(http, 413);
	http->body_bytes += count;
	return 0;
}

static int on_message_complete(parser_t *parser);
#if GLINT_HAVE_LLHTTP
static int on_name_complete(parser_t *parser);
#endif

static const parser_settings_t settings = {
#if GLINT_HAVE_LLHTTP
	.on_header_field_complete = on_name_complete,
#endif
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* --- The two libraries ------------------------------------------------------------- */

#if GLINT_HAVE_LLHTTP

static int on_name_complete(parser_t *parser)
{
	struct glint_http *http = parser->data;

	http->name_ended = true;
	return 0;
}

static void parser_init(parser_t *parser)
{
	llhttp_init(parser, HTTP_REQUEST, &settings);
}

/* Returns how many bytes were read; *@failed also when a callback has refused. */
static size_t parser_execute(parser_t *parser, const char *bytes, size_t count, bool *failed)
{
	llhttp_errno_t err = llhttp_execute(parser, bytes, count);

	*failed = err != HPE_OK && err != HPE_PAUSED;
	if (err == HPE_OK)
		return count;
	return (size_t)(llhttp_get_error_pos(parser) - bytes);
}

static bool parser_keeps_alive(const parser_t *parser)
{
	return llhttp_should_keep_alive(parser);
}

static void parser_pause(parser_t *parser)
{
	(void)parser;	/* on_message_complete() does so with what it returns */
}

static void parser_resume(parser_t *parser)
{
	llhttp_resume(parser);
}

static unsigned parser_status(const parser_t *parser)
{
	switch (llhttp_get_errno(parser)) {
	case HPE_INVALID_METHOD:
		return 501;
	case HPE_INVALID_VERSION:
		return 505;
	default:
		return 400;
	}
}

#else

static void parser_init(parser_t *parser)
{
	http_parser_init(parser, HTTP_REQUEST);
}

static size_t parser_execute(parser_t *parser, const char *bytes, size_t count, bool *failed)
{
	size_t used = http_parser_execute(parser, &settings, bytes, count);
	enum http_errno err = HTTP_PARSER_ERRNO(parser);

	*failed = err != HPE_OK && err != HPE_PAUSED;
	return used;
}

static bool parser_keeps_alive(const parser_t *parser)
{
	return http_should_keep_alive(parser);
}

static void parser_pause(parser_t *parser)
{
	http_parser_pause(parser, 1);
}

static void parser_resume(parser_t *parser)
{
	http_parser_pause(parser, 0);
}

static unsigned parser_status(const parser_t *parser)
{
	switch (HTTP_PARSER_ERRNO(parser)) {
	case HPE_INVALID_METHOD:
		return 501;
	case HPE_INVALID_VERSION:
		return 505;
	default:
		return 400;
	}
}

#endif

/* What comes after belongs to the next request, which waits until this one is answered. */
static int on_message_complete(parser_t *parser)
{
	struct glint_http *http = parser->data;

	http->complete = true;
	http->request.keep_alive = parser_keeps_alive(parser);
	parser_pause(parser);
	return PAUSE;
}

/* --- One request after the other ----------------------------------------------------- */

static void http_begin(struct glint_http *http)
{
	http->in_head = true;
	http->complete = false;
	http->head_bytes = http->body_bytes = 0;
	http->n_fields = 0;
	http->in_name = http->name_ended = false;
	http->text_bytes = http->uri_bytes = 0;
	http->text[0] = '\0';
	memset(http->values, 0, sizeof(http->values));
	memset(&http->request, 0, sizeof(http->request));
}

struct glint_http *glint_http_create(void)
{
	struct glint_http *http = malloc(sizeof(*http));

	if (!http)
		return NULL;
	parser_init(&http->parser);
	http->parser.data = http;
	http->status = 0;
	http_begin(http);
	return http;
}

void glint_http_destroy(struct glint_http *http)
{
	free(http);
}

void glint_http_next(struct glint_http *http)
{
	assert(http->complete);

	parser_resume(&http->parser);
	http_begin(http);
}

static enum glint_http_outcome http_finish(struct glint_http *http)
{
	struct glint_request *request = &http->request;
	char *path, *query;

	if (glint_uri_split(http->text, &path, &query) < 0) {
		http_refuse(http, 400);
		return GLINT_HTTP_REFUSED;
	}
	request->path = path;
	request->query = query;
	request->authorization = http->values[FIELD_AUTHORIZATION];
	request->cors_headers = http->values[FIELD_CORS_HEADERS];
	request->cors_method = http->values[FIELD_CORS_METHOD];
	request->forwarded_for = http->values[FIELD_FORWARDED_FOR];
	request->host = http->values[FIELD_HOST];
	return GLINT_HTTP_REQUEST;
}

enum glint_http_outcome glint_http_feed(struct glint_http *http, const char *bytes, size_t count,
					size_t *used)
{
	size_t room = GLINT_HTTP_HEAD_MAX - http->head_bytes;
	size_t body_before = http->body_bytes;
	bool failed;

	assert(!http->complete && !http->status);

	*used = parser_execute(&http->parser, bytes, http->in_head ? MIN(count, room) : count,
			       &failed);
	http->head_bytes += *used - (http->body_bytes - body_before);

	if (failed)
		http_refuse(http, parser_status(&http->parser));
	else if (http->head_bytes >= GLINT_HTTP_HEAD_MAX + !http->in_head)
		http_refuse(http, 431);
	if (http->status)
		return GLINT_HTTP_REFUSED;
	return http->complete ? http_finish(http) : GLINT_HTTP_MORE;
}

bool glint_http_begun(const struct glint_http *http)
{
	return http->head_bytes > 0;
}

const struct glint_request *glint_http_request(const struct glint_http *http)
{
	return &http->request;
}

unsigned glint_http_status(const struct glint_http *http)
{
	return http->status;
}
