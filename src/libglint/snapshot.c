/* SPDX-License-Identifier: MIT */
#include <glint/client.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/protocol.h>

#include "libglint/deadline.h"
#include "libglint/head.h"
#include "libglint/image.h"
#include "libglint/request.h"
#include "libglint/wire.h"

#define REFUSAL_BYTES_MAX (64u << 10)

static const struct {
	const char *name, *type;
} formats[] = {
	{ "jpeg", "image/jpeg" },
	{ "png", "image/png" },
	{ "ppm", "image/x-portable-pixmap" },
	{ "pgm", "image/x-portable-graymap" },
	{ "raw", "application/octet-stream" },
	{ "y4m", "video/x-yuv4mpeg" },
};

/* The media type of the reply. NULL: there is no such format. */
static const char *type_of(const char *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!format || strcmp(format, formats[i].name) == 0)
			return formats[i].type;
	return NULL;
}

/* Each text of the options is a word that needs no escape in a URL. */
static bool is_word(const char *text)
{
	return *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789-._:")];
}

static void put_query(FILE *out, bool *first, const char *name, const char *value)
{
	fprintf(out, "%c%s=%s", *first ? '?' : '&', name, value);
	*first = false;
}

static void put_number(FILE *out, bool *first, const char *name, uint64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, value);
	put_query(out, first, name, number);
}

/* The path is the caller's, to free(). -EINVAL: a text is no word. */
static int snapshot_path(const struct glint_snapshot_options *options, char **path)
{
	bool first = true, failed;
	char text[64];
	size_t size;
	FILE *out;

	if (!type_of(options->format) || (options->after && !is_word(options->after)) ||
	    (options->guarantee && !is_word(options->guarantee)))
		return -EINVAL;
	*path = NULL;
	out = open_memstream(path, &size);
	if (!out)
		return -ENOMEM;
	fputs(GLINT_PATH_SNAPSHOT, out);
	if (options->after)
		put_query(out, &first, GLINT_QUERY_AFTER, options->after);
	else if (options->after_ns == GLINT_AFTER_NOW)
		put_query(out, &first, GLINT_QUERY_AFTER, "now");
	else if (options->after_ns > 0)
		put_number(out, &first, GLINT_QUERY_AFTER, options->after_ns);
	if (options->guarantee)
		put_query(out, &first, GLINT_QUERY_GUARANTEE, options->guarantee);
	if (options->wait_ms > 0)
		fprintf(out, "%c" GLINT_QUERY_TIMEOUT "=%dms", first ? '?' : '&', options->wait_ms);
	first = first && options->wait_ms <= 0;
	if (options->asks_since)
		put_number(out, &first, GLINT_QUERY_SINCE, options->since);
	if (options->stream > 0)
		put_number(out, &first, GLINT_QUERY_STREAM, options->stream);
	if (options->format)
		put_query(out, &first, GLINT_QUERY_FORMAT, options->format);
	if (options->crop_width > 0 || options->crop_height > 0) {
		snprintf(text, sizeof(text), "%" PRIu32 "x%" PRIu32 "+%" PRIu32 "+%" PRIu32,
			 options->crop_width, options->crop_height, options->crop_x,
			 options->crop_y);
		put_query(out, &first, GLINT_QUERY_CROP, text);
	}
	if (options->scale > 1) {
		snprintf(text, sizeof(text), "1/%u", options->scale);
		put_query(out, &first, GLINT_QUERY_SCALE, text);
	}
	/* With the parameters above, a service sends that picture only if it is asked to. */
	if (options->any && !first)
		put_query(out, &first, GLINT_QUERY_STRICT, "0");
	failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return 0;
	free(*path);
	return -ENOMEM;
}

