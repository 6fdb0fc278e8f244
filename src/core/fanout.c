/* SPDX-License-Identifier: MIT */
#include "core/fanout.h"

#include <assert.h>
#include <stddef.h>

#include "core/packet.h"
#include "core/upcall.h"

void glint_fanout_init(struct glint_fanout *fanout,
		       void (*demand)(struct glint_fanout *fanout, bool wanted))
{
	glint_list_init(&fanout->sinks);
	fanout->demand = demand;
}

void glint_fanout_attach(struct glint_fanout *fanout, struct glint_sink *sink)
{
	bool first = glint_list_empty(&fanout->sinks);

	if (!glint_list_empty(&sink->link))
		return;

	glint_list_append(&fanout->sinks, &sink->link);
	if (first && fanout->demand)
		fanout->demand(fanout, true);
}

void glint_fanout_detach(struct glint_fanout *fanout, struct glint_sink *sink)
{
	if (glint_list_empty(&sink->link))
		return;

	glint_list_remove(&sink->link);
	if (glint_list_empty(&fanout->sinks) && fanout->demand)
		fanout->demand(fanout, false);
}

bool glint_fanout_wanted(const struct glint_fanout *fanout)
{
	return !glint_list_empty(&fanout->sinks);
}

bool glint_fanout_wants(const struct glint_fanout *fanout, uint32_t codec,
			const struct glint_frame_info *info)
{
	const struct glint_sink *sink;

	glint_list_for_each(sink, &fanout->sinks, link)
		if (sink->codec == codec && (!sink->wants || sink->wants(sink, info)))
			return true;
	return false;
}

/* Exactly one of @frame and @packet is not NULL. */
static unsigned fanout_push(struct glint_fanout *fanout, struct glint_frame *frame,
			    struct glint_packet *packet)
{
	/* Sinks detach only themselves, so the last sink stays in the list until its turn. */
	struct glint_list *last = fanout->sinks.prev, *node, *next = fanout->sinks.next;
	unsigned taken = 0;

	if (!glint_fanout_wanted(fanout))
		return 0;
	glint_upcall_forbid();
	do {
		struct glint_sink *sink = glint_list_entry(next, struct glint_sink, link);

		node = next;
		next = node->next;
		if (packet && sink->codec == packet->codec)
			taken += sink->push_packet(sink, packet);
		else if (frame && sink->codec == 0)
			taken += sink->push_frame(sink, frame);
	} while (node != last);
	glint_upcall_allow();
	return taken;
}

unsigned glint_fanout_push_frame(struct glint_fanout *fanout, struct glint_frame *frame)
{
	assert(frame->refs > 0);

	return fanout_push(fanout, frame, NULL);
}

unsigned glint_fanout_push_packet(struct glint_fanout *fanout, struct glint_packet *packet)
{
	assert(packet->refs > 0 && packet->serial > 0);

	return fanout_push(fanout, NULL, packet);
}
