/* SPDX-License-Identifier: MIT */
/*
 * The owner of the settings of a running service. The owner takes a change through the modules:
 * checks all values, asks the devices, and then applies all of the change or nothing. One change is
 * under way at a time; the others wait in order. Loop thread only.
 */
#ifndef GLINT_SERVICE_CHANGE_H
#define GLINT_SERVICE_CHANGE_H

#include "core/alarm.h"
#include "core/change.h"
#include "options/options.h"

struct glint_capture;
struct glint_encoder;
struct glint_events;
struct glint_server;

struct glint_owner {
	struct glint_settings now;
	uint64_t generation; /* changes so far */

	/* Set by the service before the first change. */
	struct glint_capture *capture;
	struct glint_encoder *encoder;
	struct glint_server *server;
	struct glint_events *events;
	/* A change has been applied: the service rereads the settings of its own. */
	void (*applied)(struct glint_owner *owner);

	/* Private. */
	struct glint_loop *loop;
	struct glint_list waiting;    /* changes that have not begun */
	struct glint_deferred next;   /* begins the first waiting change */
	bool busy;		      /* a change is under way */
	struct glint_change *change;  /* the change under way; NULL: none, or its client is gone */
	struct glint_settings wanted; /* with the change under way */
	enum glint_holds holds;
	struct glint_prepare of_encoder, of_capture;
	struct glint_alarm timeout; /* of devices that do not answer */
};

/* Copies @settings, and borrows their strings. */
void glint_owner_init(struct glint_owner *owner, struct glint_loop *loop,
		      const struct glint_settings *settings);

/* Cancels the change under way. No change begins after this. The loop may still use the memory. */
void glint_owner_end(struct glint_owner *owner);

void glint_owner_change(struct glint_owner *owner, struct glint_change *change);
void glint_owner_forget(struct glint_owner *owner, struct glint_change *change);

/* Members: generation, settings. */
void glint_owner_report(const struct glint_owner *owner, struct glint_report *report);
#endif
