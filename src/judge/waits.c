/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "core/upcall.h"
#include "judge/internal.h"
#include "judge/match.h"
#include "mem/dmabuf.h"
#include "pixels/picture.h"

const char glint_judge_no_room[] = "other waits have all memory for reference pictures; end some";

const char glint_judge_outside[] =
	"the region does not lie within the picture; see /state for its size";

/* --- Waits that end ------------------------------------------------------------------------------ */

static bool judged_has_meter(const struct glint_judged *judged)
{
	for (unsigned i = 0; i < judged->n; i++)
		if (judged->watches[i].meter)
			return true;
	return false;
}

static void reading_free(struct glint_judge *judge, struct glint_reading *reading)
{
	judge->bytes -= reading->what.picture_size;
	glint_list_remove(&reading->link);
	free(reading->what.picture);
	free(reading);
}

static void reading_cancel(struct glint_judge *judge, struct glint_reading *reading)
{
	if (reading == judge->reading)
		reading->watch = NULL; /* a thread uses the memory */
	else
		reading_free(judge, reading);
}

static void judged_free(struct glint_judge *judge, struct glint_judged *judged)
{
	/* The worker or a caller may use the meters: glint_judge_free_unused() and judge_tidy() free them. */
	for (unsigned i = 0; i < judged->n; i++) {
		glint_list_remove(&judged->watches[i].link);
		if (judged->watches[i].reading)
			reading_cancel(judge, judged->watches[i].reading);
	}
	judge->cover_stale = true;
	judged->wait->judged = NULL;
	free(judged);
}

/* Remove the wait from the pending ones; its meters stay. The caller calls glint_judge_free_unused() later. */
static void wait_leave(struct glint_judge *judge, struct glint_wait *wait)
{
	struct glint_judged *judged = wait->judged;
	bool needed_frames = judged->needs_frames;

	glint_list_remove(&wait->link);
	if (--judge->n_waits == 0)
		glint_fanout_detach(judge->frames, &judge->awake);
	judged_free(judge, judged);
	if (!needed_frames || --judge->n_need_frames > 0)
		return;
	glint_fanout_detach(judge->frames, &judge->sink);
	glint_judge_drop_queue(judge);
}

void glint_wait_end(struct glint_judge *judge, struct glint_wait *wait,
		    enum glint_wait_outcome outcome)
{
	uint64_t complete_ns = wait->verdicts[wait->decided_by].decided.complete_ns;
	bool by_frame;

	wait_leave(judge, wait);
	wait->outcome = outcome;
	wait->converted = judge->convert ? judge->converts.info->name : NULL;
	wait->decided_ns = glint_now_ns();
	wait->source_reason = judge->config.source(judge->config.ctx).reason;
	glint_list_append(&judge->ended, &wait->link);
	by_frame = wait->verdicts[wait->decided_by].seen > 0;
	if (outcome == GLINT_WAIT_MET && by_frame)
		glint_histogram_add(&judge->latency, wait->decided_ns - complete_ns);
	judge->met += outcome == GLINT_WAIT_MET;
	judge->timed_out += outcome == GLINT_WAIT_TIMEOUT;
	judge->refused += outcome == GLINT_WAIT_REFUSED;
}

void glint_wait_refuse(struct glint_wait *wait, unsigned status, const char *reason,
		       const char *message)
{
	wait->status = status;
	wait->reason = reason;
	wait->message = message;
}

void glint_judge_call_done(struct glint_judge *judge)
{
	struct glint_wait *wait;

	glint_upcall_assert();
	while ((wait = glint_list_first(&judge->ended, struct glint_wait, link))) {
		glint_list_remove(&wait->link);
		wait->done(wait);
	}
}

void glint_judge_settle_later(struct glint_judge *judge)
{
	if (!glint_list_empty(&judge->ended))
		glint_loop_defer(judge->loop, &judge->settle);
}

static void judge_on_settle(struct glint_deferred *deferred)
{
	glint_judge_call_done(container_of(deferred, struct glint_judge, settle));
}

/* --- Evaluating ---------------------------------------------------------------------------------- */

/* Whether the wait's conditions, taken together, are decided. */
static bool wait_is_decided(struct glint_wait *wait, enum glint_wait_outcome *outcome)
{
	unsigned met = 0, failed = 0;
	uint64_t since_ns = 0;

	for (unsigned i = 0; i < wait->n_conditions; i++) {
		const struct glint_verdict *verdict = &wait->verdicts[i];
		bool is_met = verdict->state == GLINT_VERDICT_MET;

		/* Of all, the condition that came last; of any, the first in the request. */
		if (is_met && (met == 0 || (wait->all && verdict->met_ns > since_ns))) {
			wait->decided_by = i;
			since_ns = verdict->met_ns;
		}
		met += is_met;
		failed += verdict->state == GLINT_VERDICT_FAILED;
	}
	*outcome = GLINT_WAIT_MET;
	if (met >= (wait->all ? wait->n_conditions : 1))
		return true;
	*outcome = GLINT_WAIT_TIMEOUT;
	return failed >= (wait->all ? 1 : wait->n_conditions);
}

