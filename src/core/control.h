/* SPDX-License-Identifier: MIT */
/*
 * A request that concerns the controls of the device: list them, or change some of them. The device's
 * thread does it. Loop thread only.
 */
#ifndef GLINT_CORE_CONTROL_H
#define GLINT_CORE_CONTROL_H

#include <stdbool.h>

#include "core/change.h"

struct glint_report;

#define GLINT_CONTROL_CHANGES_MAX 64u  /* controls in one request */
#define GLINT_CONTROL_VALUE_MAX	  256u /* bytes of a value, with the zero */

enum glint_control_outcome {
	GLINT_CONTROL_DONE,
	GLINT_CONTROL_UNKNOWN,	 /* the device has no control of this name */
	GLINT_CONTROL_BAD_VALUE, /* @allowed says which values there are */
	GLINT_CONTROL_REPEATED,	 /* the request names a control twice */
	GLINT_CONTROL_READ_ONLY, /* also what has no simple value */
	GLINT_CONTROL_ADJUSTED,	 /* the driver would make @got of it; nothing has changed */
	GLINT_CONTROL_BUSY,	 /* the driver does not take it now */
	GLINT_CONTROL_REFUSED,	 /* another error of the driver */
	GLINT_CONTROL_AWAY,	 /* no device is open */
	GLINT_CONTROL_SILENT,	 /* a call into the driver does not return */
	GLINT_CONTROL_MANY,	 /* too many requests wait for the device */
	GLINT_CONTROL_NO_MEMORY,
};

struct glint_control_request {
	/*
	 * Set by the client. Everything stays until done(), or until the request is forgotten. No
	 * values: list all controls. A NULL value is the default.
	 */
	const struct glint_setting_value *values;
	unsigned n_values;
	void (*done)(struct glint_control_request *request); /* from the loop's top level */

	/* The result. */
	enum glint_control_outcome outcome;
	const char *name; /* of the refused one, among @values; NULL: the driver does not say */
	char allowed[512];
	char got[GLINT_CONTROL_VALUE_MAX];
	char message[640]; /* for people; "" if DONE */

	void *job; /* private to the capture */
};
#endif
