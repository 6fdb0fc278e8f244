/* SPDX-License-Identifier: MIT */
#include "http/receipt.h"

#include <assert.h>

#include "base/clock.h"
#include "base/macros.h"
#include "core/packet.h"
#include "core/status.h"
#include "http/headers.h"
#include "http/internal.h"

/* A clock is slewed by at most 500 ppm (adjtimex(2)). */
#define SLEW_PPM 500u

/* The facts, in the order of their table below. */
enum fact {
	FACT_LIVE,
	FACT_REASON,
	FACT_SEQ,
	FACT_STREAM,
	FACT_SERIAL,
	FACT_WIDTH,
	FACT_HEIGHT,
	FACT_TIMESTAMP,
	FACT_CLOCK,
	FACT_EXPOSURE,
	FACT_COMPLETE,
	FACT_ERROR,
	FACT_SENT,
	FACT_REALTIME,
	FACT_REALTIME_ERROR,
	FACT_GUARANTEE,
	FACT_SINCE,
	FACT_DROPPED,
	FACT_CORRUPT,
	FACT_SKIPPED,
	FACT_REPLAY,
	FACTS,
};

static const struct {
	const char *header; /* NULL: glint_headers_add_picture() writes it */
	const char *member;
} names[FACTS] = {
	[FACT_LIVE] = { NULL, "live" },
	[FACT_REASON] = { NULL, "reason" },
	[FACT_SEQ] = { NULL, "seq" },
	[FACT_STREAM] = { "X-Glint-Stream", "stream" },
	[FACT_SERIAL] = { "X-Glint-Serial", "serial" },
	[FACT_WIDTH] = { NULL, "width" },
	[FACT_HEIGHT] = { NULL, "height" },
	[FACT_TIMESTAMP] = { NULL, "timestamp_ns" },
	[FACT_CLOCK] = { NULL, "clock" },
	[FACT_EXPOSURE] = { NULL, "exposure_ns" },
	[FACT_COMPLETE] = { "X-Glint-Complete-Ns", "complete_ns" },
	[FACT_ERROR] = { "X-Glint-Error-Ns", "error_ns" },
	[FACT_SENT] = { "X-Glint-Sent-Ns", "sent_ns" },
	[FACT_REALTIME] = { "X-Glint-Realtime-Ns", "realtime_ns" },
	[FACT_REALTIME_ERROR] = { "X-Glint-Realtime-Error-Ns", "realtime_error_ns" },
	[FACT_GUARANTEE] = { "X-Glint-Guarantee", "guarantee" },
	[FACT_SINCE] = { "X-Glint-Since", "since" },
	[FACT_DROPPED] = { "X-Glint-Since-Dropped", "since_dropped" },
	[FACT_CORRUPT] = { "X-Glint-Since-Corrupt", "since_corrupt" },
	[FACT_SKIPPED] = { "X-Glint-Since-Skipped", "since_skipped" },
	[FACT_REPLAY] = { "X-Glint-Replay", "replay" },
};

struct value {
	enum { VALUE_NONE, VALUE_UNKNOWN, VALUE_NUMBER, VALUE_WORD, VALUE_BOOL } kind;
	uint64_t number;
	const char *word;
};

static struct value number_value(uint64_t number)
{
	return (struct value){ .kind = VALUE_NUMBER, .number = number };
}

static struct value word_value(const char *word)
{
	return (struct value){ .kind = VALUE_WORD, .word = word };
}

static struct value known_value(bool known, uint64_t number)
{
	return known ? number_value(number) : (struct value){ .kind = VALUE_UNKNOWN };
}

static struct value gap_value(const struct glint_receipt *receipt, uint32_t count)
{
	if (!receipt->asks_since)
		return (struct value){ .kind = VALUE_NONE };
	return known_value(receipt->knows_gaps, count);
}

static struct value value_of(const struct glint_receipt *receipt, enum fact fact)
{
	const struct glint_frame_info *info = &receipt->packet->info;

	switch (fact) {
	case FACT_LIVE:
		return (struct value){ .kind = VALUE_BOOL, .number = info->live };
	case FACT_REASON:
		return word_value(receipt->reason);
	case FACT_WIDTH:
		return number_value(info->width);
	case FACT_HEIGHT:
		return number_value(info->height);
	case FACT_SENT:
		return number_value(receipt->sent_ns);
	default:
		break;
	}
	/* A picture that is not live has no frame. */
	if (!info->live)
		return (struct value){ .kind = VALUE_NONE };
	switch (fact) {
	case FACT_SEQ:
		return number_value(info->seq);
	case FACT_STREAM:
		return number_value(info->stream);
	case FACT_SERIAL:
		return known_value(receipt->packet->serial > 0, receipt->packet->serial);
	case FACT_TIMESTAMP:
		return number_value(info->capture_ns);
	case FACT_CLOCK:
		return word_value(glint_clock_name(info->clock));
	case FACT_EXPOSURE:
		return known_value(info->exposure_ns > 0, info->exposure_ns);
	case FACT_COMPLETE:
		return number_value(info->complete_ns);
	case FACT_ERROR:
		return known_value(info->error_ns != UINT64_MAX, info->error_ns);
	case FACT_REALTIME:
		return number_value(receipt->realtime_ns);
	case FACT_REALTIME_ERROR:
		return known_value(info->error_ns != UINT64_MAX, receipt->realtime_error_ns);
	case FACT_GUARANTEE:
		return word_value(receipt->guarantee);
	case FACT_SINCE:
		return receipt->asks_since ? number_value(receipt->since) :
					     (struct value){ .kind = VALUE_NONE };
	case FACT_DROPPED:
		return gap_value(receipt, receipt->gaps.dropped);
	case FACT_CORRUPT:
		return gap_value(receipt, receipt->gaps.corrupt);
	case FACT_SKIPPED:
		return gap_value(receipt, receipt->gaps.skipped);
	case FACT_REPLAY:
		return receipt->replay ? word_value(receipt->replay) :
					 (struct value){ .kind = VALUE_NONE };
	default:
		return (struct value){ .kind = VALUE_NONE };
	}
}

