/* SPDX-License-Identifier: MIT */
/* The headers that describe a picture; see include/glint/protocol.h. */
#ifndef GLINT_HTTP_HEADERS_H
#define GLINT_HTTP_HEADERS_H

#include <stdint.h>

#include "http/text.h"

struct glint_server;
struct glint_packet;

/* Live or the reason, the size, and the frame's facts if it is live. */
void glint_headers_add_picture(struct glint_text *head, const struct glint_server *server,
			       const struct glint_packet *packet, uint64_t now_ns);

/* ustreamer's times, by their names in a snapshot. */
void glint_headers_add_snapshot_times(struct glint_text *head, const struct glint_packet *packet,
				      uint64_t now_ns);

/* The same by their names in a part of a stream, and the latency. */
void glint_headers_add_part_times(struct glint_text *head, const struct glint_packet *packet,
				  uint64_t now_ns);

/* X-Timestamp: the wall clock. */
void glint_headers_add_wall_clock(struct glint_text *head);

/* Begin the line that says which of these headers a page of another origin may read. */
void glint_headers_add_exposed(struct glint_text *head);

/* Why there is no live picture, as a word. Borrowed until the loop's next callback. */
const char *glint_headers_reason(const struct glint_server *server);
#endif
