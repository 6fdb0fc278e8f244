/* SPDX-License-Identifier: MIT */
#include "http/parser.h"

#if GLINT_HAVE_LLHTTP
#include <llhttp.h>
#else
#include <http_parser.h>
#endif
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "http/body.h"
#include "http/uri.h"

#define NAME_MAX_BYTES 64 /* no header that is read has a longer name */

/* The headers that we read; the others are counted and dropped. */
enum header {
	HEADER_ACCEPT,
	HEADER_AUTHORIZATION,
	HEADER_CONTENT_ENCODING,
	HEADER_CONTENT_TYPE,
	HEADER_CORS_HEADERS,
	HEADER_EXPECT,
	HEADER_FETCH_SITE,
	HEADER_FORWARDED_FOR,
	HEADER_HOST,
	HEADER_LAST_EVENT_ID,
	HEADER_ORIGIN,
	HEADERS,
	HEADER_OTHER = HEADERS,
};

static const char *const header_names[HEADERS] = {
	[HEADER_ACCEPT] = "Accept",
	[HEADER_AUTHORIZATION] = "Authorization",
	[HEADER_CONTENT_ENCODING] = "Content-Encoding",
	[HEADER_CONTENT_TYPE] = "Content-Type",
	[HEADER_CORS_HEADERS] = "Access-Control-Request-Headers",
	[HEADER_EXPECT] = "Expect",
	[HEADER_FETCH_SITE] = "Sec-Fetch-Site",
	[HEADER_FORWARDED_FOR] = "X-Forwarded-For",
	[HEADER_HOST] = "Host",
	[HEADER_LAST_EVENT_ID] = "Last-Event-ID",
	[HEADER_ORIGIN] = "Origin",
};

#if GLINT_HAVE_LLHTTP
typedef llhttp_t lib_t;
typedef llhttp_settings_t lib_settings_t;
#define PAUSE HPE_PAUSED /* a callback's result that stops the library behind the last byte read */
#else
typedef http_parser lib_t;
typedef http_parser_settings lib_settings_t;
#define PAUSE 0
#endif

enum stage {
	STAGE_HEAD,
	STAGE_HEAD_ENDED, /* the caller does not know yet */
	STAGE_BODY,
	STAGE_COMPLETE,
};

struct glint_parser {
	lib_t lib;
	enum stage stage;
	bool paused;	      /* the library, until the next glint_parser_feed() */
	unsigned status;      /* 0: no error so far */
	size_t head_bytes;    /* with the heads of chunks and the trailers */
	size_t dropped_bytes; /* of a body that is not collected */
	size_t body_bytes;    /* dropped or collected */
	unsigned n_headers;

	bool in_name;	 /* the last piece was of a header's name */
	bool name_ended; /* an empty value may have no piece (llhttp) */
	char name[NAME_MAX_BYTES];
	size_t name_bytes;
	enum header header;

	/* The URI and the values of interest, each with its NUL; a head's size is enough. */
	char text[GLINT_HTTP_HEAD_MAX + HEADERS + 1];
	size_t text_bytes;
	size_t uri_bytes;
	char *values[HEADERS];
	struct glint_body body;
	struct glint_request request;
};

const char *glint_method_name(enum glint_method method)
{
	static const char *const names[GLINT_METHODS] = {
		[GLINT_METHOD_GET] = "GET",	    [GLINT_METHOD_HEAD] = "HEAD",
		[GLINT_METHOD_POST] = "POST",	    [GLINT_METHOD_PUT] = "PUT",
		[GLINT_METHOD_PATCH] = "PATCH",	    [GLINT_METHOD_DELETE] = "DELETE",
		[GLINT_METHOD_OPTIONS] = "OPTIONS",
	};

	assert(method < GLINT_METHODS);
	return names[method];
}

static int parser_refuse(struct glint_parser *parser, unsigned status)
{
	if (!parser->status)
		parser->status = status;
	return -1;
}

/* --- What the library tells ------------------------------------------------------ */

/* How strict a library is depends on its build, so the parser checks tokens itself. */
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
 * Only called while in the head. glint_parser_feed() gives the library no more than
 * GLINT_HTTP_HEAD_MAX bytes of a head, and each is appended once at most, so there is space.
 */
