/* SPDX-License-Identifier: MIT */
#include "record/recorder.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fourcc.h"
#include "base/log.h"
#include "core/alarm.h"
#include "core/events.h"
#include "core/fanout.h"
#include "core/frame.h"
#include "core/ledger.h"
#include "core/packet.h"
#include "core/report.h"
#include "core/upcall.h"
#include "mem/dmabuf.h"
#include "mem/loan.h"
#include "record/folder.h"
#include "record/gpio.h"
#include "record/pixels.h"
#include "record/writer.h"
#include "v4l2/format.h"

#define FORMATS	      8u	 /* formats of frames in the ring; older ones cannot be recorded */
#define KICK_BYTES    (1u << 20) /* wake the thread for so much, */
#define KICK_NS	      (100 * GLINT_NSEC_PER_MSEC) /* or after so long */
#define PREPARE_NS    (20 * GLINT_NSEC_PER_SEC)	  /* the source waits so long for the memory */
#define NO_FRAME_NS   (5 * GLINT_NSEC_PER_SEC)	  /* a recording without any ends */
#define LATE_NS	      (100 * GLINT_NSEC_PER_MSEC) /* behind the end, without a further frame */
#define AHEAD_NS      (60 * GLINT_NSEC_PER_SEC)	  /* a moment may lie so far ahead */
#define FRAMES_MIN    4u			  /* that the memory must hold, at least */
#define LOST_EVENT_NS GLINT_NSEC_PER_SEC	  /* between two events about lost frames */
#define LATER_MAX     4u			  /* triggers that make one recording longer */

static const struct glint_log_topic topic = { "record" };

/* A trigger that makes a recording longer, while the trigger's own frame is still to come. */
struct later {
	struct glint_moment at;
	struct glint_record_span post;
	uint64_t until_ns; /* after that, the trigger is given up */
};

/* A recording under way. */
struct recording {
	struct glint_recording info;
	bool used;
	bool open; /* the thread has the job */
	struct glint_record_job job;
	struct glint_list requests; /* whose done() waits for the end */
	struct glint_moment at;	    /* while the frame of the trigger is unknown */
	struct glint_record_span pre, post;
	uint32_t format;
	struct later later[LATER_MAX];
	unsigned n_later;
	bool gave_up;		    /* a trigger's own frame has not come in time */
	uint64_t first_exposure_ns; /* of the recording's first frame */
	uint64_t end_position;	    /* the last one; UINT64_MAX: by time */
	uint64_t end_ns;	    /* capture_ns of the last frame; UINT64_MAX: by position */
	uint64_t last_position;
	uint64_t accounted; /* entries below are counted as recorded */
	/* Of those that are in the file. */
	bool has_recorded;
	uint32_t recorded_first, recorded_last; /* sequence numbers */
};

enum state { STATE_PREPARING, STATE_READY, STATE_FAILED };

struct glint_recorder {
	struct glint_loop *loop;
	struct glint_recorder_config config;
	struct glint_fanout *frames;
	struct glint_sink sink;
	struct glint_writer *writer;
	struct glint_writer_listener listener;
	enum state state;
	uint64_t ready_ns;		/* when the first frame could come */
	struct glint_record_ring *ring; /* of the memory */
	struct glint_record_ring *disk; /* NULL: none */
	struct glint_record_ring
		*index; /* the one that triggers look into, which is @disk if there is one */
	struct glint_loan *memory;
	struct glint_lender lender;
	struct glint_frame **held; /* by entry: the frame that the entry is; NULL: a copy */
	struct glint_alarm alarm;  /* ends recordings that get no frames */
	struct glint_deferred settle;
	struct glint_list answers; /* requests whose done() is to be called */

	struct glint_gpio *gpio;
	struct glint_gpio_listener edges;
	struct glint_gpio_out *out;

	struct glint_recorder_source source;
	char device[256];
	bool was_online; /* at any time */

	/* The frame before. */
	uint64_t stream, position;
	uint32_t seq;
	bool has_frame;
	/* Of the newest frame that has left the memory. */
	uint64_t gone_stream, gone_exposure_ns;
	uint32_t gone_seq;
	struct glint_clip_gap gap; /* missing since the newest entry of the ring */
	uint32_t format;	   /* the number of the newest frame's */
	struct glint_clip_head formats[FORMATS];

	struct recording recordings[GLINT_RECORDS_ACTIVE];
	unsigned n_active;
	struct glint_recording told[GLINT_RECORDS_TOLD]; /* ended ones */
	uint64_t n_told;
	const char *fired;	      /* a trigger of this frame; NULL: none */
	uint64_t kicked_ns, unkicked; /* bytes since then */

	uint64_t seen, recorded, lost, passed; /* frames */
	uint64_t dropped, corrupt, skipped;    /* that were not seen */
	uint64_t copied;		       /* frames */
	uint64_t in_files;		       /* frames of @index that are in a file */
	uint64_t closed, failed, refused;      /* recordings, and requests */
	uint64_t lost_told_ns, lost_told;
	bool unreadable_logged, too_small_logged;
	bool ready_told;
	bool ending;
};

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

/* At most one a second: a disk that stalls costs many frames. */
static void publish_lost(struct glint_recorder *recorder, uint64_t now_ns)
{
	struct glint_report *report;

	if (now_ns - recorder->lost_told_ns < LOST_EVENT_NS)
		return;
	report = glint_events_begin(recorder->config.events, GLINT_EVENT_RECORD);
	glint_report_text(report, "action", "lost");
	glint_report_uint(report, "lost", recorder->lost - recorder->lost_told);
	glint_report_uint(report, "seq", recorder->seq);
	glint_events_commit(recorder->config.events);
	recorder->lost_told_ns = now_ns;
	recorder->lost_told = recorder->lost;
}

