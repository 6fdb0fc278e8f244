/* SPDX-License-Identifier: MIT */
/*
 * The ledger counts every sequence number of the driver as exactly one of delivered,
 * driver-dropped, corrupt, warm-up, skipped or failed. A number is entered once, when its frame is dequeued
 * (a gap before it is a drop), and its outcome once, when the frame is released. Numbers that are
 * neither settled nor in flight are unaccounted; there are never any. Loop thread only.
 */
#ifndef GLINT_CORE_LEDGER_H
#define GLINT_CORE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame.h"

struct glint_report;

/* How many numbers are remembered: 68 s at 60 a second. */
#define GLINT_LEDGER_HISTORY 4096u

/* What the ledger remembers of a number. */
struct glint_ledger_entry {
	uint32_t seq;
	uint32_t dropped, corrupt, reordered; /* of this stream, until this frame was entered */
	uint64_t complete_ns;		      /* 0: not told yet */
};

/* What lies between two frames: all numbers between them are one of these. */
struct glint_gaps {
	uint32_t dropped; /* the driver has not delivered them */
	uint32_t corrupt; /* delivered, but damaged */
	uint32_t skipped; /* good frames that the reader has not been sent */
};

struct glint_ledger {
	uint64_t seen; /* sequence numbers so far, with the dropped ones */
	uint64_t delivered, driver_dropped, corrupt, warm_up, skipped, failed;
	uint64_t in_flight;
	uint64_t reordered; /* numbers not after the last one: a fault of the driver; also seen */
	uint32_t last_seq;
	uint32_t high_seq; /* the last number before the driver stepped back */
	bool started;	   /* last_seq is valid; false after each start of a stream */
	bool behind;	   /* high_seq is valid: numbers have not reached it again */

	/* Of this stream. */
	uint32_t stream_dropped, stream_corrupt, stream_reordered;
	uint32_t n_entered; /* the newest entry is the one before, modulo the history's length */
	struct glint_ledger_entry history[GLINT_LEDGER_HISTORY];
};

/* Start a stream: sequence numbers begin again, the sums go on. */
void glint_ledger_restart(struct glint_ledger *ledger);

/* Returns whether @seq is not after the last number of this stream. */
bool glint_ledger_has_passed(const struct glint_ledger *ledger, uint32_t seq);

/* Enter a dequeued frame. Returns the number of frames missing before it. */
uint32_t glint_ledger_enter(struct glint_ledger *ledger, uint32_t seq);

/* The frame that was entered last was complete at @complete_ns. */
void glint_ledger_complete(struct glint_ledger *ledger, uint64_t complete_ns);

/* The frame that was entered last is damaged; it will be settled as such. */
void glint_ledger_damage(struct glint_ledger *ledger);

/*
 * Count what lies between the frames @since and @seq of this stream; both exclusive. -ENOENT:
 * unknown, because a number is not remembered, the order is not that, or numbers stepped back in
 * between.
 */
int glint_ledger_gaps(const struct glint_ledger *ledger, uint32_t since, uint32_t seq,
		      struct glint_gaps *gaps);

/*
 * When frame @seq was complete, or, if the driver dropped it, the next frame behind it. -ENOENT:
 * so long ago that it is not remembered; -EAGAIN: the stream has not come to that number.
 */
int glint_ledger_complete_by(const struct glint_ledger *ledger, uint32_t seq,
			     uint64_t *complete_ns);

/*
 * The number of the good frame of this stream that was the newest complete one at @ns. -ENOENT:
 * there was none, or so long ago that it is not remembered.
 */
int glint_ledger_newest_at(const struct glint_ledger *ledger, uint64_t ns, uint32_t *seq);

/* Settle a released frame. */
void glint_ledger_settle(struct glint_ledger *ledger, enum glint_outcome outcome);

/* Always 0, unless there is a bug. */
int64_t glint_ledger_unaccounted(const struct glint_ledger *ledger);

/* Members: all sums, and the unaccounted numbers. */
void glint_ledger_report(const struct glint_ledger *ledger, struct glint_report *report);
#endif
