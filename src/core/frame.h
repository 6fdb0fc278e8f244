/* SPDX-License-Identifier: MIT */
/*
 * A frame is a lease on one buffer slot. The producer keeps the slot; readers hold references. The
 * last unref calls ops->release(), which hands the slot back: to the driver, or, after the end of
 * the stream, to the pool, which the last release frees. Loop thread only, so the count is a plain
 * integer; a worker borrows the reference of its job.
 *
 * An unref and a push call no listener (core/upcall.h). release() notes a failure, and reports it
 * from the loop's top level.
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
	void (*release)(struct glint_frame *frame); /* cannot fail; calls no listener */
};

/* Where @capture_ns of a frame comes from. */
enum glint_clock {
	GLINT_CLOCK_MONOTONIC, /* the driver's stamp */
	GLINT_CLOCK_ARRIVAL,   /* the loop took the frame then; the driver's stamp was useless */
};

/* "monotonic", "arrival" */
const char *glint_clock_name(enum glint_clock clock);

/* Which lines of a frame are of the earlier moment. */
enum glint_field_order {
	GLINT_FIELD_ORDER_NONE, /* all are of one moment: progressive */
	GLINT_FIELD_ORDER_TOP_FIRST,
	GLINT_FIELD_ORDER_BOTTOM_FIRST,
};

/* "progressive", "top-first", "bottom-first" */
const char *glint_field_order_name(enum glint_field_order order);

/* The fate of a frame. The ledger counts each frame once, when the frame is released. */
enum glint_outcome {
	GLINT_OUTCOME_SKIPPED,	 /* no reader wanted the frame, or a newer one replaced it */
	GLINT_OUTCOME_DELIVERED, /* a reader took a packet made of it, or a recording has it */
	GLINT_OUTCOME_CORRUPT,	 /* damaged, according to the driver or to the frame's content */
	GLINT_OUTCOME_WARM_UP,	 /* from the beginning of the stream: no reader was asked */
	GLINT_OUTCOME_FAILED,	 /* a reader wanted the frame, but it could not be encoded */
};

/* Whether the driver's number @seq comes after @other. Numbers wrap at 32 bits. */
static inline bool glint_seq_is_after(uint32_t seq, uint32_t other)
{
	uint32_t step = seq - other;

	return step != 0 && step <= INT32_MAX;
}

/*
 * The facts of one frame. Each packet made from the frame has a copy, so no reader asks the source
 * about a frame later. All times are CLOCK_MONOTONIC.
 */
struct glint_frame_info {
	/*
	 * Number of the source's stream, unique in the process; 0: of no stream. A frame whose
	 * stream is not the live one was captured before a change of the source.
	 */
	uint64_t stream;
	bool live;	 /* from the source; false: a picture that says why there is no video */
	uint32_t seq;	 /* driver's count: a gap is a drop; see glint_seq_is_after() */
	uint32_t fourcc; /* of the frame, as the source delivers it */
	uint32_t width, height; /* pixels; for a JPEG from its own header */
	enum glint_field_order field_order;
	enum glint_clock clock;
	bool start_of_exposure; /* capture_ns is the start of the exposure, else the frame's end */
	uint64_t capture_ns;	/* on @clock */
	uint64_t exposure_ns;	/* earliest possible start of the exposure; 0: unknown */
	uint64_t complete_ns;	/* the whole frame was in memory; at most dequeue_ns */
	uint64_t dequeue_ns;	/* the loop took the frame from the driver */
	uint64_t error_ns;	/* bound of the error of complete_ns; UINT64_MAX: unknown */
};

struct glint_frame {
	const struct glint_frame_ops *ops;
	struct glint_dmabuf *buf;	    /* borrowed from the slot */
	const struct glint_format *format;  /* borrowed from the producer, as long as the frame */
	const struct glint_jpeg_info *jpeg; /* likewise: the JPEG in @buf; NULL: a raw frame */
	unsigned slot, n_slots;		    /* @buf is element @slot of the stream's @n_slots */
	unsigned refs;			    /* 0 while the driver owns the slot */
	enum glint_outcome outcome;	    /* SKIPPED until a reader decides otherwise */
	uint32_t used; /* bytes of plane 0 that carry data (compressed formats) */
	struct glint_frame_info info;
};

/* Start a lease; the caller owns its one reference, and sets the rest of @info. */
void glint_frame_begin(struct glint_frame *frame, uint32_t seq);

/* Returns @frame, so takers write: job->src = glint_frame_ref(frame). */
struct glint_frame *glint_frame_ref(struct glint_frame *frame);

/* NULL is fine. Returns NULL: job->src = glint_frame_unref(job->src). */
struct glint_frame *glint_frame_unref(struct glint_frame *frame);
#endif
