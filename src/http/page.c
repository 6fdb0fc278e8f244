/* SPDX-License-Identifier: MIT */
/* The built-in page. It loads nothing but what this service serves. */
#include <assert.h>
#include <string.h>

#include "base/macros.h"
#include "http/reply.h"
#include "http/route.h"

/* The files of src/http/page, as page_files.S embeds them. */
extern const char glint_page_html[], glint_page_html_end[];
extern const char glint_page_css[], glint_page_css_end[];
extern const char glint_page_js[], glint_page_js_end[];
extern const char glint_page_icon[], glint_page_icon_end[];

static const struct file {
	const char *path, *type;
	const char *begin, *end;
} files[] = {
	{ "/", "text/html; charset=utf-8", glint_page_html, glint_page_html_end },
	{ "/page.css", "text/css; charset=utf-8", glint_page_css, glint_page_css_end },
	{ "/page.js", "text/javascript; charset=utf-8", glint_page_js, glint_page_js_end },
	{ "/favicon.svg", "image/svg+xml", glint_page_icon, glint_page_icon_end },
	/* Browsers request this path when they show a stream or a snapshot alone. */
	{ "/favicon.ico", "image/svg+xml", glint_page_icon, glint_page_icon_end },
};

static void page_get(struct glint_client *client)
{
	const char *path = glint_parser_request(client->parser)->path;
	struct glint_text *head = glint_reply_begin(client, 200);
	const struct file *file = NULL;
	size_t size;

	for (unsigned i = 0; i < ARRAY_SIZE(files) && !file; i++)
		if (strcmp(files[i].path, path) == 0)
			file = &files[i];
	assert(file); /* the route has no other path */
	size = (size_t)(file->end - file->begin);
	/* The next version of the service may have another page. */
	glint_text_header(head, "Cache-Control", "no-cache");
	glint_text_header(head, "Content-Security-Policy",
			  "default-src 'none'; img-src 'self'; connect-src 'self'; "
			  "style-src 'self'; script-src 'self'");
	glint_reply_end(client, file->type, size);
	glint_client_put(client, file->begin, size);
	glint_client_send(client);
}

const struct glint_route glint_route_page = {
	.paths = { "/", "/page.css", "/page.js", "/favicon.svg", "/favicon.ico" },
	.page = true,
	.on[GLINT_METHOD_GET] = { .handle = page_get },
};
