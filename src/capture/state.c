/* SPDX-License-Identifier: MIT */
/* The states of a capture, and all ways from one to another. Loop thread, but for the jobs' run(). */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/internal.h"
#include "capture/reason.h"
#include "core/upcall.h"
#include "v4l2/input.h"

static const struct glint_log_topic topic = { "capture" };

#define TICK_NS (500 * GLINT_NSEC_PER_MSEC)	/* the watchdog's look, and a lost signal's */
#define CHECK_NS (GLINT_NSEC_PER_SEC)		/* between looks at the input's status */
#define HURRY_NS (50 * GLINT_NSEC_PER_MSEC)	/* between starts, however many ask for one */

static const char *device_name(const struct glint_capture *capture)
{
	if (*capture->shown.path)
		return capture->shown.path;
	return capture->device ? capture->device : "/dev/video*";
}

void glint_capture_set_reason(struct glint_capture *capture, enum glint_reason reason)
{
	glint_upcall_assert();

	capture->reason = reason;
	if (!capture->ending)
		capture->listener->changed(capture->listener);
}

void glint_capture_set_size(struct glint_capture *capture, uint32_t width, uint32_t height)
{
	struct glint_capture_stream *stream = &capture->stream;
	const struct glint_format *format = &capture->pool->format;

	if (stream->width == width && stream->height == height)
		return;
	stream->width = width;
	stream->height = height;
	if (!stream->size_told && (width != format->width || height != format->height)) {
		stream->size_told = true;
		glint_log_warn(&topic, "'%s' sends JPEGs of %ux%u, though its format says %ux%u",
			       device_name(capture), width, height, format->width, format->height);
	}
	if (capture->reason == GLINT_REASON_NONE)	/* else it will be told with the reason */
		glint_capture_set_reason(capture, GLINT_REASON_NONE);
}

/* The timer may be under way for another moment: then its end starts it anew. */
static void capture_wake_at(struct glint_capture *capture, uint64_t when_ns)
{
	capture->timer_ns = when_ns;
	if (glint_op_busy(&capture->timer_op))
		glint_loop_cancel(capture->loop, &capture->timer_op);
	else
		glint_loop_timer(capture->loop, &capture->timer_op, when_ns);
}

/* --- Jobs ---------------------------------------------------------------------------- */

static void job_start(struct glint_job *job, unsigned part)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, start_job);

	(void)part;
	capture->start_err = glint_source_start(&capture->source);
}

static void job_stop(struct glint_job *job, unsigned part)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, stop_job);

	(void)part;
	glint_source_stop(&capture->source, capture->stop_closes);
}

static void job_check(struct glint_job *job, unsigned part)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, check_job);

	(void)part;
	capture->check_err = glint_input_check(&capture->source.vdev, capture->check_deep);
}

static void capture_submit(struct glint_capture *capture, struct glint_job *job)
{
	assert(!capture->job_runs);

	capture->job_runs = true;
	capture->job_since_ns = glint_now_ns();
	job->run = job == &capture->start_job ? job_start : job_stop;
	glint_workers_submit(capture->worker, job, 1);
}

/* A descriptor is only closed, and only polled otherwise, after its poll has ended. */
void glint_capture_polled(struct glint_capture *capture)
{
	bool start = capture->start_waits, stop = capture->stop_waits;

	capture->start_waits = capture->stop_waits = false;
	if (stop)
		capture_submit(capture, &capture->stop_job);
	else if (start && !capture->ending)
		capture_submit(capture, &capture->start_job);
}

static void capture_end_poll(struct glint_capture *capture)
{
	if (glint_op_busy(&capture->poll_op))
		glint_loop_cancel(capture->loop, &capture->poll_op);
	else
		glint_capture_polled(capture);
}

/* --- To STARTING and STOPPING ------------------------------------------------------------ */

