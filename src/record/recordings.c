/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "core/events.h"
#include "core/frame.h"
#include "core/report.h"
#include "core/upcall.h"
#include "record/internal.h"

#define NO_FRAME_NS (5 * GLINT_NSEC_PER_SEC)	/* a recording without any ends */
#define LATE_NS	    (100 * GLINT_NSEC_PER_MSEC) /* so much later than usual may a frame come */
#define AHEAD_NS    (60 * GLINT_NSEC_PER_SEC)	/* a moment may lie so far ahead */

static const struct glint_log_topic topic = { "record" };

/* --- Events --------------------------------------------------------------------------------- */

static void publish(struct glint_recorder *recorder, const char *action,
		    const struct glint_recording *info)
{
	struct glint_report *report =
		glint_events_begin(recorder->config.events, GLINT_EVENT_RECORD);

	glint_report_text(report, "action", action);
	glint_report_text(report, "name", info->name);
	glint_report_text(report, "trigger", info->trigger);
	if (info->closed_ns > 0) {
		glint_report_text(report, "ended", info->ended);
		glint_report_uint(report, "frames", info->frames);
		glint_report_uint(report, "lost", info->lost);
		if (info->err < 0)
			glint_report_text(report, "error", strerror(-info->err));
	}
	glint_events_commit(recorder->config.events);
}

/* --- Trigger out --------------------------------------------------------------------------- */

/* The line is high while frames of any recording are still to come. */
static void show_active(struct glint_recorder *recorder)
{
	bool active = false;

	if (!IS_ENABLED(CONFIG_RECORD_GPIO) || !recorder->out)
		return;
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		const struct glint_record_running *recording = &recorder->recordings[i];

		active |= recording->used && recording->info.state <= GLINT_RECORDING_RUNNING;
	}
	glint_gpio_out_set(recorder->out, active);
}

/* --- Requests ------------------------------------------------------------------------------- */

static void answer(struct glint_recorder *recorder, struct glint_record_request *request)
{
	glint_list_remove(&request->link);
	glint_list_append(&recorder->answers, &request->link);
	glint_loop_defer(recorder->loop, &recorder->settle);
}

static void refuse(struct glint_recorder *recorder, struct glint_record_request *request,
		   unsigned status, const char *reason, const char *message)
{
	request->status = status;
	request->reason = reason;
	request->message = message;
	request->recording = NULL;
	recorder->refused++;
}

/* A copy stays for a request whose recording has ended, and given its place to another. */
static const struct glint_recording *answer_to(struct glint_recorder *recorder,
					       const struct glint_record_request *request)
{
	const struct glint_recording *info = NULL;

	if (!request->recording)
		return NULL;
	for (unsigned i = 0; (info = glint_recorder_recording(recorder, i)); i++)
		if (info->number == request->number)
			break;
	return info;
}

static void recorder_on_settle(struct glint_deferred *deferred)
{
	struct glint_recorder *recorder = container_of(deferred, struct glint_recorder, settle);
	struct glint_record_request *request;

	glint_upcall_assert();
	while ((request =
			glint_list_first(&recorder->answers, struct glint_record_request, link))) {
		glint_list_remove(&request->link);
		request->done(request, answer_to(recorder, request));
	}
}

/* --- Frames of a recording ------------------------------------------------------------------ */

/* Enter what the thread has written since. */
static void recording_account(struct glint_recorder *recorder,
			      struct glint_record_running *recording)
{
	uint64_t done = atomic_load_explicit(&recording->job.done, memory_order_acquire);

	for (; recording->accounted < done; recording->accounted++) {
		struct glint_record_entry *entry =
			glint_record_ring_at(recorder->index, recording->accounted);

		if (!entry->in_file)
			continue;
		recorder->recorded += !entry->recorded;
		recorder->in_files += !entry->recorded;
		entry->recorded = true;
		if (!recording->has_recorded)
			recording->recorded_first = entry->frame.seq;
		recording->has_recorded = true;
		recording->recorded_last = entry->frame.seq;
	}
}

uint64_t glint_recordings_needed(struct glint_recorder *recorder)
{
	uint64_t needed = UINT64_MAX;

	for (unsigned i = 0; recorder->n_active > 0 && i < GLINT_RECORDS_ACTIVE; i++) {
		struct glint_record_running *recording = &recorder->recordings[i];

		if (!recording->used || !recording->open)
			continue;
		recording_account(recorder, recording);
		/* Closing a file may take long, but needs no frame. */
		if (recording->info.state == GLINT_RECORDING_FINISHING &&
		    recording->accounted == atomic_load(&recording->job.ready))
			continue;
		needed = MIN(needed, recording->accounted);
	}
	return needed;
}

