/* SPDX-License-Identifier: MIT */
/*
 * A frame is a lease on one buffer slot. The producer keeps the slot; readers
 * hold references. The last unref calls ops->release(), which hands the slot
 * back: to the driver, or to the parked list if the stream stopped meanwhile.
 * Loop thread only, so the count is a plain integer; a worker borrows.
 *
 * Nobody is called upward from within an unref or a push (core/upcall.h). A failure
 * in release() is noted there and told from the loop's top level.
 */
#ifndef GLINT_CORE_FRAME_H
#define GLINT_CORE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

struct glint_dmabuf;
struct glint_format;
struct glint_jpeg_info;
struct glint_frame;

struct glint_frame_ops {
	void (*release)(struct glint_frame *frame);	/* cannot fail; calls no listener */
};

/* What @capture_ns of a frame is. */
enum glint_clock {
	GLINT_CLOCK_MONOTONIC,	/* the driver's stamp */
	GLINT_CLOCK_ARRIVAL,	/* when the loop took the frame: the driver's stamp was of no use */
};

/* "monotonic", "arrival" */
const char *glint_clock_name(enum glint_clock clock);

/* How a frame ended; the ledger counts each exactly once, when the frame is released. */
enum glint_outcome {
	GLINT_OUTCOME_SKIPPED,	/* nobody asked, or a newer one took its place */
	GLINT_OUTCOME_DELIVERED,/* a picture of it was handed to at least one reader */
	GLINT_OUTCOME_CORRUPT,	/* the driver, or its own content, says that it is damaged */
	GLINT_OUTCOME_FAILED,	/* it was wanted, but could not be encoded */
};

struct glint_frame {
	const struct glint_frame_ops *ops;
	struct glint_dmabuf *buf;		/* borrowed from the slot; NULL for a picture */
	const struct glint_format *format;	/* borrowed from the producer, as long as the frame */
	const struct glint_jpeg_info *jpeg;	/* likewise: what is in @buf; NULL: no JPEG */
	/*
	 * The source's stream, a number that no other stream of the process has. A picture has
	 * that of its frame: what is of another stream than the live one is from before a change.
	 * 0: of no stream.
	 */
	uint64_t stream;
	unsigned slot, n_slots;			/* @buf is element @slot of the stream's @n_slots */
	unsigned refs;				/* 0 while the driver owns the slot */
	enum glint_outcome outcome;		/* set by whoever decides; SKIPPED to begin with */
	uint32_t seq;				/* driver's count: a gap is a drop */
	uint32_t used;				/* bytes of plane 0 that carry data (compressed formats) */
	uint64_t capture_ns;			/* as @clock says, CLOCK_MONOTONIC */
	enum glint_clock clock;
	uint64_t exposure_ns;			/* the exposure did not begin before; 0: nobody knows */
	uint64_t complete_ns;			/* when the whole frame was in memory: never later
						 * than dequeue_ns, never in the future */
	uint64_t dequeue_ns;			/* when the loop took it from the driver */
};

/* Starts a lease; the caller owns its one reference. The caller fills in the rest. */
void glint_frame_begin(struct glint_frame *frame, uint32_t seq, uint64_t capture_ns);

/* Returns @frame, so takers write: job->src = glint_frame_ref(frame). */
struct glint_frame *glint_frame_ref(struct glint_frame *frame);

/* NULL is fine. Returns NULL: job->src = glint_frame_unref(job->src). */
struct glint_frame *glint_frame_unref(struct glint_frame *frame);
#endif