static void capture_enter_job(struct glint_capture *capture, enum glint_capture_state state)
{
	capture->state = state;
	capture->job_since_ns = glint_now_ns();
	capture->start_waits = state == GLINT_CAPTURE_STARTING;
	capture->stop_waits = state == GLINT_CAPTURE_STOPPING;
	capture_wake_at(capture, capture->job_since_ns + capture->config.stuck_ns);
	capture_end_poll(capture);
}

void glint_capture_begin(struct glint_capture *capture)
{
	assert(!capture->pool);

	capture_enter_job(capture, GLINT_CAPTURE_STARTING);
}

/* @after: what glint_capture_on_stop() is to do. */
static void capture_leave(struct glint_capture *capture, bool close, int after)
{
	assert(capture->state == GLINT_CAPTURE_LIVE);

	glint_deferred_cancel(&capture->refusal);
	capture->pool->live = false;
	capture->stop_closes = close;
	capture->after_stop = after;
	capture_enter_job(capture, GLINT_CAPTURE_STOPPING);
}

static void capture_tell_failure(struct glint_capture *capture, int err)
{
	enum glint_reason reason = glint_reason_of(err);

	if (capture->told_err == err)
		return;
	capture->told_err = err;
	/* Where V4L2 has lent an errno for its own ends, the errno's text would mislead. */
	if (reason == GLINT_REASON_ERROR)
		glint_log_err(&topic, err, "'%s' is offline", device_name(capture));
	else
		glint_log_warn(&topic, "'%s' is offline: %s", device_name(capture),
			       glint_reason_name(reason));
}

void glint_capture_fail(struct glint_capture *capture, int err)
{
	/* What worked a moment ago may work again; a stream that never did has to wait. */
	bool at_once = capture->stream.frames > 0 && err != -ENODEV;

	capture_tell_failure(capture, err);
	capture_leave(capture, true, at_once ? 0 : err);
	glint_capture_set_reason(capture, glint_reason_of(err));
}

void glint_capture_lose(struct glint_capture *capture, int err)
{
	if (err < 0)
		capture_tell_failure(capture, err);
	else
		glint_log_info(&topic, "'%s': the source has changed", device_name(capture));
	capture_leave(capture, false, err);
	glint_capture_set_reason(capture, err < 0 ? glint_reason_of(err) : GLINT_REASON_OPENING);
}

/* --- To OFFLINE and LIVE -------------------------------------------------------------------- */

static void capture_go_offline(struct glint_capture *capture, int err)
{
	bool open = glint_source_is_open(&capture->source);
	enum glint_reason reason = glint_reason_of(err);

	capture->state = GLINT_CAPTURE_OFFLINE;
	capture_tell_failure(capture, err);
	/* POLLIN on a queue without buffers would start the driver's read() emulation. */
	if (open && capture->source.vdev.has_events)
		glint_loop_poll(capture->loop, &capture->poll_op, capture->source.vdev.fd, POLLPRI);
	capture_wake_at(capture, glint_now_ns() + (open ? TICK_NS : capture->config.retry_ns));
	if (capture->reason != reason)
		glint_capture_set_reason(capture, reason);
}

static void capture_tell_live(const struct glint_capture *capture)
{
	const struct glint_capture_shown *shown = &capture->shown;
	char fourcc[5];

	glint_log_info(&topic, "'%s' (%s): %ux%u %s at %u.%02u fps, %u buffers", shown->path,
		       shown->card, shown->format.width, shown->format.height,
		       glint_fourcc_text(shown->format.fourcc, fourcc),
		       shown->nominal_millihz / 1000, shown->nominal_millihz % 1000 / 10,
		       capture->pool->n);
}

