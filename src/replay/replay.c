/* SPDX-License-Identifier: MIT */
#include "replay/replay.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/thread.h"
#include "core/report.h"
#include "replay/internal.h"

#define OPEN_NS (5 * GLINT_NSEC_PER_SEC)

struct glint_v4l2_access *glint_replay_access(struct glint_replay *replay)
{
	return &replay->access;
}

/* --- Requests (loop's thread) --------------------------------------------------------------------- */

/* Answer from the loop's next round. */
static void request_answer(struct glint_replay *replay, struct glint_replay_request *request)
{
	request->number = 0;
	glint_list_append(&replay->answers, &request->link);
}

static void replay_on_settled(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_replay *replay = container_of(op, struct glint_replay, settled_op);
	struct glint_replay_request *request;
	eventfd_t ignored;
	uint64_t settled;

	(void)flags;
	if (res == -ENOMEM)
		glint_loop_poll(replay->loop, op, replay->settled_fd, POLLIN);
	if (res < 0)
		return;
	pthread_mutex_lock(&replay->lock);
	(void)eventfd_read(replay->settled_fd, &ignored);
	settled = replay->settled;
	pthread_mutex_unlock(&replay->lock);
	while ((request = glint_list_first(&replay->requests, struct glint_replay_request, link)) &&
	       request->number <= settled) {
		glint_replay_forget(replay, request);
		request_answer(replay, request);
	}
	while ((request = glint_list_first(&replay->answers, struct glint_replay_request, link))) {
		glint_list_remove(&request->link);
		request->done(request, request->err);
	}
}

/* Do what a request says; the frame itself comes from the thread. */
static int request_apply(struct glint_replay *replay, const struct glint_replay_request *request)
{
	size_t index;
	int err;

	switch (request->action) {
	case GLINT_REPLAY_PLAY:
		if (request->sets_speed)
			replay->speed_milli = request->speed_milli;
		if (request->sets_loop)
			replay->loops = request->loop;
		replay->steps = 0;
		replay->paused = false;
		replay->anchored = false;
		if (replay->ended)
			glint_replay_leave(replay, 0);
		return 0;
	case GLINT_REPLAY_PAUSE:
		replay->steps = 0;
		replay->paused = true;
		return 0;
	case GLINT_REPLAY_STEP:
		replay->anchored = false;
		replay->paused = true;
		if (replay->ended)
			return -ENOENT;
		replay->steps = request->frames;
		return 0;
	case GLINT_REPLAY_SEEK:
		err = replay->known ? glint_track_find(&replay->track, request->n, &index) :
				      -ENOENT;
		replay->paused |= err == 0 && replay->ended;
		if (err == 0)
			glint_replay_leave(replay, index);
		return err;
	case GLINT_REPLAY_INJECT:
		glint_replay_inject(replay, request->fault, request->frames);
		return 0;
	}
	return -EINVAL;
}

static bool asks_for_frame(const struct glint_replay_request *request)
{
	return request->action == GLINT_REPLAY_STEP || request->action == GLINT_REPLAY_SEEK;
}

void glint_replay_ask(struct glint_replay *replay, struct glint_replay_request *request)
{
	bool full = replay->n_requests >= GLINT_REPLAY_REQUESTS_MAX, waits;

	pthread_mutex_lock(&replay->lock);
	/* Before the first frame, and for the first one of another round, all requests wait. */
	waits = asks_for_frame(request) || !replay->has_frame ||
		(request->action == GLINT_REPLAY_PLAY && replay->ended);
	/* A pause must be possible also if, and because, too many steps are under way. */
	request->err = full && asks_for_frame(request) ? -EUSERS : request_apply(replay, request);
	if (waits && !full && request->err == 0) {
		request->number = ++replay->number;
		replay->n_requests++;
		glint_list_append(&replay->requests, &request->link);
	} else {
		request_answer(replay, request);
		(void)eventfd_write(replay->settled_fd, 1);
	}
	glint_replay_settle_if_still(replay);
	pthread_cond_signal(&replay->wake);
	pthread_mutex_unlock(&replay->lock);
}

void glint_replay_forget(struct glint_replay *replay, struct glint_replay_request *request)
{
	glint_list_remove(&request->link);
	replay->n_requests -= request->number > 0;
}

