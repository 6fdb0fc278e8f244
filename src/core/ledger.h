/* SPDX-License-Identifier: MIT */
/*
 * Every sequence number that the driver hands out ends as exactly one of
 * delivered, driver-dropped, corrupt, skipped or failed. The ledger learns each
 * number once, when the frame is dequeued (a gap before it is a drop), and each
 * outcome once, when the frame is released; what is neither settled nor in
 * flight is unaccounted, and that is always 0. Loop thread only.
 */
#ifndef GLINT_CORE_LEDGER_H
#define GLINT_CORE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame.h"

struct glint_ledger {
	uint64_t seen;			/* sequence numbers passed, the dropped ones included */
	uint64_t delivered, driver_dropped, corrupt, skipped, failed;
	uint64_t in_flight;
	uint64_t reordered;		/* numbers that went backwards: a driver's fault, counted as seen */
	uint32_t last_seq;
	uint32_t high_seq;		/* the last number before the driver stepped back */
	bool started;			/* last_seq is valid: false after each stream start */
	bool behind;			/* high_seq is valid: no number has followed in order since */
};

/* A stream starts: sequence numbers begin anew, the sums go on. */
void glint_ledger_restart(struct glint_ledger *ledger);

/* @seq is not after the last number of this stream. */
bool glint_ledger_has_passed(const struct glint_ledger *ledger, uint32_t seq);

/* A frame numbered @seq was dequeued; returns the number of frames missing before it. */
uint32_t glint_ledger_enter(struct glint_ledger *ledger, uint32_t seq);

/* That frame was released. */
void glint_ledger_settle(struct glint_ledger *ledger, enum glint_outcome outcome);

/* 0, or a bug. */
int64_t glint_ledger_unaccounted(const struct glint_ledger *ledger);
#endif
