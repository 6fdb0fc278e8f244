/* SPDX-License-Identifier: MIT */
/*
 * GET /stream: pictures without end. While a client is sending a picture, it keeps the newest
 * other picture as its next one, and nothing else.
 */
#ifndef GLINT_HTTP_STREAM_H
#define GLINT_HTTP_STREAM_H

#include "core/fanout.h"
#include "core/stats.h"
#include "http/client.h"
#include "http/dedup.h"

struct glint_alarm;

struct glint_stream {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_sink sink;
	struct glint_list link; /* @server->streams */

	/* From the query. */
	char key[256];	    /* URI-encoded, "0" when there is none */
	uint64_t period_ns; /* of fps=; 0: all pictures */
	bool extra_headers, advance_headers, dual_final_frames, zero_data;

	struct glint_packet *sending; /* NULL: nothing, or the head of the reply is being sent */
	struct glint_packet *next;    /* the newest packet that came meanwhile */
	struct glint_dedup dedup;     /* with drop_same_frames */
	uint64_t due_ns;	      /* with @period_ns: no picture of a frame from before */
	char end[128];		      /* is sent behind a picture */

	struct glint_rate rate;
	uint64_t n_sent, n_skipped;
};

/* The source's state has changed. */
void glint_streams_on_source(struct glint_server *server);

/* Show the offline picture again; the function of @server->offline_tick. */
void glint_streams_on_tick(struct glint_alarm *alarm);
#endif
