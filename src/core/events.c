/* SPDX-License-Identifier: MIT */
#include "core/events.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "core/alarm.h"
#include "core/loop.h"
#include "core/upcall.h"

#define LIMIT_GAP_NS (1 * GLINT_NSEC_PER_SEC) /* between two events of one bound */

struct event {
	enum glint_event_type type;
	uint64_t monotonic_ns, realtime_ns;
	bool cut; /* members were left out */
	size_t used;
	char bytes[GLINT_EVENT_BYTES_MAX]; /* records, see below */
};

/* A bound, and how often clients met it since its last event. */
struct limit {
	uint64_t times, told_ns;
};

struct glint_events {
	struct event held[GLINT_EVENTS_HELD]; /* event N is in place N % GLINT_EVENTS_HELD */
	uint64_t last;
	char run[GLINT_EVENTS_RUN_MAX];

	/* While an event is being told. */
	struct glint_report report;
	bool telling;
	unsigned depth;	     /* containers that were recorded and are open */
	unsigned lost_depth; /* open containers that were left out, for lack of space */

	struct limit limits[GLINT_LIMITS];
	struct glint_alarm limit_alarm;
	struct glint_list listeners;
	struct glint_deferred tell;
};

const char *glint_event_name(enum glint_event_type type)
{
	static const char *const names[] = {
		[GLINT_EVENT_SOURCE] = "source",     [GLINT_EVENT_FORMAT] = "format",
		[GLINT_EVENT_SETTINGS] = "settings", [GLINT_EVENT_ENCODER] = "encoder",
		[GLINT_EVENT_FAULT] = "fault",	     [GLINT_EVENT_WAIT] = "wait",
		[GLINT_EVENT_EDID] = "edid",	     [GLINT_EVENT_CONTROL] = "control",
		[GLINT_EVENT_MARK] = "mark",	     [GLINT_EVENT_LIMIT] = "limit",
		[GLINT_EVENT_RECORD] = "record",     [GLINT_EVENT_PICTURE] = "picture",
	};

	static_assert(ARRAY_SIZE(names) == GLINT_EVENT_TYPES, "");
	assert((size_t)type < ARRAY_SIZE(names));
	return names[type];
}

/* --- Records ------------------------------------------------------------------------- */

/*
 * A record is a kind, a name and a value: one byte, a zero-terminated string, and the bytes
 * of the kind. Elements of a list have an empty name. An end has neither name nor value.
 */
enum kind {
	KIND_OBJECT,
	KIND_LIST,
	KIND_END,
	KIND_INTEGER,
	KIND_REAL,
	KIND_BOOL,
	KIND_TEXT,
	KIND_NULL
};

/* False: there is no space, or the container was left out, and so is the record. */
static bool record(struct glint_report *report, enum kind kind, const char *name, const void *value,
		   size_t size)
{
	struct glint_events *events = container_of(report, struct glint_events, report);
	struct event *event = &events->held[events->last % GLINT_EVENTS_HELD];
	size_t name_size = kind == KIND_END ? 0 : strlen(name ? name : "") + 1;
	char *at = event->bytes + event->used;

	if (events->lost_depth > 0)
		return false;
	if (sizeof(event->bytes) - event->used < 1 + name_size + size) {
		event->cut = true;
		return false;
	}
	*at++ = (char)kind;
	memcpy(at, name ? name : "", name_size);
	if (size > 0)
		memcpy(at + name_size, value, size);
	event->used += 1 + name_size + size;
	return true;
}

static void record_begin(struct glint_report *report, const char *name,
			 enum glint_report_container container)
{
	struct glint_events *events = container_of(report, struct glint_events, report);
	enum kind kind = container == GLINT_REPORT_LIST ? KIND_LIST : KIND_OBJECT;

	if (record(report, kind, name, NULL, 0))
		events->depth++;
	else
		events->lost_depth++;
}

static void record_end(struct glint_report *report)
{
	struct glint_events *events = container_of(report, struct glint_events, report);

	if (events->lost_depth > 0) {
		events->lost_depth--;
		return;
	}
	assert(events->depth > 0);
	/* Without space for the end, the reader ends the container, and nothing follows. */
	if (record(report, KIND_END, NULL, NULL, 0))
		events->depth--;
	else
		events->lost_depth = UINT32_MAX / 2;
}

static void record_integer(struct glint_report *report, const char *name, int64_t value)
{
	(void)record(report, KIND_INTEGER, name, &value, sizeof(value));
}

static void record_real(struct glint_report *report, const char *name, double value)
{
	(void)record(report, KIND_REAL, name, &value, sizeof(value));
}

static void record_boolean(struct glint_report *report, const char *name, bool value)
{
	(void)record(report, KIND_BOOL, name, &value, sizeof(value));
}

