/* SPDX-License-Identifier: MIT */
/*
 * GET /config: all settings. PATCH /config: change some of them at run time, all that the
 * request names or none. The request waits while devices are asked.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/change.h"
#include "core/status.h"
#include "http/assignments.h"
#include "http/client.h"
#include "http/internal.h"
#include "http/json.h"
#include "http/reply.h"
#include "http/route.h"

#define BODY_MAX 16384u

static void config_get(struct glint_client *client)
{
	const struct glint_server *server = client->server;
	struct glint_json_report json;

	glint_json_report_begin(&json);
	glint_report_bool(&json.report, "ok", true);
	glint_report_object(&json.report, "result");
	server->ops->settings(server->ctx, &json.report);
	glint_report_end(&json.report);
	glint_json_report_reply(&json, client);
}

/* --- Changes ------------------------------------------------------------------------------ */

struct patch {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_change change;
	bool waits; /* the service has the change */
	struct glint_assignments assignments;
};

static struct patch *patch_of(struct glint_activity *activity)
{
	return container_of(activity, struct patch, activity);
}

static void patch_stop(struct glint_activity *activity)
{
	struct patch *patch = patch_of(activity);
	const struct glint_server *server = patch->client->server;

	if (patch->waits)
		server->ops->forget(server->ctx, &patch->change);
	patch->waits = false;
}

static void patch_free(struct glint_activity *activity)
{
	struct patch *patch = patch_of(activity);

	glint_assignments_free(&patch->assignments);
	free(patch);
}

static const struct glint_activity_ops patch_ops = {
	.stop = patch_stop,
	.free = patch_free,
};

/* NULL: memory is short. */
static json_t *tell_made(const struct glint_change *change)
{
	json_t *device = json_object();

	for (unsigned i = 0; device && i < change->n_made; i++) {
		const struct glint_change_made *made = &change->made[i];

		if (json_object_set_new(device, made->name,
					json_pack("{s:s?, s:s, s:b}", "asked", made->asked, "got",
						  made->got, "as_asked", made->as_asked)) < 0) {
			json_decref(device);
			device = NULL;
		}
	}
	return device;
}

static void reply_changed(struct glint_client *client, const struct glint_change *change)
{
	json_t *names = json_array(), *result;

	for (unsigned i = 0; names && i < change->n_values; i++)
		if (json_array_append_new(names, json_string(change->values[i].name)) < 0) {
			json_decref(names);
			names = NULL;
		}
	result = json_pack("{s:o, s:s, s:I}", "changed", names, "holds",
			   glint_holds_name(change->holds), "generation",
			   (json_int_t)change->generation);
	if (change->n_made > 0 && json_object_set_new(result, "device", tell_made(change)) < 0) {
		json_decref(result);
		result = NULL;
	}
	glint_json_reply(client, 200, json_pack("{s:b, s:o}", "ok", true, "result", result));
}

static void patch_done(struct glint_change *change)
{
	struct patch *patch = container_of(change, struct patch, change);
	struct glint_client *client = patch->client;

	patch->waits = false;
	switch (change->outcome) {
	case GLINT_CHANGE_DONE:
		reply_changed(client, change);
		break;
	case GLINT_CHANGE_UNKNOWN:
		glint_json_refuse(client, 400, "unknown-setting", change->message);
		break;
	case GLINT_CHANGE_INVALID:
		glint_json_refuse(client, 400, "bad-value", change->message);
		break;
	case GLINT_CHANGE_RESTART:
		glint_json_refuse(client, 409, "needs-restart", change->message);
		break;
	case GLINT_CHANGE_REFUSED:
		glint_json_refuse(client, 409, "refused-by-device", change->message);
		break;
	case GLINT_CHANGE_SILENT:
		glint_json_refuse(client, 503, "device-silent", change->message);
		break;
	case GLINT_CHANGE_NO_MEMORY:
		glint_reply_error(client, 503);
		break;
	}
}

static void config_patch(struct glint_client *client)
{
	const struct glint_server *server = client->server;
	struct patch *patch = calloc(1, sizeof(*patch));

	if (!patch) {
		glint_reply_error(client, 503);
		return;
	}
	patch->activity.ops = &patch_ops;
	patch->client = client;
	glint_client_set_activity(client, &patch->activity);
	if (!glint_assignments_read(client, "{\"quality\": 70}", &patch->assignments))
		return;
	patch->change.values = patch->assignments.values;
	patch->change.n_values = patch->assignments.n;
	patch->change.done = patch_done;
	patch->waits = true;
	server->ops->change(server->ctx, &patch->change);
}

const struct glint_route glint_route_config = {
	.paths = { "/config" },
	.on[GLINT_METHOD_GET] = {
		.handle = config_get,
		.params = glint_no_params,
		.summary = "All settings.",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "Config", "The settings." },
			{ 0 },
		},
	},
	.on[GLINT_METHOD_PATCH] = {
		.handle = config_patch,
		.body_max = BODY_MAX,
		.media_type = "application/json",
		.params = glint_no_params,
		.changes = true,
		.summary = "Change settings while the service runs: all that are named, or none.",
		.body_schema = "ConfigChange",
		.answers = (const struct glint_answer[]){
			{ 200, "application/json", "ConfigChanged", "What was changed, and when it holds." },
			{ 400, "application/json", "Refusal", "bad-json, unknown-setting, bad-value." },
			{ 409, "application/json", "Refusal", "needs-restart, refused-by-device." },
			{ 422, "application/json", "Refusal", "no-object, bad-type." },
			{ 503, "application/json", "Refusal", "device-silent." },
			{ 0 },
		},
	},
};
