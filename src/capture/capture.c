/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "capture/controls.h"
#include "capture/internal.h"
#include "mem/loan.h"
#include "v4l2/downstream.h"

#define STUCK_NS (3 * GLINT_NSEC_PER_SEC)

static void capture_released(struct glint_pool_owner *owner, const struct glint_frame *frame)
{
	struct glint_capture *capture = container_of(owner, struct glint_capture, owner);

	assert(capture->leased > 0);

	capture->leased--;
	glint_ledger_settle(&capture->ledger, frame->outcome);
}

/* Called from within a reader's unref, so the failure is deferred. */
static void capture_defer_refusal(struct glint_capture *capture, int err)
{
	if (capture->state != GLINT_CAPTURE_LIVE || capture->refusal.pending)
		return;
	capture->refused_err = err;
	glint_loop_defer(capture->loop, &capture->refusal);
}

static void capture_refused(struct glint_pool_owner *owner, int err)
{
	capture_defer_refusal(container_of(owner, struct glint_capture, owner), err);
}

/* Of buffers with fields: the ledger counts the frames that are made of them. */
static void buffer_released(struct glint_pool_owner *owner, const struct glint_frame *frame)
{
	(void)owner;
	(void)frame;
}

static void buffer_refused(struct glint_pool_owner *owner, int err)
{
	capture_defer_refusal(container_of(owner, struct glint_capture, buffers_owner), err);
}

static void made_released(struct glint_fields_owner *owner, const struct glint_frame *frame)
{
	struct glint_capture *capture = container_of(owner, struct glint_capture, fields_owner);

	capture_released(&capture->owner, frame);
}

static void capture_on_refusal(struct glint_deferred *deferred)
{
	struct glint_capture *capture = container_of(deferred, struct glint_capture, refusal);

	/* Leaving LIVE cancels the refusal. */
	assert(capture->state == GLINT_CAPTURE_LIVE);

	if (!capture->ending)
		glint_capture_fail(capture, capture->refused_err);
}

static void capture_free(struct glint_capture *capture)
{
	glint_capture_end_controls(capture);
	free(capture->media_entity);
	free(capture->media_device);
	free(capture->device);
	free(capture);
}

static void capture_init(struct glint_capture *capture, struct glint_loop *loop,
			 struct glint_capture_listener *listener)
{
	capture->loop = loop;
	capture->listener = listener;
	capture->reason = GLINT_REASON_OPENING;
	capture->hotplug_fd = -1;
	capture->owner.released = capture_released;
	capture->owner.failed = capture_refused;
	capture->buffers_owner.released = buffer_released;
	capture->buffers_owner.failed = buffer_refused;
	capture->fields_owner.made = glint_capture_on_made;
	capture->fields_owner.released = made_released;
	capture->refusal.run = capture_on_refusal;
	capture->start_job.done = glint_capture_on_start;
	capture->stop_job.done = glint_capture_on_stop;
	capture->check_job.done = glint_capture_on_check;
	capture->poll_op.done = glint_capture_on_poll;
	glint_device_jobs_init(&capture->jobs, loop);
	capture->receiver_op.done = glint_capture_on_receiver;
	glint_alarm_init(&capture->alarm, loop, glint_capture_on_alarm);
	capture->hotplug_op.done = glint_hotplug_on_event;
	glint_vdev_init(&capture->source.vdev);
	glint_idle_init(capture);
	glint_fanout_init(&capture->looks, NULL);
}

/* Replace *@text, unless it is NULL, by a copy that the caller owns. */
static int copy_text(char **copy, const char **text)
{
	if (!*text)
		return 0;
	*copy = strdup(*text);
	*text = *copy;
	return *copy ? 0 : -ENOMEM;
}

int glint_capture_create(struct glint_capture **out, struct glint_loop *loop,
			 const struct glint_capture_config *config,
			 struct glint_capture_listener *listener)
{
	struct glint_capture *capture = calloc(1, sizeof(*capture));
	int err;

	assert(config->buffers >= 2 && config->buffers <= GLINT_VQUEUE_BUFFERS_MAX);

