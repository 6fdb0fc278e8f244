/* SPDX-License-Identifier: MIT */
/* What a stream says around its pictures. */
#include "base/clock.h"
#include "core/picture.h"
#include "net/fields.h"
#include "net/reply.h"
#include "net/server.h"
#include "net/stream.h"

static const char boundary[] = "--" GLINT_STREAM_BOUNDARY "\r\n";

static void add_advance(struct glint_text *text)
{
	glint_text_field(text, "Content-Type", "image/jpeg");
	glint_fields_add_wall_clock(text);
	glint_text_add(text, "\r\n");
}

static void add_cookie(struct glint_text *head, const struct glint_stream *stream)
{
	const char *instance = stream->client->net->config.instance_id;

	glint_text_add(head, "Set-Cookie: stream_client");
	glint_text_add(head, *instance ? "_" : "");
	glint_text_add(head, instance);
	glint_text_add(head, "=");
	glint_text_add(head, stream->key);
	glint_text_add(head, "/");
	glint_text_hex16(head, stream->client->id);
	glint_text_add(head, "; path=/; max-age=30\r\n");
}

void glint_stream_add_head(struct glint_text *head, const struct glint_stream *stream)
{
	glint_reply_no_store(head);
	add_cookie(head, stream);
	glint_text_field(head, "Content-Type",
			 "multipart/x-mixed-replace;boundary=" GLINT_STREAM_BOUNDARY);
	glint_text_add(head, "\r\n");
	glint_text_add(head, boundary);
	if (stream->advance_headers)
		add_advance(head);
}

static void add_extra(struct glint_text *head, const struct glint_stream *stream,
		      const struct glint_picture *picture)
{
	uint64_t now_ns = glint_now_ns();
	uint32_t millihz = glint_rate_millihz(&stream->rate, now_ns);

	glint_fields_add_picture(head, stream->client->net, picture, now_ns);
	glint_text_field_uint(head, "X-UStreamer-Dropped", stream->n_same);
	glint_text_field_uint(head, "X-UStreamer-Client-FPS", (millihz + 500) / 1000);
	glint_fields_add_part_times(head, picture, now_ns);
}

void glint_stream_add_part(struct glint_text *head, const struct glint_stream *stream,
			   const struct glint_picture *picture)
{
	if (stream->advance_headers)
		return;	/* it was there before the picture */
	glint_text_field(head, "Content-Type", "image/jpeg");
	glint_text_field_uint(head, "Content-Length", stream->zero_data ? 0 : picture->size);
	glint_fields_add_wall_clock(head);
	if (stream->extra_headers)
		add_extra(head, stream, picture);
	glint_text_add(head, "\r\n");
}

void glint_stream_put_end(struct glint_stream *stream)
{
	struct glint_text end = glint_text_in(stream->end, sizeof(stream->end));

	/* The boundary at once, so that a reader knows that the picture is complete. */
	glint_text_add(&end, "\r\n");
	glint_text_add(&end, boundary);
	if (stream->advance_headers)
		add_advance(&end);
	glint_client_put(stream->client, end.base, end.used);
}
