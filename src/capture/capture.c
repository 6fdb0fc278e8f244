/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "capture/internal.h"

#define STUCK_NS (3 * GLINT_NSEC_PER_SEC)

static void capture_released(struct glint_pool_owner *owner, const struct glint_frame *frame)
{
	struct glint_capture *capture = container_of(owner, struct glint_capture, owner);

	capture->leased--;
	glint_ledger_settle(&capture->ledger, frame->outcome);
}

/* From within a reader's unref: told when that reader is done. */
static void capture_refused(struct glint_pool_owner *owner, int err)
{
	struct glint_capture *capture = container_of(owner, struct glint_capture, owner);

	if (capture->state != GLINT_CAPTURE_LIVE || capture->refusal.pending)
		return;
	capture->refused_err = err;
	glint_loop_defer(capture->loop, &capture->refusal);
}

static void capture_on_refusal(struct glint_deferred *deferred)
{
	struct glint_capture *capture = container_of(deferred, struct glint_capture, refusal);

	/* Another failure would have cancelled this one. */
	assert(capture->state == GLINT_CAPTURE_LIVE);

	if (!capture->ending)
		glint_capture_fail(capture, capture->refused_err);
}

static int capture_copy_config(struct glint_capture *capture,
			       const struct glint_capture_config *config)
{
	capture->config = *config;
	if (config->device) {
		capture->device = strdup(config->device);
		if (!capture->device)
			return -ENOMEM;
	}
	capture->config.device = capture->device;
	capture->config.buffers = MIN(MAX(config->buffers, 2u), GLINT_VQUEUE_BUFFERS_MAX + 0u);
	if (!config->stuck_ns)
		capture->config.stuck_ns = STUCK_NS;
	return 0;
}

static void capture_free(struct glint_capture *capture)
{
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
	capture->refusal.run = capture_on_refusal;
	capture->start_job.done = glint_capture_on_start;
	capture->stop_job.done = glint_capture_on_stop;
	capture->check_job.done = glint_capture_on_check;
	capture->poll_op.done = glint_capture_on_poll;
	capture->timer_op.done = glint_capture_on_timer;
	capture->hotplug_op.done = glint_hotplug_on_event;
	glint_vdev_init(&capture->source.vdev);
	glint_fanout_init(&capture->frames, NULL);
}

int glint_capture_create(struct glint_capture **out, struct glint_loop *loop,
			 const struct glint_capture_config *config,
			 struct glint_capture_listener *listener)
{
	struct glint_capture *capture = calloc(1, sizeof(*capture));
	int err;

	if (!capture)
		return -ENOMEM;
	capture_init(capture, loop, listener);
	capture->source.config = &capture->config;
	capture->source.access = config->access ? config->access : glint_v4l2_kernel();
	err = capture_copy_config(capture, config);
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

void glint_capture_set_partner(struct glint_capture *capture, struct glint_partner *partner)
{
	assert(capture->state == GLINT_CAPTURE_IDLE);

	capture->source.partner = partner;
}

void glint_capture_start(struct glint_capture *capture)
{
	assert(capture->state == GLINT_CAPTURE_IDLE);

	if (capture->source.access == glint_v4l2_kernel())
		glint_hotplug_start(capture);
	glint_capture_begin(capture);
}

static bool capture_ops_busy(const struct glint_capture *capture)
{
	return glint_op_busy(&capture->poll_op) || glint_op_busy(&capture->timer_op) ||
	       glint_op_busy(&capture->hotplug_op);
}

static bool capture_job_runs(const struct glint_capture *capture)
{
	return capture->job_runs;
}

/* Runs the loop until nothing is @busy, which is the answer, or until @deadline_ns. */
static bool capture_await(struct glint_capture *capture,
			  bool (*busy)(const struct glint_capture *capture), uint64_t deadline_ns)
{
	while (busy(capture) && glint_time_left_ns(deadline_ns) > 0)
		if (glint_loop_run_once(capture->loop, deadline_ns) < 0)
			break;
	return !busy(capture);
}

static bool capture_end_ops(struct glint_capture *capture, uint64_t deadline_ns)
{
	glint_loop_cancel(capture->loop, &capture->poll_op);
	glint_loop_cancel(capture->loop, &capture->timer_op);
	glint_loop_cancel(capture->loop, &capture->hotplug_op);
	return capture_await(capture, capture_ops_busy, deadline_ns);
}

bool glint_capture_leave_partner(struct glint_capture *capture, uint64_t deadline_ns)
{
	capture->ending = true;		/* no start follows */
	return capture_await(capture, capture_job_runs, deadline_ns);
}

bool glint_capture_destroy(struct glint_capture *capture, uint64_t deadline_ns)
{
	bool clean;

	if (!capture)
		return true;
	capture->ending = true;
	glint_deferred_cancel(&capture->refusal);
	clean = capture_end_ops(capture, deadline_ns);
	if (clean)	/* else the descriptor is still polled */
		glint_capture_stop(capture);
	clean = glint_workers_destroy(capture->worker, deadline_ns) && clean;
	if (!clean)
		return false;
	assert(capture->leased == 0 && !capture->pool);
	capture_free(capture);
	return true;
}

struct glint_fanout *glint_capture_frames(struct glint_capture *capture)
{
	return &capture->frames;
}

const struct glint_ledger *glint_capture_ledger(const struct glint_capture *capture)
{
	return &capture->ledger;
}

void glint_capture_status(const struct glint_capture *capture, struct glint_capture_status *status)
{
	const struct glint_capture_shown *shown = &capture->shown;
	const struct glint_pool *pool = capture->pool;
	bool online = capture->reason == GLINT_REASON_NONE;

	*status = (struct glint_capture_status){
		.kind = capture->config.kind ? capture->config.kind : "v4l2",
		.reason = capture->reason,
		.online = online,
		.stream = online && pool ? pool->slots[0].frame.stream : 0,
		.path = *shown->path || !capture->device ? shown->path : capture->device,
		.driver = shown->driver,
		.card = shown->card,
		.bus = shown->bus,
		.format = shown->format,
		.width = capture->stream.width,
		.height = capture->stream.height,
		.rate_millihz = glint_rate_millihz(&capture->rate, glint_now_ns()),
		.nominal_millihz = shown->nominal_millihz,
		.last_seq = capture->last.seq,
		.last_capture_ns = capture->last.capture_ns,
		.last_complete_ns = capture->last.complete_ns,
		.clock = glint_clock_name(capture->last.clock),
		.start_of_exposure = capture->last.start_of_exposure,
		.memory = shown->memory,
		.buffers = pool ? pool->n : 0,
		.with_driver = pool ? pool->with_driver : 0,
		.leased = capture->leased,
		.cancelled = capture->cancelled,
		.opens = shown->opens,
		.restarts = capture->streams > 0 ? capture->streams - 1 : 0,
	};
}

unsigned glint_capture_spare(const struct glint_capture *capture)
{
	unsigned with_driver = capture->pool ? capture->pool->with_driver : 0;

	return with_driver > 2 ? with_driver - 2 : 0;
}
