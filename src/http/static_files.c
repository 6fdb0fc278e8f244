/* SPDX-License-Identifier: MIT */
/*
 * --static: the files of a folder, for paths without a route. A file is sent in pieces that
 * http/files.h reads, as many bytes as the file had when it was opened.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "http/files.h"
#include "http/internal.h"
#include "http/reply.h"
#include "http/route.h"
#include "http/text.h"

static const struct glint_log_topic topic = { "static" };

struct transfer {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_file *file; /* NULL: the send under way completes the reply */
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

/* A step of the file has begun. A client waits for a step as long as the server for a client. */
static void transfer_wait(struct transfer *transfer)
{
	glint_client_set_deadline(transfer->client, transfer->client->conn.timeout_ns);
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
			*c = (unsigned char)*c < ' ' ? '?' : *c; /* for the log: one line */
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

	assert(file && file->n_bytes <= GLINT_FILE_PIECE);

	if (transfer->head_sent) {
		glint_client_begin(client);
	} else {
		/* A browser must use this type, and not guess one from the file's bytes. */
		glint_text_header(glint_reply_begin(client, 200), "X-Content-Type-Options",
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

	assert(transfer->file == file); /* a released file has no done() */

	/* From here on the peer must take data. */
	glint_client_set_deadline(transfer->client, GLINT_CONNECTION_NEVER);
	if (file->err == 0)
		transfer_send(transfer);
	else if (!transfer->head_sent)
		transfer_refuse(transfer, file->err);
	else /* fewer bytes than announced: the peer must not take them for the whole file */
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

/* The step under way must not send on a closed connection. */
static void transfer_stop(struct glint_activity *activity)
{
	struct transfer *transfer = transfer_of(activity);

	/* Else the loop reads the piece, and no step is under way. */
	if (!glint_client_is_sending(transfer->client))
		transfer_drop_file(transfer);
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

static void static_get(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer)
		transfer->file = glint_file_create(client->server->files, request->path,
						   transfer_on_file, transfer);
	if (!transfer || !transfer->file) {
		free(transfer);
		glint_reply_error(client, 503);
		return;
	}
	transfer->activity.ops = &transfer_ops;
	transfer->client = client;
	glint_client_set_activity(client, &transfer->activity);
	glint_file_open(transfer->file, request->method == GLINT_METHOD_HEAD);
	transfer_wait(transfer);
}

const struct glint_route glint_route_static = {
	.on[GLINT_METHOD_GET] = { .handle = static_get },
	.on[GLINT_METHOD_HEAD] = { .handle = static_get },
};
