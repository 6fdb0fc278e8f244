/* SPDX-License-Identifier: MIT */
/* The states of a capture, and all transitions. Loop thread, except the jobs' run(). */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/fourcc.h"
#include "base/log.h"
#include "capture/internal.h"
#include "core/events.h"
#include "core/upcall.h"
#include "mem/loan.h"
#include "v4l2/input.h"

static const struct glint_log_topic topic = { "capture" };

/* Period of the watchdog, and of the check of a lost signal. */
#define TICK_NS	      (500 * GLINT_NSEC_PER_MSEC)
#define CHECK_NS      (GLINT_NSEC_PER_SEC) /* between two checks of the input's status */
#define LOOK_AGAIN_NS (20 * GLINT_NSEC_PER_MSEC)
#define HURRY_NS      (50 * GLINT_NSEC_PER_MSEC) /* at least, between two starts */

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
	if (!stream->size_logged && (width != format->width || height != format->height)) {
		stream->size_logged = true;
		glint_log_warn(&topic, "'%s' sends JPEGs of %ux%u, though its format says %ux%u",
			       device_name(capture), width, height, format->width, format->height);
	}
	/* With another reason the listener is called when the reason changes. */
	if (capture->reason == GLINT_REASON_NONE)
		glint_capture_set_reason(capture, GLINT_REASON_NONE);
}

/* --- Jobs ---------------------------------------------------------------------------- */

static void job_start(struct glint_job *job, unsigned part)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, start_job);

	(void)part;
	capture->start_err = glint_trial_start(capture);
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
	capture->colours_err = -ENODATA;
	if (capture->check_err == 0 && capture->check_deep)
		capture->colours_err =
			glint_vdev_read_colours(&capture->source.vdev, &capture->colours);
}

/*
 * Prepare the memory of a lender for the start job. A format that has not suited the loan is not
 * tried again: to lend, the lender gives up frames that it keeps.
 */
static void capture_borrow(struct glint_capture *capture)
{
	struct glint_source *source = &capture->source;
	struct glint_lender *lender = capture->lender;
	int err;

	if (source->parked &&
	    (!lender || !glint_pool_park(source->parked, capture->config.buffers)))
		glint_capture_drop_parked(capture);
	if (!lender || source->parked || source->loan || capture->loan_refused)
		return;
	err = lender->lend(lender, &source->loan);
	if (err < 0)
		source->loan_reason = err == -EBUSY ? "busy" : "preparing";
}

/* The start job has ended: keep its answer, and return a loan that it did not use. */
static void capture_settle_loan(struct glint_capture *capture)
{
	struct glint_source *source = &capture->source;

	if (source->loan) {
		capture->loan_refused = capture->start_err == 0;
		capture->refused_format = source->vdev.format;
		glint_loan_return(source->loan);
		source->loan = NULL;
	}
	if (capture->start_err == 0)
		capture->shown.loan_reason = source->loan_reason;
}

void glint_capture_drop_parked(struct glint_capture *capture)
{
	struct glint_source *source = &capture->source;

	if (source->parked)
		glint_pool_retire(source->parked);
	source->parked = NULL;
}

static void capture_submit(struct glint_capture *capture, struct glint_job *job)
{
	assert(!capture->job_runs);

	if (job == &capture->start_job)
		capture_borrow(capture);
	capture->job_runs = true;
	capture->job_since_ns = glint_now_ns();
	job->run = job == &capture->start_job ? job_start : job_stop;
	capture->job_config = capture->config;
	if (job == &capture->start_job)
		glint_trial_submit(capture);
	glint_workers_submit(capture->worker, job, 1);
}

static bool capture_polls(const struct glint_capture *capture)
{
	return glint_op_busy(&capture->poll_op) || glint_op_busy(&capture->receiver_op);
}

static void capture_poll_receiver(struct glint_capture *capture)
{
	const struct glint_vdev *vdev = &capture->source.vdev;

	if (vdev->receiver_fd >= 0 && vdev->has_events)
		glint_loop_poll(capture->loop, &capture->receiver_op, vdev->receiver_fd,
				POLLIN | POLLPRI);
}