/* A service that does not know the query answers with any frame: check what was sent. */
static int check_exposure(const struct glint_image *image,
			  const struct glint_snapshot_options *options)
{
	bool exposed = options->after || options->after_ns > 0;

	if (options->guarantee)
		exposed = strcmp(options->guarantee, "exposed") == 0;
	if (!exposed || !image->online)
		return 0;
	if (!(image->known & GLINT_IMAGE_EXPOSURE))
		return -ENOTSUP;
	if (options->after || options->after_ns == GLINT_AFTER_NOW)
		return 0;
	return image->exposure_ns >= options->after_ns ? 0 : -EPROTO;
}

/* Copy the word of a refusal. False: there is none. */
static bool take_reason(struct glint_image *image)
{
	static const char name[] = "\"reason\": \"";
	const char *at = strstr((const char *)image->data, name);
	size_t len;

	assert(image->data[image->size] == '\0'); /* glint_image_receive() adds it */

	if (!at)
		return false;
	at += strlen(name);
	len = strspn(at, "abcdefghijklmnopqrstuvwxyz-_0123456789");
	if (len == 0 || at[len] != '"' || len >= sizeof(image->reason))
		return false;
	memcpy(image->reason, at, len);
	image->reason[len] = '\0';
	return true;
}

/* What a 503 means depends on its reason: the source's, or one of these. */
static bool is_about_the_service(const char *reason)
{
	static const char *const own[] = { "too-many-clients", "no-memory", "not-drawn",
					   "no-memory-for-body" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i], reason) == 0)
			return true;
	return false;
}

static int refusal_error(struct glint_image *image, struct glint_wire *wire,
			 const struct glint_head *head, uint64_t deadline_ns)
{
	int err = glint_status_error(head->status);

	if (!glint_head_is_type(head, "application/json") ||
	    glint_image_receive(image, wire, head, REFUSAL_BYTES_MAX, deadline_ns) < 0)
		return err;
	if (take_reason(image) && head->status == 503 && !is_about_the_service(image->reason))
		err = -ENODATA;
	return err;
}

static int snapshot_receive(const struct glint_client *client, const char *path, const char *type,
			    struct glint_image *image, uint64_t deadline_ns)
{
	const struct glint_client_request request = { "GET", path, NULL };
	struct glint_head head;
	struct glint_wire wire;
	int err;

	glint_image_begin(image);
	err = glint_request_any(client, &wire, &request, &head, image, deadline_ns);
	if (err < 0)
		return err;
	if (head.status != 200)
		err = refusal_error(image, &wire, &head, deadline_ns);
	else if (!glint_head_is_type(&head, type))
		err = -EPROTO;
	else
		err = glint_image_receive(image, &wire, &head, GLINT_IMAGE_BYTES_MAX, deadline_ns);
	glint_wire_close(&wire);
	return err == 0 && image->size == 0 ? -EPROTO : err;
}

/* Keep the reason of a refusal, and nothing else. */
static void image_clear(struct glint_image *image)
{
	char reason[sizeof(image->reason)];

	memcpy(reason, image->reason, sizeof(reason));
	glint_image_begin(image);
	memcpy(image->reason, reason, sizeof(reason));
	image->online = false;
}

int glint_client_snapshot(struct glint_client *client, const struct glint_snapshot_options *options,
			  struct glint_image *image)
{
	static const struct glint_snapshot_options defaults = { 0 };
	int timeout_ms, err;
	char *path;

	options = options ? options : &defaults;
	timeout_ms = glint_client_timeout(client, options->wait_ms > 0 ? options->wait_ms : 0);
	err = snapshot_path(options, &path);
	if (err == 0) {
		err = snapshot_receive(client, path, type_of(options->format), image,
				       glint_deadline_in(timeout_ms));
		free(path);
	} else {
		glint_image_begin(image);
	}
	if (err == 0)
		err = check_exposure(image, options);
	if (err < 0) {
		image_clear(image);
		return err;
	}
	/*
	 * Check the picture's own headers instead of requesting live pictures only: not every
	 * service knows that query.
	 */
	if (!image->online && !options->any) {
		image->size = 0;
		return -ENODATA;
	}
	return 0;
}