static uint64_t wait_due_ns(const struct glint_wait *wait)
{
	const struct glint_judged *judged = wait->judged;
	uint64_t due_ns = wait->deadline_ns;

	for (unsigned i = 0; i < judged->n; i++)
		due_ns = MIN(due_ns, glint_machine_due_ns(&judged->watches[i].machine));
	return due_ns;
}

void glint_judge_evaluate(struct glint_judge *judge)
{
	uint64_t next_ns = GLINT_ALARM_NEVER;
	struct glint_wait *wait;

	glint_list_for_each(wait, &judge->waits, link) {
		struct glint_judged *judged = wait->judged;
		enum glint_wait_outcome outcome;

		if (judged->changed && wait_is_decided(wait, &outcome)) {
			glint_wait_end(judge, wait, outcome);
			continue;
		}
		judged->changed = false;
		next_ns = MIN(next_ns, wait_due_ns(wait));
	}
	if (next_ns != judge->alarm.due_ns)
		glint_alarm_set(&judge->alarm, next_ns);
	glint_judge_free_unused(judge);
}

static void judge_on_alarm(struct glint_alarm *alarm)
{
	struct glint_judge *judge = container_of(alarm, struct glint_judge, alarm);
	uint64_t now_ns = glint_now_ns();
	struct glint_wait *wait;

	glint_list_for_each(wait, &judge->waits, link) {
		struct glint_judged *judged = wait->judged;

		for (unsigned i = 0; i < judged->n; i++)
			glint_machine_tick(&judged->watches[i].machine, now_ns);
		judged->changed = true;
		if (wait->deadline_ns <= now_ns)
			glint_wait_end(judge, wait, GLINT_WAIT_TIMEOUT);
	}
	glint_judge_evaluate(judge);
	glint_judge_call_done(judge);
}

/* --- References from clients --------------------------------------------------------------------- */

static void reading_run(struct glint_job *job, unsigned part)
{
	struct glint_reading *reading = container_of(job, struct glint_reading, job);
	struct glint_picture picture;

	(void)part;
	reading->err = glint_picture_read(&picture, reading->what.picture,
					  reading->what.picture_size, GLINT_JUDGE_PICTURE_MAX);
	if (reading->err < 0)
		return;
	reading->err = glint_match_create(&reading->match, &reading->what, &picture, reading->room);
	glint_picture_fini(&picture);
}

static void reading_refuse(struct glint_judge *judge, struct glint_watch *watch, int err)
{
	struct glint_wait *wait = watch->judged->wait;

	switch (err) {
	case -ENOTSUP:
		glint_wait_refuse(
			wait, 400, "bad-reference",
			IS_ENABLED(CONFIG_PIXELS_PNG) ?
				"the reference is no PNG, JPEG, PPM or PGM of 8 bits a sample" :
				"the reference is no JPEG, PPM or PGM of 8 bits a sample; this "
				"glintd was built without PNG");
		break;
	case -ELIBACC:
		glint_wait_refuse(
			wait, 503, "library-missing",
			"the library that reads PNGs is not installed beside glintd, whose "
			"log names it; send a JPEG, PPM or PGM");
		break;
	case -EBADMSG:
		glint_wait_refuse(wait, 400, "bad-reference", "the reference is damaged");
		break;
	case -EMSGSIZE:
		glint_wait_refuse(wait, 413, "reference-too-large",
				  "the reference may have 9437184 pixels at most");
		break;
	case -ERANGE:
		glint_wait_refuse(
			wait, 400, "reference-size",
			"a region does not lie within the reference picture, at its place");
		break;
	case -ENODATA:
		glint_wait_refuse(
			wait, 400, "reference-empty",
			"no pixel of the reference, or of a region, counts: all are transparent "
			"or excluded");
		break;
	case -ENOBUFS:
		glint_wait_refuse(wait, 503, "too-many-waits", glint_judge_no_room);
		break;
	default:
		glint_wait_refuse(wait, 503, "no-memory", "there is no memory for the reference");
		break;
	}
	glint_wait_end(judge, wait, GLINT_WAIT_REFUSED);
}

