/* SPDX-License-Identifier: MIT */
#include <glint/client.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glint/protocol.h>

#include "libglint/deadline.h"
#include "libglint/head.h"
#include "libglint/request.h"
#include "libglint/wire.h"

#define ID_MAX	   64
#define SILENCE_MS 3000 /* the service shows a sign of life more often than that */

struct glint_event_stream {
	int patience_ms; /* 0: for ever */
	int over;	 /* 1: the stream goes on; else what each further next() returns */
	struct glint_wire wire;
};

/* An id needs no escaping: letters, digits and "-". */
static bool id_is_valid(const char *id)
{
	static const char within[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
	size_t len = strlen(id);

	return len > 0 && len < ID_MAX && strspn(id, within) == len;
}

int glint_client_events_open(struct glint_client *client, const char *last_id,
			     struct glint_event_stream **out)
{
	uint64_t deadline_ns = glint_deadline_in(client->timeout_ms);
	struct glint_event_stream *stream;
	char path[sizeof(GLINT_PATH_EVENTS) + ID_MAX + 32];
	struct glint_head head;
	int err;

	*out = NULL;
	if (last_id && !id_is_valid(last_id))
		return -EINVAL;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->over = 1;
	stream->patience_ms = client->timeout_ms > 0 ? SILENCE_MS + client->timeout_ms : 0;
	snprintf(path, sizeof(path), GLINT_PATH_EVENTS "?json=1%s%s", last_id ? "&last_id=" : "",
		 last_id ? last_id : "");
	err = glint_request(client, &stream->wire, path, &head, NULL, deadline_ns);
	if (err < 0)
		goto free_stream;
	if (!glint_head_is_type(&head, "application/x-ndjson")) {
		err = -EPROTO;
		goto close_wire;
	}
	*out = stream;
	return 0;

close_wire:
	glint_wire_close(&stream->wire);
free_stream:
	free(stream);
	return err;
}

int glint_client_events_next(struct glint_event_stream *stream, int wait_ms, const char **json,
			     size_t *len)
{
	uint64_t wait_ns = wait_ms < 0 ? UINT64_MAX : glint_deadline_in(wait_ms > 0 ? wait_ms : 1);

	assert(stream->over <= 1);

	*json = NULL;
	*len = 0;
	while (stream->over == 1) {
		uint64_t alive_ns = glint_deadline_in(stream->patience_ms);
		bool waits_less = wait_ns < alive_ns;
		char *line;
		ssize_t got =
			glint_wire_line(&stream->wire, &line, waits_less ? wait_ns : alive_ns);

		if (got == -ETIMEDOUT && waits_less)
			return -EAGAIN;
		if (got < 0)
			stream->over = (int)got;
		else if (!line)
			stream->over = 0;
		if (got > 0) { /* an empty line is a sign of life */
			*json = line;
			*len = (size_t)got;
			return 1;
		}
	}
	return stream->over;
}

int glint_client_events_fd(const struct glint_event_stream *stream)
{
	return stream->wire.fd;
}

void glint_client_events_close(struct glint_event_stream *stream)
{
	if (!stream)
		return;
	glint_wire_close(&stream->wire);
	free(stream);
}
