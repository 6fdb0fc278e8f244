/* SPDX-License-Identifier: MIT */
#include "net/reply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "net/fields.h"
#include "net/server.h"

#define CORS_ECHO_MAX 512u	/* of what a client's request makes us repeat */

static const struct status {
	unsigned code;
	const char *name;
} statuses[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 404, "Not Found" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 421, "Misdirected Request" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static_assert(ARRAY_SIZE(statuses) <= GLINT_ANSWERS_MAX, "");

unsigned glint_reply_index(unsigned status)
{
	for (unsigned i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].code == status)
			return i;
	assert(!"a status without a name");	/* statuses are constants of ours */
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

/* The form of RFC 9110, 5.6.7. The process stays in the C locale. */
static void add_date(struct glint_text *head)
{
	time_t now = time(NULL);
	char date[40];
	struct tm tm;

	if (gmtime_r(&now, &tm) && strftime(date, sizeof(date), "%a, %d %b %Y %T GMT", &tm) > 0)
		glint_text_field(head, "Date", date);
}

/* What cannot be repeated safely is not: then the browser refuses, as it should. */
static bool may_echo(const char *value)
{
	if (!value || strlen(value) > CORS_ECHO_MAX)
		return false;
	for (; *value; value++)
		if (*value < ' ' || *value > '~')
			return false;
	return true;
}

static void add_cors(struct glint_text *head, const struct glint_net_config *config,
		     const struct glint_request *request)
{
	if (!config->allow_origin)
		return;

	glint_text_field(head, "Access-Control-Allow-Origin", config->allow_origin);
	glint_text_field(head, "Access-Control-Allow-Credentials", "true");
	if (request->method != GLINT_HTTP_OPTIONS)
		glint_fields_add_exposed(head);
	if (may_echo(request->cors_headers))
		glint_text_field(head, "Access-Control-Allow-Headers", request->cors_headers);
	if (may_echo(request->cors_method))
		glint_text_field(head, "Access-Control-Allow-Methods", request->cors_method);
}

static struct glint_text *reply_begin(struct glint_client *client, unsigned status, bool http_1_0)
{
	struct glint_text *head = glint_client_begin(client);

	glint_note_answer(client, status);
	glint_text_add(head, http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ");
	glint_text_uint(head, status);
	glint_text_add(head, " ");
	glint_text_add(head, status_name(status));
	glint_text_add(head, "\r\n");
	if (!http_1_0)
		add_date(head);
	if (!client->keep_alive)
		glint_text_field(head, "Connection", "close");
	else if (http_1_0)
		glint_text_field(head, "Connection", "keep-alive");
	add_cors(head, &client->net->config, glint_http_request(client->http));
	return head;
}

struct glint_text *glint_reply_begin(struct glint_client *client, unsigned status)
{
	return reply_begin(client, status, glint_http_request(client->http)->http_1_0);
}

struct glint_text *glint_reply_begin_endless(struct glint_client *client)
{
	client->keep_alive = false;
	return reply_begin(client, 200, true);
}

void glint_reply_no_store(struct glint_text *head)
{
	glint_text_field(head, "Cache-Control",
			 "no-store, no-cache, must-revalidate, proxy-revalidate, max-age=0");
	glint_text_field(head, "Pragma", "no-cache");
	glint_text_field(head, "Expires", "Mon, 03 Jan 2000 12:34:56 GMT");
}

void glint_reply_end(struct glint_client *client, const char *type, uint64_t length)
{
	struct glint_text *head = &client->head;

	if (type)
		glint_text_field(head, "Content-Type", type);
	glint_text_field_uint(head, "Content-Length", length);
	glint_text_add(head, "\r\n");
}

static void reply_finish(struct glint_client *client, const char *type, const void *body,
			 size_t size)
{
	glint_reply_end(client, type, size);
	if (glint_http_request(client->http)->method != GLINT_HTTP_HEAD)
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

static struct glint_text page_in(char *page, size_t size, unsigned status)
{
	struct glint_text text = glint_text_in(page, size);
	const char *name = status_name(status);

	glint_text_add(&text, "<!DOCTYPE html>\n<html><head><title>");
	glint_text_uint(&text, status);
	glint_text_add(&text, " ");
	glint_text_add(&text, name);
	glint_text_add(&text, "</title></head><body><h1>");
	glint_text_add(&text, name);
	glint_text_add(&text, "</h1></body></html>\n");
	return text;
}

void glint_reply_error(struct glint_client *client, unsigned status)
{
	char page[256];
	struct glint_text text = page_in(page, sizeof(page), status), *head;

	client->keep_alive = client->keep_alive && status == 401;
	head = glint_reply_begin(client, status);
	if (status == 401) {
		glint_text_field(head, "WWW-Authenticate", "Basic realm=\"Restricted area\"");
		reply_finish(client, NULL, NULL, 0);
		return;
	}
	/* The page is short and goes where the head is, so nothing needs to be kept for it. */
	glint_reply_end(client, "text/html; charset=utf-8", text.used);
	if (glint_http_request(client->http)->method != GLINT_HTTP_HEAD)
		glint_text_bytes(head, text.base, text.used);
	glint_client_send(client);
}

void glint_reply_refusal(struct glint_client *client, unsigned status, const char *reason,
			 const char *message)
{
	char body[256];
	struct glint_text text = glint_text_in(body, sizeof(body));

	/* Words of ours, so there is nothing to escape. */
	glint_text_add(&text, "{\"ok\": false, \"error\": {\"reason\": \"");
	glint_text_add(&text, reason);
	glint_text_add(&text, "\", \"message\": \"");
	glint_text_add(&text, message);
	glint_text_add(&text, "\"}}\n");

	glint_reply_no_store(glint_reply_begin(client, status));
	glint_reply_end(client, "application/json", text.used);
	glint_text_bytes(&client->head, text.base, text.used);
	glint_client_send(client);
}
