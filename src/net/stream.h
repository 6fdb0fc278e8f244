/* SPDX-License-Identifier: MIT */
/*
 * GET /stream: pictures without an end. A client that is sending keeps the newest
 * picture as its next one, and nothing else.
 */
#ifndef GLINT_NET_STREAM_H
#define GLINT_NET_STREAM_H

#include "core/fanout.h"
#include "core/stats.h"
#include "net/client.h"

#define GLINT_STREAM_BOUNDARY "boundarydonotcross"

struct glint_alarm;

struct glint_stream {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_sink sink;
	struct glint_list link;		/* @net->streams */

	/* The query's. */
	char key[256];			/* URI-encoded, "0" when there is none */
	bool extra_headers, advance_headers, dual_final_frames, zero_data;

	struct glint_picture *sending;	/* NULL: idle, or the reply's head is on its way */
	struct glint_picture *next;	/* the newest that came meanwhile */
	uint64_t last_hash;		/* with drop_same_frames: of the last that it took */
	unsigned n_same;		/* pictures left out since, equal to that */
	bool changed;			/* that one was not equal to the one before */
	char end[128];			/* what is sent behind a picture */

	struct glint_rate rate;
	uint64_t n_sent, n_skipped;
};

/* The source's state has changed. */
void glint_streams_on_source(struct glint_net *net);

/* Shows the offline picture again; rings for @net->offline_tick. */
void glint_streams_on_tick(struct glint_alarm *alarm);

/* The head of the reply, with the boundary before the first part. */
void glint_stream_add_head(struct glint_text *head, const struct glint_stream *stream);

/* What comes before a picture. */
void glint_stream_add_part(struct glint_text *head, const struct glint_stream *stream,
			   const struct glint_picture *picture);

/* What comes behind it: with advance_headers the next part's beginning, too. */
void glint_stream_put_end(struct glint_stream *stream);
#endif
