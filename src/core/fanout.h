/* SPDX-License-Identifier: MIT */
/*
 * Hands each frame to every sink. A sink is attached only while it wants frames,
 * so the cost of a push is proportional to the readers who wait for it, and a
 * fanout without sinks tells its producer that nobody wants anything.
 * Loop thread only.
 */
#ifndef GLINT_CORE_FANOUT_H
#define GLINT_CORE_FANOUT_H

#include <stdbool.h>

#include "base/list.h"

struct glint_fanout;
struct glint_frame;
struct glint_sink;

struct glint_sink {
	/*
	 * Takes a reference if it keeps the frame past the call; returns whether it
	 * took the frame. May detach itself, and only itself.
	 */
	bool (*push)(struct glint_sink *sink, struct glint_frame *frame);
	/* Whether it would take @frame, or what is made of it. NULL: any. */
	bool (*wants)(const struct glint_sink *sink, const struct glint_frame *frame);
	struct glint_list link;
};

struct glint_fanout {
	struct glint_list sinks;
	/* The first sink came, or the last one went. May be NULL. */
	void (*demand)(struct glint_fanout *fanout, bool wanted);
};

void glint_fanout_init(struct glint_fanout *fanout,
		       void (*demand)(struct glint_fanout *fanout, bool wanted));

/* The sink, already attached or not, is attached afterwards. */
void glint_fanout_attach(struct glint_fanout *fanout, struct glint_sink *sink);

/* Fine on a sink that is not attached; a sink's link starts with glint_list_init(). */
void glint_fanout_detach(struct glint_fanout *fanout, struct glint_sink *sink);

/* Somebody is attached. */
bool glint_fanout_wanted(const struct glint_fanout *fanout);

/* Somebody who is attached wants @frame: before it is worked on. */
bool glint_fanout_wants(const struct glint_fanout *fanout, const struct glint_frame *frame);

/*
 * Returns how many sinks took @frame. The caller keeps its own reference. A sink
 * that is attached meanwhile waits for the next frame. No listener is called from
 * within (core/upcall.h).
 */
unsigned glint_fanout_push(struct glint_fanout *fanout, struct glint_frame *frame);
#endif
