/* SPDX-License-Identifier: MIT */
/* EDIDs of options and requests: by name or as bytes; and what an EDID says, as a report. */
#ifndef GLINT_SERVICE_EDID_H
#define GLINT_SERVICE_EDID_H

#include <stddef.h>
#include <stdint.h>

struct glint_edid_request;
struct glint_report;

/*
 * Load the EDID of --edid: the name of a built-in EDID, or else the path of a binary file. NULL:
 * there is none. The caller frees *@edid. -EINVAL, or the error of the file: the fault has been
 * logged.
 */
int glint_service_load_edid(const char *option, uint8_t **edid, size_t *size);

/*
 * Check what @request would write, and turn the name of a built-in EDID into bytes. Returns
 * request->err; an error has a message.
 */
int glint_service_check_edid(struct glint_edid_request *request);

/* Members of an object. */
void glint_service_tell_edid(const uint8_t *edid, size_t size, struct glint_report *report);
#endif
