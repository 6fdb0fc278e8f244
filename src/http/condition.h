/* SPDX-License-Identifier: MIT */
/* Parameters of conditions that /wait and /record share. */
#ifndef GLINT_HTTP_CONDITION_H
#define GLINT_HTTP_CONDITION_H

#include <stdbool.h>

struct glint_client;
struct glint_condition;
struct glint_param;
struct glint_param_value;

/* A picture to match as the body of a request: its media types, and its size. */
extern const char *const glint_reference_types[];
#define GLINT_REFERENCE_MAX (8u << 20)

/*
 * Set the checksum of @condition, or the place of its picture, from the value of @param. False: it is
 * no such text, and the request is answered.
 */
bool glint_condition_read_hash(struct glint_client *client, const struct glint_param *param,
			       const struct glint_param_value *value,
			       struct glint_condition *condition);
bool glint_condition_read_place(struct glint_client *client, const struct glint_param *param,
				const struct glint_param_value *value,
				struct glint_condition *condition);
#endif
