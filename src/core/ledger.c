/* SPDX-License-Identifier: MIT */
#include "core/ledger.h"

#include <assert.h>

void glint_ledger_restart(struct glint_ledger *ledger)
{
	ledger->started = false;
	ledger->behind = false;
}

static bool is_after(uint32_t seq, uint32_t other)
{
	uint32_t step = seq - other;

	return step != 0 && step <= INT32_MAX;
}

/*
 * Frames missing between the last number and @seq. The first number of a stream
 * is taken as it is: not every driver starts at 0. Numbers wrap at 32 bits.
 */
static uint32_t ledger_gap(struct glint_ledger *ledger, uint32_t seq)
{
	bool behind = ledger->behind;

	if (!ledger->started)
		return 0;
	if (!is_after(seq, ledger->last_seq)) {
		ledger->reordered++;
		ledger->behind = true;
		if (!behind)
			ledger->high_seq = ledger->last_seq;
		return 0;
	}
	/* The old count goes on after the step back: only what it lacks is missing. */
	ledger->behind = false;
	if (behind && is_after(seq, ledger->high_seq))
		return seq - ledger->high_seq - 1;
	return seq - ledger->last_seq - 1;
}

bool glint_ledger_has_passed(const struct glint_ledger *ledger, uint32_t seq)
{
	return ledger->started && !is_after(seq, ledger->last_seq);
}

uint32_t glint_ledger_enter(struct glint_ledger *ledger, uint32_t seq)
{
	uint32_t missing = ledger_gap(ledger, seq);

	/* Also after a step back: a driver that began anew would else step back for ever. */
	ledger->last_seq = seq;
	ledger->started = true;

	ledger->seen += (uint64_t)missing + 1;
	ledger->driver_dropped += missing;
	ledger->in_flight++;
	return missing;
}

void glint_ledger_settle(struct glint_ledger *ledger, enum glint_outcome outcome)
{
	assert(ledger->in_flight > 0);

	ledger->in_flight--;
	switch (outcome) {
	case GLINT_OUTCOME_SKIPPED:
		ledger->skipped++;
		break;
	case GLINT_OUTCOME_DELIVERED:
		ledger->delivered++;
		break;
	case GLINT_OUTCOME_CORRUPT:
		ledger->corrupt++;
		break;
	case GLINT_OUTCOME_FAILED:
		ledger->failed++;
		break;
	}
}

int64_t glint_ledger_unaccounted(const struct glint_ledger *ledger)
{
	uint64_t settled = ledger->delivered + ledger->driver_dropped + ledger->corrupt +
			   ledger->skipped + ledger->failed;

	return (int64_t)(ledger->seen - settled - ledger->in_flight);
}