/* A descriptor is closed, or polled for other events, only after its poll has ended. */
void glint_capture_polled(struct glint_capture *capture)
{
	bool start = capture->start_waits, stop = capture->stop_waits;

	if (capture_polls(capture))
		return;
	capture->start_waits = capture->stop_waits = false;
	if (stop) {
		capture_submit(capture, &capture->stop_job);
		glint_device_jobs_stopping(capture);
	} else if (start && !capture->ending) {
		capture_submit(capture, &capture->start_job);
	}
}

/* --- To STARTING and STOPPING ------------------------------------------------------------ */

static void capture_enter_job(struct glint_capture *capture, enum glint_capture_state state)
{
	capture->state = state;
	capture->job_since_ns = glint_now_ns();
	capture->start_waits = state == GLINT_CAPTURE_STARTING;
	capture->stop_waits = state == GLINT_CAPTURE_STOPPING;
	glint_alarm_set(&capture->alarm, capture->job_since_ns + capture->config.stuck_ns);
	if (glint_op_busy(&capture->poll_op))
		glint_loop_cancel(capture->loop, &capture->poll_op);
	if (glint_op_busy(&capture->receiver_op))
		glint_loop_cancel(capture->loop, &capture->receiver_op);
	glint_capture_polled(capture);
}

void glint_capture_begin(struct glint_capture *capture)
{
	assert(!capture->pool);

	capture->began_ns = glint_now_ns();
	capture_enter_job(capture, GLINT_CAPTURE_STARTING);
}

/* No buffer comes any more. */
static void capture_end_stream(struct glint_capture *capture)
{
	capture->pool->live = false;
	glint_capture_end_half(capture, GLINT_OUTCOME_SKIPPED);
	glint_fields_retire(capture->fields);
	capture->fields = NULL;
}

/* @after: see after_stop. */
static void capture_leave(struct glint_capture *capture, bool close, int after)
{
	assert(capture->state == GLINT_CAPTURE_LIVE);

	glint_deferred_cancel(&capture->refusal);
	capture_end_stream(capture);
	capture->stop_closes = close;
	capture->after_stop = after;
	capture_enter_job(capture, GLINT_CAPTURE_STOPPING);
}

/* @count: of such faults so far; 0: they are not counted. */
static void capture_tell_fault(struct glint_capture *capture, const char *fault,
			       const char *message, uint64_t count)
{
	struct glint_report *report = glint_events_begin(capture->config.events, GLINT_EVENT_FAULT);

	glint_report_text(report, "of", "device");
	glint_report_text(report, "device", device_name(capture));
	glint_report_text(report, "fault", fault);
	if (message)
		glint_report_text(report, "message", message);
	if (count > 0)
		glint_report_uint(report, "count", count);
	glint_events_commit(capture->config.events);
}

/*
 * Log one line for each reason: an unplugged device fails with ENODEV at first, and with ENOENT
 * when the capture tries to open it again. Errors without a reason of their own are logged with
 * their text.
 */
static void capture_log_failure(struct glint_capture *capture, int err)
{
	enum glint_reason reason = glint_reason_of(err);
	const char *words = capture->shown.message;
	const char *message = reason == GLINT_REASON_ERROR ? strerror(-err) : *words ? words : NULL;

	if (capture->logged_err == err ||
	    (capture->logged_err < 0 && reason != GLINT_REASON_ERROR &&
	     reason == glint_reason_of(capture->logged_err)))
		return;
	capture->logged_err = err;
	capture->start_logged = false;
	/* Without a signal the device is well: the source's event says what is missing. */
	if (!glint_source_waits(err))
		capture_tell_fault(capture, glint_reason_name(reason), message, 0);
	/* V4L2 gives some errnos another meaning, so that their usual text would mislead. */
	if (reason == GLINT_REASON_ERROR)
		glint_log_err(&topic, err, "'%s' is offline", device_name(capture));
	else
		glint_log_warn(&topic, "'%s' is offline: %s%s%s", device_name(capture),
			       glint_reason_name(reason), *words ? ": " : "", words);
}

void glint_capture_fail(struct glint_capture *capture, int err)
{
	/* A stream that has worked is restarted at once; another waits for the retry. */
	bool at_once = capture->stream.frames > 0 && err != -ENODEV;

	capture_log_failure(capture, err);
	capture_leave(capture, true, at_once ? 0 : err);
	glint_capture_set_reason(capture, glint_reason_of(err));
}