static void capture_go_live(struct glint_capture *capture)
{
	struct glint_pool *pool = capture->source.pool;
	uint64_t now_ns = glint_now_ns();

	capture->source.pool = NULL;
	capture->pool = pool;
	pool->owner = &capture->owner;
	pool->live = true;
	capture->stream = (struct glint_capture_stream){
		.started_ns = now_ns,
		.last_good_ns = now_ns,
		.width = pool->format.width,
		.height = pool->format.height,
	};
	capture->streams++;
	capture->checked_ns = now_ns;
	capture->shown.format = pool->format;
	capture->shown.memory = pool->buffers[0].memory;
	glint_ledger_restart(&capture->ledger);

	capture->state = GLINT_CAPTURE_LIVE;
	glint_loop_poll(capture->loop, &capture->poll_op, capture->source.vdev.fd,
			POLLIN | POLLPRI);
	capture_wake_at(capture, now_ns + MIN(TICK_NS, capture->config.timeout_ns));
	capture_tell_live(capture);
	/* What was wrong with the last stream stays so until a good frame proves otherwise. */
	if (capture->reason != GLINT_REASON_STALLED && capture->reason != GLINT_REASON_CORRUPT &&
	    capture->reason != GLINT_REASON_ERROR)
		glint_capture_set_reason(capture, GLINT_REASON_OPENING);
}

static void capture_show(struct glint_capture *capture)
{
	struct glint_capture_shown *shown = &capture->shown;
	const struct glint_source *source = &capture->source;

	memcpy(shown->path, source->path, sizeof(shown->path));
	memcpy(shown->driver, source->vdev.driver, sizeof(shown->driver));
	memcpy(shown->card, source->vdev.card, sizeof(shown->card));
	memcpy(shown->bus, source->vdev.bus, sizeof(shown->bus));
	shown->nominal_millihz = source->vdev.rate_millihz;
	shown->opens = source->opens;
}

void glint_capture_on_start(struct glint_job *job)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, start_job);

	capture->job_runs = false;
	capture_show(capture);
	if (capture->ending)
		glint_capture_stop(capture);
	else if (capture->start_err < 0)
		capture_go_offline(capture, capture->start_err);
	else
		capture_go_live(capture);
}

void glint_capture_on_stop(struct glint_job *job)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, stop_job);

	capture->job_runs = false;
	if (capture->pool)
		glint_pool_retire(capture->pool);
	capture->pool = NULL;
	if (capture->ending)
		glint_capture_stop(capture);	/* it may still be open */
	else if (capture->after_stop < 0)
		capture_go_offline(capture, capture->after_stop);
	else
		glint_capture_begin(capture);
}

/* --- Signal checks ---------------------------------------------------------------------------- */

void glint_capture_check(struct glint_capture *capture, bool deep)
{
	capture->checked_ns = glint_now_ns();
	if (capture->check_runs) {
		capture->check_again |= deep;
		return;
	}
	capture->check_runs = true;
	capture->check_again = false;
	capture->check_deep = deep;
	capture->check_job.run = job_check;
	glint_workers_submit(capture->worker, &capture->check_job, 1);
}

void glint_capture_on_check(struct glint_job *job)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, check_job);
	int err = capture->check_err;

	capture->check_runs = false;
	if (capture->ending || capture->state != GLINT_CAPTURE_LIVE)
		return;
	if (capture->check_again) {
		glint_capture_check(capture, true);
		return;
	}
	if (capture->source.vdev.timings.width > 0)
		capture->stream.changed = false;	/* the timings tell for sure */
	if (err == 0 || (err < 0 && err != -ENODEV && !glint_source_waits(err)))
		capture->stream.doubted = capture->stream.changed;
	else if (err == -ENODEV)
		glint_capture_fail(capture, err);
	else
		glint_capture_lose(capture, err < 0 ? err : 0);
}

/* --- Time --------------------------------------------------------------------------------------- */

/* A count that only grows is told each time that it has doubled: enough for a bad cable. */
static bool is_worth_telling(uint64_t count, uint64_t *told)
{
	if (count == *told || count < 2 * *told)
		return false;
	*told = count;
	return true;
}

