/* SPDX-License-Identifier: MIT */
/* The header fields that say what a picture is; see include/glint/protocol.h. */
#ifndef GLINT_NET_FIELDS_H
#define GLINT_NET_FIELDS_H

#include <stdint.h>

#include "net/text.h"

struct glint_net;
struct glint_picture;

/* Live or not and why, size, and of a live one which frame it is. */
void glint_fields_add_picture(struct glint_text *head, const struct glint_net *net,
			      const struct glint_picture *picture, uint64_t now_ns);

/* ustreamer's times, under the names that they have in a snapshot. */
void glint_fields_add_snapshot_times(struct glint_text *head, const struct glint_picture *picture,
				     uint64_t now_ns);

/* The same under the names that they have in a part of a stream, and the latency. */
void glint_fields_add_part_times(struct glint_text *head, const struct glint_picture *picture,
				 uint64_t now_ns);

/* X-Timestamp: the wall clock. */
void glint_fields_add_wall_clock(struct glint_text *head);

/* Which of these a page of another origin may read. */
void glint_fields_add_exposed(struct glint_text *head);

/* Why there is no live picture, in a word. Borrowed until the loop's next callback. */
const char *glint_fields_reason(const struct glint_net *net);
#endif