	if (!capture)
		return -ENOMEM;
	capture_init(capture, loop, listener);
	capture->source.config = &capture->job_config;
	capture->source.access = config->access ? config->access : glint_v4l2_kernel();
	capture->config = *config;
	if (!config->stuck_ns)
		capture->config.stuck_ns = STUCK_NS;
	if (config->device) {
		capture->device = strdup(config->device);
		err = -ENOMEM;
		if (!capture->device)
			goto free_capture;
	}
	capture->config.device = capture->device;
	for (unsigned i = 0; i < config->words.n; i++)
		glint_controls_keep_word(&capture->source.kept, config->words.texts[i]);
	capture->config.words.n = 0; /* the texts are the caller's */
	if (config->edid) {
		capture->source.edid.wants = true;
		capture->source.edid.change.wanted_size = config->edid_size;
		memcpy(capture->source.edid.change.wanted, config->edid, config->edid_size);
	}
	err = copy_text(&capture->media_device, &capture->config.media_device);
	if (err == 0)
		err = copy_text(&capture->media_entity, &capture->config.media_entity);
	if (err < 0)
		goto free_capture;
	err = glint_workers_create(&capture->worker, loop, "device", 1);
	if (err < 0)
		goto free_capture;
	*out = capture;
	return 0;

free_capture:
	capture_free(capture);
	return err;
}

void glint_capture_set_downstream(struct glint_capture *capture,
				  struct glint_downstream *downstream)
{
	assert(capture->state == GLINT_CAPTURE_IDLE);

	capture->source.downstream = downstream;
}

void glint_capture_set_lender(struct glint_capture *capture, struct glint_lender *lender)
{
	capture->lender = lender;
}

void glint_capture_start(struct glint_capture *capture)
{
	assert(capture->state == GLINT_CAPTURE_IDLE);

	if (capture->source.access == glint_v4l2_kernel())
		glint_hotplug_start(capture);
	if (capture->config.idle_stops)
		glint_idle_pause(capture);
	else
		glint_capture_begin(capture);
}

int glint_capture_prepare(struct glint_capture *capture, const struct glint_capture_config *wanted,
			  struct glint_prepare *prepare, enum glint_holds *holds)
{
	int err;

	if (wanted->keep_range != capture->config.keep_range)
		glint_holds_raise(holds, GLINT_HOLDS_NEXT_STREAM);
	/* Each start sets the quality. */
	if (glint_capture_stream_differs(wanted, &capture->config))
		return glint_trial_begin(capture, wanted, prepare);
	if (!glint_capture_makes_jpegs(capture) ||
	    wanted->jpeg_quality == capture->config.jpeg_quality)
		return 0;
	if (capture->tune_runs)
		return -EBUSY;
	err = glint_capture_tune(capture, wanted->jpeg_quality);
	if (err < 0)
		return err;
	capture->prepare = prepare;
	return -EINPROGRESS;
}

void glint_capture_apply(struct glint_capture *capture, const struct glint_capture_config *wanted)
{
	struct glint_capture_config *config = &capture->config;

	capture->prepare = NULL;
	config->jpeg_quality = wanted->jpeg_quality;
	config->keep_range = wanted->keep_range;
	config->size_fps = wanted->size_fps;
	config->allow_truncated = wanted->allow_truncated;
	config->min_frame_size = wanted->min_frame_size;
	config->timeout_ns = wanted->timeout_ns;
	config->retry_ns = wanted->retry_ns;
	config->warm_up = wanted->warm_up;
	config->idle_stops = wanted->idle_stops;
	glint_idle_look(capture);
	glint_trial_apply(capture, wanted);
	if (capture->state == GLINT_CAPTURE_OFFLINE)
		glint_alarm_set(&capture->alarm,
				MIN(capture->alarm.due_ns, glint_now_ns() + config->retry_ns));
	/* A cancelled change may have reached the device. */
	if (glint_capture_makes_jpegs(capture) && !capture->tune_runs &&
	    capture->tuned != config->jpeg_quality)
		(void)glint_capture_tune(capture, config->jpeg_quality);
}

static bool capture_ops_busy(const struct glint_capture *capture)
{
	return glint_op_busy(&capture->poll_op) || glint_op_busy(&capture->receiver_op) ||
	       glint_alarm_busy(&capture->alarm) || glint_alarm_busy(&capture->idle.linger) ||
	       glint_alarm_busy(&capture->jobs.alarm) || glint_op_busy(&capture->hotplug_op);
}

static bool capture_job_runs(const struct glint_capture *capture)
{
	return capture->job_runs;
}