static void record_text(struct glint_report *report, const char *name, const char *value)
{
	(void)record(report, KIND_TEXT, name, value, strlen(value) + 1);
}

static void record_null(struct glint_report *report, const char *name)
{
	(void)record(report, KIND_NULL, name, NULL, 0);
}

/* Tell the record at @at to @report. Return where the next record begins. */
static const char *replay(const char *at, struct glint_report *report, unsigned *depth)
{
	enum kind kind = (enum kind) * at++;
	const char *name = at, *value;
	int64_t integer;
	double real;
	bool boolean;

	if (kind == KIND_END) {
		--*depth;
		glint_report_end(report);
		return at;
	}
	value = name + strlen(name) + 1;
	name = *name ? name : NULL;
	switch (kind) {
	case KIND_OBJECT:
		++*depth;
		glint_report_object(report, name);
		return value;
	case KIND_LIST:
		++*depth;
		glint_report_list(report, name);
		return value;
	case KIND_INTEGER:
		memcpy(&integer, value, sizeof(integer));
		glint_report_int(report, name, integer);
		return value + sizeof(integer);
	case KIND_REAL:
		memcpy(&real, value, sizeof(real));
		glint_report_real(report, name, real);
		return value + sizeof(real);
	case KIND_BOOL:
		memcpy(&boolean, value, sizeof(boolean));
		glint_report_bool(report, name, boolean);
		return value + sizeof(boolean);
	case KIND_TEXT:
		glint_report_text(report, name, value);
		return value + strlen(value) + 1;
	default:
		assert(kind == KIND_NULL);
		glint_report_null(report, name);
		return value;
	}
}

/* --- Adding -------------------------------------------------------------------------- */

static void drop_begin(struct glint_report *report, const char *name,
		       enum glint_report_container container)
{
	(void)report, (void)name, (void)container;
}

static void drop_end(struct glint_report *report)
{
	(void)report;
}

static void drop_integer(struct glint_report *report, const char *name, int64_t value)
{
	(void)report, (void)name, (void)value;
}

static void drop_real(struct glint_report *report, const char *name, double value)
{
	(void)report, (void)name, (void)value;
}

static void drop_boolean(struct glint_report *report, const char *name, bool value)
{
	(void)report, (void)name, (void)value;
}

static void drop_text(struct glint_report *report, const char *name, const char *value)
{
	(void)report, (void)name, (void)value;
}

static void drop_null(struct glint_report *report, const char *name)
{
	(void)report, (void)name;
}

struct glint_report *glint_events_begin(struct glint_events *events, enum glint_event_type type)
{
	static const struct glint_report_ops drop_ops = {
		.begin = drop_begin,
		.end = drop_end,
		.integer = drop_integer,
		.real = drop_real,
		.boolean = drop_boolean,
		.text = drop_text,
		.null = drop_null,
	};
	static struct glint_report drop = { .ops = &drop_ops };
	struct event *event;

	if (!events)
		return &drop;
	assert(!events->telling);

	events->telling = true;
	events->depth = 0;
	events->lost_depth = 0;
	events->last++;
	event = &events->held[events->last % GLINT_EVENTS_HELD];
	event->type = type;
	event->monotonic_ns = glint_now_ns();
	event->realtime_ns = glint_clock_ns(CLOCK_REALTIME);
	event->cut = false;
	event->used = 0;
	return &events->report;
}

void glint_events_commit(struct glint_events *events)
{
	if (!events)
		return;
	assert(events->telling);

	events->telling = false;
	if (!glint_list_empty(&events->listeners))
		glint_loop_defer(events->limit_alarm.loop, &events->tell);
}

static void events_tell_listeners(struct glint_deferred *deferred)
{
	struct glint_events *events = container_of(deferred, struct glint_events, tell);
	struct glint_events_listener *listener;

	glint_upcall_assert();

	glint_list_for_each(listener, &events->listeners, link)
		listener->added(listener);
}

/* --- Bounds -------------------------------------------------------------------------- */

static const char *limit_name(enum glint_limit limit)
{
	static const char *const names[] = {
		[GLINT_LIMIT_CONNECTIONS] = "connections",
		[GLINT_LIMIT_SHARE] = "share",
		[GLINT_LIMIT_TIME] = "time",
		[GLINT_LIMIT_BODIES] = "bodies",
		[GLINT_LIMIT_EVENTS] = "events",
	};

	static_assert(ARRAY_SIZE(names) == GLINT_LIMITS, "");
	return names[limit];
}

