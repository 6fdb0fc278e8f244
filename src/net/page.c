/* SPDX-License-Identifier: MIT */
/* The built-in page. It loads nothing but what this service serves. */
#include "net/page.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/reply.h"
#include "net/routes.h"

static const struct file {
	const char *path, *type;
	const char *begin, *end;
} files[] = {
	{ "/", "text/html; charset=utf-8", glint_page_html, glint_page_html_end },
	{ "/page.css", "text/css; charset=utf-8", glint_page_css, glint_page_css_end },
	{ "/page.js", "text/javascript; charset=utf-8", glint_page_js, glint_page_js_end },
	{ "/favicon.svg", "image/svg+xml", glint_page_icon, glint_page_icon_end },
	/* Browsers ask for it when they show a stream or a snapshot alone. */
	{ "/favicon.ico", "image/svg+xml", glint_page_icon, glint_page_icon_end },
};

static const struct file *file_find(const char *path)
{
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i].path, path) == 0)
			return &files[i];
	return NULL;
}

void glint_route_page(struct glint_client *client)
{
	const struct file *file = file_find(glint_http_request(client->http)->path);
	struct glint_text *head = glint_reply_begin(client, 200);
	size_t size;

	assert(file);	/* the table of routes has no other path for this handler */
	size = (size_t)(file->end - file->begin);
	/* Another version of the service has another page. */
	glint_text_field(head, "Cache-Control", "no-cache");
	glint_text_field(head, "Content-Security-Policy",
			 "default-src 'none'; img-src 'self'; connect-src 'self'; "
			 "style-src 'self'; script-src 'self'");
	glint_reply_end(client, file->type, size);
	glint_client_put(client, file->begin, size);
	glint_client_send(client);
}