static void recording_end(struct glint_recorder *recorder, struct glint_record_running *recording,
			  const char *ended, const struct glint_clip_gap *tail)
{
	assert(recording->info.state == GLINT_RECORDING_RUNNING);

	if (recording->gave_up && strcmp(ended, "post") == 0)
		ended = "no-frames";
	recording->info.state = GLINT_RECORDING_FINISHING;
	recording->info.ended = ended;
	recording->job.ended = ended;
	recording->job.tail = *tail;
	recording->info.dropped += tail->dropped;
	recording->info.corrupt += tail->corrupt;
	recording->info.lost += tail->lost;
	recording->info.skipped += tail->skipped;
	glint_writer_end(recorder->writer, &recording->job);
	show_active(recorder);
}

/* @most frames of @gap, which come first of all: of unlike kinds the lost ones. */
static struct glint_clip_gap part_of_gap(const struct glint_clip_gap *gap, uint64_t most)
{
	struct glint_clip_gap part;

	part.lost = (uint32_t)MIN((uint64_t)gap->lost, most);
	part.dropped = (uint32_t)MIN((uint64_t)gap->dropped, most - part.lost);
	part.corrupt = (uint32_t)MIN((uint64_t)gap->corrupt, most - part.lost - part.dropped);
	part.skipped = (uint32_t)MIN((uint64_t)gap->skipped,
				     most - part.lost - part.dropped - part.corrupt);
	return part;
}

/* With two ends the later one holds. */
static bool is_behind(const struct glint_record_running *recording,
		      const struct glint_record_entry *entry)
{
	bool by_position = recording->end_position != UINT64_MAX;
	bool by_time = recording->end_ns != UINT64_MAX;

	return recording->n_later == 0 &&
	       (!by_position || entry->position > recording->end_position) &&
	       (!by_time || entry->frame.capture_ns > recording->end_ns);
}

static bool ends_at(const struct glint_record_running *recording, uint64_t position)
{
	return recording->n_later == 0 && recording->end_ns == UINT64_MAX &&
	       position >= recording->end_position;
}

static void recording_set_end(struct glint_record_running *recording,
			      const struct glint_record_entry *zero,
			      const struct glint_record_span *post)
{
	uint64_t position = zero->position + post->value;
	uint64_t ns = zero->frame.capture_ns + post->value;

	if (post->in_frames)
		recording->end_position = recording->end_position == UINT64_MAX ?
						  position :
						  MAX(recording->end_position, position);
	else
		recording->end_ns = recording->end_ns == UINT64_MAX ? ns :
								      MAX(recording->end_ns, ns);
}

/* The stream of a moment. A later stream has a higher number. */
static uint64_t stream_of(const struct glint_recorder *recorder, const struct glint_moment *at)
{
	return at->stream > 0 ? at->stream : recorder->stream;
}

/* Whether the frame is at the moment, or behind it. */
static bool is_reached(const struct glint_recorder *recorder, const struct glint_moment *at,
		       const struct glint_clip_frame *frame)
{
	uint64_t stream = stream_of(recorder, at);

	if (at->kind == GLINT_MOMENT_SEQ)
		return frame->stream > stream ||
		       (frame->stream == stream && !glint_seq_is_after(at->seq, frame->seq));
	return frame->exposure_ns >= at->ns;
}

/* The frame may be the one of a trigger that makes the recording longer. */
static void recording_find_later(struct glint_recorder *recorder,
				 struct glint_record_running *recording,
				 const struct glint_record_entry *entry)
{
	for (unsigned i = recording->n_later; i-- > 0;) {
		const struct glint_record_later *later = &recording->later[i];
		bool reached = is_reached(recorder, &later->at, &entry->frame);

		if (reached)
			recording_set_end(recording, entry, &later->post);
		else if (entry->frame.dequeue_ns > later->until_ns)
			recording->gave_up = true;
		else
			continue;
		recording->later[i] = recording->later[--recording->n_later];
	}
}

/* How many frames a recording is going to get behind @entry, if none is missing. */
static uint64_t frames_to_come(const struct glint_recorder *recorder,
			       const struct glint_record_running *recording,
			       const struct glint_record_entry *entry)
{
	uint64_t frame_ns = recorder->source.frame_ns, by_position = 0, by_time = 0;

	if (recording->n_later > 0)
		return UINT64_MAX;
	if (recording->end_position != UINT64_MAX && recording->end_position > entry->position)
		by_position = recording->end_position - entry->position;
	if (recording->end_ns != UINT64_MAX && recording->end_ns > entry->frame.capture_ns)
		by_time = frame_ns == 0 ? UINT64_MAX :
					  (recording->end_ns - entry->frame.capture_ns) / frame_ns;
	return MAX(by_position, by_time);
}

