/* SPDX-License-Identifier: MIT */
#include "http/reply.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "http/headers.h"
#include "http/internal.h"
#include "http/receipt.h"

#define CORS_ECHO_MAX 512u /* bytes of a request that are echoed */

static const struct glint_log_topic topic = { "client" };

static const struct status {
	unsigned code;
	const char *name;
} statuses[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

static_assert(ARRAY_SIZE(statuses) <= GLINT_ANSWERS_MAX, "");

unsigned glint_reply_index(unsigned status)
{
	for (unsigned i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].code == status)
			return i;
	assert(!"a status without a name"); /* all statuses are constants of glint */
	return 0;
}

unsigned glint_reply_status_at(unsigned index)
{
	return index < ARRAY_SIZE(statuses) ? statuses[index].code : 0;
}

static const char *status_name(unsigned status)
{
	return statuses[glint_reply_index(status)].name;
}

/* As in RFC 9110, 5.6.7. The process stays in the C locale. */
static void add_date(struct glint_text *head)
{
	time_t now = time(NULL);
	char date[40];
	struct tm tm;

	if (gmtime_r(&now, &tm) && strftime(date, sizeof(date), "%a, %d %b %Y %T GMT", &tm) > 0)
		glint_text_header(head, "Date", date);
}

/* Values that could split the header are not echoed. */
static bool may_echo(const char *value)
{
	if (!value || strlen(value) > CORS_ECHO_MAX)
		return false;
	for (; *value; value++)
		if (*value < ' ' || *value > '~')
			return false;
	return true;
}

static void add_cors(struct glint_text *head, const struct glint_server_config *config,
		     const struct glint_request *request)
{
	if (!config->allow_origin)
		return;

	glint_text_header(head, "Access-Control-Allow-Origin", config->allow_origin);
	glint_text_header(head, "Access-Control-Allow-Credentials", "true");
	if (request->method != GLINT_METHOD_OPTIONS) {
		glint_headers_add_exposed(head);
		glint_receipt_add_exposed(head);
		glint_text_add(head, "\r\n");
	}
}

void glint_reply_add_preflight(struct glint_client *client, const char *methods)
{
	const struct glint_request *request = glint_parser_request(client->parser);

	if (!client->server->config.allow_origin)
		return;
	glint_text_header(&client->head, "Access-Control-Allow-Methods", methods);
	/* Any header is allowed: those that have no meaning here are ignored. */
	if (may_echo(request->cors_headers))
		glint_text_header(&client->head, "Access-Control-Allow-Headers",
				  request->cors_headers);
}

/* Count the reply by its status; log it if the request was wrong. */
static void reply_count(struct glint_client *client, unsigned status)
{
	const struct glint_request *request = glint_parser_request(client->parser);
	char path[GLINT_CLIENT_SHOWN_MAX], text[GLINT_CLIENT_SHOWN_MAX];
	const char *name = client->conn.facts.name;

	client->server->answers[glint_reply_index(status)]++;
	/* Wrong logins and 503 are logged elsewhere; each login begins with a 401. */
	if (status < 400 || status >= 500 || status == 401)
		return;
	if (!request->path)
		glint_log_limited(&topic, GLINT_LOG_INFO, "%u for %s", status, name);
	else if (status == 421)
		glint_log_limited(
			&topic, GLINT_LOG_WARN,
			"421 for %s: \"%s\" is no name of this service; --allow-host adds "
			"names",
			name, glint_client_show(request->host, text));
	else
		glint_log_limited(&topic, GLINT_LOG_INFO, "%u for %s \"%s\" from %s%s", status,
				  glint_method_name(request->method),
				  glint_client_show(request->path, path), name,
				  glint_client_show_origin(client, text));
}

static struct glint_text *reply_begin(struct glint_client *client, unsigned status, bool http_1_0)
{
	struct glint_text *head = glint_client_begin(client);

