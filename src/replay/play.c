/* SPDX-License-Identifier: MIT */
/*
 * Which frame is next and when it is due, and the thread that reads and delivers it. The thread has
 * the lock but for reads of the file and waits; the loop's thread calls with the lock.
 */
#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "replay/internal.h"

#define AHEAD_BYTES (16u << 20) /* of the file, that the kernel is asked to read in advance */
/* A frame that is later than this moves the rest of the clip, else the next ones catch up. */
#define LATE_MAX_NS   (200 * GLINT_NSEC_PER_MSEC)
#define REPEAT_MIN_NS (4 * GLINT_NSEC_PER_MSEC)
#define AHEAD_MAX_NS  (UINT64_C(1) << 61) /* 73 years */

static const struct glint_log_topic topic = { "replay" };

/* What is delivered next, and when. */
struct plan {
	bool again; /* the present frame once more */
	bool jump;  /* no number is missing before it */
	size_t index;
	uint64_t due_ns;
	struct glint_replay_picture picture;
};

/* --- What comes next ------------------------------------------------------------------------- */

static uint64_t round_to_us(uint64_t ns)
{
	return ns - ns % GLINT_NSEC_PER_USEC;
}

/* At the next time, so that each stamp is later than the one before. */
static uint64_t not_before_last(const struct glint_replay *replay, uint64_t ns)
{
	return MAX(round_to_us(ns), replay->last_ns + GLINT_NSEC_PER_USEC);
}

void glint_replay_settle(struct glint_replay *replay)
{
	if (replay->settled == replay->number)
		return;
	replay->settled = replay->number;
	(void)eventfd_write(replay->settled_fd, 1);
}

static bool moves(const struct glint_replay *replay)
{
	return replay->jumped || replay->steps > 0 || (!replay->paused && !replay->ended);
}

/* Before the first frame, requests wait for the stream; at the end no frame comes. */
void glint_replay_settle_if_still(struct glint_replay *replay)
{
	if ((replay->has_frame || replay->ended) &&
	    (!replay->streaming || (!replay->jumped && replay->steps == 0)))
		glint_replay_settle(replay);
}

static void lose_signal(struct glint_replay *replay, uint32_t frames)
{
	replay->n_faults[GLINT_REPLAY_SIGNAL] += frames;
	replay->no_signal_until_ns = glint_now_ns() + frames * replay->track.frame_ns;
	replay->signal_lost = true;
	replay->anchored = false;
	if (replay->fd >= 0)
		(void)eventfd_write(replay->fd, 1);
}

void glint_replay_inject(struct glint_replay *replay, enum glint_replay_fault fault,
			 uint32_t frames)
{
	if (fault == GLINT_REPLAY_SIGNAL) {
		lose_signal(replay, frames);
		return;
	}
	if (fault == GLINT_REPLAY_FREEZE && replay->has_frame && replay->faults[fault] == 0)
		replay->frozen = replay->shown_picture.pixels;
	replay->faults[fault] = MAX(replay->faults[fault], frames);
}

/* Begin the cues of frame @next, once each time that the frame is reached. */
static void begin_cues(struct glint_replay *replay)
{
	int64_t n = glint_track_number(&replay->track, replay->next);

	if (replay->cued)
		return;
	replay->cued = true;
	for (size_t i = 0; i < replay->cues.n; i++)
		if (replay->cues.list[i].n == n)
			glint_replay_inject(replay, replay->cues.list[i].fault,
					    replay->cues.list[i].frames);
}

void glint_replay_go_to(struct glint_replay *replay, size_t index)
{
	replay->next = index;
	replay->jumped = true;
	replay->cued = false;
	replay->anchored = false;
	replay->ended = false;
	replay->skipped = 0;
}

void glint_replay_leave(struct glint_replay *replay, size_t index)
{
	for (unsigned i = 0; i < replay->n_done; i++)
		replay->done[i].left = true;
	glint_replay_go_to(replay, index);
}