/* Add the events that are due. Return when the next event is due. */
static uint64_t limits_tell(struct glint_events *events)
{
	uint64_t now_ns = glint_now_ns(), next_ns = GLINT_ALARM_NEVER;

	for (unsigned i = 0; i < GLINT_LIMITS; i++) {
		struct limit *limit = &events->limits[i];
		struct glint_report *report;

		if (limit->times == 0)
			continue;
		if (limit->told_ns > 0 && now_ns - limit->told_ns < LIMIT_GAP_NS) {
			next_ns = MIN(next_ns, limit->told_ns + LIMIT_GAP_NS);
			continue;
		}
		report = glint_events_begin(events, GLINT_EVENT_LIMIT);
		glint_report_text(report, "limit", limit_name(i));
		glint_report_uint(report, "times", limit->times);
		glint_events_commit(events);
		*limit = (struct limit){ .told_ns = now_ns };
	}
	return next_ns;
}

static void limits_on_alarm(struct glint_alarm *alarm)
{
	struct glint_events *events = container_of(alarm, struct glint_events, limit_alarm);

	glint_alarm_set(alarm, limits_tell(events));
}

void glint_events_limit(struct glint_events *events, enum glint_limit limit)
{
	uint64_t next_ns;

	if (!events)
		return;
	events->limits[limit].times++;
	next_ns = limits_tell(events);
	if (events->limit_alarm.due_ns != next_ns)
		glint_alarm_set(&events->limit_alarm, next_ns);
}

/* --- Reading ------------------------------------------------------------------------- */

void glint_events_listen(struct glint_events *events, struct glint_events_listener *listener)
{
	glint_list_append(&events->listeners, &listener->link);
}

void glint_events_unlisten(struct glint_events_listener *listener)
{
	glint_list_remove(&listener->link);
}

uint64_t glint_events_last(const struct glint_events *events)
{
	return events->last;
}

uint64_t glint_events_first(const struct glint_events *events)
{
	return events->last < GLINT_EVENTS_HELD ? 1 : events->last - GLINT_EVENTS_HELD + 1;
}

const char *glint_events_run(const struct glint_events *events)
{
	return events->run;
}

static const struct event *events_at(const struct glint_events *events, uint64_t seq)
{
	assert(seq >= glint_events_first(events) && seq <= events->last && !events->telling);

	return &events->held[seq % GLINT_EVENTS_HELD];
}

enum glint_event_type glint_events_type(const struct glint_events *events, uint64_t seq)
{
	return events_at(events, seq)->type;
}

void glint_events_tell(const struct glint_events *events, uint64_t seq, struct glint_report *report)
{
	const struct event *event = events_at(events, seq);
	const char *at = event->bytes;
	unsigned depth = 0;

	glint_report_uint(report, "seq", seq);
	glint_report_text(report, "type", glint_event_name(event->type));
	glint_report_uint(report, "monotonic_ns", event->monotonic_ns);
	glint_report_uint(report, "realtime_ns", event->realtime_ns);
	glint_report_object(report, "data");
	while (at < event->bytes + event->used)
		at = replay(at, report, &depth);
	for (; depth > 0; depth--)
		glint_report_end(report);
	glint_report_end(report);
	if (event->cut)
		glint_report_bool(report, "cut", true);
}

void glint_events_report(const struct glint_events *events, struct glint_report *report)
{
	glint_report_object(report, "events");
	glint_report_text(report, "run", events->run);
	glint_report_uint(report, "first", glint_events_first(events));
	glint_report_uint(report, "last", events->last);
	glint_report_end(report);
}

/* --- Life ---------------------------------------------------------------------------- */

int glint_events_create(struct glint_events **out, struct glint_loop *loop)
{
	static const struct glint_report_ops ops = {
		.begin = record_begin,
		.end = record_end,
		.integer = record_integer,
		.real = record_real,
		.boolean = record_boolean,
		.text = record_text,
		.null = record_null,
	};
	struct glint_events *events = calloc(1, sizeof(*events));
	uint32_t run;

	if (!events)
		return -ENOMEM;
	/* The name is no secret, and only has to differ from those of other runs. */
	if (getrandom(&run, sizeof(run), GRND_NONBLOCK) < (ssize_t)sizeof(run))
		run = (uint32_t)(glint_clock_ns(CLOCK_REALTIME) / GLINT_NSEC_PER_MSEC);
	snprintf(events->run, sizeof(events->run), "%08x", run);
	events->report.ops = &ops;
	events->tell.run = events_tell_listeners;
	glint_list_init(&events->listeners);
	glint_alarm_init(&events->limit_alarm, loop, limits_on_alarm);
	*out = events;
	return 0;
}

void glint_events_end(struct glint_events *events)
{
	if (!events)
		return;
	glint_deferred_cancel(&events->tell);
	glint_alarm_end(&events->limit_alarm);
	glint_list_init(&events->listeners);
}

void glint_events_destroy(struct glint_events *events)
{
	free(events);
}
