/* SPDX-License-Identifier: MIT */
/*
 * A change of settings at run time. A client sends names and values as text. The service checks all
 * of them, asks the devices concerned, and then applies the whole change or nothing. Loop thread
 * only.
 */
#ifndef GLINT_CORE_CHANGE_H
#define GLINT_CORE_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* When a new value takes effect ("holds"), from the earliest to the latest. */
enum glint_holds {
	GLINT_HOLDS_NOW,	 /* with the next frame, request or log line */
	GLINT_HOLDS_NEW_STREAM,	 /* at once, in a new stream of the device */
	GLINT_HOLDS_NEXT_STREAM, /* with the next start of the device's stream */
	GLINT_HOLDS_RESTART,	 /* with the next start of the service */
};

static inline void glint_holds_raise(enum glint_holds *holds, enum glint_holds at_least)
{
	if (*holds < at_least)
		*holds = at_least;
}

/* "now", "new-stream", "next-stream", "restart". */
const char *glint_holds_name(enum glint_holds holds);

enum glint_change_outcome {
	GLINT_CHANGE_DONE,
	GLINT_CHANGE_UNKNOWN, /* no setting has this name */
	GLINT_CHANGE_INVALID, /* a value is not allowed */
	GLINT_CHANGE_RESTART, /* a setting cannot be changed at run time */
	GLINT_CHANGE_REFUSED, /* a device refuses the change */
	GLINT_CHANGE_SILENT,  /* a device does not answer */
	GLINT_CHANGE_NO_MEMORY,
};

struct glint_setting_value {
	const char *name;
	const char *value; /* as on the command line; NULL: the default */
};

/* What a device has made of a setting of its stream. */
struct glint_change_made {
	const char *name;
	const char *asked; /* as in the request; NULL: the default */
	bool as_asked;	   /* else the device has chosen another value */
	char got[64];
};

#define GLINT_CHANGE_MADE_MAX 16u

struct glint_change {
	/* Set by the client. Everything stays until done(), or until the change is forgotten. */
	const struct glint_setting_value *values;
	unsigned n_values;
	void (*done)(struct glint_change *change); /* from the loop's top level */

	/* The result. */
	enum glint_change_outcome outcome;
	enum glint_holds holds; /* the latest of all settings in the change */
	uint64_t generation;	/* number of changes since the start of the service */
	char message[640];	/* for people: the setting, and what is wrong; "" if DONE */
	unsigned n_made;	/* settings of the device's stream; 0: no stream has begun */
	struct glint_change_made made[GLINT_CHANGE_MADE_MAX];

	struct glint_list link; /* private to the service */
};

/*
 * The part of a change to which a module's device must agree. The module calls done() once, from
 * the loop's top level, unless the change has been applied or cancelled before.
 */
struct glint_prepare {
	void (*done)(struct glint_prepare *prepare, int err);
	char message[512]; /* of the module, with an error: why, in words; "": the errno says it */
};
#endif