	reply_count(client, status);
	glint_text_add(head, http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ");
	glint_text_uint(head, status);
	glint_text_add(head, " ");
	glint_text_add(head, status_name(status));
	glint_text_add(head, "\r\n");
	if (!http_1_0)
		add_date(head);
	if (!client->keep_alive)
		glint_text_header(head, "Connection", "close");
	else if (http_1_0)
		glint_text_header(head, "Connection", "keep-alive");
	add_cors(head, &client->server->config, glint_parser_request(client->parser));
	return head;
}

struct glint_text *glint_reply_begin(struct glint_client *client, unsigned status)
{
	return reply_begin(client, status, glint_parser_request(client->parser)->http_1_0);
}

struct glint_text *glint_reply_begin_endless(struct glint_client *client)
{
	client->keep_alive = false;
	return reply_begin(client, 200, true);
}

void glint_reply_no_store(struct glint_text *head)
{
	glint_text_header(head, "Cache-Control",
			  "no-store, no-cache, must-revalidate, proxy-revalidate, max-age=0");
	glint_text_header(head, "Pragma", "no-cache");
	glint_text_header(head, "Expires", "Mon, 03 Jan 2000 12:34:56 GMT");
}

void glint_reply_end(struct glint_client *client, const char *type, uint64_t length)
{
	struct glint_text *head = &client->head;

	if (type)
		glint_text_header(head, "Content-Type", type);
	glint_text_header_uint(head, "Content-Length", length);
	glint_text_add(head, "\r\n");
}

static void reply_finish(struct glint_client *client, const char *type, const void *body,
			 size_t size)
{
	glint_reply_end(client, type, size);
	if (glint_parser_request(client->parser)->method != GLINT_METHOD_HEAD)
		glint_client_put(client, body, size);
	glint_client_send(client);
}

void glint_reply_owned(struct glint_client *client, unsigned status, const char *type, char *body,
		       size_t size)
{
	assert(!client->owned);

	client->owned = body;
	glint_reply_no_store(glint_reply_begin(client, status));
	reply_finish(client, type, body, size);
}

/* For a short body, which is sent with the head: no memory is allocated for it. */
static void reply_finish_copied(struct glint_client *client, const char *type,
				const struct glint_text *body)
{
	glint_reply_end(client, type, body->used);
	if (glint_parser_request(client->parser)->method != GLINT_METHOD_HEAD)
		glint_text_bytes(&client->head, body->base, body->used);
	glint_client_send(client);
}

void glint_reply_error(struct glint_client *client, unsigned status)
{
	const char *name = status_name(status);
	char page[256];
	struct glint_text text = glint_text_in(page, sizeof(page)), *head;

	glint_text_add(&text, "<!DOCTYPE html>\n<html><head><title>");
	glint_text_uint(&text, status);
	glint_text_add(&text, " ");
	glint_text_add(&text, name);
	glint_text_add(&text, "</title></head><body><h1>");
	glint_text_add(&text, name);
	glint_text_add(&text, "</h1></body></html>\n");
	assert(!text.cut);

	client->keep_alive = client->keep_alive && status == 401;
	head = glint_reply_begin(client, status);
	if (status == 401) {
		glint_text_header(head, "WWW-Authenticate", "Basic realm=\"Restricted area\"");
		reply_finish(client, NULL, NULL, 0);
		return;
	}
	reply_finish_copied(client, "text/html; charset=utf-8", &text);
}

void glint_reply_refusal_with(struct glint_client *client, unsigned status, const char *name,
			      const char *value, const char *reason, const char *message)
{
	char body[384];
	struct glint_text text = glint_text_in(body, sizeof(body));

	/* Constants of glint: nothing needs escaping. */
	glint_text_add(&text, "{\"ok\": false, \"error\": {\"reason\": \"");
	glint_text_add(&text, reason);
	glint_text_add(&text, "\", \"message\": \"");
	glint_text_add(&text, message);
	glint_text_add(&text, "\"}}\n");
	assert(!text.cut);

	glint_reply_no_store(glint_reply_begin(client, status));
	if (name)
		glint_text_header(&client->head, name, value);
	reply_finish_copied(client, "application/json", &text);
}

void glint_reply_refusal(struct glint_client *client, unsigned status, const char *reason,
			 const char *message)
{
	glint_reply_refusal_with(client, status, NULL, NULL, reason, message);
}

void glint_reply_no_place(struct glint_client *client)
{
	glint_pool_refuse(&client->server->pool, &client->conn.facts, -EUSERS);
	client->keep_alive = false;
	glint_reply_refusal(client, 503, "too-many-clients",
			    "all places are taken; glintd --clients-max sets how many there are");
}