void glint_capture_lose(struct glint_capture *capture, int err)
{
	if (err < 0)
		capture_log_failure(capture, err);
	else
		glint_log_info(&topic, "'%s': the source has changed", device_name(capture));
	capture_leave(capture, false, err);
	glint_capture_set_reason(capture, err < 0 ? glint_reason_of(err) : GLINT_REASON_OPENING);
}

void glint_capture_distrust(struct glint_capture *capture)
{
	glint_log_error(&topic,
			"'%s': the kernel has a fault: its driver fills a part of the memory of "
			"/dev/udmabuf only; such memory is not used any more",
			device_name(capture));
	capture_tell_fault(capture, "udmabuf", "the driver fills a part of each frame only", 0);
	capture->source.udmabuf_fails = true;
	capture_leave(capture, false, 0);
	glint_capture_set_reason(capture, GLINT_REASON_OPENING);
}

void glint_capture_restart(struct glint_capture *capture, const char *why)
{
	glint_log_info(&topic, "'%s': the stream restarts %s", device_name(capture), why);
	capture_leave(capture, false, 0);
	glint_capture_set_reason(capture, GLINT_REASON_OPENING);
}

void glint_capture_stop_for_idle(struct glint_capture *capture)
{
	if (capture->state == GLINT_CAPTURE_LIVE) {
		capture_leave(capture, true, 1);
	} else if (glint_source_is_open(&capture->source)) {
		capture->stop_closes = true;
		capture->after_stop = 1;
		capture_enter_job(capture, GLINT_CAPTURE_STOPPING);
	} else {
		glint_idle_pause(capture);
		return;
	}
	glint_capture_set_reason(capture, GLINT_REASON_IDLE);
}

/* --- To OFFLINE and LIVE -------------------------------------------------------------------- */

static void capture_go_offline(struct glint_capture *capture, int err)
{
	bool open = glint_source_is_open(&capture->source);
	enum glint_reason reason = glint_reason_of(err);

	capture->state = GLINT_CAPTURE_OFFLINE;
	capture_log_failure(capture, err);
	/* POLLIN on a queue without buffers would start the driver's read() emulation. */
	if (open && capture->source.vdev.has_events)
		glint_loop_poll(capture->loop, &capture->poll_op, capture->source.vdev.fd, POLLPRI);
	if (open)
		capture_poll_receiver(capture);
	glint_alarm_set(&capture->alarm,
			glint_now_ns() + (open ? TICK_NS : capture->config.retry_ns));
	if (capture->reason != reason)
		glint_capture_set_reason(capture, reason);
	glint_device_jobs_next(capture);
}

/* Prepare to make frames of the fields in the buffers of @pool. -ENOMEM, -EAGAIN, -EMFILE. */
static int capture_begin_fields(struct glint_capture *capture, struct glint_pool *pool)
{
	int err = 0;

	pool->owner = &capture->owner;
	if (!glint_fields_need(&pool->format, capture->job_config.deinterlace))
		return 0;
	if (!capture->copier)
		err = glint_workers_create(&capture->copier, capture->loop, "fields", 1);
	if (err == 0)
		err = glint_fields_create(&capture->fields, capture->copier, &pool->format,
					  capture->job_config.deinterlace, &capture->fields_owner);
	if (err == 0)
		pool->owner = &capture->buffers_owner;
	return err;
}