/* Give the frames up to the newest one, or up to the end of the recording, to the thread. */
static void recording_offer(struct glint_recorder *recorder, struct glint_record_running *recording)
{
	uint64_t n = atomic_load_explicit(&recording->job.ready, memory_order_relaxed);
	struct glint_recording *info = &recording->info;
	struct glint_clip_gap tail = { 0 };
	const char *ended = NULL;
	uint64_t to_come = 0;

	for (; n < recorder->index->next && !ended; n++) {
		const struct glint_record_entry *entry = glint_record_ring_at(recorder->index, n);

		if (entry->format != recording->format)
			ended = "format";
		else
			recording_find_later(recorder, recording, entry);
		if (!ended && is_behind(recording, entry))
			ended = "post";
		if (ended) {
			/* An end by time may be behind that by frames. */
			if (recording->end_position != UINT64_MAX &&
			    recording->end_position > recording->last_position)
				tail = part_of_gap(&entry->frame.before,
						   recording->end_position -
							   recording->last_position);
			break;
		}
		if (info->frames == 0) {
			info->first_seq = entry->frame.seq;
			recording->first_exposure_ns = entry->frame.exposure_ns;
		} else {
			info->dropped += entry->frame.before.dropped;
			info->corrupt += entry->frame.before.corrupt;
			info->lost += entry->frame.before.lost;
			info->skipped += entry->frame.before.skipped;
		}
		info->before += entry->position < recording->job.trigger_position;
		info->frames++;
		info->last_seq = entry->frame.seq;
		info->last_frame_ns = glint_now_ns();
		info->bytes += entry->length;
		recorder->unkicked += entry->length;
		recording->last_position = entry->position;
		if (ends_at(recording, entry->position))
			ended = "post";
	}
	if (n > recording->job.first)
		to_come = ended ? 0 :
				  frames_to_come(recorder, recording,
						 glint_record_ring_at(recorder->index, n - 1));
	atomic_store_explicit(&recording->job.to_come, to_come, memory_order_relaxed);
	atomic_store_explicit(&recording->job.ready, n, memory_order_release);
	if (ended)
		recording_end(recorder, recording, ended, &tail);
}

/* Frames are missing behind the newest entry; the end may be among them. */
static void recording_miss(struct glint_recorder *recorder, struct glint_record_running *recording)
{
	struct glint_clip_gap tail;

	/* The source is live: the disk makes the recording wait. */
	recording->info.last_frame_ns = glint_now_ns();
	if (!ends_at(recording, recorder->position))
		return;
	tail = part_of_gap(&recorder->gap, recording->end_position - recording->last_position);
	recording_end(recorder, recording, "post", &tail);
}

static bool ends_by_time(const struct glint_record_running *recording)
{
	return recording->n_later == 0 && recording->end_ns != UINT64_MAX &&
	       recording->end_position == UINT64_MAX;
}

/*
 * When all frames up to the end have come: a stamp is of the exposure, and a frame comes after its
 * transfer, and encoding.
 */
static uint64_t last_frame_due_ns(const struct glint_recorder *recorder,
				  const struct glint_record_running *recording)
{
	return recording->end_ns + MIN(recorder->delay_ns, NO_FRAME_NS) +
	       recorder->source.frame_ns + LATE_NS;
}

static void set_alarm(struct glint_recorder *recorder)
{
	uint64_t due_ns = GLINT_ALARM_NEVER;

	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		const struct glint_record_running *recording = &recorder->recordings[i];
		const struct glint_recording *info = &recording->info;

		if (!recording->used || info->state > GLINT_RECORDING_RUNNING)
			continue;
		due_ns = MIN(due_ns, MAX(info->begun_ns, info->last_frame_ns) + NO_FRAME_NS);
		if (info->state == GLINT_RECORDING_RUNNING && ends_by_time(recording))
			due_ns = MIN(due_ns, last_frame_due_ns(recorder, recording));
		if (info->state == GLINT_RECORDING_WAITING)
			due_ns = MAX(due_ns, info->moment_ns + NO_FRAME_NS);
	}
	glint_alarm_set(&recorder->alarm, due_ns);
}

/* --- The end of a recording ----------------------------------------------------------------- */

static void recording_free(struct glint_recorder *recorder, struct glint_record_running *recording)
{
	recorder->told[recorder->n_told++ % GLINT_RECORDS_TOLD] = recording->info;
	recording->used = false;
	recorder->n_active--;
	show_active(recorder);
}

static void answer_all(struct glint_recorder *recorder, struct glint_record_running *recording)
{
	struct glint_record_request *request;

	while ((request =
			glint_list_first(&recording->requests, struct glint_record_request, link)))
		answer(recorder, request);
}