/* Run the loop until @busy() returns false, or until @deadline_ns. Returns !@busy(). */
static bool capture_await(struct glint_capture *capture,
			  bool (*busy)(const struct glint_capture *capture), uint64_t deadline_ns)
{
	while (busy(capture) && glint_time_left_ns(deadline_ns) > 0)
		if (glint_loop_run_once(capture->loop, deadline_ns) < 0)
			break;
	return !busy(capture);
}

bool glint_capture_leave_downstream(struct glint_capture *capture, uint64_t deadline_ns)
{
	capture->ending = true; /* starts no more jobs */
	if (capture->source.downstream)
		capture->source.downstream->ops->close(capture->source.downstream);
	return capture_await(capture, capture_job_runs, deadline_ns);
}

bool glint_capture_destroy(struct glint_capture *capture, uint64_t deadline_ns)
{
	bool clean;

	if (!capture)
		return true;
	capture->ending = true;
	glint_deferred_cancel(&capture->refusal);
	glint_loop_cancel(capture->loop, &capture->poll_op);
	glint_loop_cancel(capture->loop, &capture->receiver_op);
	glint_alarm_end(&capture->alarm);
	glint_idle_end(capture);
	glint_device_jobs_end(&capture->jobs);
	glint_loop_cancel(capture->loop, &capture->hotplug_op);
	clean = capture_await(capture, capture_ops_busy, deadline_ns);
	if (clean) /* otherwise the loop still polls the descriptor */
		glint_capture_stop(capture);
	clean = glint_workers_destroy(capture->worker, deadline_ns) && clean;
	clean = glint_workers_destroy(capture->copier, deadline_ns) && clean;
	if (!clean)
		return false;
	assert(capture->leased == 0 && !capture->pool);
	glint_capture_drop_parked(capture);
	capture_free(capture);
	return true;
}

struct glint_fanout *glint_capture_frames(struct glint_capture *capture)
{
	return &capture->frames;
}

struct glint_fanout *glint_capture_all(struct glint_capture *capture)
{
	return &capture->all;
}

struct glint_fanout *glint_capture_looks(struct glint_capture *capture)
{
	return &capture->looks;
}

void glint_capture_judge(struct glint_capture *capture, enum glint_reason reason)
{
	assert(reason == GLINT_REASON_NONE || glint_reason_is_of_picture(reason));

	capture->judged = reason;
}

const struct glint_ledger *glint_capture_ledger(const struct glint_capture *capture)
{
	return &capture->ledger;
}

const char *glint_capture_kind(const struct glint_capture *capture)
{
	return capture->config.kind ? capture->config.kind : "v4l2";
}

const char *glint_capture_path(const struct glint_capture *capture)
{
	const struct glint_capture_shown *shown = &capture->shown;

	return *shown->path || !capture->device ? shown->path : capture->device;
}

uint32_t glint_capture_rate_millihz(const struct glint_capture *capture)
{
	return glint_rate_millihz(&capture->rate, glint_now_ns());
}

void glint_capture_status(const struct glint_capture *capture, struct glint_capture_status *status)
{
	const struct glint_capture_shown *shown = &capture->shown;
	const struct glint_pool *pool = capture->pool;
	bool online = capture->reason == GLINT_REASON_NONE;

	*status = (struct glint_capture_status){
		.kind = glint_capture_kind(capture),
		.reason = capture->reason,
		.online = online,
		.stream = online && pool ? pool->stream : 0,
		.path = glint_capture_path(capture),
		.message = capture->shown.message,
		.format = shown->format,
		.width = capture->stream.width,
		.height = capture->stream.height,
		.nominal_millihz = shown->nominal_millihz,
		.last = capture->last,
		.memory = shown->memory,
		.borrowed = pool && pool->loan,
		.loan_reason = shown->loan_reason ? shown->loan_reason : "",
		.buffers = pool ? pool->n_buffers : 0,
		.with_driver = pool ? pool->with_driver : 0,
		.leased = capture->leased,
		.opens = shown->opens,
		.restarts = capture->streams > 0 ? capture->streams - 1 : 0,
		.idle_stops = capture->idle.stops,
	};
}

unsigned glint_capture_spare(const struct glint_capture *capture)
{
	if (capture->fields)
		return glint_fields_spare(capture->fields);
	return capture->pool ? glint_pool_spare(capture->pool) : 0;
}

bool glint_capture_is_short(const struct glint_capture *capture)
{
	return capture->pool && glint_pool_is_short(capture->pool);
}
