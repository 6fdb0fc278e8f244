/* SPDX-License-Identifier: MIT */
/*
 * --static: the files of a folder, where no route matches. A file is sent in
 * pieces, as many bytes as it had when it was opened; net/files.h reads them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/files.h"
#include "net/reply.h"
#include "net/routes.h"
#include "net/server.h"
#include "net/text.h"

static const struct glint_log_topic topic = { "static" };

struct transfer {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_file *file;	/* NULL: the reply is complete with the send under way */
	bool head_sent;
};

static const struct {
	const char *extension, *type;
} types[] = {
	{ "html", "text/html; charset=utf-8" },
	{ "htm", "text/html; charset=utf-8" },
	{ "css", "text/css" },
	{ "js", "text/javascript" },
	{ "mjs", "text/javascript" },
	{ "txt", "text/plain; charset=utf-8" },
	{ "json", "application/json" },
	{ "xml", "application/xml" },
	{ "pdf", "application/pdf" },
	{ "gif", "image/gif" },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "png", "image/png" },
	{ "svg", "image/svg+xml" },
	{ "ico", "image/x-icon" },
	{ "webp", "image/webp" },
	{ "mp4", "video/mp4" },
	{ "wasm", "application/wasm" },
	{ "woff2", "font/woff2" },
};

static const char *type_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (unsigned i = 0; dot && i < ARRAY_SIZE(types); i++)
		if (strcasecmp(dot + 1, types[i].extension) == 0)
			return types[i].type;
	return "application/octet-stream";
}

static struct transfer *transfer_of(struct glint_activity *activity)
{
	return container_of(activity, struct transfer, activity);
}

/* --- Reading ------------------------------------------------------------------------- */

/* A step of the file has begun. The client waits for it as long as the server does for a client. */
static void transfer_wait(struct transfer *transfer)
{
	struct glint_client *client = transfer->client;

	client->deadline_ns = glint_now_ns() + client->net->config.timeout_ns;
}

static void transfer_drop_file(struct transfer *transfer)
{
	glint_file_release(transfer->file);
	transfer->file = NULL;
}

/* Before the head was sent. */
static void transfer_refuse(struct transfer *transfer, int err)
{
	struct glint_client *client = transfer->client;

	transfer->head_sent = true;
	if (err == -EMFILE || err == -ENFILE || err == -ENOMEM) {
		glint_reply_error(client, 503);
	} else if (err == -EIO || err == -ESTALE || err == -EBADMSG) {
		for (char *c = transfer->file->path; *c; c++)
			*c = (unsigned char)*c < ' ' ? '?' : *c;	/* a line of the log stays one */
		glint_log_err(&topic, err, "cannot read '%s'", transfer->file->path);
		glint_reply_error(client, 500);
	} else {
		glint_reply_error(client, 404);
	}
	transfer_drop_file(transfer);
}

static void transfer_send(struct transfer *transfer)
{
	struct glint_client *client = transfer->client;
	struct glint_file *file = transfer->file;

	if (transfer->head_sent) {
		glint_client_begin(client);
	} else {
		/* A browser must go by the type that we say, and not guess from the file's bytes. */
		glint_text_field(glint_reply_begin(client, 200), "X-Content-Type-Options",
				 "nosniff");
		glint_reply_end(client, type_of(file->path), file->size);
		transfer->head_sent = true;
	}
	if (file->n_bytes > 0)
		glint_client_put(client, file->piece, file->n_bytes);
	glint_client_send(client);
}

static void transfer_on_file(struct glint_file *file)
{
	struct transfer *transfer = file->ctx;

	transfer->client->deadline_ns = UINT64_MAX;	/* from here on the client's reading counts */
	if (file->err == 0)
		transfer_send(transfer);
	else if (!transfer->head_sent)
		transfer_refuse(transfer, file->err);
	else	/* fewer bytes than promised: the client must not take them for the whole file */
		glint_client_close(transfer->client);
}

/* --- As an activity -------------------------------------------------------------------- */

static void transfer_sent(struct glint_activity *activity)
{
	struct transfer *transfer = transfer_of(activity);
	struct glint_file *file = transfer->file;

	if (!file || file->left == 0 || file->head_only) {
		glint_client_replied(transfer->client);
		return;
	}
	glint_file_read(file);
	transfer_wait(transfer);
}

static void transfer_late(struct glint_activity *activity)
{
	struct transfer *transfer = transfer_of(activity);

	if (transfer->head_sent) {
		glint_client_close(transfer->client);
		return;
	}
	transfer->head_sent = true;
	transfer_drop_file(transfer);
	glint_reply_refusal(transfer->client, 503, "file-late",
			    "the file system does not deliver the file in time");
}

static void transfer_stop(struct glint_activity *activity)
{
	(void)activity;
}

static void transfer_free(struct glint_activity *activity)
{
	struct transfer *transfer = transfer_of(activity);

	transfer_drop_file(transfer);
	free(transfer);
}

static const struct glint_activity_ops transfer_ops = {
	.sent = transfer_sent,
	.late = transfer_late,
	.stop = transfer_stop,
	.free = transfer_free,
};

void glint_route_static(struct glint_client *client)
{
	const struct glint_request *request = glint_http_request(client->http);
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer)
		transfer->file = glint_file_create(client->net->files, request->path,
						   transfer_on_file, transfer);
	if (!transfer || !transfer->file) {
		free(transfer);
		glint_reply_error(client, 503);
		return;
	}
	transfer->activity.ops = &transfer_ops;
	transfer->client = client;
	glint_client_set_activity(client, &transfer->activity);
	glint_file_open(transfer->file, request->method == GLINT_HTTP_HEAD);
	transfer_wait(transfer);
}