static void capture_tell_damage(struct glint_capture *capture)
{
	if (is_worth_telling(capture->ledger.corrupt, &capture->corrupt_told))
		glint_log_warn(&topic, "'%s': %llu corrupt frames so far", device_name(capture),
			       (unsigned long long)capture->ledger.corrupt);
	if (is_worth_telling(capture->cancelled, &capture->cancelled_told))
		glint_log_warn(&topic,
			       "'%s': the driver has given back %llu buffers without a frame so "
			       "far: transfers fail, look at the kernel's log and the cable",
			       device_name(capture), (unsigned long long)capture->cancelled);
}

/*
 * 0, or what is wrong when no good frame came for too long: no frame at all, or only damaged
 * ones. Readers that hold every buffer are no fault of the device.
 */
static int stream_lacks_frames(const struct glint_capture *capture, uint64_t now_ns)
{
	const struct glint_capture_stream *stream = &capture->stream;
	uint64_t timeout_ns = capture->config.timeout_ns;

	if (capture->pool->with_driver == 0 || now_ns - stream->last_good_ns <= timeout_ns)
		return 0;
	return now_ns - stream->taken_ns > timeout_ns ? -ETIMEDOUT : -EBADMSG;
}

static void capture_watch(struct glint_capture *capture, uint64_t now_ns)
{
	const struct glint_capture_stream *stream = &capture->stream;
	int err = stream_lacks_frames(capture, now_ns);

	capture_tell_damage(capture);
	if (err < 0) {
		glint_capture_fail(capture, err);
		return;
	}
	/* Not at once: a driver may tell of the change that setting it up has made. */
	if (stream->changed && !capture->check_runs && now_ns - stream->started_ns > CHECK_NS) {
		glint_capture_lose(capture, 0);
		return;
	}
	if (!capture->check_runs && now_ns - capture->checked_ns >= CHECK_NS)
		glint_capture_check(capture, false);
	capture_wake_at(capture, now_ns + MIN(TICK_NS, capture->config.timeout_ns));
}

static void capture_watch_job(struct glint_capture *capture, uint64_t now_ns)
{
	capture_wake_at(capture, now_ns + capture->config.stuck_ns);
	if (capture->reason == GLINT_REASON_STUCK ||
	    now_ns - capture->job_since_ns < capture->config.stuck_ns)
		return;
	glint_log_error(&topic, "'%s': a call into its driver does not return",
			device_name(capture));
	capture->told_err = 0;
	glint_capture_set_reason(capture, GLINT_REASON_STUCK);
}

void glint_capture_hurry(struct glint_capture *capture)
{
	uint64_t earliest_ns = capture->job_since_ns + HURRY_NS;

	if (capture->state == GLINT_CAPTURE_OFFLINE)
		capture_wake_at(capture, MAX(glint_now_ns(), earliest_ns));
}

void glint_capture_on_timer(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_capture *capture = container_of(op, struct glint_capture, timer_op);
	uint64_t now_ns = glint_now_ns();

	(void)flags;
	if (capture->ending)
		return;
	if (res < 0) {
		capture_wake_at(capture, capture->timer_ns);
		return;
	}
	switch (capture->state) {
	case GLINT_CAPTURE_LIVE:
		capture_watch(capture, now_ns);
		break;
	case GLINT_CAPTURE_OFFLINE:
		glint_capture_begin(capture);
		break;
	default:
		capture_watch_job(capture, now_ns);
	}
}

/* Only for the end: whatever there is of a stream stops, and the device is closed. */
void glint_capture_stop(struct glint_capture *capture)
{
	if (capture->job_runs || !glint_source_is_open(&capture->source))
		return;
	if (capture->source.pool) {	/* started, but never adopted */
		capture->pool = capture->source.pool;
		capture->pool->owner = &capture->owner;
		capture->source.pool = NULL;
	}
	if (capture->pool)
		capture->pool->live = false;
	capture->stop_closes = true;
	capture_submit(capture, &capture->stop_job);
}