/* Behind the last frame: begin again, or stay. */
static void end_reached(struct glint_replay *replay)
{
	const struct glint_track *track = &replay->track;
	uint32_t dropped = replay->skipped;

	if (replay->loops) {
		if (replay->has_frame && !replay->jumped)
			dropped = track->frames[track->n - 1].position -
				  track->frames[replay->shown].position;
		replay->rounds++;
		glint_replay_go_to(replay, 0);
		/* What is missing behind the last frame is missing before the first one. */
		replay->skipped = dropped + track->tail;
		return;
	}
	replay->ended = true;
	replay->jumped = false; /* the frame that was to be shown is dropped */
	replay->steps = 0;
	glint_replay_settle_if_still(replay);
}

/* How long @ns of the clip take. What a hostile clip says may be more than any clock has. */
static uint64_t at_speed(uint64_t ns, uint32_t speed_milli)
{
	double scaled = (double)ns * 1000 / speed_milli;

	if (scaled > (double)AHEAD_MAX_NS)
		return AHEAD_MAX_NS;
	return speed_milli == 1000 ? ns : (uint64_t)scaled;
}

/* When the next frame of the clip is due. */
static uint64_t due_of_next(struct glint_replay *replay)
{
	const struct glint_track_frame *frame = &replay->track.frames[replay->next];
	uint64_t ahead;

	if (!replay->anchored) {
		uint64_t soonest = replay->has_frame && !replay->paused && replay->steps == 0 ?
					   replay->last_ns + replay->track.frame_ns :
					   0;

		replay->anchored = true;
		replay->anchor_ns = not_before_last(replay, MAX(glint_now_ns(), soonest));
		replay->anchor_clip_ns = frame->ns;
	}
	if (replay->speed_milli == 0)
		return not_before_last(replay, glint_now_ns());
	ahead = at_speed(frame->ns - replay->anchor_clip_ns, replay->speed_milli);
	return not_before_last(replay, replay->anchor_ns + ahead);
}

/* Decide what is next. False: no frame until @wake is signalled or the signal is back. */
static bool make_plan(struct glint_replay *replay, struct plan *plan)
{
	const struct glint_track *track = &replay->track;
	unsigned rounds = 0;

	if (glint_now_ns() < replay->no_signal_until_ns || replay->signal_lost)
		return false;
	while (moves(replay)) {
		if (replay->next >= track->n) {
			end_reached(replay);
			rounds++;
			continue;
		}
		/* Cues that drop all frames of a loop must not begin again without end. */
		if (rounds > 1)
			replay->cued = true;
		begin_cues(replay);
		if (replay->signal_lost)
			return false;
		if (replay->faults[GLINT_REPLAY_DROP] == 0)
			break;
		/* A dropped frame keeps its number: after a jump, positions do not count it. */
		replay->faults[GLINT_REPLAY_DROP]--;
		replay->n_faults[GLINT_REPLAY_DROP]++;
		replay->skipped += replay->jumped || !replay->has_frame;
		replay->next++;
		replay->cued = false;
	}
	if (!moves(replay)) {
		if (!replay->has_frame)
			return false;
		*plan = (struct plan){
			.again = true,
			.index = replay->shown,
			.due_ns = not_before_last(replay, replay->last_ns + MAX(track->frame_ns,
										REPEAT_MIN_NS)),
			.picture = replay->shown_picture,
		};
		return true;
	}
	*plan = (struct plan){
		.jump = replay->jumped || !replay->has_frame,
		.index = replay->next,
		.due_ns = due_of_next(replay),
		.picture = { .pixels = replay->next, .lower = replay->next },
	};
	if (replay->faults[GLINT_REPLAY_FREEZE] > 0)
		plan->picture.pixels = plan->picture.lower = replay->frozen;
	else if (replay->faults[GLINT_REPLAY_TEAR] > 0 && replay->has_frame)
		plan->picture.lower = replay->shown_picture.pixels;
	plan->picture.noise = replay->faults[GLINT_REPLAY_NOISE] > 0;
	return true;
}

/* --- Delivering ------------------------------------------------------------------------------- */

/* The other faults act between two frames. */
static bool fault_is_of_frame(enum glint_replay_fault fault)
{
	return fault != GLINT_REPLAY_DROP && fault != GLINT_REPLAY_SIGNAL;
}

static void use_fault(struct glint_replay *replay, enum glint_replay_fault fault)
{
	if (replay->faults[fault] == 0)
		return;
	replay->faults[fault]--;
	replay->n_faults[fault]++;
}

