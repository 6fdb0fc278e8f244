/* SPDX-License-Identifier: MIT */
#include "http/headers.h"

#include "base/clock.h"
#include "base/macros.h"
#include "core/packet.h"
#include "core/status.h"
#include "http/internal.h"

enum stamp {
	STAMP_CAPTURED,
	STAMP_DEQUEUED,
	STAMP_ENCODE_BEGIN,
	STAMP_ENCODED,
	STAMP_NOW,
};

/*
 * The names of ustreamer 4.9 and of 6.62. ustreamer exposes a picture some time after the
 * encoding, and glint at once, so three of the times are equal.
 */
static const struct {
	const char *snapshot, *part; /* @part NULL: not in a stream */
	enum stamp stamp;
} times[] = {
/* clang-format off */
#define TIME(name, stamp) { "X-UStreamer-" name "-Timestamp", "X-UStreamer-" name "-Time", stamp }
	/* clang-format on */
	TIME("Grab-Begin", STAMP_CAPTURED),
	TIME("Grab-End", STAMP_DEQUEUED),
	{ "X-UStreamer-Grab-Timestamp", NULL, STAMP_CAPTURED },
	TIME("Encode-Begin", STAMP_ENCODE_BEGIN),
	TIME("Encode-End", STAMP_ENCODED),
	TIME("Expose-Begin", STAMP_ENCODED),
	TIME("Expose-Cmp", STAMP_ENCODED),
	TIME("Expose-End", STAMP_ENCODED),
	TIME("Send", STAMP_NOW),
#undef TIME
};

static uint64_t stamp_of(const struct glint_packet *packet, enum stamp stamp, uint64_t now_ns)
{
	switch (stamp) {
	case STAMP_CAPTURED:
		return packet->info.capture_ns;
	case STAMP_DEQUEUED:
		return packet->info.dequeue_ns;
	case STAMP_ENCODE_BEGIN:
		return packet->encode_begin_ns;
	case STAMP_ENCODED:
		return packet->encode_end_ns;
	case STAMP_NOW:
		break;
	}
	return now_ns;
}

/* Some drivers stamp the end of a frame ahead of time. */
static uint64_t age_of(const struct glint_packet *packet, uint64_t now_ns)
{
	uint64_t capture_ns = packet->info.capture_ns;

	return now_ns > capture_ns ? now_ns - capture_ns : 0;
}

const char *glint_headers_reason(const struct glint_server *server)
{
	const char *reason = server->ops->source(server->ctx).reason;

	/* "": the source is live, but no picture came in time. */
	return *reason ? reason : "no-picture";
}

/* A picture that is not live has no frame, so it gets no header that names one. */
void glint_headers_add_picture(struct glint_text *head, const struct glint_server *server,
			       const struct glint_packet *packet, uint64_t now_ns)
{
	glint_text_header(head, "X-UStreamer-Online", packet->info.live ? "true" : "false");
	glint_text_header_uint(head, "X-UStreamer-Width", packet->info.width);
	glint_text_header_uint(head, "X-UStreamer-Height", packet->info.height);
	glint_text_header_uint(head, "X-Glint-Width", packet->info.width);
	glint_text_header_uint(head, "X-Glint-Height", packet->info.height);
	glint_text_header(head, "X-Glint-Reason",
			  packet->info.live ? "" : glint_headers_reason(server));
	if (!packet->info.live)
		return;
	glint_text_header_uint(head, "X-Glint-Sequence", packet->info.seq);
	glint_text_header_uint(head, "X-Glint-Timestamp-Ns", packet->info.capture_ns);
	glint_text_header(head, "X-Glint-Clock", glint_clock_name(packet->info.clock));
	if (packet->info.field_order != GLINT_FIELD_ORDER_NONE)
		glint_text_header(head, "X-Glint-Field-Order",
				  glint_field_order_name(packet->info.field_order));
	if (packet->info.exposure_ns > 0)
		glint_text_header_uint(head, "X-Glint-Exposure-Ns", packet->info.exposure_ns);
	glint_text_header_uint(head, "X-Glint-Age-Ns", age_of(packet, now_ns));
}

void glint_headers_add_snapshot_times(struct glint_text *head, const struct glint_packet *packet,
				      uint64_t now_ns)
{
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++)
		glint_text_header_seconds(head, times[i].snapshot,
					  stamp_of(packet, times[i].stamp, now_ns));
}

void glint_headers_add_part_times(struct glint_text *head, const struct glint_packet *packet,
				  uint64_t now_ns)
{
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++)
		if (times[i].part)
			glint_text_header_seconds(head, times[i].part,
						  stamp_of(packet, times[i].stamp, now_ns));
	glint_text_header_seconds(head, "X-UStreamer-Latency", age_of(packet, now_ns));
}

void glint_headers_add_exposed(struct glint_text *head)
{
	glint_text_add(head,
		       "Access-Control-Expose-Headers: "
		       "X-Glint-Reason, X-Glint-Sequence, X-Glint-Timestamp-Ns, "
		       "X-Glint-Clock, X-Glint-Field-Order, X-Glint-Exposure-Ns, X-Glint-Age-Ns, "
		       "X-Glint-Width, X-Glint-Height, X-UStreamer-Online, "
		       "X-UStreamer-Width, X-UStreamer-Height, X-UStreamer-Dropped, "
		       "X-Glint-Crop, X-Glint-Scale, X-Glint-Converted, X-Glint-Layout, "
		       "X-Timestamp");
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
		glint_text_add(head, ", ");
		glint_text_add(head, times[i].snapshot);
	}
}

void glint_headers_add_wall_clock(struct glint_text *head)
{
	glint_text_header_seconds(head, "X-Timestamp", glint_clock_ns(CLOCK_REALTIME));
}
