/* SPDX-License-Identifier: MIT */
/* The names and values of a body such as {"quality": 70, "strict": null}. */
#ifndef GLINT_HTTP_ASSIGNMENTS_H
#define GLINT_HTTP_ASSIGNMENTS_H

#include <stdbool.h>

#include "core/change.h"
#include "http/json.h"

struct glint_client;

struct glint_assignments {
	struct glint_setting_value *values; /* null is a NULL value */
	unsigned n;
	/* Private: what the values point at. */
	struct json_t *body;
	char (*numbers)[GLINT_JSON_NUMBER_MAX];
};

/*
 * Read the body of @client's request; @example is a body for the message of a refusal. False: the
 * request is answered. Free the assignments in either case.
 */
bool glint_assignments_read(struct glint_client *client, const char *example,
			    struct glint_assignments *assignments);
void glint_assignments_free(struct glint_assignments *assignments);
#endif
