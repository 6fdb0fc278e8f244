/* SPDX-License-Identifier: MIT */
/*
 * The controls of the capture's device. There is one mechanism for ustreamer's image options, for
 * --control, and for changes at run time. Values that were set here are kept, and are set again
 * whenever the device is opened. Changes by other programs are events.
 */
#ifndef GLINT_CAPTURE_CONTROLS_H
#define GLINT_CAPTURE_CONTROLS_H

#include <stddef.h>

#include "core/control.h"
#include "v4l2/controls.h"

struct glint_capture;
struct glint_kept_controls;
struct glint_report;

/*
 * Begin @request. Returns 0, or a negative errno after which the request has not begun: its outcome
 * and message are set.
 */
int glint_capture_ask_controls(struct glint_capture *capture,
			       struct glint_control_request *request);

/* The client is gone: done() is not called. A change that has begun is made nevertheless. */
void glint_capture_forget_controls(struct glint_capture *capture,
				   struct glint_control_request *request);

/*
 * Report the result of @request, from within its done(): the list "controls" of all controls, or the
 * object "controls" with what was asked for and what the device has now.
 */
void glint_capture_tell_controls(const struct glint_control_request *request,
				 struct glint_report *report);

/*
 * Keep the value of @word, NAME=VALUE or NAME=, for each opening, instead of the one that was kept
 * before. Beyond GLINT_KEPT_MAX controls nothing more is kept.
 */
void glint_controls_keep_word(struct glint_kept_controls *kept, const char *word);

/* controls_report.c: "integer", "menu", ...; "compound" for what has no simple value. */
const char *glint_control_type_name(const struct glint_control *control);
/* Write what a value may be, for people: "0 to 255", "0 (Manual), 1 (Auto)". */
void glint_control_allowed(const struct glint_control *control, char *out, size_t size);
/* Report the properties and the value as members of the open object. */
void glint_control_report(const struct glint_control *control, struct glint_report *report);
#endif