static void capture_go_live(struct glint_capture *capture)
{
	struct glint_capture_shown *shown = &capture->shown;
	struct glint_pool *pool = capture->source.pool;
	uint64_t now_ns = glint_now_ns();
	const struct glint_format *format;
	char fourcc[5];
	int err;

	assert(pool && !capture->pool); /* the start job has succeeded */

	capture->source.pool = NULL;
	capture->pool = pool;
	err = capture_begin_fields(capture, pool);
	format = capture->fields ? glint_fields_format(capture->fields) : &pool->format;
	pool->live = true;
	capture->stream = (struct glint_capture_stream){
		.started_ns = now_ns,
		.last_good_ns = now_ns,
		.width = format->width,
		.height = format->height,
		.cold_frames = capture->config.warm_up.frames,
		.cold_until_ns = now_ns + capture->config.warm_up.ns,
	};
	capture->streams++;
	capture->checked_ns = now_ns;
	shown->format = *format;
	shown->field = pool->format.field;
	shown->memory = pool->buffers[0].memory;
	/* Another format may suit the loan. */
	if (capture->refused_format.fourcc != pool->format.fourcc ||
	    capture->refused_format.width != pool->format.width ||
	    capture->refused_format.height != pool->format.height)
		capture->loan_refused = false;
	glint_ledger_restart(&capture->ledger);

	capture->state = GLINT_CAPTURE_LIVE;
	capture->tuned = capture->job_config.jpeg_quality;
	glint_loop_poll(capture->loop, &capture->poll_op, capture->source.vdev.fd,
			POLLIN | POLLPRI);
	capture_poll_receiver(capture);
	glint_alarm_set(&capture->alarm, now_ns + MIN(TICK_NS, capture->config.timeout_ns));
	if (err < 0) {
		glint_capture_fail(capture, err);
		return;
	}
	if (capture->logged_err == 0 || !capture->start_logged)
		glint_log_info(&topic, "'%s' (%s): %ux%u %s at %u.%02u fps, %u buffers",
			       shown->path, shown->identity.card, shown->format.width,
			       shown->format.height,
			       glint_fourcc_text(shown->format.fourcc, fourcc),
			       shown->nominal_millihz / 1000, shown->nominal_millihz % 1000 / 10,
			       pool->n_buffers);
	capture->start_logged = true;
	/* The settings may have changed during the start job. */
	if (glint_capture_makes_jpegs(capture) && !capture->tune_runs &&
	    capture->tuned != capture->config.jpeg_quality)
		(void)glint_capture_tune(capture, capture->config.jpeg_quality);
	glint_capture_watch_controls(capture);
	glint_device_jobs_next(capture);
	glint_idle_look(capture);
	/* These reasons stay until a good frame arrives. */
	if (capture->reason != GLINT_REASON_STALLED && capture->reason != GLINT_REASON_CORRUPT &&
	    capture->reason != GLINT_REASON_ERROR)
		glint_capture_set_reason(capture, GLINT_REASON_OPENING);
	if (glint_capture_stream_differs(&capture->config, &capture->job_config))
		glint_capture_restart(capture, "with other settings");
}

void glint_capture_on_start(struct glint_job *job)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, start_job);
	struct glint_capture_shown *shown = &capture->shown;
	const struct glint_source *source = &capture->source;

	capture->job_runs = false;
	memcpy(shown->path, source->path, sizeof(shown->path));
	memcpy(shown->message, source->message, sizeof(shown->message));
	shown->identity = source->vdev.identity;
	shown->nominal_millihz = source->vdev.rate_millihz;
	shown->timings = source->vdev.timings;
	shown->input = source->vdev.input;
	shown->standard = source->vdev.standard;
	shown->opens = source->opens;
	capture_settle_loan(capture);
	if (!capture->ending)
		glint_capture_edid_started(capture);
	shown->media = source->media;
	if (capture->ending) {
		glint_capture_stop(capture);
		return;
	}
	if (capture->start_err == -EUCLEAN && source->parked) {
		glint_capture_drop_parked(capture);
		glint_trial_again(capture);
		glint_capture_begin(capture);
		return;
	}
	glint_trial_returned(capture);
	if (capture->start_err < 0)
		capture_go_offline(capture, capture->start_err);
	else
		capture_go_live(capture);
	glint_trial_settle(capture);
}

void glint_capture_on_stop(struct glint_job *job)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, stop_job);

	capture->job_runs = false;
	if (capture->pool && capture->pool->loan && !capture->source.udmabuf_fails)
		capture->source.parked = capture->pool;
	else if (capture->pool)
		glint_pool_retire(capture->pool);
	capture->pool = NULL;
	if (capture->ending)
		glint_capture_stop(capture); /* the device may still be open */
	else if (capture->after_stop < 0)
		capture_go_offline(capture, capture->after_stop);
	else if (capture->after_stop > 0)
		glint_idle_pause(capture);
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

/*
 * HDMI sources change their colours without another size, between firmware and operating system. The
 * stream goes on: each frame has its own colours.
 */
