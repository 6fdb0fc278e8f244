/* SPDX-License-Identifier: MIT */
/*
 * GET /openapi.json: the description of the interface, made from the tables that answer requests:
 * paths, methods and parameters from the routes, the JSON of replies from schemas.json. Its
 * committed copy is docs/openapi.json.
 */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "http/client.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/route.h"

/* src/http/schemas.json, as schemas_file.S embeds it. */
extern const char glint_schemas[], glint_schemas_end[];

static json_t *schema_reference(const char *name)
{
	char reference[80];

	snprintf(reference, sizeof(reference), "#/components/schemas/%s", name);
	return json_pack("{s:s}", "$ref", reference);
}

static json_t *words_schema(const char *const *words)
{
	json_t *list = json_array();

	for (; *words; words++)
		json_array_append_new(list, json_string(*words));
	return json_pack("{s:s, s:o}", "type", "string", "enum", list);
}

/* A whole number as such: 10, and not 10.0. */
static json_t *plain_number(double value)
{
	return value == (double)(json_int_t)value ? json_integer((json_int_t)value) :
						    json_real(value);
}

static json_t *range_schema(const struct glint_param *param, const char *type)
{
	return json_pack("{s:s, s:o, s:o}", "type", type, "minimum", plain_number(param->min),
			 "maximum", plain_number(param->max));
}

static json_t *param_schema(const struct glint_param *param)
{
	static const char *const flags[] = { "1", "true", "yes", "0", "false", "no", NULL };

	switch (param->kind) {
	case GLINT_PARAM_FLAG:
		return words_schema(flags);
	case GLINT_PARAM_INTEGER:
		return range_schema(param, "integer");
	case GLINT_PARAM_NUMBER:
		return range_schema(param, "number");
	case GLINT_PARAM_DURATION:
		return json_pack("{s:s, s:s, s:o, s:o}", "type", "string", "pattern",
				 "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s)?$", "x-minimum-seconds",
				 plain_number(param->min), "x-maximum-seconds",
				 plain_number(param->max));
	case GLINT_PARAM_MOMENT:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
				 "^(now|last|[0-9]+|seq:[0-9]+|mark:[A-Za-z0-9._-]{1,63})$");
	case GLINT_PARAM_REGION:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
				 "^[0-9]{1,5}x[0-9]{1,5}[+ ][0-9]{1,5}[+ ][0-9]{1,5}$");
	case GLINT_PARAM_WORD:
		return words_schema(param->words);
	case GLINT_PARAM_TEXT:
		break;
	}
	return json_pack("{s:s, s:I}", "type", "string", "maxLength",
			 (json_int_t)(param->max > 0 ? param->max : GLINT_PARAM_TEXT_MAX));
}

static json_t *default_of(const struct glint_param *param)
{
	if (param->kind == GLINT_PARAM_INTEGER || param->kind == GLINT_PARAM_NUMBER)
		return json_loads(param->fallback, JSON_DECODE_ANY, NULL);
	return json_string(param->fallback);
}

static json_t *param_object(const struct glint_param *param)
{
	json_t *schema = param_schema(param), *object;

	if (param->unit)
		json_object_set_new(schema, "x-unit", json_string(param->unit));
	if (param->fallback)
		json_object_set_new(schema, "default", default_of(param));
	if (param->most > 1)
		schema = json_pack("{s:s, s:o, s:i}", "type", "array", "items", schema, "maxItems",
				   (int)param->most);
	object = json_pack("{s:s, s:s, s:s, s:o}", "name", param->name, "in", "query",
			   "description", param->help, "schema", schema);
	/* Like ustreamer, the service ignores values of these that it cannot read. */
	if (param->lenient)
		json_object_set_new(object, "x-lenient", json_true());
	return object;
}

static json_t *answer_object(const struct glint_answer *answer)
{
	json_t *media = answer->schema ?
				json_pack("{s:o}", "schema", schema_reference(answer->schema)) :
				json_object();

	return json_pack("{s:s, s:{s:o}}", "description", answer->help, "content", answer->type,
			 media);
}