static void text_append(struct glint_parser *parser, const char *piece, size_t count)
{
	assert(parser->stage == STAGE_HEAD);
	assert(count < sizeof(parser->text) - parser->text_bytes);

	memcpy(parser->text + parser->text_bytes, piece, count);
	parser->text_bytes += count;
	parser->text[parser->text_bytes] = '\0';
}

static int on_url(lib_t *lib, const char *piece, size_t count)
{
	struct glint_parser *parser = lib->data;

	parser->uri_bytes += count;
	if (parser->uri_bytes > GLINT_HTTP_URI_MAX)
		return parser_refuse(parser, 414);
	if (has_control(piece, count))
		return parser_refuse(parser, 400);
	text_append(parser, piece, count);
	return 0;
}

static int on_name(lib_t *lib, const char *piece, size_t count)
{
	struct glint_parser *parser = lib->data;

	if (!parser->in_name || parser->name_ended) {
		parser->in_name = true;
		parser->name_ended = false;
		parser->name_bytes = 0;
		if (++parser->n_headers > GLINT_HTTP_HEADERS_MAX)
			return parser_refuse(parser, 431);
	}
	if (!is_token(piece, count))
		return parser_refuse(parser, 400);
	if (count < sizeof(parser->name) - parser->name_bytes)
		memcpy(parser->name + parser->name_bytes, piece, count);
	parser->name_bytes += MIN(count, sizeof(parser->name) - parser->name_bytes);
	return 0;
}

/* A trailer is not a header of the head: it comes too late to have a meaning. */
static enum header header_find(const struct glint_parser *parser)
{
	if (parser->stage != STAGE_HEAD)
		return HEADER_OTHER;
	for (unsigned i = 0; i < HEADERS; i++)
		if (parser->name_bytes == strlen(header_names[i]) &&
		    strncasecmp(parser->name, header_names[i], parser->name_bytes) == 0)
			return (enum header)i;
	return HEADER_OTHER;
}

static int on_value(lib_t *lib, const char *piece, size_t count)
{
	struct glint_parser *parser = lib->data;

	if (parser->in_name) {
		parser->in_name = false;
		parser->header = header_find(parser);
		/* Two hosts could be two meanings. Of other headers the first one counts. */
		if (parser->header == HEADER_HOST && parser->values[HEADER_HOST])
			return parser_refuse(parser, 400);
		if (parser->header != HEADER_OTHER && parser->values[parser->header])
			parser->header = HEADER_OTHER;
		if (parser->header != HEADER_OTHER) {
			parser->text_bytes++; /* behind the NUL of the value before */
			parser->values[parser->header] = parser->text + parser->text_bytes;
		}
	}
	if (has_control(piece, count))
		return parser_refuse(parser, 400);
	if (parser->header != HEADER_OTHER)
		text_append(parser, piece, count);
	return 0;
}

/* GLINT_METHODS for what is not answered on any path. */
static enum glint_method method_of(const lib_t *lib)
{
	switch (lib->method) {
	case HTTP_GET:
		return GLINT_METHOD_GET;
	case HTTP_HEAD:
		return GLINT_METHOD_HEAD;
	case HTTP_POST:
		return GLINT_METHOD_POST;
	case HTTP_PUT:
		return GLINT_METHOD_PUT;
	case HTTP_PATCH:
		return GLINT_METHOD_PATCH;
	case HTTP_DELETE:
		return GLINT_METHOD_DELETE;
	case HTTP_OPTIONS:
		return GLINT_METHOD_OPTIONS;
	default:
		return GLINT_METHODS;
	}
}

static void lib_pause(lib_t *lib);

static int on_headers_complete(lib_t *lib)
{
	struct glint_parser *parser = lib->data;
	struct glint_request *request = &parser->request;
	bool chunked = lib->flags & F_CHUNKED;

	assert(parser->stage == STAGE_HEAD);

	request->method = method_of(lib);
	if (request->method == GLINT_METHODS)
		return parser_refuse(parser, 501);
	if (lib->http_major != 1)
		return parser_refuse(parser, 505);
	request->http_1_0 = lib->http_minor == 0;
	request->length = chunked ? GLINT_HTTP_NO_LENGTH : lib->content_length;
	/* All ones where the library has met no Content-Length. */
	if (!chunked && lib->content_length == UINT64_MAX)
		request->length = 0;
	request->has_body = request->length > 0;
	lib->upgrade = 0; /* the service stays with HTTP/1.1 */
	parser->stage = STAGE_HEAD_ENDED;
	parser->paused = true;
	lib_pause(lib);
	return PAUSE;
}