/* The wait needs frames from now on, if it has a meter. */
static void judged_request_frames(struct glint_judge *judge, struct glint_judged *judged)
{
	if (judged->needs_frames || !judged_has_meter(judged))
		return;
	judged->needs_frames = true;
	if (judge->n_need_frames++ == 0)
		glint_fanout_attach(judge->frames, &judge->sink);
}

/* Take over @match, also on failure. */
static int watch_match(struct glint_judge *judge, struct glint_watch *watch,
		       const struct glint_condition *what, struct glint_match *match)
{
	const struct glint_wait *wait = watch->judged->wait;
	int err = match->held > GLINT_JUDGE_BYTES_MAX - judge->bytes ? -ENOBUFS : 0;

	if (err == 0) {
		watch->meter = glint_meter_create_match(what, wait->since_ns, match);
		err = watch->meter ? 0 : -ENOMEM;
	}
	if (err < 0) {
		glint_match_destroy(match);
		return err;
	}
	judge->bytes += watch->meter->held;
	glint_list_append(&watch->meter->watches, &watch->link);
	glint_list_append(&judge->joining, &watch->meter->link);
	judged_request_frames(judge, watch->judged);
	return 0;
}

static void reading_next(struct glint_judge *judge)
{
	if (judge->reading || glint_list_empty(&judge->readings))
		return;
	judge->reading = glint_list_first(&judge->readings, struct glint_reading, link);
	glint_list_remove(&judge->reading->link);
	judge->reading->room = GLINT_JUDGE_BYTES_MAX - judge->bytes;
	glint_workers_submit(judge->readers, &judge->reading->job, 1);
}

static void reading_done(struct glint_job *job)
{
	struct glint_reading *reading = container_of(job, struct glint_reading, job);
	struct glint_judge *judge = reading->judge;
	struct glint_match *match = reading->match;
	struct glint_condition what = reading->what;
	struct glint_watch *watch = reading->watch;
	int err = reading->err;

	judge->reading = NULL;
	reading_free(judge, reading);
	what.picture = NULL;
	if (!watch) {
		glint_match_destroy(match);
	} else {
		watch->reading = NULL;
		if (err == 0)
			err = watch_match(judge, watch, &what, match);
		if (err < 0)
			reading_refuse(judge, watch, err);
	}
	glint_judge_free_unused(judge);
	reading_next(judge);
	glint_judge_call_done(judge);
}

/* Take over the picture of @condition. */
static int watch_read(struct glint_judge *judge, struct glint_watch *watch,
		      struct glint_condition *condition)
{
	struct glint_reading *reading;
	int err = 0;

	if (condition->picture_size > GLINT_JUDGE_BYTES_MAX - judge->bytes)
		return -ENOBUFS;
	if (!judge->readers)
		err = glint_workers_create(&judge->readers, judge->loop, "pictures", 1);
	if (err < 0)
		return -ENOMEM;
	reading = calloc(1, sizeof(*reading));
	if (!reading)
		return -ENOMEM;
	reading->judge = judge;
	reading->watch = watch;
	reading->job.run = reading_run;
	reading->job.done = reading_done;
	reading->what = *condition;
	condition->picture = NULL;
	judge->bytes += reading->what.picture_size;
	glint_list_append(&judge->readings, &reading->link);
	watch->reading = reading;
	return 0;
}

/* --- Waits that begin ---------------------------------------------------------------------------- */

static int check_regions(struct glint_wait *wait, const struct glint_judge_source *source)
{
	for (unsigned i = 0; i < wait->n_conditions; i++) {
		const struct glint_region *region = &wait->conditions[i].region;

		if (source->online && source->width > 0 && region->width > 0 &&
		    !glint_region_fits(region, source->width, source->height)) {
			glint_wait_refuse(wait, 400, "bad-region", glint_judge_outside);
			return -EINVAL;
		}
	}
	return 0;
}

/* Make the meters of @judged. */
static int judged_prepare(struct glint_judge *judge, struct glint_judged *judged)
{
	struct glint_wait *wait = judged->wait;

	for (unsigned i = 0; i < judged->n; i++) {
		struct glint_watch *watch = &judged->watches[i];
		const struct glint_frame *reference = wait->conditions[i].reference;

		if (!glint_condition_needs_frames(wait->conditions[i].kind))
			continue;
		/* The worker reads the reference later, and may not map memory. */
		if (reference && glint_dmabuf_map(reference->buf) < 0)
			return -ENOMEM;
		if (wait->conditions[i].kind == GLINT_CONDITION_MATCH) {
			int err = watch_read(judge, watch, &wait->conditions[i]);

			if (err < 0)
				return err;
			continue;
		}
		watch->meter = glint_meter_create(&wait->conditions[i], wait->since_ns);
		if (!watch->meter)
			return -ENOMEM;
		glint_list_append(&watch->meter->watches, &watch->link);
		glint_list_append(&judge->joining, &watch->meter->link);
	}
	return 0;
}