static void capture_take_colours(struct glint_capture *capture)
{
	struct glint_format *format = &capture->pool->format;
	const struct glint_format *now = &capture->colours;

	if (capture->colours_err < 0 ||
	    (format->range == now->range && format->matrix == now->matrix))
		return;
	format->range = now->range;
	format->matrix = now->matrix;
	capture->shown.format.range = now->range;
	capture->shown.format.matrix = now->matrix;
	if (capture->fields)
		glint_fields_set_colours(capture->fields, format);
	glint_log_info(&topic, "'%s': the source has changed its colours", device_name(capture));
	glint_capture_set_reason(capture, capture->reason);
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
	if (err == 0 && capture->check_deep && capture->source.vdev.timings.width > 0)
		capture->stream.changed = false; /* what was measured is reliable */
	if (err == 0)
		capture_take_colours(capture);
	if (err == 0 || (err < 0 && err != -ENODEV && !glint_source_waits(err)))
		capture->stream.doubted = capture->stream.changed;
	else if (err == -ENODEV)
		glint_capture_fail(capture, err);
	else
		glint_capture_lose(capture, err < 0 ? err : 0);
}

/* --- The JPEG quality of the device --------------------------------------------------------- */

bool glint_capture_makes_jpegs(const struct glint_capture *capture)
{
	return capture->state == GLINT_CAPTURE_LIVE &&
	       capture->pool->format.info->layout == GLINT_LAYOUT_JPEG;
}

static int tune_run(struct glint_device_job *job, struct glint_source *source)
{
	const struct glint_capture *capture = container_of(job, struct glint_capture, tune);

	return glint_controls_set_jpeg_quality(source, capture->tune_quality);
}

static void tune_done(struct glint_device_job *job, int err)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, tune);
	struct glint_prepare *prepare = capture->prepare;

	/* A device that was closed or unplugged meanwhile gets the quality at its next start. */
	capture->tune_err = err == -ENODEV ? 0 : err;
	if (capture->tune_err == 0)
		capture->tuned = capture->tune_quality;
	capture->prepare = NULL;
	if (prepare)
		prepare->done(prepare, capture->tune_err);
}

static void tune_free(struct glint_device_job *job)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, tune);

	capture->tune_runs = false;
	/* The camera has taken the quality after the change was given up. */
	if (capture->tune_err == -ETIMEDOUT && job->err == 0) {
		capture->tune_err = 0;
		capture->tuned = capture->tune_quality;
	}
	/* The settings have changed meanwhile, or the change was cancelled. */
	if (!capture->ending && capture->tune_err == 0 && glint_capture_makes_jpegs(capture) &&
	    capture->tuned != capture->config.jpeg_quality)
		(void)glint_capture_tune(capture, capture->config.jpeg_quality);
}

static const struct glint_device_job_ops tune_ops = {
	.run = tune_run,
	.done = tune_done,
	.free = tune_free,
};

int glint_capture_tune(struct glint_capture *capture, unsigned quality)
{
	int err;

	assert(!capture->tune_runs);

	capture->tune.ops = &tune_ops;
	capture->tune.ours = true;
	capture->tune_quality = quality;
	err = glint_capture_run_job(capture, &capture->tune);
	capture->tune_runs = err == 0;
	return err;
}

/* --- Time ------------------------------------------------------------------------------------ */

/* A growing count is logged when it has doubled, which is enough to notice a bad cable. */
static bool has_doubled(uint64_t count, uint64_t *logged)
{
	if (count == *logged || count < 2 * *logged)
		return false;
	*logged = count;
	return true;
}

static void capture_log_damage(struct glint_capture *capture)
{
	if (has_doubled(capture->ledger.corrupt, &capture->corrupt_logged)) {
		capture_tell_fault(capture, "corrupt-frames", NULL, capture->ledger.corrupt);
		glint_log_warn(&topic, "'%s': %llu corrupt frames so far", device_name(capture),
			       (unsigned long long)capture->ledger.corrupt);
	}
	if (has_doubled(capture->cancelled, &capture->cancelled_logged)) {
		capture_tell_fault(capture, "empty-buffers", NULL, capture->cancelled);
		glint_log_warn(&topic,
			       "'%s': the driver has given back %llu buffers without a frame so "
			       "far: transfers fail; see the kernel's log, check the cable",
			       device_name(capture), (unsigned long long)capture->cancelled);
	}
}