static void recording_fail(struct glint_recorder *recorder, struct glint_record_running *recording,
			   int err, unsigned status, const char *reason, const char *message)
{
	struct glint_record_request *request;

	recording->info.state = GLINT_RECORDING_FAILED;
	recording->info.ended = reason;
	recording->info.err = err;
	recording->info.closed_ns = glint_now_ns();
	recorder->failed++;
	while ((request = glint_list_first(&recording->requests, struct glint_record_request,
					   link))) {
		refuse(recorder, request, status, reason, message);
		answer(recorder, request);
	}
	publish(recorder, "failed", &recording->info);
	recording_free(recorder, recording);
}

static struct glint_record_running *recording_of(struct glint_record_job *job)
{
	return container_of(job, struct glint_record_running, job);
}

static void recorder_on_opened(struct glint_writer_listener *listener, struct glint_record_job *job,
			       int err)
{
	struct glint_recorder *recorder = container_of(listener, struct glint_recorder, listener);
	struct glint_record_running *recording = recording_of(job);
	struct glint_record_request *request;

	recording->open = recording->opened = err == 0;
	if (err < 0)
		for (uint64_t n = job->first; n < atomic_load(&job->ready); n++)
			glint_record_ring_at(recorder->index, n)->failed = true;
	if (err == -EEXIST) {
		recording_fail(recorder, recording, err, 409, "name-exists",
			       "the folder has a recording of that name; nothing is overwritten");
		return;
	}
	if (err < 0) {
		recording_fail(recorder, recording, err, 503,
			       err == -ENOSPC || err == -EDQUOT ? "disk-full" :
			       err == -EROFS			? "read-only" :
								  "disk-error",
			       "the file cannot be created; see the service's log");
		return;
	}
	publish(recorder, "opened", &recording->info);
	glint_list_for_each(request, &recording->requests, link)
		if (request->until == GLINT_RECORD_OPEN)
			answer(recorder, request);
}

/* The frames that the disk did not take. */
static void recording_lose(struct glint_recorder *recorder, struct glint_record_running *recording)
{
	uint64_t ready = atomic_load(&recording->job.ready);

	recording_account(recorder, recording);
	for (; recording->accounted < ready; recording->accounted++)
		glint_record_ring_at(recorder->index, recording->accounted)->failed = true;
	recording->open = false;
}

static void recorder_on_failed(struct glint_writer_listener *listener, struct glint_record_job *job)
{
	struct glint_recorder *recorder = container_of(listener, struct glint_recorder, listener);
	struct glint_record_running *recording = recording_of(job);

	recording_lose(recorder, recording);
	recording->info.state = GLINT_RECORDING_FINISHING;
	recording->info.ended = "disk-error";
	show_active(recorder);
}

static void recorder_on_closed(struct glint_writer_listener *listener, struct glint_record_job *job)
{
	struct glint_recorder *recorder = container_of(listener, struct glint_recorder, listener);
	struct glint_record_running *recording = recording_of(job);
	struct glint_recording *info = &recording->info;

	if (recording->open)
		recording_lose(recorder, recording);
	if (job->err < 0 || job->missing > 0) {
		info->lost += job->head.frames < info->frames ? info->frames - job->head.frames : 0;
		info->frames = job->head.frames;
		info->before = job->head.before_trigger;
		if (info->frames > 0) {
			info->first_seq = recording->recorded_first;
			info->last_seq = recording->recorded_last;
		}
	}
	if (job->err < 0) {
		info->ended = "disk-error";
		info->err = job->err;
	}
	info->state = job->err < 0 ? GLINT_RECORDING_FAILED : GLINT_RECORDING_CLOSED;
	recorder->failed += job->err < 0;
	recorder->closed += job->err == 0;
	info->closed_ns = glint_now_ns();
	info->bytes = job->bytes;
	snprintf(info->file, sizeof(info->file), "%s", job->file);
	publish(recorder, job->err < 0 ? "failed" : "closed", info);
	glint_log_info(&topic, "%s '%s': %llu frames, %llu missing (%s)",
		       job->err < 0 ? "incomplete recording" : "recorded", info->name,
		       (unsigned long long)info->frames,
		       (unsigned long long)(info->dropped + info->corrupt + info->lost),
		       info->ended);
	answer_all(recorder, recording);
	recording_free(recorder, recording);
}

const struct glint_recording *glint_recorder_recording(const struct glint_recorder *recorder,
						       unsigned index)
{
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++)
		if (recorder->recordings[i].used && index-- == 0)
			return &recorder->recordings[i].info;
	if (index >= MIN(recorder->n_told, (uint64_t)GLINT_RECORDS_TOLD))
		return NULL;
	return &recorder->told[(recorder->n_told - 1 - index) % GLINT_RECORDS_TOLD];
}