static struct glint_judged *judged_create(struct glint_wait *wait)
{
	struct glint_judged *judged =
		calloc(1, sizeof(*judged) + wait->n_conditions * sizeof(judged->watches[0]));

	if (!judged)
		return NULL;
	judged->wait = wait;
	judged->n = wait->n_conditions;
	judged->changed = true;
	for (unsigned i = 0; i < judged->n; i++) {
		struct glint_watch *watch = &judged->watches[i];

		glint_list_init(&watch->link);
		watch->judged = judged;
		glint_machine_init(&watch->machine, &wait->conditions[i], &wait->verdicts[i],
				   wait->since_ns);
	}
	return judged;
}

/* Nothing is lost: the device is about to stream, for the wait itself if it was idle. */
static bool is_beginning(const char *reason)
{
	return strcmp(reason, "opening") == 0 || strcmp(reason, "idle") == 0 ||
	       strcmp(reason, "warming-up") == 0;
}

static void tell_source(struct glint_judged *judged, const struct glint_judge_source *source)
{
	const struct glint_frame_info *last = source->last.complete_ns ? &source->last : NULL;
	enum glint_machine_signal signal = GLINT_SIGNAL_OFFLINE;

	if (source->online)
		signal = GLINT_SIGNAL_LIVE;
	else if (is_beginning(source->reason))
		signal = GLINT_SIGNAL_OPENING;
	for (unsigned i = 0; i < judged->n; i++)
		glint_machine_source(&judged->watches[i].machine, signal, last);
	judged->changed = true;
}

int glint_judge_begin(struct glint_judge *judge, struct glint_wait *wait)
{
	struct glint_judge_source source = judge->config.source(judge->config.ctx);
	struct glint_judged *judged;
	int err;

	assert(wait->n_conditions > 0 && wait->n_conditions <= GLINT_CONDITIONS_MAX);

	wait->judged = NULL;
	glint_list_init(&wait->link);
	if (judge->n_waits == GLINT_JUDGE_WAITS_MAX) {
		judge->refused++;
		glint_wait_refuse(wait, 503, "too-many-waits", "64 waits are under way; end some");
		return -EBUSY;
	}
	if (check_regions(wait, &source) < 0) {
		judge->refused++;
		return -EINVAL;
	}
	judged = judged_create(wait);
	err = judged ? glint_judge_prepare(judge) : -ENOMEM;
	if (err == 0)
		err = judged_prepare(judge, judged);
	if (err < 0) {
		if (judged)
			judged_free(judge, judged);
		glint_judge_free_unused(judge);
		judge->refused++;
		if (err == -ENOBUFS)
			glint_wait_refuse(wait, 503, "too-many-waits", glint_judge_no_room);
		else
			glint_wait_refuse(wait, 503, "no-memory",
					  "there is no memory for another wait");
		return err;
	}
	wait->judged = judged;
	glint_list_append(&judge->waits, &wait->link);
	if (judge->n_waits++ == 0)
		glint_fanout_attach(judge->frames, &judge->awake);
	judge->begun++;
	judged_request_frames(judge, judged);
	reading_next(judge);
	tell_source(judged, &source);
	glint_judge_evaluate(judge);
	glint_judge_settle_later(judge);
	return 0;
}

void glint_judge_cancel(struct glint_judge *judge, struct glint_wait *wait)
{
	if (wait->judged) {
		judge->cancelled++;
		wait_leave(judge, wait);
		glint_judge_free_unused(judge);
	}
	glint_list_remove(&wait->link); /* an ended wait is in the list of these */
}

void glint_judge_source_changed(struct glint_judge *judge)
{
	struct glint_judge_source source = judge->config.source(judge->config.ctx);
	struct glint_wait *wait;

	glint_list_for_each(wait, &judge->waits, link)
		tell_source(wait->judged, &source);
	glint_judge_evaluate(judge);
	glint_judge_call_done(judge);
}

void glint_judge_waits_init(struct glint_judge *judge)
{
	glint_list_init(&judge->settle.link);
	glint_list_init(&judge->readings);
	glint_list_init(&judge->waits);
	glint_list_init(&judge->ended);
	judge->settle.run = judge_on_settle;
	glint_alarm_init(&judge->alarm, judge->loop, judge_on_alarm);
}
