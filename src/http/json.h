/* SPDX-License-Identifier: MIT */
/* JSON in requests and replies. Who builds or reads values includes <jansson.h>. */
#ifndef GLINT_HTTP_JSON_H
#define GLINT_HTTP_JSON_H

#include "core/report.h"

#define GLINT_JSON_DEPTH 16u /* containers in one another */

struct glint_client;
struct glint_param;
struct glint_param_value;
struct json_t;

/*
 * Parse the body that @client's request has collected: an object or an array, in which no
 * name comes twice. NULL: the body is none, and the request is answered with 400, a line
 * and a column. The caller owns the value.
 */
struct json_t *glint_json_body(struct glint_client *client);

/* Reply with @value and drop the caller's reference. NULL: memory is short, 503. */
void glint_json_reply(struct glint_client *client, unsigned status, struct json_t *value);

/*
 * Reply with an error: @reason is a word for programs. @message is a sentence for people,
 * and may repeat what a client has sent.
 */
void glint_json_refuse(struct glint_client *client, unsigned status, const char *reason,
		       const char *message);

/* What a negative errno means to a client. The last row of a table has 0: any other one. */
struct glint_refusal {
	int err;
	unsigned status;
	const char *reason;
};

/* As glint_json_refuse(), with status and reason of the row for @err. */
void glint_json_refuse_error(struct glint_client *client, const struct glint_refusal *refusals,
			     int err, const char *message);

/*
 * Read the query of @client's request by the table of its endpoint (http/params.h). False: the
 * request is answered with 400, which names the parameter, the value and what is allowed.
 */
bool glint_json_query(struct glint_client *client, struct glint_param_value *values);

/*
 * Read the members of @object by the same table, on top of the values of the query; a value is a
 * number, a text, true or false. False: the request is answered with 400.
 */
bool glint_json_members(struct glint_client *client, const struct json_t *object,
			struct glint_param_value *values);

/*
 * Read the query, and the members of the body if there is one. @example is an object, for the error of a
 * body that is none. False: the request is answered.
 */
bool glint_json_parameters(struct glint_client *client, struct glint_param_value *values,
			   const char *example);

/* Reply 400 because @param cannot have @value; @allowed says which values there are. */
void glint_json_refuse_value(struct glint_client *client, const struct glint_param *param,
			     const char *value, const char *allowed);

/* The text of a number, a text, true or false. False: another type. */
#define GLINT_JSON_NUMBER_MAX 32u
bool glint_json_scalar(const struct json_t *value, char number[GLINT_JSON_NUMBER_MAX],
		       const char **text);

/* A string out of a driver or a command line, where what is not UTF-8 becomes '?'. */
struct json_t *glint_json_text(const char *string);

/* A report as a reply in JSON. Usage: begin, let modules tell their figures, reply. */
struct glint_json_report {
	struct glint_report report;
	struct json_t *open[GLINT_JSON_DEPTH]; /* the root, and what has not ended below it */
	unsigned depth;
	bool failed; /* memory is short: the reply is 503 */
};

/* The root is an object. */
void glint_json_report_begin(struct glint_json_report *json);

/* End the report as a text without line breaks, malloc'ed; NULL when memory was short. */
char *glint_json_report_text(struct glint_json_report *json);

/* 200, or 503 when memory was short: half a report would be a lie. */
void glint_json_report_reply(struct glint_json_report *json, struct glint_client *client);
/* The same with another status. */
void glint_json_report_send(struct glint_json_report *json, struct glint_client *client,
			    unsigned status);
#endif
