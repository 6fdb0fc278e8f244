/* SPDX-License-Identifier: MIT */
/*
 * A fan-out hands each frame, or each packet, to the attached sinks. A sink is attached only while
 * it wants frames or packets, so a push costs nothing for readers that do not wait. A fan-out
 * without sinks tells its producer that nothing is wanted. Loop thread only.
 */
#ifndef GLINT_CORE_FANOUT_H
#define GLINT_CORE_FANOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct glint_fanout;
struct glint_frame;
struct glint_frame_info;
struct glint_packet;
struct glint_sink;

struct glint_sink {
	/* The sink takes packets of this codec; 0: the device's frames, raw or JPEG. */
	uint32_t codec;
	/*
	 * push_frame() if @codec is 0, else push_packet(). Returns whether the sink takes the frame
	 * or packet. Takes a reference if the sink keeps it after the call. May detach its own sink,
	 * and no other sink.
	 */
	union {
		bool (*push_frame)(struct glint_sink *sink, struct glint_frame *frame);
		bool (*push_packet)(struct glint_sink *sink, struct glint_packet *packet);
	};
	/* Returns whether the sink takes a frame with these facts, or its packet. NULL: any. */
	bool (*wants)(const struct glint_sink *sink, const struct glint_frame_info *info);
	struct glint_list link;
};

struct glint_fanout {
	struct glint_list sinks;
	/* Called when the first sink attaches, and when the last sink detaches. May be NULL. */
	void (*demand)(struct glint_fanout *fanout, bool wanted);
};

void glint_fanout_init(struct glint_fanout *fanout,
		       void (*demand)(struct glint_fanout *fanout, bool wanted));

/* Attach @sink. Does nothing if it is attached already. */
void glint_fanout_attach(struct glint_fanout *fanout, struct glint_sink *sink);

/* Does nothing if @sink is not attached. A sink's link starts with glint_list_init(). */
void glint_fanout_detach(struct glint_fanout *fanout, struct glint_sink *sink);

/* Returns whether at least one sink is attached. */
bool glint_fanout_wanted(const struct glint_fanout *fanout);

/*
 * Returns whether at least one attached sink wants the frame with these facts as @codec (0: as it
 * is). The producer asks before it works on the frame.
 */
bool glint_fanout_wants(const struct glint_fanout *fanout, uint32_t codec,
			const struct glint_frame_info *info);

/*
 * Push @frame or @packet to all attached sinks of its codec. Returns the number of sinks that took
 * it. The caller keeps its own reference. A sink that attaches during the push gets the next frame
 * or packet. A push calls no listener (core/upcall.h).
 */
unsigned glint_fanout_push_frame(struct glint_fanout *fanout, struct glint_frame *frame);
unsigned glint_fanout_push_packet(struct glint_fanout *fanout, struct glint_packet *packet);
#endif