/*
 * The frame's time on CLOCK_REALTIME: that of its completion, by the difference of the clocks
 * now. The reading of the clocks, the slew since the frame, and the error of the completion's
 * own time bound its error. A step of the clock after the frame is taken as if it had been before.
 */
static void take_realtime(struct glint_receipt *receipt)
{
	const struct glint_frame_info *info = &receipt->packet->info;
	uint64_t before_ns = glint_now_ns(), wall_ns = glint_clock_ns(CLOCK_REALTIME);
	uint64_t after_ns = glint_now_ns(), middle_ns = before_ns + (after_ns - before_ns) / 2;
	uint64_t age_ns = middle_ns > info->complete_ns ? middle_ns - info->complete_ns : 0;

	receipt->realtime_ns = wall_ns > age_ns ? wall_ns - age_ns : 0;
	receipt->realtime_error_ns =
		(after_ns - before_ns + 1) / 2 + age_ns / 1000000 * SLEW_PPM + 1 + info->error_ns;
}

void glint_receipt_take(struct glint_receipt *receipt, const struct glint_server *server,
			const struct glint_packet *packet, const uint32_t *since,
			uint64_t since_stream)
{
	const struct glint_frame_info *info = &packet->info;

	assert(!info->live || info->complete_ns > 0);

	*receipt = (struct glint_receipt){
		.packet = packet,
		.reason = info->live ? "" : glint_headers_reason(server),
		.guarantee = "complete",
		.sent_ns = glint_now_ns(),
		.asks_since = since,
		.since = since ? *since : 0,
	};
	if (!info->live)
		return;
	receipt->replay = server->ops->source(server->ctx).replay;
	take_realtime(receipt);
	if (since && server->ops->gaps && (since_stream == 0 || since_stream == info->stream))
		receipt->knows_gaps = server->ops->gaps(server->ctx, info->stream, *since,
							info->seq, &receipt->gaps) == 0;
}

void glint_receipt_add_headers(struct glint_text *head, const struct glint_receipt *receipt)
{
	for (enum fact fact = 0; fact < FACTS; fact++) {
		struct value value = value_of(receipt, fact);

		if (!names[fact].header)
			continue;
		if (value.kind == VALUE_NUMBER)
			glint_text_header_uint(head, names[fact].header, value.number);
		else if (value.kind != VALUE_NONE)
			glint_text_header(head, names[fact].header,
					  value.kind == VALUE_UNKNOWN ? "unknown" : value.word);
	}
}

static void add_value(struct glint_text *text, const struct value *value)
{
	switch (value->kind) {
	case VALUE_NONE:
	case VALUE_UNKNOWN:
		glint_text_add(text, "null");
		break;
	case VALUE_NUMBER:
		glint_text_uint(text, value->number);
		break;
	case VALUE_WORD: /* a constant of ours: nothing to escape */
		glint_text_add(text, "\"");
		glint_text_add(text, value->word);
		glint_text_add(text, "\"");
		break;
	case VALUE_BOOL:
		glint_text_add(text, value->number ? "true" : "false");
		break;
	}
}

void glint_receipt_add_members(struct glint_text *text, const struct glint_receipt *receipt)
{
	for (enum fact fact = 0; fact < FACTS; fact++) {
		struct value value = value_of(receipt, fact);

		glint_text_add(text, fact > 0 ? ", \"" : "\"");
		glint_text_add(text, names[fact].member);
		glint_text_add(text, "\": ");
		add_value(text, &value);
	}
}

void glint_receipt_add_json(struct glint_text *text, const struct glint_receipt *receipt)
{
	glint_text_add(text, "{\"ok\": true, \"result\": {");
	glint_receipt_add_members(text, receipt);
	glint_text_add(text, "}}\n");
	assert(!text->cut);
}

void glint_receipt_add_exposed(struct glint_text *head)
{
	for (enum fact fact = 0; fact < FACTS; fact++)
		if (names[fact].header) {
			glint_text_add(head, ", ");
			glint_text_add(head, names[fact].header);
		}
}
