/* SPDX-License-Identifier: MIT */
#include "http/json.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/macros.h"
#include "http/client.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/route.h"

json_t *glint_json_text(const char *string)
{
	json_t *value = json_string(string);
	char *copy;

	if (value)
		return value;
	copy = strdup(string);
	if (!copy)
		return NULL;
	for (char *at = copy; *at; at++)
		if ((unsigned char)*at > '~')
			*at = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

void glint_json_reply(struct glint_client *client, unsigned status, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_REAL_PRECISION(9)) : NULL;

	json_decref(value);
	if (text)
		glint_reply_owned(client, status, "application/json", text, strlen(text));
	else
		glint_reply_error(client, 503);
}

void glint_json_refuse(struct glint_client *client, unsigned status, const char *reason,
		       const char *message)
{
	glint_json_reply(client, status,
			 json_pack("{s:b, s:{s:s, s:o}}", "ok", false, "error", "reason", reason,
				   "message", glint_json_text(message)));
}

void glint_json_refuse_error(struct glint_client *client, const struct glint_refusal *refusals,
			     int err, const char *message)
{
	while (refusals->err != 0 && refusals->err != err)
		refusals++;
	glint_json_refuse(client, refusals->status, refusals->reason, message);
}

/* --- Parameters ------------------------------------------------------------------------ */

bool glint_json_scalar(const json_t *value, char number[GLINT_JSON_NUMBER_MAX], const char **text)
{
	*text = number;
	switch (json_typeof(value)) {
	case JSON_STRING:
		*text = json_string_value(value);
		return true;
	case JSON_INTEGER:
		snprintf(number, GLINT_JSON_NUMBER_MAX, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		return true;
	case JSON_REAL:
		snprintf(number, GLINT_JSON_NUMBER_MAX, "%.17g", json_real_value(value));
		return true;
	case JSON_TRUE:
		*text = "true";
		return true;
	case JSON_FALSE:
		*text = "false";
		return true;
	default:
		return false;
	}
}

static void fault_describe(const struct glint_param_fault *fault, char *message, size_t size)
{
	switch (fault->kind) {
	case GLINT_PARAM_UNKNOWN:
		snprintf(message, size, "there is no parameter \"%s\" here; there are: %s",
			 fault->name, fault->allowed);
		break;
	case GLINT_PARAM_BAD:
		snprintf(message, size, "%s takes %s, not \"%s\"", fault->name, fault->allowed,
			 fault->value);
		break;
	case GLINT_PARAM_REPEATED:
		snprintf(message, size, "%s may be given %u time%s", fault->name,
			 MAX(fault->param->most, 1u), fault->param->most > 1 ? "s" : " only");
		break;
	}
}

/* Reply 400 with @fault. */
static void refuse_fault(struct glint_client *client, const struct glint_param_fault *fault)
{
	char message[512], reason[80] = "unknown-parameter";

	fault_describe(fault, message, sizeof(message));
	if (fault->kind != GLINT_PARAM_UNKNOWN)
		snprintf(reason, sizeof(reason), "bad-%s", fault->name);
	glint_json_reply(client, 400,
			 json_pack("{s:b, s:{s:o, s:o, s:o, s:o, s:s}}", "ok", false, "error",
				   "reason", glint_json_text(reason), "message",
				   glint_json_text(message), "name", glint_json_text(fault->name),
				   "value", glint_json_text(fault->value), "allowed",
				   fault->allowed));
}

void glint_json_refuse_value(struct glint_client *client, const struct glint_param *param,
			     const char *value, const char *allowed)
{
	struct glint_param_fault fault = { .kind = GLINT_PARAM_BAD, .param = param };

	snprintf(fault.name, sizeof(fault.name), "%s", param->name);
	snprintf(fault.value, sizeof(fault.value), "%s", value);
	snprintf(fault.allowed, sizeof(fault.allowed), "%s", allowed);
	refuse_fault(client, &fault);
}

bool glint_json_query(struct glint_client *client, struct glint_param_value *values)
{
	const struct glint_endpoint *endpoint = client->endpoint;
	struct glint_param_fault fault;

	assert(endpoint->params);

	if (glint_params_read(endpoint->params, endpoint->others,
			      glint_parser_request(client->parser)->query, values, &fault) == 0)
		return true;
	refuse_fault(client, &fault);
	return false;
}

bool glint_json_members(struct glint_client *client, const json_t *object,
			struct glint_param_value *values)
{
	const struct glint_param *params = client->endpoint->params;
	char number[GLINT_JSON_NUMBER_MAX], message[128];
	struct glint_param_fault fault;
	const char *name, *text;
	json_t *value;

	assert(params);

	/* Jansson's iteration changes nothing, but is not declared so. */
	json_object_foreach((json_t *)object, name, value) {
		if (!glint_json_scalar(value, number, &text)) {
			snprintf(message, sizeof(message),
				 "%.60s takes a number, a text, true or false", name);
			glint_json_refuse(client, 400, "bad-type", message);
			return false;
		}
		if (glint_params_take(params, name, text, values, &fault) < 0) {
			refuse_fault(client, &fault);
			return false;
		}
	}
	return true;
}

json_t *glint_json_body(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);
	char message[JSON_ERROR_TEXT_LENGTH + 80];
	json_error_t error;
	json_t *value;

	value = json_loadb(request->body, request->body_size, JSON_REJECT_DUPLICATES, &error);
	if (value)
		return value;
	if (json_error_code(&error) == json_error_out_of_memory) {
		glint_reply_error(client, 503);
		return NULL;
	}
	snprintf(message, sizeof(message), "the body is no JSON: line %d, column %d: %s",
		 error.line, error.column, error.text);
	glint_json_refuse(client, 400, "bad-json", message);
	return NULL;
}