static json_t *body_object(const struct glint_endpoint *endpoint)
{
	json_t *content = json_pack("{s:{s:o}}", endpoint->media_type, "schema",
				    schema_reference(endpoint->body_schema));
	json_t *body = json_pack("{s:o, s:I}", "content", content, "x-maximum-bytes",
				 (json_int_t)endpoint->body_max);

	for (const char *const *at = endpoint->byte_types; at && *at; at++)
		json_object_set_new(content, *at,
				    json_pack("{s:I}", "x-maximum-bytes",
					      (json_int_t)endpoint->byte_max));
	return body;
}

static json_t *operation_object(const struct glint_endpoint *endpoint)
{
	json_t *operation = json_pack("{s:s}", "summary", endpoint->summary);
	json_t *parameters = json_array(), *responses = json_object();

	for (const struct glint_param *at = endpoint->params; at && at->name; at++)
		json_array_append_new(parameters, param_object(at));
	json_object_set_new(operation, "parameters", parameters);
	if (endpoint->params)
		json_object_set_new(operation, "x-other-parameters",
				    json_string(endpoint->others ? "ignored" : "refused"));
	if (endpoint->body_schema)
		json_object_set_new(operation, "requestBody", body_object(endpoint));
	for (const struct glint_answer *at = endpoint->answers; at && at->status; at++) {
		char status[12];

		snprintf(status, sizeof(status), "%u", at->status);
		json_object_set_new(responses, status, answer_object(at));
	}
	json_object_set_new(responses, "default",
			    json_pack("{s:s}", "$ref", "#/components/responses/Refusal"));
	json_object_set_new(operation, "responses", responses);
	return operation;
}

static json_t *route_object(const struct glint_route *route)
{
	static const char *const methods[GLINT_METHODS] = {
		[GLINT_METHOD_GET] = "get",	  [GLINT_METHOD_POST] = "post",
		[GLINT_METHOD_PUT] = "put",	  [GLINT_METHOD_PATCH] = "patch",
		[GLINT_METHOD_DELETE] = "delete",
	};
	json_t *object = json_object();

	for (unsigned i = 0; i < GLINT_METHODS; i++)
		if (methods[i] && route->on[i].handle && route->on[i].summary)
			json_object_set_new(object, methods[i], operation_object(&route->on[i]));
	return object;
}

static json_t *openapi_object(const struct glint_server *server)
{
	json_t *paths = json_object();
	json_t *schemas = json_loadb(glint_schemas, (size_t)(glint_schemas_end - glint_schemas),
				     JSON_REJECT_DUPLICATES, NULL);

	for (const struct glint_route *const *at = server->routes; *at; at++) {
		json_t *object = route_object(*at);

		if (json_object_size(object) > 0)
			json_object_set(paths, (*at)->paths[0], object);
		json_decref(object);
	}
	return json_pack(
		"{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:{s:{s:s, s:{s:{s:o}}}}}}", "openapi",
		"3.1.0", "info", "title", "glint", "version", "1", "description",
		"Members are added to the JSON of replies, and parameters to requests. Those that "
		"are there keep their names, types and meanings: readers ignore what they do not "
		"know.",
		"paths", paths, "components", "schemas", schemas, "responses", "Refusal",
		"description", "Refused; the status says by whose fault.", "content",
		"application/json", "schema", schema_reference("Refusal"));
}

static void openapi_get(struct glint_client *client)
{
	glint_json_reply(client, 200, openapi_object(client->server));
}

const struct glint_route glint_route_openapi = {
	.paths = { "/openapi.json" },
	.on[GLINT_METHOD_GET] = {
		.handle = openapi_get,
		.params = glint_no_params,
		.summary = "This description, OpenAPI 3.1.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "OpenApi", "The description." },
			{ 0 },
		},
	},
};