/* --- The beginning of a recording ------------------------------------------------------------- */

/* The frame of a trigger. -EAGAIN: it is still to come; -ERANGE: it is gone. */
static int find_trigger(const struct glint_recorder *recorder, const struct glint_moment *at,
			uint64_t *number)
{
	const struct glint_record_ring *ring = recorder->index;
	bool by_seq = at->kind == GLINT_MOMENT_SEQ, found = false;
	uint64_t n;

	if (ring->first == ring->next)
		return -EAGAIN;
	if (at->kind == GLINT_MOMENT_LAST) {
		*number = ring->next - 1;
		return 0;
	}
	/* The first frames of a stream do not tell when their exposure began. */
	if (!by_seq && at->ns < recorder->ready_ns)
		return -ERANGE;
	for (n = ring->next; n > ring->first; n--) {
		const struct glint_clip_frame *frame = &glint_record_ring_at(ring, n - 1)->frame;

		/* Frames of the stream before may be behind the moment, too. */
		if (!by_seq && frame->exposure_ns == 0)
			continue;
		if (!is_reached(recorder, at, frame))
			break;
		found = true;
		*number = n - 1;
	}
	if (!found)
		return -EAGAIN;
	if (n > ring->first)
		return 0;
	/* All frames are behind the moment: so may be some that have left the memory. */
	if (by_seq)
		return recorder->gone_stream < stream_of(recorder, at) ||
				       (recorder->gone_stream == stream_of(recorder, at) &&
					glint_seq_is_after(at->seq, recorder->gone_seq)) ?
			       0 :
			       -ERANGE;
	return recorder->gone_exposure_ns < at->ns ? 0 : -ERANGE;
}

static uint64_t find_first(struct glint_recorder *recorder, struct glint_record_running *recording,
			   uint64_t trigger)
{
	const struct glint_record_ring *ring = recorder->index;
	const struct glint_record_entry *zero = glint_record_ring_at(ring, trigger);
	const struct glint_record_span *pre = &recording->pre;
	/* Without frames to come no slack is needed, neither of bytes nor of entries. */
	unsigned part = recording->post.value > 0 ? 2 : 1;
	uint64_t most = ring->size / part, bytes = 0;
	uint64_t n = trigger;

	for (uint64_t i = trigger; i < ring->next; i++)
		bytes += glint_record_ring_at(ring, i)->length;
	while (n > 0) {
		const struct glint_record_entry *entry;
		bool wanted;

		if (n == ring->first) {
			entry = glint_record_ring_at(ring, n);
			recording->info.shortened =
				pre->value > 0 &&
				!(pre->in_frames && zero->position - entry->position >= pre->value);
			return n;
		}
		entry = glint_record_ring_at(ring, n - 1);
		wanted = pre->in_frames ?
				 zero->position - entry->position <= pre->value :
				 entry->frame.capture_ns + pre->value >= zero->frame.capture_ns;
		if (!wanted)
			return n;
		bytes += entry->length;
		if (bytes > most || ring->next - n >= ring->n_entries / part ||
		    entry->format != zero->format) {
			recording->info.shortened = true;
			return n;
		}
		n--;
	}
	/* No frame was ever dropped from the ring: the source had no more. */
	return n;
}

static void recording_fill_head(struct glint_recorder *recorder,
				struct glint_record_running *recording,
				const struct glint_record_entry *zero)
{
	struct glint_clip_head *head = &recording->job.head;
	const struct glint_recording *info = &recording->info;

	*head = recorder->formats[zero->format % GLINT_RECORD_FORMATS];
	snprintf(head->name, sizeof(head->name), "%s", info->name);
	snprintf(head->device, sizeof(head->device), "%s", recorder->device);
	snprintf(head->trigger, sizeof(head->trigger), "%s", info->trigger);
	head->frame_ns = recorder->source.frame_ns;
	head->realtime_ns = glint_clock_ns(CLOCK_REALTIME);
	head->monotonic_ns = glint_now_ns();
	head->trigger_seq = zero->frame.seq;
	head->trigger_stream = zero->frame.stream;
	head->trigger_ns = info->moment_ns;
}

