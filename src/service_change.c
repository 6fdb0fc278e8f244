/* SPDX-License-Identifier: MIT */
#include "service_change.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "core/events.h"
#include "core/report.h"
#include "encode/encoder.h"
#include "http/server.h"

static const struct glint_log_topic topic = { "settings" };

/* For devices to answer whether they take a change; some need long to start a stream. */
#define ANSWER_NS	 (2 * GLINT_NSEC_PER_SEC)
#define ANSWER_STREAM_NS (10 * GLINT_NSEC_PER_SEC)

static void owner_next_later(struct glint_owner *owner)
{
	if (!glint_list_empty(&owner->waiting) && !owner->busy)
		glint_loop_defer(owner->loop, &owner->next);
}

static void owner_log(const struct glint_change *change)
{
	for (unsigned i = 0; i < change->n_values; i++)
		glint_log_info(&topic, "%s is %s now", change->values[i].name,
			       change->values[i].value ? change->values[i].value : "the default");
}

static void owner_tell(const struct glint_owner *owner)
{
	struct glint_report *report = glint_events_begin(owner->events, GLINT_EVENT_SETTINGS);

	glint_report_uint(report, "generation", owner->generation + 1);
	glint_report_text(report, "holds", glint_holds_name(owner->holds));
	glint_report_object(report, "changed");
	glint_settings_report_changes(&owner->now, &owner->wanted, report);
	glint_report_end(report);
	glint_events_commit(owner->events);
}

static void owner_apply(struct glint_owner *owner, const struct glint_settings *settings)
{
	glint_encoder_apply(owner->encoder, &settings->encoder);
	glint_capture_apply(owner->capture, &settings->capture);
}

/* @message: what the device has said, in words; "": nothing. */
static void change_refuse(struct glint_change *change, int err, const char *message)
{
	bool silent = !*message && (err == -ETIMEDOUT || err == -EBUSY);
	const char *text = *message ? message : strerror(-err);

	if (!*message && err == -ENOTTY)
		text = "it has no such control";
	change->outcome = silent ? GLINT_CHANGE_SILENT : GLINT_CHANGE_REFUSED;
	if (silent)
		snprintf(change->message, sizeof(change->message),
			 "the device does not answer, and nothing has changed; try again later");
	else
		snprintf(change->message, sizeof(change->message),
			 "the device refuses the change, and nothing has changed: %s", text);
}

/* Tell what the present stream has of the settings of the change. */
static void owner_tell_made(const struct glint_owner *owner, struct glint_change *change)
{
	change->n_made = 0;
	if (owner->holds == GLINT_HOLDS_NEXT_STREAM)
		return;
	for (unsigned i = 0; i < change->n_values && change->n_made < GLINT_CHANGE_MADE_MAX; i++) {
		struct glint_change_made *made = &change->made[change->n_made];

		made->name = change->values[i].name;
		made->asked = change->values[i].value;
		change->n_made += glint_capture_made(owner->capture, made);
	}
}

/* A new stream has all settings of the change; without a stream they wait for the next one. */
static void owner_settle_holds(struct glint_owner *owner)
{
	struct glint_capture_status capture;

	if (!glint_capture_stream_differs(&owner->now.capture, &owner->wanted.capture))
		return;
	glint_capture_status(owner->capture, &capture);
	owner->holds = capture.buffers > 0 ? GLINT_HOLDS_NEW_STREAM : GLINT_HOLDS_NEXT_STREAM;
}

/* End the change that is under way: apply it, or with @err < 0 the settings of before. */
static void owner_finish(struct glint_owner *owner, int err)
{
	struct glint_change *change = owner->change;

	assert(owner->busy);

	glint_alarm_set(&owner->timeout, GLINT_ALARM_NEVER);
	if (err < 0) {
		owner_apply(owner, &owner->now);
		if (change)
			change_refuse(change, err, owner->of_capture.message);
	} else {
		if (owner->now.log_level != owner->wanted.log_level)
			glint_log_setup(
				(enum glint_log_level)(GLINT_LOG_INFO + owner->wanted.log_level),
				owner->wanted.log_color);
		owner_settle_holds(owner);
		owner_tell(owner);
		owner->now = owner->wanted;
		owner->generation++;
		owner_apply(owner, &owner->now);
		glint_server_apply(owner->server, &owner->now.net);
		owner->applied(owner);
		if (change)
			owner_log(change);
		else
			glint_log_info(&topic, "settings have changed for a client that is gone");
	}
	owner->busy = false;
	owner->change = NULL;
	owner_next_later(owner);
	if (!change)
		return;
	if (err == 0)
		owner_tell_made(owner, change);
	change->holds = owner->holds;
	change->generation = owner->generation;
	change->done(change);
}

