/* SPDX-License-Identifier: MIT */
/*
 * What has happened, as a bounded history of typed events for clients that follow it. An
 * event is told like a module's figures: as members of a report. Adding an event copies
 * the members into the place of the oldest event; it allocates nothing and calls no
 * listener, so it is allowed anywhere on the loop thread, within a push or an unref, too.
 * Listeners are called from the loop's top level.
 *
 * Events are numbered from 1. Numbers of another run of the service mean nothing, so each
 * run has a random name.
 */
#ifndef GLINT_CORE_EVENTS_H
#define GLINT_CORE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/report.h"

#define GLINT_EVENTS_HELD     1024u /* events in the history */
#define GLINT_EVENT_BYTES_MAX 288u  /* of an event's members; what does not fit is left out */
#define GLINT_EVENTS_RUN_MAX  9u    /* bytes of the run's name, with the zero */

struct glint_events;
struct glint_loop;

enum glint_event_type {
	GLINT_EVENT_SOURCE,   /* live, or offline and why */
	GLINT_EVENT_FORMAT,   /* size, pixel format or memory of the frames */
	GLINT_EVENT_SETTINGS, /* were changed */
	GLINT_EVENT_EDID,     /* the device has another one */
	GLINT_EVENT_CONTROL,  /* of the device was changed */
	GLINT_EVENT_PICTURE,  /* begins or ceases to be black, frozen, or a known card */
	GLINT_EVENT_ENCODER,  /* another backend encodes, or a hardware encoder's state */
	GLINT_EVENT_FAULT,    /* of a device or an encoder */
	GLINT_EVENT_WAIT,     /* begins or ends */
	GLINT_EVENT_MARK,     /* is set or dropped */
	GLINT_EVENT_RECORD,   /* a recording begins or ends, or frames are lost to it */
	GLINT_EVENT_LIMIT,    /* a bound was met: a client was refused or closed */
	GLINT_EVENT_TYPES,
};

/* "source", "format", ... */
const char *glint_event_name(enum glint_event_type type);

/* The bounds that clients meet. */
enum glint_limit {
	GLINT_LIMIT_CONNECTIONS, /* a connection is refused: there is no place */
	GLINT_LIMIT_SHARE,	 /* a connection is closed: another peer needs the place */
	GLINT_LIMIT_TIME,	 /* a connection is closed: its peer is too slow */
	GLINT_LIMIT_BODIES,	 /* a body is refused: bodies have too much memory */
	GLINT_LIMIT_EVENTS,	 /* a client of events is refused: there are enough */
	GLINT_LIMITS,
};

struct glint_events_listener {
	/* Events were added since the last call. */
	void (*added)(struct glint_events_listener *listener);
	struct glint_list link;
};

/* -ENOMEM; nothing is owned on failure. */
int glint_events_create(struct glint_events **out, struct glint_loop *loop);

/* No listener is called any more. Before the loop's end. NULL is fine. */
void glint_events_end(struct glint_events *events);

/* After the loop's end: an alarm of the events may be the loop's until then. NULL is fine. */
void glint_events_destroy(struct glint_events *events);

/*
 * Begin an event. The caller tells its members to the returned report, and then calls
 * glint_events_commit(); nothing of @events is called between the two. @events NULL: what
 * is told is dropped.
 */
struct glint_report *glint_events_begin(struct glint_events *events, enum glint_event_type type);
void glint_events_commit(struct glint_events *events);

/*
 * Count that a bound was met, and add an event: at most one a second for each bound, with
 * the number of times. @events NULL is fine.
 */
void glint_events_limit(struct glint_events *events, enum glint_limit limit);

/* @listener is borrowed until it is removed. */
void glint_events_listen(struct glint_events *events, struct glint_events_listener *listener);

/* Fine for a listener that is not listening. */
void glint_events_unlisten(struct glint_events_listener *listener);

/* The number of the newest event; 0: none yet. */
uint64_t glint_events_last(const struct glint_events *events);

/* The number of the oldest event in the history; last + 1: there is none. */
uint64_t glint_events_first(const struct glint_events *events);

/* The name of this run of the service: eight hexadecimal digits. */
const char *glint_events_run(const struct glint_events *events);

/* The type of an event of the history. */
enum glint_event_type glint_events_type(const struct glint_events *events, uint64_t seq);

/* Members of an event of the history: seq, type, monotonic_ns, realtime_ns, data. */
void glint_events_tell(const struct glint_events *events, uint64_t seq,
		       struct glint_report *report);

/* Object: events. */
void glint_events_report(const struct glint_events *events, struct glint_report *report);
#endif
