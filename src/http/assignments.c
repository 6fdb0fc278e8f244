/* SPDX-License-Identifier: MIT */
#include "http/assignments.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/client.h"
#include "http/reply.h"

/* The text of @value as on the command line; false for a list or an object. */
static bool set_value(struct glint_setting_value *pair, char *number, const char *name,
		      const json_t *value)
{
	*pair = (struct glint_setting_value){ .name = name };
	return json_is_null(value) || glint_json_scalar(value, number, &pair->value);
}

bool glint_assignments_read(struct glint_client *client, const char *example,
			    struct glint_assignments *assignments)
{
	json_t *body = glint_json_body(client), *value;
	size_t n = json_object_size(body);
	char message[160];
	const char *name;

	*assignments = (struct glint_assignments){ .body = body };
	if (!body)
		return false;
	if (!json_is_object(body)) {
		snprintf(message, sizeof(message), "the body must be an object, such as %s",
			 example);
		glint_json_refuse(client, 422, "no-object", message);
		return false;
	}
	assignments->values = calloc(n + 1, sizeof(*assignments->values));
	assignments->numbers = calloc(n + 1, sizeof(*assignments->numbers));
	if (!assignments->values || !assignments->numbers) {
		glint_reply_error(client, 503);
		return false;
	}
	json_object_foreach(body, name, value) {
		unsigned i = assignments->n++;

		if (set_value(&assignments->values[i], assignments->numbers[i], name, value))
			continue;
		glint_json_refuse(client, 422, "bad-type",
				  "a value is a number, a text, true, false, or null for the "
				  "default");
		return false;
	}
	return true;
}

void glint_assignments_free(struct glint_assignments *assignments)
{
	json_decref(assignments->body);
	free(assignments->values);
	free(assignments->numbers);
}