/* --- Status ------------------------------------------------------------------------------------------ */

void glint_replay_status(struct glint_replay *replay, struct glint_replay_status *status)
{
	const struct glint_track *track = &replay->track;
	const struct glint_clip_head *head = &track->head;

	*status = (struct glint_replay_status){
		.file = replay->path,
		.name = head->name,
		.device = head->device,
		.trigger = head->trigger,
		.finished = head->finished,
	};
	pthread_mutex_lock(&replay->lock);
	status->known = replay->known;
	if (replay->known) {
		uint64_t first_ns = track->frames[0].ns;

		status->frames = track->n;
		status->missing = track->missing + track->tail;
		status->damaged = *track->damage ? track->damage : NULL;
		status->first_n = glint_track_number(track, 0);
		status->last_n = glint_track_number(track, track->n - 1);
		if (head->realtime_ns + first_ns > head->monotonic_ns && head->realtime_ns > 0)
			status->recorded_ns = head->realtime_ns + first_ns - head->monotonic_ns;
	}
	status->state = replay->ended			     ? GLINT_REPLAY_ENDED :
			replay->paused && replay->steps == 0 ? GLINT_REPLAY_PAUSED :
							       GLINT_REPLAY_PLAYING;
	status->has_frame = replay->has_frame;
	if (replay->has_frame) {
		status->n = glint_track_number(track, replay->shown);
		status->clip_stream = track->frames[replay->shown].stream;
		status->clip_seq = track->frames[replay->shown].seq;
		status->clip_ns = track->frames[replay->shown].ns;
		status->seq = replay->shown_seq;
	}
	status->speed_milli = replay->speed_milli;
	status->loop = replay->loops;
	status->rounds = replay->rounds;
	status->shown = replay->n_shown;
	status->repeated = replay->n_repeated;
	status->delays = replay->delays;
	status->delay_ns = replay->delay_ns;
	memcpy(status->faults, replay->n_faults, sizeof(status->faults));
	pthread_mutex_unlock(&replay->lock);
}

void glint_replay_report_status(const struct glint_replay_status *status,
				struct glint_report *report)
{
	glint_report_text(report, "file", status->file);
	glint_report_text(report, "name", status->name);
	glint_report_text(report, "device", status->device);
	glint_report_text(report, "trigger", status->trigger);
	if (status->recorded_ns > 0)
		glint_report_uint(report, "recorded_ns", status->recorded_ns);
	else
		glint_report_null(report, "recorded_ns");
	glint_report_bool(report, "finished", status->finished);
	glint_report_uint(report, "frames", status->frames);
	glint_report_uint(report, "missing", status->missing);
	glint_report_text(report, "damaged", status->damaged);
	glint_report_int(report, "first_n", status->first_n);
	glint_report_int(report, "last_n", status->last_n);
	glint_report_text(report, "state", glint_replay_state_name(status->state));
	if (status->has_frame) {
		glint_report_int(report, "n", status->n);
		glint_report_uint(report, "clip_stream", status->clip_stream);
		glint_report_uint(report, "clip_seq", status->clip_seq);
		glint_report_uint(report, "clip_ns", status->clip_ns);
		glint_report_uint(report, "seq", status->seq);
	} else {
		glint_report_null(report, "n");
		glint_report_null(report, "clip_stream");
		glint_report_null(report, "clip_seq");
		glint_report_null(report, "clip_ns");
		glint_report_null(report, "seq");
	}
	glint_report_real(report, "speed", status->speed_milli / 1000.0);
	glint_report_bool(report, "loop", status->loop);
	glint_report_uint(report, "rounds", status->rounds);
	glint_report_uint(report, "shown", status->shown);
	glint_report_uint(report, "repeated", status->repeated);
	glint_report_uint(report, "delays", status->delays);
	glint_report_uint(report, "delay_ns", status->delay_ns);
	glint_report_object(report, "faults");
	for (enum glint_replay_fault i = 0; i < GLINT_REPLAY_FAULTS; i++)
		glint_report_uint(report, glint_replay_fault_name(i), status->faults[i]);
	glint_report_end(report);
}

void glint_replay_report(struct glint_replay *replay, struct glint_report *report)
{
	struct glint_replay_status status;

	if (!replay) {
		glint_report_null(report, "replay");
		return;
	}
	glint_replay_status(replay, &status);
	glint_report_object(report, "replay");
	glint_replay_report_status(&status, report);
	glint_report_end(report);
}

