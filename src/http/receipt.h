/* SPDX-License-Identifier: MIT */
/*
 * The receipt of a picture: which frame it is, what is proven about its time, and what lies
 * between it and the client's last frame. The same facts go into headers and, if the client asks
 * for it, into JSON.
 */
#ifndef GLINT_HTTP_RECEIPT_H
#define GLINT_HTTP_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/ledger.h"
#include "http/text.h"

struct glint_packet;
struct glint_server;

#define GLINT_RECEIPT_JSON_MAX 1152u

struct glint_receipt {
	const struct glint_packet *packet;
	const char *reason; /* why the picture is not live; "" */
	const char *guarantee;
	uint64_t sent_ns;     /* when the reply began */
	uint64_t realtime_ns; /* of the frame, as CLOCK_REALTIME stands when the reply begins */
	uint64_t realtime_error_ns;
	bool asks_since;
	uint32_t since;
	bool knows_gaps; /* else the counts are unknown, and never 0 */
	struct glint_gaps gaps;
	const char *replay; /* name of the recording that the frame is from; NULL: of a device */
};

/* Set all but @guarantee; @since NULL: the client has not asked. */
void glint_receipt_take(struct glint_receipt *receipt, const struct glint_server *server,
			const struct glint_packet *packet, const uint32_t *since,
			uint64_t since_stream);

/* The headers that glint_headers_add_picture() has not written yet. */
void glint_receipt_add_headers(struct glint_text *head, const struct glint_receipt *receipt);

/* {"ok": true, "result": {...}}, at most GLINT_RECEIPT_JSON_MAX bytes. */
void glint_receipt_add_json(struct glint_text *text, const struct glint_receipt *receipt);

/* The members of that object alone, for an answer that has more. */
void glint_receipt_add_members(struct glint_text *text, const struct glint_receipt *receipt);

/* Their names for a page of another origin: ", X-Glint-Serial, ...". */
void glint_receipt_add_exposed(struct glint_text *head);
#endif