/* Begin to write, if the trigger's frame is there. */
static void recording_try(struct glint_recorder *recorder, struct glint_record_running *recording)
{
	const struct glint_record_entry *zero;
	uint64_t trigger = 0;
	int err = find_trigger(recorder, &recording->at, &trigger);

	if (err == -EAGAIN)
		return;
	zero = glint_record_ring_at(recorder->index, trigger);
	if (err == 0 && recorder->format - zero->format >= GLINT_RECORD_FORMATS)
		err = -ERANGE;
	if (err < 0) {
		recording_fail(recorder, recording, err, 409, "not-held",
			       recorder->disk ?
				       "the frames of that moment are not on the disk any more; "
				       "see --record-disk" :
				       "the frames of that moment are not in memory any more; see "
				       "--record-memory");
		return;
	}
	recording->format = zero->format;
	recording->end_position = recording->end_ns = UINT64_MAX;
	recording_set_end(recording, zero, &recording->post);
	recording->job.trigger_position = zero->position;
	recording->job.first = find_first(recorder, recording, trigger);
	recording->accounted = recording->job.first;
	atomic_store(&recording->job.ready, recording->job.first);
	atomic_store(&recording->job.done, recording->job.first);
	recording_fill_head(recorder, recording, zero);
	recording->info.state = GLINT_RECORDING_RUNNING;
	recording->info.has_frame = true;
	recording->info.trigger_seq = zero->frame.seq;
	recording->open = true;
	glint_writer_begin(recorder->writer, &recording->job);
	recording_offer(recorder, recording);
	glint_record_kick(recorder);
	set_alarm(recorder);
}

/*
 * Names of recordings that have ended are the folder's to refuse: their files may have been removed.
 * The folder does not have the names of those under way yet.
 */
static bool name_is_under_way(const struct glint_recorder *recorder, const char *name)
{
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++)
		if (recorder->recordings[i].used &&
		    strcmp(recorder->recordings[i].info.name, name) == 0)
			return true;
	return false;
}

static bool name_is_told(const struct glint_recorder *recorder, const char *name)
{
	const struct glint_recording *info;

	for (unsigned i = 0; (info = glint_recorder_recording(recorder, i)); i++)
		if (strcmp(info->name, name) == 0)
			return true;
	return false;
}

/* A name by the time, in UTC, and by the trigger. */
static void choose_name(const struct glint_recorder *recorder, const char *trigger,
			char name[static GLINT_RECORD_NAME_MAX + 1])
{
	uint64_t now_ns = glint_clock_ns(CLOCK_REALTIME);
	time_t seconds = (time_t)(now_ns / GLINT_NSEC_PER_SEC);
	char stamp[32];
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &utc);
	snprintf(name, GLINT_RECORD_NAME_MAX + 1, "%s.%06u-%.16s", stamp,
		 (unsigned)(now_ns % GLINT_NSEC_PER_SEC / 1000), trigger);
	for (unsigned i = 2; name_is_told(recorder, name) && i < 100; i++)
		snprintf(name, GLINT_RECORD_NAME_MAX + 1, "%s.%06u-%.16s-%u", stamp,
			 (unsigned)(now_ns % GLINT_NSEC_PER_SEC / 1000), trigger, i);
}

/* Whether the file that is being written has the frame of a moment. */
static bool covers(const struct glint_recorder *recorder,
		   const struct glint_record_running *recording, const struct glint_moment *at,
		   int err, uint64_t trigger)
{
	bool by_seq = at->kind == GLINT_MOMENT_SEQ;

	if (recording->info.state == GLINT_RECORDING_WAITING)
		return err == -EAGAIN && by_seq == (recording->at.kind == GLINT_MOMENT_SEQ) &&
		       (by_seq ? !glint_seq_is_after(recording->at.seq, at->seq) :
				 at->ns >= recording->at.ns);
	if (err == 0)
		return trigger >= recording->job.first &&
		       glint_record_ring_at(recorder->index, trigger)->format == recording->format;
	if (err == -EAGAIN)
		return recorder->format == recording->format;
	/* The frame has left the memory since it was written. */
	return by_seq ? recording->job.head.trigger_stream == recorder->stream &&
				!glint_seq_is_after(recording->info.first_seq, at->seq) :
			recording->first_exposure_ns > 0 && at->ns >= recording->first_exposure_ns;
}

/*
 * Make a recording under way longer, so that it has what @request asks for from the trigger on. NULL:
 * no recording has the frame of the trigger, or can be made longer once more.
 */