bool glint_json_parameters(struct glint_client *client, struct glint_param_value *values,
			   const char *example)
{
	char message[160];
	bool taken = false;
	json_t *body;

	if (!glint_json_query(client, values))
		return false;
	if (glint_parser_request(client->parser)->body_size == 0)
		return true;
	body = glint_json_body(client);
	if (!body)
		return false;
	if (json_is_object(body)) {
		taken = glint_json_members(client, body, values);
	} else {
		snprintf(message, sizeof(message), "the body must be an object, such as %s",
			 example);
		glint_json_refuse(client, 422, "no-object", message);
	}
	json_decref(body);
	return taken;
}

/* --- Reports ---------------------------------------------------------------------- */

/* Take over @value's reference. NULL: memory was too short for the value. */
static void json_add(struct glint_report *report, const char *name, json_t *value)
{
	struct glint_json_report *json = container_of(report, struct glint_json_report, report);
	json_t *parent;
	int err;

	assert(json->depth > 0);
	parent = json->open[json->depth - 1];
	assert(!parent || !name == json_is_array(parent)); /* NULL: memory was short */

	err = name ? json_object_set_new(parent, name, value) :
		     json_array_append_new(parent, value);
	json->failed = json->failed || err < 0;
}

static void json_begin(struct glint_report *report, const char *name,
		       enum glint_report_container container)
{
	struct glint_json_report *json = container_of(report, struct glint_json_report, report);
	json_t *value = container == GLINT_REPORT_LIST ? json_array() : json_object();

	assert(json->depth < GLINT_JSON_DEPTH);

	json_add(report, name, json_incref(value));
	json->open[json->depth++] = value;
}

static void json_end(struct glint_report *report)
{
	struct glint_json_report *json = container_of(report, struct glint_json_report, report);

	assert(json->depth > 1);

	json_decref(json->open[--json->depth]);
}

static void json_add_integer(struct glint_report *report, const char *name, int64_t value)
{
	json_add(report, name, json_integer(value));
}

static void json_add_real(struct glint_report *report, const char *name, double value)
{
	json_add(report, name, json_real(value));
}

static void json_add_boolean(struct glint_report *report, const char *name, bool value)
{
	json_add(report, name, json_boolean(value));
}

static void json_add_null(struct glint_report *report, const char *name)
{
	json_add(report, name, json_null());
}

static void json_add_text(struct glint_report *report, const char *name, const char *string)
{
	json_add(report, name, glint_json_text(string));
}

void glint_json_report_begin(struct glint_json_report *json)
{
	static const struct glint_report_ops ops = {
		.begin = json_begin,
		.end = json_end,
		.integer = json_add_integer,
		.real = json_add_real,
		.boolean = json_add_boolean,
		.text = json_add_text,
		.null = json_add_null,
	};

	*json = (struct glint_json_report){ .report.ops = &ops, .depth = 1 };
	json->open[0] = json_object();
	json->failed = !json->open[0];
}

char *glint_json_report_text(struct glint_json_report *json)
{
	char *text;

	assert(json->depth == 1);

	text = json->failed ? NULL : json_dumps(json->open[0], JSON_REAL_PRECISION(9));
	json_decref(json->open[0]);
	return text;
}

void glint_json_report_reply(struct glint_json_report *json, struct glint_client *client)
{
	glint_json_report_send(json, client, 200);
}

void glint_json_report_send(struct glint_json_report *json, struct glint_client *client,
			    unsigned status)
{
	assert(json->depth == 1);

	if (json->failed) {
		json_decref(json->open[0]);
		json->open[0] = NULL;
	}
	glint_json_reply(client, status, json->open[0]);
}
