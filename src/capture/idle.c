/* SPDX-License-Identifier: MIT */
/*
 * --idle stop: the device streams only while a reader takes its frames, or a job needs the device. The
 * sinks of glint_capture_looks() do not count. Without readers the stream goes on for some seconds, so
 * that a snapshot each second does not start it each time. Then the device is closed, whether it has a
 * signal or not: it may save power, and other programs may use it.
 */
#include "base/clock.h"
#include "base/log.h"
#include "capture/internal.h"

static const struct glint_log_topic topic = { "capture" };

#define LINGER_NS (5 * GLINT_NSEC_PER_SEC)

static bool is_wanted(const struct glint_capture *capture)
{
	return !capture->config.idle_stops || glint_fanout_wanted(&capture->frames) ||
	       glint_fanout_wanted(&capture->all) || !glint_list_empty(&capture->jobs.waiting) ||
	       capture->jobs.running || capture->trial.waits;
}

bool glint_capture_pauses(const struct glint_capture *capture)
{
	return capture->idle.paused;
}

void glint_idle_pause(struct glint_capture *capture)
{
	capture->state = GLINT_CAPTURE_IDLE;
	capture->idle.paused = true;
	glint_alarm_set(&capture->alarm, GLINT_ALARM_NEVER);
	glint_capture_set_reason(capture, GLINT_REASON_IDLE);
	/* A reader may have come while the device was closed. */
	glint_loop_defer(capture->loop, &capture->idle.look);
}

static void idle_on_look(struct glint_deferred *deferred)
{
	struct glint_capture *capture = container_of(deferred, struct glint_capture, idle.look);
	struct glint_idle *idle = &capture->idle;

	if (capture->ending)
		return;
	if (!is_wanted(capture)) {
		if (idle->linger.due_ns == GLINT_ALARM_NEVER)
			glint_alarm_set(&idle->linger, glint_now_ns() + LINGER_NS);
		return;
	}
	glint_alarm_set(&idle->linger, GLINT_ALARM_NEVER);
	if (!idle->paused)
		return;
	idle->paused = false;
	glint_capture_begin(capture);
	glint_capture_set_reason(capture, GLINT_REASON_OPENING);
}

static void idle_on_linger(struct glint_alarm *alarm)
{
	struct glint_capture *capture = container_of(alarm, struct glint_capture, idle.linger);

	if (capture->ending || capture->idle.paused || is_wanted(capture))
		return;
	if (capture->state != GLINT_CAPTURE_LIVE && capture->state != GLINT_CAPTURE_OFFLINE) {
		glint_alarm_set(alarm, glint_now_ns() + LINGER_NS); /* a job has the device */
		return;
	}
	capture->idle.stops++;
	glint_log_info(&topic, "'%s' stops: nobody takes its frames", glint_capture_path(capture));
	glint_capture_stop_for_idle(capture);
}

void glint_idle_look(struct glint_capture *capture)
{
	if (!capture->ending)
		glint_loop_defer(capture->loop, &capture->idle.look);
}

static void frames_demand(struct glint_fanout *fanout, bool wanted)
{
	(void)wanted;
	glint_idle_look(container_of(fanout, struct glint_capture, frames));
}

static void all_demand(struct glint_fanout *fanout, bool wanted)
{
	(void)wanted;
	glint_idle_look(container_of(fanout, struct glint_capture, all));
}

void glint_idle_init(struct glint_capture *capture)
{
	capture->idle.look.run = idle_on_look;
	glint_alarm_init(&capture->idle.linger, capture->loop, idle_on_linger);
	glint_fanout_init(&capture->frames, frames_demand);
	glint_fanout_init(&capture->all, all_demand);
}

void glint_idle_end(struct glint_capture *capture)
{
	glint_deferred_cancel(&capture->idle.look);
	glint_alarm_end(&capture->idle.linger);
}