static struct glint_record_running *extend(struct glint_recorder *recorder,
					   const struct glint_record_request *request)
{
	const struct glint_record_span *post = request->has_post ? &request->post :
								   &recorder->config.post;
	struct glint_moment at = request->at;
	uint64_t trigger = 0;
	int err;

	if (at.kind != GLINT_MOMENT_TIME)
		at.ns = request->now_ns;
	err = find_trigger(recorder, &at, &trigger);
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		struct glint_record_running *recording = &recorder->recordings[i];
		bool under_way = recording->used &&
				 recording->info.state <= GLINT_RECORDING_RUNNING;

		if (!under_way || !covers(recorder, recording, &at, err, trigger) ||
		    (err == -EAGAIN && recording->n_later == GLINT_RECORD_LATER_MAX))
			continue;
		recording->info.triggers++;
		if (err == -EAGAIN)
			recording->later[recording->n_later++] = (struct glint_record_later){
				.at = at,
				.post = *post,
				.until_ns = MAX(at.ns, request->now_ns) + NO_FRAME_NS,
			};
		else /* a frame that has left the memory lies before the oldest one */
			recording_set_end(recording,
					  glint_record_ring_at(recorder->index,
							       err == 0 ? trigger :
									  recorder->index->first),
					  post);
		return recording;
	}
	return NULL;
}

static struct glint_record_running *recording_create(struct glint_recorder *recorder,
						     const struct glint_record_request *request)
{
	char name[GLINT_RECORD_NAME_MAX + 1];
	struct glint_record_running *recording = NULL;

	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE && !recording; i++)
		if (!recorder->recordings[i].used)
			recording = &recorder->recordings[i];
	if (!recording)
		return NULL;
	if (*request->name)
		strcpy(name, request->name);
	else
		choose_name(recorder, request->trigger, name);
	*recording = (struct glint_record_running){
		.used = true,
		.at = request->at,
		.pre = request->has_pre ? request->pre : recorder->config.pre,
		.post = request->has_post ? request->post : recorder->config.post,
		.info = {
			.number = ++recorder->n_begun,
			.state = GLINT_RECORDING_WAITING,
			.trigger = request->trigger,
			.ended = "",
			.triggers = 1,
			.begun_ns = glint_now_ns(),
		},
	};
	glint_list_init(&recording->requests);
	if (request->at.kind != GLINT_MOMENT_TIME)
		recording->at.ns = request->now_ns;
	recording->info.moment_ns = recording->at.ns;
	strcpy(recording->info.name, name);
	recorder->n_active++;
	show_active(recorder);
	publish(recorder, "triggered", &recording->info);
	return recording;
}

/* NULL: refused. */
static struct glint_record_running *begin(struct glint_recorder *recorder,
					  struct glint_record_request *request)
{
	struct glint_record_running *recording;

	request->extended = false;
	if (recorder->state != GLINT_RECORDER_READY) {
		refuse(recorder, request, 503, "recorder-not-ready",
		       recorder->state == GLINT_RECORDER_FAILED ?
			       "the recorder has failed; see the service's log" :
			       "the recorder's memory is being prepared; try again");
		return NULL;
	}
	if (request->at.kind == GLINT_MOMENT_TIME && request->at.ns > request->now_ns + AHEAD_NS) {
		refuse(recorder, request, 400, "bad-at", "the moment is more than a minute ahead");
		return NULL;
	}
	recording = recorder->config.separate || *request->name ? NULL : extend(recorder, request);
	if (recording) {
		request->extended = true;
		return recording;
	}
	if (*request->name && name_is_under_way(recorder, request->name)) {
		refuse(recorder, request, 409, "name-exists",
		       "a recording of that name is under way; nothing is overwritten");
		return NULL;
	}
	recording = recording_create(recorder, request);
	if (!recording)
		refuse(recorder, request, 503, "too-many-recordings",
		       "4 recordings are under way; wait for one, or stop it");
	return recording;
}

void glint_recorder_trigger(struct glint_recorder *recorder, struct glint_record_request *request)
{
	struct glint_record_running *recording = begin(recorder, request);

	glint_list_init(&request->link);
	if (!recording) {
		answer(recorder, request);
		return;
	}
	request->number = recording->info.number;
	request->recording = recording;
	glint_list_append(&recording->requests, &request->link);
	if (!request->extended)
		recording_try(recorder, recording);
	if (request->until == GLINT_RECORD_ACCEPTED ||
	    (recording->opened && request->until == GLINT_RECORD_OPEN))
		answer(recorder, request);
	set_alarm(recorder);
}

void glint_recorder_forget(struct glint_recorder *recorder, struct glint_record_request *request)
{
	(void)recorder;
	glint_list_remove(&request->link);
}

/* No answer is needed: events tell what comes of it. */
static void fire(struct glint_recorder *recorder, const char *trigger, struct glint_moment at)
{
	struct glint_record_request request = {
		.at = at,
		.now_ns = glint_now_ns(),
		.trigger = trigger,
	};
	struct glint_record_running *recording = begin(recorder, &request);

	if (recording && !request.extended)
		recording_try(recorder, recording);
	if (recording)
		set_alarm(recorder);
}

void glint_recorder_fire(struct glint_recorder *recorder, const char *trigger)
{
	fire(recorder, trigger, (struct glint_moment){ .kind = GLINT_MOMENT_LAST });
}