static void number_frame(struct glint_replay *replay, const struct plan *plan)
{
	const struct glint_track_frame *frames = replay->track.frames;

	if (!replay->has_frame)
		replay->seq = frames[plan->index].seq; /* whatever was dropped before it */
	else if (plan->again)
		replay->seq++;
	else if (plan->jump)
		replay->seq += 1 + replay->skipped;
	else
		replay->seq += frames[plan->index].position - frames[replay->shown].position;
	if (!plan->again)
		replay->skipped = 0;
}

static void take_step(struct glint_replay *replay, const struct plan *plan)
{
	replay->has_frame = true;
	replay->shown = plan->index;
	replay->shown_picture = plan->picture;
	replay->shown_seq = replay->seq;
	replay->next = plan->index + 1;
	replay->jumped = false;
	replay->cued = false;
	replay->n_shown++;
	for (enum glint_replay_fault i = 0; i < GLINT_REPLAY_FAULTS; i++)
		if (fault_is_of_frame(i))
			use_fault(replay, i);
	if (replay->steps > 0 && --replay->steps == 0) {
		replay->paused = true;
		replay->anchored = false;
	}
	glint_replay_settle_if_still(replay);
}

/* Keep in @done what the frame of @plan will change. */
static void remember(const struct glint_replay *replay, const struct plan *plan,
		     struct glint_replay_done *done)
{
	done->again = plan->again;
	done->had_frame = replay->has_frame;
	done->jumped = replay->jumped;
	done->last_seq = replay->seq;
	done->last_shown_seq = replay->shown_seq;
	done->skipped = replay->skipped;
	done->index = plan->index;
	done->shown = replay->shown;
	done->rounds = replay->rounds;
	done->shown_picture = replay->shown_picture;
	for (enum glint_replay_fault i = 0; i < GLINT_REPLAY_FAULTS; i++)
		if (fault_is_of_frame(i) && replay->faults[i] > 0)
			done->faults |= (uint8_t)(1u << i);
}

static void take_back_frame(struct glint_replay *replay, const struct glint_replay_done *done)
{
	replay->next = done->index;
	replay->shown = done->shown;
	replay->shown_seq = done->last_shown_seq;
	replay->shown_picture = done->shown_picture;
	replay->has_frame = done->had_frame;
	replay->jumped = done->jumped;
	replay->skipped = done->skipped;
	replay->rounds = done->rounds;
	replay->cued = true; /* its faults come back below */
	replay->ended = false;
	replay->n_shown--;
	replay->steps += replay->paused; /* up to where the pause was */
	for (enum glint_replay_fault i = 0; i < GLINT_REPLAY_FAULTS; i++)
		if (done->faults & 1u << i) {
			replay->faults[i]++;
			replay->n_faults[i]--;
		}
}

void glint_replay_take_back(struct glint_replay *replay)
{
	for (unsigned i = replay->n_done; i > 0 && !replay->done[i - 1].left; i--) {
		const struct glint_replay_done *done = &replay->done[i - 1];

		replay->seq = done->last_seq;
		if (done->again)
			replay->n_repeated--;
		else
			take_back_frame(replay, done);
	}
	replay->n_done = 0;
}

static void deliver(struct glint_replay *replay, const struct plan *plan)
{
	uint64_t now_ns = glint_now_ns(), stamp_ns = plan->due_ns;
	bool late = !plan->again && now_ns - stamp_ns > LATE_MAX_NS;
	struct glint_replay_done *done;

	assert(replay->n_done < GLINT_SOFT_BUFFERS_MAX && replay->held != GLINT_REPLAY_NO_BUFFER);

	if (late) {
		stamp_ns = not_before_last(replay, now_ns);
		replay->delays++;
		replay->delay_ns += stamp_ns - plan->due_ns;
		replay->anchor_ns = stamp_ns;
		replay->anchor_clip_ns = replay->track.frames[plan->index].ns;
	} else if (plan->again && now_ns - stamp_ns > LATE_MAX_NS) {
		stamp_ns = not_before_last(replay, now_ns);
	}
	done = &replay->done[replay->n_done++];
	*done = (struct glint_replay_done){
		.buffer = replay->held,
		.used = replay->held_bytes,
		.ns = stamp_ns,
		.exposure_start = replay->track.frames[plan->index].exposure_start,
		.corrupt = replay->held_damaged ||
			   (!plan->again && replay->faults[GLINT_REPLAY_CORRUPT] > 0),
	};
	remember(replay, plan, done);
	number_frame(replay, plan);
	done->seq = replay->seq;
	replay->held = GLINT_REPLAY_NO_BUFFER;
	replay->filled = false;
	replay->last_ns = stamp_ns;
	if (plan->again)
		replay->n_repeated++;
	else
		take_step(replay, plan);
	(void)eventfd_write(replay->fd, 1);
}