/* --- Life -------------------------------------------------------------------------------------------- */

static void replay_free(struct glint_replay *replay)
{
	pthread_cond_destroy(&replay->idle);
	pthread_cond_destroy(&replay->wake);
	pthread_mutex_destroy(&replay->lock);
	glint_close(&replay->settled_fd);
	glint_track_close(&replay->track);
	free(replay->path);
	free(replay);
}

/* Start the thread, which opens the file. -ETIMEDOUT: it still waits for that. */
static int replay_open(struct glint_replay *replay)
{
	struct timespec deadline = glint_timespec(glint_now_ns() + OPEN_NS);
	int err = glint_thread_start(&replay->thread, "replay", glint_replay_main, replay);

	if (err < 0)
		return err;
	pthread_mutex_lock(&replay->lock);
	while (!replay->opened && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&replay->idle, &replay->lock, &deadline);
	err = replay->opened ? replay->open_err : -ETIMEDOUT;
	pthread_mutex_unlock(&replay->lock);
	if (err == -ETIMEDOUT)
		pthread_detach(replay->thread);
	else if (err < 0)
		pthread_join(replay->thread, NULL);
	return err;
}

static int replay_new(struct glint_replay **out, struct glint_loop *loop,
		      const struct glint_replay_config *config)
{
	struct glint_replay *replay = calloc(1, sizeof(*replay));
	int err = 0;

	if (!replay)
		return -ENOMEM;
	replay->access.ops = &glint_replay_ops;
	replay->loop = loop;
	replay->fd = -1;
	replay->track.fd = -1;
	replay->held = GLINT_REPLAY_NO_BUFFER;
	replay->speed_milli = config->speed_milli;
	replay->loops = config->loop;
	replay->paused = config->paused;
	replay->cues = config->cues;
	replay->jumped = true; /* the first frame is shown also in a pause */
	glint_list_init(&replay->requests);
	glint_list_init(&replay->answers);
	pthread_mutex_init(&replay->lock, NULL);
	glint_thread_cond_init(&replay->wake);
	glint_thread_cond_init(&replay->idle);
	replay->settled_op.done = replay_on_settled;
	replay->settled_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (replay->settled_fd < 0)
		err = -errno;
	replay->path = strdup(config->path);
	if (err == 0 && !replay->path)
		err = -ENOMEM;
	if (err < 0)
		replay_free(replay);
	else
		*out = replay;
	return err;
}

int glint_replay_create(struct glint_replay **out, struct glint_loop *loop,
			const struct glint_replay_config *config,
			char message[static GLINT_REPLAY_MESSAGE_MAX])
{
	struct glint_replay *replay = NULL;
	int err = replay_new(&replay, loop, config);

	if (err == 0)
		err = replay_open(replay);
	if (err == 0) {
		glint_loop_poll(loop, &replay->settled_op, replay->settled_fd, POLLIN);
		*out = replay;
		return 0;
	}
	static_assert(GLINT_REPLAY_MESSAGE_MAX >= GLINT_TRACK_MESSAGE_MAX, "");
	if (err == -ETIMEDOUT) {
		snprintf(message, GLINT_REPLAY_MESSAGE_MAX,
			 "cannot read '%.128s': its file system has not answered for %u s",
			 config->path, (unsigned)(OPEN_NS / GLINT_NSEC_PER_SEC));
		return err;
	}
	if (replay && *replay->message)
		strcpy(message, replay->message);
	else
		snprintf(message, GLINT_REPLAY_MESSAGE_MAX, "cannot play '%.128s': %s",
			 config->path, strerror(-err));
	if (replay)
		replay_free(replay);
	return err;
}

void glint_replay_destroy(struct glint_replay *replay)
{
	if (!replay)
		return;
	assert(replay->fd < 0 && !glint_op_busy(&replay->settled_op));
	assert(glint_list_empty(&replay->requests) && glint_list_empty(&replay->answers));

	pthread_mutex_lock(&replay->lock);
	replay->quits = true;
	pthread_cond_signal(&replay->wake);
	pthread_mutex_unlock(&replay->lock);
	pthread_join(replay->thread, NULL);
	replay_free(replay);
}
