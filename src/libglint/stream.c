/* SPDX-License-Identifier: MIT */
#include <glint/client.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <glint/protocol.h>

#include "libglint/deadline.h"
#include "libglint/head.h"
#include "libglint/image.h"
#include "libglint/request.h"
#include "libglint/wire.h"

#define BOUNDARY_MAX 70 /* RFC 2046 */

struct glint_stream {
	int timeout_ms;
	int over; /* 1: the stream goes on; else the result of all further calls of next() */
	char delimiter[2 + BOUNDARY_MAX + 1]; /* "--" and the boundary */
	struct glint_wire wire;
};

/* From WORD, quoted or not, in "multipart/x-mixed-replace;boundary=WORD". */
static int stream_set_boundary(struct glint_stream *stream, const struct glint_head *head)
{
	static const char name[] = "boundary=";
	const char *boundary = strcasestr(head->type, name);
	size_t len;

	if (!glint_head_is_type(head, "multipart/x-mixed-replace") || !boundary)
		return -EPROTO;
	boundary += strlen(name);
	if (*boundary == '"')
		len = strcspn(++boundary, "\"");
	else
		len = strcspn(boundary, "; \t");
	if (len == 0 || len > BOUNDARY_MAX)
		return -EPROTO;
	assert(2 + len < sizeof(stream->delimiter));
	memcpy(stream->delimiter, "--", 2);
	memcpy(stream->delimiter + 2, boundary, len);
	stream->delimiter[2 + len] = '\0';
	return 0;
}

int glint_client_stream_open(struct glint_client *client, struct glint_stream **out)
{
	struct glint_stream *stream = calloc(1, sizeof(*stream));
	uint64_t deadline_ns = glint_deadline_in(client->timeout_ms);
	struct glint_head head;
	int err;

	*out = NULL;
	if (!stream)
		return -ENOMEM;
	stream->timeout_ms = client->timeout_ms;
	stream->over = 1;
	err = glint_request(client, &stream->wire,
			    GLINT_PATH_STREAM "?" GLINT_QUERY_EXTRA_HEADERS "=1", &head, NULL,
			    deadline_ns);
	if (err < 0)
		goto free_stream;
	err = stream_set_boundary(stream, &head);
	if (err < 0)
		goto close_wire;
	*out = stream;
	return 0;

close_wire:
	glint_wire_close(&stream->wire);
free_stream:
	free(stream);
	return err;
}

/*
 * Read up to the head of the next part and return 1; 0: the stream has ended. The service
 * writes a boundary directly after each picture, so the stream may end after a boundary.
 */
static int stream_find_part(struct glint_stream *stream, uint64_t deadline_ns)
{
	size_t delimiter = strlen(stream->delimiter);
	ssize_t len;
	char *line;
	int end;

	do {
		len = glint_wire_line(&stream->wire, &line, deadline_ns);
		if (len < 0 || !line)
			return (int)len;
	} while (len == 0);

	if (strncmp(line, stream->delimiter, delimiter) != 0)
		return -EPROTO;
	if (strcmp(line + delimiter, "--") == 0)
		return 0;
	if (line[delimiter + strspn(line + delimiter, " \t")] != '\0')
		return -EPROTO;
	end = glint_wire_at_end(&stream->wire, deadline_ns);
	return end < 0 ? end : !end;
}

static int stream_read_part(struct glint_stream *stream, struct glint_image *image,
			    uint64_t deadline_ns)
{
	struct glint_head head;
	int err;

	glint_image_begin(image);
	err = glint_head_read_part(&stream->wire, &head, image, deadline_ns);
	if (err < 0)
		return err;
	if (!head.has_length || !glint_head_is_type(&head, "image/jpeg"))
		return -EPROTO;
	return glint_image_receive(image, &stream->wire, &head, GLINT_IMAGE_BYTES_MAX, deadline_ns);
}

int glint_client_stream_next(struct glint_stream *stream, struct glint_image *image)
{
	uint64_t deadline_ns = glint_deadline_in(stream->timeout_ms);

	assert(stream->over <= 1);

	do {
		int err = 0;

		if (stream->over == 1)
			stream->over = stream_find_part(stream, deadline_ns);
		if (stream->over == 1)
			err = stream_read_part(stream, image, deadline_ns);
		if (err < 0)
			stream->over = err;
		if (stream->over != 1) {
			glint_image_begin(image);
			image->online = false;
			return stream->over;
		}
	} while (image->size == 0); /* a part without a picture */
	return 1;
}

int glint_client_stream_fd(const struct glint_stream *stream)
{
	return stream->wire.fd;
}

void glint_client_stream_close(struct glint_stream *stream)
{
	if (!stream)
		return;
	glint_wire_close(&stream->wire);
	free(stream);
}
