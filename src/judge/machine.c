/* SPDX-License-Identifier: MIT */
#include "judge/machine.h"

void glint_machine_init(struct glint_machine *machine, const struct glint_condition *condition,
			struct glint_verdict *verdict, uint64_t since_ns)
{
	*verdict = (struct glint_verdict){ .status = "pending" };
	machine->condition = condition;
	machine->verdict = verdict;
	machine->since_ns = since_ns;
	machine->n_window = machine->next = machine->n_moved = 0;
	machine->has_last = machine->paused = false;
	machine->away_ns = 0;
}

bool glint_condition_needs_frames(enum glint_condition_kind kind)
{
	return kind != GLINT_CONDITION_LIVE && kind != GLINT_CONDITION_OFFLINE;
}

bool glint_condition_compares(enum glint_condition_kind kind)
{
	return kind == GLINT_CONDITION_CHANGE || kind == GLINT_CONDITION_STILL ||
	       kind == GLINT_CONDITION_MOTION || kind == GLINT_CONDITION_TRANSITION;
}

/* --- The verdict ---------------------------------------------------------------------- */

static void verdict_settle(struct glint_verdict *verdict, enum glint_verdict_state state,
			   const char *status)
{
	if (state == GLINT_VERDICT_MET && verdict->state != GLINT_VERDICT_MET)
		verdict->met_ns = verdict->decided.complete_ns;
	verdict->state = state;
	verdict->status = status;
}

/* A condition that is true of a frame, and may no longer be true of the next one. */
static void verdict_hold(struct glint_verdict *verdict, bool holds)
{
	if (holds && verdict->state != GLINT_VERDICT_MET)
		verdict->first = verdict->decided;
	if (holds)
		verdict_settle(verdict, GLINT_VERDICT_MET, "met");
	else
		verdict_settle(verdict, GLINT_VERDICT_PENDING, "pending");
}

/*
 * Count what is missing between the last judged frame and @info. Numbers of another stream, or
 * that go backwards, tell nothing.
 */
static void verdict_see(struct glint_machine *machine, const struct glint_frame_info *info)
{
	struct glint_verdict *verdict = machine->verdict;
	const struct glint_frame_info *last = &verdict->decided;
	uint32_t step = info->seq - last->seq;

	if (machine->has_last && last->stream == info->stream && step > 1 && step < INT32_MAX)
		verdict->missed += step - 1;
	verdict->seen++;
	verdict->decided = *info;
	machine->has_last = true;
}

/* --- Still ---------------------------------------------------------------------------- */

static bool is_still_since(const struct glint_machine *machine,
			   const struct glint_frame_info *first, const struct glint_frame_info *now)
{
	return now->complete_ns - first->complete_ns >= machine->condition->stable_ns;
}

/* A run of equal frames begins with @info. */
static void still_begin(struct glint_machine *machine, const struct glint_frame_info *info)
{
	machine->verdict->first = *info;
}

static void feed_still(struct glint_machine *machine, const struct glint_sample *sample)
{
	struct glint_verdict *verdict = machine->verdict;

	if (sample->yes)
		still_begin(machine, &sample->info);
	if (is_still_since(machine, &verdict->first, &sample->info))
		verdict_settle(verdict, GLINT_VERDICT_MET, "met");
	else
		verdict_settle(verdict, GLINT_VERDICT_PENDING, "pending");
}

/* --- Motion --------------------------------------------------------------------------- */

static void feed_motion(struct glint_machine *machine, const struct glint_sample *sample)
{
	const struct glint_condition *condition = machine->condition;
	struct glint_verdict *verdict = machine->verdict;
	unsigned oldest;

	if (machine->n_window == condition->window)
		machine->n_moved -= machine->window[machine->next].moved;
	else
		machine->n_window++;
	machine->window[machine->next].moved = sample->yes;
	machine->window[machine->next].info = sample->info;
	machine->n_moved += sample->yes;
	machine->next = (machine->next + 1) % condition->window;
	if (machine->n_moved < condition->moved)
		return;
	/* The window is in use up to @next, and wraps around. */
	oldest = (machine->next + condition->window - machine->n_window) % condition->window;
	while (!machine->window[oldest].moved)
		oldest = (oldest + 1) % condition->window;
	verdict->first = machine->window[oldest].info;
	verdict_settle(verdict, GLINT_VERDICT_MET, "met");
}

/* --- Transition ----------------------------------------------------------------------- */

/*
 * From the reference to the first change, and from there to the first frame of a still run. The
 * caller compares with the newest frame that differed, so a difference ends a run.
 */
static void feed_transition(struct glint_machine *machine, const struct glint_sample *sample)
{
	struct glint_verdict *verdict = machine->verdict;

	if (sample->yes) {
		if (verdict->changed.complete_ns == 0)
			verdict->changed = sample->info;
		still_begin(machine, &sample->info);
	}
	if (verdict->changed.complete_ns != 0 &&
	    is_still_since(machine, &verdict->first, &sample->info))
		verdict_settle(verdict, GLINT_VERDICT_MET, "complete");
}