/*
 * Return an error if no good frame has arrived for too long: -ETIMEDOUT (no frame at all) or
 * -EBADMSG (damaged frames only). If readers hold all buffers, the device is not at fault.
 */
static int stream_lacks_frames(const struct glint_capture *capture, uint64_t now_ns)
{
	const struct glint_capture_stream *stream = &capture->stream;
	uint64_t timeout_ns = capture->config.timeout_ns;

	if (capture->pool->with_driver == 0 || now_ns - stream->last_good_ns <= timeout_ns)
		return 0;
	return now_ns - stream->taken_ns > timeout_ns ? -ETIMEDOUT : -EBADMSG;
}

/*
 * The service itself may have stood still, on a busy machine or because somebody has stopped it: what
 * has come meanwhile is taken first. Returns whether that is done.
 */
static bool capture_looked_again(struct glint_capture *capture, uint64_t now_ns)
{
	bool looked = capture->looks_again;

	capture->looks_again = !looked;
	if (!looked)
		glint_alarm_set(&capture->alarm, now_ns + LOOK_AGAIN_NS);
	return looked;
}

static void capture_watch(struct glint_capture *capture, uint64_t now_ns)
{
	const struct glint_capture_stream *stream = &capture->stream;
	int err = stream_lacks_frames(capture, now_ns);

	capture_log_damage(capture);
	if (err < 0) {
		if (capture_looked_again(capture, now_ns))
			glint_capture_fail(capture, err);
		return;
	}
	capture->looks_again = false;
	/* Not at once, because a driver may report the change that its own setup has made. */
	if (stream->changed && !capture->check_runs && now_ns - stream->started_ns > CHECK_NS) {
		glint_capture_lose(capture, 0);
		return;
	}
	if (!capture->check_runs && now_ns - capture->checked_ns >= CHECK_NS)
		glint_capture_check(capture, false);
	glint_capture_watch_controls(capture);
	glint_alarm_set(&capture->alarm, now_ns + MIN(TICK_NS, capture->config.timeout_ns));
}

void glint_capture_tell_stuck(struct glint_capture *capture)
{
	glint_log_error(&topic, "'%s': a call into its driver does not return",
			device_name(capture));
	capture_tell_fault(capture, glint_reason_name(GLINT_REASON_STUCK), NULL, 0);
}

static void capture_watch_job(struct glint_capture *capture, uint64_t now_ns)
{
	bool stuck = now_ns - capture->job_since_ns >= capture->config.stuck_ns;

	glint_alarm_set(&capture->alarm, now_ns + capture->config.stuck_ns);
	if (capture->reason == GLINT_REASON_STUCK || !stuck) {
		capture->looks_again = false;
		return;
	}
	if (!capture_looked_again(capture, now_ns))
		return;
	capture->logged_err = 0;
	glint_capture_tell_stuck(capture);
	glint_capture_set_reason(capture, GLINT_REASON_STUCK);
}

void glint_capture_hurry(struct glint_capture *capture)
{
	uint64_t earliest_ns = capture->job_since_ns + HURRY_NS;

	if (capture->state == GLINT_CAPTURE_OFFLINE)
		glint_alarm_set(&capture->alarm, MAX(glint_now_ns(), earliest_ns));
}

void glint_capture_on_alarm(struct glint_alarm *alarm)
{
	struct glint_capture *capture = container_of(alarm, struct glint_capture, alarm);
	uint64_t now_ns = glint_now_ns();

	if (capture->ending)
		return;
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

/* At the end: stop the stream, if there is one, and close the device. */
void glint_capture_stop(struct glint_capture *capture)
{
	if (capture->job_runs || !glint_source_is_open(&capture->source))
		return;
	if (capture->source.pool) { /* started, but not live yet */
		capture->pool = capture->source.pool;
		capture->pool->owner = &capture->owner;
		capture->source.pool = NULL;
	}
	if (capture->pool)
		capture_end_stream(capture);
	capture->stop_closes = true;
	capture_submit(capture, &capture->stop_job);
}