static int on_body(lib_t *lib, const char *piece, size_t count)
{
	struct glint_parser *parser = lib->data;
	int err;

	parser->body_bytes += count;
	if (parser->body.all) {
		err = glint_body_add(&parser->body, piece, count);
		return err < 0 ? parser_refuse(parser, err == -EMSGSIZE ? 413 : 503) : 0;
	}
	if (count > GLINT_HTTP_BODY_MAX - parser->dropped_bytes)
		return parser_refuse(parser, 413);
	parser->dropped_bytes += count;
	return 0;
}

static int on_message_complete(lib_t *lib);
#if GLINT_HAVE_LLHTTP
static int on_name_complete(lib_t *lib);
#endif

static const lib_settings_t settings = {
#if GLINT_HAVE_LLHTTP
	.on_header_field_complete = on_name_complete,
#endif
	.on_url = on_url,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* --- The two libraries ------------------------------------------------------------- */

#if GLINT_HAVE_LLHTTP

static int on_name_complete(lib_t *lib)
{
	struct glint_parser *parser = lib->data;

	parser->name_ended = true;
	return 0;
}

static void lib_init(lib_t *lib)
{
	llhttp_init(lib, HTTP_REQUEST, &settings);
}

/* Return how many bytes were read; *@failed also when a callback has refused. */
static size_t lib_execute(lib_t *lib, const char *bytes, size_t count, bool *failed)
{
	llhttp_errno_t err = llhttp_execute(lib, bytes, count);

	*failed = err != HPE_OK && err != HPE_PAUSED;
	if (err == HPE_OK)
		return count;
	return (size_t)(llhttp_get_error_pos(lib) - bytes);
}

static bool lib_keeps_alive(const lib_t *lib)
{
	return llhttp_should_keep_alive(lib);
}

static void lib_pause(lib_t *lib)
{
	(void)lib; /* the callback's result pauses it */
}

static void lib_resume(lib_t *lib)
{
	llhttp_resume(lib);
}

static unsigned lib_status(const lib_t *lib)
{
	switch (llhttp_get_errno(lib)) {
	case HPE_INVALID_METHOD:
		return 501;
	case HPE_INVALID_VERSION:
		return 505;
	default:
		return 400;
	}
}

#else

static void lib_init(lib_t *lib)
{
	http_parser_init(lib, HTTP_REQUEST);
}

static size_t lib_execute(lib_t *lib, const char *bytes, size_t count, bool *failed)
{
	/* No bytes would mean the end of input. */
	size_t used = count > 0 ? http_parser_execute(lib, &settings, bytes, count) : 0;
	enum http_errno err = HTTP_PARSER_ERRNO(lib);

	*failed = err != HPE_OK && err != HPE_PAUSED;
	return used;
}

static bool lib_keeps_alive(const lib_t *lib)
{
	return http_should_keep_alive(lib);
}

static void lib_pause(lib_t *lib)
{
	http_parser_pause(lib, 1);
}

static void lib_resume(lib_t *lib)
{
	http_parser_pause(lib, 0);
}

static unsigned lib_status(const lib_t *lib)
{
	switch (HTTP_PARSER_ERRNO(lib)) {
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
static int on_message_complete(lib_t *lib)
{
	struct glint_parser *parser = lib->data;

	assert(parser->stage == STAGE_BODY);

	parser->stage = STAGE_COMPLETE;
	parser->paused = true;
	lib_pause(lib);
	return PAUSE;
}

/* --- One request after the other ----------------------------------------------------- */

static void parser_begin(struct glint_parser *parser)
{
	parser->stage = STAGE_HEAD;
	parser->head_bytes = parser->dropped_bytes = parser->body_bytes = 0;
	parser->n_headers = 0;
	parser->in_name = parser->name_ended = false;
	parser->text_bytes = parser->uri_bytes = 0;
	parser->text[0] = '\0';
	memset(parser->values, 0, sizeof(parser->values));
	parser->request = (struct glint_request){ .body = "" };
}

struct glint_parser *glint_parser_create(void)
{
	struct glint_parser *parser = malloc(sizeof(*parser));

	if (!parser)
		return NULL;
	lib_init(&parser->lib);
	parser->lib.data = parser;
	parser->status = 0;
	parser->paused = false;
	parser->body = (struct glint_body){ 0 };
	parser_begin(parser);
	return parser;
}

void glint_parser_destroy(struct glint_parser *parser)
{
	if (parser)
		glint_body_end(&parser->body);
	free(parser);
}

char *glint_parser_take_body(struct glint_parser *parser, size_t *size)
{
	char *bytes = parser->body.bytes;

	*size = parser->body.size;
	parser->body.bytes = NULL;
	glint_parser_drop_body(parser);
	return bytes;
}

void glint_parser_drop_body(struct glint_parser *parser)
{
	glint_body_end(&parser->body);
	parser->request.body = "";
	parser->request.body_size = 0;
}

void glint_parser_next(struct glint_parser *parser)
{
	assert(parser->stage == STAGE_COMPLETE && !parser->status);

	glint_parser_drop_body(parser);
	parser_begin(parser);
}

static enum glint_parser_outcome parser_end_head(struct glint_parser *parser)
{
	struct glint_request *request = &parser->request;
	char *path, *query;

	parser->stage = STAGE_BODY;
	if (glint_uri_split(parser->text, &path, &query) < 0) {
		parser_refuse(parser, 400);
		return GLINT_PARSER_REFUSED;
	}
	request->path = path;
	request->query = query;
	request->keep_alive = lib_keeps_alive(&parser->lib);
	request->accept = parser->values[HEADER_ACCEPT];
	request->authorization = parser->values[HEADER_AUTHORIZATION];
	request->content_encoding = parser->values[HEADER_CONTENT_ENCODING];
	request->content_type = parser->values[HEADER_CONTENT_TYPE];
	request->cors_headers = parser->values[HEADER_CORS_HEADERS];
	request->expect = parser->values[HEADER_EXPECT];
	request->fetch_site = parser->values[HEADER_FETCH_SITE];
	request->forwarded_for = parser->values[HEADER_FORWARDED_FOR];
	request->host = parser->values[HEADER_HOST];
	request->last_event_id = parser->values[HEADER_LAST_EVENT_ID];
	request->origin = parser->values[HEADER_ORIGIN];
	return GLINT_PARSER_HEAD;
}

static enum glint_parser_outcome parser_end_request(struct glint_parser *parser)
{
	if (parser->body.all) {
		parser->request.body = parser->body.bytes;
		parser->request.body_size = parser->body.size;
	}
	return GLINT_PARSER_REQUEST;
}

enum glint_parser_outcome glint_parser_feed(struct glint_parser *parser, const char *bytes,
					    size_t count, size_t *used)
{
	size_t head_space = GLINT_HTTP_HEAD_MAX - parser->head_bytes;
	size_t body_before = parser->body_bytes;
	bool in_head = parser->stage == STAGE_HEAD, failed;

	assert(in_head || parser->stage == STAGE_BODY);
	assert(!parser->status);

	if (parser->paused)
		lib_resume(&parser->lib);
	parser->paused = false;
	*used = lib_execute(&parser->lib, bytes, in_head ? MIN(count, head_space) : count, &failed);
	assert(*used <= count);
	parser->head_bytes += *used - (parser->body_bytes - body_before);

	if (failed)
		parser_refuse(parser, lib_status(&parser->lib));
	else if (parser->head_bytes >= GLINT_HTTP_HEAD_MAX + (parser->stage != STAGE_HEAD))
		parser_refuse(parser, 431);
	if (parser->status)
		return GLINT_PARSER_REFUSED;
	if (parser->stage == STAGE_HEAD_ENDED)
		return parser_end_head(parser);
	return parser->stage == STAGE_COMPLETE ? parser_end_request(parser) : GLINT_PARSER_MORE;
}

bool glint_parser_begun(const struct glint_parser *parser)
{
	return parser->head_bytes > 0;
}

bool glint_parser_at_head(const struct glint_parser *parser)
{
	return parser->stage == STAGE_BODY && parser->paused;
}

int glint_parser_collect(struct glint_parser *parser, struct glint_bodies *all, size_t max)
{
	const struct glint_request *request = &parser->request;

	assert(parser->stage == STAGE_BODY && parser->body_bytes == 0);

	return glint_body_begin(&parser->body, all, max,
				request->length == GLINT_HTTP_NO_LENGTH ? 0 : request->length);
}

const struct glint_request *glint_parser_request(const struct glint_parser *parser)
{
	return &parser->request;
}

unsigned glint_parser_status(const struct glint_parser *parser)
{
	return parser->status;
}