uint64_t glint_machine_due_ns(const struct glint_machine *machine)
{
	const struct glint_condition *condition = machine->condition;
	const struct glint_verdict *verdict = machine->verdict;
	uint64_t timeout_ns, from_ns;

	if (condition->kind != GLINT_CONDITION_TRANSITION ||
	    verdict->state != GLINT_VERDICT_PENDING)
		return UINT64_MAX;
	from_ns = verdict->changed.complete_ns;
	timeout_ns = from_ns ? condition->stable_timeout_ns : condition->start_timeout_ns;
	from_ns = from_ns ? from_ns : machine->since_ns;
	return timeout_ns > UINT64_MAX - from_ns ? UINT64_MAX : from_ns + timeout_ns;
}

void glint_machine_tick(struct glint_machine *machine, uint64_t now_ns)
{
	struct glint_verdict *verdict = machine->verdict;

	if (now_ns < glint_machine_due_ns(machine))
		return;
	verdict_settle(verdict, GLINT_VERDICT_FAILED,
		       verdict->changed.complete_ns ? "stable-timeout" : "start-timeout");
}

/* --- All ------------------------------------------------------------------------------ */

/* What has once happened is not asked again. */
static bool is_settled(const struct glint_machine *machine)
{
	switch (machine->condition->kind) {
	case GLINT_CONDITION_CHANGE:
	case GLINT_CONDITION_MOTION:
	case GLINT_CONDITION_TRANSITION:
		return machine->verdict->state != GLINT_VERDICT_PENDING;
	default:
		return false;
	}
}

void glint_machine_refer(struct glint_machine *machine, const struct glint_frame_info *info)
{
	struct glint_verdict *verdict = machine->verdict;

	verdict->reference = *info;
	verdict->decided = *info;
	machine->has_last = true; /* a gap behind it counts */
	/* A frame from before the wait is compared by its pixels alone. */
	if (info->complete_ns < machine->since_ns || info->complete_ns > machine->away_ns)
		machine->paused = false;
	if (machine->condition->kind == GLINT_CONDITION_STILL) {
		verdict->seen++;
		still_begin(machine, info);
	}
}

void glint_machine_feed(struct glint_machine *machine, const struct glint_sample *sample)
{
	struct glint_verdict *verdict = machine->verdict;
	struct glint_sample seen = *sample;
	bool back = machine->paused && seen.info.complete_ns > machine->away_ns;

	if (is_settled(machine))
		return;
	/* A stream that was interrupted, or has another size, was not still. */
	if (glint_condition_compares(machine->condition->kind))
		seen.yes = seen.yes || seen.size_changed || back;
	if (back)
		machine->paused = false;
	verdict_see(machine, &seen.info);
	verdict->score = seen.score;
	verdict->hash[0] = seen.hash[0];
	verdict->hash[1] = seen.hash[1];
	verdict->has_box = seen.box.width > 0;
	verdict->box = seen.box;
	switch (machine->condition->kind) {
	case GLINT_CONDITION_CHANGE:
		if (seen.yes)
			verdict_hold(verdict, true);
		break;
	case GLINT_CONDITION_STILL:
		feed_still(machine, &seen);
		break;
	case GLINT_CONDITION_MOTION:
		feed_motion(machine, &seen);
		break;
	case GLINT_CONDITION_TRANSITION:
		feed_transition(machine, &seen);
		break;
	case GLINT_CONDITION_NONBLACK:
		verdict_hold(verdict, !seen.yes && !seen.empty);
		break;
	case GLINT_CONDITION_HASH:
		verdict_hold(verdict, seen.yes != machine->condition->hash_differs);
		break;
	default:
		verdict_hold(verdict, seen.yes);
		break;
	}
}

void glint_machine_source(struct glint_machine *machine, enum glint_machine_signal signal,
			  const struct glint_frame_info *last)
{
	enum glint_condition_kind kind = machine->condition->kind;
	struct glint_verdict *verdict = machine->verdict;

	if (glint_condition_needs_frames(kind)) {
		/* No frame shows that a picture is black, or still, while there is none. */
		if (signal != GLINT_SIGNAL_LIVE) {
			machine->paused = true;
			machine->away_ns = last ? last->complete_ns : 0;
		}
		if (signal != GLINT_SIGNAL_LIVE && !is_settled(machine))
			verdict_settle(verdict, GLINT_VERDICT_PENDING, "pending");
		return;
	}
	if (last)
		verdict->decided = *last;
	verdict_hold(verdict, signal == (kind == GLINT_CONDITION_LIVE ? GLINT_SIGNAL_LIVE :
									GLINT_SIGNAL_OFFLINE));
}
