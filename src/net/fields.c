/* SPDX-License-Identifier: MIT */
#include "net/fields.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "core/picture.h"
#include "core/status.h"
#include "net/server.h"

enum stamp {
	STAMP_CAPTURED,
	STAMP_DEQUEUED,
	STAMP_ENCODE_BEGIN,
	STAMP_ENCODED,
	STAMP_NOW,
};

/*
 * Where ustreamer 4.9 and 6.62 differ both are there. We expose a picture in the
 * moment when it is encoded, so their three times of that are one.
 */
static const struct {
	const char *snapshot, *part;	/* NULL: not there */
	enum stamp stamp;
} times[] = {
#define TIME(name, stamp) { "X-UStreamer-" name "-Timestamp", "X-UStreamer-" name "-Time", stamp }
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

static uint64_t stamp_of(const struct glint_picture *picture, enum stamp stamp, uint64_t now_ns)
{
	switch (stamp) {
	case STAMP_CAPTURED:
		return picture->frame.capture_ns;
	case STAMP_DEQUEUED:
		return picture->frame.dequeue_ns;
	case STAMP_ENCODE_BEGIN:
		return picture->encode_begin_ns;
	case STAMP_ENCODED:
		return picture->encode_end_ns;
	case STAMP_NOW:
		break;
	}
	return now_ns;
}

/* Some drivers stamp the end of a frame before it is there. */
static uint64_t age_of(const struct glint_picture *picture, uint64_t now_ns)
{
	uint64_t capture_ns = picture->frame.capture_ns;

	return now_ns > capture_ns ? now_ns - capture_ns : 0;
}

const char *glint_fields_reason(const struct glint_net *net)
{
	struct glint_status status;

	net->ops->status(net->ctx, &status);
	/* The source is fine, and yet there was no picture in time. */
	return *status.source.reason ? status.source.reason : "no-picture";
}

/* A picture that was made up has no frame, so it must not look as if it had one. */
void glint_fields_add_picture(struct glint_text *head, const struct glint_net *net,
			      const struct glint_picture *picture, uint64_t now_ns)
{
	glint_text_field(head, "X-UStreamer-Online", picture->live ? "true" : "false");
	glint_text_field_uint(head, "X-UStreamer-Width", picture->width);
	glint_text_field_uint(head, "X-UStreamer-Height", picture->height);
	glint_text_field_uint(head, "X-Glint-Width", picture->width);
	glint_text_field_uint(head, "X-Glint-Height", picture->height);
	glint_text_field(head, "X-Glint-Reason", picture->live ? "" : glint_fields_reason(net));
	if (!picture->live)
		return;
	glint_text_field_uint(head, "X-Glint-Sequence", picture->frame.seq);
	glint_text_field_uint(head, "X-Glint-Timestamp-Ns", picture->frame.capture_ns);
	glint_text_field(head, "X-Glint-Clock", glint_clock_name(picture->frame.clock));
	if (picture->frame.exposure_ns > 0)
		glint_text_field_uint(head, "X-Glint-Exposure-Ns", picture->frame.exposure_ns);
	glint_text_field_uint(head, "X-Glint-Age-Ns", age_of(picture, now_ns));
}

void glint_fields_add_snapshot_times(struct glint_text *head, const struct glint_picture *picture,
				     uint64_t now_ns)
{
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++)
		glint_text_field_seconds(head, times[i].snapshot,
					 stamp_of(picture, times[i].stamp, now_ns));
}

void glint_fields_add_part_times(struct glint_text *head, const struct glint_picture *picture,
				 uint64_t now_ns)
{
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++)
		if (times[i].part)
			glint_text_field_seconds(head, times[i].part,
						 stamp_of(picture, times[i].stamp, now_ns));
	glint_text_field_seconds(head, "X-UStreamer-Latency", age_of(picture, now_ns));
}

void glint_fields_add_exposed(struct glint_text *head)
{
	glint_text_add(head, "Access-Control-Expose-Headers: "
			     "X-Glint-Reason, X-Glint-Sequence, X-Glint-Timestamp-Ns, "
			     "X-Glint-Clock, X-Glint-Exposure-Ns, X-Glint-Age-Ns, "
			     "X-Glint-Width, X-Glint-Height, X-UStreamer-Online, "
			     "X-UStreamer-Width, X-UStreamer-Height, X-UStreamer-Dropped, "
			     "X-Timestamp");
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
		glint_text_add(head, ", ");
		glint_text_add(head, times[i].snapshot);
	}
	glint_text_add(head, "\r\n");
}

void glint_fields_add_wall_clock(struct glint_text *head)
{
	glint_text_field_seconds(head, "X-Timestamp", glint_clock_ns(CLOCK_REALTIME));
}