/* --- The thread ---------------------------------------------------------------------------------- */

/* Ask the kernel for what follows @index. Does not wait for it. */
static void read_ahead(const struct glint_replay *replay, size_t index, uint64_t *asked)
{
	uint64_t at = replay->track.frames[index].offset;

	if (at + AHEAD_BYTES / 2 < *asked && at + 2 * AHEAD_BYTES > *asked)
		return;
	(void)posix_fadvise(replay->track.fd, (off_t)at, AHEAD_BYTES, POSIX_FADV_WILLNEED);
	*asked = at + AHEAD_BYTES;
}

/* Read the picture into the held buffer, without the lock. */
static void fill(struct glint_replay *replay, const struct plan *plan)
{
	uint8_t *out = replay->buffers.buffers[replay->held].memory.planes[0].map;
	struct glint_replay_picture picture = plan->picture;
	uint64_t asked = replay->asked_ahead;
	int64_t bytes;

	replay->reads = true;
	pthread_mutex_unlock(&replay->lock);
	read_ahead(replay, plan->index, &asked);
	bytes = glint_replay_picture_read(&replay->track, &picture, out);
	pthread_mutex_lock(&replay->lock);
	replay->reads = false;
	pthread_cond_signal(&replay->idle);
	replay->asked_ahead = asked;
	replay->filled = true;
	replay->held_picture = picture;
	replay->held_damaged = bytes < 0;
	/* A driver that gives back an empty buffer has cancelled it. */
	replay->held_bytes = (uint32_t)(bytes < 0 ? (int64_t)replay->track.frame_bytes : bytes);
	if (bytes < 0 && !replay->damage_logged) {
		replay->damage_logged = true;
		glint_log_err(&topic, (int)bytes,
			      "'%s': frame %" PRId64 " cannot be read: such frames are damaged",
			      replay->path, glint_track_number(&replay->track, picture.pixels));
	}
}

static bool same_picture(const struct glint_replay_picture *a, const struct glint_replay_picture *b)
{
	return a->pixels == b->pixels && a->lower == b->lower && a->noise == b->noise;
}

static void wait_until(struct glint_replay *replay, uint64_t ns)
{
	struct timespec when = glint_timespec(ns);

	pthread_cond_timedwait(&replay->wake, &replay->lock, &when);
}

static void run_once(struct glint_replay *replay)
{
	uint64_t now_ns = glint_now_ns();
	struct plan plan;

	if (!replay->streaming || !make_plan(replay, &plan)) {
		if (replay->streaming && now_ns < replay->no_signal_until_ns)
			wait_until(replay, replay->no_signal_until_ns);
		else
			pthread_cond_wait(&replay->wake, &replay->lock);
		return;
	}
	if (replay->held == GLINT_REPLAY_NO_BUFFER) {
		if (replay->buffers.n_queued == 0) {
			pthread_cond_wait(&replay->wake, &replay->lock);
			return;
		}
		replay->held = glint_soft_buffers_take(&replay->buffers);
		replay->filled = false;
	}
	if (!replay->filled || !same_picture(&replay->held_picture, &plan.picture)) {
		fill(replay, &plan); /* the plan may be another one by now */
		return;
	}
	if (glint_now_ns() < plan.due_ns)
		wait_until(replay, plan.due_ns);
	else
		deliver(replay, &plan);
}

void *glint_replay_main(void *arg)
{
	struct glint_replay *replay = arg;
	int err = glint_track_open(&replay->track, replay->path, replay->message);

	pthread_mutex_lock(&replay->lock);
	replay->open_err = err;
	replay->opened = true;
	pthread_cond_signal(&replay->idle);
	while (err == 0 && !replay->quits)
		run_once(replay);
	pthread_mutex_unlock(&replay->lock);
	return NULL;
}