static void owner_on_capture(struct glint_prepare *prepare, int err)
{
	struct glint_owner *owner = container_of(prepare, struct glint_owner, of_capture);

	assert(owner->busy);

	owner_finish(owner, err);
}

/* The capture comes last: it may have to interrupt the stream, and must not do so in vain. */
static void owner_ask_capture(struct glint_owner *owner)
{
	int err = glint_capture_prepare(owner->capture, &owner->wanted.capture, &owner->of_capture,
					&owner->holds);

	if (err != -EINPROGRESS)
		owner_finish(owner, err);
}

static void owner_on_encoder(struct glint_prepare *prepare, int err)
{
	struct glint_owner *owner = container_of(prepare, struct glint_owner, of_encoder);

	assert(owner->busy);

	if (err < 0)
		owner_finish(owner, err);
	else
		owner_ask_capture(owner);
}

static void owner_on_timeout(struct glint_alarm *alarm)
{
	struct glint_owner *owner = container_of(alarm, struct glint_owner, timeout);

	if (owner->busy)
		owner_finish(owner, -ETIMEDOUT);
}

static void owner_on_next(struct glint_deferred *deferred)
{
	struct glint_owner *owner = container_of(deferred, struct glint_owner, next);
	struct glint_change *change = glint_list_first(&owner->waiting, struct glint_change, link);
	int err;

	assert(!owner->busy);

	if (!change)
		return;
	glint_list_remove(&change->link);
	if (!glint_settings_change(&owner->now, change, &owner->wanted) || change->n_values == 0) {
		change->generation = owner->generation;
		owner_next_later(owner);
		change->done(change);
		return;
	}
	owner->busy = true;
	owner->change = change;
	owner->holds = change->holds;
	owner->of_encoder.message[0] = owner->of_capture.message[0] = '\0';
	glint_alarm_set(&owner->timeout, glint_now_ns() + (change->holds >= GLINT_HOLDS_NEW_STREAM ?
								   ANSWER_STREAM_NS :
								   ANSWER_NS));

	/* Ask the devices. */
	err = glint_encoder_prepare(owner->encoder, &owner->wanted.encoder, &owner->of_encoder,
				    &owner->holds);
	if (err == 0)
		owner_ask_capture(owner);
	else if (err != -EINPROGRESS)
		owner_finish(owner, err);
}

void glint_owner_init(struct glint_owner *owner, struct glint_loop *loop,
		      const struct glint_settings *settings)
{
	owner->now = *settings;
	owner->loop = loop;
	owner->next.run = owner_on_next;
	owner->of_encoder.done = owner_on_encoder;
	owner->of_capture.done = owner_on_capture;
	glint_list_init(&owner->waiting);
	glint_alarm_init(&owner->timeout, loop, owner_on_timeout);
}

void glint_owner_end(struct glint_owner *owner)
{
	glint_deferred_cancel(&owner->next);
	glint_alarm_end(&owner->timeout);
	if (owner->busy)
		owner_apply(owner, &owner->now); /* cancels the change in the modules */
	owner->change = NULL;
}

void glint_owner_change(struct glint_owner *owner, struct glint_change *change)
{
	glint_list_init(&change->link);
	glint_list_append(&owner->waiting, &change->link);
	owner_next_later(owner);
}

void glint_owner_forget(struct glint_owner *owner, struct glint_change *change)
{
	if (owner->change == change)
		owner->change = NULL; /* the change goes on without its client */
	else
		glint_list_remove(&change->link);
}

void glint_owner_report(const struct glint_owner *owner, struct glint_report *report)
{
	glint_report_uint(report, "generation", owner->generation);
	glint_report_object(report, "settings");
	glint_settings_report(&owner->now, report);
	glint_report_end(report);
}
