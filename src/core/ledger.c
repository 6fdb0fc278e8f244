/* SPDX-License-Identifier: MIT */
#include "core/ledger.h"

#include <assert.h>
#include <errno.h>

#include "base/macros.h"
#include "core/report.h"

void glint_ledger_restart(struct glint_ledger *ledger)
{
	ledger->started = false;
	ledger->behind = false;
	ledger->stream_dropped = 0;
	ledger->stream_corrupt = 0;
	ledger->stream_reordered = 0;
	ledger->n_entered = 0;
}

/*
 * Return the number of frames missing between the last number and @seq. No frame is missing before
 * the first number of a stream, because not every driver starts at 0.
 */
static uint32_t ledger_gap(struct glint_ledger *ledger, uint32_t seq)
{
	bool behind = ledger->behind;

	if (!ledger->started)
		return 0;
	if (!glint_seq_is_after(seq, ledger->last_seq)) {
		ledger->reordered++;
		ledger->stream_reordered++;
		ledger->behind = true;
		if (!behind)
			ledger->high_seq = ledger->last_seq;
		return 0;
	}
	/* Numbers up to @high_seq were counted before the step back. */
	ledger->behind = false;
	if (behind && glint_seq_is_after(seq, ledger->high_seq))
		return seq - ledger->high_seq - 1;
	return seq - ledger->last_seq - 1;
}

bool glint_ledger_has_passed(const struct glint_ledger *ledger, uint32_t seq)
{
	return ledger->started && !glint_seq_is_after(seq, ledger->last_seq);
}

uint32_t glint_ledger_enter(struct glint_ledger *ledger, uint32_t seq)
{
	uint32_t missing = ledger_gap(ledger, seq);

	/* Also after a step back, so that a driver that restarts its count steps back only once. */
	ledger->last_seq = seq;
	ledger->started = true;

	ledger->seen += (uint64_t)missing + 1;
	ledger->driver_dropped += missing;
	ledger->in_flight++;

	ledger->stream_dropped += missing;
	ledger->history[ledger->n_entered++ % GLINT_LEDGER_HISTORY] = (struct glint_ledger_entry){
		.seq = seq,
		.dropped = ledger->stream_dropped,
		.corrupt = ledger->stream_corrupt,
		.reordered = ledger->stream_reordered,
	};
	return missing;
}

/* --- History ------------------------------------------------------------------------ */

/* The entry that was made @back entries before the newest one, which is number 0. */
static const struct glint_ledger_entry *entry_at(const struct glint_ledger *ledger, uint32_t back)
{
	return &ledger->history[(ledger->n_entered - 1 - back) % GLINT_LEDGER_HISTORY];
}

static uint32_t entry_count(const struct glint_ledger *ledger)
{
	return MIN(ledger->n_entered, GLINT_LEDGER_HISTORY);
}

/* Numbers may step back, so the newest entry with the number counts. NULL: there is none. */
static const struct glint_ledger_entry *entry_find(const struct glint_ledger *ledger, uint32_t seq)
{
	for (uint32_t back = 0; back < entry_count(ledger); back++)
		if (entry_at(ledger, back)->seq == seq)
			return entry_at(ledger, back);
	return NULL;
}

void glint_ledger_complete(struct glint_ledger *ledger, uint64_t complete_ns)
{
	assert(ledger->n_entered > 0);

	ledger->history[(ledger->n_entered - 1) % GLINT_LEDGER_HISTORY].complete_ns = complete_ns;
}

void glint_ledger_damage(struct glint_ledger *ledger)
{
	ledger->stream_corrupt++;
}

int glint_ledger_gaps(const struct glint_ledger *ledger, uint32_t since, uint32_t seq,
		      struct glint_gaps *gaps)
{
	const struct glint_ledger_entry *from = entry_find(ledger, since);
	const struct glint_ledger_entry *to = entry_find(ledger, seq);
	uint32_t between = seq - since - 1, missing;

	*gaps = (struct glint_gaps){ 0 };
	if (!from || !to)
		return -ENOENT;
	if (since == seq)
		return 0;
	if (!glint_seq_is_after(seq, since) || from->reordered != to->reordered)
		return -ENOENT;
	gaps->dropped = to->dropped - from->dropped;
	gaps->corrupt = to->corrupt - from->corrupt;
	missing = gaps->dropped + gaps->corrupt;
	if (missing > between) /* the frame @since itself was damaged */
		return -ENOENT;
	gaps->skipped = between - missing;
	return 0;
}

int glint_ledger_complete_by(const struct glint_ledger *ledger, uint32_t seq, uint64_t *complete_ns)
{
	const struct glint_ledger_entry *found = NULL;

	for (uint32_t back = 0; back < entry_count(ledger); back++) {
		const struct glint_ledger_entry *entry = entry_at(ledger, back);

		if (glint_seq_is_after(seq, entry->seq)) {
			*complete_ns = found ? found->complete_ns : 0;
			return found ? 0 : -EAGAIN;
		}
		found = entry;
		if (entry->seq == seq) {
			*complete_ns = entry->complete_ns;
			return 0;
		}
	}
	return found ? -ENOENT : -EAGAIN;
}

int glint_ledger_newest_at(const struct glint_ledger *ledger, uint64_t ns, uint32_t *seq)
{
	uint32_t corrupt_after = ledger->stream_corrupt;

	for (uint32_t back = 0; back < entry_count(ledger); back++) {
		const struct glint_ledger_entry *entry = entry_at(ledger, back);
		bool damaged = entry->corrupt != corrupt_after;

		corrupt_after = entry->corrupt;
		if (damaged || entry->complete_ns == 0 || entry->complete_ns > ns)
			continue;
		*seq = entry->seq;
		return 0;
	}
	return -ENOENT;
}

/* --- Outcomes ----------------------------------------------------------------------- */

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
	case GLINT_OUTCOME_WARM_UP:
		ledger->warm_up++;
		break;
	case GLINT_OUTCOME_FAILED:
		ledger->failed++;
		break;
	}
}

int64_t glint_ledger_unaccounted(const struct glint_ledger *ledger)
{
	uint64_t settled = ledger->delivered + ledger->driver_dropped + ledger->corrupt +
			   ledger->warm_up + ledger->skipped + ledger->failed;

	return (int64_t)(ledger->seen - settled - ledger->in_flight);
}

void glint_ledger_report(const struct glint_ledger *ledger, struct glint_report *report)
{
	glint_report_uint(report, "seen", ledger->seen);
	glint_report_uint(report, "delivered", ledger->delivered);
	glint_report_uint(report, "driver_dropped", ledger->driver_dropped);
	glint_report_uint(report, "corrupt", ledger->corrupt);
	glint_report_uint(report, "warm_up", ledger->warm_up);
	glint_report_uint(report, "skipped", ledger->skipped);
	glint_report_uint(report, "failed", ledger->failed);
	glint_report_uint(report, "in_flight", ledger->in_flight);
	glint_report_int(report, "unaccounted", glint_ledger_unaccounted(ledger));
}