/* --- Trigger out --------------------------------------------------------------------------- */

/* The line is high while frames of any recording are still to come. */
static void show_active(struct glint_recorder *recorder)
{
	bool active = false;

	if (!IS_ENABLED(CONFIG_RECORD_GPIO) || !recorder->out)
		return;
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		const struct recording *recording = &recorder->recordings[i];

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
		if (strcmp(info->name, request->name) == 0)
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

/* --- The ring ------------------------------------------------------------------------------- */

/* Enter what the thread has written since. */
static void recording_account(struct glint_recorder *recorder, struct recording *recording)
{
	uint64_t done = atomic_load_explicit(&recording->job.done, memory_order_acquire);

	for (; recording->accounted < done; recording->accounted++) {
		struct glint_record_entry *entry =
			glint_record_ring_at(recorder->index, recording->accounted);

		if (entry->bad)
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

/* Entries from the result on are needed by a recording. */
static uint64_t first_needed(struct glint_recorder *recorder)
{
	uint64_t needed = UINT64_MAX;

	for (unsigned i = 0; recorder->n_active > 0 && i < GLINT_RECORDS_ACTIVE; i++) {
		struct recording *recording = &recorder->recordings[i];

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

static void release_entry(struct glint_recorder *recorder, uint64_t number)
{
	struct glint_frame **held = &recorder->held[number % recorder->ring->n_entries];

	*held = glint_frame_unref(*held);
}

/* The oldest frame of the index is gone. */
static void leave_oldest(struct glint_recorder *recorder)
{
	const struct glint_record_entry *entry =
		glint_record_ring_at(recorder->index, recorder->index->first);

	if (entry->recorded)
		recorder->in_files--;
	else if (entry->failed || entry->bad)
		recorder->lost++;
	else
		recorder->passed++;
	recorder->gone_stream = entry->frame.stream;
	recorder->gone_seq = entry->frame.seq;
	recorder->gone_exposure_ns = MAX(recorder->gone_exposure_ns, entry->frame.exposure_ns);
}

/*
 * Drop the oldest entry of the memory, unless a recording needs it, or the ring on the disk has not
 * got it yet.
 */
static bool drop_unneeded(struct glint_recorder *recorder)
{
	struct glint_record_ring *ring = recorder->ring;

	if (ring->first == ring->next ||
	    ring->first >=
		    (recorder->disk ? glint_writer_kept(recorder->writer) : first_needed(recorder)))
		return false;
	if (!recorder->disk)
		leave_oldest(recorder);
	release_entry(recorder, ring->first);
	glint_record_ring_drop(ring);
	return true;
}

/* Find a place for @length bytes in the ring on the disk. False: as make_space(). */
static bool make_disk_space(struct glint_recorder *recorder, uint64_t length, uint64_t *at)
{
	struct glint_record_ring *disk = recorder->disk;

	while (!glint_record_ring_find(disk, length, at)) {
		if (disk->first >= MIN(first_needed(recorder), glint_writer_kept(recorder->writer)))
			return false;
		leave_oldest(recorder);
		glint_record_ring_drop(disk);
	}
	return true;
}

/*
 * Make space for a copy of @length bytes. While the source has the memory, there is none. False: all
 * that is old is still needed.
 */
static bool make_space(struct glint_recorder *recorder, uint64_t length, uint64_t *at)
{
	while (atomic_load(&recorder->memory->lent) ||
	       !glint_record_ring_find(recorder->ring, length, at))
		if (!drop_unneeded(recorder))
			return false;
	return true;
}

/* Let the source and its other readers have enough of the memory. False: as make_space(). */
static bool make_spare(struct glint_recorder *recorder)
{
	const struct glint_record_ring *ring = recorder->ring;

	while (recorder->config.is_short(recorder->config.ctx) ||
	       ring->next - ring->first == ring->n_entries)
		if (!drop_unneeded(recorder))
			return false;
	return true;
}

/* The source asks for the memory, and gets it without frames. */
static int recorder_lend(struct glint_lender *lender, struct glint_loan **loan)
{
	struct glint_recorder *recorder = container_of(lender, struct glint_recorder, lender);

	if (recorder->state != STATE_READY || recorder->ending)
		return -EAGAIN;
	while (drop_unneeded(recorder))
		;
	if (atomic_load(&recorder->memory->lent) || recorder->ring->first < recorder->ring->next)
		return -EBUSY;
	atomic_store(&recorder->memory->lent, true);
	atomic_fetch_add(&recorder->memory->refs, 1);
	*loan = recorder->memory;
	return 0;
}

struct glint_lender *glint_recorder_lender(struct glint_recorder *recorder)
{
	return &recorder->lender;
}

/* --- Recordings ----------------------------------------------------------------------------- */

static void recorder_kick(struct glint_recorder *recorder)
{
	recorder->unkicked = 0;
	recorder->kicked_ns = glint_now_ns();
	glint_writer_kick(recorder->writer);
}

static void recording_end(struct glint_recorder *recorder, struct recording *recording,
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
static bool is_behind(const struct recording *recording, const struct glint_record_entry *entry)
{
	bool by_position = recording->end_position != UINT64_MAX;
	bool by_time = recording->end_ns != UINT64_MAX;

	return recording->n_later == 0 &&
	       (!by_position || entry->position > recording->end_position) &&
	       (!by_time || entry->frame.capture_ns > recording->end_ns);
}

static bool ends_at(const struct recording *recording, uint64_t position)
{
	return recording->n_later == 0 && recording->end_ns == UINT64_MAX &&
	       position >= recording->end_position;
}

static void recording_set_end(struct recording *recording, const struct glint_record_entry *zero,
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

/* Whether the frame is at the moment, or behind it. */
static bool is_reached(const struct glint_recorder *recorder, const struct glint_moment *at,
		       const struct glint_clip_frame *frame)
{
	if (at->kind == GLINT_MOMENT_SEQ)
		return frame->stream == recorder->stream && frame->seq >= at->seq;
	return frame->exposure_ns >= at->ns;
}

/* The frame may be the one of a trigger that makes the recording longer. */
static void recording_find_later(struct glint_recorder *recorder, struct recording *recording,
				 const struct glint_record_entry *entry)
{
	for (unsigned i = recording->n_later; i-- > 0;) {
		const struct later *later = &recording->later[i];
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

/* Give the frames up to the newest one, or up to the end of the recording, to the thread. */
static void recording_offer(struct glint_recorder *recorder, struct recording *recording)
{
	uint64_t n = atomic_load_explicit(&recording->job.ready, memory_order_relaxed);
	struct glint_recording *info = &recording->info;
	struct glint_clip_gap tail = { 0 };
	const char *ended = NULL;

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
	atomic_store_explicit(&recording->job.ready, n, memory_order_release);
	if (ended)
		recording_end(recorder, recording, ended, &tail);
}

/* Frames are missing behind the newest entry; the end may be among them. */
static void recording_miss(struct glint_recorder *recorder, struct recording *recording)
{
	struct glint_clip_gap tail;

	/* The source is live: the disk makes the recording wait. */
	recording->info.last_frame_ns = glint_now_ns();
	if (!ends_at(recording, recorder->position))
		return;
	tail = part_of_gap(&recorder->gap, recording->end_position - recording->last_position);
	recording_end(recorder, recording, "post", &tail);
}

static bool ends_by_time(const struct recording *recording)
{
	return recording->n_later == 0 && recording->end_ns != UINT64_MAX &&
	       recording->end_position == UINT64_MAX;
}

static void set_alarm(struct glint_recorder *recorder)
{
	uint64_t due_ns = GLINT_ALARM_NEVER;

	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		const struct recording *recording = &recorder->recordings[i];
		const struct glint_recording *info = &recording->info;

		if (!recording->used || info->state > GLINT_RECORDING_RUNNING)
			continue;
		due_ns = MIN(due_ns, MAX(info->begun_ns, info->last_frame_ns) + NO_FRAME_NS);
		if (info->state == GLINT_RECORDING_RUNNING && ends_by_time(recording))
			due_ns = MIN(due_ns, recording->end_ns + LATE_NS);
		if (info->state == GLINT_RECORDING_WAITING)
			due_ns = MAX(due_ns, info->moment_ns + NO_FRAME_NS);
	}
	glint_alarm_set(&recorder->alarm, due_ns);
}

/* --- The end of a recording ----------------------------------------------------------------- */

static void recording_free(struct glint_recorder *recorder, struct recording *recording)
{
	recorder->told[recorder->n_told++ % GLINT_RECORDS_TOLD] = recording->info;
	recording->used = false;
	recorder->n_active--;
	show_active(recorder);
}

static void answer_all(struct glint_recorder *recorder, struct recording *recording)
{
	struct glint_record_request *request;

	while ((request =
			glint_list_first(&recording->requests, struct glint_record_request, link)))
		answer(recorder, request);
}

static void recording_fail(struct glint_recorder *recorder, struct recording *recording, int err,
			   unsigned status, const char *reason, const char *message)
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

static struct recording *recording_of(struct glint_record_job *job)
{
	return container_of(job, struct recording, job);
}

static void recorder_on_opened(struct glint_writer_listener *listener, struct glint_record_job *job,
			       int err)
{
	struct glint_recorder *recorder = container_of(listener, struct glint_recorder, listener);
	struct recording *recording = recording_of(job);
	struct glint_record_request *request;

	recording->open = err == 0;
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
static void recording_lose(struct glint_recorder *recorder, struct recording *recording)
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
	struct recording *recording = recording_of(job);

	recording_lose(recorder, recording);
	recording->info.state = GLINT_RECORDING_FINISHING;
	recording->info.ended = "disk-error";
	show_active(recorder);
}

static void recorder_on_closed(struct glint_writer_listener *listener, struct glint_record_job *job)
{
	struct glint_recorder *recorder = container_of(listener, struct glint_recorder, listener);
	struct recording *recording = recording_of(job);
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
		return recorder->gone_stream != recorder->stream || recorder->gone_seq < at->seq ?
			       0 :
			       -ERANGE;
	return recorder->gone_exposure_ns < at->ns ? 0 : -ERANGE;
}

static uint64_t find_first(struct glint_recorder *recorder, struct recording *recording,
			   uint64_t trigger)
{
	const struct glint_record_ring *ring = recorder->index;
	const struct glint_record_entry *zero = glint_record_ring_at(ring, trigger);
	const struct glint_record_span *pre = &recording->pre;
	/* Without frames to come no slack is needed. */
	uint64_t most = recording->post.value > 0 ? ring->size / 2 : ring->size, bytes = 0;
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
		if (bytes > most || entry->format != zero->format) {
			recording->info.shortened = true;
			return n;
		}
		n--;
	}
	/* No frame was ever dropped from the ring: the source had no more. */
	return n;
}

static void recording_fill_head(struct glint_recorder *recorder, struct recording *recording,
				const struct glint_record_entry *zero)
{
	struct glint_clip_head *head = &recording->job.head;
	const struct glint_recording *info = &recording->info;

	*head = recorder->formats[zero->format % FORMATS];
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
static void recording_try(struct glint_recorder *recorder, struct recording *recording)
{
	const struct glint_record_entry *zero;
	uint64_t trigger = 0;
	int err = find_trigger(recorder, &recording->at, &trigger);

	if (err == -EAGAIN)
		return;
	zero = glint_record_ring_at(recorder->index, trigger);
	if (err == 0 && recorder->format - zero->format >= FORMATS)
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
	recorder_kick(recorder);
	set_alarm(recorder);
}

/* A recording that failed without a file leaves its name free. */
static bool name_is_used(const struct glint_recorder *recorder, const char *name)
{
	const struct glint_recording *info;

	for (unsigned i = 0; (info = glint_recorder_recording(recorder, i)); i++) {
		bool left_nothing = info->state == GLINT_RECORDING_FAILED && !*info->file;

		if (!left_nothing && strcmp(info->name, name) == 0)
			return true;
	}
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
	for (unsigned i = 2; name_is_used(recorder, name) && i < 100; i++)
		snprintf(name, GLINT_RECORD_NAME_MAX + 1, "%s.%06u-%.16s-%u", stamp,
			 (unsigned)(now_ns % GLINT_NSEC_PER_SEC / 1000), trigger, i);
}

/* Whether the file that is being written has the frame of a moment. */
static bool covers(const struct glint_recorder *recorder, const struct recording *recording,
		   const struct glint_moment *at, int err, uint64_t trigger)
{
	bool by_seq = at->kind == GLINT_MOMENT_SEQ;

	if (recording->info.state == GLINT_RECORDING_WAITING)
		return err == -EAGAIN && by_seq == (recording->at.kind == GLINT_MOMENT_SEQ) &&
		       (by_seq ? at->seq >= recording->at.seq : at->ns >= recording->at.ns);
	if (err == 0)
		return trigger >= recording->job.first &&
		       glint_record_ring_at(recorder->index, trigger)->format == recording->format;
	if (err == -EAGAIN)
		return recorder->format == recording->format;
	/* The frame has left the memory since it was written. */
	return by_seq ? recording->job.head.trigger_stream == recorder->stream &&
				at->seq >= recording->info.first_seq :
			recording->first_exposure_ns > 0 && at->ns >= recording->first_exposure_ns;
}

/*
 * Make a recording under way longer, so that it has what @request asks for from the trigger on. NULL:
 * no recording has the frame of the trigger, or can be made longer once more.
 */
static struct recording *extend(struct glint_recorder *recorder,
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
		struct recording *recording = &recorder->recordings[i];
		bool under_way = recording->used &&
				 recording->info.state <= GLINT_RECORDING_RUNNING;

		if (!under_way || !covers(recorder, recording, &at, err, trigger) ||
		    (err == -EAGAIN && recording->n_later == LATER_MAX))
			continue;
		recording->info.triggers++;
		if (err == -EAGAIN)
			recording->later[recording->n_later++] = (struct later){
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

static struct recording *recording_create(struct glint_recorder *recorder,
					  const struct glint_record_request *request)
{
	char name[GLINT_RECORD_NAME_MAX + 1];
	struct recording *recording = NULL;

	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE && !recording; i++)
		if (!recorder->recordings[i].used)
			recording = &recorder->recordings[i];
	if (!recording)
		return NULL;
	if (*request->name)
		strcpy(name, request->name);
	else
		choose_name(recorder, request->trigger, name);
	*recording = (struct recording){
		.used = true,
		.at = request->at,
		.pre = request->has_pre ? request->pre : recorder->config.pre,
		.post = request->has_post ? request->post : recorder->config.post,
		.info = {
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
static struct recording *begin(struct glint_recorder *recorder,
			       struct glint_record_request *request)
{
	struct recording *recording;

	request->extended = false;
	if (recorder->state != STATE_READY) {
		refuse(recorder, request, 503, "recorder-not-ready",
		       recorder->state == STATE_FAILED ?
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
	if (*request->name && name_is_used(recorder, request->name)) {
		refuse(recorder, request, 409, "name-exists",
		       "there is a recording of that name; nothing is overwritten");
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
	struct recording *recording = begin(recorder, request);

	glint_list_init(&request->link);
	if (!recording) {
		answer(recorder, request);
		return;
	}
	/* A name that the recorder has chosen; the request is found by it when it is answered. */
	snprintf(request->name, sizeof(request->name), "%s", recording->info.name);
	request->recording = recording;
	glint_list_append(&recording->requests, &request->link);
	if (!request->extended)
		recording_try(recorder, recording);
	if (request->until == GLINT_RECORD_ACCEPTED ||
	    (request->extended && request->until == GLINT_RECORD_OPEN))
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
	struct recording *recording = begin(recorder, &request);

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
		struct recording *recording = &recorder->recordings[i];

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

/* Let the source start. */
static void publish_ready(struct glint_recorder *recorder)
{
	if (recorder->config.ready && !recorder->ready_told)
		recorder->config.ready(recorder->config.ctx);
	recorder->ready_told = true;
}

static void recorder_on_alarm(struct glint_alarm *alarm)
{
	struct glint_recorder *recorder = container_of(alarm, struct glint_recorder, alarm);
	uint64_t now_ns = glint_now_ns();

	publish_ready(recorder);
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		struct recording *recording = &recorder->recordings[i];
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
			 recording->end_ns + LATE_NS <= now_ns)
			recording_end(recorder, recording, "post", &recorder->gap);
		else if (info->state == GLINT_RECORDING_RUNNING && idle)
			recording_end(recorder, recording, "no-frames", &recorder->gap);
	}
	set_alarm(recorder);
}

/* --- Frames ----------------------------------------------------------------------------------- */

/* Enter what is missing before @frame. */
static void count_missing(struct glint_recorder *recorder, const struct glint_frame_info *info)
{
	struct glint_clip_gap missing = { 0 };
	struct glint_gaps gaps;

	if (recorder->has_frame && info->stream == recorder->stream && info->seq > recorder->seq) {
		missing.dropped = info->seq - recorder->seq - 1;
		if (missing.dropped > 0 &&
		    recorder->config.gaps(recorder->config.ctx, info->stream, recorder->seq,
					  info->seq, &gaps) == 0) {
			missing.dropped = gaps.dropped;
			missing.corrupt = gaps.corrupt;
			/* Of frames: good, but without a signal: noise. */
			if (recorder->config.jpegs)
				missing.skipped = gaps.skipped;
			else
				missing.corrupt += gaps.skipped;
		}
	}
	recorder->dropped += missing.dropped;
	recorder->corrupt += missing.corrupt;
	recorder->skipped += missing.skipped;
	glint_clip_gap_add(&recorder->gap, &missing);
	recorder->position += 1 + glint_clip_gap_count(&missing);
	recorder->has_frame = true;
	recorder->stream = info->stream;
	recorder->seq = info->seq;
	if (missing.corrupt > 0 && (recorder->config.triggers & GLINT_RECORD_ON_CORRUPT))
		recorder->fired = "corrupt";
	if (missing.dropped > 0 && (recorder->config.triggers & GLINT_RECORD_ON_DROP))
		recorder->fired = "drop";
}

/* The number of the format of @head, which is that of the newest frame. */
static uint32_t number_format(struct glint_recorder *recorder, const struct glint_clip_head *head)
{
	const struct glint_clip_head *newest = &recorder->formats[recorder->format % FORMATS];

	if (newest->fourcc != head->fourcc || newest->width != head->width ||
	    newest->height != head->height || newest->limited != head->limited ||
	    newest->matrix != head->matrix)
		recorder->formats[++recorder->format % FORMATS] = *head;
	return recorder->format;
}

static struct glint_clip_head format_of_frame(const struct glint_frame *frame)
{
	static const unsigned matrices[] = {
		[GLINT_MATRIX_BT601] = 6,
		[GLINT_MATRIX_BT709] = 1,
		[GLINT_MATRIX_BT2020] = 9,
	};

	return (struct glint_clip_head){
		.fourcc = glint_record_fourcc(frame),
		.width = frame->info.width,
		.height = frame->info.height,
		.limited = frame->format->range == GLINT_RANGE_LIMITED,
		.matrix = matrices[frame->format->matrix],
	};
}

/* A JPEG of the encoder has JFIF's colours. */
static struct glint_clip_head format_of_packet(const struct glint_packet *packet)
{
	return (struct glint_clip_head){
		.fourcc = GLINT_CLIP_MJPEG,
		.width = packet->info.width,
		.height = packet->info.height,
		.matrix = 6,
	};
}

static void fill_frame(struct glint_clip_frame *clip, const struct glint_frame_info *info,
		       size_t size)
{
	*clip = (struct glint_clip_frame){
		.stream = info->stream,
		.seq = info->seq,
		.size = (uint32_t)size,
		.arrival = info->clock == GLINT_CLOCK_ARRIVAL,
		.exposure_start = info->start_of_exposure,
		.capture_ns = info->capture_ns,
		.exposure_ns = info->exposure_ns,
		.complete_ns = info->complete_ns,
		.dequeue_ns = info->dequeue_ns,
	};
}

/* Whether the source has written the frame into the recorder's memory. */
static bool is_in_memory(const struct glint_recorder *recorder, const struct glint_frame *frame)
{
	const struct glint_loan *memory = recorder->memory;
	enum glint_memory kind = frame->buf->memory;
	const uint8_t *map = frame->buf->planes[0].map;

	return (kind == GLINT_MEMORY_UDMABUF || kind == GLINT_MEMORY_USERPTR) && map &&
	       map >= memory->base + GLINT_CLIP_PAGE && map < memory->base + memory->size;
}

/* Where the entry of a frame in the recorder's memory begins. False: there is no space for it. */
static bool hold(struct glint_recorder *recorder, struct glint_frame *frame, uint64_t *at)
{
	static_assert(GLINT_CLIP_PAGE == GLINT_LOAN_HEAD, "a place has a page for the head");

	/* A driver that pads after all. */
	if (!glint_format_is_packed(frame->format) || frame->buf->planes[0].offset > 0) {
		if (!recorder->unreadable_logged)
			glint_log_error(&topic, "frames with padding are lost");
		recorder->unreadable_logged = true;
		return false;
	}
	if (!make_spare(recorder))
		return false;
	*at = (uint64_t)(frame->buf->planes[0].map - recorder->memory->base) - GLINT_CLIP_PAGE;
	return true;
}

static bool copy(struct glint_recorder *recorder, struct glint_frame *frame, uint64_t length,
		 uint64_t *at)
{
	int err;

	if (!make_space(recorder, length, at))
		return false;
	err = glint_record_copy(frame, recorder->memory->base + *at + GLINT_CLIP_PAGE);
	if (err < 0) {
		if (!recorder->unreadable_logged)
			glint_log_err(&topic, err, "cannot read a frame: it is lost");
		recorder->unreadable_logged = true;
		return false;
	}
	recorder->copied++;
	return true;
}

/* Whether a frame of @size bytes can be kept at all. */
static bool fits(struct glint_recorder *recorder, size_t size)
{
	uint64_t length = glint_clip_frame_bytes(size);

	if (length * FRAMES_MIN <= MIN(recorder->ring->size, recorder->index->size) &&
	    size <= GLINT_CLIP_FRAME_MAX)
		return size > 0;
	if (!recorder->too_small_logged)
		glint_log_error(&topic,
				"--record-memory is too small: frames of %zu bytes are lost", size);
	recorder->too_small_logged = true;
	return false;
}

/* The bytes are at @at: they become the newest entry, for which @disk_at is the place on the disk. */
static void enter(struct glint_recorder *recorder, uint64_t at, uint64_t disk_at, size_t size,
		  const struct glint_frame_info *info, const struct glint_clip_head *format)
{
	uint64_t length = glint_clip_frame_bytes(size);
	struct glint_record_entry *entry = glint_record_ring_add(recorder->ring, at, length);
	struct glint_record_entry *on_disk;

	fill_frame(&entry->frame, info, size);
	entry->frame.before = recorder->gap;
	entry->position = recorder->position;
	entry->format = number_format(recorder, format);
	entry->look = (struct glint_clip_format){
		.frame_ns = recorder->source.frame_ns,
		.fourcc = format->fourcc,
		.width = format->width,
		.height = format->height,
		.matrix = format->matrix,
		.limited = format->limited,
	};
	recorder->gap = (struct glint_clip_gap){ 0 };
	if (!recorder->disk)
		return;
	on_disk = glint_record_ring_add(recorder->disk, disk_at, length);
	*on_disk = *entry;
	on_disk->at = disk_at;
	recorder->unkicked += length;
	glint_writer_offer(recorder->writer, recorder->disk->next);
}

/* Keep the frame, or a copy, in the ring. False: it is lost. */
static bool keep(struct glint_recorder *recorder, struct glint_frame *frame)
{
	const struct glint_clip_head format = format_of_frame(frame);
	size_t size = glint_record_size(frame);
	bool in_memory = is_in_memory(recorder, frame);
	uint64_t at, disk_at = 0;

	if (!fits(recorder, size) ||
	    (recorder->disk && !make_disk_space(recorder, glint_clip_frame_bytes(size), &disk_at)))
		return false;
	if (in_memory ? !hold(recorder, frame, &at) :
			!copy(recorder, frame, glint_clip_frame_bytes(size), &at))
		return false;
	if (in_memory)
		recorder->held[recorder->ring->next % recorder->ring->n_entries] =
			glint_frame_ref(frame);
	enter(recorder, at, disk_at, size, &frame->info, &format);
	return true;
}

static bool keep_packet(struct glint_recorder *recorder, const struct glint_packet *packet)
{
	const struct glint_clip_head format = format_of_packet(packet);
	uint64_t length = glint_clip_frame_bytes(packet->size), at, disk_at = 0;

	if (!fits(recorder, packet->size) ||
	    (recorder->disk && !make_disk_space(recorder, length, &disk_at)) ||
	    !make_space(recorder, length, &at))
		return false;
	glint_record_copy_packet(packet, recorder->memory->base + at + GLINT_CLIP_PAGE);
	recorder->copied++;
	enter(recorder, at, disk_at, packet->size, &packet->info, &format);
	return true;
}

/* All recordings under way, after a frame was kept or lost. */
static void serve_recordings(struct glint_recorder *recorder, bool kept)
{
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		struct recording *recording = &recorder->recordings[i];

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

/* Wake the thread, if that is worth it. */
static void kick_if_due(struct glint_recorder *recorder, bool kept)
{
	/* A small memory must not be full before the thread learns of it. */
	if (recorder->unkicked >= MIN((uint64_t)KICK_BYTES, recorder->ring->size / 16) ||
	    (recorder->unkicked > 0 && !kept) ||
	    (recorder->unkicked > 0 && glint_now_ns() - recorder->kicked_ns >= KICK_NS))
		recorder_kick(recorder);
}

/* Whether the newest entry of the ring was given to a recording. */
static bool newest_is_offered(const struct glint_recorder *recorder)
{
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		const struct recording *recording = &recorder->recordings[i];

		if (recording->used &&
		    atomic_load_explicit(&recording->job.ready, memory_order_relaxed) ==
			    recorder->index->next)
			return true;
	}
	return false;
}

/* A frame, or a picture, was kept or lost. */
static void after_frame(struct glint_recorder *recorder, const struct glint_frame_info *info,
			bool kept)
{
	if (!kept) {
		recorder->lost++;
		recorder->gap.lost++;
		publish_lost(recorder, info->dequeue_ns);
	}
	if (recorder->n_active > 0)
		serve_recordings(recorder, kept);
	if (recorder->n_active > 0 || recorder->disk)
		kick_if_due(recorder, kept);
	if (recorder->fired) {
		glint_recorder_fire(recorder, recorder->fired);
		recorder->fired = NULL;
	}
}

static bool recorder_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	struct glint_recorder *recorder = container_of(sink, struct glint_recorder, sink);
	bool kept;

	recorder->seen++;
	count_missing(recorder, &frame->info);
	kept = keep(recorder, frame);
	after_frame(recorder, &frame->info, kept);
	if (kept && newest_is_offered(recorder))
		frame->outcome = GLINT_OUTCOME_DELIVERED;
	return kept;
}

static bool recorder_on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	struct glint_recorder *recorder = container_of(sink, struct glint_recorder, sink);
	bool kept;

	recorder->seen++;
	count_missing(recorder, &packet->info);
	kept = keep_packet(recorder, packet);
	after_frame(recorder, &packet->info, kept);
	return kept;
}

/* Not a picture that says why there is no video. */
static bool recorder_wants(const struct glint_sink *sink, const struct glint_frame_info *info)
{
	(void)sink;
	return info->live;
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

/* --- Life ------------------------------------------------------------------------------------- */

/* Use the memory. */
static void begin_to_keep(struct glint_recorder *recorder)
{
	struct glint_record_ring *ring = glint_writer_ring(recorder->writer);

	/* Of pointers. NOLINTNEXTLINE(bugprone-sizeof-expression) */
	recorder->held = calloc(ring->n_entries, sizeof(recorder->held[0]));
	if (!recorder->held)
		return;
	recorder->state = STATE_READY;
	recorder->ring = ring;
	recorder->disk = glint_writer_disk_ring(recorder->writer);
	recorder->index = recorder->disk ? recorder->disk : ring;
	recorder->memory = glint_writer_memory(recorder->writer);
	glint_fanout_attach(recorder->frames, &recorder->sink);
}

static void recorder_on_ready(struct glint_writer_listener *listener, int err)
{
	struct glint_recorder *recorder = container_of(listener, struct glint_recorder, listener);

	recorder->ready_ns = glint_now_ns();
	recorder->state = STATE_FAILED;
	if (recorder->ending)
		return;
	if (err == 0)
		begin_to_keep(recorder);
	publish_ready(recorder);
}

static void close_lines(struct glint_recorder *recorder)
{
	if (!IS_ENABLED(CONFIG_RECORD_GPIO))
		return;
	glint_gpio_destroy(recorder->gpio);
	glint_gpio_out_destroy(recorder->out);
	recorder->gpio = NULL;
	recorder->out = NULL;
}

static int open_lines(struct glint_recorder *recorder)
{
	const struct glint_recorder_config *config = &recorder->config;
	const struct glint_record_line *line = &config->in;
	int err = 0;

	if (!IS_ENABLED(CONFIG_RECORD_GPIO))
		return 0;
	recorder->edges.edge = recorder_on_edge;
	if (*line->chip)
		err = glint_gpio_create(&recorder->gpio, recorder->loop, line, config->gpio,
					&recorder->edges);
	if (err == 0 && *config->out.chip) {
		line = &config->out;
		err = glint_gpio_out_create(&recorder->out, line, config->gpio);
	}
	if (err == 0)
		return 0;
	glint_log_error(&topic, "%s '%s:%s': %s",
			line == &config->in ? "--record-gpio" : "--record-gpio-out", line->chip,
			line->line, glint_gpio_advice(err));
	close_lines(recorder);
	return err;
}

int glint_recorder_create(struct glint_recorder **out, struct glint_loop *loop,
			  struct glint_fanout *frames, const struct glint_recorder_config *config)
{
	struct glint_recorder *recorder = calloc(1, sizeof(*recorder));
	const struct glint_writer_config writer = {
		.folder = config->folder,
		.memory = config->memory / GLINT_CLIP_PAGE * GLINT_CLIP_PAGE,
		.ring = config->disk_size / GLINT_CLIP_PAGE * GLINT_CLIP_PAGE,
		.uring = config->uring,
		.disk = config->disk,
	};
	int err;

	if (!recorder)
		return -ENOMEM;
	recorder->loop = loop;
	recorder->config = *config;
	recorder->frames = frames;
	recorder->sink.push_frame = recorder_on_frame;
	if (config->jpegs) {
		recorder->sink.codec = GLINT_CODEC_JPEG;
		recorder->sink.push_packet = recorder_on_packet;
		recorder->sink.wants = recorder_wants;
	}
	glint_list_init(&recorder->sink.link);
	glint_list_init(&recorder->answers);
	recorder->settle.run = recorder_on_settle;
	recorder->listener.ready = recorder_on_ready;
	recorder->listener.opened = recorder_on_opened;
	recorder->listener.failed = recorder_on_failed;
	recorder->listener.closed = recorder_on_closed;
	err = open_lines(recorder);
	if (err < 0) {
		free(recorder);
		return err;
	}
	err = glint_writer_create(&recorder->writer, loop, &writer, &recorder->listener);
	if (err < 0) {
		close_lines(recorder);
		glint_log_error(&topic, "--record '%s': %s", config->folder,
				glint_record_folder_advice(err));
		free(recorder);
		return err;
	}
	recorder->lender.lend = recorder_lend;
	glint_alarm_init(&recorder->alarm, loop, recorder_on_alarm);
	glint_alarm_set(&recorder->alarm, glint_now_ns() + PREPARE_NS);
	*out = recorder;
	return 0;
}

/* The service ends: nothing is answered any more. */
static void end_recordings(struct glint_recorder *recorder)
{
	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		struct recording *recording = &recorder->recordings[i];

		if (!recording->used)
			continue;
		if (recording->info.state == GLINT_RECORDING_WAITING)
			recording->used = false;
		else if (recording->info.state == GLINT_RECORDING_RUNNING)
			recording_end(recorder, recording, "service-end", &recorder->gap);
	}
}

bool glint_recorder_destroy(struct glint_recorder *recorder, uint64_t deadline_ns)
{
	uint64_t first, next, n_entries;

	if (!recorder)
		return true;
	recorder->ending = true;
	glint_fanout_detach(recorder->frames, &recorder->sink);
	end_recordings(recorder);
	close_lines(recorder);
	glint_alarm_end(&recorder->alarm);
	first = recorder->ring ? recorder->ring->first : 0;
	next = recorder->ring ? recorder->ring->next : 0;
	n_entries = recorder->ring ? recorder->ring->n_entries : 1;
	/* The thread may read the frames until it has ended. */
	if (!glint_writer_destroy(recorder->writer, deadline_ns))
		return false;
	for (uint64_t n = first; n < next; n++)
		glint_frame_unref(recorder->held[n % n_entries]);
	free(recorder->held);
	recorder->held = NULL;
	glint_deferred_cancel(&recorder->settle);
	while (glint_alarm_busy(&recorder->alarm) && glint_time_left_ns(deadline_ns) > 0)
		if (glint_loop_run_once(recorder->loop, deadline_ns) < 0)
			break;
	if (glint_alarm_busy(&recorder->alarm))
		return false;
	free(recorder);
	return true;
}

/* --- Figures ----------------------------------------------------------------------------------- */

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

/* Frames that recordings are to have, and that are in no file yet. */
static uint64_t count_backlog(const struct glint_recorder *recorder)
{
	uint64_t backlog = 0;

	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		const struct recording *recording = &recorder->recordings[i];

		if (recording->used && recording->open)
			backlog += atomic_load(&recording->job.ready) -
				   atomic_load(&recording->job.done);
	}
	return backlog;
}

static const char *state_name(const struct glint_recorder *recorder)
{
	static const char *const names[] = { "preparing", "ready", "failed" };

	return recorder ? names[recorder->state] : "off";
}

void glint_recorder_report(const struct glint_recorder *recorder, struct glint_report *report)
{
	static const struct glint_recorder none;
	const struct glint_recorder *of = recorder ? recorder : &none;
	struct glint_writer_figures figures = { .engine = "" };
	uint64_t in_ring = 0, unwritten = 0, held_ns = 0;
	const struct glint_record_ring *index = of->index;
	int gpio_err = IS_ENABLED(CONFIG_RECORD_GPIO) ? glint_gpio_error(of->gpio) : 0;

	if (recorder)
		glint_writer_figures(recorder->writer, &figures);
	if (index)
		in_ring = index->next - index->first - of->in_files;
	if (of->disk)
		unwritten = of->disk->next - glint_writer_kept(of->writer);
	if (index && index->next > index->first)
		held_ns = glint_record_ring_at(index, index->next - 1)->frame.capture_ns -
			  glint_record_ring_at(index, index->first)->frame.capture_ns;
	glint_report_object(report, "recorder");
	glint_report_text(report, "state", state_name(recorder));
	glint_report_text(report, "folder", recorder ? of->config.folder : "");
	glint_report_text(report, "memory", of->source.memory ? of->source.memory : "");
	glint_report_text(report, "memory_reason",
			  of->source.memory_reason ? of->source.memory_reason : "");
	glint_report_uint(report, "memory_bytes", of->ring ? of->ring->size : 0);
	glint_report_uint(report, "disk_bytes", of->disk ? of->disk->size : 0);
	glint_report_uint(report, "disk_unwritten", unwritten);
	glint_report_text(report, "disk_error",
			  figures.ring_err < 0 ? strerror(-figures.ring_err) : "");
	glint_report_text(report, "writer", figures.engine);
	glint_report_bool(report, "direct", figures.direct);
	glint_report_uint(report, "seen", of->seen);
	glint_report_uint(report, "recorded", of->recorded);
	glint_report_uint(report, "lost", of->lost);
	glint_report_uint(report, "passed", of->passed);
	glint_report_uint(report, "in_ring", in_ring);
	glint_report_uint(report, "backlog", count_backlog(of));
	glint_report_uint(report, "dropped", of->dropped);
	glint_report_uint(report, "corrupt", of->corrupt);
	glint_report_uint(report, "skipped", of->skipped);
	glint_report_uint(report, "held_ns", held_ns);
	glint_report_uint(report, "copied", of->copied);
	glint_report_uint(report, "bytes_written", figures.written);
	glint_report_real(report, "worst_write_ms", (double)figures.worst_write_ns / 1e6);
	glint_report_uint(report, "active", of->n_active);
	glint_report_uint(report, "closed", of->closed);
	glint_report_uint(report, "failed", of->failed);
	glint_report_uint(report, "refused", of->refused);
	glint_report_uint(report, "recovered", figures.recovered);
	glint_report_uint(report, "gpio_edges",
			  IS_ENABLED(CONFIG_RECORD_GPIO) ? glint_gpio_edges(of->gpio) : 0);
	glint_report_uint(report, "gpio_missed",
			  IS_ENABLED(CONFIG_RECORD_GPIO) ? glint_gpio_missed(of->gpio) : 0);
	glint_report_text(report, "gpio_error", gpio_err < 0 ? strerror(-gpio_err) : "");
	glint_report_end(report);
}
