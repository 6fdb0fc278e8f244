/* SPDX-License-Identifier: MIT */
#include "core/fanout.h"

#include <stddef.h>

#include "core/upcall.h"

static void fanout_tell(struct glint_fanout *fanout, bool wanted)
{
	if (fanout->demand)
		fanout->demand(fanout, wanted);
}

static struct glint_sink *sink_of(struct glint_list *node)
{
	return glint_list_entry(node, struct glint_sink, link);
}

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
	if (first)
		fanout_tell(fanout, true);
}

void glint_fanout_detach(struct glint_fanout *fanout, struct glint_sink *sink)
{
	if (glint_list_empty(&sink->link))
		return;

	glint_list_remove(&sink->link);
	if (glint_list_empty(&fanout->sinks))
		fanout_tell(fanout, false);
}

bool glint_fanout_wanted(const struct glint_fanout *fanout)
{
	return !glint_list_empty(&fanout->sinks);
}

bool glint_fanout_wants(const struct glint_fanout *fanout, const struct glint_frame *frame)
{
	const struct glint_sink *sink;

	glint_list_for_each(sink, &fanout->sinks, link)
		if (!sink->wants || sink->wants(sink, frame))
			return true;
	return false;
}

unsigned glint_fanout_push(struct glint_fanout *fanout, struct glint_frame *frame)
{
	/* A sink leaves by its own doing only, so the last one of now is there until its turn. */
	struct glint_list *last = fanout->sinks.prev, *node, *next = fanout->sinks.next;
	unsigned taken = 0;

	if (!glint_fanout_wanted(fanout))
		return 0;
	glint_upcall_forbid();
	do {
		node = next;
		next = node->next;
		taken += sink_of(node)->push(sink_of(node), frame);
	} while (node != last);
	glint_upcall_allow();
	return taken;
}