static void recorder_on_edge(struct glint_gpio_listener *listener, uint64_t ns)
{
	struct glint_recorder *recorder = container_of(listener, struct glint_recorder, edges);

	fire(recorder, "gpio", (struct glint_moment){ .kind = GLINT_MOMENT_TIME, .ns = ns });
}

int glint_recorder_stop(struct glint_recorder *recorder, const char *name)
{
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		struct glint_record_running *recording = &recorder->recordings[i];

		if (!recording->used || strcmp(recording->info.name, name) != 0)
			continue;
		if (recording->info.state == GLINT_RECORDING_WAITING)
			recording_fail(recorder, recording, -ECANCELED, 409, "stopped",
				       "the recording was stopped before its first frame");
		else if (recording->info.state == GLINT_RECORDING_RUNNING)
			recording_end(recorder, recording, "stopped", &recorder->gap);
		return 0;
	}
	return -ENOENT;
}

void glint_recorder_source_changed(struct glint_recorder *recorder,
				   const struct glint_recorder_source *source)
{
	bool lost = recorder->source.online && !source->online;
	bool back = !recorder->source.online && source->online && recorder->was_online;

	recorder->was_online |= source->online;
	recorder->source = *source;
	snprintf(recorder->device, sizeof(recorder->device), "%s", source->device);
	recorder->source.device = recorder->device;
	if (lost && (recorder->config.triggers & GLINT_RECORD_ON_SIGNAL_LOST))
		glint_recorder_fire(recorder, "signal-lost");
	/* The frame that shows the signal is the next one. */
	if (back && (recorder->config.triggers & GLINT_RECORD_ON_SIGNAL_BACK))
		fire(recorder, "signal-back", (struct glint_moment){ .kind = GLINT_MOMENT_NOW });
}

/* --- Frames that come ----------------------------------------------------------------------- */

void glint_recordings_serve(struct glint_recorder *recorder, bool kept)
{
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		struct glint_record_running *recording = &recorder->recordings[i];

		if (!recording->used)
			continue;
		if (recording->info.state == GLINT_RECORDING_WAITING && kept)
			recording_try(recorder, recording);
		else if (recording->info.state == GLINT_RECORDING_RUNNING && kept)
			recording_offer(recorder, recording);
		else if (recording->info.state == GLINT_RECORDING_RUNNING)
			recording_miss(recorder, recording);
	}
}

bool glint_recordings_have_newest(const struct glint_recorder *recorder)
{
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		const struct glint_record_running *recording = &recorder->recordings[i];

		if (recording->used &&
		    atomic_load_explicit(&recording->job.ready, memory_order_relaxed) ==
			    recorder->index->next)
			return true;
	}
	return false;
}

/* --- Ends by themselves --------------------------------------------------------------------- */

void glint_recordings_check(struct glint_recorder *recorder)
{
	uint64_t now_ns = glint_now_ns();

	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		struct glint_record_running *recording = &recorder->recordings[i];
		struct glint_recording *info = &recording->info;
		uint64_t active_ns = MAX(info->begun_ns, info->last_frame_ns);
		bool idle = MAX(active_ns, info->moment_ns) + NO_FRAME_NS <= now_ns;

		if (!recording->used)
			continue;
		if (info->state == GLINT_RECORDING_WAITING && idle)
			recording_fail(
				recorder, recording, -ENODATA, 503, "no-frames",
				"the frame of the trigger did not come within 5 s; is the source "
				"live?");
		else if (info->state == GLINT_RECORDING_RUNNING && ends_by_time(recording) &&
			 last_frame_due_ns(recorder, recording) <= now_ns)
			recording_end(recorder, recording, "post", &recorder->gap);
		else if (info->state == GLINT_RECORDING_RUNNING && idle)
			recording_end(recorder, recording, "no-frames", &recorder->gap);
	}
	set_alarm(recorder);
}

void glint_recordings_end(struct glint_recorder *recorder)
{
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		struct glint_record_running *recording = &recorder->recordings[i];

		if (!recording->used)
			continue;
		if (recording->info.state == GLINT_RECORDING_WAITING)
			recording->used = false;
		else if (recording->info.state == GLINT_RECORDING_RUNNING)
			recording_end(recorder, recording, "service-end", &recorder->gap);
	}
}

void glint_recordings_init(struct glint_recorder *recorder)
{
	glint_list_init(&recorder->answers);
	recorder->settle.run = recorder_on_settle;
	recorder->listener.opened = recorder_on_opened;
	recorder->listener.failed = recorder_on_failed;
	recorder->listener.closed = recorder_on_closed;
	recorder->edges.edge = recorder_on_edge;
}
